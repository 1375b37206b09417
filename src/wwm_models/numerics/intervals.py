"""Confidence limits for probabilities, and the effective sample sizes they rest on."""

from __future__ import annotations

import numpy as np
from scipy import special

from wwm_models.arguments import confidence_level
from wwm_models.numerics.arrays import Array


def critical_values(level: float, df: Array) -> Array:
    """Two-sided critical values of Student's t: normal for infinite `df`, missing for none.

    Parameters
    ----------
    level : float
        Between 0 and 1.
    df : (m,) array
        Degrees of freedom, 0 or more.

    Examples
    --------
    >>> critical_values(0.95, np.array([2.0, np.inf, 0.0])).round(4).tolist()
    [4.3027, 1.96, nan]
    """
    tail = 0.5 + confidence_level(level) / 2.0
    return np.where(
        np.isinf(df), special.ndtri(tail), np.where(df > 0, special.stdtrit(np.where(df > 0, df, 1.0), tail), np.nan)
    )


def critical_value(level: float, df: float) -> float:
    """The same for one number.

    Examples
    --------
    >>> round(critical_value(0.95, np.inf), 4)
    1.96
    """
    return float(critical_values(level, np.asarray(df, dtype=np.float64)))


def p_values(statistic: Array, df: Array) -> Array:
    """Probability of a larger value, in size, of Student's t: normal for infinite `df`, missing for none.

    Examples
    --------
    >>> p_values(np.array([-1.96, 4.3027]), np.array([np.inf, 2.0])).round(3).tolist()
    [0.05, 0.05]
    """
    below = -np.abs(statistic)
    student = special.stdtr(np.where((df > 0) & np.isfinite(df), df, 1.0), below)
    return 2.0 * np.where(np.isinf(df), special.ndtr(below), np.where(df > 0, student, np.nan))


def central_limits(draws: Array, level: float) -> tuple[Array, Array]:
    """Equal-tailed limits of (s, ...) draws: the quantiles at ``(1 - level) / 2`` and ``(1 + level) / 2``.

    Examples
    --------
    >>> [float(limit) for limit in central_limits(np.arange(101.0), 0.5)]
    [25.0, 75.0]
    """
    level = confidence_level(level)
    lower, upper = np.quantile(draws, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    return lower, upper


def two_sided_p(statistic: float, df: float) -> float:
    """The same for one number.

    Examples
    --------
    >>> round(two_sided_p(-1.96, np.inf), 3)
    0.05
    """
    return float(p_values(np.asarray(statistic, dtype=np.float64), np.asarray(df, dtype=np.float64)))


def wald_limits(estimate: Array, std_error: Array, critical: float | Array) -> tuple[Array, Array]:
    """Estimate plus and minus `critical` standard errors."""
    return estimate - critical * std_error, estimate + critical * std_error


def logit_limits(estimate: Array, std_error: Array, critical: float | Array) -> tuple[Array, Array]:
    """Limits made on the logit scale, so that they stay inside (0, 1).

    Parameters
    ----------
    estimate : array, strictly between 0 and 1
    std_error : array of the same shape
        On the probability scale; the logit scale's is ``std_error / (p (1 - p))``.
    critical : float, or array of the same shape

    Returns
    -------
    lower, upper : arrays

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1999). Analysis of Health Surveys, section 3.2. Wiley.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.log(estimate) - np.log1p(-estimate)
        half = critical * std_error / (estimate * (1.0 - estimate))
        return _expit(centre - half), _expit(centre + half)


def log_limits(estimate: Array, std_error: Array, critical: float | Array) -> tuple[Array, Array]:
    """Limits made on the log scale, for ratios; both stay positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = critical * std_error / estimate
        return estimate * np.exp(-half), estimate * np.exp(half)


def clopper_pearson_limits(estimate: Array, n_effective: Array, level: float) -> tuple[Array, Array]:
    """Exact binomial limits on an effective sample size (Korn and Graubard 1998).

    Parameters
    ----------
    estimate : array in [0, 1]
    n_effective : array
        Effective number of respondents, positive; need not be whole.
    level : float
        Of the intervals, above 0 and below 1.

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data. Survey Methodology 24, 193-201.

    Examples
    --------
    >>> lower, upper = clopper_pearson_limits(np.array([0.0]), np.array([50.0]), 0.95)
    >>> float(lower[0]), round(float(upper[0]), 4)
    (0.0, 0.0711)
    """
    successes = estimate * n_effective
    tail = (1.0 - level) / 2.0
    with np.errstate(invalid="ignore"):
        lower = special.betaincinv(successes, n_effective - successes + 1.0, tail)
        upper = special.betaincinv(successes + 1.0, n_effective - successes, 1.0 - tail)
    return np.where(estimate <= 0.0, 0.0, lower), np.where(estimate >= 1.0, 1.0, upper)


def kish_effective_n(weight_sum: Array, weight_squares: Array) -> Array:
    """Kish's effective number of respondents, ``(sum w)**2 / sum w**2``; 0 for an empty group.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.

    Examples
    --------
    >>> float(kish_effective_n(np.array(4.0), np.array(6.0)))
    2.6666666666666665
    """
    return np.where(weight_squares > 0, weight_sum**2 / np.where(weight_squares > 0, weight_squares, 1.0), 0.0)


def korn_graubard_effective_n(
    estimate: Array, variance: Array, n: Array, kish: Array, level: float, df: Array
) -> Array:
    """Effective sample size of an estimated proportion, at most the number of respondents.

    Parameters
    ----------
    estimate, variance, n, kish : arrays of one shape
        Proportion, its design variance, unweighted base, and Kish's effective n (used where the proportion is 0 or 1, or has no variance).
    level : float
    df : array of the same shape

    Returns
    -------
    array
        ``p (1 - p) / variance``, times ``(t(n - 1) / t(df))**2`` under a design.
    """
    inside = (variance > 0) & (estimate > 0) & (estimate < 1)
    plain = np.where(inside, estimate * (1.0 - estimate) / np.where(inside, variance, 1.0), kish)
    of_sample = critical_values(level, np.where(n >= 2.0, n - 1.0, np.inf))
    ratio = np.where((df > 0) & np.isfinite(df), of_sample / critical_values(level, df), 1.0)
    return np.minimum(plain * ratio**2, n)


def _expit(x: Array) -> Array:
    return np.exp(-np.logaddexp(0.0, -x))
