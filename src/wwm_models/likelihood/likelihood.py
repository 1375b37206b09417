"""The log-likelihood of cell counts and its derivatives with respect to the parameters of a design, plain or penalised.

Only answers that were given (`Observed`): with many patterns most cells are empty; 1,530 respondents in 956 patterns fill a third of the 956 x 7
cells. Where the probability of an answer depends on the two cut points around it and on no other, the empty cells need not be computed. The value is
that of `CellLikelihood.value_and_gradient` on the whole table.

`Predictors` are linear, or linear over a standard deviation. With a scale part eta_k = (D_k theta) exp(-z zeta): the latent answer has standard
deviation exp(z zeta). Its derivatives are d eta_k / d theta = D_k exp(-z zeta) and d eta_k / d zeta = -eta_k z (McCullagh 1980).

`JeffreysLikelihood`: finite estimates where answers are separated, with less bias in small cells. It is l(theta) + log det E(theta) / 2 with E the
expected information; it tends to minus infinity as fitted probabilities tend to 0 or 1, so its maximum is finite (Kosmidis and Firth 2021). It equals
Firth's bias reduction in models with a canonical link.

References
----------
Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika 80, 27-38. doi:10.1093/biomet/80.1.27
Kosmidis, I. and Firth, D. (2021). Jeffreys-prior penalty, finiteness and shrinkage in binomial-response generalized linear
models. Biometrika 108, 71-82. doi:10.1093/biomet/asaa052
McCullagh, P. (1980). Regression models for ordinal data. JRSS B 42, 109-142, section 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
from scipy.linalg import block_diag

from wwm_models.models.cells import Cells
from wwm_models.models.design import Design
from wwm_models.models.family import Family
from wwm_models.models.linear_map import Columns, Dense, Linear
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.links import Link
from wwm_models.numerics.newton import Expansion

SMALL = (
    5000  # predictors: up to here it is the number of steps of the computation that counts, and filled cells take fewer
)


@dataclass(frozen=True, eq=False)
class Observed:
    """``sum over filled cells of counts log p``; first those of the first answer, then those between, then those of the last.

    Attributes
    ----------
    family, link : the response model
    map : (m, p) array
        From parameters to the predictors above all cells but the last answer's, then to those below all but the first answer's.
    counts : (n,) array
        Of the filled cells.
    first, last : int
        How many cells are of the first answer, and of the last.
    """

    family: Family
    link: Link
    map: Array
    counts: Array
    first: int
    last: int

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log-likelihood, not finite where a given answer has no probability, and its gradient (p,)."""
        assert self.family.cells is not None
        eta = self.map @ theta
        above = len(self.counts) - self.last
        log_p, up, down = self.family.cells(eta[:above], eta[above:], self.first, self.link)
        up *= self.counts[:above]
        down *= -self.counts[self.first :]
        return float(self.counts @ log_p), np.concatenate([up, down]) @ self.map


def observed_of(family: Family, link: Link, linear: Linear, counts: Array) -> Observed | None:
    """The filled cells of a table, where they are the smaller computation; None where not, or where the family does not allow it.

    Parameters
    ----------
    family, link : the response model
    linear : Linear
        From parameters to the J predictors of P patterns.
    counts : (P, J + 1) array
        Not negative.
    """
    patterns, steps, _ = linear.shape
    if family.cells is None:
        return None
    answers, rows = np.nonzero(counts.T)
    first, last = int((answers == 0).sum()), int((answers == steps).sum())
    if 2 * len(rows) - first - last > max(patterns * steps, SMALL):
        return None
    above, below = slice(0, len(rows) - last), slice(first, None)
    array = linear.array
    both = np.concatenate([array[rows[above], answers[above]], array[rows[below], answers[below] - 1]])
    return Observed(family, link, both, counts[rows, answers], first, last)


