"""Whom an adjusted number is averaged over: predictor patterns with weights.

References
----------
Lane, P. W. and Nelder, J. A. (1982). Analysis of covariance and standardization as instances of prediction.
Biometrics 38, 613-621. doi:10.2307/2530043
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.cells.tabulate import predictor_codes, unique_rows
from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.records import Fitted, Survey

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Target:
    """Predictor patterns of the target population.

    Attributes
    ----------
    patterns : DataFrame, R rows
        The predictors that are not set by intervention; may have no columns.
    weights : (R,) array
        Shares, summing to one.
    row_pattern : (n,) int array or None
        Pattern of each respondent of the sample that represents the target; -1 outside. None for a declared population.
    row_weight : (n,) array or None
    survey : Survey or None
        Whose respondents `row_pattern` counts.
    label : str
    """

    patterns: pd.DataFrame
    weights: Array
    row_pattern: NDArray[np.intp] | None
    row_weight: Array | None
    survey: Survey | None
    label: str


def target_population(fit: Fitted, over: str | Survey, free: Sequence[str]) -> Target:
    """Resolve `over` to patterns of the predictors in `free`.

    Parameters
    ----------
    fit : Fit or Posterior
    over : "sample", "balanced" or a Survey
    free : sequence of str
        Predictors that no intervention sets.

    Raises
    ------
    AdjustError
        If `over` is none of these, or the other survey lacks a predictor.
    """
    if isinstance(over, Survey):
        return _another_survey(over, free)
    if over == "sample":
        return _sample(fit, free)
    if over == "balanced":
        return _balanced(fit, free)
    raise AdjustError(
        f'over="{over}" is not a target population. Expected "sample", "balanced" or a Survey.{did_you_mean(str(over), ["sample", "balanced"])}'
    )


def _sample(fit: Fitted, free: Sequence[str]) -> Target:
    cells = fit.cells
    codes, levels = (
        zip(*(predictor_codes(cells.patterns[name], name) for name in free), strict=True) if free else ((), ())
    )
    number, _ = unique_rows(list(codes), [len(level) for level in levels], len(cells.patterns))
    _, first = np.unique(number, return_index=True)
    reduced = cells.patterns.iloc[first][list(free)].reset_index(drop=True)
    weights = np.bincount(number, cells.weights.sum(axis=1))
    row_pattern = np.where(cells.row_pattern >= 0, number[cells.row_pattern], -1)
    return Target(reduced, weights / weights.sum(), row_pattern, cells.row_weight, fit.survey, "sample")


def _another_survey(survey: Survey, free: Sequence[str]) -> Target:
    known = [str(name) for name in survey.frame.columns]
    used = survey.domain.copy()
    columns = []
    for name in free:
        if name not in known:
            raise AdjustError(
                f'The target survey lacks "{name}". It has: {listed(known, 30)}.{did_you_mean(name, known)}'
            )
        columns.append(predictor_codes(survey.frame[name], name))
        used &= columns[-1][0] >= 0
    if not (survey.weights[used] > 0).any():
        raise AdjustError(f"The target survey has no complete row on {listed(free, 30)}. Choose another target.")
    number, _ = unique_rows(
        [codes[used] for codes, _ in columns], [len(levels) for _, levels in columns], int(used.sum())
    )
    _, first = np.unique(number, return_index=True)
    row_pattern = np.full(len(survey), -1, dtype=np.intp)
    row_pattern[used] = number
    row_weight = np.where(used, survey.weights, 0.0)
    weights = np.bincount(number, row_weight[used])
    patterns = survey.frame.loc[used, list(free)].iloc[first].reset_index(drop=True)
    return Target(patterns, weights / weights.sum(), row_pattern, row_weight, survey, "another survey")


def _balanced(fit: Fitted, free: Sequence[str]) -> Target:
    """Every combination of levels equally; numbers at their weighted mean."""
    weights = fit.cells.weights.sum(axis=1)
    choices: list[Sequence[Any]] = []
    for name in free:
        column = fit.cells.patterns[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            present = set(column[weights > 0])
            choices.append([level for level in column.cat.categories if level in present])
        else:
            choices.append([float(np.average(column.to_numpy(dtype=float), weights=weights))])
    rows = list(itertools.product(*choices))
    patterns = pd.DataFrame(rows, columns=pd.Index(list(free)), index=range(len(rows)))
    return Target(patterns, np.full(len(rows), 1.0 / len(rows)), None, None, None, "balanced")
