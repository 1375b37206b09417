"""Multiple testing: Holm's step-down p-values, and the law of the largest |t| among correlated ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special, stats

from wwm_models.arguments import confidence_level
from wwm_models.numerics.arrays import Array

POINTS = 17  # 2**17 quasi-random points: the 95% point is then stable to about 0.002
MANY = 2_000  # products per point; beyond it 2**15 points do, and the 95% point is stable to about 0.006
NODES = 2_001
AT_ONCE = 200_000  # numbers per block: a block of work then stays in the processor's cache


def holm(p_values: Array) -> Array:
    """Holm's adjusted p-values; missing ones stay missing and do not count.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def max_t(correlation: Array, observed: Array, df: float, level: float) -> tuple[float, Array]:
    """Critical value of the maximum of |t|, and adjusted p-values, by quasi-Monte Carlo with fixed points.

    Parameters
    ----------
    correlation : (m, m) array
        May be singular: answers that sum to one make it so.
    observed : (m,) array
        Absolute t statistics; missing where a contrast is.
    df : float
        Of the common multivariate t; infinite for the normal.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    float
    (m,) array

    References
    ----------
    Genz, A. and Bretz, F. (2009). Computation of Multivariate Normal and t Probabilities. Springer.

    Examples
    --------
    >>> critical, _ = max_t(np.eye(1), np.array([2.0]), np.inf, 0.95)
    >>> round(critical, 2)
    1.96
    """
    largest = np.sort(_largest(correlation, df, lambda t: np.maximum(t.max(axis=1), -t.min(axis=1))))
    beyond = 1.0 - np.searchsorted(largest, np.nan_to_num(observed)) / len(largest)
    return float(np.quantile(largest, confidence_level(level))), np.where(np.isnan(observed), np.nan, beyond)


def largest_excess(correlation: Array, widths: Array, df: float, level: float) -> float:
    """Quantile of the largest excess of t statistics over regions, each true value at an end of its region.

    Parameters
    ----------
    correlation : (m, m) array
        May be singular.
    widths : (m,) array
        Of the regions, in standard errors; infinite for a region with one end.
    df : float
        Of the common multivariate t; infinite for the normal.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    float
        The `level` quantile of ``max_q max(T_q, -T_q - widths[q])``: with regions of one end the one-sided critical value, with
        regions of a single point the two-sided one.

    Examples
    --------
    >>> round(largest_excess(np.eye(1), np.array([np.inf]), np.inf, 0.95), 2)
    1.64
    >>> round(largest_excess(np.eye(1), np.array([0.0]), np.inf, 0.95), 2)
    1.96
    """
    largest = _largest(correlation, df, lambda t: np.maximum(t, -t - widths).max(axis=1))
    return float(np.quantile(largest, confidence_level(level)))


def _largest(correlation: Array, df: float, fold: Callable[[Array], Array]) -> Array:
    """What `fold` makes of every one of quasi-random values of a multivariate t, (rows, m) to (rows,); the same points every time."""
    values, vectors = np.linalg.eigh(np.nan_to_num(correlation))
    kept = values > 1e-10 * values.max(initial=1.0)
    root = vectors[:, kept] * np.sqrt(values[kept])
    extra = 0 if np.isinf(df) else 1
    uniform = stats.qmc.Sobol(root.shape[1] + extra, seed=20210504).random_base2(
        POINTS if root.size <= MANY else POINTS - 2
    )
    normal = special.ndtri(np.clip(uniform, 1e-12, 1 - 1e-12))
    scale = _chi_scale(normal[:, -1], df) if extra else np.ones(len(normal))
    normal = normal[:, : root.shape[1]]
    rows = max(1, AT_ONCE // len(root))
    parts = [
        fold((normal[start : start + rows] @ root.T) / scale[start : start + rows, None])
        for start in range(0, len(normal), rows)
    ]
    return np.concatenate(parts)


def _chi_scale(scores: Array, df: float) -> Array:
    """Root of chi-squared over df at normal scores, by interpolation between `NODES` exact values (to 1e-4): the exact one is slow."""
    nodes = np.linspace(special.ndtri(1e-12), special.ndtri(1 - 1e-12), NODES)
    return np.interp(scores, nodes, np.sqrt(stats.chi2.ppf(special.ndtr(nodes), df) / df))
