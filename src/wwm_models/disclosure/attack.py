"""An attack on suppressed percentages: how far everything that is published pins each of them down.

The attacker knows the number of respondents and the weight of every cell, the tables' layout, and every percentage and count that
is not suppressed. What is left to him of a suppressed one is an interval, whose ends are two linear programs over all tables that agree with what
he knows; once over counts, where he also knows that they are whole, and once over weighted percentages. Both are harder on
the publisher than what a real attacker knows.

A count c of n respondents is protected when the attacker cannot say it to within a reach r: the whole numbers of his interval extend to c - r or
c + r, or to one of 0 and n where these are nearer and differ from c. A weighted percentage is protected when its interval extends as far, in units of
1 / n. For numbers that are suppressed for their own sake r is max(1, 0.3 c) rounded up; for those that only protect them it is 1, so that they
cannot be computed either.

References
----------
Hundepool, A. et al. (2012). Statistical Disclosure Control. Wiley, chapter 4.
Fischetti, M. and Salazar, J. J. (2001). Solving the cell suppression problem on tabular data with linear constraints. Management
Science 47, 1008-1027. doi:10.1287/mnsc.47.7.1008.9805
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from wwm_models.disclosure.published import Flags, Item, Published
from wwm_models.numerics.programs import Polyhedron, extremes

Array = NDArray[np.float64]

RANGE = 0.3  # of a count, on either side: a usual safety range of tabular data
_SOLVED = 1e-6  # as close as the solver comes


def shortfalls(table: Published, hidden: Flags, targets: Sequence[int], primary: Flags) -> Array:
    """How much of its protection each suppressed item lacks: 0 where it is protected, 1 where the attacker knows it exactly.

    Parameters
    ----------
    table : Published
    hidden : (items,) bools
        Which are suppressed.
    targets : sequence of int
        Places of suppressed items.
    primary : (items,) bools
        Which of them are suppressed for their own sake.
    """
    return attacked([(table, hidden, place) for place in targets], primary[list(targets)])


def attacked(cases: Sequence[tuple[Published, Flags, int]], primary: Flags) -> Array:
    """`shortfalls` of many cases of (table, hidden, target), in as few programs as possible."""
    if not cases:
        return np.zeros(0)
    items = [table.items[place] for table, _, place in cases]
    n = np.array([table.base(item) for (table, _, _), item in zip(cases, items, strict=True)])
    count = np.array([table.count(item) for (table, _, _), item in zip(cases, items, strict=True)])
    reach = np.where(primary, np.ceil(np.maximum(1.0, RANGE * count)), 1.0)
    by_count = _intervals(cases, weighted=False) * n[:, None]
    whole = np.column_stack([np.ceil(by_count[:, 0] - _SOLVED), np.floor(by_count[:, 1] + _SOLVED)])
    share = np.array([value(table.weights, item) for (table, _, _), item in zip(cases, items, strict=True)])
    by_weight = _intervals(cases, weighted=True) * n[:, None]
    return np.maximum(_lacking(whole, count, reach, n), _lacking(by_weight, share * n, reach, n))


def _lacking(ends: Array, true: Array, reach: Array, n: Array) -> Array:
    """One less the share of its reach that the better end of an interval attains."""
    below = (true - ends[:, 0]) / np.clip(np.minimum(reach, true), _SOLVED, None)
    above = (ends[:, 1] - true) / np.clip(np.minimum(reach, n - true), _SOLVED, None)
    below[true < _SOLVED], above[n - true < _SOLVED] = 0.0, 0.0
    lacking = 1.0 - np.maximum(below, above)
    return np.where(lacking < 10 * _SOLVED, 0.0, lacking)


def value(amounts: Array, item: Item) -> float:
    """The share of an item in counts or in weights; 0 in a group without any."""
    inside = amounts[item.cells]
    return float(inside[:, item.answers].sum() / inside.sum()) if inside.sum() > 0 else 0.0


def _intervals(cases: Sequence[tuple[Published, Flags, int]], *, weighted: bool) -> Array:
    """(cases, 2): smallest and largest share of each target over all tables that agree with what is not hidden."""
    spaces: dict[tuple[int, bytes], Polyhedron] = {}
    pairs: list[tuple[Polyhedron, Array]] = []
    for table, hidden, place in cases:
        amounts = table.weights if weighted else table.counts
        key = id(table), hidden.tobytes()
        if key not in spaces:
            spaces[key] = known(table, amounts, hidden)
        pairs.append((spaces[key], form(amounts.sum(axis=1), table.items[place])))
    return extremes(pairs)


def known(table: Published, amounts: Array, hidden: Flags) -> Polyhedron:
    """All answer shares of the cells that agree with what is not hidden."""
    base = amounts.sum(axis=1)
    shown = [item for item, out in zip(table.items, hidden, strict=True) if not out and base[item.cells].sum() > 0]
    cells, size = amounts.shape
    rows = np.vstack([np.kron(np.eye(cells), np.ones(size)), *(form(base, item) for item in shown)])
    values = np.append(np.ones(cells), [value(amounts, item) for item in shown])
    return Polyhedron(sparse.csr_matrix(rows), values, values, np.zeros(cells * size), np.ones(cells * size))


def form(base: Array, item: Item) -> Array:
    """The coefficients of an item in the answer shares of the cells."""
    weight = np.where(item.cells, base, 0.0)
    return np.outer(weight / max(weight.sum(), np.finfo(np.float64).tiny), item.answers).ravel()
