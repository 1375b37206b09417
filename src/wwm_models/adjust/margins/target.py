"""Whom an adjusted number is averaged over: predictor patterns with weights.

References
----------
Lane, P. W. and Nelder, J. A. (1982). Analysis of covariance and standardization as instances of prediction.
Biometrics 38, 613-621. doi:10.2307/2530043
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.population import Raking, raking_of
from wwm_models.cells.plain import Grouped, as_frame
from wwm_models.cells.tabulate import predictor_codes, unique_rows
from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.records import Survey, Tabulated
from wwm_models.survey.calibration.margins import Margins, read_weighting_margins

Array = NDArray[np.float64]
Over = str | Path | Survey | Margins


@dataclass(frozen=True, eq=False)
class Target:
    """Predictor patterns of the target population.

    Attributes
    ----------
    columns : mapping of predictor to R values (`Grouped` or numbers)
        The predictors that are not set by intervention; may be empty.
    weights : (R,) array
        Shares, summing to one.
    row_pattern : (n,) int array or None
        Pattern of each respondent of the sample that represents the target; -1 outside. None for a declared population.
    row_weight : (n,) array or None
    survey : Survey or None
        Whose respondents `row_pattern` counts.
    label : str
    raking : Raking or None
        How the fit's respondents were raked to declared margins.
    """

    columns: Mapping[str, Any]
    weights: Array
    row_pattern: NDArray[np.intp] | None
    row_weight: Array | None
    survey: Survey | None
    label: str
    raking: Raking | None = None

    @cached_property
    def patterns(self) -> pd.DataFrame:
        """The columns as a frame of R rows."""
        return as_frame(self.columns) if self.columns else pd.DataFrame(index=range(len(self.weights)))

    @property
    def raking_pattern(self) -> NDArray[np.intp]:
        """(C,) target pattern of every raking cell."""
        assert self.raking is not None
        assert self.row_pattern is not None
        place = np.zeros(len(self.raking.weights), dtype=np.intp)
        used = self.raking.row >= 0
        place[self.raking.row[used]] = self.row_pattern[used]
        return place

    def shares_under(self, row_weight: Array) -> Array:
        """Shares (R,) of the patterns if the sample's respondents weighed this much, (n,); zero for rows left out.

        Raises
        ------
        AdjustError
            If declared margins cannot be met with these weights.
        """
        if self.row_pattern is None:
            return self.weights
        if self.raking is not None:
            inside = self.raking.row >= 0
            sums = np.bincount(self.raking.row[inside], row_weight[inside], minlength=len(self.raking.weights))
            shares = self.raking.raked(sums.astype(np.float64))
            return np.bincount(self.raking_pattern, shares, minlength=len(self.weights)).astype(np.float64)
        used = (self.row_pattern >= 0) & (row_weight > 0)
        weights = np.bincount(self.row_pattern[used], row_weight[used], minlength=len(self.weights))
        return weights / weights.sum()


def target_population(fit: Tabulated, over: Over, free: Sequence[str]) -> Target:
    """Resolve `over` to patterns of the predictors in `free`.

    Parameters
    ----------
    fit : Fit or Posterior
    over : "sample", "balanced", a Survey, margins, or a file that holds them
    free : sequence of str
        Predictors that no intervention sets.

    Raises
    ------
    AdjustError
        If `over` is none of these, or the other survey lacks a predictor.
    SurveyError
        If the margins cannot be met.
    """
    if isinstance(over, Survey):
        return _another_survey(over, free)
    if isinstance(over, Mapping):
        return _declared(fit, over, free)
    if isinstance(over, Path) or over.endswith((".toml", ".csv")):
        return _declared(fit, read_weighting_margins(over), free)
    if over == "sample":
        return _sample(fit, free)
    if over == "balanced":
        return _balanced(fit, free)
    raise AdjustError(
        f'over="{over}" is not a target population. Expected "sample", "balanced", a Survey, margins such as '
        f'{{"gender": {{"man": 0.5, "woman": 0.5}}}}, or a file of them.{did_you_mean(over, ["sample", "balanced"])}'
    )


def _sample(fit: Tabulated, free: Sequence[str]) -> Target:
    cells = fit.cells
    number, columns = _distinct([(name, cells.columns[name]) for name in free], np.arange(len(cells.weights)))
    weights = np.bincount(number, cells.weights.sum(axis=1))
    row_pattern = np.where(cells.row_pattern >= 0, number[cells.row_pattern], -1)
    return Target(columns, weights / weights.sum(), row_pattern, cells.row_weight, fit.survey, "sample")


def _declared(fit: Tabulated, margins: Margins, free: Sequence[str]) -> Target:
    """The sample raked to declared margins."""
    own, raking = _sample(fit, free), raking_of(fit, margins)
    made = replace(own, label=f"declared margins of {'+'.join(margins)}", raking=raking)
    shares = np.bincount(made.raking_pattern, raking.weights * raking.factor, minlength=len(own.weights))
    return replace(made, weights=shares / shares.sum())


def _distinct(predictors: list[tuple[str, Any]], rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], dict[str, Any]]:
    """Number the distinct combinations of predictors on these rows, and give their columns."""
    coded = [predictor_codes(column, name) for name, column in predictors]
    number, codes = unique_rows([code[rows] for code, _ in coded], [len(levels) for _, levels in coded], len(rows))
    columns = {
        name: levels[own] if isinstance(levels, np.ndarray) and levels.dtype != object else Grouped(own, tuple(levels))
        for (name, _), (_, levels), own in zip(predictors, coded, codes, strict=True)
    }
    return number, columns


def _another_survey(survey: Survey, free: Sequence[str]) -> Target:
    known = [str(name) for name in survey.frame.columns]
    used = survey.domain.copy()
    predictors: list[tuple[str, Any]] = []
    for name in free:
        if name not in known:
            raise AdjustError(
                f'The target survey lacks "{name}". It has: {listed(known, 30)}.{did_you_mean(name, known)}'
            )
        predictors.append((name, survey.frame[name]))
        used &= predictor_codes(survey.frame[name], name)[0] >= 0
    if not (survey.weights[used] > 0).any():
        raise AdjustError(f"The target survey has no complete row on {listed(free, 30)}. Choose another target.")
    number, columns = _distinct(predictors, np.flatnonzero(used))
    row_pattern = np.full(len(survey), -1, dtype=np.intp)
    row_pattern[used] = number
    row_weight = np.where(used, survey.weights, 0.0)
    weights = np.bincount(number, row_weight[used])
    return Target(columns, weights / weights.sum(), row_pattern, row_weight, survey, "another survey")


def _balanced(fit: Tabulated, free: Sequence[str]) -> Target:
    """Every combination of levels equally; numbers at their weighted mean."""
    weights = fit.cells.weights.sum(axis=1)
    choices: list[NDArray[Any]] = []
    for name in free:
        values = fit.cells.columns[name]
        if isinstance(values, pd.Categorical):
            choices.append(np.unique(values.codes[weights > 0]))
        else:
            choices.append(np.array([np.average(values.astype(float), weights=weights)]))
    grid = [axis.ravel() for axis in np.meshgrid(*choices, indexing="ij")] if choices else []
    columns: dict[str, Any] = {}
    for name, values in zip(free, grid, strict=True):
        own = fit.cells.columns[name]
        columns[name] = Grouped(values, tuple(own.categories)) if isinstance(own, pd.Categorical) else values
    rows = len(grid[0]) if grid else 1
    return Target(columns, np.full(rows, 1.0 / rows), None, None, None, "balanced")
