"""The joint law of combinations of estimates, from one table or from several, of the same respondents or of other surveys.

Four sources, each used where all tables have it: posterior draws (combined draw by draw), replicate deviations, the
respondents' influence (stacked, so that estimates of other models and the raw percentages are correlated as they should
be), or the covariance within one table. Draws of two posteriors are independent of each other: their pairing is arbitrary,
so the second is shifted against the first, because equal seeds would make chains run in step.

`inference` goes from the law to the columns of a table. A difference is judged on its own scale, a ratio on the log scale, a probability on the logit
scale, so that no limit lies where the number cannot be. Numbers with draws are summarised by their quantiles; a posterior has no p-values.
`compared_rows` says which rows of a table are compared with which.

References
----------
Mize, T. D., Doan, L. and Long, J. S. (2019). A general framework for comparing predictions and marginal effects across
models. Sociological Methodology 49, 152-189. doi:10.1177/0081175019852763
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.estimates.estimates import Estimates, Pairs
from wwm_models.likelihood.covariance import covariance, summed
from wwm_models.likelihood.degrees_of_freedom import Freedom, endless, freedom
from wwm_models.messages import number, say
from wwm_models.models.cells import Influence
from wwm_models.numerics import intervals
from wwm_models.numerics.arrays import Array, Codes, Flags, Later
from wwm_models.numerics.multiplicity import holm, max_t

Term = tuple[Estimates, Array]


@dataclass(frozen=True, eq=False)
class JointDistribution:
    """Joint law of m combinations.

    Attributes
    ----------
    covariance : (m, m) array
    contributions : Influence or None
    replicated : (R, m) array or None
    draws : (s, m) array or None
    freedom : Freedom
        Degrees of freedom of every combination, and which cannot be estimated since a number in it cannot.
    replicate_set : str
    variances : (m,) array or None
        The diagonal of the covariance, where it is known without the rest.
    """

    covariance: Later[Array] = Later()
    contributions: Later[Influence | None] = Later()
    replicated: Array | None = None
    draws: Array | None = None
    freedom: Freedom = field(default_factory=lambda: endless(0))
    replicate_set: str = ""
    variances: Array | None = None

    @property
    def df(self) -> float:
        """The smallest degrees of freedom."""
        return self.freedom.smallest

    @property
    def std_error(self) -> Array:
        """(m,) standard errors."""
        return self.freedom.std_error_of(np.diag(self.covariance) if self.variances is None else self.variances)

    def estimates(
        self, table: pd.DataFrame, by: tuple[str, ...], origin: str = "", pairs: Pairs | None = None
    ) -> Estimates:
        """A table of these numbers with their law."""
        joint, own = partial(getattr, self, "covariance"), partial(getattr, self, "contributions")
        return Estimates(
            table, by, joint, own, self.draws, self.df, self.replicated, origin, self.freedom, self.replicate_set, pairs
        )


def joint_distribution(terms: Sequence[Term]) -> JointDistribution:
    """Law of ``sum_i M_i e_i``.

    Parameters
    ----------
    terms : sequence of (Estimates, (m, m_i) array)
        Tables with the rows of their combinations (gradients, for what is not linear). The draws, where all tables have
        them, are combined with the same matrices, so a combination that is not linear needs draws of its own.

    Returns
    -------
    JointDistribution
        Tables of one survey are paired respondent by respondent, those of several surveys are independent (`same_respondents`). Tables
        of which only the covariance is known are taken to be independent too.

    Raises
    ------
    AdjustError
        If tables of one survey rest on different sets of replicate weights, whose columns cannot be paired.
    """
    draws = _draws(terms)
    if draws is not None:
        return JointDistribution(covariance_of_draws(draws), None, None, draws, _freedom(terms, None))
    contributions = _contributions(terms)
    free = _freedom(terms, contributions)
    replicated = _replicated(terms)
    paired = contributions is not None and len(contributions.parts) < len(replicated or ())
    if replicated is not None and not paired:
        stacked_sets = np.vstack(list(replicated.values()))
        return JointDistribution(stacked_sets.T @ stacked_sets, None, stacked_sets, None, free, " + ".join(replicated))
    if (contributions is None or paired) and len({e.replicate_set for e, _ in terms if e.replicate_set}) > 1:
        raise AdjustError(
            "These estimates of one survey rest on different sets of replicate weights, whose columns cannot be paired. Expected one set for all. "
            "Make them all from one survey with replicates."
        )
    if len(terms) == 1 or contributions is None:
        joint = sum(matrix @ np.nan_to_num(estimates.covariance) @ matrix.T for estimates, matrix in terms)
        return JointDistribution(np.asarray(joint), contributions, None, None, free)
    return JointDistribution(covariance(contributions), contributions, None, None, free)


def covariance_of_draws(draws: Array) -> Array:
    """(m, m) covariance of (s, m) draws."""
    return np.atleast_2d(np.cov(draws, rowvar=False))


def law_of_pairs(source: Estimates, first: Codes, second: Codes, gradient: Array) -> JointDistribution:
    """`joint_distribution` combinations of two numbers of one table each, without a matrix of all numbers by all pairs.

    Parameters
    ----------
    source : Estimates
    first, second : (m,) int arrays
        Rows of its table.
    gradient : (m, 2) array
        Of each combination by its two numbers.

    Returns
    -------
    JointDistribution
        Covariance and influence are made when they are asked for.
    """
    one, two = gradient.T
    joint = partial(_covariance_of_pairs, source, first, second, gradient)
    own = partial(_influence_of_pairs, source, first, second, gradient)
    uses = [(source.freedom, *_used(first, second, gradient))]
    if source.draws is not None:
        draws = source.draws[:, first] * one + source.draws[:, second] * two
        free = _limited(endless(len(first)), uses)
        return JointDistribution(joint, None, None, draws, free, variances=draws.var(axis=0, ddof=1))
    contributions = source.contributions
    found = endless(len(first)) if contributions is None else _freedom_of_pairs(contributions, first, second, gradient)
    free = _limited(found, uses)
    if _replicated([(source, np.zeros((0, len(source.table))))]) is not None and source.replicated is not None:
        known = np.nan_to_num(source.replicated)
        replicated = known[:, first] * one + known[:, second] * two
        squares = (replicated**2).sum(axis=0)
        return JointDistribution(joint, None, replicated, None, free, source.replicate_set, variances=squares)
    known = np.nan_to_num(source.covariance)
    by_first, by_second = (one * known[first, place] + two * known[second, place] for place in (first, second))
    return JointDistribution(joint, own, None, None, free, variances=one * by_first + two * by_second)


def _used(first: Codes, second: Codes, gradient: Array) -> tuple[Codes, Codes]:
    """Which pairs use which numbers, the lower place of each pair first."""
    rows, places = np.tile(np.arange(len(first)), 2), np.column_stack([first, second])
    order = np.argsort(places, axis=1)
    used = (np.take_along_axis(gradient, order, axis=1) != 0.0).T.ravel()
    return rows[used], np.take_along_axis(places, order, axis=1).T.ravel()[used]


def _matrix_of_pairs(first: Codes, second: Codes, gradient: Array, size: int) -> Array:
    """(m, size) rows of the combinations, as `joint_distribution` takes them."""
    matrix, row = np.zeros((len(first), size)), np.arange(len(first))
    matrix[row, first], matrix[row, second] = gradient.T
    return matrix


def _covariance_of_pairs(source: Estimates, first: Codes, second: Codes, gradient: Array) -> Array:
    return joint_distribution([(source, _matrix_of_pairs(first, second, gradient, len(source.table)))]).covariance


def _influence_of_pairs(source: Estimates, first: Codes, second: Codes, gradient: Array) -> Influence | None:
    return _contributions([(source, _matrix_of_pairs(first, second, gradient, len(source.table)))])


def _freedom_of_pairs(own: Influence, first: Codes, second: Codes, gradient: Array) -> Freedom:
    """`freedom` of pairs of an influence's numbers: pairs whose numbers have the same members are counted once."""
    used = gradient != 0.0
    if own.beside:
        return freedom(own.mapped(_matrix_of_pairs(first, second, gradient, own.values.shape[1])))
    if own.members is None:
        return freedom(replace(own, values=own.values[:, :1], within_group=None)).rows(
            np.zeros(len(first), dtype=np.intp)
        )
    domains, domain = np.unique(own.members, axis=1, return_inverse=True)
    domains = np.column_stack(
        [domains, np.zeros(len(domains), dtype=bool)]
    )  # the last: of a number that does not count
    sides = np.where(used, domain.ravel()[np.column_stack([first, second])], domains.shape[1] - 1)
    pairs, place = np.unique(sides, axis=0, return_inverse=True)
    members = domains[:, pairs[:, 0]] | domains[:, pairs[:, 1]]
    return freedom(replace(own, values=np.zeros(members.shape), within_group=None, members=members)).rows(place.ravel())


