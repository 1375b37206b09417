"""Raw weighted percentages with linearised standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.table import (
    Collapses,
    collapse_matrix,
    group_frame,
    groups_of_patterns,
    names_of,
    probability_limits,
    probability_table,
)
from wwm_models.arguments import confidence_level
from wwm_models.cells.tabulate import tabulate
from wwm_models.engines.covariance import covariance
from wwm_models.engines.freedom import freedom
from wwm_models.engines.replicates import replicate_deviations
from wwm_models.errors import AdjustError, expect
from wwm_models.numerics import intervals
from wwm_models.records import Cells, Estimand, Estimates, Influence, Survey

Array = NDArray[np.float64]


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
    outcome : str
    by : str, sequence of str or None
        Groups; every combination of their levels has rows, also those without respondents (then missing, n = 0).
    interval : {"logit", "wald"}
    level : float
        Of the intervals, above 0 and below 1.
    collapses : mapping of name to answers, optional

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
    names = names_of(by)
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
        table, names, joint, contributions, None, free.smallest, replicated, freedom=free, replicate_set="" if made is None else made.identity
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
    cell = cells.row_pattern[used] * shape[1] + cells.row_category[used]
    summed = np.bincount(cell, weights[used], minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
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
    row_cell = np.where(cells.row_pattern >= 0, cells.row_pattern * answers + cells.row_category, -1)
    inside = np.repeat(np.repeat(place[:, None] == np.arange(groups), rows, axis=1), answers, axis=0)
    return Influence.of(survey, flat, row_cell, cells.row_weight, members=inside)


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
