"""Several ordered items of one survey and what their joint model makes of them: respondents as rows, and a posterior.

A row (`item_rows`) has the predictors once and the answers to every item; `JointPosterior` holds the draws of all items' parameters.
`rest_correlations` are of each item with the mean of the others; `columns_of` is the design of the joint model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.bayes.posterior import origin_of_draws
from wwm_models.errors import ModelError, RankError, did_you_mean, listed
from wwm_models.messages import say, some_of, variable
from wwm_models.models.cells import outcome_codes, predictor_codes, unique_rows
from wwm_models.models.design import refuse_itself
from wwm_models.models.formula import build_encoder, encode, formula_variables
from wwm_models.models.linear_map import Columns
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.numerics.intervals import kish_effective_n
from wwm_models.numerics.newton import redundant_columns
from wwm_models.survey.survey import Survey


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
        The respondents, with their weights and design.
    rows : ItemRows
        The answers and predictors of each pattern of respondents.
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
        How many were run.
    health : DataFrame
        As in `Posterior`.
    divergences : int
        Transitions after warmup that left the posterior; 0 in a usable one.
    message : str
        What is wrong, in a sentence; empty when nothing is.
    notes : tuple of str
        What a reader must know of the weights and the assumptions.
    seed : int
        Of the random numbers: the same seed gives the same result; from 0.
    density : record of ``bayes.joint_density``
        The log density that was sampled.
    method : str
        As tables call it.
    sample_stats : mapping of name to (chains, s / chains) array
        What the sampler said of each transition: energy, step size, depth, divergence.
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


def item_rows(items: Sequence[str], predictors: str, survey: Survey) -> ItemRows:
    """Give the unique rows of predictors and answers of the respondents who answered at least one item.

    Parameters
    ----------
    items : sequence of str
        Two or more ordered outcomes.
    predictors : str
        Right side of a formula, such as ``"age_group + household"``.
    survey : Survey

    Returns
    -------
    ItemRows

    Raises
    ------
    ModelError
        If an item is named twice, absent or without an order, or nobody can be used.
    RankError
        If a predictor column is determined by the others.
    """
    known = [str(name) for name in survey.frame.columns]
    _check_items(items, known)
    variables = formula_variables(predictors, known)
    refuse_itself(items, variables)
    answers = [_answers(survey, name) for name in items]
    answered = np.any([codes >= 0 for _, codes in answers], axis=0)
    columns = [predictor_codes(survey.frame[name], name) for name in variables]
    complete = np.all([codes >= 0 for codes, _ in columns], axis=0) if columns else np.ones(len(survey), dtype=bool)
    used = survey.domain & answered & complete & (survey.weights > 0)
    excluded = {
        "no item answered": int((survey.domain & ~answered).sum()),
        "a predictor is missing": int((survey.domain & answered & ~complete).sum()),
        "weight 0": int((survey.domain & answered & complete & (survey.weights <= 0)).sum()),
    }
    if not used.any():
        raise ModelError(say("joint_nobody", items=some_of((variable(name) for name in items), 20)))
    orders = tuple(np.unique(codes[used & (codes >= 0)]) for _, codes in answers)
    for name, order, (categories, codes) in zip(items, orders, answers, strict=True):
        if len(order) < 2:
            few = survey.respondents(used & (codes >= 0)) < survey.suppress_below
            given = "" if few else f" ({listed(categories[k] for k in order)})"
            raise ModelError(
                f'Item "{name}" of the joint model: the usable respondents gave {len(order)} of its answers{given}. Expected two or more. '
                "Leave the item out."
            )
    positions = np.array([_positions(codes, order) for (_, codes), order in zip(answers, orders, strict=True)])
    person, frame = _patterns(survey, variables, used)
    kept = _Collapsed.of(person, positions[:, used], survey, used)
    right, centre, names, terms = _columns(predictors, frame, kept)
    row = np.full(len(survey), -1, dtype=np.intp)
    row[used] = kept.number
    row_weight = np.zeros(len(survey))
    row_weight[used] = kept.person_weight
    steps = [len(order) - 1 for order in orders]
    return ItemRows(
        items=tuple(items), categories=tuple(categories for categories, _ in answers), orders=orders, patterns=frame,
        columns=right(frame), centre=centre, names=names, terms=terms, pattern=kept.pattern, answers=kept.answers, weights=kept.weights,
        counts=kept.counts, cut_item=np.repeat(np.arange(len(items)), steps), row=row, row_weight=row_weight, n=int(kept.counts.sum()),
        n_effective=float(kept.weights.sum()), excluded={reason: count for reason, count in excluded.items() if count}, build=right,
    )  # fmt: skip


def _check_items(items: Sequence[str], known: Sequence[str]) -> None:
    for name in items:
        if name not in known:
            raise ModelError(
                f'Item "{name}" of the joint model is not a variable of this survey. Known: {listed(known, 30)}.{did_you_mean(name, known)}'
            )
    if len(items) < 2 or len(set(items)) < len(items):
        raise ModelError(
            f"The joint model names the items {listed(items, 20)}. Expected two or more different ordered outcomes."
        )


def _answers(survey: Survey, name: str) -> tuple[tuple[str, ...], Codes]:
    return outcome_codes(survey.frame[name], name, needs_order=True)


def _positions(codes: Codes, order: Codes) -> Codes:
    """Position of each answer among the answers that have respondents; -1 where missing."""
    place = np.full(max(int(codes.max()), int(order.max())) + 2, -1, dtype=np.intp)  # the last entry is where -1 points
    place[order] = np.arange(len(order))
    return place[codes]


def _patterns(survey: Survey, variables: Sequence[str], used: NDArray[np.bool_]) -> tuple[Codes, pd.DataFrame]:
    coded = [predictor_codes(survey.frame[name], name) for name in variables]
    number, _ = unique_rows([codes[used] for codes, _ in coded], [len(levels) for _, levels in coded], int(used.sum()))
    _, first = np.unique(number, return_index=True)
    rows = survey.frame.loc[used, list(variables)].iloc[first]
    return number, pd.DataFrame({name: _values(rows[name]) for name in variables}, index=range(len(first)))


def _values(column: pd.Series) -> Any:
    """A predictor as the formula language takes it: a Categorical, or numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.array
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64)
    return pd.Categorical(column.to_numpy())


