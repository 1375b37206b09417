"""Which further printed number would tell most: every empty slot filled in turn with its maximum-entropy value, rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wwm_models.claims.article import Article, Published
from wwm_models.claims.rounding import unrounded
from wwm_models.identification.solve import (
    ANYWHERE,
    BoundedQuantity,
    FeasibleSet,
    OutcomeBlock,
    Regions,
    combined,
    ends_of,
    outcomes_of,
    parts_of,
)
from wwm_models.numerics.arrays import Array

_NOTHING = 1e-6  # a smaller gain, in probability, is the solver's tolerance


@dataclass(frozen=True)
class Narrowing:
    """The most telling slot, and the limits that it would leave; an empty id where no slot tells anything."""

    id: str
    lower: float
    upper: float


def narrowings(
    asked: Sequence[tuple[BoundedQuantity, Array]], article: Article, regions: Regions, space: FeasibleSet
) -> dict[str, Narrowing]:
    """The most telling empty slot of each quantity, by its id; a slot of which the quantity itself is made tells nothing further.

    Parameters
    ----------
    asked : sequence of (BoundedQuantity, (2,) array)
        With the limits as they are.
    article : Article
    regions : mapping of outcome to Region
    space : FeasibleSet
        Without a limit on the interaction.
    """
    filled = {
        slot.id: (slot, _filled(slot, regions, space))
        for slot in article.published
        if slot.value is None and slot.at.outcome in space.blocks and regions[slot.at.outcome].has_weight(slot.at)
    }
    tries = [
        (quantity, slot, block)
        for quantity, ends in asked
        for slot, block in filled.values()
        if block is not None and quantity.width(ends) > _NOTHING and _further(slot, quantity)
    ]
    solved = _tried(tries, space)
    found = {quantity.id: Narrowing("", *ends.tolist()) for quantity, ends in asked}
    for quantity, ends in asked:
        own = [(slot.id, solved[quantity.id, slot.id]) for tried, slot, _ in tries if tried is quantity]
        name, best = min(own, key=lambda pair, q=quantity: _telling(q, pair[1]), default=("", ends))
        if quantity.width(ends) - quantity.width(best) > _NOTHING:
            found[quantity.id] = Narrowing(name, *best.tolist())
    return found


def _further(slot: Published, quantity: BoundedQuantity) -> bool:
    """Whether a slot is of a question that a quantity is about, and another number than those that it is made of."""
    own = {reference.ordered for reference in quantity.references}
    return slot.at.outcome in outcomes_of(quantity) and slot.at.ordered not in own


def _telling(quantity: BoundedQuantity, ends: Array) -> tuple[bool, int]:
    """Smallest for the slot that decides a claim, and then for the one that leaves least."""
    decided = quantity.inside is not ANYWHERE and (quantity.holds(ends) or quantity.fails(ends))
    return not decided, round(quantity.width(ends) / _NOTHING)


def _filled(slot: Published, regions: Regions, space: FeasibleSet) -> OutcomeBlock | None:
    """The block if a slot had its maximum-entropy value printed, to its own rounding; None where there is no such value."""
    block, form = space.blocks[slot.at.outcome], regions[slot.at.outcome].raw(slot.at)
    value = 100.0 * float(form @ space.points[slot.at.outcome])
    if not np.isfinite(value):
        return None
    lower, upper = (np.array([end / 100.0]) for end in unrounded(value, value, slot.rounding))
    whole = block.form([(slot.at.outcome, form)])
    narrowed = block.polyhedron.with_rows(whole[None, :], lower, upper)
    return replace(block, polyhedron=narrowed, key=(block.key, whole.tobytes(), slot.rounding))


def _tried(
    tries: Sequence[tuple[BoundedQuantity, Published, OutcomeBlock]], space: FeasibleSet
) -> dict[tuple[str, str], Array]:
    """Limits of every quantity under every slot that may bear on it; equal programs are solved once."""
    spaces = {
        slot.id: replace(space, blocks={**space.blocks, **dict.fromkeys(block.starts, block)})
        for _, slot, block in tries
    }
    made = [(quantity, slot, parts_of(quantity, spaces[slot.id])) for quantity, slot, _ in tries]
    ends = ends_of([part for _, _, parts in made for part in parts])
    return {(quantity.id, slot.id): combined(quantity, parts, ends) for quantity, slot, parts in made}
