"""Estimates with what later steps need of them: covariance, influence of each respondent, or posterior draws."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import listed
from wwm_models.records.estimand import Estimand
from wwm_models.records.sampling import SamplingDesign
from wwm_models.records.survey import Survey
from wwm_models.records.tally import Tally

Array = NDArray[np.float64]

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
        return np.where(self.estimable, np.sqrt(np.maximum(np.diag(joint), 0.0)), np.nan)

    def rows(self, places: NDArray[np.intp]) -> Freedom:
        """The same of some of the numbers."""
        return Freedom(self.df[places], self.reasons[places])


def endless(size: int) -> Freedom:
    """Of numbers whose law is the normal, or that have draws."""
    return Freedom(np.full(size, np.inf), np.full(size, "", dtype=object))


@dataclass(frozen=True, eq=False)
class Influence:
    """What each respondent contributes to m estimates, to first order, stored by cell.

    Respondent i moves the estimates by ``row_weight[i] * values[row_cell[i]]``; rows with cell -1 by nothing.

    Attributes
    ----------
    values : (cells, m) array
        Per unit of weight.
    row_cell : (n,) int array
    row_weight : (n,) array
    design : SamplingDesign or None
    tally : Tally or None
        Respondents behind each row, where rows are not respondents.
    uneven : (cells, m) array or None
        The part of `values` that is in proportion to a respondent's own weight, where the respondents of a row count alike in the
        rest; None: all of it.
    members : (cells, m) bool array or None
        Whether a cell is in the domain of each number; None: every cell is.
    source : str
        The identity of the survey (`Survey.identity`): contributions of the same respondents are added up, those of others are not.
    ids : (n,) array of text or None
        Who the rows are (`Survey.ids`).
    beside : tuple of Influence
        Contributions of other surveys to the same estimates, independent of these.
    """

    values: Array
    row_cell: NDArray[np.intp]
    row_weight: Array
    design: SamplingDesign | None
    tally: Tally | None = None
    uneven: Array | None = None
    members: NDArray[np.bool_] | None = None
    source: str = ""
    beside: tuple[Influence, ...] = ()
    ids: NDArray[np.object_] | None = None

    @classmethod
    def of(
        cls,
        survey: Survey,
        values: Array,
        row_cell: NDArray[np.intp],
        row_weight: Array,
        *,
        members: NDArray[np.bool_] | None = None,
    ) -> Influence:
        """Give contributions of a survey's respondents, under its design."""
        return cls(values, row_cell, row_weight, survey.design, survey.tally, members=members, source=survey.identity, ids=survey.ids)  # fmt: skip

    @property
    def parts(self) -> tuple[Influence, ...]:
        """The contributions of each survey."""
        return (replace(self, beside=()), *self.beside)

    @cached_property
    def occupied(self) -> Influence:
        """The same, without the cells that hold nobody."""
        used = self.row_cell >= 0
        held = np.zeros(len(self.values), dtype=bool)
        held[self.row_cell[used]] = True
        place = np.where(used, (np.cumsum(held) - 1)[self.row_cell], -1)
        uneven = None if self.uneven is None else self.uneven[held]
        members = None if self.members is None else self.members[held]
        beside = tuple(one.occupied for one in self.beside)
        return replace(self, values=self.values[held], row_cell=place, uneven=uneven, members=members, beside=beside)

    def mapped(self, matrix: Array) -> Influence:
        """The influence on ``matrix @ estimates``, (k, m)."""
        uneven = None if self.uneven is None else np.nan_to_num(self.uneven) @ matrix.T
        touched = (matrix != 0.0).astype(np.float32)
        members = None if self.members is None else self.members.astype(np.float32) @ touched.T > 0.0
        beside = tuple(one.mapped(matrix) for one in self.beside)
        return replace(
            self, values=np.nan_to_num(self.values) @ matrix.T, uneven=uneven, members=members, beside=beside
        )

    def expand(self) -> Array:
        """One row per row of the survey: (n, m); those of other surveys are in `beside`."""
        return self._rows_of(self.values)

    def expand_members(self) -> NDArray[np.bool_]:
        """Give (n, m) whether a row with weight is in the domain of each number."""
        used = (self.row_cell >= 0) & (self.row_weight > 0.0)
        rows = np.zeros((len(self.row_cell), self.values.shape[1]), dtype=bool)
        rows[used] = True if self.members is None else self.members[self.row_cell[used]]
        return rows

    def expand_uneven(self) -> Array:
        """Of each row, what is in proportion to its respondents' own weights: (n, m), zeros where these are equal."""
        if self.tally is None:
            return np.zeros((len(self.row_cell), self.values.shape[1]))
        if self.uneven is not None:
            return self._rows_of(self.uneven)
        return np.where(self.tally.excess[:, None] > 0.0, self.expand(), 0.0)

    def _rows_of(self, values: Array) -> Array:
        used = self.row_cell >= 0
        rows = np.zeros((len(self.row_cell), values.shape[1]))
        rows[used] = values[self.row_cell[used]] * self.row_weight[used, None]
        return rows