@dataclass(frozen=True, eq=False)
class _Collapsed:
    """Unique rows of pattern and answers, and which respondent is in which."""

    number: Codes
    pattern: Codes
    answers: Codes
    weights: Array
    counts: Array
    person_weight: Array

    @classmethod
    def of(cls, person: Codes, answers: Codes, survey: Survey, used: NDArray[np.bool_]) -> _Collapsed:
        table = np.vstack([person, answers])
        distinct, number = np.unique(table, axis=1, return_inverse=True)
        number = number.ravel().astype(np.intp)
        raw = survey.weights[used]
        frequency = survey.weight_kind == "frequency"
        total = float(raw.sum()) if frequency else float(kish_effective_n(raw.sum(), (raw**2).sum()))
        weight = raw * (total / raw.sum())
        people = raw if frequency else np.ones(len(raw))
        return cls(
            number, distinct[0].astype(np.intp), distinct[1:].astype(np.intp), np.bincount(number, weight).astype(np.float64),
            np.bincount(number, people).astype(np.float64), weight,
        )  # fmt: skip


def rest_correlations(answers: Codes, weights: Array) -> Array:
    """Correlation of each item's answers with the mean of the others, over respondents who gave both.

    Parameters
    ----------
    answers : (J, n) int array
        Negative where not answered.
    weights : (n,) array

    Returns
    -------
    (J,) array
        0 where either does not vary.

    Examples
    --------
    >>> rest_correlations(np.array([[0, 1, 2], [0, 2, 1]]), np.ones(3)).tolist()
    [0.5, 0.5]
    """
    given = answers >= 0
    values = np.where(given, answers, 0).astype(np.float64)
    rest_count = given.sum(axis=0) - given
    rest = (values.sum(axis=0) - values) / np.maximum(rest_count, 1)
    share = np.where(given & (rest_count > 0), weights, 0.0)
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
    own, rest = (part - (share * part).sum(axis=1, keepdims=True) for part in (values, rest))
    squares = (share * own**2).sum(axis=1) * (share * rest**2).sum(axis=1)
    return (share * own * rest).sum(axis=1) / np.sqrt(np.where(squares > 0, squares, 1.0))


def columns_of(frame: pd.DataFrame) -> dict[str, Any]:
    """The columns of a frame of patterns by name, groups as Categoricals."""
    return {str(name): _values(frame[name]) for name in frame.columns}


def _columns(
    predictors: str, frame: pd.DataFrame, kept: _Collapsed
) -> tuple[Callable[[Columns], Array], Array, tuple[str, ...], tuple[str, ...]]:
    """The map from a frame to centred columns, the centre, and the columns' names and terms."""
    encoder, columns = build_encoder(predictors, columns_of(frame), len(frame))
    redundant = redundant_columns(np.column_stack([np.ones(len(columns)), columns]))
    if redundant:
        names = some_of((encoder.names[j - 1] for j in redundant), 20)
        raise RankError(say("joint_columns", formula=predictors, count=len(redundant), names=names))
    share = np.bincount(kept.pattern, kept.weights, minlength=len(frame)) / kept.weights.sum()
    centre = share @ columns
    return lambda other: encode(encoder, other) - centre, centre, encoder.names, encoder.terms
