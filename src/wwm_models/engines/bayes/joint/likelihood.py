"""Marginal likelihood of several ordered items with one effect per person, integrated out by Gauss-Hermite quadrature.

Item j of person i, with centred predictors x_i:

    P(Y_ij <= k | u_i) = F(cut_jk - x_i b_j - loading_j u_i),   u_i ~ N(0, 1),   F logistic,

    log L = sum_i w_i log integral prod_j p(y_ij | u) phi(u) du.

The nodes of a person are placed once, at the mode and curvature of his integrand under pilot estimates, and stay there, so that
log L is one smooth function with exact derivatives. Items a person did not answer drop out of the product.

With t = exp(x b + loading u), a = exp(-upper cut), b = exp(-lower cut), A = 1 / (1 + a t) and B = 1 / (1 + b t), an answer has
probability (b - a) t A B. Nothing is subtracted, one exponential is needed per item and node, and

    d log p / d log t = m - (1 - A) - (1 - B),   d log p / d upper = a / (b - a) + 1 - A,   d log p / d lower = -b / (b - a) + 1 - B

with m = 1. The highest answer has a = 0. The lowest has probability A, which is b = 0 and m = 0 without the factor b - a; an absent
answer has a = b = 0 and m = 0, so probability one.

References
----------
Naylor, J. C. and Smith, A. F. M. (1982). Applications of a method for the efficient computation of posterior distributions.
Applied Statistics 31, 214-225.
Rabe-Hesketh, S., Skrondal, A. and Pickles, A. (2005). Maximum likelihood estimation of limited and discrete dependent variable
models with nested random effects. Journal of Econometrics 128, 301-323. doi:10.1016/j.jeconom.2004.08.017
Samejima, F. (1969). Estimation of latent ability using a response pattern of graded scores. Psychometrika monograph 17.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_hermite

from wwm_models.records.joint import ItemParameters, ItemRows

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
FEW, MANY, SEVERAL = (
    5,
    7,
    5,
)  # nodes with at least, and with fewer than, five items: errors vary by less than 0.05 between draws


@dataclass(frozen=True, eq=False)
class Nodes:
    """Quadrature nodes of every row: values of the person effect and the logarithms of their weights, both (Q, R)."""

    values: Array
    log_weights: Array


class MarginalLikelihood:
    """The log-likelihood of the items' parameters and its gradient.

    Parameters
    ----------
    rows : ItemRows
    nodes : Nodes
    """

    def __init__(self, rows: ItemRows, nodes: Nodes) -> None:
        self.rows, self.nodes = rows, nodes
        self._predictors = rows.predictors
        self._upper, self._lower = bounds_of(rows)
        self._power = (self._lower < len(rows.cut_item)).astype(np.float64)
        self._widths = _Widths(rows, self._upper, self._lower)

    def by_row(self, parameters: ItemParameters) -> Array:
        """(R,) logarithm of each row's integral, not weighted."""
        integral, _, _, _ = self._integrals(parameters)
        return integral + self._widths.by_row(parameters.cuts)

    def value(self, parameters: ItemParameters) -> float:
        """Weighted log-likelihood."""
        return float(self.rows.weights @ self.by_row(parameters))

    def value_and_gradient(self, parameters: ItemParameters) -> tuple[float, ItemParameters]:
        """Weighted log-likelihood, and its derivatives in the shape of the parameters."""
        weight, lead = self.rows.weights, self._power - 2.0
        integral, share, upper_tail, lower_tail = self._integrals(parameters)
        share *= weight
        upper_tail *= share[:, None, :]
        lower_tail *= share[:, None, :]
        below, above = upper_tail.sum(axis=0), lower_tail.sum(axis=0)
        upper_tail += lower_tail
        person = (share * self.nodes.values).sum(axis=0)
        on_loadings = np.einsum("qjr,qr->j", upper_tail, self.nodes.values) + lead @ person
        on_slopes = (below + above + lead * weight) @ self._predictors
        width, on_cuts = self._widths.value_and_gradient(parameters.cuts)
        size = len(on_cuts) + 1
        on_cuts = on_cuts + np.bincount(self._upper.ravel(), (weight - below).ravel(), minlength=size)[:-1]
        on_cuts += np.bincount(self._lower.ravel(), (weight - above).ravel(), minlength=size)[:-1]
        return float(weight @ integral) + width, ItemParameters(on_cuts, on_slopes, on_loadings)

    def _integrals(self, parameters: ItemParameters) -> tuple[Array, Array, Array, Array]:
        """Each row's log integral without the factors b - a, posterior shares of the nodes (Q, R), and A and B (Q, J, R)."""
        factor = np.append(np.exp(-parameters.cuts), 0.0)
        linear = parameters.slopes @ self._predictors.T
        odds = parameters.loadings[:, None] * self.nodes.values[:, None, :]
        odds += linear
        np.exp(odds, out=odds)
        upper_tail = _inverse_one_plus(factor[self._upper], odds)
        lower_tail = _inverse_one_plus(factor[self._lower], odds)
        np.multiply(upper_tail, lower_tail, out=odds)
        joint = np.log(odds.prod(axis=1))
        joint += (parameters.loadings @ self._power) * self.nodes.values
        joint += self.nodes.log_weights
        highest = joint.max(axis=0)
        joint -= highest
        np.exp(joint, out=joint)
        total = joint.sum(axis=0)
        joint /= total
        integral = highest + np.log(total) + (self._power * linear).sum(axis=0)
        return integral, joint, upper_tail, lower_tail


