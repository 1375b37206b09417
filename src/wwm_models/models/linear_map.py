"""The linear map from parameters to the predictors of every pattern, and its transpose, in two forms of storage.

`Blocks` keeps what the rows share: cut points by a small basis, parallel columns once, own columns once. `Dense` holds the whole
(P, J, p) array. Both answer the same four questions, so that whatever fits, averages or samples does not ask which it has. The bases of cut points
(`threshold_basis`): flexible, equidistant, symmetric.

References
----------
Christensen, R. H. B. (2022). ordinal: Regression Models for Ordinal Data, section on structured thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.numerics.arrays import Array


@dataclass(frozen=True, eq=False)
class Dense:
    """The map as one array.

    Attributes
    ----------
    array : (P, J, p) array
    """

    array: Array

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows P, predictors J, parameters p."""
        rows, steps, size = self.array.shape
        return rows, steps, size

    def eta(self, theta: Array) -> Array:
        """(P, J) predictors at `theta` (p,)."""
        return self.array @ theta

    def etas(self, thetas: Array) -> Array:
        """(S, P, J) predictors at each of `thetas` (S, p)."""
        rows, steps, size = self.shape
        return (thetas @ self.array.reshape(-1, size).T).reshape(len(thetas), rows, steps)

    def transpose_apply(self, slopes: Array) -> Array:
        """Sum over rows and predictors of `slopes` (G, R, M, J), with G * R = P, times their rows of the map: (G, M, p)."""
        groups, rows, several, steps = slopes.shape
        flat = slopes.transpose(0, 2, 1, 3).reshape(groups, several, rows * steps)
        return flat @ self.array.reshape(groups, rows * steps, -1)

    def weighted_gram(self, hessians: Array) -> Array:
        """Sum over rows of D' B D for `hessians` (P, J, J): (p, p)."""
        flat = self.array.reshape(-1, self.array.shape[2])
        return flat.T @ (hessians @ self.array).reshape(flat.shape)

    def weighted_grams(self, hessians: Array) -> Array:
        """Sum over rows of D' B D for S sets of `hessians` (S, P, J, J): (S, p, p)."""
        return np.array([self.weighted_gram(one) for one in hessians])

    def row_products(self, scores: Array) -> Array:
        """`scores` (P, M, J) times the map, row by row: (P, M, p)."""
        return scores @ self.array

    def cuts(self, is_cut: NDArray[np.bool_]) -> Array:
        """(m, J, q) the distinct maps of the cut points: several where groups have their own."""
        columns = self.array[:, :, is_cut]
        return columns[np.unique(columns != 0, axis=0, return_index=True)[1]]

    def rows(self, where: NDArray[np.intp]) -> Dense:
        """The map of these rows."""
        return Dense(self.array[where])

    def only(self, kept: NDArray[np.bool_]) -> Dense:
        """The map of some of the parameters."""
        return Dense(self.array[:, :, kept])

    def standardising(self, weights: Array) -> Array:
        """(p, p) matrix T: in the parameters T^-1 theta the columns have length one under these row weights."""
        squares = np.einsum("rjp,r->p", self.array**2, weights) / max(float(weights.sum()), 1e-300)
        return np.diag(1.0 / np.where(squares > 0, np.sqrt(squares), 1.0))

    def changed(self, transform: Array) -> Dense:
        """The map of parameters u with theta = transform @ u."""
        return Dense(self.array @ transform)


