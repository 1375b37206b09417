"""A log posterior density some of whose parameters are made by blocks with coordinates of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.blocks import Block
from wwm_models.engines.bayes.target import LogPosterior, Turned, expansion
from wwm_models.numerics.newton import Expansion

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BlockedPosterior:
    """A log posterior some of whose parameters are made by blocks: its coordinates are the others', then each block's.

    Attributes
    ----------
    plain : LogPosterior
        With no prior on the parameters that blocks make.
    blocks : tuple of Block
    """

    plain: LogPosterior
    blocks: tuple[Block, ...]

    @property
    def truncated(self) -> bool:
        """As in `LogPosterior`."""
        return self.plain.truncated

    def turned(self, free: Array) -> Turned:
        """The plain free coordinates, with those that the blocks say in the place of their parameters."""
        whole, parts = self.split(free)
        draws, slopes, precision = whole.copy(), np.eye(whole.shape[1]), np.zeros((whole.shape[1], whole.shape[1]))
        for block, part, place in zip(self.blocks, parts, self._places, strict=True):
            draws[:, place] = block.turned(part)
            here = np.ix_(place, place)
            slopes[here] = block.turned_slopes(draws[:, place].mean(axis=0))
            precision[here] = block.turned_precision(part)

        def back(turned: Array) -> Array:
            whole = turned.copy()
            for block, place in zip(self.blocks, self._places, strict=True):
                whole[..., place] = block.turned_back(turned[..., place])
            return self.plain.coordinates.theta(whole)

        return Turned(self.plain, draws, slopes, precision, back)

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