def _freedom(terms: Sequence[Term], contributions: Influence | None) -> Freedom:
    """Of combinations: by the units of all numbers in each, at most their own; not estimable where one of these is not."""
    found = endless(len(terms[0][1])) if contributions is None else freedom(contributions)
    uses = [(one.freedom, rows, places) for one, matrix in terms for rows, places in [np.nonzero(matrix)]]
    return _limited(found, uses)


def _limited(found: Freedom, uses: Sequence[tuple[Freedom, Codes, Codes]]) -> Freedom:
    """Degrees of freedom at most those of what is used: of every table, which combinations (rows) use which of its numbers (places)."""
    df, reasons = found.df, found.reasons
    unknown = np.isinf(df)
    for own, rows, places in uses:
        least = np.full(len(df), np.inf)
        np.minimum.at(least, rows, own.df[places])
        df = np.where(unknown, np.minimum(df, least), df)
        without = np.where(unknown & (reasons == ""), _first_of(own, own.reasons != "", rows, places, len(df)), "")
        reasons = np.where(without != "", without, reasons)
        lost = _first_of(own, ~own.estimable, rows, places, len(df))
        reasons = np.where(lost != "", lost, reasons)
        df = np.where(lost != "", 0.0, df)
    return Freedom(df, reasons)


def _first_of(own: Freedom, where: Flags, rows: Codes, places: Codes, size: int) -> NDArray[np.object_]:
    """The reason of the first number in each combination that is so, empty where there is none."""
    found, told = np.full(size, "", dtype=object), where[places]
    found[rows[told][::-1]] = own.reasons[places[told]][::-1]
    return found


