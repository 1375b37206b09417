"""Raw numbers of a survey, without a model: weighted percentages, totals and means, with linearised or replicate standard errors.

The total of x is sum(w x); the mean is the ratio of two totals, whose influence is w (x - mean) / sum(w).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import confidence_level
from wwm_models.errors import AdjustError, expect
from wwm_models.estimates.estimates import (
    Collapses,
    Estimand,
    Estimates,
    collapse_matrix,
    group_frame,
    groups_of_patterns,
    names_of,
    probability_limits,
    probability_table,
)
from wwm_models.estimates.joined_groups import sizes_of_levels
from wwm_models.likelihood.covariance import covariance
from wwm_models.likelihood.degrees_of_freedom import ONE_UNIT, Freedom, freedom
from wwm_models.likelihood.replicates import replicate_deviations
from wwm_models.models.cells import Cells, Influence, tabulate
from wwm_models.numerics import intervals
from wwm_models.numerics.arrays import Array
from wwm_models.survey.frames import ESTIMATE_COLUMNS, refuse_alike, refuse_infinite, refuse_kind
from wwm_models.survey.sampling_design import column_of, summed_squares
from wwm_models.survey.survey import Survey


def raw(
    survey: Survey,
    outcome: str,
    by: str | Sequence[str] | None = None,
    *,
    interval: str = "logit",
    level: float = 0.95,
    collapses: Collapses | None = None,
) -> Estimates:
    """Weighted share of every answer in every group, as a percentage table prints it (but in 0..1).

    Parameters
    ----------
    survey : Survey
        The respondents, with their weights and design.
    outcome : str
        A question: a column of the survey.
    by : str, sequence of str or None
        Groups; every combination of their levels has rows, also those without respondents (then missing, n = 0).
    interval : {"logit", "wald"}
        Scale on which intervals are made.
    level : float
        Of the intervals, above 0 and below 1.
    collapses : mapping of name to answers, optional
        Answers to report together too, under a name of their own.

    Returns
    -------
    Estimates
        With the unweighted numerator in ``count`` and base in ``n``.

    Examples
    --------
    >>> answers = pd.Categorical(["no", "yes", "yes", "yes"], ["no", "yes"], ordered=True)
    >>> table = raw(Survey.from_frame(pd.DataFrame({"y": answers}), weight=None), "y").table
    >>> table["estimate"].to_list(), table["count"].to_list()
    ([0.25, 0.75], [1.0, 3.0])
    """
    expect(survey, (Survey,), "The first argument of raw", AdjustError)
    confidence_level(level)
    names = names_of(by, of=[outcome])
    cells = tabulate(survey, outcome, names, needs_order=False)
    groups = _all_groups(cells, names)
    place = groups_of_patterns(cells, groups)
    weights, counts = _by_group(cells.weights, place, len(groups)), _by_group(cells.counts, place, len(groups))
    collapse, categories = collapse_matrix(cells.categories, collapses)
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = (weights @ collapse.T) / total[:, None]
    contributions = _influence(survey, cells, place, estimate, total, collapse)
    joint, made, replicated = covariance(contributions), survey.replicates, None
    free = freedom(contributions, made)
    if made is not None:
        again = [_shares(column, cells, place, collapse, len(groups)).ravel() for column in made.weights.T]
        replicated = replicate_deviations(np.array(again), estimate.ravel(), made)
        joint = replicated.T @ replicated
    std_error = np.where(np.isnan(estimate.ravel()), np.nan, free.std_error(joint))
    n = np.repeat(counts.sum(axis=1), len(categories))
    kish = np.repeat(_kish(cells, place, len(groups)), len(categories))
    effective = intervals.korn_graubard_effective_n(estimate.ravel(), std_error**2, n, kish, level, free.df)
    lower, upper = probability_limits(
        estimate.ravel(), std_error, effective, level=level, df=free.df, interval=interval
    )
    columns = {
        "estimate": estimate.ravel(), "std_error": std_error, "lower": lower, "upper": upper,
        "count": (counts @ collapse.T).ravel(), "n": n, "n_effective": effective,
    }  # fmt: skip
    estimand = Estimand(names, (), "sample", quantity="raw share").text
    table = probability_table(
        groups, categories, columns, outcome=outcome, level=level, method="raw", estimand=estimand
    )
    return Estimates(
        table, names, joint, contributions, None, free.smallest, replicated, freedom=free, replicate_set="" if made is None else made.identity,
        sizes=partial(sizes_of_levels, survey, outcome) if names else None,
    )  # fmt: skip


def _all_groups(cells: Cells, names: tuple[str, ...]) -> pd.DataFrame:
    levels: dict[str, object] = {}
    for name in names:
        column = cells.patterns[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            levels[name] = column.cat.categories
        elif column.nunique() > 100:
            raise AdjustError(
                f'"{name}" is a number with {column.nunique()} values and cannot be a group. Cut it into groups first.'
            )
        else:
            levels[name] = np.unique(column.to_numpy())
    return group_frame(levels)


def _shares(weights: Array, cells: Cells, place: NDArray[np.intp], collapse: Array, count: int) -> Array:
    """(groups, answers) shares under other weights of the same respondents."""
    used = cells.row_pattern >= 0
    shape = cells.weights.shape
    summed = (
        np.bincount(cells.row_cell[used], weights[used], minlength=shape[0] * shape[1])
        .reshape(shape)
        .astype(np.float64)
    )
    by_group = _by_group(summed, place, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (by_group @ collapse.T) / by_group.sum(axis=1, keepdims=True)


def _by_group(values: Array, place: NDArray[np.intp], count: int) -> Array:
    result = np.zeros((count, values.shape[1]))
    np.add.at(result, place, values)
    return result


def _influence(
    survey: Survey, cells: Cells, place: NDArray[np.intp], estimate: Array, total: Array, collapse: Array
) -> Influence:
    """w_i [1(answer) - P] / W within the respondent's group; zero elsewhere."""
    answers, groups, rows = len(cells.categories), *estimate.shape
    values = np.zeros((len(cells.weights), answers, groups, rows))
    pattern = np.arange(len(cells.weights))
    own = (collapse.T[None, :, :] - estimate[place][:, None, :]) / np.where(total > 0, total, 1.0)[place][:, None, None]
    values[pattern[:, None], np.arange(answers)[None, :], place[:, None]] = own
    flat = np.nan_to_num(values.reshape(-1, groups * rows))
    inside = np.repeat(np.repeat(place[:, None] == np.arange(groups), rows, axis=1), answers, axis=0)
    return Influence.of(survey, flat, cells.row_cell, cells.row_weight, members=inside)


