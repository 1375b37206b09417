"""Adjusted probabilities of every item of a joint posterior, averaged over the person effect and over the population.

For item j, group g and draw s

    P(Y_j <= k | g) = sum_r w_rs integral F(cut_jk - x_rg b_j - loading_j u) phi(u) du,

the integral by Gauss-Hermite quadrature. All items share their draws, of parameters and of the population, so statements about
several items at once can be counted over draws. Multiplicity over items and groups is met by pooling the slopes, which pulls
chance differences together, and not by widening intervals (Gelman, Hill and Yajima 2012).

References
----------
Gelman, A., Hill, J. and Yajima, M. (2012). Why we (usually) don't have to worry about multiple comparisons. Journal of Research on
Educational Effectiveness 5, 189-211. doi:10.1080/19345747.2011.618213
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import roots_hermite

from wwm_models.adjust.adjusted import group_sizes, model_groups
from wwm_models.adjust.margins.joint import estimand_text
from wwm_models.adjust.margins.sampled import drawn_limits, sampled_shares
from wwm_models.adjust.margins.standardise import intervened
from wwm_models.adjust.margins.target import Over, Target, target_population
from wwm_models.adjust.table import Collapses, collapse_matrix, names_of, probability_table
from wwm_models.arguments import confidence_level
from wwm_models.engines.bayes.joint.rows import columns_of
from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.families import Model
from wwm_models.records import Cells, Estimates, JointPosterior, Survey

Array = NDArray[np.float64]
FEW, MANY, STEEP = (
    31,
    61,
    2.5,
)  # quadrature nodes below and above this loading: errors below 1e-5 up to 2.5, below 1e-4 up to 5
AT_ONCE = 50_000  # numbers per block: a block of work then stays in the processor's cache


@dataclass(frozen=True, eq=False)
class ItemView:
    """One item of a joint posterior, seen as a model of one outcome: what groups and populations are made from.

    Attributes
    ----------
    model : Model
    survey : Survey
    cells : Cells
        Every respondent used in the joint model has a pattern; only those who answered the item are in the counts.
    draws : (s, K - 1) array
        Cut points.
    settings : mapping
    """

    model: Model
    survey: Survey
    cells: Cells
    draws: Array
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def adjusted_items(
    post: JointPosterior,
    by: str | Sequence[str] | None = None,
    *,
    over: Over = "sample",
    covariates: str = "sampled",
    level: float = 0.95,
    collapses: Mapping[str, Collapses] | None = None,
) -> dict[str, Estimates]:
    """Adjusted probability of every answer of every item in every group.

    Parameters
    ----------
    post : JointPosterior
    by : str, sequence of str or None
        Variables of the model that are set, level by level, for everyone in the target population.
    over : as for `adjusted`
        "sample": the respondents of the joint model, the same for all items.
    covariates : {"sampled", "fixed"}
    level : float
        Of the equal-tailed credible limits.
    collapses : mapping of item to its collapses, optional

    Returns
    -------
    dict of item to Estimates
        Row by row the same draws.

    Raises
    ------
    AdjustError
        If a by-variable is not in the model, or the posterior is not healthy.
    """
    confidence_level(level)
    names = names_of(by)
    _refuse(post, names, covariates)
    views = {item: item_view(post, j) for j, item in enumerate(post.rows.items)}
    first = next(iter(views.values()))
    groups = model_groups(first, names)
    target = target_population(first, over, [str(name) for name in post.rows.patterns.columns if name not in names])
    shares = np.broadcast_to(target.weights, (len(first.draws), len(target.weights)))
    if covariates == "sampled" and target.row_pattern is not None:
        shares = sampled_shares(target, first, post.seed)
    frame = intervened(target, groups)
    columns = post.rows.build(frame)
    return {
        item: _estimates(post, j, views[item], (groups, names, target), columns, shares, level, (collapses or {}).get(item))
        for j, item in enumerate(post.rows.items)
    }  # fmt: skip


def item_view(post: JointPosterior, item: int) -> ItemView:
    """The cells of one item, on the patterns of the joint model."""
    rows = post.rows
    used = rows.row >= 0
    place = np.append(rows.orders[item], -1)  # the last entry is where an absent answer points
    pattern, answer = np.full(len(rows.row), -1, dtype=np.intp), np.full(len(rows.row), -1, dtype=np.intp)
    pattern[used] = rows.pattern[rows.row[used]]
    answer[used] = place[rows.answers[item, rows.row[used]]]
    categories = rows.categories[item]
    given = answer >= 0
    cell = pattern[given] * len(categories) + answer[given]
    shape = (len(rows.patterns), len(categories))
    size = shape[0] * shape[1]
    people = post.survey.weights[given] if post.survey.weight_kind == "frequency" else None
    cells = Cells(
        rows.items[item], categories, columns_of(rows.patterns),
        np.bincount(cell, rows.row_weight[given], minlength=size).reshape(shape).astype(np.float64),
        np.bincount(cell, people, minlength=size).reshape(shape).astype(np.float64),
        pattern, answer, rows.row_weight, rows.excluded,
    )  # fmt: skip
    predictors = " + ".join(dict.fromkeys(rows.terms)) or "1"
    return ItemView(
        Model(f"{rows.items[item]} ~ {predictors}"), post.survey, cells, post.draws.cuts[:, rows.cut_item == item]
    )


@cache
def _nodes(count: int) -> tuple[Array, Array]:
    """Points and weights of Gauss-Hermite quadrature."""
    points, weights = roots_hermite(count)
    return points, weights


def person_averaged(cuts: Array, linear: Array, loading: Array) -> Array:
    """Cumulative probabilities averaged over a standard normal person effect.

    Parameters
    ----------
    cuts : (s, K - 1) array
    linear : (s, rows) array
    loading : (s,) array

    Returns
    -------
    (s, rows, K - 1) array
    """
    points, weights = _nodes(MANY if loading.max() > STEEP else FEW)
    effect = np.exp(loading[:, None] * (np.sqrt(2.0) * points))  # (s, Q)
    odds = np.exp(linear)[:, :, None] * effect[:, None, :]
    share = weights / np.sqrt(np.pi)
    return np.stack([(1.0 / (1.0 + np.exp(-cut)[:, None, None] * odds)) @ share for cut in cuts.T], axis=2)


def _estimates(
    post: JointPosterior, item: int, view: ItemView, what: tuple[pd.DataFrame, tuple[str, ...], Target], columns: Array, shares: Array,
    level: float, collapses: Collapses | None,
) -> Estimates:  # fmt: skip
    groups, names, target = what
    collapse, categories = collapse_matrix(view.cells.categories, collapses)
    probability = _margins(post, item, view, columns, shares)
    draws = (probability @ collapse.T).reshape(len(shares), -1)
    n, n_effective = (np.repeat(part, len(categories)) for part in group_sizes(view, groups))
    lower, upper = drawn_limits(draws, level)
    values = {
        "estimate": draws.mean(axis=0), "std_error": draws.std(axis=0, ddof=1), "lower": lower, "upper": upper,
        "count": np.nan, "n": n, "n_effective": n_effective,
    }  # fmt: skip
    table = probability_table(
        groups,
        categories,
        values,
        outcome=post.rows.items[item],
        level=level,
        method=post.method,
        estimand=estimand_text(view, names, target),
    )
    return Estimates(table, names, np.atleast_2d(np.cov(draws, rowvar=False)), None, draws, origin=post.origin)


def _margins(post: JointPosterior, item: int, view: ItemView, columns: Array, shares: Array) -> Array:
    """(s, G, K) standardised probabilities."""
    size, rows = shares.shape
    distinct, place = np.unique(columns, axis=0, return_inverse=True)  # setting a variable makes many rows alike
    result = np.zeros((size, len(columns) // rows, len(view.cells.categories)))
    block = max(1, AT_ONCE // (len(distinct) * FEW))
    for start in range(0, size, block):
        part = slice(start, start + block)
        linear = post.draws.slopes[part, item] @ distinct.T
        below = person_averaged(view.draws[part], linear, post.draws.loadings[part, item])[:, place.ravel()]
        averaged = np.einsum("sr,sgrk->sgk", shares[part], below.reshape(len(linear), -1, rows, below.shape[2]))
        result[part][:, :, post.rows.orders[item]] = np.diff(averaged, prepend=0.0, append=1.0, axis=2)
    return result


def _refuse(post: JointPosterior, names: tuple[str, ...], covariates: str) -> None:
    if not post.healthy:
        raise AdjustError(f"The joint posterior is not usable: {post.message} No probabilities are given from it.")
    known = [str(name) for name in post.rows.patterns.columns]
    for name in names:
        if name not in known:
            raise AdjustError(
                f'"{name}" is not in the joint model, so nothing can be set to its levels. Predictors: {listed(known, 30)}.{did_you_mean(name, known)}'
            )
    if covariates not in ("sampled", "fixed"):
        raise AdjustError(f'covariates="{covariates}" is not known. Expected "sampled" or "fixed".')
