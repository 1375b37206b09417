"""Totals and means of a survey, with linearised or replicate standard errors.

The total of x is sum(w x); the mean is the ratio of two totals, whose influence is w (x - mean) / sum(w).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.table import group_frame, names_of
from wwm_models.arguments import confidence_level
from wwm_models.engines.covariance import covariance
from wwm_models.engines.freedom import freedom
from wwm_models.engines.replicates import replicate_deviations
from wwm_models.errors import AdjustError, expect
from wwm_models.numerics import intervals
from wwm_models.records import ESTIMATE_COLUMNS, Estimand, Estimates, Influence, Survey, summed_squares
from wwm_models.records.columns import refuse_alike, refuse_infinite, refuse_kind
from wwm_models.records.estimates import ONE_UNIT, Freedom
from wwm_models.records.sampling import column_of

Array = NDArray[np.float64]


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
    variable : str
    by : str, sequence of str or None
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
    return _estimated(survey, variable, names_of(by), level, divide=False)


def mean(survey: Survey, variable: str, by: str | Sequence[str] | None = None, *, level: float = 0.95) -> Estimates:
    """Weighted mean of a number, or weighted share of every answer.

    Parameters
    ----------
    survey : Survey
    variable : str
    by : str, sequence of str or None
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        With Wald intervals; for shares with logit intervals use `raw`.
    """
    return _estimated(survey, variable, names_of(by), level, divide=True)


def _estimated(survey: Survey, variable: str, by: tuple[str, ...], level: float, *, divide: bool) -> Estimates:
    expect(survey, (Survey,), f"The first argument of {'mean' if divide else 'total'}", AdjustError)
    confidence_level(level)
    columns = _columns(survey, variable)
    groups, member = _groups(survey, by)
    used = columns.known[:, None] & member
    values = _point(columns, used, survey.weights, divide=divide)
    contributions = _influence(survey, columns, used, values, divide=divide)
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
        "n_effective": np.repeat(_kish(survey, used), size), "method": "raw", "estimand": Estimand(by, (), "sample", quantity=kind).text,
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


def _influence(survey: Survey, columns: _Columns, used: NDArray[np.bool_], values: Array, *, divide: bool) -> Influence:
    """Each respondent is a cell of his own; values are per unit of weight."""
    centred = columns.values[:, None, :] - (values[None] if divide else 0.0)
    totals = (used * survey.weights[:, None]).sum(axis=0) if divide else np.ones(used.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        per_unit = np.nan_to_num(used[:, :, None] * centred / totals[None, :, None])
    inside = np.repeat(used, columns.values.shape[1], axis=1)
    return Influence.of(
        survey, per_unit.reshape(len(survey), -1), np.arange(len(survey)), survey.weights, members=inside
    )


def _kish(survey: Survey, used: NDArray[np.bool_]) -> Array:
    squares = summed_squares(survey.weights, survey.tally)
    return intervals.kish_effective_n(survey.weights @ used, squares @ used)