def _kish(cells: Cells, place: NDArray[np.intp], count: int) -> Array:
    used = cells.row_pattern >= 0
    group, weight = place[cells.row_pattern[used]], cells.row_weight[used]
    sums = np.bincount(group, weight, minlength=count).astype(np.float64)
    squares = np.bincount(group, cells.row_square[used], minlength=count).astype(np.float64)
    return intervals.kish_effective_n(sums, squares)


def with_suppressed(estimates: Estimates, below: int) -> Estimates:
    """The same estimates without the numbers that rest on fewer than `below` respondents."""
    hidden = estimates.table["n"].to_numpy() < below
    if not hidden.any():
        return estimates
    table = estimates.table.copy()
    table.loc[hidden, ["estimate", "std_error", "lower", "upper", "count", "n_effective"]] = np.nan
    return replace(estimates, table=table)


@dataclass(frozen=True, eq=False)
class _Columns:
    """A variable as numbers: itself, or one indicator per answer; and who has it."""

    values: Array
    names: list[str]
    known: NDArray[np.bool_]


def total(survey: Survey, variable: str, by: str | Sequence[str] | None = None, *, level: float = 0.95) -> Estimates:
    """Weighted total of a number, or weighted count of every answer.

    Parameters
    ----------
    survey : Survey
        The respondents, with their weights and design.
    variable : str
        A column of the survey.
    by : str, sequence of str or None
        Variables whose groups get numbers of their own; None for everyone together.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        With Wald intervals.

    Examples
    --------
    >>> survey = Survey.from_frame(pd.DataFrame({"x": [1.0, 2.0, 3.0], "w": [10.0, 10.0, 10.0]}), weight="w")
    >>> float(total(survey, "x").table["estimate"].iloc[0])
    60.0
    """
    return _estimated(survey, variable, names_of(by, of=[variable]), level, divide=False)


def mean(survey: Survey, variable: str, by: str | Sequence[str] | None = None, *, level: float = 0.95) -> Estimates:
    """Weighted mean of a number, or weighted share of every answer.

    Parameters
    ----------
    survey : Survey
        The respondents, with their weights and design.
    variable : str
        A column of the survey.
    by : str, sequence of str or None
        Variables whose groups get numbers of their own; None for everyone together.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        With Wald intervals; for shares with logit intervals use `raw`.
    """
    return _estimated(survey, variable, names_of(by, of=[variable]), level, divide=True)


