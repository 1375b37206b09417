"""Differences and ratios between groups, with their joint law, p-values and simultaneous intervals.

References
----------
Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, 65-70.
Hothorn, T., Bretz, F. and Westfall, P. (2008). Simultaneous inference in general parametric models. Biometrical Journal
50, 346-363. doi:10.1002/bimj.200810425
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.adjusted import adjusted
from wwm_models.adjust.compared.inference import inference
from wwm_models.adjust.compared.law import law_of
from wwm_models.adjust.compared.pairs import compared_rows
from wwm_models.adjust.table import names_of
from wwm_models.errors import AdjustError, did_you_mean, expect
from wwm_models.records import ESTIMATE_COLUMNS, Estimand, Estimates, Fit, Fitted, Posterior

Array = NDArray[np.float64]
KINDS = {"difference": " - ", "ratio": " / "}


def contrasts(
    source: Fitted | Estimates,
    variable: str | Sequence[str],
    *,
    kind: str = "difference",
    reference: str | None = None,
    pairwise: bool = False,
    simultaneous: bool = False,
    level: float = 0.95,
) -> Estimates:
    """Compare the groups of one variable, answer by answer.

    Parameters
    ----------
    source : Fit, Posterior or Estimates
        A fit (its adjusted probabilities are used), or estimates by `variable` and perhaps others, which stay fixed.
    variable : str or sequence of str
        Several: the difference in differences, variable by variable (with two: how much the gap between levels of the first
        changes between levels of the second).
    kind : {"difference", "ratio"}
    reference : str, optional
        Level of the (first) variable to compare the others with; the first level unless given.
    pairwise : bool
        Every level with every earlier one, instead of with the reference.
    simultaneous : bool
        Intervals and adjusted p-values by the largest absolute t over the whole table; else Holm's adjusted p-values.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        With the columns ``contrast``, ``p_value`` and ``p_adjusted`` added.

    Raises
    ------
    AdjustError
    """
    expect(source, (Fit, Posterior, Estimates), "The first argument of contrasts", AdjustError)
    names = names_of(variable)
    if not names:
        raise AdjustError("contrasts() was given no variable. Name one, or several for a difference in differences.")
    *others, final = names
    estimates = source if isinstance(source, Estimates) else adjusted(source, names, level=level)
    for name in others:
        estimates = _compared(estimates, name, "difference", reference, level, pairwise=pairwise, simultaneous=False)
    if others and kind == "ratio":
        raise AdjustError(
            'kind="ratio" of differences has no meaning, since a difference may be zero. Use kind="difference", or one variable.'
        )
    return _compared(
        estimates, final, kind, None if others else reference, level, pairwise=pairwise, simultaneous=simultaneous
    )


def _compared(
    estimates: Estimates, variable: str, kind: str, reference: str | None, level: float, *, pairwise: bool, simultaneous: bool,
) -> Estimates:  # fmt: skip
    """Contrasts of one variable of estimates, which may themselves be contrasts of another."""
    if kind not in KINDS:
        raise AdjustError(
            f'kind="{kind}" is not known. Expected one of: {", ".join(KINDS)}.{did_you_mean(kind, KINDS)}'
        )
    first, second = compared_rows(estimates.table, estimates.by, variable, reference, pairwise=pairwise)
    values = estimates.table["estimate"].to_numpy(dtype=float)
    law = law_of([(estimates, _gradient(values, first, second, kind))])
    one, two = values[first], values[second]
    with np.errstate(divide="ignore", invalid="ignore"):
        result = one - two if kind == "difference" else one / two
    if estimates.draws is not None and kind == "ratio":
        draws = estimates.draws[:, first] / estimates.draws[:, second]
        law = replace(law, draws=draws, covariance=np.atleast_2d(np.cov(draws, rowvar=False)))
    columns = inference(result, law, kind, level, simultaneous=simultaneous)
    table = _described(estimates, variable, kind, first, second).assign(**columns)
    return law.estimates(table, estimates.by, estimates.origin)


def _gradient(values: Array, first: NDArray[np.intp], second: NDArray[np.intp], kind: str) -> Array:
    matrix = np.zeros((len(first), len(values)))
    row = np.arange(len(first))
    if kind == "difference":
        matrix[row, first], matrix[row, second] = 1.0, -1.0
        return matrix
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix[row, first] = np.nan_to_num(1.0 / values[second])
        matrix[row, second] = np.nan_to_num(-values[first] / values[second] ** 2)
    return matrix


def _described(
    estimates: Estimates, variable: str, kind: str, first: NDArray[np.intp], second: NDArray[np.intp]
) -> pd.DataFrame:
    source = estimates.table
    one, two = source.iloc[first].reset_index(drop=True), source.iloc[second].reset_index(drop=True)
    label = [f"{a}{KINDS[kind]}{b}" for a, b in zip(one[variable], two[variable], strict=True)]
    table = one[[*estimates.by, *ESTIMATE_COLUMNS]].copy()
    table[variable] = label
    table["count"] = np.nan
    table["n"] = one["n"].to_numpy() + two["n"].to_numpy()
    table["n_effective"] = one["n_effective"].to_numpy() + two["n_effective"].to_numpy()
    already = one["contrast"].astype(str) if "contrast" in one else None
    table["estimand"] = [_estimand(text, kind) for text in one["estimand"]]
    table["contrast"] = label if already is None else [f"({a}) at {b}" for a, b in zip(already, label, strict=True)]
    return table


def _estimand(text: str, kind: str) -> str:
    """The estimand of a contrast: that of what is compared, with the kind in front of it."""
    made = Estimand.parse(text)
    return replace(made, quantity=" ".join(part for part in (f"{kind} of", made.quantity) if part)).text
