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
import pandas as pd
from numpy.typing import NDArray

from wwm_models.records import Design

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predictors:
    """The map from parameters to the J predictors of each row.

    Attributes
    ----------
    array : (rows, J, p) array
    scale : (rows, q) array or None
    """

    array: Array
    scale: Array | None = None

    def eta(self, theta: Array) -> Array:
        """(rows, J) array."""
        if self.scale is None:
            rows, steps, size = self.array.shape
            return (self.array.reshape(-1, size) @ theta).reshape(rows, steps)
        linear, zeta = np.split(theta, [self.array.shape[2]])
        return (self.array @ linear) * np.exp(-self.scale @ zeta)[:, None]

    def eta_of_draws(self, draws: Array) -> Array:
        """(s * rows, J) predictors under every one of (s, p + q) draws, rows varying fastest."""
        rows, steps, size = self.array.shape
        eta = (draws[:, :size] @ self.array.reshape(-1, size).T).reshape(len(draws), rows, steps)
        if self.scale is not None:
            eta = eta * np.exp(-draws[:, size:] @ self.scale.T)[:, :, None]
        return eta.reshape(-1, steps)

    def jacobian(self, theta: Array) -> Array:
        """(rows, J, p + q) array of derivatives of eta."""
        if self.scale is None:
            return self.array
        zeta = theta[self.array.shape[2] :]
        shrunk = self.array * np.exp(-self.scale @ zeta)[:, None, None]
        return np.concatenate([shrunk, -self.eta(theta)[:, :, None] * self.scale[:, None, :]], axis=2)

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
        p = self.array.shape[2]
        eta = self.eta(theta)
        shrunk = self.array * np.exp(-self.scale @ theta[p:])[:, None, None]
        cross = -np.einsum("rk,rkp,rq->pq", slopes, shrunk, self.scale, optimize=True)
        result[:p, p:], result[p:, :p] = cross, cross.T
        result[p:, p:] = (self.scale * (slopes * eta).sum(axis=1)[:, None]).T @ self.scale
        return result


def predictors_of(design: Design, frame: pd.DataFrame | None = None) -> Predictors:
    """The predictors on the design's own patterns, or on other rows."""
    if frame is None:
        return Predictors(design.array, design.scale)
    return Predictors(design.build(frame), None if design.build_scale is None else design.build_scale(frame))