@dataclass(frozen=True, eq=False)
class Blocks:
    """The map as parts; parameters are ordered cut points, parallel slopes, own slopes (J for each column).

    eta_rj = (basis c)_j + shared_r b + sum_c specific_rc g_cj

    Attributes
    ----------
    basis : (J, q) array
    shared : (P, s) array
    specific : (P, c) array
    """

    basis: Array
    shared: Array
    specific: Array

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows P, predictors J, parameters p."""
        steps, cuts = self.basis.shape
        return len(self.shared), steps, cuts + self.shared.shape[1] + self.specific.shape[1] * steps

    @cached_property
    def array(self) -> Array:
        """The whole (P, J, p) array."""
        rows, steps, _ = self.shape
        cuts = np.broadcast_to(self.basis, (rows, *self.basis.shape))
        shared = np.broadcast_to(self.shared[:, None, :], (rows, steps, self.shared.shape[1]))
        own = self.specific[:, None, :, None] * np.eye(steps)[None, :, None, :]
        return np.concatenate([cuts, shared, own.reshape(rows, steps, -1)], axis=2)

    def eta(self, theta: Array) -> Array:
        """(P, J) predictors at `theta` (p,)."""
        cuts, shared, own = self._parts(theta)
        eta = ((self.basis @ cuts)[:, None] + (self.shared @ shared)[None, :]).T  # each predictor's rows lie together
        return eta + (own.T @ self.specific.T).T if self.specific.shape[1] else eta

    def etas(self, thetas: Array) -> Array:
        """(S, P, J) predictors at each of `thetas` (S, p)."""
        steps, cuts = self.basis.shape
        end, count = cuts + self.shared.shape[1], self.specific.shape[1]
        eta = (thetas[:, :cuts] @ self.basis.T)[:, None, :] + (thetas[:, cuts:end] @ self.shared.T)[:, :, None]
        if count:
            eta += self.specific @ thetas[:, end:].reshape(len(thetas), count, steps)
        return eta

    def transpose_apply(self, slopes: Array) -> Array:
        """Sum over rows and predictors of `slopes` (G, R, M, J), with G * R = P, times their rows of the map: (G, M, p)."""
        groups, rows, several, steps = slopes.shape
        parts = [slopes.sum(axis=1) @ self.basis]
        if self.shared.shape[1]:
            parts.append(slopes.sum(axis=3).transpose(0, 2, 1) @ self.shared.reshape(groups, rows, -1))
        if self.specific.shape[1]:
            flat = slopes.reshape(groups, rows, several * steps).transpose(0, 2, 1)
            own = (flat @ self.specific.reshape(groups, rows, -1)).reshape(groups, several, steps, -1)
            parts.append(own.transpose(0, 1, 3, 2).reshape(groups, several, -1))
        return np.concatenate(parts, axis=2)

    def weighted_gram(self, hessians: Array) -> Array:
        """Sum over rows of D' B D for symmetric `hessians` (P, J, J): (p, p)."""
        steps, end = len(self.basis), self.basis.shape[1] + self.shared.shape[1]
        cuts, shared, own = slice(0, self.basis.shape[1]), slice(self.basis.shape[1], end), slice(end, None)
        result = np.zeros((self.shape[2], self.shape[2]))
        by_step = hessians.transpose(1, 2, 0)  # rows that lie together are summed quickly
        result[cuts, cuts] = self.basis.T @ by_step.sum(axis=2) @ self.basis
        beside = by_step.sum(axis=1)
        if self.shared.shape[1]:
            result[cuts, shared] = self.basis.T @ (beside @ self.shared)
            result[shared, cuts] = result[cuts, shared].T
            result[shared, shared] = (self.shared.T * beside.sum(axis=0)) @ self.shared
        if self.specific.shape[1]:
            each = (by_step @ self.specific).transpose(0, 2, 1).reshape(steps, -1)
            result[cuts, own] = self.basis.T @ each
            weighted = (self.specific[:, :, None] * beside.T[:, None, :]).reshape(len(self.specific), -1)
            result[shared, own] = self.shared.T @ weighted
            result[own, :end] = result[:end, own].T
            result[own, own] = self._own_weighted_gram(hessians)
        return result

    def weighted_grams(self, hessians: Array) -> Array:
        """Sum over rows of D' B D for S sets of symmetric `hessians` (S, P, J, J): (S, p, p).

        Every part is linear in B, so S sets are one product with the products of columns.
        """
        sets, (_, steps, size) = len(hessians), self.shape
        q, s, c = self.basis.shape[1], self.shared.shape[1], self.specific.shape[1]
        result = np.zeros((sets, size, size))
        flat = hessians.reshape(sets, -1, steps * steps)
        result[:, :q, :q] = self.basis.T @ (np.ones(flat.shape[1]) @ flat).reshape(sets, steps, steps) @ self.basis
        beside = (hessians.reshape(-1, steps) @ np.ones(steps)).reshape(sets, -1, steps)
        if s:
            result[:, :q, q : q + s] = self.basis.T @ (beside.transpose(0, 2, 1) @ self.shared)
            squares = _products(self.shared, self.shared)
            result[:, q : q + s, q : q + s] = (beside @ np.ones(steps) @ squares).reshape(sets, s, s)
        if c:
            flat = flat.transpose(0, 2, 1)
            one = (flat @ self.specific).reshape(sets, steps, steps, c)
            result[:, :q, q + s :] = self.basis.T @ one.transpose(0, 1, 3, 2).reshape(sets, steps, c * steps)
            mixed = (beside.transpose(0, 2, 1) @ _products(self.shared, self.specific)).reshape(sets, steps, s, c)
            result[:, q : q + s, q + s :] = mixed.transpose(0, 2, 3, 1).reshape(sets, s, c * steps)
            own = (flat @ _products(self.specific, self.specific)).reshape(sets, steps, steps, c, c)
            result[:, q + s :, q + s :] = own.transpose(0, 3, 1, 4, 2).reshape(sets, c * steps, c * steps)
        upper = np.triu(result)
        return upper + np.triu(result, 1).transpose(0, 2, 1)

    def row_products(self, scores: Array) -> Array:
        """`scores` (P, M, J) times the map, row by row: (P, M, p)."""
        rows, several, _ = scores.shape
        parts = [scores @ self.basis, scores.sum(axis=2)[:, :, None] * self.shared[:, None, :]]
        own = (self.specific[:, None, :, None] * scores[:, :, None, :]).reshape(rows, several, -1)
        return np.concatenate([*parts, own], axis=2)

    def cuts(self, is_cut: NDArray[np.bool_]) -> Array:  # noqa: ARG002 - the blocks know
        """(1, J, q) the map of the cut points, which all rows share."""
        return self.basis[None]

    def rows(self, where: NDArray[np.intp]) -> Blocks:
        """The map of these rows."""
        return Blocks(self.basis, self.shared[where], self.specific[where])

    def only(self, kept: NDArray[np.bool_]) -> Blocks:
        """The map of some of the parameters; of own slopes, all of a column or none."""
        steps, cuts = self.basis.shape
        end = cuts + self.shared.shape[1]
        return Blocks(self.basis[:, kept[:cuts]], self.shared[:, kept[cuts:end]], self.specific[:, kept[end::steps]])

    def standardising(self, weights: Array) -> Array:
        """(p, p) matrix T: in the parameters T^-1 theta the slopes' columns have, under these row weights, mean zero and length one.

        Moving a column's mean into the cut points needs cut points that can all move together (for own slopes: each alone);
        where they cannot, the column is only scaled.
        """
        steps, cuts = self.basis.shape
        s, size = self.shared.shape[1], self.shape[2]
        share = weights / max(float(weights.sum()), 1e-300)
        transform = np.zeros((size, size))
        transform[:cuts, :cuts] = np.eye(cuts)
        for columns, start, wanted in (
            (self.shared, cuts, np.ones((steps, 1))),
            (self.specific, cuts + s, np.eye(steps)),
        ):
            if not columns.shape[1]:
                continue
            width = wanted.shape[1]
            shift = self._cuts_giving(wanted)
            mean = np.zeros(columns.shape[1]) if shift is None else share @ columns
            length = np.sqrt(share @ (columns - mean) ** 2)
            scale = 1.0 / np.where(length > 0, length, 1.0)
            place = np.arange(start, start + columns.shape[1] * width)
            transform[place, place] = np.repeat(scale, width)
            if shift is not None:
                transform[:cuts, place] = -(shift[:, None, :] * (mean * scale)[:, None]).reshape(cuts, -1)
        return transform

    def changed(self, transform: Array) -> Blocks:
        """The map of parameters u with theta = transform @ u, for a transform made by `standardising`."""
        steps, cuts = self.basis.shape
        s = self.shared.shape[1]
        moved = self.basis @ transform[:cuts, cuts:]
        scale = np.diag(transform)[cuts:]
        shared = self.shared * scale[:s] + moved[0, :s]
        own = moved[:, s:].reshape(steps, -1, steps) if self.specific.shape[1] else np.zeros((steps, 0, steps))
        specific = self.specific * scale[s::steps] + own[0, :, 0]
        return Blocks(self.basis, shared, specific)

    def _parts(self, theta: Array) -> tuple[Array, Array, Array]:
        steps, cuts = self.basis.shape
        end = cuts + self.shared.shape[1]
        return theta[:cuts], theta[cuts:end], theta[end:].reshape(-1, steps)

    def _cuts_giving(self, wanted: Array) -> Array | None:
        """(q, m) cut point parameters that move the predictors by `wanted` (J, m), or None where they cannot."""
        found = np.asarray(np.linalg.solve(self.basis.T @ self.basis, self.basis.T @ wanted), dtype=np.float64)
        return found if np.abs(self.basis @ found - wanted).max(initial=0.0) < 1e-12 else None

    def _own_weighted_gram(self, hessians: Array) -> Array:
        rows, steps, _ = hessians.shape
        count = self.specific.shape[1]
        result = np.zeros((count, steps, count, steps))
        for j in range(steps):
            weighted = (self.specific[:, :, None] * hessians[:, None, j, :]).reshape(rows, -1)
            result[:, j] = (self.specific.T @ weighted).reshape(count, count, steps)
        return result.reshape(count * steps, count * steps)


