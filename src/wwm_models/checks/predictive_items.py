"""Does the joint model give back the answers it has seen? Shares of every item by group, and how the items hang together.

From each of some draws of the posterior all respondents are drawn anew, each with a new person effect, and answer the items that they
answered. Of every item, group and answer the observed share stands beside the drawn ones, and one number per
item says how far all of them are from what each draw expects of the average person, as for a model of one item.

What a model of one item cannot say: whether one effect per person makes the answers hang together as they do. For that each item's
correlation with the mean of the others is compared with that of drawn answers.

References
----------
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

from wwm_models.adjust.items import item_view, person_averaged
from wwm_models.adjust.margins.sampled import drawn_limits
from wwm_models.adjust.table import names_of
from wwm_models.arguments import confidence_level
from wwm_models.checks.predictive import discrepancy, groups_of
from wwm_models.engines.bayes.joint.loo import evenly_spaced
from wwm_models.engines.bayes.joint.rows import rest_correlations
from wwm_models.engines.bayes.joint.simulate import simulated_codes
from wwm_models.errors import AdjustError
from wwm_models.records import ItemParameters, JointPosterior

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
BLOCK = 20  # draws at a time, so that patterns x quadrature nodes stay in the cache
DRAWS = 200  # a tail probability is then within 0.035 of what all draws give


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
    draws: int = DRAWS,
    level: float = 0.95,
) -> ItemsCheck:
    """Compare observed answers to every item with answers drawn from the joint posterior, by group.

    Parameters
    ----------
    post : JointPosterior
    by : str, sequence of str or None
        Variables of the model.
    seed : int
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
            f"posterior_predictive_items was given draws={draws}; expected 100 or more. Leave it out for {DRAWS}."
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