def _draws(terms: Sequence[Term]) -> Array | None:
    every = [estimates.draws for estimates, _ in terms]
    known = [draws for draws in every if draws is not None]
    if len(known) < len(every) or len({len(draws) for draws in known}) > 1:
        return None
    total = known[0] @ terms[0][1].T
    for at, (estimates, matrix) in enumerate(terms[1:], start=1):
        part = known[at] @ matrix.T
        shift = 0 if same_origin(terms[0][0], estimates) else at * len(part) // (len(terms) + 1)
        total = total + np.roll(part, shift, axis=0)
    return total


def same_origin(first: Estimates, second: Estimates) -> bool:
    """Whether the draws of two tables belong together row by row."""
    return first is second or bool(first.origin and first.origin == second.origin)


def _replicated(terms: Sequence[Term]) -> dict[str, Array] | None:
    """Deviations of the combinations by set of replicate weights; None unless all have some, and each survey one set.

    Columns of one set belong together; sets of two surveys are independent, so that their deviations stand one below the other.
    """
    sets: dict[str, Array] = {}
    for estimates, matrix in terms:
        if estimates.replicated is None:
            return None
        own = np.nan_to_num(estimates.replicated) @ matrix.T
        name = estimates.replicate_set
        sets[name] = sets[name] + own if name in sets else own
    surveys = [part.split(":")[0] for name in sets for part in name.split(" + ")]
    return sets if len(set(surveys)) == len(surveys) else None


def _contributions(terms: Sequence[Term]) -> Influence | None:
    whole: Influence | None = None
    for estimates, matrix in terms:
        own = estimates.contributions
        if own is None:
            return None
        own = own.mapped(matrix)
        whole = own if whole is None else summed(whole, own)
    return whole


def stacked(every: Sequence[Estimates]) -> JointDistribution:
    """Law of several tables one after the other.

    Parameters
    ----------
    every : sequence of Estimates
        m_1, m_2, ... numbers.

    Returns
    -------
    JointDistribution
        Of all m_1 + m_2 + ... numbers.
    """
    sizes = [len(estimates.table) for estimates in every]
    ends = np.cumsum(sizes)
    place = np.eye(int(ends[-1]))
    return joint_distribution(
        [(estimates, place[:, end - size : end]) for estimates, size, end in zip(every, sizes, ends, strict=True)]
    )


@dataclass(frozen=True)
class Scale:
    """Where a kind of number is judged.

    Attributes
    ----------
    forward : function
        From the number to the scale of its test.
    slope : function
        Derivative of `forward`.
    null : float
        The value, on the number's own scale, that a p-value tests; missing for none.
    limits : function of (estimate, standard error, critical values)
    """

    forward: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    null: float
    limits: Callable[[Array, Array, float | Array], tuple[Array, Array]]


