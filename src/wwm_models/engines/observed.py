"""The log-likelihood and its gradient from the answers that were given alone, for families whose answers know their neighbours only.

With many patterns most cells are empty: 1,530 respondents in 956 patterns fill a third of the 956 x 7 cells. Where the probability of
an answer depends on the two cut points around it and on no other, the empty cells need not be computed. The value is that of
`CellLikelihood.value_and_gradient` on the whole table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.families import Family
from wwm_models.numerics.links import Link
from wwm_models.records import Linear

Array = NDArray[np.float64]
SMALL = (
    5000  # predictors: up to here it is the number of steps of the computation that counts, and filled cells take fewer
)


@dataclass(frozen=True, eq=False)
class Observed:
    """``sum over filled cells of counts log p``; first those of the first answer, then those between, then those of the last.

    Attributes
    ----------
    family, link : the response model
    map : (m, p) array
        From parameters to the predictors above all cells but the last answer's, then to those below all but the first answer's.
    counts : (n,) array
        Of the filled cells.
    first, last : int
        How many cells are of the first answer, and of the last.
    """

    family: Family
    link: Link
    map: Array
    counts: Array
    first: int
    last: int

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log-likelihood, not finite where a given answer has no probability, and its gradient (p,)."""
        assert self.family.cells is not None
        eta = self.map @ theta
        above = len(self.counts) - self.last
        log_p, up, down = self.family.cells(eta[:above], eta[above:], self.first, self.link)
        up *= self.counts[:above]
        down *= -self.counts[self.first :]
        return float(self.counts @ log_p), np.concatenate([up, down]) @ self.map


def observed_of(family: Family, link: Link, linear: Linear, counts: Array) -> Observed | None:
    """The filled cells of a table, where they are the smaller computation; None where not, or where the family does not allow it.

    Parameters
    ----------
    family, link : the response model
    linear : Linear
        From parameters to the J predictors of P patterns.
    counts : (P, J + 1) array
        Not negative.
    """
    patterns, steps, _ = linear.shape
    if family.cells is None:
        return None
    answers, rows = np.nonzero(counts.T)
    first, last = int((answers == 0).sum()), int((answers == steps).sum())
    if 2 * len(rows) - first - last > max(patterns * steps, SMALL):
        return None
    above, below = slice(0, len(rows) - last), slice(first, None)
    array = linear.array
    both = np.concatenate([array[rows[above], answers[above]], array[rows[below], answers[below] - 1]])
    return Observed(family, link, both, counts[rows, answers], first, last)
