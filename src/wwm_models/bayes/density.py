"""The log posterior density of a model: in free coordinates, in coordinates that are nearly standard normal, and under the prior alone.

`LogPosterior` is the density with its derivatives, `BlockedPosterior` one some of whose parameters are made by blocks with coordinates of their
own. `whitened`: with v the free coordinates, v_0 the mode of the density of v, H minus its second derivative there and L L' = H^-1, the sampler
sees z with v = v_0 + L z. A smooth unimodal posterior is then close to N(0, I), so few steps per draw and a short warm-up suffice.

`prior_draws` are exact and independent, by rejection where the prior is truncated. Slopes are drawn first. Under an anchor the shares are
Dirichlet, the predictors of the anchor row follow from them, and the cut points from the predictors and the slopes; exchangeable cut points
that must increase are sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from wwm_models.bayes.priors import Prior
from wwm_models.bayes.structured_priors import PriorBlock
from wwm_models.bayes.transforms import Coordinates
from wwm_models.errors import FitError, listed
from wwm_models.likelihood.likelihood import CellLikelihood
from wwm_models.messages import number, say
from wwm_models.models.design import Design
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.newton import Expansion, maximise

BARRIER = 0.5  # as if half a respondent more stood between every two neighbouring cut points
STEP = 1e-5  # of central differences of the analytic gradient; the curvature is only used to choose coordinates


@dataclass(frozen=True, eq=False)
class TransformedDraws:
    """Draws in the coordinates in which they are rotated to a covariance.

    Attributes
    ----------
    plain : LogPosterior
        Without the priors of blocks.
    draws : (s, p) array
    slopes : (p, p) array
        Derivative of plain free coordinates by these, at the mean draw.
    precision : (p, p) array
        Curvature of the blocks' priors.
    parameters : function
        (s, p) parameters from (s, p) of these coordinates.
    """

    plain: LogPosterior
    draws: Array
    slopes: Array
    precision: Array
    parameters: Callable[[Array], Array]


class LogDensity(Protocol):
    """A log posterior density in free coordinates."""

    @property
    def truncated(self) -> bool:
        """As in `LogPosterior`."""
        ...

    def transformed(self, free: Array) -> TransformedDraws:
        """As in `LogPosterior`."""
        ...

    def with_barrier(self) -> LogDensity:
        """As in `LogPosterior`."""
        ...

    def start(self, theta: Array) -> Array:
        """As in `LogPosterior`."""
        ...

    def parameters(self, free: Array) -> tuple[Array, dict[str, Array]]:
        """As in `LogPosterior`."""
        ...

    def value_and_gradient(self, free: Array) -> tuple[float, Array]:
        """As in `LogPosterior`."""
        ...

    def expansion(self, free: Array) -> Expansion:
        """As in `LogPosterior`."""
        ...


@dataclass(frozen=True, eq=False)
class LogPosterior:
    """Log of likelihood x prior x Jacobian as a function of free coordinates.

    Attributes
    ----------
    likelihood : CellLikelihood
        On the scale of the pseudo-posterior.
    prior : Prior
    coordinates : Coordinates
    barrier : float
        Weight of ``sum log(distance)`` of the prior's truncation: only to find a centre away from its boundary, never when drawing.
    """

    likelihood: CellLikelihood
    prior: Prior
    coordinates: Coordinates
    barrier: float = 0.0

    def transformed(self, free: Array) -> TransformedDraws:
        """The coordinates in which draws are rotated: the free ones."""
        size = free.shape[1]
        return TransformedDraws(self, free, np.eye(size), np.zeros((size, size)), self.coordinates.theta)

    def with_barrier(self) -> LogPosterior:
        """The same with a log barrier that keeps a search away from the boundary of a truncated prior."""
        return replace(self, barrier=BARRIER)

    def start(self, theta: Array) -> Array:
        """Free coordinates of parameters."""
        return self.coordinates.free(theta)

    def parameters(self, free: Array) -> tuple[Array, dict[str, Array]]:
        """(s, p) parameters of (s, p) free coordinates, and what the prior adds to them by name."""
        return self.coordinates.theta(free), {}

    @property
    def truncated(self) -> bool:
        """Whether the coordinates reach points that the prior does not allow."""
        return len(self.prior.gaps) > 0 and self.coordinates.ordered < 2

    def value_and_gradient(self, free: Array) -> tuple[float, Array]:
        """Log density at (p,) free coordinates and its derivative; minus infinity outside the allowed region."""
        with np.errstate(all="ignore"):
            theta = self.coordinates.theta(free)
            value, gradient = self.prior.log_density(theta)
            if value == -np.inf:
                return value, gradient
            more, slope = self.likelihood.value_and_gradient(theta)
            if self.barrier > 0.0:
                distance = self.prior.gaps @ theta
                more += self.barrier * float(np.log(distance).sum())
                slope = slope + self.barrier * (self.prior.gaps.T @ (1.0 / distance))
            value = value + more + self.coordinates.log_jacobian(free)
            gradient = self.coordinates.pulled_back(free, gradient + slope)
        return (value, gradient) if isfinite(value) else (-np.inf, np.zeros_like(free))

    def value(self, free: Array) -> float:
        """Log density alone."""
        return self.value_and_gradient(free)[0]

    def expansion(self, free: Array) -> Expansion:
        """Log density, gradient, and minus the second derivative."""
        return expansion(self, free)


def expansion(target: LogDensity, free: Array) -> Expansion:
    """Log density, gradient, and minus the second derivative by differences."""
    value, gradient = target.value_and_gradient(free)
    if value == -np.inf:
        return Expansion(value, gradient, np.zeros((len(free), len(free))))
    return Expansion(value, gradient, curvature(target, free))


def curvature(target: LogDensity, free: Array) -> Array:
    """Minus the matrix of second derivatives, by central differences of the gradient."""
    steps = STEP * np.maximum(1.0, np.abs(free))
    rows = [
        (target.value_and_gradient(free - step)[1] - target.value_and_gradient(free + step)[1]) / (2.0 * size)
        for size, step in zip(steps, np.diag(steps), strict=True)
    ]
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2.0


@dataclass(frozen=True, eq=False)
class Whitened:
    """``free = mode + root @ z``.

    Attributes
    ----------
    mode : (p,) array
    root : (p, p) array
        Lower triangular.
    """

    mode: Array
    root: Array

    def free(self, z: Array) -> Array:
        """(..., p) free coordinates."""
        return self.mode + z @ self.root.T


def whitened(target: LogDensity, start: Array) -> Whitened:
    """Find the mode from `start` and the Cholesky factor of the inverse curvature there.

    A truncated density may be highest at its boundary, where it has no curvature; a centre inside is then found with a log barrier.

    Raises
    ------
    FitError
        If the posterior has no mode: an improper prior on separated answers.
    """
    if target.truncated:
        target = target.with_barrier()
    maximum = maximise(target.expansion, start, tolerance=1e-9)
    try:
        factor = linalg.cholesky(maximum.information, lower=True)
    except (linalg.LinAlgError, ValueError):
        gradient = number(float(np.max(np.abs(maximum.gradient))), ".2g")
        raise FitError(say("no_mode", gradient=gradient)) from None
    root = linalg.solve_triangular(factor, np.eye(len(start)), lower=True).T
    return Whitened(maximum.point, np.asarray(linalg.cholesky(root @ root.T, lower=True)))


@dataclass(frozen=True, eq=False)
class BlockedPosterior:
    """A log posterior some of whose parameters are made by blocks: its coordinates are the others', then each block's.

    Attributes
    ----------
    plain : LogPosterior
        With no prior on the parameters that blocks make.
    blocks : tuple of PriorBlock
    """

    plain: LogPosterior
    blocks: tuple[PriorBlock, ...]

    @property
    def truncated(self) -> bool:
        """As in `LogPosterior`."""
        return self.plain.truncated

    def transformed(self, free: Array) -> TransformedDraws:
        """The plain free coordinates, with those that the blocks say in the place of their parameters."""
        whole, parts = self.split(free)
        draws, slopes, precision = whole.copy(), np.eye(whole.shape[1]), np.zeros((whole.shape[1], whole.shape[1]))
        for block, part, place in zip(self.blocks, parts, self._places, strict=True):
            draws[:, place] = block.transformed(part)
            here = np.ix_(place, place)
            slopes[here] = block.turned_slopes(draws[:, place].mean(axis=0))
            precision[here] = block.turned_precision(part)

        def back(transformed: Array) -> Array:
            whole = transformed.copy()
            for block, place in zip(self.blocks, self._places, strict=True):
                whole[..., place] = block.from_transformed(transformed[..., place])
            return self.plain.coordinates.theta(whole)

        return TransformedDraws(self.plain, draws, slopes, precision, back)

    def with_barrier(self) -> BlockedPosterior:
        """As in `LogPosterior`."""
        return replace(self, plain=self.plain.with_barrier())

    def start(self, theta: Array) -> Array:
        """As in `LogPosterior`."""
        free = self.plain.coordinates.free(theta)
        return np.concatenate([free[self._others], *(block.start(theta[block.place]) for block in self.blocks)])

    def split(self, free: Array) -> tuple[Array, list[Array]]:
        """Free coordinates (..., p) of the plain posterior, and those of each block."""
        count = int(self._others.sum())
        ends = np.cumsum([count, *(block.size for block in self.blocks)])
        own, *parts = np.split(free, ends[:-1], axis=-1)
        whole = np.empty((*free.shape[:-1], len(self._others)))
        whole[..., self._others] = own
        for block, part, place in zip(self.blocks, parts, self._places, strict=True):
            whole[..., place] = block.parameters(part)
        return whole, parts

    def parameters(self, free: Array) -> tuple[Array, dict[str, Array]]:
        """As in `LogPosterior`."""
        whole, parts = self.split(free)
        added: dict[str, Array] = {}
        for block, part in zip(self.blocks, parts, strict=True):
            added |= block.hyper(part)
        return self.plain.coordinates.theta(whole), added

    def value_and_gradient(self, free: Array) -> tuple[float, Array]:
        """As in `LogPosterior`."""
        with np.errstate(all="ignore"):
            whole, parts = self.split(free)
            value, gradient = self.plain.value_and_gradient(whole)
            slopes = [gradient[self._others]]
            for block, part, place in zip(self.blocks, parts, self._places, strict=True):
                more, slope = block.log_density(part)
                value += more
                slopes.append(slope + block.pulled_back(part, gradient[place]))
        return (value, np.concatenate(slopes)) if np.isfinite(value) else (-np.inf, np.zeros_like(free))

    def expansion(self, free: Array) -> Expansion:
        """As in `LogPosterior`."""
        return expansion(self, free)

    @cached_property
    def _others(self) -> NDArray[np.bool_]:
        others = np.ones(len(self.plain.prior.mean), dtype=bool)
        for place in self._places:
            others[place] = False
        return others

    @cached_property
    def _places(self) -> list[NDArray[np.intp]]:
        """Where each block's parameters stand among the plain free coordinates."""
        return [self.plain.coordinates.position(block.place) for block in self.blocks]


