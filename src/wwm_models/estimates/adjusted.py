"""Adjusted probabilities, by groups set for everyone in a target population: of a fit, of all items of a joint posterior, of a prior.

`adjusted` is of a fit or a posterior of one outcome. `adjusted_items` averages over the person effect and over the population; for item j, group g
and draw s

    P(Y_j <= k | g) = sum_r w_rs integral F(cut_jk - x_rg b_j - loading_j u) phi(u) du,

the integral by Gauss-Hermite quadrature. All items share their draws, of parameters and of the population, so statements about
several items at once can be counted over draws. Multiplicity over items and groups is met by pooling the slopes, which pulls
chance differences together, and not by widening intervals (Gelman, Hill and Yajima 2012).

`prior_predictive` is what a prior says in percentages, before any answer is seen.

References
----------
Gelman, A., Hill, J. and Yajima, M. (2012). Why we (usually) don't have to worry about multiple comparisons. Journal of Research on
Educational Effectiveness 5, 189-211. doi:10.1080/19345747.2011.618213
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import roots_hermite

from wwm_models.arguments import confidence_level
from wwm_models.bayes.convergence import health_table
from wwm_models.bayes.density import prior_draws
from wwm_models.bayes.joint_data import JointPosterior, columns_of
from wwm_models.bayes.posterior import Fitted, Posterior
from wwm_models.bayes.sample import Problem, posterior_problem
from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.estimates.estimates import (
    Collapses,
    Estimates,
    collapse_matrix,
    group_frame,
    groups_of_patterns,
    names_of,
    places_of,
    probability_limits,
    probability_table,
)
from wwm_models.estimates.standardise import (
    estimand_text,
    intervened,
    method_of,
    model_values,
    refuse_unusable,
    standardised,
)
from wwm_models.estimates.standardise_draws import drawn_limits, origin_of, refuse_noisy, sampled_shares
from wwm_models.estimates.target import Over, Target, target_population
from wwm_models.likelihood.fit import check_arguments
from wwm_models.models.cells import Cells
from wwm_models.models.design import Tabulated
from wwm_models.models.model import Model
from wwm_models.numerics import intervals
from wwm_models.numerics.arrays import Array
from wwm_models.survey.survey import Survey

MOST_VALUES = 25


def adjusted(
    fit: Fitted,
    by: str | Sequence[str] | None = None,
    *,
    over: Over = "sample",
    interval: str = "logit",
    covariates: str = "sampled",
    level: float = 0.95,
    collapses: Collapses | None = None,
) -> Estimates:
    """Adjusted probability of every answer in every group, averaged over a target population.

    Parameters
    ----------
    fit : Fit or Posterior
        A fitted model.
    by : str, sequence of str or None
        Variables of the model that are set, level by level, for everyone in the target population.
    over : {"sample", "balanced"}, Survey, mapping of margins, or file of these
        Whom to average over. "balanced": equal weight on every combination of the other factors, numbers at their mean. Margins,
        such as ``{"gender": {"man": 0.49, "woman": 0.51}}``: the sample raked to these shares or counts, which count as known.
    interval : {"logit", "wald"}
        Of a fit; a posterior has equal-tailed credible limits.
    covariates : {"sampled", "fixed"}
        "sampled": the standard error includes that the population averaged over is itself a sample. "fixed": the delta
        method on the fit's covariance, as Stata's margins does by default. For a posterior every draw has its own population,
        by the Bayesian bootstrap, or the sample's.
    level : float
        Between 0 and 1.
    collapses : mapping of name to answers, optional
        Unions of answers to report as further categories.

    Returns
    -------
    Estimates

    Raises
    ------
    AdjustError
        If a by-variable is not in the model, the fit is not usable, or an option is unknown.
    SurveyError
        If declared margins cannot be met.

    References
    ----------
    Graubard, B. I. and Korn, E. L. (1999). Predictive margins with survey data. Biometrics 55, 652-659.
    """
    confidence_level(level)
    names = names_of(by)
    refuse_unusable(fit)
    groups = model_groups(fit, names)
    target = target_population(fit, over, [name for name in fit.cells.columns if name not in names])
    collapse, categories = collapse_matrix(fit.cells.categories, collapses)
    found = standardised(
        fit, intervened(target, groups), target, np.kron(np.eye(len(groups)), collapse).astype(np.float64), covariates
    )
    n, n_effective = (np.repeat(part, len(categories)) for part in group_sizes(fit, groups))
    effective = np.where(n_effective > 0, n_effective, fit.n_effective)
    if isinstance(fit, Posterior) and found.draws is not None:
        refuse_noisy(fit, found.draws, places_of(fit.cells.outcome, groups, categories))
        lower, upper = drawn_limits(found.draws, level, interval)
    else:
        lower, upper = probability_limits(
            found.estimate, found.std_error, effective, level=level, df=found.freedom.df, interval=interval
        )
    columns = {
        "estimate": found.estimate, "std_error": found.std_error, "lower": lower, "upper": upper,
        "count": np.nan, "n": n, "n_effective": n_effective,
    }  # fmt: skip
    table = probability_table(
        groups,
        categories,
        columns,
        outcome=fit.cells.outcome,
        level=level,
        method=method_of(fit),
        estimand=estimand_text(fit, names, target),
    )
    return found.estimates(table, names, origin_of(fit))


def model_groups(fit: Tabulated, names: tuple[str, ...]) -> pd.DataFrame:
    """Every combination of levels of the by-variables that the fit has seen, one variable at a time."""
    levels: dict[str, object] = {}
    weight = fit.cells.weights.sum(axis=1)
    for name in names:
        column = model_values(fit, name)
        if isinstance(column, pd.Categorical):
            seen = np.bincount(column.codes, weight, minlength=len(column.categories)) > 0
            levels[name] = column.categories if seen.all() else column.categories[seen]
            continue
        values = np.unique(column)
        if len(values) > MOST_VALUES:
            raise AdjustError(
                f'"{name}" is a number with {len(values)} values; at most {MOST_VALUES} can be groups. Use slopes(fit, "{name}"), or cut it into groups.'
            )
        levels[name] = values
    return group_frame(levels)


def group_sizes(fit: Tabulated, groups: pd.DataFrame) -> tuple[Array, Array]:
    """Respondents of the fit in each group: unweighted, and Kish's effective number."""
    cells, count = fit.cells, len(groups)
    place = groups_of_patterns(cells, groups)
    inside = place >= 0
    counts = np.bincount(place[inside], cells.counts.sum(axis=1)[inside], minlength=count).astype(np.float64)
    sums = np.bincount(place[inside], cells.weights.sum(axis=1)[inside], minlength=count).astype(np.float64)
    used = cells.row_pattern >= 0
    squares = np.bincount(cells.row_pattern[used], cells.row_square[used], minlength=len(place))
    of_group = np.bincount(place[inside], squares[inside], minlength=count).astype(np.float64)
    return counts, intervals.kish_effective_n(sums, of_group)


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
        Draws from the posterior.
    by : str, sequence of str or None
        Variables of the model that are set, level by level, for everyone in the target population.
    over : as for `adjusted`
        "sample": the respondents of the joint model, the same for all items.
    covariates : {"sampled", "fixed"}
        Whether the population averaged over is drawn by the Bayesian bootstrap in every draw, or held as it is.
    level : float
        Of the equal-tailed credible limits.
    collapses : mapping of item to its collapses, optional
        By item, answers to report together too, under a name of their own.

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


