"""Which further printed number would tell most: every empty slot filled in turn with its maximum-entropy value, rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.article.bounds.quantities import Quantity
from wwm_models.article.bounds.solve import Allowed, Regions, apart, outcomes_of
from wwm_models.article.reader import Article, Published
from wwm_models.article.rounding import unrounded
from wwm_models.numerics.programs import Polyhedron, extremes, ratio_range

Array = NDArray[np.float64]

_NOTHING = 1e-6  # a smaller gain, in probability, is the solver's tolerance


@dataclass(frozen=True)
class Narrowing:
    """The most telling slot, and the limits that it would leave; an empty id where no slot tells anything."""

    id: str
    lower: float
    upper: float


def narrowings(
    asked: Sequence[tuple[Quantity, Array]], article: Article, regions: Regions, space: Allowed
) -> dict[str, Narrowing]:
    """The most telling empty slot of each quantity, by its id.

    Parameters
    ----------
    asked : sequence of (Quantity, (2,) array)
        With the limits as they are.
    article : Article
    regions : mapping of outcome to Region
    space : Allowed
        Without a limit on the interaction.
    """
    slots = [
        slot
        for slot in article.published
        if slot.value is None and slot.at.outcome in space.polyhedra and regions[slot.at.outcome].has_weight(slot.at)
    ]
    filled = {slot.id: _filled(slot, regions, space) for slot in slots}
    tries = [
        (quantity, slot)
        for quantity, ends in asked
        for slot in slots
        if slot.at.outcome in outcomes_of(quantity) and quantity.width(ends) > _NOTHING
    ]
    solved = _tried(tries, filled, regions, space)
    found = {quantity.id: Narrowing("", *ends.tolist()) for quantity, ends in asked}
    for quantity, ends in asked:
        own = [(slot.id, solved[quantity.id, slot.id]) for tried, slot in tries if tried is quantity]
        name, best = min(own, key=lambda pair, q=quantity: round(q.width(pair[1]) / _NOTHING), default=("", ends))
        if quantity.width(ends) - quantity.width(best) > _NOTHING:
            found[quantity.id] = Narrowing(name, *best.tolist())
    return found


def _filled(slot: Published, regions: Regions, space: Allowed) -> Polyhedron:
    """The polyhedron if a slot had its maximum-entropy value printed, to its own rounding."""
    form = regions[slot.at.outcome].raw(slot.at)
    value = 100.0 * float(form @ space.points[slot.at.outcome])
    lower, upper = (np.array([end / 100.0]) for end in unrounded(value, value, slot.rounding))
    return space.polyhedra[slot.at.outcome].with_rows(form[None, :], lower, upper)


def _tried(
    tries: Sequence[tuple[Quantity, Published]], filled: dict[str, Polyhedron], regions: Regions, space: Allowed
) -> dict[tuple[str, str], Array]:
    """Limits of every quantity under every slot that may bear on it; equal programs are solved once."""
    programs: dict[object, tuple[Polyhedron, Array]] = {}
    keys: dict[tuple[str, str], list[object]] = {}
    for quantity, slot in tries:
        parts = [*quantity.terms, *([quantity.denominator] if quantity.denominator is not None else [])]
        keys[quantity.id, slot.id] = []
        for outcome, form in parts:
            hit = outcome == slot.at.outcome
            polyhedron = filled[slot.id] if hit else space.polyhedra[outcome]
            added = regions[outcome].raw(slot.at).tobytes() if hit else b""
            key = regions[outcome].signature, form.tobytes(), added
            programs.setdefault(key, (polyhedron, form))
            keys[quantity.id, slot.id].append(key)
    ends = dict(zip(programs, extremes(list(programs.values())), strict=True))
    return {
        (quantity.id, slot.id): _combined(quantity, [ends[key] for key in keys[quantity.id, slot.id]], filled[slot.id])
        for quantity, slot in tries
    }


def _combined(quantity: Quantity, parts: Sequence[Array], polyhedron: Polyhedron) -> Array:
    if quantity.denominator is None:
        return np.sum(parts, axis=0)
    if len(outcomes_of(quantity)) == 1:
        return np.array(ratio_range(polyhedron, quantity.terms[0][1], quantity.denominator[1]))
    return apart(parts[0], parts[1])