MOST_TRIES = 200  # batches; a truncated prior that accepts fewer than one draw in some hundreds says nothing clear


def prior_draws(prior: Prior, design: Design, draws: int, generator: np.random.Generator) -> Array:
    """Draw parameters from their prior.

    Parameters
    ----------
    prior : Prior
    design : Design
    draws : int
    generator : numpy Generator

    Returns
    -------
    (draws, p) array

    Raises
    ------
    FitError
        If some density is flat, or the truncated region is hardly ever met.
    """
    flat = ~prior.proper if prior.anchor is None else ~prior.proper & ~design.is_cut
    for block in prior.blocks:
        flat[block.place] = False
    if flat.any():
        raise FitError(
            f"There are no draws from a flat prior: {listed(np.array(design.names)[flat])}. Declare a density, such as normal(0, 1)."
        )
    kept: list[Array] = []
    for _ in range(MOST_TRIES):
        proposed = _proposed(prior, design, draws, generator)
        kept.append(proposed[prior.allowed(proposed)] if len(prior.gaps) else proposed)
        if sum(map(len, kept)) >= draws:
            return np.concatenate(kept)[:draws]
    raise FitError(
        f"Of {MOST_TRIES * draws} draws from the prior {sum(map(len, kept))} have ordered cut points on every pattern. Declare narrower slopes for the "
        "nonproportional terms, or make fewer terms nonproportional."
    )


