"""How many respondents a row stands for: a frequency, or those who answered alike and were counted together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SAME = 1e-9  # of sums of equal weights, which differ in their last digits


@dataclass(frozen=True, eq=False)
class Tally:
    """What is known of the respondents behind each row; the row's weight is the sum of theirs.

    They differ in nothing but their weights, so a sum over them of w_i v is the row's weight times v, and one of
    w_i^2 v v' is the row's `squares` times v v'. Respondents without weight have rows of their own.

    Attributes
    ----------
    count : (n,) array
        Respondents, zero or more.
    effective : (n,) array
        Kish's effective number of them, ``(sum w)^2 / sum w^2``, at most `count`; `count` where nobody has weight.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.
    """

    count: Array
    effective: Array

    def squares(self, weight: Array) -> Array:
        """(n,) sums of squared weights of rows whose weights, on any scale, sum to `weight`."""
        return np.divide(weight**2, self.effective, out=np.zeros_like(weight), where=self.effective > 0)

    def share(self, rows: Array) -> Array:
        """(n, m) what one respondent of each row has of `rows`; nothing where there is none."""
        return rows * _inverse(self.count)[:, None]

    @property
    def excess(self) -> Array:
        """(n,) how much the weights within a row vary: ``1 / effective - 1 / count``, zero where they are equal."""
        return np.maximum(_inverse(self.effective) - _inverse(self.count), 0.0)

    @property
    def alike(self) -> bool:
        """Whether the respondents of each row have equal weights, so that a row says all there is to know of them."""
        return bool((self.excess * self.count <= SAME).all())


def _inverse(values: Array) -> Array:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def summed_squares(weight: Array, tally: Tally | None) -> Array:
    """(n,) sums of the squared weights of the respondents in each row.

    Parameters
    ----------
    weight : (n,) array
        Sums of their weights.
    tally : Tally or None
        None: a row is a respondent.
    """
    return weight**2 if tally is None else tally.squares(weight)
