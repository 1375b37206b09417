"""The maximum of a cell likelihood: where to start, in which coordinates, and under every replicate weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.engines.predictors import Predictors
from wwm_models.errors import FitError
from wwm_models.families import Family
from wwm_models.numerics.newton import Maximum, maximise
from wwm_models.records import Cells, Design, Survey

Array = NDArray[np.float64]


def starting_point(family: Family, likelihood: CellLikelihood, design: Design) -> Array:
    """Cut points that reproduce the overall shares, slopes zero."""
    counts = likelihood.counts.sum(axis=0)
    cuts = family.cut_sign * family.start(counts / counts.sum(), likelihood.link)
    columns = design.array[:, :, design.is_cut[: design.array.shape[2]]]
    first = np.unique(columns != 0, axis=0, return_index=True)[1]  # a pattern of every group of cut points
    basis = family.cut_sign * columns[first].reshape(-1, columns.shape[2])
    theta = np.zeros(len(design.names))
    theta[design.is_cut] = np.linalg.lstsq(basis, np.tile(cuts, len(first)), rcond=None)[0]
    return theta


def maximise_on(likelihood: CellLikelihood, start: Array) -> tuple[Maximum, Array]:
    """Maximise in coordinates in which the columns of the design are orthonormal, so that their scales do not matter.

    Returns
    -------
    Maximum
        In the transformed coordinates; its value and status are those of the original.
    (p,) array
        The maximum in the design's own coordinates.
    """
    array, scale = likelihood.predictors.array, likelihood.predictors.scale
    seen = likelihood.counts.sum(axis=1) > 0
    triangle = np.linalg.qr(array[seen].reshape(-1, array.shape[2]), mode="r")
    if scale is not None:
        triangle = block_diag(np.asarray(triangle), np.asarray(np.linalg.qr(scale[seen], mode="r")))
    back = np.linalg.inv(triangle)
    p = array.shape[2]
    predictors = Predictors(array @ back[:p, :p], None if scale is None else scale @ back[p:, p:])
    easy = replace(likelihood, predictors=predictors)
    maximum = maximise(easy.value, easy.derivatives, triangle @ start)
    return maximum, back @ maximum.point


def replicate_estimates(
    likelihood: CellLikelihood, theta: Array, cells: Cells, design: Design, survey: Survey
) -> Array:
    """Estimates under every replicate weight, each started at the full estimate.

    Returns
    -------
    (R, p) array

    Raises
    ------
    FitError
        If some replicate has no maximum.
    """
    assert survey.replicates is not None
    used = cells.row_pattern >= 0
    shape = cells.weights.shape
    cell = cells.row_pattern[used] * shape[1] + cells.row_category[used]
    found: list[Array] = []
    failed = 0
    for weights in survey.replicates.weights[used].T:
        counts = np.bincount(cell, weights * (used.sum() / weights.sum()), minlength=shape[0] * shape[1]).reshape(shape)
        maximum, again = maximise_on(replace(likelihood, counts=counts[:, design.order].astype(np.float64)), theta)
        failed += not maximum.converged
        found.append(again)
    if failed:
        raise FitError(
            f"{failed} of {len(found)} replicate weights have no maximum of the likelihood, because some answer loses all its respondents "
            'in a group. Use vcov="design", fewer terms, or merged answers.'
        )
    return np.array(found)
