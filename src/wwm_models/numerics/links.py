"""Link distributions F by their logarithms, so that no tail is lost by subtracting probabilities.

Conventions (those of MASS::polr): logit F(x) = 1 / (1 + exp(-x)); probit F = Phi; cloglog F(x) = 1 - exp(-exp(x));
loglog F(x) = exp(-exp(-x)); cauchit F(x) = 1/2 + arctan(x) / pi.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from wwm_models.numerics.arrays import Array


@dataclass(frozen=True)
class FusedKernels:
    """What a distribution gives by fused kernels, several functions in one pass.

    Attributes
    ----------
    tails : function of x
        log F and log (1 - F).
    log_gap : function of u - l > 0, log F(u) and log (1 - F(l))
        log(F(u) - F(l)).
    intervals : function of (P, J) points, at most `MODERATE` in size
        With p_k the probability between neighbouring points: log p (P, J + 1), then f(x_k) / p_k, f(x_k) / p_{k+1} and f'/f,
        all (P, J). Where points do not increase log p is minus infinity and the ratios are infinite.
    cells : function of upper (b,) and lower (n - a,) points, and of a
        Of n intervals, the first a without a lower point and the last n - b without an upper: log p (n,), f(upper) / p and
        f(lower) / p. Where points do not increase, or lie too far out, log p is not finite.
    cdf : function of x
        F.
    """

    tails: Callable[[Array], tuple[Array, Array]]
    log_gap: Callable[[Array, Array, Array], Array]
    intervals: Callable[[Array], tuple[Array, Array, Array, Array]]
    cells: Callable[[Array, Array, int], tuple[Array, Array, Array]]
    cdf: Callable[[Array], Array]


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
    shared : FusedKernels or None
        Quicker forms of several of these together, where the distribution has them.
    """

    name: str
    reflection: str
    log_cdf: Callable[[Array], Array]
    log_sf: Callable[[Array], Array]
    log_pdf: Callable[[Array], Array]
    pdf_score: Callable[[Array], Array]
    quantile: Callable[[Array], Array]
    shared: FusedKernels | None = None

    def tails(self, x: Array) -> tuple[Array, Array]:
        """Log F and log (1 - F)."""
        return (self.log_cdf(x), self.log_sf(x)) if self.shared is None else self.shared.tails(x)

    def cdf(self, x: Array) -> Array:
        """F, for sums of probabilities: its own digits, not those of a small tail."""
        return np.exp(self.log_cdf(x)) if self.shared is None else self.shared.cdf(x)


_TOP = 700.0  # exp overflows at 709.8; beyond this every probability is 0 or 1 in double precision
MODERATE = 300.0  # products of two tails still have a double
_LOG_TWO = float(np.log(2.0))


def _exp(x: Array) -> Array:
    return np.exp(np.clip(x, -_TOP, _TOP))


def _log_one_minus_exp_minus(t: Array) -> Array:
    """log(1 - exp(-t)) for t >= 0 (Maechler 2012, accurate on both sides of log 2)."""
    near, far = np.clip(t, 1e-320, _LOG_TWO), np.maximum(t, _LOG_TWO)  # each branch sees only what it can compute
    return np.where(t < _LOG_TWO, np.log(-np.expm1(-near)), np.log1p(-np.exp(-far)))


def _softening(x: Array) -> Array:
    """log(1 + exp(-|x|)), what separates log F of the logistic from the straight line min(x, 0)."""
    return np.log1p(np.exp(-np.abs(x)))


def _logit_tails(x: Array) -> tuple[Array, Array]:
    softening = _softening(x)
    return np.minimum(x, 0.0) - softening, np.minimum(-x, 0.0) - softening