@dataclass(frozen=True, eq=False)
class Predictors:
    """The map from parameters to the J predictors of each row.

    Attributes
    ----------
    linear : Linear
    scale : (rows, q) array or None
    """

    linear: Linear
    scale: Array | None = None

    def eta(self, theta: Array) -> Array:
        """(rows, J) array."""
        if self.scale is None:
            return self.linear.eta(theta)
        linear, zeta = np.split(theta, [self.linear.shape[2]])
        return self.linear.eta(linear) * np.exp(-self.scale @ zeta)[:, None]

    def eta_of_draws(self, draws: Array) -> Array:
        """(s * rows, J) predictors under every one of (s, p + q) draws, rows varying fastest."""
        size = self.linear.shape[2]
        eta = self.linear.etas(draws[:, :size])
        if self.scale is not None:
            eta = eta * np.exp(-draws[:, size:] @ self.scale.T)[:, :, None]
        return eta.reshape(-1, eta.shape[2])

    def jacobian(self, theta: Array) -> Linear:
        """Derivatives of eta as a map of (p + q,) parameters."""
        if self.scale is None:
            return self.linear
        shrunk = self.linear.array * self._shrinkage(theta)[:, None, None]
        return Dense(np.concatenate([shrunk, -self.eta(theta)[:, :, None] * self.scale[:, None, :]], axis=2))

    def second_order(self, theta: Array, slopes: Array) -> Array:
        """Sum over rows and k of slopes_k times the Hessian of eta_k: (p + q, p + q), zero without a scale part.

        Parameters
        ----------
        theta : (p + q,) array
        slopes : (rows, J) array
            Derivatives of the log-likelihood with respect to eta.
        """
        size = len(theta)
        result = np.zeros((size, size))
        if self.scale is None:
            return result
        p = self.linear.shape[2]
        shrunk = self.linear.array * self._shrinkage(theta)[:, None, None]
        cross = -np.einsum("rk,rkp,rq->pq", slopes, shrunk, self.scale, optimize=True)
        result[:p, p:], result[p:, :p] = cross, cross.T
        result[p:, p:] = (self.scale * (slopes * self.eta(theta)).sum(axis=1)[:, None]).T @ self.scale
        return result

    def standardised(self, weights: Array) -> tuple[Predictors, Array]:
        """The same predictors in parameters u with theta = T @ u, in which no column is large, small or far from zero, and T.

        Parameters
        ----------
        weights : (rows,) array
            Of the rows, to which means and lengths refer.
        """
        transform = self.linear.standardising(weights)
        linear = self.linear.changed(transform)
        if self.scale is None:
            return Predictors(linear), transform
        length = np.sqrt(weights @ self.scale**2 / max(float(weights.sum()), 1e-300))
        shrink = 1.0 / np.where(length > 0, length, 1.0)
        return Predictors(linear, self.scale * shrink), np.asarray(block_diag(transform, np.diag(shrink)))

    def _shrinkage(self, theta: Array) -> Array:
        assert self.scale is not None
        return np.exp(-self.scale @ theta[self.linear.shape[2] :])


def predictors_of(design: Design, columns: Columns | None = None) -> Predictors:
    """The predictors on the design's own patterns, or on other rows."""
    if columns is None:
        return Predictors(design.linear, design.scale)
    return Predictors(design.build(columns), None if design.build_scale is None else design.build_scale(columns))


