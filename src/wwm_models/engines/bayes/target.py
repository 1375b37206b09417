"""The log posterior density in free coordinates, its mode, and coordinates in which it is nearly a standard normal.

With v the free coordinates, v_0 the mode of the density of v, H minus its second derivative there and L L' = H^-1, the sampler sees
z with v = v_0 + L z. A smooth unimodal posterior is then close to N(0, I), so few steps per draw and a short warm-up suffice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from wwm_models.engines.bayes.coordinates import Coordinates
from wwm_models.engines.bayes.priors import Prior
from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.errors import FitError
from wwm_models.numerics.newton import Expansion, maximise

Array = NDArray[np.float64]
BARRIER = 0.5  # as if half a respondent more stood between every two neighbouring cut points
STEP = 1e-5  # of central differences of the analytic gradient; the curvature is only used to choose coordinates


@dataclass(frozen=True, eq=False)
class Turned:
    """Draws in the coordinates in which they are rotated to a covariance.

    Attributes
    ----------
    plain : LogPosterior
        Without the priors of blocks.
    draws : (s, p) array
    slopes : (p, p) array
        Derivative of plain free coordinates by these, at the mean draw.
    precision : (p, p) array
        Curvature of the blocks' priors.
    parameters : function
        (s, p) parameters from (s, p) of these coordinates.
    """

    plain: LogPosterior
    draws: Array
    slopes: Array
    precision: Array
    parameters: Callable[[Array], Array]


class Target(Protocol):
    """A log posterior density in free coordinates."""

    @property
    def truncated(self) -> bool:
        """As in `LogPosterior`."""
        ...

    def turned(self, free: Array) -> Turned:
        """As in `LogPosterior`."""
        ...

    def with_barrier(self) -> Target:
        """As in `LogPosterior`."""
        ...

    def start(self, theta: Array) -> Array:
        """As in `LogPosterior`."""
        ...

    def parameters(self, free: Array) -> tuple[Array, dict[str, Array]]:
        """As in `LogPosterior`."""
        ...

    def value_and_gradient(self, free: Array) -> tuple[float, Array]:
        """As in `LogPosterior`."""
        ...

    def expansion(self, free: Array) -> Expansion:
        """As in `LogPosterior`."""
        ...


@dataclass(frozen=True, eq=False)
class LogPosterior:
    """Log of likelihood x prior x Jacobian as a function of free coordinates.

    Attributes
    ----------
    likelihood : CellLikelihood
        On the scale of the pseudo-posterior.
    prior : Prior
    coordinates : Coordinates
    barrier : float
        Weight of ``sum log(distance)`` of the prior's truncation: only to find a centre away from its border, never when drawing.
    """

    likelihood: CellLikelihood
    prior: Prior
    coordinates: Coordinates
    barrier: float = 0.0

    def turned(self, free: Array) -> Turned:
        """The coordinates in which draws are rotated: the free ones."""
        size = free.shape[1]
        return Turned(self, free, np.eye(size), np.zeros((size, size)), self.coordinates.theta)

    def with_barrier(self) -> LogPosterior:
        """The same with a log barrier that keeps a search away from the border of a truncated prior."""
        return replace(self, barrier=BARRIER)

    def start(self, theta: Array) -> Array:
        """Free coordinates of parameters."""
        return self.coordinates.free(theta)

    def parameters(self, free: Array) -> tuple[Array, dict[str, Array]]:
        """(s, p) parameters of (s, p) free coordinates, and what the prior adds to them by name."""
        return self.coordinates.theta(free), {}

    @property
    def truncated(self) -> bool:
        """Whether the coordinates reach points that the prior does not allow."""
        return len(self.prior.gaps) > 0 and self.coordinates.ordered < 2

    def value_and_gradient(self, free: Array) -> tuple[float, Array]:
        """Log density at (p,) free coordinates and its derivative; minus infinity outside the allowed region."""
        with np.errstate(all="ignore"):
            theta = self.coordinates.theta(free)
            value, gradient = self.prior.log_density(theta)
            if value == -np.inf:
                return value, gradient
            more, slope = self.likelihood.value_and_gradient(theta)
            if self.barrier > 0.0:
                distance = self.prior.gaps @ theta
                more += self.barrier * float(np.log(distance).sum())
                slope = slope + self.barrier * (self.prior.gaps.T @ (1.0 / distance))
            value = value + more + self.coordinates.log_jacobian(free)
            gradient = self.coordinates.pulled_back(free, gradient + slope)
        return (value, gradient) if isfinite(value) else (-np.inf, np.zeros_like(free))

    def value(self, free: Array) -> float:
        """Log density alone."""
        return self.value_and_gradient(free)[0]

    def expansion(self, free: Array) -> Expansion:
        """Log density, gradient, and minus the second derivative."""
        return expansion(self, free)


def expansion(target: Target, free: Array) -> Expansion:
    """Log density, gradient, and minus the second derivative by differences."""
    value, gradient = target.value_and_gradient(free)
    if value == -np.inf:
        return Expansion(value, gradient, np.zeros((len(free), len(free))))
    return Expansion(value, gradient, curvature(target, free))


def curvature(target: Target, free: Array) -> Array:
    """Minus the matrix of second derivatives, by central differences of the gradient."""
    steps = STEP * np.maximum(1.0, np.abs(free))
    rows = [
        (target.value_and_gradient(free - step)[1] - target.value_and_gradient(free + step)[1]) / (2.0 * size)
        for size, step in zip(steps, np.diag(steps), strict=True)
    ]
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2.0


@dataclass(frozen=True, eq=False)
class Whitened:
    """``free = mode + root @ z``.

    Attributes
    ----------
    mode : (p,) array
    root : (p, p) array
        Lower triangular.
    """

    mode: Array
    root: Array

    def free(self, z: Array) -> Array:
        """(..., p) free coordinates."""
        return self.mode + z @ self.root.T


def whitened(target: Target, start: Array) -> Whitened:
    """Find the mode from `start` and the Cholesky factor of the inverse curvature there.

    A truncated density may be highest at its border, where it has no curvature; a centre inside is then found with a log barrier.

    Raises
    ------
    FitError
        If the posterior has no mode: an improper prior on separated answers.
    """
    if target.truncated:
        target = target.with_barrier()
    maximum = maximise(target.expansion, start, tolerance=1e-9)
    try:
        factor = linalg.cholesky(maximum.information, lower=True)
    except (linalg.LinAlgError, ValueError):
        raise FitError(
            f"The posterior has no mode with a positive curvature (largest gradient {np.max(np.abs(maximum.gradient)):.2g} where the search "
            "stopped). Under a flat prior that happens where answers are separated. Declare a proper prior, such as the default."
        ) from None
    root = linalg.solve_triangular(factor, np.eye(len(start)), lower=True).T
    return Whitened(maximum.point, np.asarray(linalg.cholesky(root @ root.T, lower=True)))
