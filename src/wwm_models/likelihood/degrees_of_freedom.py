"""Degrees of freedom of estimates, and which of them cannot be estimated: one place for every interval and p-value of a design.

df = sampling units with a member of the domain (or of the reported group) minus strata with one. Where a stratum was sampled whole, its
units are no sample: those of the next stage count instead, in strata of their own, and where every stage is whole there is nothing to
estimate. Estimates of several independent surveys have Satterthwaite's, (sum V_s)^2 / sum (V_s^2 / df_s). Replicate weights take nothing
away: they have the same, at most their own number. (R's survey gives the rank of a domain's replicate weights minus 1, which is units minus
strata where all units of a stratum have members, and up to one more per stratum otherwise.)

References
----------
Korn, E. L. and Graubard, B. I. (1999). Analysis of Health Surveys, sections 2.4 and 5.2. Wiley.
Parker, J. D. et al. (2017). National Center for Health Statistics data presentation standards for proportions. Vital and Health Statistics,
series 2, no. 175.
Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components. Biometrics Bulletin 2, 110-114.
doi:10.2307/3002019
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wwm_models.likelihood.covariance import covariance
from wwm_models.likelihood.multistage import WHOLE, sampling_fractions, unit_counts, units_of
from wwm_models.models.cells import Cells, Influence
from wwm_models.numerics.arrays import Array, Codes, Flags
from wwm_models.survey.sampling_design import Replicates, SamplingDesign, respondents_as_units
from wwm_models.survey.survey import Survey

# Why a number has no standard error, or no interval.
ONE_UNIT: Final = "not estimable: all respondents are in one sampling unit"
LONELY: Final = "not estimable: every stratum has a single sampling unit"
NOBODY: Final = "not estimable: no respondents"
NO_FREEDOM: Final = "no interval: no degrees of freedom, since no stratum has two sampling units with respondents"
NOT_ESTIMABLE: Final = (ONE_UNIT, LONELY, NOBODY)


@dataclass(frozen=True, eq=False)
class Freedom:
    """On how many sampling units the errors of m numbers rest.

    Attributes
    ----------
    df : (m,) array
        Degrees of freedom: sampling units minus strata with members; infinite without a design, 0 where there are none.
    reasons : (m,) array of texts
        Why a number has no standard error (`NOT_ESTIMABLE`) or no interval; empty where it has both.
    """

    df: Array
    reasons: NDArray[np.object_]

    @property
    def estimable(self) -> NDArray[np.bool_]:
        """(m,) whether a number has a standard error."""
        return ~np.isin(self.reasons, NOT_ESTIMABLE)

    @property
    def smallest(self) -> float:
        """The smallest degrees of freedom of the numbers that have an interval; infinite where none has."""
        known = self.df[self.df > 0]
        return float(known.min()) if len(known) else float("inf")

    def std_error(self, joint: Array) -> Array:
        """(m,) standard errors of a joint covariance; missing where a number is not estimable."""
        return self.std_error_of(np.diag(joint))

    def std_error_of(self, variances: Array) -> Array:
        """(m,) standard errors of variances; missing where a number is not estimable."""
        return np.where(self.estimable, np.sqrt(np.maximum(variances, 0.0)), np.nan)

    def rows(self, places: NDArray[np.intp]) -> Freedom:
        """The same of some of the numbers."""
        return Freedom(self.df[places], self.reasons[places])


def endless(size: int) -> Freedom:
    """Of numbers whose law is the normal, or that have draws."""
    return Freedom(np.full(size, np.inf), np.full(size, "", dtype=object))


def freedom(influence: Influence, made: Replicates | None = None) -> Freedom:
    """Degrees of freedom of the m estimates of an influence, and why one cannot be estimated.

    Parameters
    ----------
    influence : Influence
    made : Replicates, optional
        Where the errors come from replicates; without strata and units, respondents are the units then.

    Returns
    -------
    Freedom
        Infinite degrees of freedom without a design.
    """
    parts = influence.parts
    if made is not None and influence.design is None:
        design = replace(respondents_as_units(len(influence.row_cell)), tally=influence.tally)
        parts = (replace(parts[0], design=design),)
    each = [_of_part(one) for one in parts]
    found = each[0] if len(each) == 1 else _combined(parts, each)
    return found if made is None else Freedom(np.minimum(found.df, made.df), found.reasons)


def fit_freedom(kind: str, survey: Survey, cells: Cells, size: int) -> Freedom:
    """The same of `size` numbers of a fit: its domain are the rows that the model uses.

    Parameters
    ----------
    kind : str
        Of the fit's covariance; without a design or replicates the law is the normal.
    survey : Survey
    cells : Cells
    size : int
    """
    if kind not in ("design", "replicates"):
        return endless(size)
    row_cell = np.where(cells.row_pattern >= 0, 0, -1).astype(np.intp)
    made = survey.replicates if kind == "replicates" else None
    return freedom(Influence.of(survey, np.zeros((1, size)), row_cell, cells.row_weight), made)


def _of_part(influence: Influence) -> Freedom:
    """Of the contributions of one survey; numbers with the same members are counted once."""
    used = (influence.row_cell >= 0) & (influence.row_weight > 0.0)
    size = influence.values.shape[1]
    sampled = None if influence.design is None else _sampled(influence.design)
    if influence.members is None:
        df, reason = _counted(sampled, used)
        return Freedom(np.full(size, df), np.full(size, reason, dtype=object))
    columns = np.packbits(influence.members, axis=0).T
    places: dict[bytes, list[int]] = {}
    for number, column in enumerate(columns):
        places.setdefault(column.tobytes(), []).append(number)
    df, reasons = np.zeros(size), np.full(size, "", dtype=object)
    for where in places.values():
        rows = np.zeros(len(used), dtype=bool)
        rows[used] = influence.members[influence.row_cell[used], where[0]]
        df[where], reasons[where] = _counted(sampled, rows)
    return Freedom(df, reasons)


@dataclass(frozen=True, eq=False)
class _Sampled:
    """The sampling unit and stratum of each row, at its first stage that was not sampled whole, numbered without gaps.

    `counts` are the units that a row stands for where respondents are units, 0 where a unit's rows are counted as one; `whole` says which
    rows no stage has sampled; `lonely` which strata have a single unit in the whole sample.
    """

    unit: Codes
    stratum: Codes
    counts: Array
    whole: Flags
    lonely: Flags


def _sampled(design: SamplingDesign) -> _Sampled:
    n, stages = design.psu.shape
    left, first_stage = np.ones(n, dtype=bool), np.zeros(n, dtype=np.intp)
    unit, stratum, counts, alone = np.zeros(n, np.intp), np.zeros(n, np.intp), np.zeros(n), np.zeros(n, dtype=bool)
    for stage in range(stages if design.fpc is not None else 1):
        first, own, within = units_of(design, stage)
        people = unit_counts(design, stage, within)
        sizes = np.bincount(within, people).astype(np.float64)
        open_ = (1.0 - sampling_fractions(design, stage, first, within, sizes) > WHOLE)[within][own] & left
        unit[open_], stratum[open_], first_stage[open_] = own[open_], within[own][open_], stage
        counts[open_] = 0.0 if design.told_apart(stage) else people[own][open_]
        alone[open_] = (sizes == 1)[within][own][open_]
        left &= ~open_
    unit = np.unique(unit * stages + first_stage, return_inverse=True)[1].astype(np.intp)
    stratum = np.unique(stratum * stages + first_stage, return_inverse=True)[1].astype(np.intp)
    lonely = np.zeros(int(stratum.max()) + 1, dtype=bool)
    lonely[stratum] = alone
    return _Sampled(unit, stratum, counts, left, lonely)


def _counted(sampled: _Sampled | None, rows: Flags) -> tuple[float, str]:
    """Degrees of freedom of a domain, and why its number cannot be estimated."""
    if not rows.any():
        return 0.0, NOBODY
    if sampled is None:
        return float("inf"), ""
    inside = rows & ~sampled.whole
    if not inside.any():
        return float("inf"), ""
    apart = sampled.counts[inside] == 0.0
    units = len(np.unique(sampled.unit[inside][apart])) + float(sampled.counts[inside].sum())
    strata = np.unique(sampled.stratum[inside])
    df = round(units) - len(strata)
    if units <= 1.0:
        return 0.0, ONE_UNIT
    if sampled.lonely[strata].all():
        return 0.0, LONELY
    return float(df), "" if df > 0 else NO_FREEDOM


def _combined(parts: tuple[Influence, ...], each: list[Freedom]) -> Freedom:
    """Of estimates that several surveys contribute to; a survey without members of a number's domain does not count."""
    variances = [np.diag(covariance(one)) for one in parts]
    reasons, total, spread = np.full(len(each[0].df), NOBODY, dtype=object), np.zeros(len(each[0].df)), 0.0
    for variance, own in zip(variances, each, strict=True):
        here = own.reasons != NOBODY
        known = np.where(here, np.nan_to_num(variance), 0.0)
        total = total + known
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = spread + np.where(known > 0, known**2 / own.df, 0.0)
        worse = here & (np.isin(reasons, (NOBODY, "")) | np.isin(own.reasons, NOT_ESTIMABLE))
        reasons = np.where(worse, own.reasons, reasons)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(np.isin(reasons, NOT_ESTIMABLE), 0.0, np.where(spread > 0, total**2 / spread, np.inf))
    return Freedom(np.where(reasons == NO_FREEDOM, 0.0, df), reasons)
