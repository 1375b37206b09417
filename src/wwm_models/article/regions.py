"""Where a claim puts its number: the region that every verdict is about.

"More than" is strict: the end of a bound or an order is outside, and so a number that equals it does not hold. A printed value
and a range contain what may have been rounded to their ends; an equality and a ratio contain the ends that are declared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.article.reader import Claim
from wwm_models.article.rounding import TOLERANCE, unrounded

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ClaimedRange:
    """The values for which a claim is true: percentages, percentage points, or a ratio.

    Attributes
    ----------
    lower, upper : float
        Infinite where the claim sets no end.
    strict : bool
        Whether the ends themselves are outside.
    """

    lower: float
    upper: float
    strict: bool

    def among(self, values: Array, tolerance: float = TOLERANCE) -> NDArray[np.bool_]:
        """Which of some values are in it; what is not a number never is."""
        if self.strict:
            return (values > self.lower + tolerance) & (values < self.upper - tolerance)
        return (values >= self.lower - tolerance) & (values <= self.upper + tolerance)

    def has(self, value: float) -> bool:
        """Whether a value is in it."""
        return self.contains(value, value)

    def contains(self, low: float, high: float, tolerance: float = TOLERANCE) -> bool:
        """Whether a whole interval, its ends included, is in it."""
        return bool(self.among(np.array([low, high]), tolerance).all())

    def excludes(self, low: float, high: float, tolerance: float = TOLERANCE) -> bool:
        """Whether no point of an interval, its ends included, is in it.

        Examples
        --------
        >>> above = ClaimedRange(0.0, float("inf"), strict=True)
        >>> above.contains(0.0, 2.6), above.excludes(0.0, 2.6), above.excludes(-2.6, 0.0)
        (False, False, True)
        """
        if self.strict:
            return high <= self.lower + tolerance or low >= self.upper - tolerance
        return high < self.lower - tolerance or low > self.upper + tolerance

    def at_an_end(self, value: float) -> bool:
        """Whether a value is an end of it."""
        return min(abs(value - self.lower), abs(value - self.upper)) <= TOLERANCE


def region_of(claim: Claim) -> ClaimedRange:
    """Where a claim that is no conjunction and no count puts its quantity."""
    numbers, infinite = claim.numbers, float("inf")
    if claim.kind == "value":
        return ClaimedRange(*unrounded(numbers["value"], numbers["value"], claim.rounding), strict=False)
    if claim.kind == "range":
        return ClaimedRange(*unrounded(numbers["lower"], numbers["upper"], claim.rounding), strict=False)
    if claim.kind == "order":
        return ClaimedRange(numbers.get("margin", 0.0), infinite, strict=True)
    if claim.kind == "equivalence":
        return ClaimedRange(-numbers["margin"], numbers["margin"], strict=False)
    if claim.kind == "ratio":
        return ClaimedRange(numbers.get("lower", 0.0), numbers.get("upper", infinite), strict=False)
    return ClaimedRange(numbers.get("above", -infinite), numbers.get("below", infinite), strict=True)
