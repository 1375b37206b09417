"""Coordinates in which every point is allowed: a ladder of increasing numbers becomes a first number and logarithms of distances.

Of a ladder u_1 < .. < u_J the free coordinates are v_1 = u_1 and v_j = log(u_j - u_{j-1}). Parallel slopes have one ladder, the cut
points; with slopes of their own every group has one, its predictors without the parallel part. Parameters are theta = T u with u the
ladders one after another and then the rest, so the density of v is that of theta times

    |d theta / d v| = |det T| exp(sum of v_j, j = 2 .. J, over the ladders).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The map between parameters and free coordinates.

    Attributes
    ----------
    ordered : int
        Length of a ladder; 0 or 1 for none.
    ladders : int
        How many there are.
    turn : (p, p) array or None
        Parameters from ladders and the rest; None where they are the same.
    """

    ordered: int
    ladders: int = 1
    turn: Array | None = None

    def theta(self, free: Array) -> Array:
        """(..., p) parameters from (..., p) free coordinates."""
        climbed = free.copy()
        if self.ordered > 1:
            steps = climbed[..., : self._size].reshape(*free.shape[:-1], self.ladders, self.ordered)  # a view
            with np.errstate(over="ignore"):
                np.exp(steps[..., 1:], out=steps[..., 1:])
            np.add.accumulate(steps, axis=-1, out=steps)
        return climbed if self.turn is None else climbed @ self.turn.T

    def free(self, theta: Array) -> Array:
        """(..., p) free coordinates from (..., p) parameters."""
        free = theta.copy() if self.turn is None else theta @ self._back.T
        if self.ordered > 1:
            rungs = free[..., : self._size].reshape(*free.shape[:-1], self.ladders, self.ordered)
            steps = np.concatenate([rungs[..., :1], np.log(np.diff(rungs, axis=-1))], axis=-1)
            free[..., : self._size] = steps.reshape(*free.shape[:-1], self._size)
        return free

    def log_jacobian(self, free: Array) -> float:
        """Log |d theta / d free| at one point."""
        if self.ordered < 2:
            return 0.0
        return float(free[self._distances].sum()) + self._log_volume

    def pulled_back(self, free: Array, gradient: Array) -> Array:
        """Derivative, with respect to free coordinates, of a function of theta plus the log Jacobian.

        Parameters
        ----------
        free : (p,) array
        gradient : (p,) array
            With respect to theta.
        """
        result = gradient.copy() if self.turn is None else self.turn.T @ gradient
        if self.ordered > 1:
            beyond = np.cumsum(result[: self._size].reshape(self.ladders, -1)[:, ::-1], axis=1)[:, ::-1]
            steps = free[: self._size].reshape(self.ladders, -1)
            inner = np.exp(steps[:, 1:]) * beyond[:, 1:] + 1.0
            result[: self._size] = np.concatenate([beyond[:, :1], inner], axis=1).ravel()
        return result

    def jacobian(self, free: Array) -> Array:
        """(p, p) array d theta / d free at one point."""
        result = np.eye(len(free))
        for start in range(0, self._size, max(self.ordered, 1)):
            place = slice(start, start + self.ordered)
            step = np.concatenate([[1.0], np.exp(free[place][1:])])
            result[place, place] = np.tril(np.ones((self.ordered, self.ordered))) * step
        return result if self.turn is None else self.turn @ result

    def position(self, place: NDArray[np.intp]) -> NDArray[np.intp]:
        """Positions among the free coordinates of parameters that are themselves there."""
        if self.turn is None:
            return place
        found = np.argmax(np.abs(self.turn[place]), axis=1)
        assert (np.count_nonzero(self.turn[place], axis=1) == 1).all(), "a ladder has no single parameter"
        return found

    @property
    def _size(self) -> int:
        return self.ordered * self.ladders if self.ordered > 1 else 0

    @cached_property
    def _distances(self) -> NDArray[np.intp]:
        """Positions of the logarithms of distances."""
        return np.flatnonzero(np.arange(self._size) % self.ordered)

    @cached_property
    def _back(self) -> Array:
        assert self.turn is not None
        return np.asarray(np.linalg.inv(self.turn), dtype=np.float64)

    @cached_property
    def _log_volume(self) -> float:
        return 0.0 if self.turn is None else float(np.linalg.slogdet(self.turn)[1])
