"""What a printed percentage may be before it was rounded: an interval with both ends in it.

Programs round halves differently (62.5 is printed as 63, or as 62 where halves go to the even digit), so a number at either end
may have been printed. Everything that reads a printed number asks here: the ledger, the comparison, the bounds, the figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

HALF_UNIT: Final = MappingProxyType({"integer": 0.5, "decimal": 0.05, "none": 0.0})  # percentage points on either side
TOLERANCE: Final = 1e-9  # percentage points, or of a ratio: what arithmetic in 0..1 and back may lose

Interval = tuple[float, float]


def rounding_of(values: Iterable[float]) -> str:
    """How numbers are rounded where nothing says so: to the last digit that is written.

    Examples
    --------
    >>> rounding_of([62.0]), rounding_of([22.5, 25])
    ('integer', 'decimal')
    """
    return "integer" if all(float(value).is_integer() for value in values) else "decimal"


def unrounded(lower: float, upper: float, rounding: str) -> Interval:
    """The percentages that a number (`lower` and `upper` equal) or the ends of a range may have been, ends included.

    Parameters
    ----------
    lower, upper : float
        Percentages as printed.
    rounding : {"integer", "decimal", "none"}

    Examples
    --------
    >>> unrounded(62, 62, "integer"), unrounded(0, 0, "integer"), unrounded(34, 40, "none")
    ((61.5, 62.5), (0.0, 0.5), (34.0, 40.0))
    """
    half = HALF_UNIT[rounding]
    return max(lower - half, 0.0), min(upper + half, 100.0)
