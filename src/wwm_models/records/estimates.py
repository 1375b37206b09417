"""Estimates with what later steps need of them: covariance, influence of each respondent, or posterior draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import listed
from wwm_models.records.estimand import Estimand
from wwm_models.records.sampling import SamplingDesign
from wwm_models.records.tally import Tally

Array = NDArray[np.float64]

ESTIMATE_COLUMNS: Final = (
    "outcome", "category", "estimate", "std_error", "lower", "upper", "level", "count", "n", "n_effective", "method", "estimand",
)  # fmt: skip


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
    frequency : bool
        Weights count identical respondents instead of representing others.
    tally : Tally or None
        Respondents behind each row, where rows are not respondents.
    uneven : (cells, m) array or None
        The part of `values` that is in proportion to a respondent's own weight, where the respondents of a row count alike in the
        rest; None: all of it.
    """

    values: Array
    row_cell: NDArray[np.intp]
    row_weight: Array
    design: SamplingDesign | None
    frequency: bool
    tally: Tally | None = None
    uneven: Array | None = None

    @cached_property
    def occupied(self) -> Influence:
        """The same, without the cells that hold nobody."""
        used = self.row_cell >= 0
        held = np.zeros(len(self.values), dtype=bool)
        held[self.row_cell[used]] = True
        place = np.where(used, (np.cumsum(held) - 1)[self.row_cell], -1)
        uneven = None if self.uneven is None else self.uneven[held]
        return replace(self, values=self.values[held], row_cell=place, uneven=uneven)

    def mapped(self, matrix: Array) -> Influence:
        """The influence on ``matrix @ estimates``, (k, m)."""
        uneven = None if self.uneven is None else np.nan_to_num(self.uneven) @ matrix.T
        return replace(self, values=np.nan_to_num(self.values) @ matrix.T, uneven=uneven)

    def expand(self) -> Array:
        """One row per row of the survey: (n, m)."""
        return self._rows_of(self.values)

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
        Degrees of freedom of intervals; infinite for the normal.
    replicated : (R, m) array or None
        Deviations of the replicate estimates, scaled so that ``replicated.T @ replicated`` is their covariance.
    origin : str
        Which fit or posterior the numbers are of: draws of one origin belong together row by row, those of two do not.
    """

    table: pd.DataFrame
    by: tuple[str, ...]
    covariance: Array
    contributions: Influence | None = None
    draws: Array | None = None
    df: float = float("inf")
    replicated: Array | None = None
    origin: str = ""

    @property
    def estimands(self) -> tuple[Estimand, ...]:
        """What the numbers are of, each once, in the order of the table."""
        return tuple(Estimand.parse(text) for text in dict.fromkeys(self.table["estimand"]))

    @property
    def influence(self) -> Array | None:
        """(n, m) contributions of the survey's respondents, or None for a posterior."""
        return None if self.contributions is None else self.contributions.expand()

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