SCALES = {
    "difference": Scale(lambda x: x, np.ones_like, 0.0, intervals.wald_limits),
    "mean": Scale(lambda x: x, np.ones_like, np.nan, intervals.wald_limits),
    "ratio": Scale(np.log, lambda x: 1.0 / x, 1.0, intervals.log_limits),
    "probability": Scale(
        lambda x: np.log(x) - np.log1p(-x), lambda x: 1.0 / (x * (1.0 - x)), 0.5, intervals.logit_limits
    ),
}


def inference(
    estimate: Array, law: JointDistribution, kind: str, level: float, *, simultaneous: bool = False
) -> dict[str, Any]:
    """Columns ``estimate`` to ``level``, ``p_value`` and ``p_adjusted``.

    Parameters
    ----------
    estimate : (m,) array
    law : JointDistribution
        On the numbers' own scale.
    kind : str
        A key of `SCALES`.
    level : float
        Of the intervals, above 0 and below 1.
    simultaneous : bool
        Limits and adjusted p-values by the largest |t| of the table; else pointwise limits and Holm's p-values.
    """
    scale = SCALES[kind]
    std_error = law.std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (scale.forward(estimate) - scale.forward(np.array(scale.null))) / (std_error * scale.slope(estimate))
        p_value = intervals.p_values(t, law.freedom.df)
    if simultaneous:
        refuse_too_many(len(estimate))
        critical, p_adjusted = max_t(correlation(law.covariance), np.abs(t), law.df, level)
    else:
        critical, p_adjusted = intervals.critical_values(level, law.freedom.df), holm(p_value)
    lower, upper = scale.limits(estimate, std_error, critical)
    if law.draws is not None and not simultaneous:
        lower, upper = intervals.central_limits(law.draws, level)
    if law.draws is not None:
        p_value = p_adjusted = np.full(len(estimate), np.nan)
    return {
        "estimate": estimate, "std_error": std_error, "lower": lower, "upper": upper, "level": level, "p_value": p_value, "p_adjusted": p_adjusted,
    }  # fmt: skip


MOST_AT_ONCE = (
    5_000  # numbers that limits may hold at once: their correlations take 200 MB, and for more than that hours
)


def refuse_too_many(count: int) -> None:
    """Refuse limits that hold more numbers at once than can be had.

    Raises
    ------
    AdjustError
    """
    if count > MOST_AT_ONCE:
        raise AdjustError(say("comparisons_many", count=number(count, ","), most=number(MOST_AT_ONCE, ",")))


def correlation(joint: Array) -> Array:
    """Correlation matrix of a covariance; rows without variance are zero."""
    scale = np.sqrt(np.maximum(np.diag(joint), 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    return joint / np.outer(safe, safe)


def compared_rows(
    table: pd.DataFrame, by: tuple[str, ...], variable: str, reference: str | None, *, pairwise: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the rows compared: the same answer and the same other groups, two levels of the variable.

    Parameters
    ----------
    table : DataFrame
        With the by-variables and ``category``.
    by : tuple of str
    variable : str
        Of `by`.
    reference : str or None
        Level to compare the others with; the first unless given.
    pairwise : bool
        Every level with every earlier one instead.

    Raises
    ------
    AdjustError
        If the variable or the reference is not there, or the variable has one level.
    """
    if variable not in by:
        raise AdjustError(
            f'These estimates are by {listed(by) or "nothing"}, not by "{variable}".{did_you_mean(variable, by)} Name one of those.'
        )
    levels = list(dict.fromkeys(table[variable]))
    if reference is None:
        base = levels[0]
    else:
        named = {str(level): level for level in levels}
        if str(reference) not in named:
            raise AdjustError(
                f'reference "{reference}" is not a level of {variable}. Levels: {listed(levels, 30)}.{did_you_mean(str(reference), named)}'
            )
        base = named[str(reference)]
    chosen = (
        [(b, a) for a, b in itertools.combinations(levels, 2)] if pairwise else [(a, base) for a in levels if a != base]
    )
    rest = [name for name in (*by, "category") if name != variable]
    rows = {key: number for number, key in enumerate(table[[variable, *rest]].itertuples(index=False, name=None))}
    others = list(dict.fromkeys(table[rest].itertuples(index=False, name=None)))
    pairs = [(rows[(a, *other)], rows[(b, *other)]) for a, b in chosen for other in others]
    if not pairs:
        raise AdjustError(f'"{variable}" has a single level ({listed(levels)}); there is nothing to compare.')
    first, second = np.array(pairs, dtype=np.intp).T
    return first, second
