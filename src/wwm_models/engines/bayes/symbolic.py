"""Links and families in PyTensor, for the readable model; the numbers of the package come from ``families`` and ``numerics``.

A test holds both to the same log density and gradient. A family that is registered and not listed here has no ``to_pymc()``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class SymbolicLink:
    """Log F, log (1 - F) and log f as PyTensor expressions."""

    log_cdf: Callable[[Any], Any]
    log_sf: Callable[[Any], Any]
    log_pdf: Callable[[Any], Any]


def _pt() -> Any:
    import pytensor.tensor as pt

    return pt


def _softplus(x: Any) -> Any:
    return _pt().softplus(x)


def _log_ndtr(x: Any) -> Any:
    pt = _pt()
    return pt.switch(
        x < 0, pt.log(pt.erfcx(-x / np.sqrt(2.0)) / 2.0) - x**2 / 2.0, pt.log1p(-pt.erfc(x / np.sqrt(2.0)) / 2.0)
    )


LINKS = {
    "logit": SymbolicLink(
        lambda x: -_softplus(-x), lambda x: -_softplus(x), lambda x: -_softplus(-x) - _softplus(x)
    ),
    "probit": SymbolicLink(
        _log_ndtr, lambda x: _log_ndtr(-x), lambda x: -(x**2) / 2.0 - 0.5 * np.log(2.0 * np.pi)
    ),
    "cloglog": SymbolicLink(
        lambda x: _pt().log1mexp(-_pt().exp(x)), lambda x: -_pt().exp(x), lambda x: x - _pt().exp(x)
    ),
    "loglog": SymbolicLink(
        lambda x: -_pt().exp(-x), lambda x: _pt().log1mexp(-_pt().exp(-x)), lambda x: -x - _pt().exp(-x)
    ),
    "cauchit": SymbolicLink(
        lambda x: _pt().log(0.5 + _pt().arctan(x) / np.pi),
        lambda x: _pt().log(0.5 - _pt().arctan(x) / np.pi),
        lambda x: -np.log(np.pi) - _pt().log1p(x**2),
    ),
}  # fmt: skip


def _cumulative(eta: Any, link: SymbolicLink) -> Any:
    """P(Y <= k) = F(eta_k): log differences of neighbouring F, by logarithms of the nearer tail."""
    pt = _pt()
    upper, lower = eta[:, 1:], eta[:, :-1]
    right = (upper + lower) > 0
    big = pt.switch(right, link.log_sf(lower), link.log_cdf(upper))
    small = pt.switch(right, link.log_sf(upper), link.log_cdf(lower))
    middle = big + pt.log1mexp(small - big)
    return pt.concatenate([link.log_cdf(eta[:, :1]), middle, link.log_sf(eta[:, -1:])], axis=1)


def _sequential(
    stop: Callable[[SymbolicLink, Any], Any], go: Callable[[SymbolicLink, Any], Any]
) -> Callable[[Any, SymbolicLink], Any]:
    """P(Y = k) = P(stop at k) times P(go on at every step before)."""

    def log_probabilities(eta: Any, link: SymbolicLink) -> Any:
        pt = _pt()
        nothing = pt.zeros_like(eta[:, :1])
        before = pt.concatenate([nothing, pt.cumsum(go(link, eta), axis=1)], axis=1)
        return before + pt.concatenate([stop(link, eta), nothing], axis=1)

    return log_probabilities


def _multinomial(eta: Any, link: SymbolicLink) -> Any:
    del link
    pt = _pt()
    full = pt.concatenate([pt.zeros_like(eta[:, :1]), eta], axis=1)
    return full - pt.logsumexp(full, axis=1, keepdims=True)


def _adjacent(eta: Any, link: SymbolicLink) -> Any:
    return _multinomial(_pt().cumsum(eta, axis=1), link)


def _cdf(link: SymbolicLink, eta: Any) -> Any:
    return link.log_cdf(eta)


def _sf(link: SymbolicLink, eta: Any) -> Any:
    return link.log_sf(eta)


LOG_PROBABILITIES: dict[str, Callable[[Any, SymbolicLink], Any]] = {
    "cumulative": _cumulative,
    "stopping": _sequential(_cdf, _sf),
    "continuation": _sequential(_sf, _cdf),
    "adjacent": _adjacent,
    "multinomial": _multinomial,
}


def _product_of_shares(eta: Any, log_p: Any, link: SymbolicLink) -> Any:
    del eta, link
    return _pt().sum(log_p, axis=1)


def _product_of_densities(eta: Any, log_p: Any, link: SymbolicLink) -> Any:
    del log_p
    return _pt().sum(link.log_pdf(eta), axis=1)


def _product_of_steps(go: Callable[[SymbolicLink, Any], Any]) -> Callable[[Any, Any, SymbolicLink], Any]:
    def jacobian(eta: Any, log_p: Any, link: SymbolicLink) -> Any:
        pt = _pt()
        later = pt.arange(log_p.shape[1] - 1)[::-1]
        return pt.sum(link.log_pdf(eta) + later * go(link, eta), axis=1)

    return jacobian


SHARES_JACOBIAN: dict[str, Callable[[Any, Any, SymbolicLink], Any]] = {
    "cumulative": _product_of_densities,
    "stopping": _product_of_steps(_sf),
    "continuation": _product_of_steps(_cdf),
    "adjacent": _product_of_shares,
    "multinomial": _product_of_shares,
}