def _products(first: Array, second: Array) -> Array:
    """(P, a * b) products of every column of one (P, a) with every column of the other (P, b)."""
    return (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)


Linear = Blocks | Dense
Columns = pd.DataFrame | Mapping[str, Any]


def threshold_basis(structure: str, cut_names: list[str]) -> tuple[Array, list[str]]:
    """Give the basis B with ``cuts = B @ parameters`` and the names of the parameters.

    Parameters
    ----------
    structure : {"flexible", "equidistant", "symmetric"}
    cut_names : list of str, J long

    Returns
    -------
    (J, q) array
    list of str, q long

    Examples
    --------
    >>> threshold_basis("equidistant", ["a|b", "b|c", "c|d"])[0].tolist()
    [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]
    """
    return _STRUCTURES[structure](cut_names)


def _flexible(cut_names: list[str]) -> tuple[Array, list[str]]:
    return np.eye(len(cut_names)), cut_names


def _equidistant(cut_names: list[str]) -> tuple[Array, list[str]]:
    steps = np.arange(len(cut_names), dtype=np.float64)
    return np.column_stack([np.ones_like(steps), steps])[:, : len(cut_names)], [cut_names[0], "spacing"][
        : len(cut_names)
    ]


def _symmetric(cut_names: list[str]) -> tuple[Array, list[str]]:
    """Distances from the middle are the same on both sides; an even number of cuts has two middle ones."""
    count = len(cut_names)
    half, middles = (count - 1) // 2, 2 - count % 2
    basis = np.zeros((count, middles + half))
    basis[: count - half - (middles - 1), 0] = 1.0
    basis[count - half - 1 :, middles - 1] = 1.0
    if middles == 2:
        basis[half + 1 :, 0] = 0.0
    for i in range(half):
        basis[half - 1 - i, middles + i] = -1.0
        basis[count - half + i, middles + i] = 1.0
    middle_names = cut_names[half : half + middles]
    return basis, middle_names + [f"spacing.{i + 1}" for i in range(half)]


_STRUCTURES = {"flexible": _flexible, "equidistant": _equidistant, "symmetric": _symmetric}
