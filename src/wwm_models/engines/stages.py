"""Variance of totals under several stages of stratified sampling of units.

At stage s, with u the totals of its units, V_s = sum_h m_h (1 - f_h) n_h / (n_h - 1) sum_j (u_hj - mean_h)(...)', where m_h is
the product of the sampling fractions of the stages before. Without finite population corrections only the first stage counts.

References
----------
Saerndal, C.-E., Swensson, B. and Wretman, J. (1992). Model Assisted Survey Sampling, section 4.3. Springer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import FitError, SurveyError, listed
from wwm_models.records import SamplingDesign

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


def staged_covariance(rows: Array, design: SamplingDesign, uneven: Array | None = None) -> Array:
    """Covariance of the column sums of `rows`.

    Parameters
    ----------
    rows : (n, m) array
        Each respondent's weighted contribution; zeros for respondents outside the domain.
    design : SamplingDesign
    uneven : (n, m) array, optional
        Of respondents who were counted together, what is in proportion to their own weights; all of it unless given.

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
        counts = unit_counts(design, stage, stratum)
        sizes = np.bincount(stratum, counts).astype(np.float64)
        fraction = sampling_fractions(design, stage, first, stratum, sizes)
        totals = np.zeros((len(first), rows.shape[1]))
        np.add.at(totals, unit, rows)
        multiplier = np.zeros(len(sizes))
        multiplier[stratum] = before[first]
        varying = totals if uneven is None or design.told_apart(stage) else uneven[first]
        units = _Units(totals, counts, _excess(design, stage), varying, stratum, sizes)
        result += _one_stage(units, multiplier * (1.0 - fraction), design, stage)
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


def unit_counts(design: SamplingDesign, stage: int, stratum: Codes) -> Array:
    """(units,) ones; or the respondents of every row, where respondents are the units and were counted together."""
    if design.tally is None or design.told_apart(stage):
        return np.ones(len(stratum))
    return design.tally.count


def number_of_units(design: SamplingDesign) -> int:
    """Sampling units of the first stage in the full sample."""
    return round(float(unit_counts(design, 0, units_of(design, 0)[2]).sum()))


@dataclass(frozen=True, eq=False)
class _Units:
    """Units of a stage: the totals of each row of them, how many units that is, and how their shares of it vary.

    With c units whose shares of a total u are w_j / sum(w), the sum of squares of their totals is u u' sum(w^2) / sum(w)^2, which
    is u u' / c between and u u' times the excess within; where only a part of u goes by weight, that part stands for it within.
    """

    totals: Array
    counts: Array
    excess: Array | None
    varying: Array
    stratum: Codes
    sizes: Array


def _excess(design: SamplingDesign, stage: int) -> Array | None:
    return None if design.tally is None or design.told_apart(stage) else design.tally.excess


def _one_stage(units: _Units, factor: Array, design: SamplingDesign, stage: int) -> Array:
    totals, stratum, sizes = units.totals, units.stratum, units.sizes
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
    centred = totals / units.counts[:, None] - means[stratum]
    result = (centred * (scale[stratum] * units.counts)[:, None]).T @ centred
    if units.excess is not None:
        result += (units.varying * (scale[stratum] * units.excess)[:, None]).T @ units.varying
    if design.lonely == "average" and lonely.any():
        result *= len(sizes) / max(float((~lonely).sum()), 1.0)
    return result
