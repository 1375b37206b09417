"""The maximum of a cell likelihood: where to start, in which coordinates, and under every replicate weight."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.errors import FitError
from wwm_models.families import Family
from wwm_models.numerics.linear import inverse_or_none
from wwm_models.numerics.newton import Maximum, maximise
from wwm_models.records import Cells, Design, Survey

Array = NDArray[np.float64]


def starting_point(family: Family, likelihood: CellLikelihood, design: Design) -> Array:
    """Cut points that reproduce the overall shares, slopes zero."""
    counts = likelihood.counts.sum(axis=0)
    cuts = family.cut_sign * family.start(counts / counts.sum(), likelihood.link)
    size = design.linear.shape[2]
    columns = design.array[:, :, design.is_cut[:size]]
    first = np.unique(columns != 0, axis=0, return_index=True)[1]  # a pattern of every group of cut points
    basis = family.cut_sign * columns[first].reshape(-1, columns.shape[2])
    theta = np.zeros(len(design.names))
    theta[design.is_cut] = np.linalg.lstsq(basis, np.tile(cuts, len(first)), rcond=None)[0]
    return theta


@dataclass(frozen=True, eq=False)
class Located:
    """A maximum in the design's own parameters.

    Attributes
    ----------
    theta : (p,) array
    gradient : (p,) array
    information : (p, p) array
    bread : (p, p) array or None
        Its inverse, where there is one.
    maximum : Maximum
        The same in the coordinates of the search, in which no column is large, small or far from zero.
    """

    theta: Array
    gradient: Array
    information: Array
    bread: Array | None
    maximum: Maximum


def maximise_on(likelihood: CellLikelihood, start: Array) -> Located:
    """Maximise in coordinates that do not depend on the scales and the origins of the predictors.

    Parameters
    ----------
    likelihood : CellLikelihood
    start : (p,) array
        In the design's own parameters.
    """
    predictors, transform = likelihood.predictors.standardised(likelihood.counts.sum(axis=1))
    back = np.linalg.inv(transform)
    maximum = maximise(replace(likelihood, predictors=predictors).expansion, back @ start)
    inverse = inverse_or_none(maximum.information)
    return Located(
        theta=transform @ maximum.point,
        gradient=back.T @ maximum.gradient,
        information=back.T @ maximum.information @ back,
        bread=None if inverse is None else transform @ inverse @ transform.T,
        maximum=maximum,
    )


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
        again = maximise_on(replace(likelihood, counts=counts[:, design.order].astype(np.float64)), theta)
        failed += not again.maximum.converged
        found.append(again.theta)
    if failed:
        raise FitError(
            f"{failed} of {len(found)} replicate weights have no maximum of the likelihood, because some answer loses all its respondents "
            'in a group. Use vcov="design", fewer terms, or merged answers.'
        )
    return np.array(found)
