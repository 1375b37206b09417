"""Link distributions F by their logarithms, so that no tail is lost by subtracting probabilities.

Conventions (those of MASS::polr): logit F(x) = 1 / (1 + exp(-x)); probit F = Phi; cloglog F(x) = 1 - exp(-exp(x));
loglog F(x) = exp(-exp(-x)); cauchit F(x) = 1/2 + arctan(x) / pi.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Link:
    """A distribution function F with density f, by logarithms.

    Attributes
    ----------
    name : str
    reflection : str
        The link whose F(x) equals ``1 - F(-x)`` of this one; itself when F is symmetric.
    log_cdf, log_sf, log_pdf : functions of an array of any shape
        log F, log (1 - F), log f.
    pdf_score : function
        Derivative of log f.
    quantile : function
        The inverse of F on (0, 1).
    log_between : function of (upper, lower), or None
        log (F(upper) - F(lower)) where the distribution has a form for it that loses no digits.
    """

    name: str
    reflection: str
    log_cdf: Callable[[Array], Array]
    log_sf: Callable[[Array], Array]
    log_pdf: Callable[[Array], Array]
    pdf_score: Callable[[Array], Array]
    quantile: Callable[[Array], Array]
    log_between: Callable[[Array, Array], Array] | None = None


_TOP = 700.0  # exp overflows at 709.8; beyond this every probability is 0 or 1 in double precision
_LOG_TWO = float(np.log(2.0))


def _exp(x: Array) -> Array:
    return np.exp(np.clip(x, -_TOP, _TOP))


def _log_one_minus_exp_minus(t: Array) -> Array:
    """log(1 - exp(-t)) for t >= 0 (Maechler 2012, accurate on both sides of log 2)."""
    near, far = np.clip(t, 1e-320, _LOG_TWO), np.maximum(t, _LOG_TWO)  # each branch sees only what it can compute
    return np.where(t < _LOG_TWO, np.log(-np.expm1(-near)), np.log1p(-np.exp(-far)))


def _logit_log_cdf(x: Array) -> Array:
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


def _logit_log_sf(x: Array) -> Array:
    return _logit_log_cdf(-x)


def _logit_log_pdf(x: Array) -> Array:
    size = np.abs(x)
    return -size - 2.0 * np.log1p(np.exp(-size))


def _logit_log_between(upper: Array, lower: Array) -> Array:
    """F(u) - F(l) = F(u) (1 - F(l)) (1 - exp(l - u))."""
    gap = upper - lower
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rise = np.log(-np.expm1(-gap))
    return np.where(gap > 0, _logit_log_cdf(upper) + _logit_log_cdf(-lower) + rise, -np.inf)


LOGIT = Link(
    "logit",
    "logit",
    log_cdf=_logit_log_cdf,
    log_sf=_logit_log_sf,
    log_pdf=_logit_log_pdf,
    pdf_score=lambda x: -np.tanh(x / 2.0),
    quantile=lambda p: np.asarray(special.logit(p)),
    log_between=_logit_log_between,
)

PROBIT = Link(
    "probit",
    "probit",
    log_cdf=lambda x: np.asarray(special.log_ndtr(x)),
    log_sf=lambda x: np.asarray(special.log_ndtr(-x)),
    log_pdf=lambda x: -0.5 * x * x - 0.5 * np.log(2.0 * np.pi),
    pdf_score=lambda x: -x,
    quantile=lambda p: np.asarray(special.ndtri(p)),
)

CLOGLOG = Link(
    "cloglog",
    "loglog",
    log_cdf=lambda x: _log_one_minus_exp_minus(_exp(x)),
    log_sf=lambda x: -_exp(x),
    log_pdf=lambda x: x - _exp(x),
    pdf_score=lambda x: 1.0 - _exp(x),
    quantile=lambda p: np.log(-np.log1p(-p)),
)

LOGLOG = Link(
    "loglog",
    "cloglog",
    log_cdf=lambda x: -_exp(-x),
    log_sf=lambda x: _log_one_minus_exp_minus(_exp(-x)),
    log_pdf=lambda x: -x - _exp(-x),
    pdf_score=lambda x: _exp(-x) - 1.0,
    quantile=lambda p: -np.log(-np.log(p)),
)

CAUCHIT = Link(
    "cauchit",
    "cauchit",
    log_cdf=lambda x: np.log(np.arctan2(1.0, -x) / np.pi),
    log_sf=lambda x: np.log(np.arctan2(1.0, x) / np.pi),
    log_pdf=lambda x: -np.log(np.pi) - np.log1p(x * x),
    pdf_score=lambda x: -2.0 * x / (1.0 + x * x),
    quantile=lambda p: np.tan(np.pi * (p - 0.5)),
)

LINKS = {link.name: link for link in (LOGIT, PROBIT, CLOGLOG, LOGLOG, CAUCHIT)}


def log_difference(link: Link, upper: Array, lower: Array) -> Array:
    """log(F(upper) - F(lower)), without ever subtracting two probabilities near one.

    Parameters
    ----------
    link : Link
    upper, lower : arrays of one shape
        ``upper > lower``; where not, the answer is minus infinity (the interval is empty).

    Returns
    -------
    array of the same shape
        Non-positive.

    Notes
    -----
    In the left half log F(u) + log(1 - exp(log F(l) - log F(u))); in the right half the same with 1 - F. The side with
    the smaller tail is used, so both logarithms stay away from zero.

    Examples
    --------
    >>> float(log_difference(LOGIT, np.array(41.0), np.array(40.0)))
    -40.458...
    """
    if link.log_between is not None:
        return link.log_between(upper, lower)
    right = upper + lower > 0
    big = np.where(right, link.log_sf(lower), link.log_cdf(upper))
    small = np.where(right, link.log_sf(upper), link.log_cdf(lower))
    gap = np.where(upper > lower, big - small, 0.0)
    return np.where(gap > 0, big + _log_one_minus_exp_minus(gap), -np.inf)
