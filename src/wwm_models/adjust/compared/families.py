"""A family of comparisons over several tables and models: simultaneous limits and adjusted p-values from their joint law.

References
----------
Hothorn, T., Bretz, F. and Westfall, P. (2008). Simultaneous inference in general parametric models. Biometrical Journal 50,
346-363. doi:10.1002/bimj.200810425
Pipper, C. B., Ritz, C. and Bisgaard, H. (2012). A versatile method for confirmatory evaluation of the effects of a covariate in
multiple models. JRSS C 61, 315-326. doi:10.1111/j.1467-9876.2011.01005.x
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.compared.inference import correlation
from wwm_models.adjust.compared.law import stacked
from wwm_models.arguments import confidence_level
from wwm_models.errors import AdjustError, expect
from wwm_models.numerics.intervals import p_values
from wwm_models.numerics.maximum import holm, max_t
from wwm_models.records import Estimates

Array = NDArray[np.float64]
SIMULTANEOUS = ("lower_simultaneous", "upper_simultaneous", "p_value", "p_max_t", "p_holm", "critical", "comparisons")


def family_of_tests(tables: Sequence[Estimates], *, level: float = 0.95) -> list[pd.DataFrame]:
    """Simultaneous inference over all differences of several tables, also of different models and outcomes.

    Parameters
    ----------
    tables : sequence of Estimates
        Differences of one survey, as `contrasts` gives them; their joint law comes from the respondents' influence.
    level : float
        That all intervals hold their differences at once.

    Returns
    -------
    list of DataFrame
        The tables with ``lower_simultaneous`` and ``upper_simultaneous`` (by the largest absolute t of the family), ``p_value``,
        ``p_max_t``, ``p_holm``, the ``critical`` value and the number of ``comparisons``. Differences without a standard error
        do not count.

    Raises
    ------
    AdjustError
        If a table does not hold differences.
    """
    confidence_level(level)
    if not len(tables):
        raise AdjustError(
            "family_of_tests was given no tables. Expected one or more of contrasts(..., kind='difference'). Give them in a list."
        )
    for one in tables:
        expect(one, (Estimates,), "A table of family_of_tests", AdjustError)
        if "contrast" not in one.table or any("difference" not in own.quantity for own in one.estimands):
            raise AdjustError(
                "A family of tests is made of differences. Give tables of contrasts(..., kind='difference'), not probabilities or ratios."
            )
    law = stacked(tables)
    estimate = np.concatenate([one.table["estimate"].to_numpy(dtype=float) for one in tables])
    std_error = law.std_error
    known = np.isfinite(estimate) & (std_error > 0)
    t = np.where(known, np.abs(estimate) / np.where(known, std_error, 1.0), np.nan)
    p_value = p_values(t, law.freedom.df)
    critical, p_max = float("nan"), np.full(len(t), np.nan)
    if known.any():
        joint = law.covariance[np.ix_(known, known)]
        critical, beyond = max_t(correlation(joint), t[known], law.df, level)
        p_max[known] = np.maximum(beyond, p_value[known])  # where t lies beyond all quasi-random points
    half = np.where(known, critical * std_error, np.nan)
    columns = dict(
        zip(SIMULTANEOUS[:5], (estimate - half, estimate + half, p_value, p_max, holm(p_value)), strict=True)
    )
    ends = np.cumsum([len(one.table) for one in tables])
    return [
        one.table.assign(
            **{name: values[end - len(one.table) : end] for name, values in columns.items()},
            critical=critical,
            comparisons=int(known.sum()),
        )
        for one, end in zip(tables, ends, strict=True)
    ]
