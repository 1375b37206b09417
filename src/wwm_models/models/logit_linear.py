"""Families whose log probabilities are linear in eta up to a constant: log p = L eta - log sum exp(L eta).

multinomial: log P(k) / P(baseline) = a_k + x b_k; L adds a zero for the baseline, the first answer unless declared.
adjacent: log P(k+1) / P(k) = x b - cut_k; L sums the steps. A positive slope moves answers upwards.
Both maximise an exponential family, so a maximum reproduces the observed shares of all answers.

References
----------
Agresti, A. (2010). Analysis of Ordinal Categorical Data, 2nd ed., section 4.1. Wiley.
McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. In: Frontiers in Econometrics.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import log_softmax

from wwm_models.models.family import Family
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.links import Link

Loading = Callable[[int], Array]


def _baseline_loading(steps: int) -> Array:
    return np.eye(steps + 1)[:, 1:]


def _adjacent_loading(steps: int) -> Array:
    return np.tril(np.ones((steps + 1, steps)), -1)


def _log_probabilities(loading: Loading) -> Callable[[Array, Link], Array]:
    def log_probabilities(eta: Array, link: Link) -> Array:  # noqa: ARG001
        return np.asarray(log_softmax(eta @ loading(eta.shape[1]).T, axis=1))

    return log_probabilities


def _scores(loading: Loading) -> Callable[[Array, Link, Array], Array]:
    def scores(eta: Array, link: Link, log_p: Array) -> Array:  # noqa: ARG001
        load = loading(eta.shape[1])
        return load[None, :, :] - (np.exp(log_p) @ load)[:, None, :]

    return scores


def _with_slopes(loading: Loading) -> Callable[[Array, Link, Array], tuple[Array, Array]]:
    log_probabilities = _log_probabilities(loading)

    def with_slopes(eta: Array, link: Link, counts: Array) -> tuple[Array, Array]:
        log_p = log_probabilities(eta, link)
        return log_p, (counts - counts.sum(axis=1, keepdims=True) * np.exp(log_p)) @ loading(eta.shape[1])

    return with_slopes


def _expansion(loading: Loading) -> Callable[[Array, Link, Array], tuple[Array, Array, Array]]:
    """Scores counts L - N p L; curvature N L' (diag(p) - p p') L."""
    log_probabilities = _log_probabilities(loading)

    def expansion(eta: Array, link: Link, counts: Array) -> tuple[Array, Array, Array]:
        load, steps = loading(eta.shape[1]), eta.shape[1]
        log_p = log_probabilities(eta, link)
        expected = counts.sum(axis=1, keepdims=True) * np.exp(log_p)
        mean = np.exp(log_p) @ load
        products = (load[:, :, None] * load[:, None, :]).reshape(-1, steps * steps)
        second = (expected @ products).reshape(-1, steps, steps)
        total = expected @ load
        return log_p, counts @ load - total, second - total[:, :, None] * mean[:, None, :]

    return expansion


def _recession(loading: Loading) -> Callable[[int], tuple[Array, ...]]:
    def recession(categories: int) -> tuple[Array, ...]:
        load = loading(categories - 1)
        return tuple(np.delete(load[k] - load, k, axis=0) for k in range(categories))

    return recession


def _shares_jacobian(loading: Loading) -> Callable[[Array, Link], tuple[Array, Array]]:
    log_probabilities = _log_probabilities(loading)

    def shares_jacobian(eta: Array, link: Link) -> tuple[Array, Array]:
        """The determinant is the product of all shares; that of L without its first row is one."""
        log_p = log_probabilities(eta, link)
        return log_p.sum(axis=1), _scores(loading)(eta, link, log_p).sum(axis=1)

    return shares_jacobian


MULTINOMIAL = Family(
    name="multinomial",
    formula="log P(k) / P(baseline) = a_k + x b_k",
    links=("logit",),
    cut_sign=1.0,
    slope_sign=1.0,
    parallel=False,
    ordered_answers=False,
    ordered_cuts=False,
    reverse_partner="multinomial",
    reproduces_shares=True,
    log_probabilities=_log_probabilities(_baseline_loading),
    scores=_scores(_baseline_loading),
    with_slopes=_with_slopes(_baseline_loading),
    expansion=_expansion(_baseline_loading),
    recession=_recession(_baseline_loading),
    start=lambda shares, link: np.log(shares[1:] / shares[0]),  # noqa: ARG005
    shares_jacobian=_shares_jacobian(_baseline_loading),
    cut_names="intercepts",
)

ADJACENT = Family(
    name="adjacent",
    formula="log P(k+1) / P(k) = x b - cut_k",
    links=("logit",),
    cut_sign=-1.0,
    slope_sign=1.0,
    parallel=True,
    ordered_answers=True,
    ordered_cuts=False,
    reverse_partner="adjacent",
    reproduces_shares=True,
    log_probabilities=_log_probabilities(_adjacent_loading),
    scores=_scores(_adjacent_loading),
    with_slopes=_with_slopes(_adjacent_loading),
    expansion=_expansion(_adjacent_loading),
    recession=_recession(_adjacent_loading),
    start=lambda shares, link: np.log(shares[1:] / shares[:-1]),  # noqa: ARG005
    shares_jacobian=_shares_jacobian(_adjacent_loading),
    slopes_per_step=True,
)
