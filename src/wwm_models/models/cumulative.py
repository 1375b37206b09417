"""Cumulative family: P(Y <= k) = F(cut_k - x b), as Stata's ologit and MASS::polr.

Cut points increase with k. A positive slope moves answers upwards. eta_k = cut_k - x b, so p_k = F(eta_k) - F(eta_{k-1})
with F(eta_0) = 0 and F(eta_K) = 1.

References
----------
McCullagh, P. (1980). Regression models for ordinal data. JRSS B 42, 109-142.
"""

from __future__ import annotations

import numpy as np

from wwm_models.models.family import Family
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.links import MODERATE, Link, log_difference


def _log_probabilities(eta: Array, link: Link) -> Array:
    log_cdf, log_sf = link.tails(eta)
    log_p = np.empty((len(eta), eta.shape[1] + 1), order="F")
    log_p[:, 0], log_p[:, -1] = log_cdf[:, 0], log_sf[:, -1]
    log_p[:, 1:-1] = log_difference(link, eta, log_cdf, log_sf)
    return log_p


def _differences(eta: Array, link: Link) -> Array:
    below = link.cdf(eta)
    p = np.empty((len(eta), eta.shape[1] + 1))
    p[:, 0], p[:, -1] = below[:, 0], 1.0 - below[:, -1]
    np.subtract(below[:, 1:], below[:, :-1], out=p[:, 1:-1])
    return p


def _density_ratios(log_density: Array, log_p: Array) -> tuple[Array, Array]:
    """f(eta_k) / p_k and f(eta_k) / p_{k+1}, both (P, K-1)."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.exp(log_density - log_p[:, :-1]), np.exp(log_density - log_p[:, 1:])


def _intervals(eta: Array, link: Link) -> tuple[Array, Array, Array, Array]:
    """Log p, f(eta_k) / p_k, f(eta_k) / p_{k+1} and f'/f; by fused kernels where the link can and no predictor is extreme."""
    if link.shared is not None and np.abs(eta).max(initial=0.0) < MODERATE:
        return link.shared.intervals(eta)
    log_p = _log_probabilities(eta, link)
    return log_p, *_density_ratios(link.log_pdf(eta), log_p), link.pdf_score(eta)


def _scores(eta: Array, link: Link, log_p: Array) -> Array:
    """D log p_k / d eta_k = f(eta_k) / p_k; d log p_k / d eta_{k-1} = -f(eta_{k-1}) / p_k."""
    below, above = _density_ratios(link.log_pdf(eta), log_p)
    k = np.arange(eta.shape[1])
    scores = np.zeros((eta.shape[0], eta.shape[1] + 1, eta.shape[1]))
    scores[:, k, k] = below
    scores[:, k + 1, k] = -above
    return scores


def _with_slopes(eta: Array, link: Link, counts: Array) -> tuple[Array, Array]:
    log_p, below, above, _ = _intervals(eta, link)
    with np.errstate(invalid="ignore"):
        up, down = counts[:, :-1] * below, counts[:, 1:] * above
    return log_p, np.where(counts[:, :-1] > 0, up, 0.0) - np.where(counts[:, 1:] > 0, down, 0.0)


def _cells(upper: Array, lower: Array, first: int, link: Link) -> tuple[Array, Array, Array]:
    if link.shared is not None:
        return link.shared.cells(upper, lower, first)
    between = len(upper) - first
    both = np.column_stack([lower[:between], upper[first:]])
    inner = log_difference(link, both, link.log_cdf(both), link.log_sf(both))[:, 0]
    log_p = np.concatenate([link.log_cdf(upper[:first]), inner, link.log_sf(lower[between:])])
    return log_p, np.exp(link.log_pdf(upper) - log_p[: len(upper)]), np.exp(link.log_pdf(lower) - log_p[first:])


def _expansion(eta: Array, link: Link, counts: Array) -> tuple[Array, Array, Array]:
    """Tridiagonal: with r = f / p, d2 log p_k = r f'/f - r^2 on the diagonal and + r_k r_{k-1} beside it."""
    log_p, below, above, slope = _intervals(eta, link)
    if not np.isfinite(
        log_p
    ).all():  # where cut points cross, an answer that nobody gave has neither score nor curvature
        below, above = np.where(counts[:, :-1] > 0, below, 0.0), np.where(counts[:, 1:] > 0, above, 0.0)
    with np.errstate(invalid="ignore"):  # where an observed answer has no probability; the value says so
        low, high = counts[:, :-1] * below, counts[:, 1:] * above
        slopes = low - high
        own = low * (below - slope) + high * (above + slope)
        beside = -high[:, :-1] * below[:, 1:]
    k = np.arange(eta.shape[1])
    hessians = np.zeros((eta.shape[1], eta.shape[1], eta.shape[0]))
    hessians[k, k] = own.T
    hessians[k[:-1], k[1:]] = hessians[k[1:], k[:-1]] = beside.T
    return log_p, slopes, hessians.transpose(2, 0, 1)


def _recession(categories: int) -> tuple[Array, ...]:
    """p_k does not fall when its upper cut rises and its lower cut falls."""
    unit = np.eye(categories - 1)
    lower = [-unit[k - 1 : k] if k > 0 else unit[:0] for k in range(categories)]
    upper = [unit[k : k + 1] for k in range(categories)]
    return tuple(np.concatenate([upper[k], lower[k]]) for k in range(categories))


def _start(shares: Array, link: Link) -> Array:
    return link.quantile(np.cumsum(shares)[:-1])


def _shares_jacobian(eta: Array, link: Link) -> tuple[Array, Array]:
    """The sums p_1 + .. + p_k = F(eta_k) are triangular in the shares, so the determinant is the product of f(eta_k)."""
    return link.log_pdf(eta).sum(axis=1), link.pdf_score(eta)


CUMULATIVE = Family(
    name="cumulative",
    formula="P(Y <= k) = F(cut_k - x b)",
    links=("logit", "probit", "cloglog", "loglog", "cauchit"),
    cut_sign=1.0,
    slope_sign=-1.0,
    parallel=True,
    ordered_answers=True,
    ordered_cuts=True,
    reverse_partner="cumulative",
    reproduces_shares=False,
    log_probabilities=_log_probabilities,
    scores=_scores,
    with_slopes=_with_slopes,
    expansion=_expansion,
    recession=_recession,
    start=_start,
    shares_jacobian=_shares_jacobian,
    differences=_differences,
    cells=_cells,
)
