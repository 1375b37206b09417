"""Structures of cut points: flexible, equidistant, symmetric, each a linear basis.

References
----------
Christensen, R. H. B. (2022). ordinal: Regression Models for Ordinal Data, section on structured thresholds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def threshold_basis(structure: str, cut_names: list[str]) -> tuple[Array, list[str]]:
    """Give the basis B with ``cuts = B @ parameters`` and the names of the parameters.

    Parameters
    ----------
    structure : {"flexible", "equidistant", "symmetric"}
    cut_names : list of str, J long

    Returns
    -------
    (J, q) array
    list of str, q long

    Examples
    --------
    >>> threshold_basis("equidistant", ["a|b", "b|c", "c|d"])[0].tolist()
    [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]
    """
    return _STRUCTURES[structure](cut_names)


def _flexible(cut_names: list[str]) -> tuple[Array, list[str]]:
    return np.eye(len(cut_names)), cut_names


def _equidistant(cut_names: list[str]) -> tuple[Array, list[str]]:
    steps = np.arange(len(cut_names), dtype=np.float64)
    return np.column_stack([np.ones_like(steps), steps])[:, : len(cut_names)], [cut_names[0], "spacing"][
        : len(cut_names)
    ]


def _symmetric(cut_names: list[str]) -> tuple[Array, list[str]]:
    """Distances from the middle are the same on both sides; an even number of cuts has two middle ones."""
    count = len(cut_names)
    half, middles = (count - 1) // 2, 2 - count % 2
    basis = np.zeros((count, middles + half))
    basis[: count - half - (middles - 1), 0] = 1.0
    basis[count - half - 1 :, middles - 1] = 1.0
    if middles == 2:
        basis[half + 1 :, 0] = 0.0
    for i in range(half):
        basis[half - 1 - i, middles + i] = -1.0
        basis[count - half + i, middles + i] = 1.0
    middle_names = cut_names[half : half + middles]
    return basis, middle_names + [f"spacing.{i + 1}" for i in range(half)]


_STRUCTURES = {"flexible": _flexible, "equidistant": _equidistant, "symmetric": _symmetric}
