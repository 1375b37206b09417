"""From the law of combined numbers to the columns of a table: limits on the number's own scale, and p-values.

A difference is judged on its own scale, a ratio on the log scale, a probability on the logit scale, so that no limit lies
where the number cannot be. Numbers with draws are summarised by their quantiles; a posterior has no p-values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.adjust.compared.law import Law
from wwm_models.numerics import intervals
from wwm_models.numerics.maximum import holm, max_t

Array = NDArray[np.float64]


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


def inference(estimate: Array, law: Law, kind: str, level: float, *, simultaneous: bool = False) -> dict[str, Any]:
    """Columns ``estimate`` to ``level``, ``p_value`` and ``p_adjusted``.

    Parameters
    ----------
    estimate : (m,) array
    law : Law
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


def correlation(joint: Array) -> Array:
    """Correlation matrix of a covariance; rows without variance are zero."""
    scale = np.sqrt(np.maximum(np.diag(joint), 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    return joint / np.outer(safe, safe)