def _logit_intervals(x: Array) -> tuple[Array, Array, Array, Array]:
    """With G = 1 - e^(l - u), p = F(u) (1 - F(l)) G: no probability is subtracted, and f = F (1 - F) cancels in f / p."""
    odds = np.exp(x)
    above = 1.0 / (1.0 + odds)
    below = odds * above
    gap = 0.0 - np.expm1(np.minimum(x[:, :-1] - x[:, 1:], 0.0))  # not minus zero
    p = np.empty((len(x), x.shape[1] + 1), order="F")
    p[:, 0], p[:, -1] = below[:, 0], above[:, -1]
    lower, upper = above.copy(order="F"), below.copy(order="F")  # f / p = (1 - F) / lower and F / upper
    lower[:, 0], upper[:, -1] = 1.0, 1.0
    lower[:, 1:] = above[:, :-1] * gap
    upper[:, :-1] = below[:, 1:] * gap
    p[:, 1:-1] = below[:, 1:] * lower[:, 1:]
    with np.errstate(divide="ignore"):
        return np.log(p), above / lower, below / upper, above - below


def _logit_cells(upper: Array, lower: Array, first: int) -> tuple[Array, Array, Array]:
    """F(u) - F(l) = (e^u - e^l) (1 - F(u)) (1 - F(l)): odds are subtracted, which loses as many digits as u - l has zeros."""
    between, size = len(upper) - first, len(lower) + first
    odds_up, odds_low = np.exp(upper), np.exp(lower)
    above_up, above_low = 1.0 / (1.0 + odds_up), 1.0 / (1.0 + odds_low)
    density_up, density_low = odds_up * above_up, odds_low * above_low
    p = np.empty(size)
    p[:first], p[len(upper) :] = density_up[:first], above_low[between:]
    p[first : len(upper)] = (odds_up[first:] - odds_low[:between]) * above_up[first:] * above_low[:between]
    density_up *= above_up
    density_low *= above_low
    density_up /= p[: len(upper)]
    density_low /= p[first:]
    return np.log(p), density_up, density_low


LOGIT = Link(
    "logit",
    "logit",
    log_cdf=lambda x: _logit_tails(x)[0],
    log_sf=lambda x: _logit_tails(x)[1],
    log_pdf=lambda x: -np.abs(x) - 2.0 * _softening(x),
    pdf_score=lambda x: -np.tanh(x / 2.0),
    quantile=lambda p: np.asarray(special.logit(p)),
    shared=FusedKernels(
        tails=_logit_tails,
        log_gap=lambda gap, log_cdf, log_sf: log_cdf + log_sf + np.log(-np.expm1(-np.maximum(gap, 1e-300))),
        intervals=_logit_intervals,
        cells=_logit_cells,
        cdf=lambda x: 1.0 / (1.0 + np.exp(np.minimum(-x, _TOP))),
    ),
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


def log_difference(link: Link, points: Array, log_cdf: Array, log_sf: Array) -> Array:
    """log(F(x_k) - F(x_{k-1})) for neighbours along the second axis, without ever subtracting two probabilities.

    Parameters
    ----------
    link : Link
    points : (P, J) array
        Increasing along each row; where not, the answer is minus infinity (the interval is empty).
    log_cdf, log_sf : (P, J) arrays
        log F and log (1 - F) at `points`.

    Returns
    -------
    (P, J - 1) array
        Non-positive.

    Examples
    --------
    >>> points = np.array([[40.0, 41.0]])
    >>> float(log_difference(LOGIT, points, LOGIT.log_cdf(points), LOGIT.log_sf(points))[0, 0])
    -40.458...
    """
    upper, lower = points[:, 1:], points[:, :-1]
    if link.shared is not None:
        gap = upper - lower
        log_p = link.shared.log_gap(np.abs(gap), log_cdf[:, 1:], log_sf[:, :-1])
        return np.where(gap > 0, log_p, -np.inf)
    return _difference_by_nearest_tail(upper, lower, log_cdf, log_sf)


def _difference_by_nearest_tail(upper: Array, lower: Array, log_cdf: Array, log_sf: Array) -> Array:
    """In the left half log F(u) + log(1 - exp(log F(l) - log F(u))); in the right half the same with 1 - F.

    The side with the smaller tail is used, so both logarithms stay away from zero.
    """
    right = upper + lower > 0
    big = np.where(right, log_sf[:, :-1], log_cdf[:, 1:])
    small = np.where(right, log_sf[:, 1:], log_cdf[:, :-1])
    gap = np.where(upper > lower, big - small, 0.0)
    return np.where(gap > 0, big + _log_one_minus_exp_minus(gap), -np.inf)
