"""The point of largest entropy of a polyhedron of probabilities, by a primal-dual interior-point method.

Maximises ``-sum_j w_j p_j log p_j`` over ``p > 0`` (and free further variables) under equations and two-sided inequalities.
The problem is convex, and strictly so in p where w > 0, so the point is unique there. With multipliers u, l of the upper
and lower limits, slacks ``s_u = upper - G z`` and ``s_l = G z - lower``, and ``D = u / s_u + l / s_l``, each Newton step solves

    (H + G' D G) dz + E' v = -grad - G' (m / s_u - m / s_l + D r),    E dz = e - E z,    H = diag(w / p)

where m is the target of every product of slack and multiplier and r the residual of ``G z - y``.

References
----------
Boyd, S. and Vandenberghe, L. (2004). Convex Optimization. Cambridge University Press, section 11.7.
Jaynes, E. T. (1957). Information theory and statistical mechanics. Physical Review 106, 620-630.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.numerics.programs import Polyhedron

Array = NDArray[np.float64]

_EQUAL = 1e-12  # limits nearer than this make an equation
_STEPS = 100
_CLOSE = 1e-10
_USABLE = 1e-6  # what is further from the solution after all steps is none
_AWAY = 0.99  # of the way to the nearest limit
_RIDGE = 1e-11  # on the multipliers of equations, which may depend on each other
_SMALLEST = 1e-7  # relative weight of a probability that no weight bears on: nothing but a choice among equals


@dataclass(frozen=True, eq=False)
class _State:
    """Variables, room to the upper and lower limits, the multipliers of both, and how far from the solution."""

    z: Array
    room_above: Array
    room_below: Array
    above: Array
    below: Array
    gap: float


def largest_entropy(polyhedron: Polyhedron, weights: Array, start: Array) -> Array:
    """The probabilities of largest entropy.

    Parameters
    ----------
    polyhedron : Polyhedron
        Not empty, every row with two finite limits. Its first len(weights) variables are the probabilities; the others
        are free.
    weights : (n_probabilities,) array
        Non-negative, not all zero.
    start : (n_probabilities,) array
        Positive; need not lie in the polyhedron.

    Returns
    -------
    (n_probabilities,) array
        nan where the method did not converge.

    Examples
    --------
    >>> from scipy import sparse
    >>> half = Polyhedron(sparse.csr_matrix([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]), np.array([1.0, 0.5]), np.array([1.0, 0.6]),
    ...     np.zeros(3), np.ones(3))
    >>> largest_entropy(half, np.ones(3), np.full(3, 1 / 3)).round(6).tolist()
    [0.5, 0.25, 0.25]
    """
    size = len(weights)
    heavy = np.maximum(weights, _SMALLEST * weights.max()) / weights.max()
    rows = polyhedron.rows.toarray()
    equal = polyhedron.upper - polyhedron.lower < _EQUAL
    equations, e = rows[equal], polyhedron.upper[equal]
    inside, low, high = rows[~equal], polyhedron.lower[~equal], polyhedron.upper[~equal]
    z = np.append(start, np.zeros(rows.shape[1] - size))
    multiplier = np.full(len(low), 0.1)
    state = _State(z, (high - low) / 2.0, (high - low) / 2.0, multiplier, multiplier, np.inf)
    for _ in range(_STEPS):
        state = _step(state, heavy, (equations, e), (inside, high))
        if state.gap < _CLOSE:
            break
    return np.clip(state.z[:size], 0.0, 1.0) if state.gap < _USABLE else np.full(size, np.nan)


def _step(state: _State, weights: Array, equal: tuple[Array, Array], limits: tuple[Array, Array]) -> _State:
    (equations, e), (rows, high) = equal, limits
    size, z = len(weights), state.z
    p, su, sl = z[:size], state.room_above, state.room_below
    count = max(2 * len(high), 1)
    mu = 0.1 * float(state.above @ su + state.below @ sl) / count
    slope = np.zeros_like(z)
    slope[:size] = weights * (np.log(p) + 1.0)
    bend = np.zeros_like(z)
    bend[:size] = weights / p
    stiffness = state.above / su + state.below / sl
    off = rows @ z - (high - su)
    move = _newton(
        np.diag(bend) + rows.T @ (stiffness[:, None] * rows),
        -slope - rows.T @ (mu / su - mu / sl + stiffness * off),
        equations,
        e - equations @ z,
    )
    dy = rows @ move + off
    dabove = mu / su - state.above + state.above / su * dy
    dbelow = mu / sl - state.below - state.below / sl * dy
    primal = min(_reach(p, move[:size]), _reach(su, -dy), _reach(sl, dy))
    dual = min(_reach(state.above, dabove), _reach(state.below, dbelow))
    found = _State(
        z + primal * move,
        su - primal * dy,
        sl + primal * dy,
        state.above + dual * dabove,
        state.below + dual * dbelow,
        0.0,
    )
    complementary = float(found.above @ found.room_above + found.below @ found.room_below) / count
    residual = max(_largest(equations @ found.z - e), _largest((1.0 - primal) * off), _largest(primal * move[:size]))
    return replace(found, gap=max(complementary, residual))


def _newton(curvature: Array, right: Array, equations: Array, gap: Array) -> Array:
    """The step of the variables that solves the saddle-point system."""
    m, n = equations.shape
    matrix = np.zeros((n + m, n + m))
    matrix[:n, :n] = curvature
    matrix[range(n), range(n)] += _RIDGE
    matrix[:n, n:], matrix[n:, :n] = equations.T, equations
    matrix[range(n, n + m), range(n, n + m)] = -_RIDGE
    return np.linalg.solve(matrix, np.append(right, gap))[:n].astype(np.float64)


def _reach(room: Array, move: Array) -> float:
    """How far along a move every room stays positive, at most 1."""
    shrinking = move < 0
    return min(1.0, _AWAY * float(np.min(-room[shrinking] / move[shrinking]))) if shrinking.any() else 1.0


def _largest(values: Array) -> float:
    return float(np.abs(values).max()) if len(values) else 0.0