def _estimated(survey: Survey, variable: str, by: tuple[str, ...], level: float, *, divide: bool) -> Estimates:
    expect(survey, (Survey,), f"The first argument of {'mean' if divide else 'total'}", AdjustError)
    confidence_level(level)
    columns = _columns(survey, variable)
    groups, member = _groups(survey, by)
    used = columns.known[:, None] & member
    values = _point(columns, used, survey.weights, divide=divide)
    contributions = _influence_of_values(survey, columns, used, values, divide=divide)
    made, replicated, joint = survey.replicates, None, covariance(contributions)
    free = _freedom(survey, freedom(contributions, made), survey.counts @ used, divide=divide)
    if made is not None:
        again = [_point(columns, used, weights, divide=divide).ravel() for weights in made.weights.T]
        replicated = replicate_deviations(np.array(again), values.ravel(), made)
        joint = replicated.T @ replicated
    std_error = free.std_error(joint)
    lower, upper = intervals.wald_limits(values.ravel(), std_error, intervals.critical_values(level, free.df))
    kind = "mean" if divide else "total"
    size = len(columns.names)
    table = groups.loc[groups.index.repeat(size)].reset_index(drop=True)
    facts = {
        "outcome": variable, "category": columns.names * len(groups) if columns.names != [""] else kind, "estimate": values.ravel(),
        "std_error": std_error, "lower": lower, "upper": upper, "level": level, "count": np.nan, "n": np.repeat(survey.counts @ used, size),
        "n_effective": np.repeat(_kish_of_rows(survey, used), size), "method": "raw", "estimand": Estimand(by, (), "sample", quantity=kind).text,
    }  # fmt: skip
    return Estimates(
        table.assign(**{name: facts[name] for name in ESTIMATE_COLUMNS}), by, joint, contributions, None, free.smallest, replicated,
        freedom=free, replicate_set="" if made is None else made.identity,
    )  # fmt: skip


def _freedom(survey: Survey, found: Freedom, people: Array, *, divide: bool) -> Freedom:
    """Also without a design the mean of a single respondent has no standard error."""
    alone = np.repeat(people <= 1.0, len(found.df) // len(people)) & (found.reasons == "")
    if not divide or survey.design is not None or not alone.any():
        return found
    return Freedom(np.where(alone, 0.0, found.df), np.where(alone, ONE_UNIT, found.reasons))


def _columns(survey: Survey, variable: str) -> _Columns:
    column = column_of(survey.frame, variable)
    refuse_kind(column, variable, "Variable", AdjustError)
    if isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        codes = column.astype("category")
        refuse_alike(codes.cat.categories, variable, AdjustError)
        known = codes.cat.codes.to_numpy() >= 0
        levels = [str(level) for level in codes.cat.categories]
        return _Columns(
            (codes.cat.codes.to_numpy()[:, None] == np.arange(len(levels))).astype(np.float64),
            levels,
            known & survey.domain,
        )
    values = np.asarray(column, dtype=np.float64)
    refuse_infinite(values, variable, "Variable", AdjustError)
    known = np.isfinite(values) & survey.domain
    if not known.any():
        raise AdjustError(
            f'"{variable}" has no value in the domain of {survey.respondents(survey.domain)} rows. Choose another variable.'
        )
    return _Columns(np.where(known, values, 0.0)[:, None], [""], known)


def _groups(survey: Survey, by: tuple[str, ...]) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    levels: dict[str, object] = {}
    for name in by:
        refuse_kind(column_of(survey.frame, name), name, "Group", AdjustError)
        column = survey.frame[name].astype("category")
        refuse_alike(column.cat.categories, name, AdjustError)
        levels[name] = column.cat.categories
    groups = group_frame(levels)
    member = np.ones((len(survey), len(groups)), dtype=bool)
    for number, row in enumerate(groups.to_dict(orient="records")):
        for name, value in row.items():
            member[:, number] &= (survey.frame[name] == value).to_numpy(dtype=bool, na_value=False)
    return groups, member


def _point(columns: _Columns, used: NDArray[np.bool_], weights: Array, *, divide: bool) -> Array:
    """(groups, columns) totals or means."""
    weighted = used * weights[:, None]
    sums = weighted.T @ columns.values
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / weighted.sum(axis=0)[:, None] if divide else sums


def _influence_of_values(
    survey: Survey, columns: _Columns, used: NDArray[np.bool_], values: Array, *, divide: bool
) -> Influence:
    """Each respondent is a cell of their own; values are per unit of weight."""
    centred = columns.values[:, None, :] - (values[None] if divide else 0.0)
    totals = (used * survey.weights[:, None]).sum(axis=0) if divide else np.ones(used.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        per_unit = np.nan_to_num(used[:, :, None] * centred / totals[None, :, None])
    inside = np.repeat(used, columns.values.shape[1], axis=1)
    return Influence.of(
        survey, per_unit.reshape(len(survey), -1), np.arange(len(survey)), survey.weights, members=inside
    )


def _kish_of_rows(survey: Survey, used: NDArray[np.bool_]) -> Array:
    squares = summed_squares(survey.weights, survey.tally)
    return intervals.kish_effective_n(survey.weights @ used, squares @ used)
