"""Newton's method with step halving for the maximum of a smooth log-likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.numerics.linear import inverse_or_none

Array = NDArray[np.float64]
Objective = Callable[[Array], float]
Derivatives = Callable[[Array], tuple[Array, Array]]


@dataclass(frozen=True)
class Maximum:
    """Where Newton's method stopped.

    Attributes
    ----------
    point : (p,) array
    value : float
    gradient : (p,) array
    information : (p, p) array
        Minus the Hessian at `point`.
    iterations : int
    converged : bool
        Newton decrement below tolerance at a positive definite information.
    """

    point: Array
    value: float
    gradient: Array
    information: Array
    iterations: int
    converged: bool


def maximise(
    value: Objective, derivatives: Derivatives, start: Array, *, tolerance: float = 1e-14, iterations: int = 100
) -> Maximum:
    """Give the maximum of `value` reached from `start`.

    Parameters
    ----------
    value : function of a (p,) array
        Log-likelihood; minus infinity outside its domain.
    derivatives : function of a (p,) array
        Gradient (p,) and information (p, p), that is minus the Hessian.
    start : (p,) array
        A point with a finite value.
    tolerance : float
        On the Newton decrement ``g' I^-1 g`` relative to ``1 + |value|``; one more full step
        follows, so that the estimate holds nearly every digit of double precision.
    iterations : int

    Returns
    -------
    Maximum
    """
    point, best = start, value(start)
    gradient, information = derivatives(point)
    for step_number in range(iterations):
        step = _ascent_direction(gradient, information)
        decrement = float(gradient @ step)
        if decrement <= tolerance * (1.0 + abs(best)):
            return _polished(value, derivatives, point + step, step_number)
        point, reached = _halve_until_better(value, point, step, best, decrement)
        if reached <= best and decrement > 1e-9 * (1.0 + abs(best)):
            return Maximum(point, best, gradient, information, step_number, converged=False)
        best = reached
        gradient, information = derivatives(point)
    return Maximum(point, best, gradient, information, iterations, converged=False)


def _polished(value: Objective, derivatives: Derivatives, point: Array, iterations: int) -> Maximum:
    """Take the last, tiny step in full: the error left is the square of an error below the tolerance."""
    gradient, information = derivatives(point)
    return Maximum(point, value(point), gradient, information, iterations, inverse_or_none(information) is not None)


def _ascent_direction(gradient: Array, information: Array) -> Array:
    """Solve for Newton's step; add a ridge until the matrix is positive definite, so that the step goes uphill."""
    ridge = 0.0
    size = float(np.max(np.abs(np.diag(information)), initial=1e-300))
    for _ in range(40):
        inverse = inverse_or_none(information + ridge * np.eye(len(gradient)))
        if inverse is not None:
            return inverse @ gradient
        ridge = max(10.0 * ridge, 1e-8 * size)
    return gradient / size


def _halve_until_better(
    value: Objective, point: Array, step: Array, best: float, decrement: float
) -> tuple[Array, float]:
    """Shorten the step until the value rises by a thousandth of what the gradient promises (Armijo)."""
    length = 1.0
    for _ in range(50):
        candidate = point + length * step
        reached = value(candidate)
        if np.isfinite(reached) and reached >= best + 1e-3 * length * decrement - 1e-13 * (1.0 + abs(best)):
            return candidate, reached
        length /= 2.0
    return point, best
