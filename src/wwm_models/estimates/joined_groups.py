"""Groups that are joined from several levels: their share, their law, and how large their parts are.

Of a joined group U of levels g the number is the mean of the numbers of its levels, weighted by their sizes,

    P(U) = sum_g s_g P(g),    s_g = W_g / sum_(g in U) W_g,

with W_g the weight of those of level g who answered the question. Of raw percentages that is exactly the share among everybody in U. Of adjusted
ones it is what is expected when people are set to the levels of U as often as these occur in it, with everything else as it is in the
population averaged over. The same sizes are used for raw and adjusted, so that the two differ by adjustment alone.

To first order respondent i moves it by ``sum_g s_g u_ig + (P(g_i) - P(U)) w_i / W_U``, u_ig the contribution to P(g) and the last
term for members of U only: the sizes are estimates too. Deviations of replicates are combined likewise. Of a posterior the levels
are combined draw by draw; the sizes are drawn from the normal law of their estimates, the same for all questions of one base.

A joined group is made of numbers that are shown, and of nothing else: where one of its levels is suppressed, so is the joined group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from wwm_models.estimates.estimates import Estimand, Estimates, group_frame, groups_of_patterns, probability_limits
from wwm_models.estimates.joint_distribution import JointDistribution, joint_distribution
from wwm_models.estimates.standardise_draws import drawn_limits
from wwm_models.likelihood.covariance import covariance
from wwm_models.likelihood.degrees_of_freedom import freedom
from wwm_models.likelihood.replicates import replicate_deviations
from wwm_models.models.cells import Cells, Influence, tabulate
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.survey.frames import ESTIMATE_COLUMNS
from wwm_models.survey.survey import Survey

Group = Sequence[tuple[str, str]]
_SEED = 20_231  # of the sizes' draws: one for all, so that numbers with the same base have the same sizes in every draw


def sizes_of_levels(survey: Survey, outcome: str, levels: Mapping[str, Sequence[str]]) -> Estimates:
    """Weighted shares of the combinations of levels among those who have one of them and answered a question.

    Parameters
    ----------
    survey : Survey
    outcome : str
        The question.
    levels : mapping of variable to its levels
        As texts; of each variable one or more.

    Returns
    -------
    Estimates
        One row per combination, adding up to 1; missing where nobody has any of them.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": ["a", "b", "a", "b"], "home": ["alone", "couple", "couple", "family"]})
    >>> found = sizes_of_levels(Survey.from_frame(frame, weight=None), "y", {"home": ["alone", "couple"]})
    >>> found.table["estimate"].round(3).tolist()
    [0.333, 0.667]
    """
    cells = tabulate(survey, outcome, tuple(levels), needs_order=False)
    groups = _groups(cells, levels)
    place = groups_of_patterns(cells, groups)
    people, weights = (_by_group(table.sum(axis=1), place, len(groups)) for table in (cells.counts, cells.weights))
    estimate = _shares(weights)
    contributions = _influence(survey, cells, place, estimate, weights.sum())
    joint, made, replicated = covariance(contributions), survey.replicates, None
    free = freedom(contributions, made)
    if made is not None:
        again = [_shares(_rows_by_group(cells, place, column, len(groups))) for column in made.weights.T]
        replicated = replicate_deviations(np.array(again), estimate, made)
        joint = replicated.T @ replicated
    values = {
        "outcome": outcome, "category": "size", "estimate": estimate, "std_error": free.std_error(joint), "lower": np.nan, "upper": np.nan,
        "level": np.nan, "count": people, "n": people.sum(), "n_effective": np.nan, "method": "raw",
        "estimand": Estimand(tuple(levels), (), "sample", quantity="raw share").text,
    }  # fmt: skip
    table = groups.astype(str).assign(**{name: values[name] for name in ESTIMATE_COLUMNS})
    return Estimates(
        table, tuple(levels), joint, contributions, None, free.smallest, replicated, freedom=free,
        replicate_set="" if made is None else made.identity,
    )  # fmt: skip


def _groups(cells: Cells, levels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Every combination of the levels, as the cells hold them: groups, or numbers."""
    chosen: dict[str, object] = {}
    for name, wanted in levels.items():
        values = cells.columns[name]
        if isinstance(values, pd.Categorical):
            chosen[name] = pd.Index(list(wanted))
        else:
            chosen[name] = np.array([value for value in np.unique(values) if str(value) in wanted])
    return group_frame(chosen)


def _by_group(values: Array, place: Codes, count: int) -> Array:
    inside = place >= 0
    return np.bincount(place[inside], values[inside], minlength=count).astype(np.float64)


def _rows_by_group(cells: Cells, place: Codes, weights: Array, count: int) -> Array:
    used = cells.row_pattern >= 0
    return _by_group(weights[used], place[cells.row_pattern[used]], count)


