"""Is a difference small enough to be called none? Two one-sided tests, or the posterior probability of the region.

"No difference" is not what a large p-value says. With a declared margin, the difference is equivalent to none when its
interval at level 1 - 2 alpha lies within the margin, which is two one-sided tests at alpha each; several differences are
all equivalent when each is (intersection-union). Draws give the share of the posterior inside the region instead.

References
----------
Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power approach. Journal of
Pharmacokinetics and Biopharmaceutics 15, 657-680. doi:10.1007/BF01068419
Kruschke, J. K. (2018). Rejecting or accepting parameter values in Bayesian estimation. Advances in Methods and Practices in
Psychological Science 1, 270-280. doi:10.1177/2515245918771304
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import confidence_level
from wwm_models.errors import AdjustError, expect
from wwm_models.numerics.intervals import central_limits, critical_values, p_values
from wwm_models.records import Estimates
from wwm_models.records.tests import HypothesisTest

Array = NDArray[np.float64]


def equivalence(contrasted: Estimates, margin: float = 0.05, *, level: float = 0.95) -> HypothesisTest:
    """Test that every difference of a table lies within plus and minus the margin.

    Parameters
    ----------
    contrasted : Estimates
        Differences, as `contrasts` gives them.
    margin : float
        Largest difference that still counts as none, in the unit of the differences: 0.05 is 5 percentage points.
    level : float
        Each one-sided test has size ``1 - level``; the interval shown has level ``2 level - 1``.

    Returns
    -------
    HypothesisTest
        Indexed by contrast and answer: ``estimate``, ``lower``, ``upper``, ``statistic`` (the smaller of the two one-sided t),
        ``p_value`` and ``verdict`` ("equivalent", "different" or "undecided"); with draws ``p_value`` is the posterior
        probability outside the margin. The overall p-value is the largest: all differences are within the margin.

    Raises
    ------
    AdjustError
        If the margin is not positive, `level` is not between 0.5 and 1, or the table does not hold differences.
    """
    expect(contrasted, (Estimates,), "The first argument of equivalence", AdjustError)
    level = confidence_level(level, least=0.5)
    if not margin > 0:
        raise AdjustError(
            f"margin={margin}. Expected the largest difference that counts as none, above 0, such as 0.05."
        )
    if "contrast" not in contrasted.table or any("difference" not in e.quantity for e in contrasted.estimands):
        raise AdjustError(
            "equivalence() needs differences. Give it contrasts(..., kind='difference'), not probabilities or ratios."
        )
    table = _rows(contrasted, margin, level)
    known = table["p_value"].notna()
    worst = table.loc[known, "p_value"].max() if known.all() else np.nan
    statistic = float(table["statistic"].min()) if known.all() else np.nan
    kind = "two one-sided tests" if contrasted.draws is None else "posterior probability outside the margin"
    name = f"Equivalence within {100 * margin:g} percentage points ({kind})"
    inside = int((table["verdict"] == "equivalent").sum())
    note = f"{inside} of {len(table)} differences are equivalent to none; all are when the largest p-value is below {1 - level:.3g}."
    return HypothesisTest(name, statistic, 1.0, float(worst), table, note, contrasted.df)


def one_sided_limits(estimate: Array, std_error: Array, df: Array, level: float) -> tuple[Array, Array]:
    """Limits whose ends are one-sided limits at `level` each."""
    half = critical_values(2.0 * level - 1.0, df) * std_error
    return estimate - half, estimate + half


def _rows(contrasted: Estimates, margin: float, level: float) -> pd.DataFrame:
    source = contrasted.table
    estimate, std_error = source["estimate"].to_numpy(dtype=float), source["std_error"].to_numpy(dtype=float)
    index = pd.MultiIndex.from_arrays(
        [source["contrast"].astype(str), source["category"].astype(str)], names=["contrast", "category"]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (margin - np.abs(estimate)) / std_error
    if contrasted.draws is None:
        lower, upper = one_sided_limits(estimate, std_error, contrasted.freedom.df, level)
        half = p_values(statistic, contrasted.freedom.df) / 2.0
        p_value = np.where(statistic >= 0.0, half, 1.0 - half)
    else:
        lower, upper = central_limits(contrasted.draws, 2.0 * level - 1.0)
        p_value = (np.abs(contrasted.draws) > margin).mean(axis=0)
    verdict = np.where((lower >= -margin) & (upper <= margin), "equivalent", "undecided")
    verdict = np.where((lower > margin) | (upper < -margin), "different", verdict)
    columns = {
        "estimate": estimate, "lower": lower, "upper": upper, "margin": margin, "statistic": statistic, "df": 1.0, "df2": contrasted.freedom.df,
        "p_value": p_value, "verdict": verdict,
    }  # fmt: skip
    return pd.DataFrame(columns, index=index)
