"""The joint law of combinations of estimates, from one table or from several, of the same respondents or of other surveys.

Four sources, each used where all tables have it: posterior draws (combined draw by draw), replicate deviations, the
respondents' influence (stacked, so that estimates of other models and the raw percentages are correlated as they should
be), or the covariance within one table. Draws of two posteriors are independent of each other: their pairing is arbitrary,
so the second is shifted against the first, because equal seeds would make chains run in step.

References
----------
Mize, T. D., Doan, L. and Long, J. S. (2019). A general framework for comparing predictions and marginal effects across
models. Sociological Methodology 49, 152-189. doi:10.1177/0081175019852763
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.engines.covariance import covariance, summed
from wwm_models.engines.freedom import freedom
from wwm_models.errors import AdjustError
from wwm_models.records import Estimates, Influence
from wwm_models.records.estimates import Freedom, endless

Array = NDArray[np.float64]
Term = tuple[Estimates, Array]


@dataclass(frozen=True, eq=False)
class Law:
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
    """

    covariance: Array
    contributions: Influence | None
    replicated: Array | None
    draws: Array | None
    freedom: Freedom
    replicate_set: str = ""

    @property
    def df(self) -> float:
        """The smallest degrees of freedom."""
        return self.freedom.smallest

    @property
    def std_error(self) -> Array:
        """(m,) standard errors."""
        return self.freedom.std_error(self.covariance)

    def estimates(self, table: pd.DataFrame, by: tuple[str, ...], origin: str = "") -> Estimates:
        """A table of these numbers with their law."""
        return Estimates(
            table, by, self.covariance, self.contributions, self.draws, self.df, self.replicated, origin, self.freedom, self.replicate_set
        )  # fmt: skip


def law_of(terms: Sequence[Term]) -> Law:
    """Law of ``sum_i M_i e_i``.

    Parameters
    ----------
    terms : sequence of (Estimates, (m, m_i) array)
        Tables with the rows of their combinations (gradients, for what is not linear). The draws, where all tables have
        them, are combined with the same matrices, so a combination that is not linear needs draws of its own.

    Returns
    -------
    Law
        Tables of one survey are paired respondent by respondent, those of several surveys are independent (`same_respondents`). Tables
        of which only the covariance is known are taken to be independent too.

    Raises
    ------
    AdjustError
        If tables of one survey rest on different sets of replicate weights, whose columns cannot be paired.
    """
    draws = _draws(terms)
    if draws is not None:
        return Law(np.atleast_2d(np.cov(draws, rowvar=False)), None, None, draws, _freedom(terms, None))
    contributions = _contributions(terms)
    free = _freedom(terms, contributions)
    replicated = _replicated(terms)
    paired = contributions is not None and len(contributions.parts) < len(replicated or ())
    if replicated is not None and not paired:
        stacked_sets = np.vstack(list(replicated.values()))
        return Law(stacked_sets.T @ stacked_sets, None, stacked_sets, None, free, " + ".join(replicated))
    if (contributions is None or paired) and len({e.replicate_set for e, _ in terms if e.replicate_set}) > 1:
        raise AdjustError(
            "These estimates of one survey rest on different sets of replicate weights, whose columns cannot be paired. Expected one set for all. "
            "Make them all from one survey with replicates."
        )
    if len(terms) == 1 or contributions is None:
        joint = sum(matrix @ np.nan_to_num(estimates.covariance) @ matrix.T for estimates, matrix in terms)
        return Law(np.asarray(joint), contributions, None, None, free)
    return Law(covariance(contributions), contributions, None, None, free)


def _freedom(terms: Sequence[Term], contributions: Influence | None) -> Freedom:
    """Of combinations: by the units of all numbers in each, at most their own; not estimable where one of these is not."""
    size = len(terms[0][1])
    found = endless(size) if contributions is None else freedom(contributions)
    df, reasons = found.df, found.reasons
    unknown = np.isinf(df)
    for estimates, matrix in terms:
        own, used = estimates.freedom, matrix != 0.0
        least = np.where(used, own.df[None, :], np.inf).min(axis=1, initial=np.inf)
        df = np.where(unknown, np.minimum(df, least), df)
        without = np.where(unknown & (reasons == ""), _first_of(used & (own.reasons != ""), own.reasons), "")
        reasons = np.where(without != "", without, reasons)
        lost = used & ~own.estimable
        reasons = np.where(lost.any(axis=1), _first_of(lost, own.reasons), reasons)
        df = np.where(lost.any(axis=1), 0.0, df)
    return Freedom(df, reasons)


def _first_of(where: NDArray[np.bool_], reasons: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.where(where.any(axis=1), reasons[where.argmax(axis=1)], "")


def _draws(terms: Sequence[Term]) -> Array | None:
    every = [estimates.draws for estimates, _ in terms]
    known = [draws for draws in every if draws is not None]
    if len(known) < len(every) or len({len(draws) for draws in known}) > 1:
        return None
    total = known[0] @ terms[0][1].T
    for number, (estimates, matrix) in enumerate(terms[1:], start=1):
        part = known[number] @ matrix.T
        shift = 0 if same_origin(terms[0][0], estimates) else number * len(part) // (len(terms) + 1)
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


def stacked(every: Sequence[Estimates]) -> Law:
    """Law of several tables one after the other.

    Parameters
    ----------
    every : sequence of Estimates
        m_1, m_2, ... numbers.

    Returns
    -------
    Law
        Of all m_1 + m_2 + ... numbers.
    """
    sizes = [len(estimates.table) for estimates in every]
    ends = np.cumsum(sizes)
    place = np.eye(int(ends[-1]))
    return law_of(
        [(estimates, place[:, end - size : end]) for estimates, size, end in zip(every, sizes, ends, strict=True)]
    )
