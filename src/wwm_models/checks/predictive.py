"""Does the model give back the answers it has seen? Shares per group, a discrepancy, and calibration of the cumulative probabilities.

Answers of the same respondents are drawn anew from every draw of the posterior. Of each group and answer the observed share stands
beside the distribution of the drawn ones, with the Bayesian p-value P(drawn > observed) + P(drawn = observed) / 2: near 0 or 1 the
model cannot give such a share. One number for all: the discrepancy sum (share - expected)^2 / expected over groups and answers,
weighted by group size, drawn against observed.

Calibration: for every cut, whether respondents answer at or below it is regressed on its predicted probability by isotonic
regression (pool adjacent violators); a calibrated model gives the diagonal, within a band of the same regression of drawn answers.

References
----------
Gelman, A., Meng, X.-L. and Stern, H. (1996). Posterior predictive assessment of model fitness via realized discrepancies.
Statistica Sinica 6, 733-807.
Dimitriadis, T., Gneiting, T. and Jordan, A. I. (2021). Stable reliability diagrams for probabilistic classifiers. PNAS 118,
e2016191118. doi:10.1073/pnas.2016191118
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from wwm_models.adjust.margins.joint import estimand_text, model_values, refuse_unusable
from wwm_models.adjust.margins.sampled import drawn_limits
from wwm_models.adjust.margins.target import target_population
from wwm_models.adjust.table import names_of, probability_table
from wwm_models.arguments import confidence_level
from wwm_models.engines.predictors import predictors_of
from wwm_models.errors import AdjustError, expect
from wwm_models.records import Estimates, Posterior, Tabulated

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class PredictiveCheck:
    """Observed answers beside answers drawn from the posterior.

    Attributes
    ----------
    table : DataFrame
        The by-variables, ``category, n, observed, predicted, lower, upper, p_value, status``; status is "ok" where the observed share
        is inside the limits, else "look".
    estimates : Estimates
        The drawn shares, with draws.
    calibration : DataFrame
        ``cut, predicted, observed, lower, upper, n``: of every cut and pattern the predicted cumulative probability, the isotonic
        regression of the answers on it, and the band of drawn answers.
    p_value : float
        Of the discrepancy over all groups and answers.
    """

    table: pd.DataFrame
    estimates: Estimates
    calibration: pd.DataFrame
    p_value: float

    def _repr_html_(self) -> str:
        return self.table.to_html()


@dataclass(frozen=True, eq=False)
class _Answers:
    """Respondents used: pattern, answer (position among those fitted) and weight of each; probabilities of every draw."""

    pattern: Codes
    answer: Codes
    weight: Array
    cumulative: Array  # (s, P, J): P(Y <= k), in the order of the declared answers that have respondents


def posterior_predictive(
    post: Posterior, by: str | Sequence[str] | None = None, *, seed: int = 1, draws: int = DRAWS, level: float = 0.95
) -> PredictiveCheck:
    """Compare observed answers with answers drawn from a posterior, by group.

    Parameters
    ----------
    post : Posterior
    by : str, sequence of str or None
        Variables of the model.
    seed : int
    draws : int
        Draws of the posterior that are used, evenly spaced; at most all.
    level : float
        Of the limits.

    Returns
    -------
    PredictiveCheck

    Raises
    ------
    AdjustError
        If the posterior is not healthy or a by-variable is not in the model.
    """
    expect(post, (Posterior,), "The first argument of posterior_predictive", AdjustError)
    refuse_unusable(post)
    names = names_of(by)
    confidence_level(level)
    if draws < 100:
        raise AdjustError(
            f"posterior_predictive was given draws={draws}; expected 100 or more. Leave it out for {DRAWS}."
        )
    post.survey.one_by_one("wwm.posterior_predictive")
    known = _answers(post, draws)
    groups, group = groups_of(post, names)
    generator = np.random.default_rng([seed, 1996])
    own = group[known.pattern]
    drawn = [_drawn_answers(known, s, generator) for s in range(len(known.cumulative))]
    size = np.bincount(own, known.weight, minlength=len(groups)).astype(np.float64)
    replicated = np.array([_shares(own, answer, known, len(groups)) for answer in drawn]) / size[:, None]
    observed = _shares(own, known.answer, known, len(groups)) / size[:, None]
    expected = _expected(known, group, len(groups))
    table, estimates = _tables(post, names, groups, own, observed, replicated, level)
    return PredictiveCheck(
        table,
        estimates,
        _calibration(post, known, drawn[:200], level),
        discrepancy(observed, replicated, expected, size),
    )


def _answers(post: Posterior, draws: int) -> _Answers:
    cells = post.cells
    present = np.sort(post.design.order)
    place = np.full(len(cells.categories), -1, dtype=np.intp)
    place[present] = np.arange(len(present))
    rows = np.flatnonzero((cells.row_pattern >= 0) & (cells.row_weight > 0))
    weight = cells.row_weight[rows]
    if post.survey.weight_kind == "frequency":
        rows = np.repeat(rows, np.round(weight).astype(np.intp))
        weight = np.ones(len(rows))
    chosen = post.draws[np.linspace(0, len(post.draws) - 1, min(draws, len(post.draws))).astype(np.intp)]
    predictors = predictors_of(post.design)
    cumulative = np.empty((len(chosen), len(post.design.array), len(present)))
    for s, theta in enumerate(chosen):
        probability = np.exp(post.family.log_probabilities(predictors.eta(theta), post.link))
        cumulative[s] = np.cumsum(probability[:, np.argsort(post.design.order)], axis=1)
    return _Answers(cells.row_pattern[rows], place[cells.row_category[rows]], weight, cumulative)


def groups_of(model: Tabulated, names: tuple[str, ...]) -> tuple[pd.DataFrame, Codes]:
    """The groups there are, in order, and the group of every pattern."""
    for name in names:
        model_values(model, name)
    if not names:
        return pd.DataFrame(index=range(1)), np.zeros(len(model.cells.patterns), dtype=np.intp)
    patterns = model.cells.patterns[list(names)]
    codes = [pd.factorize(patterns[name], sort=True)[0] for name in names]
    _, first, number = np.unique(np.column_stack(codes), axis=0, return_index=True, return_inverse=True)
    return patterns.iloc[first].reset_index(drop=True), number.ravel().astype(np.intp)


def _drawn_answers(known: _Answers, s: int, generator: np.random.Generator) -> Codes:
    below = known.cumulative[s][known.pattern, :-1]
    return (generator.random(len(below))[:, None] > below).sum(axis=1)


def _shares(group: Codes, answer: Codes, known: _Answers, groups: int) -> Array:
    """(G, J) sums of weights."""
    answers = known.cumulative.shape[2]
    return (
        np.bincount(group * answers + answer, known.weight, minlength=groups * answers)
        .reshape(groups, answers)
        .astype(np.float64)
    )


def _expected(known: _Answers, group: Codes, groups: int) -> Array:
    """(s, G, J) shares that each draw expects."""
    weight = np.bincount(known.pattern, known.weight, minlength=len(group))
    member = np.zeros((groups, len(group)))
    member[group, np.arange(len(group))] = weight
    member /= member.sum(axis=1, keepdims=True)
    return member @ np.diff(known.cumulative, prepend=0.0, axis=2)


def discrepancy(observed: Array, replicated: Array, expected: Array, size: Array) -> float:
    """Posterior probability that drawn answers are at least as far from what their draw expects as the observed ones.

    Parameters
    ----------
    observed : (G, K) array of shares
    replicated, expected : (s, G, K) arrays
    size : (G,) array
        Sums of weights.
    """
    scale = size[:, None] / np.maximum(expected, 1e-12)
    drawn = ((replicated - expected) ** 2 * scale).sum(axis=(1, 2))
    seen = ((observed - expected) ** 2 * scale).sum(axis=(1, 2))
    return float(np.mean(drawn > seen) + 0.5 * np.mean(drawn == seen))


def _tables(
    post: Posterior, names: tuple[str, ...], groups: pd.DataFrame, group: Codes, observed: Array, replicated: Array, level: float
) -> tuple[pd.DataFrame, Estimates]:  # fmt: skip
    answers = [post.cells.categories[k] for k in np.sort(post.design.order)]
    draws = replicated.reshape(len(replicated), -1)
    lower, upper = drawn_limits(draws, level)
    seen, n = observed.ravel(), np.repeat(np.bincount(group, minlength=len(groups)), len(answers)).astype(float)
    columns = {
        "estimate": draws.mean(axis=0), "std_error": draws.std(axis=0, ddof=1), "lower": lower, "upper": upper,
        "count": np.nan, "n": n, "n_effective": np.nan,
    }  # fmt: skip
    target = target_population(post, "sample", [str(name) for name in post.cells.patterns.columns if name not in names])
    made = probability_table(
        groups, answers, columns, outcome=post.cells.outcome, level=level, method="posterior predictive",
        estimand=estimand_text(post, names, target, "share of drawn answers"),
    )  # fmt: skip
    p_value = np.mean(draws > seen + 1e-12, axis=0) + 0.5 * np.mean(np.abs(draws - seen) <= 1e-12, axis=0)
    inside = (seen >= lower - 1e-12) & (seen <= upper + 1e-12)
    table = made[[*names, "category", "n"]].assign(
        observed=seen, predicted=columns["estimate"], lower=lower, upper=upper, p_value=p_value,
        status=np.where(inside, "ok", "look"),
    )  # fmt: skip
    return table, Estimates(made, names, np.atleast_2d(np.cov(draws, rowvar=False)), None, draws)


def _calibration(post: Posterior, known: _Answers, drawn: list[Codes], level: float) -> pd.DataFrame:
    """Isotonic regressions of answers at or below each cut on the mean predicted probability, by pattern."""
    answers = [post.cells.categories[k] for k in np.sort(post.design.order)]
    predicted = known.cumulative.mean(axis=0)
    weight = np.bincount(known.pattern, known.weight, minlength=len(predicted)).astype(np.float64)
    people = np.bincount(known.pattern, minlength=len(predicted))
    seen = np.flatnonzero(weight > 0)
    parts: list[pd.DataFrame] = []
    for k in range(len(answers) - 1):
        order = seen[np.argsort(predicted[seen, k], kind="stable")]
        fitted = [_isotonic(answer <= k, known, weight, order) for answer in (known.answer, *drawn)]
        lower, upper = drawn_limits(np.array(fitted[1:]), level)
        parts.append(
            pd.DataFrame(
                {
                    "cut": f"{answers[k]}|{answers[k + 1]}", "predicted": predicted[order, k], "observed": fitted[0],
                    "lower": lower, "upper": upper, "n": people[order],
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _isotonic(below: NDArray[np.bool_], known: _Answers, weight: Array, order: Codes) -> Array:
    share = np.bincount(known.pattern, known.weight * below, minlength=len(weight))[order] / weight[order]
    return np.asarray(isotonic_regression(share, weights=weight[order]).x, dtype=np.float64)
