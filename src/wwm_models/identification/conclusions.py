"""What survives of a claim, and why: the verdict over all tables that agree with what is assumed.

A claim survives any adjustment when every table puts the adjusted numbers where the claim does, and none when no table puts all
of them there at once, which is a feasibility program over the outcomes that the claim joins. Where the raw numbers are known to agree
with it, by print or because its sentence is assumed, and some table puts an adjusted number on the opposite side, it can be reversed.

The opposite side of a claim that one number is larger than another, by whatever margin, begins where the two are equal: a difference that
only falls short of its margin leaves the claim undetermined. Of a size, a range, an equality and a ratio that may be 1 it is all that the claim excludes.

The least interaction that reverses a claim: the limits of the interaction rows are linear in delta, so delta becomes a variable of
the program and is minimised under the condition that the number lies on the opposite side. `reason` says in a sentence what decides a claim, or leaves it open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from scipy import sparse

from wwm_models.claims.article import Claim, Reference
from wwm_models.claims.claim_kinds import CLAIM_KINDS
from wwm_models.claims.claimed_quantities import leaves
from wwm_models.identification.solve import (
    EXACT,
    BoundedQuantity,
    FeasibleSet,
    OutcomeBlock,
    Regions,
    Sentence,
    blocks_of,
    outcomes_of,
)
from wwm_models.messages import number, say, together
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.linear_programs import Polyhedron, extremes, feasible, stacked

TRUE, FALSE, OPEN = "survives any adjustment", "survives no adjustment", "undetermined"
REVERSIBLE = (
    "can be reversed"  # raw agrees with the claim, and some table puts the adjusted number on the opposite side
)
PRINTED = (
    "holds as printed"  # a printed value is decided for raw; what adjustment does to it is a number, and no verdict
)
NOTHING = "nothing to adjust"  # the sentence is about raw, and no other characteristic is held equal in its numbers
NO_TABLE = "no table"  # the printed numbers and the limit on the interaction exclude each other
NOT_BOUNDED = "cannot be bounded"
ASSUMED: Final = "assumed"  # of raw: the article says so


@dataclass(frozen=True, eq=False)
class Claimed:
    """A claim, or a part of it, as quantities.

    Attributes
    ----------
    adjusted, raw : tuples of BoundedQuantity
        One to one.
    known : str
        The verdict on raw: TRUE, FALSE, OPEN or ASSUMED.
    known_parts : tuple of str
        The same for every quantity, where they differ.
    """

    adjusted: tuple[BoundedQuantity, ...]
    raw: tuple[BoundedQuantity, ...]
    known: str
    known_parts: tuple[str, ...] = ()

    @property
    def parts(self) -> list[Claimed]:
        """Every quantity as a claim of its own."""
        known = self.known_parts or (self.known,) * len(self.raw)
        return [
            Claimed((one,), (other,), word) for one, other, word in zip(self.adjusted, self.raw, known, strict=True)
        ]

    @property
    def value(self) -> bool:
        """Whether it says what numbers are, to their rounding, instead of comparing them."""
        return all(CLAIM_KINDS[quantity.kind].judged == "printed" for quantity in self.adjusted)

    @property
    def of_everyone(self) -> bool:
        """Whether it compares no groups: nothing is held equal, and only those who are in no figure are left out of the adjusted numbers."""
        return all(not reference.group for quantity in self.adjusted for reference in quantity.references)

    @property
    def unadjusted(self) -> bool:
        """Whether nothing is left to hold equal: the adjusted numbers are the raw ones."""
        return all(_same(one, other) for one, other in zip(self.adjusted, self.raw, strict=True))


def _same(one: BoundedQuantity, other: BoundedQuantity) -> bool:
    pairs = [(*one.terms, *_below(one)), (*other.terms, *_below(other))]
    return all(
        first == second and np.allclose(form, also) for (first, form), (second, also) in zip(*pairs, strict=True)
    )


def _below(quantity: BoundedQuantity) -> tuple[tuple[str, Array], ...]:
    return () if quantity.denominator is None else (quantity.denominator,)


def verdict(claimed: Claimed, limits: Array, space: FeasibleSet) -> str:
    """What survives of a claim.

    Parameters
    ----------
    claimed : Claimed
    limits : (q, 2) array
        The smallest and largest values of its adjusted quantities.
    space : FeasibleSet
    """
    plain = truth(claimed.adjusted, limits, space)
    agrees, settled = claimed.known in (TRUE, ASSUMED), NOTHING if claimed.known == ASSUMED else PRINTED
    if plain != NO_TABLE and claimed.unadjusted and agrees:
        return settled
    if plain != OPEN:
        return plain
    if claimed.of_everyone and agrees:
        return settled
    if claimed.known == TRUE and claimed.value:
        return PRINTED
    if agrees and any(reverses(quantity, ends) for quantity, ends in zip(claimed.adjusted, limits, strict=True)):
        return REVERSIBLE
    return OPEN


def truth(quantities: Sequence[BoundedQuantity], limits: Array, space: FeasibleSet) -> str:
    """Whether all tables, none or some put every quantity where the claim does."""
    if not np.isfinite(limits[:, 0]).all():
        return NO_TABLE
    if all(quantity.holds(ends) for quantity, ends in zip(quantities, limits, strict=True)):
        return TRUE
    if any(quantity.fails(ends) for quantity, ends in zip(quantities, limits, strict=True)):
        return FALSE
    if len(quantities) == 1 or _met(quantities, space) or _together(quantities, space):
        return OPEN
    return FALSE


def _met(quantities: Sequence[BoundedQuantity], space: FeasibleSet) -> bool:
    """Whether the table of largest entropy is one for which the claim is true."""
    return all(quantity.inside.has(quantity.value(space.points)) for quantity in quantities)


def _together(quantities: Sequence[BoundedQuantity], space: FeasibleSet) -> bool:
    """Whether some table puts every quantity where the claim does."""
    own = {id(space.blocks[outcome]): space.blocks[outcome] for one in quantities for outcome in outcomes_of(one)}
    whole = beside(list(own.values()))
    return feasible(whole.under(quantities).polyhedron)


def beside(blocks: Sequence[OutcomeBlock]) -> OutcomeBlock:
    """Blocks as one, the variables of each behind those of the former."""
    if len(blocks) == 1:
        return blocks[0]
    begins = np.cumsum([0, *(block.polyhedron.rows.shape[1] for block in blocks)]).tolist()
    starts = {
        name: begin + at for block, begin in zip(blocks, begins, strict=False) for name, at in block.starts.items()
    }
    polyhedron = stacked([block.polyhedron for block in blocks])
    return OutcomeBlock(starts, begins[-1], tuple(block.key for block in blocks), polyhedron)


def opposite(quantity: BoundedQuantity) -> tuple[float, float]:
    """What is below the first and above the second number is the opposite of a claim.

    Examples
    --------
    >>> from wwm_models.claims.claim_kinds import CLAIM_KINDS, ClaimedRange
    >>> opposite(BoundedQuantity("C1", "bound", (), (("wish", np.ones(2)),), None, ClaimedRange(0.4, float("inf"), strict=True)))
    (0.4, inf)
    """
    inside = quantity.inside
    equal = 1.0 if quantity.denominator is not None else 0.0
    if len(quantity.references) > 1:
        if inside.lower > equal or (inside.strict and inside.lower == equal):
            return equal, np.inf
        if inside.upper < equal or (inside.strict and inside.upper == equal):
            return -np.inf, equal
    return inside.lower, inside.upper


def reverses(quantity: BoundedQuantity, ends: Array) -> bool:
    """Whether a number between these limits can lie on the opposite side."""
    below, above = opposite(quantity)
    return bool(ends[0] < below - EXACT or ends[1] > above + EXACT)


def least_interaction(claimed: Claimed, regions: Regions, sentences: Sequence[Sentence]) -> float:
    """The smallest limit on the interaction under which a claim can be reversed; nan where none does.

    Parameters
    ----------
    claimed : Claimed
    regions : mapping of outcome to Region
    sentences : sequence of Sentence
        Assumed to be true of raw percentages.

    Returns
    -------
    float
        Probability scale.
    """
    blocks = [blocks_of(regions, delta, sentences) for delta in (0.0, 1.0)]
    found = [np.nan]
    for quantity in claimed.adjusted:
        own = [place for place, block in enumerate(blocks[0]) if set(outcomes_of(quantity)) & set(block.starts)]
        none, full = (beside([every[place] for place in own]) for every in blocks)
        free = _with_interaction(none, full)
        found += [_smallest(free, rows) for rows in _sides(quantity)]
    return float(np.nanmin(found)) if np.isfinite(found).any() else float("nan")


def _sides(quantity: BoundedQuantity) -> list[BoundedQuantity]:
    """The same quantity on each opposite side there is."""
    below, above = opposite(quantity)
    sides = [(-np.inf, below)] if np.isfinite(below) and quantity.denominator is None else []
    sides += [(0.0, below)] if np.isfinite(below) and quantity.denominator is not None else []
    sides += [(above, np.inf)] if np.isfinite(above) else []
    return [replace(quantity, inside=replace(quantity.inside, lower=low, upper=high)) for low, high in sides]


def _with_interaction(none: OutcomeBlock, full: OutcomeBlock) -> OutcomeBlock:
    """The block with its limit on the interaction as a last variable: each limit of a row is linear in it."""
    low, high = none.polyhedron, full.polyhedron
    moves = np.stack([high.lower - low.lower, high.upper - low.upper], axis=1)
    moves = np.where(np.isfinite(moves), moves, 0.0)
    fixed = ~(moves != 0.0).any(axis=1)
    column = [np.zeros(fixed.sum()), -moves[~fixed, 0], -moves[~fixed, 1]]
    rows = sparse.vstack([low.rows[fixed], low.rows[~fixed], low.rows[~fixed]])
    unlimited = np.full((~fixed).sum(), np.inf)
    polyhedron = Polyhedron(
        sparse.csr_matrix(sparse.hstack([rows, sparse.csr_matrix(np.concatenate(column)[:, None])])),
        np.concatenate([low.lower[fixed], low.lower[~fixed], -unlimited]),
        np.concatenate([low.upper[fixed], unlimited, low.upper[~fixed]]),
        np.append(low.low, 0.0), np.append(low.high, 1.0),
    )  # fmt: skip
    return replace(none, polyhedron=polyhedron)


def _smallest(free: OutcomeBlock, quantity: BoundedQuantity) -> float:
    block = free.under([quantity])
    last = np.append(np.zeros(block.polyhedron.rows.shape[1] - 1), 1.0)
    return float(extremes([(block.polyhedron, last)])[0, 0]) if feasible(block.polyhedron) else np.nan


def reason(claim: Claim, own: Claimed | None, parts: pd.DataFrame, whole: pd.Series, lang: str) -> str:
    """What decides a claim, or leaves it open.

    Parameters
    ----------
    claim : Claim
    own : Claimed or None
        None where nothing of it can be bounded.
    parts : DataFrame
        The rows of its quantities without a limit on the interaction.
    whole : Series
        Its own row.
    lang : str
    """
    if claim.missing:
        return claim.missing
    if all(leaf.about.judged == "counted" for leaf in leaves(claim)):
        return say("bounds_counted", lang)
    if own is None:
        return say("bounds_outside", lang)
    words = parts["verdict"].tolist()
    place = min(
        range(len(words)), key=lambda at: (words[at] != REVERSIBLE, words[at] == TRUE)
    )  # what decides it, the first
    survive = words.count(TRUE)
    return together(
        say("bounds_parts", lang, count=survive, parts=len(parts)) if len(parts) > 1 else "",
        _range(own.adjusted[place], parts.iloc[place], lang),
        say("bounds_unadjusted", lang) if own.unadjusted else "",
        _everyone(own, lang),
        _assumed(own, lang),
        _reversal(float(whole["reversed_from"]), str(whole["verdict"]), lang),
    )


def _range(quantity: BoundedQuantity, row: pd.Series, lang: str) -> str:
    what = label(quantity.references, ratio=CLAIM_KINDS[quantity.kind].arithmetic.ratio, lang=lang)
    if not np.isfinite(row["lower"]):
        return say("bounds_no_table", lang, what=what)
    unit, digits = (1.0, ".2f") if quantity.denominator is not None else (100.0, ".1f")
    low, high = (number(unit * row[name], digits) for name in ("lower", "upper"))
    return say("bounds_range", lang, what=what, low=low, high=high)


def label(references: tuple[Reference, ...], *, ratio: bool, lang: str) -> str:
    """What a quantity is of: a number, or numbers with what stands between them."""
    names = [reference.named for reference in references]
    if len(names) == 1:
        return names[0]
    if len(names) == 2:
        return say("over" if ratio else "minus", lang, one=names[0], other=names[1])
    return say("minus_minus", lang, one=names[0], other=names[1], third=names[2], fourth=names[3])


def _everyone(own: Claimed, lang: str) -> str:
    """Of everyone nothing is held equal: the target population leaves out who is in no figure, and that is all."""
    return say("bounds_everyone", lang) if own.of_everyone and not own.unadjusted else ""


def _assumed(own: Claimed, lang: str) -> str:
    return say("bounds_assumed", lang) if own.known == ASSUMED else ""


def _reversal(least: float, verdict: str, lang: str) -> str:
    if verdict != REVERSIBLE or not np.isfinite(least):
        return ""
    if least <= 0.0:
        return say("bounds_reversed_always", lang)
    return say("bounds_reversed_from", lang, points=number(100.0 * least, ".1f"))
