"""Coordinates in which every point is allowed: increasing thresholds become the first one and logarithms of distances.

Of increasing thresholds u_1 < .. < u_J the free coordinates are v_1 = u_1 and v_j = log(u_j - u_{j-1}). With parallel slopes these are the cut
points; with slopes of their own every pattern of a group has thresholds, its predictors without the parallel part. Parameters are theta = T u with u the
thresholds of one pattern after another and then the rest, so the density of v is that of theta times

    |d theta / d v| = |det T| exp(sum of v_j, j = 2 .. J, over the patterns).

Which distances must be positive (`truncation`): where the cut points of the cumulative family must increase on every pattern, a prior on slopes
of their own is truncated to where they do. Distances depend on the terms with such slopes only. Take every combination of the levels of their
variables (numbers at their extremes), which covers whatever is set for whomever. When there are as many combinations as columns (one factor, one
number, factors with all their interactions), the predictors of the combinations determine the parameters, and each combination's increase: its
thresholds. Groups with flexible cut points of their own, and slopes that answers share, have thresholds each.
Otherwise the sampler moves in the parameters themselves and is turned away at the boundary.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag

from wwm_models.models.cells import Cells
from wwm_models.models.design import Design
from wwm_models.models.family import Family
from wwm_models.models.formula import formula_variables
from wwm_models.models.linear_map import Blocks
from wwm_models.models.model import Model
from wwm_models.numerics.arrays import Array


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The map between parameters and free coordinates.

    Attributes
    ----------
    ordered : int
        Thresholds of a pattern; 0 or 1 for none.
    threshold_patterns : int
        How many patterns have thresholds of their own.
    linear_transform : (p, p) array or None
        Parameters from thresholds and the rest; None where they are the same.
    """

    ordered: int
    threshold_patterns: int = 1
    linear_transform: Array | None = None

    def theta(self, free: Array) -> Array:
        """(..., p) parameters from (..., p) free coordinates."""
        increasing = free.copy()
        if self.ordered > 1:
            steps = increasing[..., : self._size].reshape(
                *free.shape[:-1], self.threshold_patterns, self.ordered
            )  # a view
            with np.errstate(over="ignore"):
                np.exp(steps[..., 1:], out=steps[..., 1:])
            np.add.accumulate(steps, axis=-1, out=steps)
        return increasing if self.linear_transform is None else increasing @ self.linear_transform.T

    def free(self, theta: Array) -> Array:
        """(..., p) free coordinates from (..., p) parameters."""
        free = theta.copy() if self.linear_transform is None else theta @ self._back.T
        if self.ordered > 1:
            thresholds = free[..., : self._size].reshape(*free.shape[:-1], self.threshold_patterns, self.ordered)
            steps = np.concatenate([thresholds[..., :1], np.log(np.diff(thresholds, axis=-1))], axis=-1)
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
        result = gradient.copy() if self.linear_transform is None else self.linear_transform.T @ gradient
        if self.ordered > 1:
            beyond = np.cumsum(result[: self._size].reshape(self.threshold_patterns, -1)[:, ::-1], axis=1)[:, ::-1]
            steps = free[: self._size].reshape(self.threshold_patterns, -1)
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
        return result if self.linear_transform is None else self.linear_transform @ result

    def position(self, place: NDArray[np.intp]) -> NDArray[np.intp]:
        """Positions among the free coordinates of parameters that are themselves there."""
        if self.linear_transform is None:
            return place
        found = np.argmax(np.abs(self.linear_transform[place]), axis=1)
        assert (np.count_nonzero(self.linear_transform[place], axis=1) == 1).all(), (
            "a threshold has no single parameter"
        )
        return found

    @property
    def _size(self) -> int:
        return self.ordered * self.threshold_patterns if self.ordered > 1 else 0

    @cached_property
    def _distances(self) -> NDArray[np.intp]:
        """Positions of the logarithms of distances."""
        return np.flatnonzero(np.arange(self._size) % self.ordered)

    @cached_property
    def _back(self) -> Array:
        assert self.linear_transform is not None
        return np.asarray(np.linalg.inv(self.linear_transform), dtype=np.float64)

    @cached_property
    def _log_volume(self) -> float:
        return 0.0 if self.linear_transform is None else float(np.linalg.slogdet(self.linear_transform)[1])


ROUNDING = 1e-9  # of combinations of indicators and of numbers scaled by their extremes


