"""Variance of totals under several stages of stratified sampling of units.

At stage s, with u the totals of its units, V_s = sum_h m_h (1 - f_h) n_h / (n_h - 1) sum_j (u_hj - mean_h)(...)', where m_h is
the product of the sampling fractions of the stages before. Without finite population corrections only the first stage counts.

References
----------
Saerndal, C.-E., Swensson, B. and Wretman, J. (1992). Model Assisted Survey Sampling, section 4.3. Springer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import FitError, SurveyError, listed
from wwm_models.records import SamplingDesign

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


def staged_covariance(rows: Array, design: SamplingDesign) -> Array:
    """Covariance of the column sums of `rows`.

    Parameters
    ----------
    rows : (n, m) array
        Each respondent's weighted contribution; zeros for respondents outside the domain.
    design : SamplingDesign

    Returns
    -------
    (m, m) array

    Raises
    ------
    FitError
        If a stratum has a single sampling unit and the policy for that is "error".
    SurveyError
        If a population size is smaller than the sample.
    """
    result = np.zeros((rows.shape[1], rows.shape[1]))
    before = np.ones(len(rows))
    for stage in range(design.psu.shape[1]):
        first, unit, stratum = units_of(design, stage)
        sizes = np.bincount(stratum).astype(np.float64)
        fraction = sampling_fractions(design, stage, first, stratum, sizes)
        totals = np.zeros((len(first), rows.shape[1]))
        np.add.at(totals, unit, rows)
        multiplier = np.zeros(len(sizes))
        multiplier[stratum] = before[first]
        result += _one_stage(totals, stratum, sizes, multiplier * (1.0 - fraction), design, stage)
        if design.fpc is None:
            break
        before = before * fraction[stratum][unit]
    return result


def units_of(design: SamplingDesign, stage: int) -> tuple[Codes, Codes, Codes]:
    """Sampling units of a stage.

    Returns
    -------
    first : (units,) int array
        A row of each unit.
    unit : (n,) int array
        Unit of each row.
    stratum : (units,) int array
        Stratum of each unit, numbered without gaps.
    """
    _, first, unit = np.unique(design.psu[:, stage], return_index=True, return_inverse=True)
    _, stratum = np.unique(design.strata[first, stage], return_inverse=True)
    return first.astype(np.intp), unit.astype(np.intp), stratum.astype(np.intp)


def sampling_fractions(design: SamplingDesign, stage: int, first: Codes, stratum: Codes, sizes: Array) -> Array:
    """Share of each stratum's units that was sampled; 0 where sampling was with replacement or the size is unknown."""
    if design.fpc is None or stage >= design.fpc.shape[1]:
        return np.zeros(len(sizes))
    declared = np.zeros(len(sizes))
    declared[stratum] = design.fpc[first, stage]
    with np.errstate(divide="ignore"):
        fraction = np.where(declared <= 1.0, declared, sizes / declared)
    wrong = np.flatnonzero((fraction > 1.0 + 1e-9) | ~np.isfinite(fraction) | (declared <= 0.0))
    if len(wrong):
        raise SurveyError(
            f"fpc at stage {stage + 1}: {len(wrong)} strata declare fewer units than were sampled (first: {declared[wrong[0]]:g} for "
            f"{sizes[wrong[0]]:g} sampled). Expected the number of units in the population, or the fraction sampled."
        )
    return np.minimum(fraction, 1.0)


def _one_stage(totals: Array, stratum: Codes, sizes: Array, factor: Array, design: SamplingDesign, stage: int) -> Array:
    means = np.zeros((len(sizes), totals.shape[1]))
    np.add.at(means, stratum, totals)
    means /= sizes[:, None]
    lonely = (sizes == 1) & (factor > 1e-7)
    if lonely.any() and design.lonely == "error":
        raise FitError(
            f"{int(lonely.sum())} of {len(sizes)} strata at stage {stage + 1} have a single sampling unit (strata number "
            f"{listed(np.flatnonzero(lonely))}), so their variance cannot be estimated. Merge strata, or name a policy: "
            'lonely = "certainty", "adjust" or "average".'
        )
    scale = factor * np.where(sizes > 1, sizes / np.maximum(sizes - 1.0, 1.0), 0.0)
    if design.lonely == "adjust":
        means[lonely] = 0.0
        scale = np.where(lonely, factor, scale)
    centred = totals - means[stratum]
    result = (centred * scale[stratum][:, None]).T @ centred
    if design.lonely == "average" and lonely.any():
        result *= len(sizes) / max(float((~lonely).sum()), 1.0)
    return result
