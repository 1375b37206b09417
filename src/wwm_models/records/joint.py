"""Several ordered items of one survey, and a posterior of their joint model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.records.fit import Columns
from wwm_models.records.posterior import origin_of_draws
from wwm_models.records.survey import Survey

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ItemRows:
    """Respondents who answered at least one of J items, collapsed to unique rows of predictors and answers.

    Attributes
    ----------
    items : tuple of str, J long
    categories : tuple of J tuples of str
        All declared answers of each item in order.
    orders : tuple of J int arrays
        Positions among the categories of the answers that have respondents.
    patterns : DataFrame, P rows
        Unique predictor combinations.
    columns : (P, p) array
        Predictor columns minus their weighted mean.
    centre : (p,) array
        That mean.
    names, terms : tuples of str, p long
    pattern : (R,) int array
        Pattern of each unique row.
    answers : (J, R) int array
        Position among the item's answered categories; -1 where not answered.
    weights : (R,) array
        Sum of the respondents' weights; all weights together are `n_effective`.
    counts : (R,) array
        Respondents.
    cut_item : (C,) int array
        Item of each cut point.
    row : (n,) int array
        Unique row of each respondent of the survey; -1 for those not used.
    row_weight : (n,) array
    n, n_effective : respondents used, and Kish's effective number of them
    excluded : mapping of reason to number of respondents
    build : function of columns of predictors -> (rows, p) array
        The same centred columns for other rows.
    """

    items: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    orders: tuple[Codes, ...]
    patterns: pd.DataFrame
    columns: Array
    centre: Array
    names: tuple[str, ...]
    terms: tuple[str, ...]
    pattern: Codes
    answers: Codes
    weights: Array
    counts: Array
    cut_item: Codes
    row: Codes
    row_weight: Array
    n: int
    n_effective: float
    excluded: Mapping[str, int]
    build: Callable[[Columns], Array]

    @property
    def predictors(self) -> Array:
        """(R, p) centred columns of the unique rows."""
        return self.columns[self.pattern]


@dataclass(frozen=True, eq=False)
class ItemParameters:
    """Parameters of all items: one set, or draws with a leading axis.

    Attributes
    ----------
    cuts : (..., C) array
        Cut points of the first item, then of the second, ...: increasing within an item.
    slopes : (..., J, p) array
    loadings : (..., J) array
        Positive: how strongly the person effect moves each item.
    """

    cuts: Array
    slopes: Array
    loadings: Array


@dataclass(frozen=True, eq=False)
class JointPosterior:
    """Draws of the joint model of several items.

    Attributes
    ----------
    survey : Survey
    rows : ItemRows
    draws : ItemParameters
        With s draws, chain after chain.
    unconstrained : (s, d) array
        The coordinates the sampler's density is written in.
    names : tuple of str, d long
        Names of those coordinates.
    mean_slopes : (s, p) array
        What the items' slopes are pooled towards.
    spreads : DataFrame, s rows
        Standard deviation between items of the slopes of each term.
    chains : int
    health : DataFrame
        As in `Posterior`.
    divergences : int
    message : str
        What is wrong, in a sentence; empty when nothing is.
    notes : tuple of str
        What a reader must know of the weights and the assumptions.
    seed : int
    density : record of ``engines.bayes.joint``
        The log density that was sampled.
    method : str
        As tables call it.
    sample_stats : mapping of name to (chains, s / chains) array
    build_idata : function of a JointPosterior
        Makes what ArviZ reads.
    """

    survey: Survey
    rows: ItemRows
    draws: ItemParameters
    unconstrained: Array
    names: tuple[str, ...]
    mean_slopes: Array
    spreads: pd.DataFrame
    chains: int
    health: pd.DataFrame
    divergences: int
    message: str
    notes: tuple[str, ...]
    seed: int
    density: Any
    method: str = "bayes joint"
    sample_stats: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))
    build_idata: Callable[[JointPosterior], Any] = repr

    @property
    def origin(self) -> str:
        """A mark of these draws: numbers made from the same draws belong together row by row."""
        return origin_of_draws(self.unconstrained)

    @property
    def healthy(self) -> bool:
        """Whether every check of the chains is met."""
        return not self.message

    @property
    def idata(self) -> Any:
        """ArviZ's InferenceData, or DataTree from ArviZ 1 on, with all groups that it knows."""
        return self.build_idata(self)
