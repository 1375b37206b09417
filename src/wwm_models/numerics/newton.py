"""Newton's method with step halving for the maximum of a smooth log-likelihood, and the linear algebra it rests on.

The algebra is of symmetric positive definite matrices, and rank with the names of what is redundant (`redundant_columns`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from wwm_models.numerics.arrays import Array


def inverse_or_none(matrix: Array) -> Array | None:
    """Give the inverse of a symmetric positive definite matrix, or None where it is not one.

    Parameters
    ----------
    matrix : (p, p) array

    Returns
    -------
    (p, p) array or None
    """
    factor, scale = _factor(matrix)
    if factor is None:
        return None
    lower, _ = lapack.dpotri(factor, lower=True)
    inverse = np.tril(lower) / scale / scale[:, None]
    return inverse + np.tril(inverse, -1).T


def solution_or_none(matrix: Array, right: Array) -> Array | None:
    """Solve ``matrix @ x = right`` for a symmetric positive definite matrix; None where it is not one.

    Parameters
    ----------
    matrix : (p, p) array
    right : (p,) array

    Returns
    -------
    (p,) array or None
    """
    factor, scale = _factor(matrix)
    if factor is None:
        return None
    solution, _ = lapack.dpotrs(factor, right / scale, lower=True)
    return np.asarray(solution) / scale


def _factor(matrix: Array) -> tuple[Array | None, Array]:
    """The lower Cholesky factor of a matrix after scaling its diagonal to one, if it has one, and the scale."""
    diagonal = np.diag(matrix)
    scale = np.sqrt(np.abs(diagonal))
    if not np.isfinite(matrix).all() or (diagonal <= 0).any():
        return None, scale
    factor, failed = lapack.dpotrf(matrix / scale / scale[:, None], lower=True)
    return (None if failed else factor), scale


def condition_number(matrix: Array) -> float:
    """Ratio of the extreme eigenvalues of a symmetric matrix after scaling its diagonal to one; inf if not positive."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    if not np.all(np.isfinite(matrix)) or np.any(scale == 0):
        return float("inf")
    values = np.linalg.eigvalsh(matrix / scale / scale[:, None])
    return float(values[-1] / values[0]) if values[0] > 0 else float("inf")


def redundant_columns(matrix: Array, tolerance: float = 1e-9) -> list[int]:
    """Positions of the columns that depend linearly on columns to their left.

    Parameters
    ----------
    matrix : (n, q) array
    tolerance : float
        Share of a column's own length that must remain after projection on the columns before it.

    Returns
    -------
    list of int
        Empty when the matrix has full column rank.
    """
    if _clearly_independent(matrix.T @ matrix):
        return []
    lengths = np.linalg.norm(matrix, axis=0)
    return _greedy_redundant(matrix / np.where(lengths > 0, lengths, 1.0), tolerance)


def _clearly_independent(products: Array) -> bool:
    """Whether every column keeps a thousandth of its length after projection on those before it, by Cholesky's pivots."""
    factor, _ = _factor(products)
    return factor is not None and float(np.diag(factor).min(initial=1.0)) > 1e-3


def _greedy_redundant(scaled: Array, tolerance: float) -> list[int]:
    """Modified Gram-Schmidt, twice per column, left to right."""
    basis: list[Array] = []
    redundant: list[int] = []
    for j in range(scaled.shape[1]):
        rest = scaled[:, j].copy()
        for _ in range(2):
            for direction in basis:
                rest -= direction * (direction @ rest)
        length = float(np.linalg.norm(rest))
        if length <= tolerance:
            redundant.append(j)
        else:
            basis.append(rest / length)
    return redundant


@dataclass(frozen=True)
class Expansion:
    """A function to second order at a point.

    Attributes
    ----------
    value : float
        Minus infinity outside the domain; the other parts then mean nothing.
    gradient : (p,) array
    information : (p, p) array
        Minus the Hessian.
    """

    value: float
    gradient: Array
    information: Array


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
    inverse : (p, p) array or None
        Of the information, where it has one.
    """

    point: Array
    value: float
    gradient: Array
    information: Array
    iterations: int
    converged: bool
    inverse: Array | None


def maximise(
    expand: Callable[[Array], Expansion], start: Array, *, tolerance: float = 1e-14, iterations: int = 100
) -> Maximum:
    """Give the maximum reached from `start`.

    Parameters
    ----------
    expand : function of a (p,) array
        The log-likelihood to second order.
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
    point, here = start, expand(start)
    for step_number in range(iterations):
        step = _ascent_direction(here.gradient, here.information)
        decrement = float(here.gradient @ step)
        if decrement <= tolerance * (1.0 + abs(here.value)):
            last = expand(point + step)  # a tiny step in full: the error left is the square of one below the tolerance
            return _stopped(point + step, last, step_number, still=True)
        candidate, reached = _halve_until_better(expand, point, step, here, decrement)
        if reached.value <= here.value and decrement > 1e-9 * (1.0 + abs(here.value)):
            return _stopped(point, here, step_number, still=False)
        point, here = candidate, reached
    return _stopped(point, here, iterations, still=False)


def _stopped(point: Array, here: Expansion, iterations: int, *, still: bool) -> Maximum:
    inverse = inverse_or_none(here.information)
    converged = still and inverse is not None
    return Maximum(point, here.value, here.gradient, here.information, iterations, converged, inverse)


def _ascent_direction(gradient: Array, information: Array) -> Array:
    """Solve for Newton's step; add a ridge until the matrix is positive definite, so that the step goes uphill."""
    step = solution_or_none(information, gradient)
    if step is not None:
        return step
    size = float(np.max(np.abs(np.diag(information)), initial=1e-300))
    for power in range(-8, 31):
        step = solution_or_none(information + 10.0**power * size * np.eye(len(gradient)), gradient)
        if step is not None:
            return step
    return gradient / size


def _halve_until_better(
    expand: Callable[[Array], Expansion], point: Array, step: Array, here: Expansion, decrement: float
) -> tuple[Array, Expansion]:
    """Shorten the step until the value rises by a thousandth of what the gradient promises (Armijo)."""
    length = 1.0
    for _ in range(50):
        candidate = point + length * step
        reached = expand(candidate)
        enough = here.value + 1e-3 * length * decrement - 1e-13 * (1.0 + abs(here.value))
        if np.isfinite(reached.value) and reached.value >= enough:
            return candidate, reached
        length /= 2.0
    return point, here