def _proposed(prior: Prior, design: Design, draws: int, generator: np.random.Generator) -> Array:
    size = len(prior.mean)
    noise = generator.standard_normal((draws, size))
    heavy = np.isfinite(prior.df)
    if heavy.any():
        df = prior.df[heavy]
        noise[:, heavy] /= np.sqrt(generator.chisquare(df, (draws, len(df))) / df)
    theta = prior.mean + prior.scale * noise
    for block in prior.blocks:
        theta[:, block.place] = block.parameters(block.drawn(draws, generator))
    if prior.anchor is not None:
        groups, steps, _ = prior.anchor.rows.shape
        shares = generator.dirichlet(np.full(steps + 1, prior.anchor.concentration), (draws, groups))
        shares = np.maximum(shares, 1e-300)
        shares = shares / shares.sum(axis=2, keepdims=True)
        wanted = np.array([prior.family.start(each, prior.link) for each in shares.reshape(-1, steps + 1)])
        rows = prior.anchor.rows.reshape(groups * steps, -1)
        rest = theta[:, ~design.is_cut] @ rows[:, ~design.is_cut].T
        theta[:, design.is_cut] = np.linalg.solve(rows[:, design.is_cut], (wanted.reshape(draws, -1) - rest).T).T
    elif prior.log_orders:
        of_groups = theta[:, design.is_cut].reshape(draws, -1, len(design.order) - 1)
        theta[:, design.is_cut] = np.sort(of_groups, axis=2).reshape(draws, -1)
    return theta