def _inverse_one_plus(factor: Array, odds: Array) -> Array:
    result = factor * odds
    result += 1.0
    return np.divide(1.0, result, out=result)


def bounds_of(rows: ItemRows) -> tuple[Codes, Codes]:
    """Cut points above and below each answer, both (J, R); where there is none, the number of cut points."""
    none = len(rows.cut_item)
    first = np.searchsorted(rows.cut_item, np.arange(len(rows.items)))[:, None]
    steps = np.bincount(rows.cut_item)[:, None]
    upper = np.where((rows.answers >= 0) & (rows.answers < steps), first + rows.answers, none)
    lower = np.where(rows.answers > 0, first + rows.answers - 1, none)
    return upper, lower


class _Widths:
    """The factors b - a of the answers: log(exp(-lower) - exp(-upper)), or -lower for the highest answer."""

    def __init__(self, rows: ItemRows, upper: Codes, lower: Codes) -> None:
        none = len(rows.cut_item)
        self._upper, self._lower, self._none = upper, lower, none
        highest = rows.cut_item != np.append(rows.cut_item[1:], -1)
        middle = np.flatnonzero(~highest)  # the lower cut of each answer that has one on both sides
        weight = np.broadcast_to(rows.weights, lower.shape)
        total = np.bincount(lower.ravel(), weight.ravel(), minlength=none + 1)[:-1].astype(np.float64)
        self._middle, self._middle_weight, self._below_weight = middle, total[middle], total

    def by_row(self, cuts: Array) -> Array:
        """(R,) sum over the items."""
        log_width = np.append(-cuts, 0.0)  # by lower cut
        log_width[self._middle] += np.log(-np.expm1(cuts[self._middle] - cuts[self._middle + 1]))
        return log_width[self._lower].sum(axis=0)

    def value_and_gradient(self, cuts: Array) -> tuple[float, Array]:
        """Weighted sum over rows, and its derivatives with respect to the cuts."""
        gap = cuts[self._middle + 1] - cuts[self._middle]
        value = float(self._middle_weight @ np.log(-np.expm1(-gap)) - self._below_weight @ cuts)
        slope = self._middle_weight / np.expm1(gap)
        gradient = -self._below_weight
        gradient[self._middle] -= slope
        gradient[self._middle + 1] += slope
        return value, gradient


def pilot_nodes(rows: ItemRows, parameters: ItemParameters, count: int | None = None) -> Nodes:
    """Gauss-Hermite nodes at the mode and curvature of every row's integrand under pilot parameters.

    Parameters
    ----------
    rows : ItemRows
    parameters : ItemParameters
    count : int, optional
        Q; fewer where many items say more of a person.

    Returns
    -------
    Nodes
    """
    upper, lower = bounds_of(rows)
    factor = np.append(np.exp(-parameters.cuts), 0.0)
    power = (lower < len(rows.cut_item)).astype(np.float64)
    linear = parameters.slopes @ rows.predictors.T
    loading = parameters.loadings[:, None]
    mode, precision = np.zeros(len(rows.weights)), np.ones(len(rows.weights))
    for _ in range(25):  # Newton on a log-concave integrand; steps fall below 1e-8 within ten
        odds = np.exp(linear + loading * mode)
        above, below = 1.0 / (1.0 + factor[upper] * odds), 1.0 / (1.0 + factor[lower] * odds)
        gradient = (loading * (power - 2.0 + above + below)).sum(axis=0) - mode
        precision = 1.0 + (loading**2 * (above * (1.0 - above) + below * (1.0 - below))).sum(axis=0)
        mode = mode + np.clip(gradient / precision, -2.0, 2.0)
    enough = FEW if len(rows.items) >= SEVERAL else MANY
    points, weights = roots_hermite(enough if count is None else count)
    scale = np.sqrt(2.0 / precision)
    values = mode + scale * points[:, None]
    log_prior = -0.5 * values**2 - 0.5 * np.log(2.0 * np.pi)
    return Nodes(values, np.log(weights)[:, None] + points[:, None] ** 2 + np.log(scale) + log_prior)
