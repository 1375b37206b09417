"""Variance of totals under several stages of stratified sampling of units.

At stage s, with u the totals of its units, V_s = sum_h m_h (1 - f_h) n_h / (n_h - 1) sum_j (u_hj - mean_h)(...)', where m_h is
the product of the sampling fractions of the stages before. Without finite population corrections only the first stage counts.

A lonely stratum (one unit, not sampled whole) has no variance of its own. "error" refuses it, "certainty" counts nothing, "adjust" takes
its total around the grand mean, 0, and "average" the mean over the other strata: V times strata over strata that are not lonely. As in R's
survey, only strata with a member of the domain count, each number having its own; after the first stage the average is within the
unit of the stage before, and over all of the stage for units whose strata are all lonely (R gives none then).

References
----------
Saerndal, C.-E., Swensson, B. and Wretman, J. (1992). Model Assisted Survey Sampling, section 4.3. Springer.
Lumley, T. (2010). Complex Surveys. Wiley (svyrecvar with options survey.lonely.psu, survey.adjust.domain.lonely = FALSE).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import FitError, SurveyError, listed
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.survey.sampling_design import SamplingDesign, refuse_varying_sizes

Members = Callable[[], NDArray[np.bool_]]
WHOLE = 1e-7  # a stratum of which a smaller share was not sampled is taken to be sampled whole, as R's survey does


def staged_covariance(
    rows: Array, design: SamplingDesign, within_group: Array | None = None, members: Members | None = None
) -> Array:
    """Covariance of the column sums of `rows`.

    Parameters
    ----------
    rows : (n, m) array
        Each respondent's weighted contribution; zeros for respondents outside the domain.
    design : SamplingDesign
    within_group : (n, m) array, optional
        Of respondents who are grouped, what is in proportion to their own weights; all of it unless given.
    members : function giving (n, m) booleans, optional
        Which rows are in the domain of each number; all of them unless given. Asked for where a stratum is lonely.

    Returns
    -------
    (m, m) array
        Missing for a number all of whose strata are lonely, under "average".

    Raises
    ------
    FitError
        If a stratum has a single sampling unit and the policy for that is "error".
    SurveyError
        If a population size is smaller than the sample.
    """
    result = np.zeros((rows.shape[1], rows.shape[1]))
    before = np.ones(len(rows))
    parent = np.zeros(len(rows), dtype=np.intp)
    for stage in range(design.psu.shape[1]):
        first, unit, stratum = units_of(design, stage)
        counts = unit_counts(design, stage, stratum)
        sizes = np.bincount(stratum, counts).astype(np.float64)
        fraction = sampling_fractions(design, stage, first, stratum, sizes)
        totals = np.zeros((len(first), rows.shape[1]))
        np.add.at(totals, unit, rows)
        multiplier = np.zeros(len(sizes))
        multiplier[stratum] = before[first]
        varying = totals if within_group is None or design.told_apart(stage) else within_group[first]
        lonely = (sizes == 1) & (1.0 - fraction > WHOLE) & (multiplier > 0.0)
        inside = None
        if lonely.any() and design.lonely in ("error", "average"):
            inside = _strata_with_members(stratum[unit], len(sizes), rows.shape[1], members)
            _refuse_lonely(lonely, inside, design, stage, first[_first_of(stratum)])
        units = _Units(totals, counts, _excess(design, stage), varying, stratum, sizes, lonely)
        above = np.zeros(len(sizes), dtype=np.intp)
        above[stratum] = parent[first]
        result += _one_stage(units, multiplier * (1.0 - fraction), design, inside, above)
        if design.fpc is None:
            break
        before, parent = before * fraction[stratum][unit], unit
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
    refuse_varying_sizes(f"fpc {stage + 1}", design.fpc[:, stage], design, stage)
    declared = np.zeros(len(sizes))
    declared[stratum] = design.fpc[first, stage]
    with np.errstate(divide="ignore"):
        fraction = sizes / declared if (declared > 1.0).any() else declared
    wrong = np.flatnonzero((fraction > 1.0 + 1e-9) | ~np.isfinite(fraction) | (declared <= 0.0))
    if len(wrong):
        raise SurveyError(
            f"fpc at stage {stage + 1}: {len(wrong)} strata declare fewer units than were sampled (first: {declared[wrong[0]]:g} for "
            f"{sizes[wrong[0]]:g} sampled). Expected the number of units in the population, or the fraction sampled. Repair the column."
        )
    return np.minimum(fraction, 1.0)


def contributing_stages(design: SamplingDesign) -> int:
    """How many stages add to the variance: those down to the last whose units were sampled from a known finite part of a unit.

    Without population sizes that is the first alone; a stage all of whose units were taken adds nothing.
    """
    last, before = 1, np.ones(len(design.psu))
    for stage in range(design.psu.shape[1] if design.fpc is not None else 1):
        first, unit, stratum = units_of(design, stage)
        sizes = np.bincount(stratum, unit_counts(design, stage, stratum)).astype(np.float64)
        fraction = sampling_fractions(design, stage, first, stratum, sizes)[stratum]
        if (before[first] * (1.0 - fraction) > WHOLE).any():
            last = stage + 1
        before = before * fraction[unit]
    return last


def unit_counts(design: SamplingDesign, stage: int, stratum: Codes) -> Array:
    """(units,) ones; or the respondents of every row, where respondents are the units and are grouped."""
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
    within_group_weight_variance: Array | None
    varying: Array
    stratum: Codes
    sizes: Array
    lonely: NDArray[np.bool_]


def _excess(design: SamplingDesign, stage: int) -> Array | None:
    return None if design.tally is None or design.told_apart(stage) else design.tally.within_group_weight_variance


def _first_of(stratum: Codes) -> Codes:
    """A unit of each stratum."""
    return np.unique(stratum, return_index=True)[1].astype(np.intp)


def _strata_with_members(stratum: Codes, count: int, size: int, members: Members | None) -> NDArray[np.bool_]:
    """(strata, m) whether a stratum of the rows' has a row in the domain of each number."""
    if members is None:
        return np.ones((count, size), dtype=bool)
    inside = np.zeros((count, size), dtype=bool)
    np.logical_or.at(inside, stratum, members())
    return inside


