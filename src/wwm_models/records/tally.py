"""How many respondents a row stands for, where respondents who answered alike were counted together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tally:
    """What is known of the respondents behind each row of a counted survey; the row's weight is the sum of theirs.

    They differ in nothing but their weights, so a sum over them of w_i v is the row's weight times v, and one of
    w_i^2 v v' is the row's `squares` times v v'. Respondents without weight have rows of their own.

    Attributes
    ----------
    count : (n,) array
        Respondents, one or more.
    effective : (n,) array
        Kish's effective number of them, ``(sum w)^2 / sum w^2``, between 1 and `count`; `count` where nobody has weight.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.
    """

    count: Array
    effective: Array

    def squares(self, weight: Array) -> Array:
        """(n,) sums of squared weights of rows whose weights, on any scale, sum to `weight`."""
        return weight**2 / self.effective

    @property
    def excess(self) -> Array:
        """(n,) how much the weights within a row vary: ``1 / effective - 1 / count``, zero where they are equal."""
        return np.maximum(1.0 / self.effective - 1.0 / self.count, 0.0)


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