@dataclass(frozen=True, eq=False)
class Estimates:
    """A tidy table of m estimates with their joint law.

    Attributes
    ----------
    table : DataFrame, m rows
        The by-variables, then `ESTIMATE_COLUMNS`; probabilities are in 0..1.
    by : tuple of str
    covariance : (m, m) array
    contributions : Influence or None
        Linearised contribution of every respondent (likelihood and raw).
    draws : (s, m) array or None
        Posterior draws.
    df : float
        Smallest degrees of freedom of the intervals; infinite for the normal.
    replicated : (R, m) array or None
        Deviations of the replicate estimates, scaled so that ``replicated.T @ replicated`` is their covariance.
    origin : str
        Which fit or posterior the numbers are of: draws of one origin belong together row by row, those of two do not.
    freedom : Freedom
        Degrees of freedom of every number, and why one has no standard error or interval; `df` for all unless given.
    replicate_set : str
        Which replicate weights `replicated` is of (`Replicates.identity`): columns of two sets do not belong together.
    """

    table: pd.DataFrame
    by: tuple[str, ...]
    covariance: Array
    contributions: Influence | None = None
    draws: Array | None = None
    df: float = float("inf")
    replicated: Array | None = None
    origin: str = ""
    freedom: Freedom = field(default_factory=lambda: endless(0))
    replicate_set: str = ""

    def __post_init__(self) -> None:
        if len(self.freedom.df) != len(self.table):
            own = Freedom(np.full(len(self.table), self.df), np.full(len(self.table), "", dtype=object))
            object.__setattr__(self, "freedom", own)

    @property
    def reasons(self) -> NDArray[np.object_]:
        """(m,) why a number has no standard error or no interval; empty where it has both."""
        return self.freedom.reasons

    @property
    def estimands(self) -> tuple[Estimand, ...]:
        """What the numbers are of, each once, in the order of the table."""
        return tuple(Estimand.parse(text) for text in dict.fromkeys(self.table["estimand"]))

    @property
    def influence(self) -> Array | None:
        """(n, m) contributions of the survey's respondents, survey after survey where there are several; None for a posterior."""
        return None if self.contributions is None else np.vstack([one.expand() for one in self.contributions.parts])

    def __repr__(self) -> str:
        """What the numbers are, in a line; the numbers are in `table`."""
        by = f" by {', '.join(self.by)}" if self.by else ""
        of = listed(dict.fromkeys(self.table["outcome"]))
        levels = listed(f"{level:.6g}%" for level in dict.fromkeys(100.0 * self.table["level"]))
        methods = listed(dict.fromkeys(self.table["method"]))
        return (
            f"Estimates of {of}{by}: {len(self.table)} rows, {methods}, {levels} intervals; the numbers are in .table"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html()
