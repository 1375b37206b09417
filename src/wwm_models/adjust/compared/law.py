"""The joint law of combinations of estimates, from one table or from several of the same respondents.

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
from numpy.typing import NDArray

from wwm_models.engines.covariance import covariance, summed
from wwm_models.records import Estimates, Influence

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
    df : float
        The smallest of the tables combined.
    """

    covariance: Array
    contributions: Influence | None
    replicated: Array | None
    draws: Array | None
    df: float

    @property
    def std_error(self) -> Array:
        """(m,) standard errors."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


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
        Tables without a common source are taken to be independent; of those only the covariance is known.
    """
    df = min(estimates.df for estimates, _ in terms)
    draws = _draws(terms)
    if draws is not None:
        return Law(np.atleast_2d(np.cov(draws, rowvar=False)), None, None, draws, df)
    replicated = _replicated(terms)
    if replicated is not None:
        return Law(replicated.T @ replicated, None, replicated, None, df)
    contributions = _contributions(terms)
    if len(terms) == 1 or contributions is None:
        joint = sum(matrix @ np.nan_to_num(estimates.covariance) @ matrix.T for estimates, matrix in terms)
        return Law(np.asarray(joint), contributions, None, None, df)
    return Law(covariance(contributions), contributions, None, None, df)


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


def _replicated(terms: Sequence[Term]) -> Array | None:
    parts: list[Array] = []
    for estimates, matrix in terms:
        if estimates.replicated is None or (parts and len(parts[0]) != len(estimates.replicated)):
            return None
        parts.append(np.nan_to_num(estimates.replicated) @ matrix.T)
    return np.sum(parts, axis=0)


def _contributions(terms: Sequence[Term]) -> Influence | None:
    whole: Influence | None = None
    for estimates, matrix in terms:
        own = estimates.contributions
        if own is None or (whole is not None and len(whole.row_cell) != len(own.row_cell)):
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
