"""Sequential families: answers are reached step by step, from the lowest up.

stopping: P(Y = k | Y >= k) = F(cut_k - x b). A positive slope makes stopping rarer, so it moves answers upwards.
continuation: P(Y > k | Y >= k) = F(x b - cut_k). A positive slope makes going on likelier: upwards too.
With a symmetric link both are one model. Steps are independent given Y >= k, so the curvature is diagonal.

References
----------
Tutz, G. (1991). Sequential models in categorical regression. Computational Statistics & Data Analysis 11, 275-295.
Fienberg, S. E. (1980). The Analysis of Cross-Classified Categorical Data, section 6.6. MIT Press.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wwm_models.models.family import Family
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.links import Link

Tail = Callable[[Link, Array], Array]


def _cdf(link: Link, eta: Array) -> Array:
    return link.log_cdf(eta)


def _sf(link: Link, eta: Array) -> Array:
    return link.log_sf(eta)


def _log_probabilities(stop: Tail, go: Tail) -> Callable[[Array, Link], Array]:
    def log_probabilities(eta: Array, link: Link) -> Array:
        reached = np.cumsum(go(link, eta), axis=1)
        before = np.concatenate([np.zeros((len(eta), 1)), reached], axis=1)
        return before + np.concatenate([stop(link, eta), np.zeros((len(eta), 1))], axis=1)

    return log_probabilities


def _log_tail_slopes(tail: Tail, eta: Array, link: Link) -> tuple[Array, Array]:
    """First and second derivative of log F or log (1 - F).

    With r = f / tail: the slope is s r with s = 1 for F and -1 for 1 - F, and its derivative s r f'/f - r^2.
    """
    sign = 1.0 if tail is _cdf else -1.0
    ratio = np.exp(link.log_pdf(eta) - tail(link, eta))
    return sign * ratio, sign * ratio * link.pdf_score(eta) - ratio**2


def _scores(stop: Tail, go: Tail) -> Callable[[Array, Link, Array], Array]:
    def scores(eta: Array, link: Link, log_p: Array) -> Array:
        stopped = _log_tail_slopes(stop, eta, link)[0]
        went_on = _log_tail_slopes(go, eta, link)[0]
        answer, step = np.arange(log_p.shape[1])[:, None], np.arange(eta.shape[1])[None, :]
        return np.where(answer == step, stopped[:, None, :], np.where(answer > step, went_on[:, None, :], 0.0))

    return scores


def _with_slopes(stop: Tail, go: Tail) -> Callable[[Array, Link, Array], tuple[Array, Array]]:
    log_probabilities = _log_probabilities(stop, go)

    def with_slopes(eta: Array, link: Link, counts: Array) -> tuple[Array, Array]:
        beyond = counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        with np.errstate(invalid="ignore"):
            stopped = counts[:, :-1] * _log_tail_slopes(stop, eta, link)[0]
            went_on = beyond * _log_tail_slopes(go, eta, link)[0]
        slopes = np.where(counts[:, :-1] > 0, stopped, 0.0) + np.where(beyond > 0, went_on, 0.0)
        return log_probabilities(eta, link), slopes

    return with_slopes


def _expansion(stop: Tail, go: Tail) -> Callable[[Array, Link, Array], tuple[Array, Array, Array]]:
    log_probabilities = _log_probabilities(stop, go)

    def expansion(eta: Array, link: Link, counts: Array) -> tuple[Array, Array, Array]:
        steps = np.arange(eta.shape[1])
        beyond = counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        stopped, went_on = _log_tail_slopes(stop, eta, link), _log_tail_slopes(go, eta, link)
        slopes = counts[:, :-1] * stopped[0] + beyond * went_on[0]
        hessians = np.zeros((len(eta), len(steps), len(steps)))
        hessians[:, steps, steps] = -(counts[:, :-1] * stopped[1] + beyond * went_on[1])
        return log_probabilities(eta, link), slopes, hessians

    return expansion


def _recession(stop_sign: float) -> Callable[[int], tuple[Array, ...]]:
    def recession(categories: int) -> tuple[Array, ...]:
        unit = np.eye(categories - 1)
        return tuple(
            np.concatenate([-stop_sign * unit[: min(k, categories - 1)], stop_sign * unit[k : k + 1]])
            for k in range(categories)
        )

    return recession


def _stop_shares(shares: Array) -> Array:
    return shares[:-1] / shares[::-1].cumsum()[::-1][:-1]


def _shares_jacobian(go: Tail) -> Callable[[Array, Link], tuple[Array, Array]]:
    def shares_jacobian(eta: Array, link: Link) -> tuple[Array, Array]:
        """Triangular with f(eta_k) P(Y >= k) on the diagonal; step k is gone through on the way to every later one."""
        later = np.arange(eta.shape[1])[::-1]
        went_on = _log_tail_slopes(go, eta, link)[0]
        value = (link.log_pdf(eta) + later * go(link, eta)).sum(axis=1)
        return value, link.pdf_score(eta) + later * went_on

    return shares_jacobian


STOPPING = Family(
    name="stopping",
    formula="P(Y = k | Y >= k) = F(cut_k - x b)",
    links=("logit", "probit", "cloglog", "loglog", "cauchit"),
    cut_sign=1.0,
    slope_sign=-1.0,
    parallel=True,
    ordered_answers=True,
    ordered_cuts=False,
    reverse_partner="",
    reproduces_shares=False,
    log_probabilities=_log_probabilities(_cdf, _sf),
    scores=_scores(_cdf, _sf),
    with_slopes=_with_slopes(_cdf, _sf),
    expansion=_expansion(_cdf, _sf),
    recession=_recession(1.0),
    start=lambda shares, link: link.quantile(_stop_shares(shares)),
    shares_jacobian=_shares_jacobian(_sf),
)

CONTINUATION = Family(
    name="continuation",
    formula="P(Y > k | Y >= k) = F(x b - cut_k)",
    links=("logit", "probit", "cloglog", "loglog", "cauchit"),
    cut_sign=-1.0,
    slope_sign=1.0,
    parallel=True,
    ordered_answers=True,
    ordered_cuts=False,
    reverse_partner="",
    reproduces_shares=False,
    log_probabilities=_log_probabilities(_sf, _cdf),
    scores=_scores(_sf, _cdf),
    with_slopes=_with_slopes(_sf, _cdf),
    expansion=_expansion(_sf, _cdf),
    recession=_recession(-1.0),
    start=lambda shares, link: link.quantile(1.0 - _stop_shares(shares)),
    shares_jacobian=_shares_jacobian(_cdf),
)
