"""Linear programs over one polyhedron, and its point of largest entropy.

`extremes` and `ratio_range` are the smallest and largest value of many linear forms, and of ratios of two. All forms over one polyhedron are
minimised together, as one block-diagonal program: a call of the solver costs more than a small program does. A ratio of two forms becomes a linear
program in the scaled variables ``y = t z`` (Charnes and Cooper).

`largest_entropy` is a primal-dual interior-point method on a polyhedron of probabilities. It maximises ``-sum_j w_j p_j log p_j`` over ``p > 0``
(and free further variables) under equations and two-sided inequalities. The problem is convex, and strictly so in p where w > 0, so the point is
unique there. With multipliers u, l of the upper and lower limits, slacks ``s_u = upper - G z`` and ``s_l = G z - lower``, and
``D = u / s_u + l / s_l``, each Newton step solves

    (H + G' D G) dz + E' v = -grad - G' (m / s_u - m / s_l + D r),    E dz = e - E z,    H = diag(w / p)

where m is the target of every product of slack and multiplier and r the residual of ``G z - y``.

References
----------
Boyd, S. and Vandenberghe, L. (2004). Convex Optimization. Cambridge University Press, section 11.7.
Charnes, A. and Cooper, W. W. (1962). Programming with linear fractional functionals. Naval Research Logistics Quarterly 9,
181-186. doi:10.1002/nav.3800090303
Huangfu, Q. and Hall, J. A. J. (2018). Parallelizing the dual revised simplex method. Mathematical Programming Computation
10, 119-142. doi:10.1007/s12532-017-0130-5 (HiGHS)
Jaynes, E. T. (1957). Information theory and statistical mechanics. Physical Review 106, 620-630.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from wwm_models.numerics.arrays import Array

_TOGETHER = 2400  # variables per call: fewer spend more on calls, more on programs whose blocks wait for each other
_THREADS = 2  # the solver works outside the interpreter's lock
_INFEASIBLE, _UNBOUNDED = 2, (3, 4)  # of scipy.optimize.milp; 4 says one of the two, and here there is a point


@dataclass(frozen=True, eq=False)
class Polyhedron:
    """Points z with ``lower <= rows @ z <= upper`` and ``low <= z <= high``.

    Attributes
    ----------
    rows : (m, n) sparse matrix
    lower, upper : (m,) arrays
        Equal where the row is an equation.
    low, high : (n,) arrays
        Infinite where a variable is free.
    """

    rows: sparse.csr_matrix
    lower: Array
    upper: Array
    low: Array
    high: Array

    def with_rows(self, rows: Array, lower: Array, upper: Array) -> Polyhedron:
        """The part of this polyhedron that also keeps some further rows; rows shorter than n concern the first variables."""
        more = np.zeros((len(rows), self.rows.shape[1]))
        more[:, : rows.shape[1]] = rows
        return Polyhedron(
            sparse.csr_matrix(sparse.vstack([self.rows, sparse.csr_matrix(more)])),
            np.append(self.lower, lower), np.append(self.upper, upper), self.low, self.high,
        )  # fmt: skip


def stacked(parts: Sequence[Polyhedron]) -> Polyhedron:
    """The product of several polyhedra: their variables one after the other."""
    widths = np.cumsum([0, *(part.rows.shape[1] for part in parts)])
    stored = np.cumsum([0, *(part.rows.nnz for part in parts)])
    blocks = (
        np.concatenate([part.rows.data for part in parts]),
        np.concatenate([part.rows.indices + start for part, start in zip(parts, widths[:-1], strict=True)]),
        np.concatenate([[0], *(part.rows.indptr[1:] + start for part, start in zip(parts, stored[:-1], strict=True))]),
    )
    return Polyhedron(
        sparse.csr_matrix(blocks, shape=(sum(part.rows.shape[0] for part in parts), int(widths[-1]))),
        np.concatenate([part.lower for part in parts]), np.concatenate([part.upper for part in parts]),
        np.concatenate([part.low for part in parts]), np.concatenate([part.high for part in parts]),
    )  # fmt: skip


def feasible(polyhedron: Polyhedron) -> bool:
    """Whether there is any point.

    Examples
    --------
    >>> interval = Polyhedron(sparse.csr_matrix([[1.0]]), np.array([2.0]), np.array([3.0]), np.zeros(1), np.ones(1))
    >>> feasible(interval)
    False
    """
    return _solved(np.zeros(polyhedron.rows.shape[1]), polyhedron).status != _INFEASIBLE


def extremes(pairs: Sequence[tuple[Polyhedron, Array]]) -> Array:
    """The smallest and largest value of each form over its own polyhedron, all in a few programs.

    Parameters
    ----------
    pairs : sequence of (Polyhedron, (n,) array)
        Every polyhedron has a point, and bounds its form. A form shorter than n concerns the first variables.

    Returns
    -------
    (len(pairs), 2) array

    Examples
    --------
    >>> simplex = Polyhedron(sparse.csr_matrix([[1.0, 1.0]]), np.ones(1), np.ones(1), np.zeros(2), np.ones(2))
    >>> extremes([(simplex, np.array([1.0, 3.0]))]).tolist()
    [[1.0, 3.0]]
    """
    both = [*pairs, *((polyhedron, -form) for polyhedron, form in pairs)]
    with ThreadPoolExecutor(_THREADS) as threads:
        found = list(threads.map(_minima, _bundled(both)))
    ends = np.concatenate(found).reshape(2, -1) if found else np.zeros((2, 0))
    return np.column_stack([ends[0], -ends[1]])


def _bundled(pairs: Sequence[tuple[Polyhedron, Array]]) -> list[Sequence[tuple[Polyhedron, Array]]]:
    """Programs in their order, as many together as a call solves well."""
    sizes = np.cumsum([polyhedron.rows.shape[1] for polyhedron, _ in pairs])
    starts = np.flatnonzero(np.diff(sizes // _TOGETHER, prepend=-1.0)).tolist()
    return [pairs[start:end] for start, end in zip(starts, [*starts[1:], len(pairs)], strict=False)]


def ratio_range(polyhedron: Polyhedron, numerator: Array, denominator: Array) -> tuple[float, float]:
    """Smallest and largest value of ``numerator @ z / denominator @ z`` where both forms are non-negative.

    Parameters
    ----------
    polyhedron : Polyhedron
        With a point.
    numerator, denominator : (n,) arrays

    Returns
    -------
    (float, float)
        The upper end is infinite where the denominator can vanish; both are nan where it always does.
    """
    size = polyhedron.rows.shape[1]
    top, below = _widened(numerator, size), _widened(denominator, size)
    if extremes([(polyhedron, below)])[0, 1] <= 0:
        return np.nan, np.nan
    scaled = _scaled(polyhedron, below)
    ends: list[float] = []
    for sign in (1.0, -1.0):
        solved = _solved(sign * np.append(top, 0.0), scaled)
        assert solved.status in (0, *_UNBOUNDED), solved.message
        ends.append(float(sign * solved.fun) if solved.status == 0 else np.inf)
    return ends[0], ends[1]


def _scaled(polyhedron: Polyhedron, denominator: Array) -> Polyhedron:
    """The polyhedron of (t z, t) with t >= 0 and a denominator of one."""
    size = len(denominator)
    finite_low, finite_high = np.isfinite(polyhedron.low), np.isfinite(polyhedron.high)
    one = sparse.eye(size, format="csr")
    blocks = [
        (polyhedron.rows, polyhedron.upper, -1), (polyhedron.rows, polyhedron.lower, 1),
        (one[finite_high], polyhedron.high[finite_high], -1), (one[finite_low], polyhedron.low[finite_low], 1),
    ]  # fmt: skip
    rows = [sparse.hstack([matrix, sparse.csr_matrix(-limit[:, None])]) for matrix, limit, _ in blocks]
    rows.append(sparse.csr_matrix(np.append(denominator, 0.0)))
    lower = [np.full(len(limit), 0.0 if side > 0 else -np.inf) for _, limit, side in blocks] + [np.ones(1)]
    upper = [np.full(len(limit), np.inf if side > 0 else 0.0) for _, limit, side in blocks] + [np.ones(1)]
    return Polyhedron(
        sparse.csr_matrix(sparse.vstack(rows)), np.concatenate(lower), np.concatenate(upper),
        np.append(np.full(size, -np.inf), 0.0), np.full(size + 1, np.inf),
    )  # fmt: skip


def _minima(pairs: Sequence[tuple[Polyhedron, Array]]) -> Array:
    whole = stacked([polyhedron for polyhedron, _ in pairs])
    forms = [_widened(form, polyhedron.rows.shape[1]) for polyhedron, form in pairs]
    solved = _solved(np.concatenate(forms), whole)
    assert solved.status == 0, solved.message
    ends = np.cumsum([len(form) for form in forms])
    pieces = np.split(np.asarray(solved.x, dtype=np.float64), ends[:-1])
    return np.array([float(form @ piece) for form, piece in zip(forms, pieces, strict=True)])


def _solved(objective: Array, polyhedron: Polyhedron):  # scipy's OptimizeResult has no declared fields
    constraint = LinearConstraint(polyhedron.rows.tocsc(), polyhedron.lower, polyhedron.upper)
    return milp(objective, constraints=constraint, bounds=Bounds(polyhedron.low, polyhedron.high))


def _widened(form: Array, size: int) -> Array:
    return np.append(form, np.zeros(size - len(form)))


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
    state = best = _State(z, (high - low) / 2.0, (high - low) / 2.0, multiplier, multiplier, np.inf)
    for _ in range(_STEPS):
        try:
            state = _step(state, heavy, (equations, e), (inside, high))
        except np.linalg.LinAlgError:  # limits that meet: nearer than this no step leads
            break
        best = min(best, state, key=lambda one: one.gap)
        if best.gap < _CLOSE:
            break
    return np.clip(best.z[:size], 0.0, 1.0) if best.gap < _USABLE else np.full(size, np.nan)


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
