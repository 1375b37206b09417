"""Verdicts under bounds: true for all tables, false for all tables, or undetermined.

A claim is true for all tables when every quantity of it must lie where the claim puts it, and false for all when no table
puts all of them there at once, which is a feasibility program over the outcomes that the claim joins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wwm_models.article.bounds.quantities import Quantity
from wwm_models.article.bounds.solve import Allowed, outcomes_of
from wwm_models.numerics.programs import feasible, stacked

Array = NDArray[np.float64]

TRUE, FALSE, OPEN = "true for all tables", "false for all tables", "undetermined"
NO_TABLE = "no table"  # the printed numbers and the limit on the interaction exclude each other
NOT_BOUNDED = "cannot be bounded"


def verdict(quantities: Sequence[Quantity], limits: Array, space: Allowed) -> str:
    """The verdict on the conjunction of quantities.

    Parameters
    ----------
    quantities : sequence of Quantity
    limits : (q, 2) array
        Their smallest and largest values.
    space : Allowed
    """
    if not np.isfinite(limits[:, 0]).all():
        return NO_TABLE
    if all(quantity.holds(ends) for quantity, ends in zip(quantities, limits, strict=True)):
        return TRUE
    if any(quantity.fails(ends) for quantity, ends in zip(quantities, limits, strict=True)):
        return FALSE
    if len(quantities) == 1 or _met(quantities, space) or _together(quantities, space):
        return OPEN
    return FALSE


def _met(quantities: Sequence[Quantity], space: Allowed) -> bool:
    """Whether the table of largest entropy is one for which the claim is true."""
    return all(q.inside.has(q.value(space.points)) for q in quantities)


def _together(quantities: Sequence[Quantity], space: Allowed) -> bool:
    """Whether some table puts every quantity where the claim does."""
    outcomes = list(dict.fromkeys(outcome for quantity in quantities for outcome in outcomes_of(quantity)))
    whole = stacked([space.polyhedra[outcome] for outcome in outcomes])
    starts = dict(
        zip(outcomes, np.cumsum([0, *(space.polyhedra[o].rows.shape[1] for o in outcomes[:-1])]), strict=True)
    )
    rows: list[Array] = []
    ends: list[tuple[float, float]] = []
    for quantity in quantities:
        for form, low, high in _rows(quantity, whole.rows.shape[1], starts):
            rows.append(form)
            ends.append((low, high))
    lower, upper = np.array(ends).T
    return feasible(whole.with_rows(np.array(rows), lower, upper))


def _rows(quantity: Quantity, size: int, starts: dict[str, int]) -> list[tuple[Array, float, float]]:
    top = np.zeros(size)
    for outcome, form in quantity.terms:
        top[starts[outcome] : starts[outcome] + len(form)] += form
    low, high = quantity.inside.lower, quantity.inside.upper
    if quantity.denominator is None:
        return [(top, low, high)]
    below = np.zeros(size)
    outcome, form = quantity.denominator
    below[starts[outcome] : starts[outcome] + len(form)] = form
    found = [(top - low * below, 0.0, np.inf)]
    return found + ([(top - high * below, -np.inf, 0.0)] if np.isfinite(high) else [])