def truncation(model: Model, family: Family, cells: Cells, design: Design) -> Array:
    """Distances that must be positive, as (m, p) rows on theta; none where the increasing cut points hold them all."""
    size = len(design.names)
    if not family.ordered_cuts or _only_thresholds(model, family):
        return np.zeros((0, size))
    array = np.concatenate([design.array, design.build(crossed(_own(model, cells), cells)).array])
    gaps = np.unique(np.diff(array, axis=1).reshape(-1, array.shape[2]), axis=0)
    return np.hstack([gaps, np.zeros((len(gaps), size - array.shape[2]))])


def coordinates_of(model: Model, family: Family, cells: Cells, design: Design) -> Coordinates:
    """Free coordinates of a design: with thresholds per combination of levels where that is possible."""
    if _only_thresholds(model, family):
        return Coordinates(design.array.shape[1], int(design.is_cut.sum()) // design.array.shape[1])
    linear = design.linear
    if not (family.ordered_cuts and model.thresholds == "flexible" and isinstance(linear, Blocks)):
        return Coordinates(0)
    every = design.build(crossed(_own(model, cells), cells))
    assert isinstance(every, Blocks)
    corners = _corners(every.specific, linear.specific)
    if corners is None:
        return Coordinates(0)
    steps = len(linear.basis)
    to_thresholds = _to_thresholds(linear, corners, len(design.names))
    return Coordinates(steps, len(corners), np.asarray(np.linalg.inv(to_thresholds), dtype=np.float64))


def _only_thresholds(model: Model, family: Family) -> bool:
    """Whether cut points alone decide the order: those of everyone, or of every group with cut points of its own."""
    return family.ordered_cuts and model.thresholds == "flexible" and not model.nonproportional


def _own(model: Model, cells: Cells) -> list[str]:
    """Variables of the terms with slopes of their own, and of cut points by group."""
    known = [str(name) for name in cells.patterns.columns]
    named = [name for term in model.nonproportional for name in formula_variables(term, known)]
    return list(dict.fromkeys([*named, *filter(None, [model.thresholds_by])]))


def crossed(variables: Sequence[str], cells: Cells) -> pd.DataFrame:
    """Every combination of the values of some variables, the last varying fastest, the others as in the first pattern."""
    rows = list(itertools.product(*(values_of(cells, name) for name in variables)))
    frame = cells.patterns.iloc[np.zeros(len(rows), dtype=np.intp)].reset_index(drop=True)
    made = pd.DataFrame(rows, columns=pd.Index(variables), index=frame.index)
    for name in variables:
        frame[name] = made[name].astype(cells.patterns[name].dtype)
    return frame


def values_of(cells: Cells, name: str) -> list[object]:
    """The levels of a factor that some respondent has, or the extremes of a number."""
    column = cells.patterns[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = set(column)
        return [level for level in column.cat.categories if level in present]
    numbers = column.to_numpy(dtype=float)
    return [float(numbers.min()), float(numbers.max())]


def _corners(crossed: Array, data: Array) -> Array | None:
    """(q, q) distinct rows of a one and the columns, if there are as many as columns and all rows lie between them."""
    rows = np.unique(np.column_stack([np.ones(len(crossed)), crossed]), axis=0)
    if len(rows) != rows.shape[1] or np.linalg.matrix_rank(rows) < len(rows):
        return None
    shares = np.column_stack([np.ones(len(data)), data]) @ np.linalg.inv(rows)
    return rows if shares.min() > -ROUNDING else None


def _to_thresholds(linear: Blocks, corners: Array, size: int) -> Array:
    """(p, p) map from parameters to the predictors of the corners without the parallel part, then the other parameters."""
    steps, cuts = linear.basis.shape
    shared = linear.shared.shape[1]
    own = size - cuts - shared - linear.specific.shape[1] * steps
    of_cuts = np.kron(np.ones((len(corners), 1)), linear.basis)
    of_slopes = np.kron(corners[:, 1:], np.eye(steps))
    thresholds = np.hstack([of_cuts, np.zeros((len(of_cuts), shared)), of_slopes])
    rest = np.hstack([np.zeros((shared, cuts)), np.eye(shared), np.zeros((shared, of_slopes.shape[1]))])
    return np.asarray(block_diag(np.vstack([thresholds, rest]), np.eye(own)))
