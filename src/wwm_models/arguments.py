"""What a caller may give: one check for every kind of argument that several functions take."""

from __future__ import annotations

from numbers import Real

import numpy as np

from wwm_models.errors import AdjustError


def confidence_level(level: object, *, least: float = 0.0) -> float:
    """The level of an interval, a number strictly between `least` and 1.

    Parameters
    ----------
    level : object
        What a caller gave.
    least : float
        0, or 0.5 where both ends of the interval are one-sided limits at this level.

    Raises
    ------
    AdjustError
        If it is not such a number: a percentage, 0, 1, nan, a bool or a text.

    Examples
    --------
    >>> confidence_level(0.95)
    0.95
    """
    number = float(level) if isinstance(level, Real) and not isinstance(level, bool | np.bool_) else float("nan")
    if least < number < 1.0:
        return number
    meant = number / 100.0 if 50.0 <= number < 100.0 else 0.0
    advice = f"Did you mean {meant:.6g}?" if meant > least else "Write 0.95 for 95 percent."
    raise AdjustError(
        f"level={level!r} is not a confidence level. Expected a number above {least:g} and below 1. {advice}"
    )