@dataclass(frozen=True, eq=False)
class CellLikelihood:
    """``sum over patterns r and answers k of counts[r, k] log p_k(eta_r(theta))``.

    Attributes
    ----------
    family, link : the response model
    predictors : Predictors
    counts : (P, J + 1) array
        Weights of the answers in the order the family reads them.
    """

    family: Family
    link: Link
    predictors: Predictors
    counts: Array

    @property
    def batches(self) -> bool:
        """Whether many sets of counts can be maximised at once (`likelihood.maximum`): no scale part, no penalty."""
        return self.predictors.scale is None

    def log_probabilities(self, theta: Array) -> Array:
        """(P, J + 1) array of log p_k."""
        return self.family.log_probabilities(self.predictors.eta(theta), self.link)

    def value(self, theta: Array) -> float:
        """Log-likelihood; minus infinity where a probability of an observed cell is zero or cut points cross."""
        return self._total(self.log_probabilities(theta))

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log-likelihood and its gradient (p,), for methods that need no second derivative."""
        if self._observed is not None:
            value, gradient = self._observed.value_and_gradient(theta)
            if isfinite(value):
                return value, gradient
        log_p, slopes = self.family.with_slopes(self.predictors.eta(theta), self.link, self.counts)
        return self._total(log_p), self.predictors.jacobian(theta).transpose_apply(slopes[None, :, None, :])[0, 0]

    def cell_scores(self, theta: Array) -> Array:
        """(P, J + 1, p) array: derivative of log p_k with respect to theta, by pattern and answer."""
        eta = self.predictors.eta(theta)
        log_p = self.family.log_probabilities(eta, self.link)
        return self.predictors.jacobian(theta).row_products(self.family.scores(eta, self.link, log_p))

    def expansion(self, theta: Array) -> Expansion:
        """Value, gradient (p,) and information (p, p), minus the Hessian; a value of minus infinity comes without the others."""
        log_p, slopes, hessians = self.family.expansion(self.predictors.eta(theta), self.link, self.counts)
        value = self._total(log_p)
        if value == -np.inf:
            return Expansion(value, np.zeros(len(theta)), np.zeros((len(theta), len(theta))))
        jacobian = self.predictors.jacobian(theta)
        information = jacobian.weighted_gram(hessians) - self.predictors.second_order(theta, slopes)
        return Expansion(value, jacobian.transpose_apply(slopes[None, :, None, :])[0, 0], information)

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Gradient (p,) and information (p, p)."""
        found = self.expansion(theta)
        return found.gradient, found.information

    @cached_property
    def _observed(self) -> Observed | None:
        return observed_of(self.family, self.link, self.predictors.linear, self.counts) if self.batches else None

    def _total(self, log_p: Array) -> float:
        total = float(np.vdot(self.counts.T, log_p.T))  # in the order in which they lie
        if not np.isfinite(total):  # zero times minus infinity is nothing
            total = float(np.sum(self.counts * np.where(self.counts > 0, log_p, 0.0)))
        return total if np.isfinite(total) else -np.inf


def cell_likelihood(family: Family, link: Link, cells: Cells, design: Design) -> CellLikelihood:
    """Put the counts of the cells in the order in which the design's family reads the answers."""
    return CellLikelihood(family, link, predictors_of(design), np.asfortranarray(cells.weights[:, design.order]))


STEP = 1e-5  # of the central difference of log det E, in coordinates where the columns of the design have length one; its error is of order 1e-10


@dataclass(frozen=True, eq=False)
class JeffreysLikelihood(CellLikelihood):
    """The likelihood of cells with Jeffreys' penalty."""

    @property
    def batches(self) -> bool:
        """Never: the penalty has no batched form."""
        return False

    def value(self, theta: Array) -> float:
        """Penalised log-likelihood; minus infinity where it is not defined."""
        likelihood = super().value(theta)
        return likelihood + self.penalty(theta) if np.isfinite(likelihood) else -np.inf

    def penalty(self, theta: Array) -> float:
        """Half the log determinant of the expected information; minus infinity where it is singular."""
        sign, log_determinant = np.linalg.slogdet(self.expected_information(theta))
        return 0.5 * float(log_determinant) if sign > 0 else -np.inf

    def expected_information(self, theta: Array) -> Array:
        """Sum over patterns of n J' (sum_k p_k s_k s_k') J, with s the scores with respect to eta."""
        eta = self.predictors.eta(theta)
        log_p = self.family.log_probabilities(eta, self.link)
        scores = self.family.scores(eta, self.link, log_p)
        weight = self.counts.sum(axis=1)[:, None] * np.exp(log_p)
        inner = np.einsum("rk,rki,rkj->rij", weight, scores, scores, optimize=True)
        return self.predictors.jacobian(theta).weighted_gram(inner)

    def expansion(self, theta: Array) -> Expansion:
        """Penalised value and gradient, with the information of the likelihood alone."""
        plain = super().expansion(theta)
        if not np.isfinite(plain.value):
            return plain
        shifts = STEP * np.eye(len(theta))
        slope = [(self.penalty(theta + shift) - self.penalty(theta - shift)) / (2.0 * STEP) for shift in shifts]
        return Expansion(plain.value + self.penalty(theta), plain.gradient + np.array(slope), plain.information)