def prior_predictive(
    model: Model,
    survey: Survey,
    by: str | Sequence[str] | None = None,
    *,
    seed: int = 1,
    draws: int = 1000,
    priors: Mapping[str, Any] | None = None,
    collapses: Collapses | None = None,
    level: float = 0.95,
) -> Estimates:
    """Adjusted probabilities under the prior alone: what the model expects of every answer in every group.

    Parameters
    ----------
    model : Model
        What is fitted, and to which outcome.
    survey : Survey
        Its predictors are used, and which answers have respondents; how many gave them is not.
    by : str, sequence of str or None
        Variables whose groups get numbers of their own; None for everyone together.
    seed, draws : int
        Of the random numbers, and how many sets of parameters are drawn from the prior.
    priors : mapping, optional
        As for `sample`.
    collapses : mapping of name to answers, optional
        Answers to report together too, under a name of their own.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        In 0..1, with draws; method "prior".

    Raises
    ------
    FitError
        If a prior is flat, or its truncated region is hardly ever met.

    References
    ----------
    Gabry, J., Simpson, D., Vehtari, A., Betancourt, M. and Gelman, A. (2019). Visualization in Bayesian workflow. JRSS A 182,
    389-402. doi:10.1111/rssa.12378

    Examples
    --------
    >>> import pandas as pd
    >>> answers = pd.Categorical(["no", "maybe", "yes"], ["no", "maybe", "yes"], ordered=True)
    >>> survey = Survey.from_frame(pd.DataFrame({"y": answers}), weight=None)
    >>> prior_predictive(Model("y ~ 1"), survey).table["estimate"].round(1).tolist()
    [0.3, 0.3, 0.3]
    """
    confidence_level(level)
    check_arguments("prior_predictive", model, survey)
    problem = posterior_problem(model, survey, priors=priors)
    return adjusted(
        prior_record(problem, seed=seed, draws=draws), by, level=level, covariates="fixed", collapses=collapses
    )


def prior_record(problem: Problem, *, seed: int, draws: int) -> Posterior:
    """Draws from the prior in the record of a posterior, so that everything made from draws can be made from them."""
    prior, design = problem.target.prior, problem.design
    theta = prior_draws(prior, design, draws, np.random.default_rng(seed))
    record = Posterior(
        model=problem.model, family=prior.family, link=prior.link, survey=problem.survey, cells=problem.cells, design=design,
        draws=theta, uncorrected=theta, chains=1, method="prior", vcov_kind="model", health=health_table(theta, 1, design.names),
        divergences=0, status="ok", message="", n=problem.cells.n, n_effective=problem.n_effective, priors=prior.texts, prior=prior,
    )  # fmt: skip
    return replace(record, settings=MappingProxyType({"seed": seed}))
