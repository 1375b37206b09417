"""Differences and ratios between groups, with their joint law, p-values and simultaneous intervals.

References
----------
Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, 65-70.
Hothorn, T., Bretz, F. and Westfall, P. (2008). Simultaneous inference in general parametric models. Biometrical Journal
50, 346-363. doi:10.1002/bimj.200810425
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from wwm_models.adjust.adjusted import adjusted
from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.numerics import intervals
from wwm_models.numerics.maximum import holm, max_t
from wwm_models.records import ESTIMATE_COLUMNS, Estimates, Fit

Array = NDArray[np.float64]
KINDS = {"difference": " - ", "ratio": " / "}


def contrasts(
    source: Fit | Estimates,
    variable: str,
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
    source : Fit or Estimates
        A fit (its adjusted probabilities are used), or estimates by `variable` and perhaps others, which stay fixed.
    variable : str
    kind : {"difference", "ratio"}
    reference : str, optional
        Level to compare the others with; the first unless given.
    pairwise : bool
        Every level with every earlier one, instead of with the reference.
    simultaneous : bool
        Intervals and adjusted p-values by the maximum of |t| over the whole table; else Holm's adjusted p-values.
    level : float

    Returns
    -------
    Estimates
        With the columns ``contrast``, ``p_value`` and ``p_adjusted`` added.

    Raises
    ------
    AdjustError
    """
    estimates = adjusted(source, variable, level=level) if isinstance(source, Fit) else source
    if kind not in KINDS:
        raise AdjustError(
            f'kind="{kind}" is not known. Expected one of: {", ".join(KINDS)}.{did_you_mean(kind, KINDS)}'
        )
    if variable not in estimates.by:
        raise AdjustError(
            f'These estimates are by {listed(estimates.by) or "nothing"}, not by "{variable}".{did_you_mean(variable, estimates.by)}'
        )
    first, second = _pairs(estimates, variable, reference, pairwise)
    values = estimates.table["estimate"].to_numpy(dtype=float)
    matrix = _gradient(values, first, second, kind)
    joint = matrix @ np.nan_to_num(estimates.covariance) @ matrix.T
    table = _described(estimates, variable, kind, first, second)
    one, two = values[first], values[second]
    with np.errstate(divide="ignore", invalid="ignore"):
        result = one - two if kind == "difference" else one / two
    draws = None
    if estimates.draws is not None:
        left, right = estimates.draws[:, first], estimates.draws[:, second]
        draws = left - right if kind == "difference" else left / right
        joint = np.atleast_2d(np.cov(draws, rowvar=False))
    inference = _inference(result, joint, kind, estimates.df, level, simultaneous=simultaneous, draws=draws)
    contributions = estimates.contributions
    if contributions is not None:
        contributions = replace(contributions, values=contributions.values @ matrix.T)
    return Estimates(table.assign(**inference), estimates.by, joint, contributions, draws, estimates.df)


def _pairs(
    estimates: Estimates, variable: str, reference: str | None, pairwise: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the rows compared: the same answer and the same other groups, two levels of the variable."""
    table = estimates.table
    levels = list(dict.fromkeys(table[variable]))
    if reference is None:
        base = levels[0]
    else:
        named = {str(level): level for level in levels}
        if str(reference) not in named:
            raise AdjustError(
                f'reference "{reference}" is not a level of {variable}. Levels: {listed(levels, 30)}.{did_you_mean(str(reference), named)}'
            )
        base = named[str(reference)]
    chosen = (
        [(b, a) for a, b in itertools.combinations(levels, 2)] if pairwise else [(a, base) for a in levels if a != base]
    )
    rest = [name for name in (*estimates.by, "category") if name != variable]
    rows = {key: number for number, key in enumerate(table[[variable, *rest]].itertuples(index=False, name=None))}
    others = list(dict.fromkeys(table[rest].itertuples(index=False, name=None)))
    pairs = [(rows[(a, *other)], rows[(b, *other)]) for a, b in chosen for other in others]
    if not pairs:
        raise AdjustError(f'"{variable}" has a single level ({listed(levels)}); there is nothing to compare.')
    first, second = np.array(pairs, dtype=np.intp).T
    return first, second


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
    table["estimand"] = [f"{kind} of {text}" for text in one["estimand"]]
    table["contrast"] = label
    return table


def _inference(
    result: Array, joint: Array, kind: str, df: float, level: float, *, simultaneous: bool, draws: Array | None
) -> dict[str, Any]:
    """Standard errors, limits and p-values; ratios are judged on the log scale."""
    std_error = np.sqrt(np.maximum(np.diag(joint), 0.0))
    scale = std_error / np.abs(result) if kind == "ratio" else std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (np.log(result) if kind == "ratio" else result) / scale
    p_value = 2.0 * (stats.norm.sf(np.abs(t)) if np.isinf(df) else stats.t.sf(np.abs(t), df))
    if simultaneous:
        correlation = _correlation(joint)
        critical, p_adjusted = max_t(correlation, np.abs(t), df, level)
    else:
        critical, p_adjusted = intervals.critical_value(level, df), holm(p_value)
    lower, upper = (intervals.log_limits if kind == "ratio" else intervals.wald_limits)(result, std_error, critical)
    if draws is not None and not simultaneous:
        lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {
        "estimate": result, "std_error": std_error, "lower": lower, "upper": upper, "level": level, "p_value": p_value, "p_adjusted": p_adjusted,
    }  # fmt: skip


def _correlation(joint: Array) -> Array:
    scale = np.sqrt(np.maximum(np.diag(joint), 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    return joint / np.outer(safe, safe)