def _refuse_lonely(
    lonely: NDArray[np.bool_], inside: NDArray[np.bool_], design: SamplingDesign, stage: int, row: Codes
) -> None:
    with_members = np.array(inside.any(axis=1))
    wrong = np.flatnonzero(lonely & with_members)
    if design.lonely == "error" and len(wrong):
        names = [design.stratum_name(stage, int(design.strata[row[place], stage])) for place in wrong]
        told = f"strata {listed(names)}" if any(names) else "the whole sample, since no strata are declared"
        raise FitError(
            f"{len(names)} of {int(with_members.sum())} strata at stage {stage + 1} have a single sampling unit ({told}), so their variance "
            'cannot be estimated. Expected two units or more in each. Merge strata, or name a policy: lonely = "certainty", "adjust" or "average".'
        )


def _one_stage(
    units: _Units, factor: Array, design: SamplingDesign, inside: NDArray[np.bool_] | None, above: Codes
) -> Array:
    totals, stratum, sizes, lonely = units.totals, units.stratum, units.sizes, units.lonely
    means = np.zeros((len(sizes), totals.shape[1]))
    np.add.at(means, stratum, totals)
    means /= sizes[:, None]
    scale = factor * np.where(sizes > 1, sizes / np.maximum(sizes - 1.0, 1.0), 0.0)
    if design.lonely == "adjust":
        means[lonely] = 0.0
        scale = np.where(lonely, factor, scale)
    own = np.divide(totals, units.counts[:, None], out=np.zeros_like(totals), where=units.counts[:, None] > 0)
    centred, varying = own - means[stratum], units.varying
    if design.lonely == "average" and inside is not None:
        root = np.sqrt(_averaging(lonely, inside, above))[stratum]
        centred, varying = centred * root, varying * root
    result = (centred * (scale[stratum] * units.counts)[:, None]).T @ centred
    if units.within_group_weight_variance is not None:
        result += (varying * (scale[stratum] * units.within_group_weight_variance)[:, None]).T @ varying
    return result


def _averaging(lonely: NDArray[np.bool_], inside: NDArray[np.bool_], above: Codes) -> Array:
    """(strata, m) factors by which strata stand for the lonely ones of the same unit `above`; missing where all are lonely."""
    parents = int(above.max()) + 1
    every, own = np.zeros((2, parents, inside.shape[1]))
    np.add.at(every, above, inside)
    np.add.at(own, above, inside & ~lonely[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(own > 0, every / own, 0.0)
        units, known = (every > 0).sum(axis=0), (own > 0).sum(axis=0)
        across = np.where(units > 0, np.where(known > 0, units / known, np.nan), 1.0)
    return (within * across)[above]
