"""Small linear algebra on symmetric positive definite matrices, and rank with the names of what is redundant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

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
    scale = np.sqrt(np.abs(np.diag(matrix)))
    if not np.all(np.isfinite(matrix)) or np.any(scale == 0):
        return None
    try:
        factor = linalg.cho_factor(matrix / np.outer(scale, scale), check_finite=False)
    except linalg.LinAlgError:
        return None
    inverse = linalg.cho_solve(factor, np.eye(len(matrix)), check_finite=False) / np.outer(scale, scale)
    return (inverse + inverse.T) / 2.0


def condition_number(matrix: Array) -> float:
    """Ratio of the extreme eigenvalues of a symmetric matrix after scaling its diagonal to one; inf if not positive."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    if not np.all(np.isfinite(matrix)) or np.any(scale == 0):
        return float("inf")
    values = np.linalg.eigvalsh(matrix / np.outer(scale, scale))
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
    lengths = np.linalg.norm(matrix, axis=0)
    scaled = matrix / np.where(lengths > 0, lengths, 1.0)
    if np.all(lengths > 0) and _clearly_independent(scaled):
        return []
    return _greedy_redundant(scaled, tolerance)


def _clearly_independent(scaled: Array) -> bool:
    """Whether every column keeps a thousandth of its length after projection on those before it, by Cholesky's pivots."""
    try:
        factor = np.linalg.cholesky(scaled.T @ scaled)
    except np.linalg.LinAlgError:
        return False
    return float(np.diag(factor).min(initial=1.0)) > 1e-3


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
