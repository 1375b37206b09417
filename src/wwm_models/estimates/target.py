"""Whom an adjusted number is averaged over: predictor patterns with weights, of the sample, another survey, or declared margins.

Declared margins (`raking_of`): the sample is raked to them, and the variance is what raking earns. With x_i the margins' dummies of respondent i and
w_i their weight, raking multiplies w_i by g_i = exp(x_i' b), b such that sum w_i g_i x_i are the declared shares. Differentiating that condition,
more weight on i moves the average of p by

    w_i g_i (p_i - x_i' B) / sum_j w_j g_j,    B = (sum w g x x')^-1 sum w g x p:

the margins count as known, so what they explain of p has no sampling error. One margin is post-stratification (Holt and Smith 1979). The regression
has the raked weights, not those before: the declared population need not be the one that was sampled, so g does not tend to 1.

References
----------
Deville, J.-C., Saerndal, C.-E. and Sautory, O. (1993). Generalized raking procedures in survey sampling. JASA 88,
1013-1020. doi:10.1080/01621459.1993.10476369
Holt, D. and Smith, T. M. F. (1979). Post stratification. JRSS A 142, 33-46.
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

from wwm_models.errors import AdjustError, SurveyError, did_you_mean, listed
from wwm_models.messages import say, some_of, variable
from wwm_models.models.cells import predictor_codes, unique_rows
from wwm_models.models.design import Tabulated
from wwm_models.models.formula import Grouped, as_frame
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.survey.calibration import proportional, rake
from wwm_models.survey.population_margins import JOINED, Margins, coded, read_weighting_margins
from wwm_models.survey.survey import Survey

ROUNDED = 0.01  # shares that are printed may miss one by this much
FEWEST = 2.0  # a margin that adds up to less is one of shares


@dataclass(frozen=True, eq=False)
class Raking:
    """Respondents of a fit, collapsed to raking cells: a pattern of the fit with a level of every margin.

    Attributes
    ----------
    row : (n,) int array
        Cell of every respondent; -1 for rows that the fit does not use.
    pattern : (C,) int array
        Pattern of the fit in each cell.
    codes : mapping of margin to (C,) int array
    aims : mapping of margin to (levels,) array
        Shares, each margin summing to one.
    weights : (C,) array
        The respondents' own weights, summing to one.
    factor : (C,) array
        By which raking multiplies them.
    """

    row: Codes
    pattern: Codes
    codes: Mapping[str, Codes]
    aims: Mapping[str, Array]
    weights: Array
    factor: Array

    def unexplained(self, spread: Array) -> Array:
        """What sampling a respondent of each cell adds to averages over the population, per share of the weight.

        Parameters
        ----------
        spread : (C, m) array
            The cell's own probabilities minus the averages.

        Returns
        -------
        (C, m) array
        """
        columns = np.hstack([np.eye(len(self.aims[name]))[code] for name, code in self.codes.items()])
        root = np.sqrt(self.weights * self.factor)[:, None]
        slopes = np.linalg.lstsq(root * columns, root * spread, rcond=None)[0]
        return self.factor[:, None] * (spread - columns @ slopes)

    def raked(self, sums: Array) -> Array:
        """Shares of the cells under other weights, such as those of a replicate.

        Parameters
        ----------
        sums : (C,) array
            Of the other weights, any scale.

        Returns
        -------
        (C,) array
            Summing to one.

        Raises
        ------
        AdjustError
            If the weights leave nobody at a level that the population has, or the margins cannot be met.
        """
        for name, code in self.codes.items():
            if (np.bincount(code, sums, minlength=len(self.aims[name]))[self.aims[name] > 0] <= 0).any():
                raise AdjustError(say("margin_without", variable=variable(name)))
        made = proportional(sums, self.codes, self.aims)
        if not all(
            np.allclose(np.bincount(code, made, minlength=len(self.aims[name])), self.aims[name], rtol=1e-6, atol=1e-9)
            for name, code in self.codes.items()
        ):
            raise AdjustError(say("margins_unmet", variables=some_of(map(variable, self.codes))))
        return made


def raking_of(fit: Tabulated, margins: Margins) -> Raking:
    """Rake the respondents of a fit to declared margins of the survey's variables.

    Parameters
    ----------
    fit : Fit or Posterior
    margins : mapping of variable to mapping of level to share or count
        "age_group:gender" is a margin of combinations ("18-34:man"). The variables need not be in the model.

    Raises
    ------
    AdjustError
        If a variable is not in the survey, or shares do not add up to one.
    SurveyError
        As `wwm_models.rake`: if the margins are impossible.
    """
    used = np.flatnonzero((fit.cells.row_pattern >= 0) & (fit.cells.row_weight > 0))
    names = list(dict.fromkeys(part for name in margins for part in _variables(fit.survey, name)))
    coded_columns = [_codes(fit.survey.frame[name], name, used) for name in names]
    number, codes = unique_rows(
        [fit.cells.row_pattern[used], *(code for code, _ in coded_columns)],
        [len(fit.cells.weights), *(len(levels) for _, levels in coded_columns)],
        len(used),
    )
    weights = np.bincount(number, fit.cells.row_weight[used])
    weights = weights / weights.sum()
    frame = pd.DataFrame(
        {
            name: np.asarray(levels, dtype=object)[own]
            for name, (_, levels), own in zip(names, coded_columns, codes[1:], strict=True)
        },
        index=range(len(weights)),
    )
    cells = Survey(frame, weights, "sampling", domain=np.ones(len(weights), dtype=bool))
    counts = as_counts(margins)
    raked = rake(cells, counts).weights
    places, aims = coded(cells, counts)
    row = np.full(len(fit.cells.row_pattern), -1, dtype=np.intp)
    row[used] = number
    size = raked.sum()
    return Raking(
        row, codes[0], places, {name: aim / size for name, aim in aims.items()}, weights, raked / size / weights
    )


def as_counts(margins: Margins) -> dict[str, dict[str, float]]:
    """Margins of one population: counts as they are, and shares times its size (one where no margin holds counts).

    Raises
    ------
    AdjustError
        If a margin is of shares that do not add up to one.

    Examples
    --------
    >>> as_counts({"gender": {"man": 0.4, "woman": 0.6}, "age": {"young": 30, "old": 70}})["gender"]
    {'man': 40.0, 'woman': 60.0}
    """
    totals = {name: _total(name, margin) for name, margin in margins.items()}
    size = max([1.0, *(total for total in totals.values() if total >= FEWEST)])
    for name, total in totals.items():
        if total < FEWEST and abs(total - 1.0) > ROUNDED:
            raise AdjustError(
                f'The shares of "{name}" add up to {total:g}. Expected shares that add up to 1, or counts of people. Repair them.'
            )
    scale = {name: size / total if total < FEWEST else 1.0 for name, total in totals.items()}
    return {name: {str(k): scale[name] * v for k, v in margin.items()} for name, margin in margins.items()}


def _total(name: str, margin: Mapping[str, float]) -> float:
    try:
        if any(isinstance(value, bool | np.bool_ | str) for value in margin.values()):
            raise TypeError
        return float(sum(margin.values()))
    except TypeError:
        raise AdjustError(
            f'The margin of "{name}" holds something that is no number: {listed(margin.values())}. Expected a share or count per level.'
        ) from None


def _variables(survey: Survey, name: str) -> list[str]:
    known = [str(column) for column in survey.frame.columns]
    parts = [name] if name in known else name.split(JOINED)
    for part in parts:
        if part not in known:
            raise AdjustError(
                f'The target population has margins of "{part}", which the survey does not have. It has: {listed(known, 30)}.{did_you_mean(part, known)}'
            )
    return parts


def _codes(column: pd.Series, name: str, used: Codes) -> tuple[Codes, NDArray[np.object_]]:
    codes, levels = predictor_codes(column, name)
    absent = int((codes[used] < 0).sum())
    if absent:
        raise SurveyError(
            f'Margin "{name}" does not cover {absent} missing values of the {len(used)} respondents that the model uses. Impute them, or '
            "leave the margin out."
        )
    return codes[used], np.array([str(level) for level in levels], dtype=object)


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
