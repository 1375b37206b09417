"""Posterior predictive checks: whether a model gives back the answers it has seen.

One outcome (`posterior_predictive`): answers of the same respondents are drawn anew from every draw of the posterior. Of each group and answer
the observed share stands beside the distribution of the drawn ones, with the Bayesian p-value P(drawn > observed) + P(drawn = observed) / 2:
near 0 or 1 the model cannot give such a share. One number for all: the discrepancy sum (share - expected)^2 / expected over groups and answers,
weighted by group size, drawn against observed (Gelman, Meng and Stern 1996).

Calibration of the cumulative probabilities: for every cut, whether respondents answer at or below it is regressed on its predicted probability by
isotonic regression (pool adjacent violators); a calibrated model gives the diagonal, within a band of the same regression of drawn answers
(Dimitriadis, Gneiting and Jordan 2021).

Several items (`posterior_predictive_items`): from each of some draws all respondents are drawn anew, each with a new person effect, and answer the
items that they answered. Shares and the one number per item, how far they are from what each draw expects of the average person, are as for
one outcome. What a model of one item cannot say is whether one effect per person makes the answers correlated as they are. For that each item's
correlation with the mean of the others is compared with that of drawn answers (Sinharay, Johnson and Stern 2006).

References
----------
Dimitriadis, T., Gneiting, T. and Jordan, A. I. (2021). Stable reliability diagrams for probabilistic classifiers. PNAS 118,
e2016191118. doi:10.1073/pnas.2016191118
Gelman, A., Meng, X.-L. and Stern, H. (1996). Posterior predictive assessment of model fitness via realized discrepancies.
Statistica Sinica 6, 733-807.
Sinharay, S., Johnson, M. S. and Stern, H. S. (2006). Posterior predictive assessment of item response theory models. Applied
Psychological Measurement 30, 298-321. doi:10.1177/0146621605285517
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from wwm_models.arguments import confidence_level
from wwm_models.bayes.joint_data import ItemParameters, JointPosterior, rest_correlations
from wwm_models.bayes.joint_density import simulated_codes
from wwm_models.bayes.leave_one_out import evenly_spaced
from wwm_models.bayes.posterior import Posterior
from wwm_models.errors import AdjustError, expect
from wwm_models.estimates.adjusted import item_view, person_averaged
from wwm_models.estimates.estimates import Estimates, names_of, probability_table
from wwm_models.estimates.standardise import estimand_text, model_values, refuse_unusable
from wwm_models.estimates.standardise_draws import drawn_limits
from wwm_models.estimates.target import target_population
from wwm_models.likelihood.likelihood import predictors_of
from wwm_models.models.design import Tabulated
from wwm_models.numerics.arrays import Array, Codes

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
class _FittedRespondents:
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
        Draws from the posterior.
    by : str, sequence of str or None
        Variables of the model.
    seed : int
        Of the random numbers: the same seed gives the same result; from 0.
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


def _answers(post: Posterior, draws: int) -> _FittedRespondents:
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
    return _FittedRespondents(cells.row_pattern[rows], place[cells.row_category[rows]], weight, cumulative)


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


def _drawn_answers(known: _FittedRespondents, s: int, generator: np.random.Generator) -> Codes:
    below = known.cumulative[s][known.pattern, :-1]
    return (generator.random(len(below))[:, None] > below).sum(axis=1)


def _shares(group: Codes, answer: Codes, known: _FittedRespondents, groups: int) -> Array:
    """(G, J) sums of weights."""
    answers = known.cumulative.shape[2]
    return (
        np.bincount(group * answers + answer, known.weight, minlength=groups * answers)
        .reshape(groups, answers)
        .astype(np.float64)
    )


def _expected(known: _FittedRespondents, group: Codes, groups: int) -> Array:
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


def _calibration(post: Posterior, known: _FittedRespondents, drawn: list[Codes], level: float) -> pd.DataFrame:
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


def _isotonic(below: NDArray[np.bool_], known: _FittedRespondents, weight: Array, order: Codes) -> Array:
    share = np.bincount(known.pattern, known.weight * below, minlength=len(weight))[order] / weight[order]
    return np.asarray(isotonic_regression(share, weights=weight[order]).x, dtype=np.float64)


BLOCK = 20  # draws at a time, so that patterns x quadrature nodes stay in the cache
ITEM_DRAWS = 200  # a tail probability is then within 0.035 of what all draws give


@dataclass(frozen=True, eq=False)
class ItemsCheck:
    """Observed answers to several items beside answers drawn from their joint posterior.

    Attributes
    ----------
    table : DataFrame
        ``item``, the by-variables, ``category, n, observed, predicted, lower, upper, p_value, status``; status is "ok" where the observed
        share is inside the limits, else "look".
    p_values : Series
        Of every item's shares together, by item.
    together : DataFrame, one row per item
        ``observed, predicted, lower, upper, p_value``: correlation with the mean of the other items.
    """

    table: pd.DataFrame
    p_values: pd.Series
    together: pd.DataFrame

    def _repr_html_(self) -> str:
        return self.table.to_html()


@dataclass(frozen=True, eq=False)
class _Seen:
    """Respondents with their answers (J, m), weight and unique row; the groups and each pattern's; draws, and the answers they give."""

    answers: Codes
    weight: Array
    row: Codes
    groups: pd.DataFrame
    group: Codes
    chosen: Codes
    drawn: list[Codes]
    level: float