def _shares(weights: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return weights / weights.sum()


def _influence(survey: Survey, cells: Cells, place: Codes, estimate: Array, total: float) -> Influence:
    """w_i [1(level) - share] / W of those who have one of the levels; zero of the others."""
    answers, inside = len(cells.categories), place >= 0
    values = np.where(inside[:, None], (place[:, None] == np.arange(len(estimate))) - estimate, 0.0)
    flat = np.repeat(np.nan_to_num(values / (total or 1.0)), answers, axis=0)
    members = np.repeat(np.repeat(inside[:, None], len(estimate), axis=1), answers, axis=0)
    return Influence.of(survey, flat, cells.row_cell, cells.row_weight, members=members)


def combinations(levels: Mapping[str, Iterable[str]]) -> list[tuple[tuple[str, str], ...]]:
    """Every group of one level of each variable.

    Examples
    --------
    >>> combinations({"age": ["young"], "home": ["alone", "couple"]})
    [(('age', 'young'), ('home', 'alone')), (('age', 'young'), ('home', 'couple'))]
    """
    named = [[(name, level) for level in several] for name, several in levels.items()]
    return list(product(*named))


def joined(parts: Sequence[tuple[Estimates, int]], sizes: Estimates, places: Sequence[int], group: Group) -> Estimates:
    """The number of a joined group.

    Parameters
    ----------
    parts : sequence of (Estimates, row)
        The numbers of its levels that have respondents.
    sizes : Estimates
        As `sizes_of_levels` gives them.
    places : sequence of int
        Where in `sizes` each part stands.
    group : sequence of (variable, level)
        Its name.

    Returns
    -------
    Estimates
        One row.
    """
    share = sizes.table["estimate"].to_numpy(dtype=float)
    values = np.array([float(source.table["estimate"].iloc[row]) for source, row in parts])
    weights = share[list(places)]
    estimate = float(weights @ values)
    first, row = parts[0]
    if first.draws is not None:
        return _drawn(parts, sizes, places, group)
    law = _law(parts, sizes, places, values - estimate)
    n_effective = np.array([_sum(parts, "n_effective")])
    std_error = law.std_error
    lower, upper = probability_limits(
        np.array([estimate]), std_error, n_effective, level=float(first.table["level"].iloc[row]), df=law.freedom.df, interval="logit"
    )  # fmt: skip
    table = _table(
        parts, group, {"estimate": estimate, "std_error": std_error[0], "lower": lower[0], "upper": upper[0]}
    )
    return law.estimates(table, tuple(name for name, _ in group))


def _law(
    parts: Sequence[tuple[Estimates, int]], sizes: Estimates, places: Sequence[int], away: Array
) -> JointDistribution:
    """Of the weighted mean: through the numbers of its levels, and through their sizes."""
    matrix = np.zeros((1, len(sizes.table)))
    matrix[0, list(places)] = away
    terms: dict[int, tuple[Estimates, Array]] = {id(sizes): (sizes, matrix)}
    share = sizes.table["estimate"].to_numpy(dtype=float)
    for (source, row), place in zip(parts, places, strict=True):
        own = terms.setdefault(id(source), (source, np.zeros((1, len(source.table)))))[1]
        own[0, row] += share[place]
    return joint_distribution(list(terms.values()))


def _drawn(parts: Sequence[tuple[Estimates, int]], sizes: Estimates, places: Sequence[int], group: Group) -> Estimates:
    first, row = parts[0]
    drawn = np.column_stack([np.asarray(source.draws)[:, place] for source, place in parts])
    share = sizes.table["estimate"].to_numpy(dtype=float)
    root = np.linalg.svd(np.nan_to_num(sizes.covariance), hermitian=True)
    moves = np.random.default_rng(_SEED).standard_normal((len(drawn), len(share))) @ (root[0] * np.sqrt(root[1])).T
    drawn_sizes = np.maximum(share + moves, 0.0)[:, list(places)]
    draws = (drawn * drawn_sizes).sum(axis=1, keepdims=True) / drawn_sizes.sum(axis=1, keepdims=True)
    lower, upper = drawn_limits(draws, float(first.table["level"].iloc[row]))
    values = {"estimate": draws.mean(), "std_error": draws.std(ddof=1), "lower": lower[0], "upper": upper[0]}
    table = _table(parts, group, {name: float(value) for name, value in values.items()})
    return Estimates(
        table,
        tuple(name for name, _ in group),
        np.atleast_2d(np.cov(draws, rowvar=False)),
        None,
        draws,
        origin=first.origin,
    )


def _sum(parts: Sequence[tuple[Estimates, int]], column: str) -> float:
    return float(sum(source.table[column].iloc[row] for source, row in parts))


def _table(parts: Sequence[tuple[Estimates, int]], group: Group, values: Mapping[str, float]) -> pd.DataFrame:
    first, row = parts[0]
    constant = {name: first.table[name].iloc[row] for name in ("outcome", "category", "level", "method", "estimand")}
    summed = {name: _sum(parts, name) for name in ("count", "n", "n_effective")}
    facts = {**constant, **summed, **values}
    return pd.DataFrame([{**dict(group), **{name: facts[name] for name in ESTIMATE_COLUMNS}}])
