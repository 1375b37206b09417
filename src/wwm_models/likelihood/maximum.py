"""The maximum of a cell likelihood: one or many at once, where to start, in which coordinates, and with increments of one sign.

Many sets of counts (`maximise_many`: replicate weights, bootstraps, simulations): the design and the family are the same for every set, so Newton's
steps for S sets are a few array operations on (S, P, J) predictors instead of S loops. A set that Newton cannot bring home this way (no ascent, an
indefinite information) is left to `maximise_on`, so that the answer never depends on the batch.

Increments of an ordered predictor that must not differ in sign (`monotone_design`): for each direction (all increments at least zero, or at most zero)
the maximum satisfies: free increments have their sign and a gradient of zero, increments at zero have a gradient that does not point into the
permitted side. An active set method starts with all increments at zero, frees the one along which the likelihood rises most, maximises over the free
ones, and returns to zero any that would change sign. Where the log-likelihood is concave this ends at the one maximum; the better direction is kept.

Levels whose increment is zero are pooled: the fit is then the ordinary fit of the design in which they are one level, and its
standard errors are those of that design. They are conditional on the pooling, which is part of the estimate: close to a zero
increment the law of the estimate is not normal, and intervals of the neighbouring increments are too short.

References
----------
Lawson, C. L. and Hanson, R. J. (1974). Solving Least Squares Problems, chapter 23. Prentice-Hall. doi:10.1137/1.9781611971217
Silvapulle, M. J. and Sen, P. K. (2005). Constrained Statistical Inference, chapter 4. Wiley. doi:10.1002/9781118165614
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import sparse

from wwm_models.errors import FitError
from wwm_models.likelihood.likelihood import CellLikelihood, cell_likelihood
from wwm_models.likelihood.refusals import LARGE_ETA, receding_direction
from wwm_models.messages import listed_as, say
from wwm_models.models.cells import Cells
from wwm_models.models.design import Design
from wwm_models.models.family import Family
from wwm_models.models.linear_map import Columns, Linear
from wwm_models.numerics.arrays import Array, Codes, Flags
from wwm_models.numerics.links import Link
from wwm_models.numerics.newton import Maximum, maximise
from wwm_models.parallel import run_many
from wwm_models.survey.sampling_design import Replicates
from wwm_models.survey.survey import Survey

SINGULAR = 1e-13  # smallest pivot, relative to the largest diagonal, of an information that a batch steps on
CHUNK = 200_000  # numbers in the largest array of a chunk: 1.6 MB stay in the cache of one core


@dataclass(frozen=True, eq=False)
class Expansions:
    """S log-likelihoods to second order: values (S,), gradients (S, p) and informations (S, p, p).

    A value of minus infinity comes with derivatives that mean nothing.
    """

    value: Array
    gradient: Array
    information: Array

    def of(self, which: Flags | Codes) -> Expansions:
        """Some of the sets."""
        return Expansions(self.value[which], self.gradient[which], self.information[which])


def expansions(likelihood: CellLikelihood, counts: Array, thetas: Array) -> Expansions:
    """The likelihood of S sets of counts, each to second order at its own point.

    Parameters
    ----------
    likelihood : CellLikelihood
        One that ``batches``; its own counts are not used.
    counts : (S, P, J + 1) array
    thetas : (S, p) array
    """
    linear = likelihood.predictors.linear
    rows, steps, _ = linear.shape
    eta = likelihood.predictors.eta_of_draws(thetas)
    log_p, slopes, hessians = likelihood.family.expansion(eta, likelihood.link, counts.reshape(-1, steps + 1))
    value = _values(counts, log_p.reshape(counts.shape))
    slopes, hessians = slopes.reshape(-1, rows, steps), hessians.reshape(-1, rows, steps, steps)
    outside = np.flatnonzero(value == -np.inf)
    slopes[outside], hessians[outside] = 0.0, 0.0
    return Expansions(
        value, linear.transpose_apply(slopes.transpose(1, 0, 2)[None])[0], linear.weighted_grams(hessians)
    )


def _values(counts: Array, log_p: Array) -> Array:
    value = np.einsum("spk,spk->s", counts, log_p)
    if not np.isfinite(value).all():  # zero times minus infinity is nothing
        value = (counts * np.where(counts > 0, log_p, 0.0)).sum(axis=(1, 2))
    return np.where(np.isfinite(value), value, -np.inf)


def maximise_many(likelihood: CellLikelihood, counts: Array, start: Array) -> tuple[Array, Flags]:
    """Maximise a likelihood under S sets of counts, each started at `start`.

    Parameters
    ----------
    likelihood : CellLikelihood
        One that ``batches``; its own counts are not used.
    counts : (S, P, J + 1) array
    start : (p,) array
        A point near the maxima.

    Returns
    -------
    (S, p) array
        Where Newton stopped.
    (S,) bool array
        Whether that is a maximum, to nearly every digit of double precision; the others have to be looked at one by one.
    """
    predictors, transform = likelihood.predictors.standardised(counts.sum(axis=(0, 2)))
    easy, begin = replace(likelihood, predictors=predictors), np.linalg.solve(transform, start).astype(np.float64)
    rows, steps, _ = predictors.linear.shape
    parts = chunks(rows * steps * steps, len(counts))
    found = [_maximise_chunk(easy, counts[part], begin) for part in parts]
    return np.concatenate([points for points, _ in found]) @ transform.T, np.concatenate([done for _, done in found])


def chunks(numbers: int, sets: int, most: int = CHUNK) -> Iterator[slice]:
    """Slices of `sets` that each need at most `most` numbers, at `numbers` per set; at least one set each.

    Examples
    --------
    >>> list(chunks(CHUNK // 2, 5))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    length = max(most // max(numbers, 1), 1)
    for first in range(0, sets, length):
        yield slice(first, min(first + length, sets))


def _maximise_chunk(
    likelihood: CellLikelihood, counts: Array, start: Array, tolerance: float = 1e-14, iterations: int = 60
) -> tuple[Array, Flags]:
    """Newton with step halving on every set of a chunk; sets leave when they are done or cannot go on."""
    points, done = np.tile(start, (len(counts), 1)), np.zeros(len(counts), dtype=bool)
    active = np.arange(len(counts))
    here = expansions(likelihood, counts, points)
    for _ in range(iterations):
        step, uphill = _steps(here)
        decrement = (here.gradient * step).sum(axis=1)
        finished = uphill & (decrement <= tolerance * (1.0 + np.abs(here.value)))
        points[active[finished]] += step[finished]  # a tiny step in full, as in numerics.newton
        done[active[finished]] = True
        going = np.flatnonzero(uphill & ~finished)
        if not len(going):
            break
        active = active[going]
        reached, here, better = _halve_until_better(
            likelihood, counts[active], points[active], step[going], here.of(going)
        )
        points[active[better]] = reached[better]
        active, here = active[better], here.of(better)
    return points, done


def _steps(here: Expansions) -> tuple[Array, Flags]:
    """Newton's steps, and for which sets the value is finite and the information positive definite, so that they go uphill."""
    usable = (
        np.isfinite(here.value) & np.isfinite(here.gradient).all(axis=1) & np.isfinite(here.information).all((1, 2))
    )
    identity = np.eye(here.gradient.shape[1])
    information = np.where(usable[:, None, None], here.information, identity)
    try:
        pivots = np.diagonal(np.linalg.cholesky(information), axis1=1, axis2=2) ** 2
    except np.linalg.LinAlgError:
        pivots = np.linalg.eigvalsh(information)
    usable &= pivots.min(axis=1) > SINGULAR * np.diagonal(information, axis1=1, axis2=2).max(axis=1)
    information = np.where(usable[:, None, None], information, identity)
    return np.linalg.solve(information, np.where(usable[:, None], here.gradient, 0.0)[:, :, None])[:, :, 0], usable


def _halve_until_better(
    likelihood: CellLikelihood, counts: Array, points: Array, step: Array, here: Expansions
) -> tuple[Array, Expansions, Flags]:
    """Shorten each set's step until its value rises by a thousandth of what its gradient promises (Armijo)."""
    length = np.ones(len(points))
    promise = 1e-3 * (here.gradient * step).sum(axis=1)
    floor = here.value - 1e-13 * (1.0 + np.abs(here.value))
    reached = points + step
    there = expansions(likelihood, counts, reached)
    for _ in range(50):
        short = np.flatnonzero(~(there.value >= floor + length * promise))
        if not len(short):
            break
        length[short] /= 2.0
        reached[short] = points[short] + length[short, None] * step[short]
        again = expansions(likelihood, counts[short], reached[short])
        for name in ("value", "gradient", "information"):
            getattr(there, name)[short] = getattr(again, name)
    return reached, there, there.value >= floor + length * promise


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
class MaximumInParameters:
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


def maximise_on(likelihood: CellLikelihood, start: Array) -> MaximumInParameters:
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
    return MaximumInParameters(
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
        raise FitError(say("replicates_without", failed=failed, total=len(points)))
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


MOST_TERMS = 6  # two directions for each term: 64 maximisations under signs
RISE = 1e-8  # of the log-likelihood per respondent and unit of an increment: below it nothing is gained by freeing it


@dataclass(frozen=True)
class _Search:
    """The model whose increments are bounded."""

    family: Family
    link: Link
    cells: Cells
    design: Design

    def maximum(self, pooled: frozenset[str]) -> tuple[float, dict[str, float]]:
        """Value and parameters by name, where these increments are zero."""
        design = self.reduced(pooled)
        likelihood = cell_likelihood(self.family, self.link, self.cells, design)
        with np.errstate(invalid="ignore", over="ignore"):  # on the way to a maximum at infinity
            found = maximise_on(likelihood, starting_point(self.family, likelihood, design))
        return found.maximum.value, dict(zip(design.names, found.theta.tolist(), strict=True))

    def gradient(self, values: Mapping[str, float]) -> dict[str, float]:
        """Derivative of the log-likelihood by every parameter, the pooled increments too."""
        likelihood = cell_likelihood(self.family, self.link, self.cells, self.design)
        theta = np.array([values.get(name, 0.0) for name in self.design.names])
        return dict(zip(self.design.names, likelihood.derivatives(theta)[0].tolist(), strict=True))

    def reduced(self, pooled: frozenset[str]) -> Design:
        """The design without these increments, in the order of the design."""
        assert self.design.without is not None
        return self.design.without(tuple(name for name in self.design.names if name in pooled))


def monotone_design(family: Family, link: Link, cells: Cells, design: Design, *, penalised: bool) -> Design:
    """The design in which the increments that monotony fixes at zero are left out; the design itself without monotonic terms.

    Parameters
    ----------
    family, link, cells, design
    penalised : bool
        A penalty has no version under signs.

    Raises
    ------
    FitError
        If a penalty is asked for, or there are too many monotonic terms.
    """
    if not design.monotone:
        return design
    if penalised:
        raise FitError(say("steps_penalised"))
    if len(design.monotone) > MOST_TERMS:
        raise FitError(say("steps_many", count=len(design.monotone), most=MOST_TERMS))
    search = _Search(family, link, cells, design)
    _, free = search.maximum(frozenset())
    if all(_one_sign([free[name] for name in names]) for names in design.monotone):
        return design
    found = [
        _active_set(search, {name: sign for names, sign in zip(design.monotone, signs, strict=True) for name in names})
        for signs in itertools.product((1.0, -1.0), repeat=len(design.monotone))
    ]
    return search.reduced(max(found, key=lambda one: one[0])[1])


def pooling_notes(design: Design) -> list[str]:
    """What a reader must know of the increments of a monotonic fit; empty without any."""
    if not design.monotone and not design.pooled:
        return []
    if not design.pooled:
        return [say("steps_free")]
    return [say("steps_pooled", names=listed_as(design.pooled))]


def _one_sign(values: list[float]) -> bool:
    return all(np.isfinite(values)) and (min(values) >= 0.0 or max(values) <= 0.0)


def _active_set(search: _Search, signs: Mapping[str, float]) -> tuple[float, frozenset[str]]:
    """Value of the maximum under these signs, and the increments that are zero there."""
    pooled = frozenset(signs)
    value, values = search.maximum(pooled)
    for _ in range(3 * len(signs) ** 2 + 3):  # each round raises the likelihood; cycles are impossible but for rounding
        gradient = search.gradient(values)
        rising = {name: signs[name] * gradient[name] for name in pooled}
        if not rising or max(rising.values()) <= RISE * max(float(search.cells.weights.sum()), 1.0):
            break
        pooled -= {max(rising, key=lambda name: rising[name])}
        value, values, pooled = _inside(search, signs, values, pooled)
    return value, pooled


def _inside(
    search: _Search, signs: Mapping[str, float], old: Mapping[str, float], pooled: frozenset[str]
) -> tuple[float, dict[str, float], frozenset[str]]:
    """Maximise over the free increments, going back to zero with those that would leave their side first."""
    while True:
        value, new = search.maximum(pooled)
        outside = [name for name in signs if name not in pooled and signs[name] * new[name] <= 0.0]
        if not outside:
            return value, new, pooled
        steps = {name: old.get(name, 0.0) / (old.get(name, 0.0) - new[name]) if new[name] else 1.0 for name in outside}
        length = min(steps.values())
        old = {name: old.get(name, 0.0) + length * (new[name] - old.get(name, 0.0)) for name in new}
        pooled |= {name for name in outside if steps[name] <= length}