def posterior_predictive_items(
    post: JointPosterior,
    by: str | Sequence[str] | None = None,
    *,
    seed: int = 1,
    draws: int = ITEM_DRAWS,
    level: float = 0.95,
) -> ItemsCheck:
    """Compare observed answers to every item with answers drawn from the joint posterior, by group.

    Parameters
    ----------
    post : JointPosterior
        Draws from the posterior.
    by : str, sequence of str or None
        Variables of the model.
    seed : int
        Of the random numbers: the same seed gives the same result; from 0.
    draws : int
        Draws of the posterior that are used, evenly spaced; at most all, at least 100.
    level : float
        Of the limits.

    Returns
    -------
    ItemsCheck

    Raises
    ------
    AdjustError
        If the posterior is not healthy, a by-variable is not in the model, or the draws are too few.
    """
    if not post.healthy:
        raise AdjustError(f"The joint posterior is not usable: {post.message} No answers are drawn from it.")
    confidence_level(level)
    if draws < 100:
        raise AdjustError(
            f"posterior_predictive_items was given draws={draws}; expected 100 or more. Leave it out for {ITEM_DRAWS}."
        )
    names = names_of(by)
    answers, weight, row = _respondents(post)
    groups, group = groups_of(item_view(post, 0), names)
    chosen = evenly_spaced(post, draws)
    drawn = _drawn(post, row, answers, chosen, np.random.default_rng([seed, 2006]))
    seen = _Seen(answers, weight, row, groups, group, chosen, drawn, level)
    parts = [_item(post, j, seen) for j in range(len(answers))]
    table = pd.concat([part for part, _ in parts], ignore_index=True)
    p_values = pd.Series([p for _, p in parts], index=pd.Index(post.rows.items, name="item"))
    return ItemsCheck(table, p_values, _together(post, seen))


def _respondents(post: JointPosterior) -> tuple[Codes, Array, Codes]:
    """Answers (J, m), weight and unique row of every respondent used; identical ones of a frequency weight one by one."""
    used = np.flatnonzero(post.rows.row >= 0)
    weight = post.rows.row_weight[used]
    if post.survey.weight_kind == "frequency":
        used = np.repeat(used, np.round(weight).astype(np.intp))
        weight = np.ones(len(used))
    row = post.rows.row[used]
    return post.rows.answers[:, row], weight, row


def _drawn(
    post: JointPosterior, row: Codes, answers: Codes, chosen: Codes, generator: np.random.Generator
) -> list[Codes]:
    """Answers (J, m) drawn from each chosen draw; -1 where there was none."""
    columns = post.rows.predictors[row]
    found: list[Codes] = []
    for s in chosen:
        one = ItemParameters(post.draws.cuts[s], post.draws.slopes[s], post.draws.loadings[s])
        codes = simulated_codes(one, post.rows.cut_item, columns, generator)
        found.append(np.where(answers >= 0, codes, -1))
    return found


