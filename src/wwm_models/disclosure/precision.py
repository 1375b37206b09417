"""Which percentages are too imprecise to lean on, by the rule of the National Center for Health Statistics.

With Korn-Graubard limits at 95%: a proportion is not presented when its base or its effective base is below 30, when the interval is at least 0.30 wide, or
when it is more than 0.05 wide and wider than 130% of the proportion. It is presented but reviewed when the design has fewer than 8 degrees of freedom, when
nobody or everybody gave the answer, or when the complement fails the relative rule.

References
----------
Parker, J. D. et al. (2017). National Center for Health Statistics data presentation standards for proportions. Vital and Health Statistics,
series 2, no. 175.
Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of positive counts estimated from
survey data. Survey Methodology 24, 193-201.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from wwm_models.numerics.intervals import clopper_pearson_limits
from wwm_models.records import Estimates

LEVEL = 0.95
BASE, WIDE, NARROW, RELATIVE, FREEDOM = 30.0, 0.30, 0.05, 1.30, 8.0
PRECISION_COLUMNS = ("outcome", "category", "n", "n_effective", "width", "relative_width", "status", "reason")


def precision(estimates: Estimates) -> pd.DataFrame:
    """Whether each raw percentage is precise enough to present.

    Parameters
    ----------
    estimates : Estimates
        Of `raw`.

    Returns
    -------
    DataFrame
        The by-variables, ``outcome``, ``category``, ``n``, ``n_effective``, ``width`` (of the 95% Korn-Graubard interval, 0..1), ``relative_width``
        (of the proportion), ``status`` ("present", "review", "imprecise", or "suppressed" where there is no percentage) and ``reason``.

    Examples
    --------
    >>> import wwm_models as wwm
    >>> answers = pd.Categorical(["no"] * 12 + ["yes"] * 8, ["no", "yes"], ordered=True)
    >>> precision(wwm.raw(wwm.Survey.from_frame(pd.DataFrame({"y": answers}), weight=None), "y"))["status"].tolist()
    ['imprecise', 'imprecise']
    """
    table = estimates.table
    share, n, effective = (table[name].to_numpy(dtype=float) for name in ("estimate", "n", "n_effective"))
    known = np.isfinite(share)
    lower, upper = np.full((2, len(table)), np.nan)
    held = known & (estimates.reasons == "")
    lower[held], upper[held] = clopper_pearson_limits(share[held], effective[held], LEVEL)
    width = upper - lower
    with np.errstate(divide="ignore", invalid="ignore"):
        relative, complement = width / share, width / (1.0 - share)
        rules = {
            "suppressed": (~known, "no percentage: too few respondents, or it would give another away"),
            "estimable": (estimates.reasons != "", ""),
            "base": (n < BASE, f"fewer than {BASE:.0f} respondents"),
            "effective": (effective < BASE, f"effective number of respondents below {BASE:.0f}"),
            "wide": (width >= WIDE, f"interval at least {100 * WIDE:.0f} points wide"),
            "relative": ((width > NARROW) & (relative > RELATIVE), f"interval wider than {100 * RELATIVE:.0f}% of the percentage"),
            "freedom": (estimates.freedom.df < FREEDOM, f"fewer than {FREEDOM:.0f} degrees of freedom"),
            "edge": ((share == 0.0) | (share == 1.0), "nobody or everybody gave this answer"),
            "complement": (
                (width > NARROW) & (complement > RELATIVE), f"interval wider than {100 * RELATIVE:.0f}% of the complement"
            ),
        }  # fmt: skip
    words = ["suppressed", *["imprecise"] * 5, *["review"] * 3]
    first = np.argmax(np.vstack([*(hit for hit, _ in rules.values()), np.ones(len(table), dtype=bool)]), axis=0)
    reasons = [*(reason for _, reason in rules.values()), ""]
    found = table[[*estimates.by, "outcome", "category", "n", "n_effective"]].copy()
    told = [estimates.reasons[row] or reasons[place] for row, place in enumerate(first)]
    return found.assign(
        width=width, relative_width=relative,
        status=[[*words, "present"][place] for place in first], reason=[text if known[row] else reasons[0] for row, text in enumerate(told)],
    )  # fmt: skip
