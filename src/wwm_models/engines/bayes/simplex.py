"""Shares that sum to one, from numbers that are free: zeta = softmax(y, -sum y), with |d zeta / d y| = m prod zeta (as in PyMC)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Array = NDArray[np.float64]


def log_shares(numbers: Array) -> Array:
    """(..., m) logarithms of shares from (..., m - 1) numbers.

    Examples
    --------
    >>> np.exp(log_shares(np.zeros(2))).round(3).tolist()
    [0.333, 0.333, 0.333]
    """
    logits = np.concatenate([numbers, -numbers.sum(axis=-1, keepdims=True)], axis=-1)
    highest = logits.max(axis=-1, keepdims=True)
    return logits - highest - np.log(np.exp(logits - highest).sum(axis=-1, keepdims=True))


def numbers_of(logarithms: Array) -> Array:
    """(..., m - 1) numbers of (..., m) logarithms of shares, up to a constant."""
    return (logarithms - logarithms.mean(axis=-1, keepdims=True))[..., :-1]


def by_numbers(slopes: Array) -> Array:
    """(..., m - 1) derivative by the numbers from the (..., m) derivative by the logits."""
    return slopes[..., :-1] - slopes[..., -1:]


def log_dirichlet(logarithms: Array, concentration: float) -> tuple[float, Array]:
    """Log density of the numbers whose shares are Dirichlet(concentration, ..), and its derivative by them, at one point."""
    size = len(logarithms)
    value = concentration * float(logarithms.sum()) + float(np.log(size))
    value += float(gammaln(size * concentration) - size * gammaln(concentration))
    return value, by_numbers(concentration * (1.0 - size * np.exp(logarithms)))