def _item(post: JointPosterior, item: int, seen: _Seen) -> tuple[pd.DataFrame, float]:
    """The rows of one item and the tail probability of its discrepancy."""
    answers = np.array([seen.answers[item], *(each[item] for each in seen.drawn)])
    given = answers[0] >= 0
    names = [post.rows.categories[item][k] for k in post.rows.orders[item]]
    shape = len(seen.groups), len(names)
    weight, own = seen.weight[given], seen.group[post.rows.pattern[seen.row[given]]]
    size = np.bincount(own, weight, minlength=shape[0]).astype(np.float64)
    total = np.where(size > 0, size, 1.0)[:, None]
    shares = [
        np.bincount(own * shape[1] + each[given], weight, minlength=shape[0] * shape[1]).reshape(shape) / total
        for each in answers
    ]
    observed, replicated = shares[0], np.array(shares[1:])
    member = np.zeros((shape[0], len(post.rows.patterns)))
    member[seen.group, np.arange(len(seen.group))] = np.bincount(
        post.rows.pattern[seen.row[given]], weight, minlength=len(seen.group)
    )
    expected = expected_shares(post, item, seen.chosen, member / total)
    groups = seen.groups.iloc[np.repeat(np.arange(shape[0]), shape[1])].reset_index(drop=True)
    values = _compared(observed.ravel(), replicated.reshape(len(replicated), -1), seen.level)
    n = np.repeat(np.bincount(own, minlength=shape[0]), shape[1])
    table = groups.assign(item=post.rows.items[item], category=names * shape[0], n=n, **values)
    first = ["item", *(str(name) for name in groups.columns)]
    table = table[[*first, *(name for name in table.columns if name not in first)]]
    return table, discrepancy(observed, replicated, expected, size)


def expected_shares(post: JointPosterior, item: int, chosen: Codes, member: Array) -> Array:
    """(s, G, K) shares of an item's answers that the chosen draws expect of (G, P) shares of the patterns, over the person effect."""
    cuts, loadings = post.draws.cuts[:, post.rows.cut_item == item], post.draws.loadings[:, item]
    found: list[Array] = []
    for part in np.array_split(chosen, -(-len(chosen) // BLOCK)):
        linear = post.draws.slopes[part, item] @ post.rows.columns.T
        below = member @ person_averaged(cuts[part], linear, loadings[part])
        everyone = np.broadcast_to(member.sum(axis=1)[None, :, None], (len(part), len(member), 1))
        found.append(np.diff(below, prepend=0.0, append=everyone, axis=2))
    return np.concatenate(found)


def _compared(observed: Array, replicated: Array, level: float) -> dict[str, Array]:
    """Observed numbers (m,) beside drawn ones (s, m)."""
    lower, upper = drawn_limits(replicated, level)
    inside = (observed >= lower - 1e-12) & (observed <= upper + 1e-12)
    p_value = np.array([_tail(one, drawn) for one, drawn in zip(observed, replicated.T, strict=True)])
    return {
        "observed": observed, "predicted": replicated.mean(axis=0), "lower": lower, "upper": upper, "p_value": p_value,
        "status": np.where(inside, "ok", "look"),
    }  # fmt: skip


def _tail(observed: float, drawn: Array) -> float:
    """P(drawn > observed) + P(drawn = observed) / 2."""
    return float(np.mean(drawn > observed + 1e-12) + 0.5 * np.mean(np.abs(drawn - observed) <= 1e-12))


def _together(post: JointPosterior, seen: _Seen) -> pd.DataFrame:
    observed = rest_correlations(seen.answers, seen.weight)
    replicated = np.array([rest_correlations(each, seen.weight) for each in seen.drawn])
    return pd.DataFrame({"item": post.rows.items, **_compared(observed, replicated, seen.level)})
