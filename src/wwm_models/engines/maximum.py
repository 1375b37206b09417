"""The maximum of a cell likelihood: where to start, in which coordinates, and under every replicate weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from wwm_models.engines.batch import CHUNK, chunks, maximise_many
from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.engines.separation import LARGE_ETA, receding_direction
from wwm_models.errors import FitError
from wwm_models.families import Family
from wwm_models.many import run_many
from wwm_models.numerics.newton import Maximum, maximise
from wwm_models.records import Cells, Columns, Design, Linear, Replicates, Survey

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
SHARED = 64  # replicates in a block that a worker gets: enough to outweigh sending it


def starting_point(family: Family, likelihood: CellLikelihood, design: Design) -> Array:
    """Cut points that reproduce the overall shares, slopes zero."""
    counts = likelihood.counts.sum(axis=0)
    cuts = family.cut_sign * family.start(counts / counts.sum(), likelihood.link)
    groups = design.linear.cuts(design.is_cut[: design.linear.shape[2]])
    basis = family.cut_sign * groups.reshape(-1, groups.shape[2])
    theta = np.zeros(len(design.names))
    theta[design.is_cut] = np.linalg.lstsq(basis, np.tile(cuts, len(groups)), rcond=None)[0]
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
    inverse = maximum.inverse
    return Located(
        theta=transform @ maximum.point,
        gradient=back.T @ maximum.gradient,
        information=back.T @ maximum.information @ back,
        bread=None if inverse is None else transform @ inverse @ transform.T,
        maximum=maximum,
    )


def replicate_estimates(
    likelihood: CellLikelihood, theta: Array, cells: Cells, design: Design, survey: Survey, scheduler: str = ""
) -> Array:
    """Estimates under every replicate weight, each started at the full estimate.

    Parameters
    ----------
    likelihood : CellLikelihood
    theta : (p,) array
    cells, design, survey : records
    scheduler : str
        Address of a Dask scheduler whose workers share the replicates.

    Returns
    -------
    (R, p) array

    Raises
    ------
    FitError
        If some replicate has no maximum.
    """
    assert survey.replicates is not None
    nobody = np.zeros(0, dtype=np.intp)
    slim = replace(
        cells, row_pattern=nobody, row_category=nobody, row_weight=np.zeros(0), tally=None
    )  # workers get cells only
    task = partial(
        _replicated, likelihood, theta, slim, replace(design, build=_unbuilt, build_scale=None, without=None)
    )
    blocks = replicate_counts(cells, design, survey.replicates, SHARED if scheduler else None)
    found = run_many(task, blocks, scheduler=scheduler)
    points, failed = np.concatenate([own for own, _ in found]), sum(number for _, number in found)
    if failed:
        raise FitError(
            f"{failed} of {len(points)} replicate weights have no maximum of the likelihood, because some answer loses all its respondents "
            'in a group. Use vcov="design", fewer terms, or merged answers.'
        )
    return points


def _replicated(
    likelihood: CellLikelihood, theta: Array, cells: Cells, design: Design, counts: Array
) -> tuple[Array, int]:
    """The maxima (S, p) under S sets of counts, and how many of them are none."""
    points, done = _maxima_near(likelihood, counts, theta)
    return points, int((~done | _infinite(likelihood, counts, points, cells, design)).sum())


def _unbuilt(columns: Columns) -> Linear:
    raise AssertionError(f"a worker has no formula for {columns}")


def replicate_counts(cells: Cells, design: Design, made: Replicates, most: int | None = None) -> Iterator[Array]:
    """Weights of the cells under the replicates, in blocks (S, P, J + 1) of at most `most` replicates, scaled as those of the fit."""
    used = np.flatnonzero(cells.row_pattern >= 0)
    shape = cells.weights.shape
    cell = cells.row_pattern[used] * shape[1] + cells.row_category[used]
    gather = sparse.csr_array((np.ones(len(used)), (cell, np.arange(len(used)))), (shape[0] * shape[1], len(used)))
    numbers = cells.weights.size if most is None else max(cells.weights.size, CHUNK // most)
    for part in chunks(numbers, made.weights.shape[1]):
        weights = made.weights[used, part]
        scaled = weights * (cells.weights.sum() / weights.sum(axis=0))
        yield (gather @ scaled).T.reshape(-1, *shape)[:, :, design.order]


def _maxima_near(likelihood: CellLikelihood, counts: Array, theta: Array) -> tuple[Array, Flags]:
    """Maxima (S, p) under S sets of counts, and which of them are: together where that works, else one by one."""
    points, done = np.tile(theta, (len(counts), 1)), np.zeros(len(counts), dtype=bool)
    if likelihood.batches:
        points, done = maximise_many(likelihood, counts, theta)
    for s in np.flatnonzero(~done):
        again = maximise_on(replace(likelihood, counts=counts[s]), theta)
        points[s], done[s] = again.theta, again.maximum.converged
    return points, done


def _infinite(likelihood: CellLikelihood, counts: Array, points: Array, cells: Cells, design: Design) -> Flags:
    """Which sets are separated: Newton stops far out for them, where the likelihood is flat, and calls it a maximum."""
    etas = likelihood.predictors.eta_of_draws(points).reshape(*counts.shape[:2], -1)
    far = (np.abs(etas).max(axis=2) > LARGE_ETA) & (counts.sum(axis=2) > 0)
    separated = np.zeros(len(counts), dtype=bool)
    for s in np.flatnonzero(far.any(axis=1)):
        weights = np.zeros_like(cells.weights)
        weights[:, design.order] = counts[s]
        separated[s] = receding_direction(likelihood.family, replace(cells, weights=weights), design) is not None
    return separated
