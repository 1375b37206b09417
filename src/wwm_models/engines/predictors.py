"""Predictors of a design at given parameters, and their derivatives: linear, or linear over a standard deviation.

With a scale part eta_k = (D_k theta) exp(-z zeta): the latent answer has standard deviation exp(z zeta). Its derivatives are
d eta_k / d theta = D_k exp(-z zeta) and d eta_k / d zeta = -eta_k z.

References
----------
McCullagh, P. (1980). Regression models for ordinal data. JRSS B 42, 109-142, section 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from wwm_models.records import Columns, Dense, Design, Linear

Array = NDArray[np.float64]


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
