"""Small linear algebra on symmetric positive definite matrices, and rank with the names of what is redundant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

Array = NDArray[np.float64]


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
