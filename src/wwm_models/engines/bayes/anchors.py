"""The mean rows at which the shares of induced cut points are Dirichlet: one, or one for every group with cut points of its own.

A group's anchor is the weighted mean row of its own respondents. Given the slopes its cut points then have the law they would have in a
model of that group alone, so a model in which groups share nothing is as many models.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.priors import Anchor
from wwm_models.records import Cells, Design

Array = NDArray[np.float64]


def anchor_of(concentration: float, cells: Cells, design: Design) -> Anchor:
    """The anchor of a design with flexible cut points.

    Parameters
    ----------
    concentration : float
        Above 0.
    cells : Cells
    design : Design
    """
    weight = cells.weights.sum(axis=1)
    inside = groups_of_patterns(design) * weight
    shares = inside / inside.sum(axis=1, keepdims=True)
    rows = np.zeros(
        (len(shares), design.array.shape[1], len(design.names))
    )  # a scale part: a standard deviation of one
    rows[:, :, : design.array.shape[2]] = np.tensordot(shares, design.array, axes=1)
    return Anchor(rows, concentration)


def groups_of_patterns(design: Design) -> Array:
    """(G, P) array: 1 where a pattern's predictors rise from the cut points of a group, else 0. Flexible cut points, groups outermost."""
    steps = design.array.shape[1]
    first = np.flatnonzero(design.is_cut)[::steps]
    return (design.array[:, 0, first] != 0.0).astype(np.float64).T
