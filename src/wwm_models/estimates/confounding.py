"""How strong an unmeasured confounder would have to be to explain a risk ratio away: its E-value.

A confounder that is associated with the exposure by a risk ratio RR_EU and with the outcome by RR_UD, both beyond the
measured adjusters, can change an observed risk ratio by at most the factor B = RR_EU RR_UD / (RR_EU + RR_UD - 1). The E-value
is the strength that both associations would need at least: the solution of B = RR with RR_EU = RR_UD.

References
----------
Ding, P. and VanderWeele, T. J. (2016). Sensitivity analysis without assumptions. Epidemiology 27, 368-377.
doi:10.1097/EDE.0000000000000457
VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in observational research: introducing the E-value. Annals of
Internal Medicine 167, 268-274. doi:10.7326/M16-2607
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from wwm_models.errors import AdjustError, expect
from wwm_models.estimates.estimates import Estimates


@dataclass(frozen=True)
class EValue:
    """E-values of a risk ratio.

    Attributes
    ----------
    point : float
        Of the estimate, 1 or more.
    limit : float
        Of the confidence limit nearest to `true`; 1 where the interval holds it, missing without limits.
    """

    point: float
    limit: float


def bias_factor(exposed: float, outcome: float) -> float:
    """The largest factor by which a confounder with these two risk ratios can change an observed one.

    Parameters
    ----------
    exposed, outcome : float
        Its risk ratios with the exposure and with the outcome, 1 or more.

    Raises
    ------
    AdjustError

    Examples
    --------
    >>> bias_factor(2.0, 2.0)
    1.3333333333333333
    """
    for value in (exposed, outcome):
        if not value >= 1.0:
            raise AdjustError(
                f"A risk ratio of {value} is below 1. Turn it around: give {1 / value if value > 0 else 'a positive number'}."
            )
    return exposed * outcome / (exposed + outcome - 1.0)


def e_value(risk_ratio: float, lower: float | None = None, upper: float | None = None, *, true: float = 1.0) -> EValue:
    """How strongly a confounder must be associated with exposure and outcome to move a risk ratio to `true`.

    Parameters
    ----------
    risk_ratio : float
        Positive.
    lower, upper : float, optional
        Its confidence limits.
    true : float
        The value to explain it away to; 1 is no difference.

    Returns
    -------
    EValue

    Raises
    ------
    AdjustError
        If a ratio is not positive.

    Examples
    --------
    >>> round(e_value(10.73, 8.02, 14.36).point, 3), round(e_value(10.73, 8.02, 14.36).limit, 3)
    (20.948, 15.523)
    """
    for value in (risk_ratio, true):
        if not 0 < value < float("inf"):
            raise AdjustError(
                f"A risk ratio of {value} is not positive and finite. Give the ratio of two probabilities above 0."
            )
    point = _needed(risk_ratio / true)
    if lower is None or upper is None:
        return EValue(point, float("nan"))
    nearest = lower if risk_ratio > true else upper
    held = lower <= true <= upper
    return EValue(point, 1.0 if held else _needed(nearest / true))


def e_values(contrasted: Estimates) -> pd.DataFrame:
    """E-values of every ratio of a table: `contrasts` with kind="ratio".

    Parameters
    ----------
    contrasted : Estimates
        Ratios of probabilities, with their intervals.

    Raises
    ------
    AdjustError
        If the table does not hold ratios.
    """
    expect(contrasted, (Estimates,), "The first argument of e_values", AdjustError)
    if "contrast" not in contrasted.table or any("ratio" not in own.quantity for own in contrasted.estimands):
        raise AdjustError('e_values() needs ratios. Give it contrasts(..., kind="ratio").')
    rows = [e_value(*row) for row in contrasted.table[["estimate", "lower", "upper"]].to_numpy(dtype=float)]
    columns = contrasted.table[[*contrasted.by, "outcome", "category", "contrast", "estimate", "lower", "upper"]]
    return columns.assign(e_value=[one.point for one in rows], e_value_limit=[one.limit for one in rows])


def _needed(ratio: float) -> float:
    """RR + sqrt(RR (RR - 1)), of the ratio turned above 1."""
    above = max(ratio, 1.0 / ratio)
    return above + math.sqrt(above * (above - 1.0))
