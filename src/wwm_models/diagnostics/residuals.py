"""Residuals: of single respondents, free of the grid of the answers, and of predictor patterns.

The randomised probability integral transform (`randomised_pit`) of answer k of respondent i is U_i = P(Y < k) + V_i P(Y = k), V_i uniform; it is
uniform on (0, 1) where the model is true (Czado, Gneiting and Held 2009).

`surrogate_residuals` (Liu and Zhang 2018): in the cumulative family an answer is an interval of a latent Z = x b + e with e ~ F. The surrogate S_i
is a draw of Z given that interval, and e given it is F^-1(U_i); the residual R_i = S_i - E(S_i) = F^-1(U_i) - E(e) has one law for everybody. The
other families have no latent variable; there the residual is U_i - 1/2, jittering on the probability scale.

Pearson's X2 and the deviance G2 of predictor patterns, whole (`pearson`) or split by predicted score (`pulkstenis_robinson`). Under sampling
weights or a design X2 (on weights with mean one) is a sum of chi-squares with the eigenvalues e of D^-1 V as factors,
D the expected answers and V the covariance of the residuals. Rao and Scott refer X2 / (sum e^2 / sum e) to chi-square with
nu = (sum e)^2 / sum e^2 degrees of freedom, or its nu-th part to F(nu, nu d) where the design has d degrees of freedom.

References
----------
Czado, C., Gneiting, T. and Held, L. (2009). Predictive model assessment for count data. Biometrics 65, 1254-1261.
doi:10.1111/j.1541-0420.2009.01191.x
Liu, D. and Zhang, H. (2018). Residuals and diagnostics for ordinal regression models: a surrogate approach. JASA 113, 845-854.
doi:10.1080/01621459.2017.1292915
McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed., section 5.4. Chapman and Hall.
Pulkstenis, E. and Robinson, T. J. (2004). Goodness-of-fit tests for ordinal response regression models. Statistics in
Medicine 23, 999-1014. doi:10.1002/sim.1659
Rao, J. N. K. and Scott, A. J. (1984). On chi-squared tests for multiway contingency tables with cell proportions estimated
from survey data. Annals of Statistics 12, 46-60. doi:10.1214/aos/1176346391
Roberts, G., Rao, J. N. K. and Kumar, S. (1987). Logistic regression analysis of sample survey data. Biometrika 74, 1-12.
doi:10.1093/biomet/74.1.1
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from wwm_models.diagnostics.goodness_of_fit import (
    TIE_DIGITS,
    ObservedExpected,
    answer_scores,
    answers,
    compare,
    probabilities,
    residual_covariance,
    summary,
)
from wwm_models.diagnostics.hypothesis_tests import Wald, chi_square, pseudo_likelihood, refuse_pseudo_likelihood
from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.estimates.contrasts import HypothesisTest
from wwm_models.estimates.standardise import model_values, refuse_unusable
from wwm_models.likelihood.fit import Fit
from wwm_models.models.cells import predictor_codes, unique_rows
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.numerics.links import LINKS, Link

# Mean of the latent error: minus and plus Euler's constant for the two Gumbel laws; Cauchy's law has none, so its median.
LATENT_MEAN = {"cloglog": -float(np.euler_gamma), "loglog": float(np.euler_gamma)}


def randomised_pit(fit: Fit, seed: int = 1) -> Array:
    """Randomised probability integral transform of every respondent's answer.

    Parameters
    ----------
    fit : Fit
        Of any family; answers are taken in their declared order.
    seed : int
        Of the uniform numbers, one per row of the survey, so that a row's number does not depend on which others are used.

    Returns
    -------
    (n,) array
        Between 0 and 1, uniform where the model is true; missing for rows the fit does not use. A row of a frequency table
        gets one number, however many respondents it stands for.
    """
    return _tails(fit, seed)[0]


def surrogate_residuals(fit: Fit, seed: int = 1) -> Array:
    """Surrogate residual of every respondent, positive where the answer is higher than predicted.

    Parameters
    ----------
    fit : Fit
        Of any family. Cumulative: on the latent scale, in units of the link's F (with a scale part, of each respondent's own
        standard deviation), with mean zero where the model is true (median zero for cauchit). Others: uniform on (-1/2, 1/2).
    seed : int
        Of the random numbers: the same seed gives the same result; from 0.

    Returns
    -------
    (n,) array
        Missing for rows the fit does not use.
    """
    lower, upper = _tails(fit, seed)
    if not fit.family.ordered_cuts:
        return lower - 0.5
    if fit.model.reverse:
        lower, upper = upper, lower
    latent = _quantile(fit.link, lower, upper) - LATENT_MEAN.get(fit.link.name, 0.0)
    return -latent if fit.model.reverse else latent


def _tails(fit: Fit, seed: int) -> tuple[Array, Array]:
    """U and 1 - U, each summed from its own side, so that neither loses digits."""
    refuse_unusable(fit)
    fit.survey.one_by_one("A residual of every respondent")
    cells = fit.cells
    position = np.full(len(cells.categories), -1, dtype=np.intp)
    position[answers(fit)] = np.arange(len(fit.design.order))
    answer = np.where(cells.row_category >= 0, position[cells.row_category], -1)
    used = np.flatnonzero((cells.row_pattern >= 0) & (answer >= 0))
    p = probabilities(fit)
    beyond = np.flip(np.cumsum(np.flip(p, axis=1), axis=1), axis=1) - p
    before = np.cumsum(p, axis=1) - p
    place = (cells.row_pattern[used], answer[used])
    share = np.random.default_rng(seed).uniform(size=len(cells.row_pattern))[used]
    lower, upper = np.full((2, len(cells.row_pattern)), np.nan)
    lower[used] = before[place] + share * p[place]
    upper[used] = beyond[place] + (1.0 - share) * p[place]
    return lower, upper


def _quantile(link: Link, lower: Array, upper: Array) -> Array:
    """F^-1(lower) where upper = 1 - lower, from the smaller of the two: F^-1(u) = -G^-1(1 - u) with G the reflection of F."""
    result = np.full(len(lower), np.nan)
    low, high = lower <= 0.5, lower > 0.5
    result[low] = link.quantile(lower[low])
    result[high] = -LINKS[link.reflection].quantile(upper[high])
    return result


INSTEAD = "hosmer_lemeshow or lipsitz, which have a design-based version"
MOST_CELLS = 3000  # of the covariance of all residuals: 9 million numbers


def pearson(fit: Fit, *, by: Sequence[str] = ()) -> HypothesisTest:
    """Pearson's X2 and the deviance G2 of the observed against the expected answers of every predictor pattern.

    Parameters
    ----------
    fit : Fit
        A fitted model.
    by : sequence of str
        Further variables of the survey that split the patterns, complete on the rows used.

    Returns
    -------
    HypothesisTest
        The statistic is X2; the table has the rows "pearson" and "deviance". ``df = patterns (K - 1) - parameters``. The
        law needs patterns with many respondents; the note says how many expected counts are small. Under sampling weights or a
        design both are corrected after Rao and Scott, and `df` need not be whole.

    Raises
    ------
    AdjustError
        If a variable is unknown or incomplete, or under a design there are more than 3,000 cells.
    """
    refuse_unusable(fit)
    widened = _split_further(fit, [by] if isinstance(by, str) else list(by))
    seen = widened.cells.weights.sum(axis=1) > 0
    group = np.where(seen, np.cumsum(seen) - 1, -1)
    comparison = compare(widened, group)
    df = float(seen.sum() * (len(fit.design.order) - 1) - len(fit.theta))
    if pseudo_likelihood(fit) and df > 0:
        return _rao_scott(widened, group, comparison)
    table = summary(comparison, df, ["pearson", "deviance"])
    saturated = "" if df > 0 else " The model is saturated on these patterns: there is nothing left to test."
    note = f"{int(seen.sum())} patterns of {fit.n} respondents.{saturated}{comparison.sparse}"
    first = table.iloc[0]
    return HypothesisTest("Pearson test of fit", float(first["statistic"]), df, float(first["p_value"]), table, note)


def _rao_scott(fit: Fit, group: Codes, comparison: ObservedExpected) -> HypothesisTest:
    """Both statistics with the second-order correction."""
    cells, answers = comparison.expected.shape
    if cells * answers > MOST_CELLS:
        raise AdjustError(
            f"{cells} patterns of {answers} answers are {cells * answers} cells; the correction for the design is made for at most "
            f"{MOST_CELLS}. Use {INSTEAD}."
        )
    root = 1.0 / np.sqrt(comparison.expected.ravel())
    scaled = root[:, None] * residual_covariance(fit, group, np.eye(answers)) * root
    first, second = float(np.trace(scaled)), float((scaled**2).sum())
    df = first**2 / second
    statistics = {"pearson": comparison.pearson.sum(), "deviance": comparison.deviance.sum()}
    rows = {
        name: _corrected(float(value) * first / second, df, fit.design_df).row() for name, value in statistics.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("term")
    note = (
        f"{cells} patterns of {fit.n} respondents. Corrected after Rao and Scott (1984) with a mean design effect of "
        f"{first / _free_cells(fit, cells):.3g}, because {pseudo_likelihood(fit)}.{comparison.sparse}"
    )
    result = table.iloc[0]
    return HypothesisTest(
        "Pearson test of fit (design-based)", float(result["statistic"]), df, float(result["p_value"]), table, note,
        float(result["df2"]),
    )  # fmt: skip


def _free_cells(fit: Fit, cells: int) -> int:
    return cells * (len(fit.design.order) - 1) - len(fit.theta)


def _corrected(statistic: float, df: float, design_df: float) -> Wald:
    if np.isinf(design_df):
        return chi_square(statistic, df)
    return Wald(statistic / df, df, df * design_df, float(stats.f.sf(statistic / df, df, df * design_df)))


def pulkstenis_robinson(fit: Fit, terms: str | Sequence[str]) -> HypothesisTest:
    """Test of fit by patterns of the categorical predictors, each split at the median of its predicted scores.

    Parameters
    ----------
    fit : Fit
        With at least one continuous predictor beside the categorical ones.
    terms : str or sequence of str
        The categorical predictors.

    Returns
    -------
    HypothesisTest
        The statistic is the chi-square version; the table has the rows "chi-square" and "deviance".
        ``df = (2 I - 1)(K - 1) - k - 1``, I patterns, k parameters of the categorical predictors. With patterns that cannot be
        split, 2 I is the number of groups there are.

    Raises
    ------
    AdjustError
        Under sampling weights or a design, or if a predictor is unknown.
    """
    refuse_unusable(fit)
    refuse_pseudo_likelihood(fit, "The Pulkstenis-Robinson test", f"pearson, {INSTEAD}")
    names = [terms] if isinstance(terms, str) else list(terms)
    if not names:
        raise AdjustError("pulkstenis_robinson was given no predictor. Name the categorical ones.")
    group = _halves(fit, _numbers([pd.Series(model_values(fit, name), name=name) for name in names]))
    comparison = compare(fit, group)
    made, count = comparison.observed.shape
    slopes = sum(_variables_within(term, fit, names) for term in fit.design.terms)
    df = float((made - 1) * (count - 1) - slopes - 1)
    table = summary(comparison, df, ["chi-square", "deviance"])
    note = f"{made} groups; {slopes} parameters of the categorical predictors.{comparison.sparse}"
    first = table.iloc[0]
    name = "Pulkstenis-Robinson test of fit"
    return HypothesisTest(name, float(first["statistic"]), df, float(first["p_value"]), table, note)


def _halves(fit: Fit, pattern: Codes) -> Codes:
    """Twice the covariate pattern, plus one above the (weighted) median of its scores; numbered without gaps."""
    weight = fit.cells.weights.sum(axis=1)
    score = np.round(probabilities(fit) @ answer_scores(fit), TIE_DIGITS)
    high = np.zeros(len(score), dtype=np.intp)
    for number in np.unique(pattern[weight > 0]):
        inside = np.flatnonzero((pattern == number) & (weight > 0))
        high[inside] = score[inside] > _median(score[inside], weight[inside])
    group = np.full(len(score), -1, dtype=np.intp)
    group[weight > 0] = np.unique((2 * pattern + high)[weight > 0], return_inverse=True)[1]
    return group


def _median(values: Array, weight: Array) -> float:
    """Median of values repeated as often as their weight says.

    Examples
    --------
    >>> float(_median(np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0])))
    3.0
    """
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    half = reached[-1] / 2.0
    lower = values[order][np.searchsorted(reached, half - 1e-9)]
    upper = values[order][np.searchsorted(reached, half + 1e-9)]
    return float((lower + upper) / 2.0)


def _variables_within(term: str, fit: Fit, names: list[str]) -> bool:
    """Whether a term is made of these predictors only."""
    words = set(re.findall(r"[\w.]+", term))
    used = [str(name) for name in fit.cells.patterns.columns if str(name) in words]
    return bool(used) and all(name in names for name in used)


def _numbers(columns: list[pd.Series]) -> Codes:
    coded = [predictor_codes(column, str(column.name)) for column in columns]
    return unique_rows([codes for codes, _ in coded], [len(levels) for _, levels in coded], len(columns[0]))[0]


def _split_further(fit: Fit, by: list[str]) -> Fit:
    """The fit with patterns also split by other variables."""
    if not by:
        return fit
    cells, frame = fit.cells, fit.survey.frame
    used = cells.row_pattern >= 0
    known = [str(name) for name in frame.columns]
    for name in by:
        if name not in known or frame.loc[used, name].isna().any():
            what = "has missing values on the rows used" if name in known else "is not a variable of this survey"
            raise AdjustError(f'"{name}" {what}. Known: {listed(known, 30)}.{did_you_mean(name, known)}')
    further = _numbers([frame.loc[used, name] for name in by])
    pairs, number = np.unique(np.column_stack([cells.row_pattern[used], further]), axis=0, return_inverse=True)
    number = number.reshape(-1)
    row_pattern = np.full(len(frame), -1, dtype=np.intp)
    row_pattern[used] = number
    shape = (len(pairs), len(cells.categories))
    place = number * shape[1] + cells.row_category[used]
    weights = np.bincount(place, cells.row_weight[used], minlength=shape[0] * shape[1]).reshape(shape)
    old = pairs[:, 0]
    split = replace(
        cells, columns={name: values[old] for name, values in cells.columns.items()}, weights=weights, counts=weights,
        row_pattern=row_pattern,
    )  # fmt: skip
    scale = None if fit.design.scale is None else fit.design.scale[old]
    return replace(fit, cells=split, design=replace(fit.design, linear=fit.design.linear.rows(old), scale=scale))
