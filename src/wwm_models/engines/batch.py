"""Maxima of one likelihood under many sets of counts at once: replicate weights, bootstraps, simulations.

The design and the family are the same for every set, so Newton's steps for S sets are a few array operations on (S, P, J)
predictors instead of S loops. A set that Newton cannot bring home this way (no ascent, an indefinite information) is left to
`engines.maximum`, so that the answer never depends on the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.loglikelihood import CellLikelihood

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

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

    def of(self, which: Flags | Places) -> Expansions:
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
    log_p, slopes, bends = likelihood.family.expansion(eta, likelihood.link, counts.reshape(-1, steps + 1))
    value = _values(counts, log_p.reshape(counts.shape))
    slopes, bends = slopes.reshape(-1, rows, steps), bends.reshape(-1, rows, steps, steps)
    outside = np.flatnonzero(value == -np.inf)
    slopes[outside], bends[outside] = 0.0, 0.0
    return Expansions(value, linear.pull(slopes.transpose(1, 0, 2)[None])[0], linear.quadratics(bends))


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
