"""Parameters that are made from other coordinates with a prior of their own: shrunken slopes, increments of one sign.

A block takes the place of some parameters theta_b. It maps unconstrained coordinates u to theta_b, has the prior density of u, and
pulls derivatives back. It also says in which coordinates t its draws are rotated to the design's covariance, and how curved the
prior is there: the correction of a pseudo-posterior is linear, so it is made where theta_b is nearly linear.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Block(Protocol):
    """A group of parameters with coordinates of its own."""

    @property
    def place(self) -> NDArray[np.intp]:
        """(m,) positions of its parameters in theta."""
        ...

    @property
    def size(self) -> int:
        """Number of its coordinates."""
        ...

    def parameters(self, at: Array) -> Array:
        """(..., m) parameters from (..., size) coordinates."""
        ...

    def start(self, parameters: Array) -> Array:
        """(size,) coordinates near these (m,) parameters, where a search for the mode can begin."""
        ...

    def log_density(self, at: Array) -> tuple[float, Array]:
        """Log density of the coordinates at one point, with its constants, and its derivative."""
        ...

    def pulled_back(self, at: Array, slopes: Array) -> Array:
        """(size,) derivative by the coordinates of a function with these (m,) derivatives by the parameters."""
        ...

    def drawn(self, count: int, generator: np.random.Generator) -> Array:
        """(count, size) coordinates drawn from the prior."""
        ...

    def hyper(self, at: Array) -> dict[str, Array]:
        """What the block adds to theta, by name: (s,) arrays from (s, size) coordinates."""
        ...

    def turned(self, at: Array) -> Array:
        """(s, m) coordinates in which draws are rotated."""
        ...

    def turned_back(self, turned: Array) -> Array:
        """(s, m) parameters of rotated coordinates."""
        ...

    def turned_slopes(self, centre: Array) -> Array:
        """(m, m) derivative of the parameters by the rotated coordinates."""
        ...

    def turned_precision(self, at: Array) -> Array:
        """(m, m) curvature of the prior in the rotated coordinates, at the mean of (s, size) draws."""
        ...

    def in_pymc(self, pm: Any, pt: Any) -> Any:
        """The (m,) parameters as variables of the PyMC model that is being made."""
        ...


class Straight:
    """Of a block whose draws are rotated in the parameters themselves."""

    def parameters(self, at: Array) -> Array:
        """(..., m) parameters from (..., size) coordinates: the block's own."""
        raise NotImplementedError

    def turned(self, at: Array) -> Array:
        """The parameters."""
        return self.parameters(at)

    def turned_back(self, turned: Array) -> Array:
        """The parameters."""
        return turned

    def turned_slopes(self, centre: Array) -> Array:
        """The identity."""
        return np.eye(len(centre))
