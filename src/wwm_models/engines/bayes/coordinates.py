"""Coordinates in which every point is allowed: ordered cut points become a first cut point and logarithms of distances.

theta_1 = v_1, theta_k = theta_{k-1} + exp(v_k) for k = 2 .. J; the other parameters are themselves. The density of v is that of
theta times |d theta / d v| = exp(v_2 + .. + v_J).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Coordinates:
    """The map between parameters and free coordinates.

    Attributes
    ----------
    ordered : int
        How many leading parameters must increase; 0 or 1 for none.
    """

    ordered: int

    def theta(self, free: Array) -> Array:
        """(..., p) parameters from (..., p) free coordinates."""
        theta = free.copy()
        if self.ordered > 1:
            with np.errstate(over="ignore"):
                theta[..., 1 : self.ordered] = np.exp(free[..., 1 : self.ordered])
            theta[..., : self.ordered] = np.cumsum(theta[..., : self.ordered], axis=-1)
        return theta

    def free(self, theta: Array) -> Array:
        """(..., p) free coordinates from (..., p) parameters."""
        free = theta.copy()
        if self.ordered > 1:
            free[..., 1 : self.ordered] = np.log(np.diff(theta[..., : self.ordered], axis=-1))
        return free

    def log_jacobian(self, free: Array) -> float:
        """Log |d theta / d free| at one point."""
        return float(free[1 : self.ordered].sum()) if self.ordered > 1 else 0.0

    def pulled_back(self, free: Array, gradient: Array) -> Array:
        """Derivative, with respect to free coordinates, of a function of theta plus the log Jacobian.

        Parameters
        ----------
        free : (p,) array
        gradient : (p,) array
            With respect to theta.
        """
        result = gradient.copy()
        if self.ordered > 1:
            beyond = np.cumsum(gradient[: self.ordered][::-1])[::-1]
            result[0] = beyond[0]
            result[1 : self.ordered] = np.exp(free[1 : self.ordered]) * beyond[1:] + 1.0
        return result

    def jacobian(self, free: Array) -> Array:
        """(p, p) array d theta / d free at one point."""
        result = np.eye(len(free))
        if self.ordered > 1:
            step = np.concatenate([[1.0], np.exp(free[1 : self.ordered])])
            result[: self.ordered, : self.ordered] = np.tril(np.ones((self.ordered, self.ordered))) * step
        return result
