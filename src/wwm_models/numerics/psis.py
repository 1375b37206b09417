"""Pareto-smoothed importance sampling: weights whose largest values are replaced by quantiles of a fitted Pareto tail.

The largest M = min(s / 5, 3 sqrt(s / efficiency)) ratios above a cut-off are fitted by a generalised Pareto distribution
(Zhang and Stephens 2009, with a weak prior on the shape) and replaced by its quantiles. The shape k says whether the sum can be
trusted: below min(1 - 1 / log10 s, 0.7) it can.

References
----------
Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024). Pareto smoothed importance sampling. JMLR 25(72), 1-58.
Zhang, J. and Stephens, M. A. (2009). A new and efficient estimation method for the generalized Pareto distribution.
Technometrics 51, 316-325. doi:10.1198/tech.2009.08017
"""

from __future__ import annotations

import numpy as np

from wwm_models.numerics.arrays import Array

LEAST_TAIL = 5
PRIOR_SCALE, PRIOR_SHAPE = (
    3.0,
    10.0,
)  # Zhang and Stephens' scale of the grid; prior draws of k = 1/2 (Vehtari et al., appendix C)


def log_sum_exp(values: Array) -> float:
    """Logarithm of the sum of exponentials of finite numbers; a tenth of the time of SciPy's, which serves any array.

    Examples
    --------
    >>> round(log_sum_exp(np.log(np.array([1.0, 2.0]))), 6)
    1.098612
    """
    highest = float(values.max())
    return highest + float(np.log(np.exp(values - highest).sum()))


def smoothed(log_ratios: Array, efficiency: float = 1.0) -> tuple[Array, float]:
    """Normalised log weights of importance ratios, and the shape of their tail.

    Parameters
    ----------
    log_ratios : (s,) array
        Up to a constant.
    efficiency : float
        Effective draws per draw.

    Returns
    -------
    (s,) array
        Their exponentials sum to one.
    float
        Pareto's k; infinite where fewer than five ratios lie in the tail, minus infinity where all ratios are equal.

    Examples
    --------
    >>> weights, k = smoothed(np.zeros(200))
    >>> float(np.exp(weights).sum().round(12)), k
    (1.0, -inf)
    """
    log_weights = log_ratios - log_ratios.max()
    if float(log_weights.min()) > -1e-12:
        return log_weights - log_sum_exp(log_weights), -np.inf
    size = len(log_weights)
    tail_size = int(np.ceil(min(size / 5.0, 3.0 * np.sqrt(size / efficiency))))
    order = np.argsort(log_weights)
    cutoff = max(float(log_weights[order[-tail_size - 1]]), float(np.log(np.finfo(np.float64).tiny)))
    tail = order[log_weights[order] > cutoff]
    if len(tail) < LEAST_TAIL:
        return log_weights - log_sum_exp(log_weights), np.inf
    shape, scale = pareto_tail(np.exp(log_weights[tail]) - np.exp(cutoff))
    if np.isfinite(shape):
        probability = np.arange(0.5, len(tail)) / len(tail)
        log_weights[tail] = np.minimum(np.log(pareto_quantile(probability, shape, scale) + np.exp(cutoff)), 0.0)
    return log_weights - log_sum_exp(log_weights), shape


def pareto_tail(excess: Array) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution fitted to sorted positive excesses."""
    n = len(excess)
    points = 30 + int(np.sqrt(n))
    grid = (1.0 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))) / (PRIOR_SCALE * excess[int(n / 4 + 0.5) - 1])
    grid += 1.0 / excess[-1]
    shapes = np.log1p(-grid[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-grid / shapes) - shapes - 1.0)
    weight = np.exp(profile - log_sum_exp(profile))
    weight = np.where(weight >= 10.0 * np.finfo(np.float64).eps, weight, 0.0)
    chosen = float(grid @ weight / weight.sum())
    shape = float(np.log1p(-chosen * excess).mean())
    return (n * shape + PRIOR_SHAPE * 0.5) / (n + PRIOR_SHAPE), -shape / chosen


def pareto_quantile(probability: Array, shape: float, scale: float) -> Array:
    """Quantiles of the generalised Pareto distribution."""
    if abs(shape) < np.finfo(np.float64).eps:
        return -scale * np.log1p(-probability)
    return scale * np.expm1(-shape * np.log1p(-probability)) / shape


def trusted_shape(draws: int) -> float:
    """The largest k at which an average over this many draws can be trusted.

    Examples
    --------
    >>> trusted_shape(4000), round(trusted_shape(500), 3)
    (0.7, 0.629)
    """
    return min(1.0 - 1.0 / float(np.log10(draws)), 0.7)
