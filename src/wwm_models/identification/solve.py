"""What bounds are made for: every number of the article, and every quantity that a claim puts in a region.

Smallest, largest and maximum-entropy values of quantities under one limit on the interaction.

Nothing printed about one outcome bears on another, so the limits of a sum over outcomes are the sums of the limits, and equal
forms over equal regions are solved once.

Which further printed number would tell most: every empty slot filled in turn with its maximum-entropy value, rounded.

Why no table agrees with everything: a minimal set of printed numbers that exclude each other.

The deletion filter: leave out each number in turn and keep it out for good if what remains still has no table. What is left
is irreducible: without any one of its numbers there is a table.

References
----------
Chinneck, J. W. and Dravnieks, E. W. (1991). Locating minimal infeasible constraint sets in linear programs. ORSA Journal on
Computing 3, 157-168. doi:10.1287/ijoc.3.2.157
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wwm_models.claims.article import Article, Claim, Published, Reference
from wwm_models.claims.claim_kinds import SIGNS, ClaimedRange
from wwm_models.claims.claimed_quantities import leaves
from wwm_models.claims.rounding import unrounded
from wwm_models.errors import ArticleError
from wwm_models.identification.region import Region
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.linear_programs import Polyhedron, extremes, feasible, largest_entropy, ratio_range

Term = tuple[str, Array]

EXACT = 1e-8  # in probability: finer than a solver that keeps constraints to 1e-7 can tell
ANYWHERE = ClaimedRange(-np.inf, np.inf, strict=False)


@dataclass(frozen=True, eq=False)
class BoundedQuantity:
    """A sum of linear forms of the answer probabilities of some outcomes, or a ratio of two forms.

    Attributes
    ----------
    id : str
        Of the number or claim; the parts of a claim are numbered.
    kind : str
    references : tuple of Reference
        What it is made of, in the order of the label.
    terms : tuple of (outcome, form)
        One per outcome; of a ratio the numerator.
    denominator : (outcome, form) or None
        Of a ratio.
    inside : ClaimedRange
        Where the claim puts it: probabilities, differences of probabilities, or a ratio. Everywhere for a number.
    """

    id: str
    kind: str
    references: tuple[Reference, ...]
    terms: tuple[Term, ...]
    denominator: Term | None = None
    inside: ClaimedRange = ANYWHERE

    def width(self, ends: Array) -> float:
        """Distance of two limits; of a ratio r on the scale r / (1 + r), where infinity is 1. Zero where there are none."""
        if not np.isfinite(ends[0]):
            return 0.0
        if self.denominator is None:
            return float(ends[1] - ends[0])
        low, high = (1.0 if np.isinf(end) else float(end / (1.0 + end)) for end in ends)
        return high - low

    def holds(self, ends: Array) -> bool:
        """Whether it lies where the claim puts it whatever the table."""
        return self.inside.contains(float(ends[0]), float(ends[1]), EXACT)

    def fails(self, ends: Array) -> bool:
        """Whether it lies elsewhere whatever the table; at the end of a strict claim nothing is said, as the solver may be beyond it."""
        return replace(self.inside, strict=False).excludes(float(ends[0]), float(ends[1]), EXACT)

    def value(self, points: Mapping[str, Array]) -> float:
        """Its value where the probabilities of every outcome are given."""
        top = sum(float(form @ points[outcome]) for outcome, form in self.terms)
        if self.denominator is None:
            return top
        below = float(self.denominator[1] @ points[self.denominator[0]])
        return top / below if below > 0 else np.nan


def of_number(number: Published, regions: Mapping[str, Region]) -> BoundedQuantity:
    """The adjusted value of a printed number or of an empty slot of a figure."""
    return BoundedQuantity(
        number.id, "number", (number.at,), ((number.at.outcome, regions[number.at.outcome].adjusted(number.at)),)
    )


def of_claim(claim: Claim, article: Article, regions: Mapping[str, Region]) -> tuple[BoundedQuantity, ...]:
    """The quantities of a claim and its parts; the claim holds when each lies where it puts it."""
    total = (claim.estimand or article.estimand) == "total"

    def form(reference: Reference) -> Array:
        region = regions[reference.outcome]
        return region.raw(reference) if total else region.adjusted(reference)

    found: list[BoundedQuantity] = []
    for part in leaves(claim):
        for roles in part.roles:
            references = tuple(part.references[role] for role in roles)
            forms = [form(reference) for reference in references]
            found.append(_quantity(part, references, forms))
    if len(found) == 1 and claim.about.judged != "parts":
        return (_named(found[0], claim.id),)
    return tuple(_named(quantity, f"{claim.id}.{place}") for place, quantity in enumerate(found, start=1))


def _as_probability(claim: Claim) -> ClaimedRange:
    region = claim.region
    unit = claim.about.arithmetic.unit
    return replace(region, lower=region.lower / unit, upper=region.upper / unit)


def _named(quantity: BoundedQuantity, name: str) -> BoundedQuantity:
    return BoundedQuantity(
        name, quantity.kind, quantity.references, quantity.terms, quantity.denominator, quantity.inside
    )


def _quantity(claim: Claim, references: tuple[Reference, ...], forms: list[Array]) -> BoundedQuantity:
    kind, inside = claim.kind, _as_probability(claim)
    outcomes = [reference.outcome for reference in references]
    if claim.about.arithmetic.ratio:
        return BoundedQuantity("", kind, references, ((outcomes[0], forms[0]),), (outcomes[1], forms[1]), inside)
    terms: dict[str, Array] = {}
    for outcome, form, sign in zip(outcomes, forms, SIGNS[len(forms)], strict=True):
        terms[outcome] = terms[outcome] + sign * form if outcome in terms else sign * form
    return BoundedQuantity("", kind, references, tuple(terms.items()), None, inside)


Regions = Mapping[str, Region]


@dataclass(frozen=True, eq=False)
class FeasibleSet:
    """What is possible under one limit on the interaction.

    Attributes
    ----------
    delta : float
        Probability scale; infinite without a limit.
    polyhedra : mapping of outcome to Polyhedron
        Only of outcomes for which some table agrees with everything.
    points : mapping of outcome to (n,) array
        The probabilities of largest entropy.
    """

    delta: float
    polyhedra: Mapping[str, Polyhedron]
    points: Mapping[str, Array]

    def has(self, quantity: BoundedQuantity) -> bool:
        """Whether there is any table for the outcomes of a quantity."""
        return all(outcome in self.polyhedra for outcome in outcomes_of(quantity))


def outcomes_of(quantity: BoundedQuantity) -> tuple[str, ...]:
    """The outcomes a quantity is made of, each once."""
    return tuple(dict.fromkeys(reference.outcome for reference in quantity.references))


def allowed(regions: Regions, delta: float) -> FeasibleSet:
    """Polyhedra and points of largest entropy of every outcome."""
    polyhedra: dict[object, Polyhedron | None] = {}
    points: dict[object, Array] = {}
    for region in regions.values():
        key = region.signature
        if key in polyhedra:
            continue
        polyhedron = region.polyhedron(delta)
        polyhedra[key] = polyhedron if feasible(polyhedron) else None
        if polyhedra[key] is not None:
            start = np.full(region.weights.size * region.size, 1.0 / region.size)
            points[key] = largest_entropy(polyhedron, region.entropy_weights(), start)
    usable = {outcome: polyhedra[region.signature] for outcome, region in regions.items()}
    here = {outcome: polyhedron for outcome, polyhedron in usable.items() if polyhedron is not None}
    return FeasibleSet(delta, here, {outcome: points[regions[outcome].signature] for outcome in here})


def limits(quantities: Sequence[BoundedQuantity], regions: Regions, space: FeasibleSet) -> Array:
    """(q, 2): the smallest and largest value of each quantity; nan where no table agrees with everything."""
    usable = [quantity for quantity in quantities if space.has(quantity)]
    terms = [term for quantity in usable for term in (*quantity.terms, *_extra(quantity))]
    ends = _ends(terms, regions, space.polyhedra)
    found = np.full((len(quantities), 2), np.nan)
    for place, quantity in enumerate(quantities):
        if space.has(quantity):
            found[place] = _combined(
                quantity, [ends[_key(term, regions)] for term in quantity.terms], ends, regions, space
            )
    return found


def _ends(terms: Sequence[Term], regions: Regions, polyhedra: Mapping[str, Polyhedron]) -> dict[object, Array]:
    unique: dict[object, Term] = {}
    for term in terms:
        unique.setdefault(_key(term, regions), term)
    solved = extremes([(polyhedra[outcome], form) for outcome, form in unique.values()])
    return dict(zip(unique, solved, strict=True))


def _combined(
    quantity: BoundedQuantity,
    parts: Sequence[Array],
    ends: Mapping[object, Array],
    regions: Regions,
    space: FeasibleSet,
) -> Array:
    whole = np.sum(parts, axis=0)
    if quantity.denominator is None:
        return whole
    outcome, below = quantity.denominator
    if quantity.terms[0][0] == outcome:
        return np.array(ratio_range(space.polyhedra[outcome], quantity.terms[0][1], below))
    return independent_ratio_limits(whole, ends[_key(quantity.denominator, regions)])


def independent_ratio_limits(top: Array, below: Array) -> Array:
    """Limits of a ratio of two numbers that vary independently of each other.

    Examples
    --------
    >>> independent_ratio_limits(np.array([0.2, 0.4]), np.array([0.1, 0.2])).tolist()
    [1.0, 4.0]
    """
    if below[1] <= 0:
        return np.full(2, np.nan)
    return np.array([top[0] / below[1], top[1] / below[0] if below[0] > 0 else np.inf])


def _extra(quantity: BoundedQuantity) -> tuple[Term, ...]:
    """The denominator, where it is of another outcome than the numerator."""
    if quantity.denominator is None or quantity.denominator[0] == quantity.terms[0][0]:
        return ()
    return (quantity.denominator,)


def _key(term: Term, regions: Regions) -> tuple[object, bytes]:
    return regions[term[0]].signature, term[1].tobytes()


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
    """The most telling empty slot of each quantity, by its id.

    Parameters
    ----------
    asked : sequence of (BoundedQuantity, (2,) array)
        With the limits as they are.
    article : Article
    regions : mapping of outcome to Region
    space : FeasibleSet
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


def _filled(slot: Published, regions: Regions, space: FeasibleSet) -> Polyhedron:
    """The polyhedron if a slot had its maximum-entropy value printed, to its own rounding."""
    form = regions[slot.at.outcome].raw(slot.at)
    value = 100.0 * float(form @ space.points[slot.at.outcome])
    lower, upper = (np.array([end / 100.0]) for end in unrounded(value, value, slot.rounding))
    return space.polyhedra[slot.at.outcome].with_rows(form[None, :], lower, upper)


def _tried(
    tries: Sequence[tuple[BoundedQuantity, Published]],
    filled: dict[str, Polyhedron],
    regions: Regions,
    space: FeasibleSet,
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
        (quantity.id, slot.id): _range_of(quantity, [ends[key] for key in keys[quantity.id, slot.id]], filled[slot.id])
        for quantity, slot in tries
    }


def _range_of(quantity: BoundedQuantity, parts: Sequence[Array], polyhedron: Polyhedron) -> Array:
    if quantity.denominator is None:
        return np.sum(parts, axis=0)
    if len(outcomes_of(quantity)) == 1:
        return np.array(ratio_range(polyhedron, quantity.terms[0][1], quantity.denominator[1]))
    return independent_ratio_limits(parts[0], parts[1])


def conflict(region: Region, delta: float = float("inf")) -> tuple[Published, ...]:
    """A minimal set of printed numbers of an outcome that no table agrees with; empty if one agrees with all.

    Parameters
    ----------
    region : Region
    delta : float
        Limit on the interaction, probability scale.
    """
    if feasible(region.polyhedron(delta)):
        return ()
    kept = list(region.printed)
    for number in region.printed:
        without = [other for other in kept if other is not number]
        if not feasible(region.polyhedron(delta, without)):
            kept = without
    return tuple(kept)


def check_agreement(regions: Mapping[str, Region]) -> None:
    """Refuse an article whose printed numbers exclude each other under the declared margins.

    Raises
    ------
    ArticleError
        Naming a minimal set of them.
    """
    for region in regions.values():
        numbers = conflict(region)
        if numbers:
            named = "; ".join(f"{number.id}: {number.value:g}% {number.at}" for number in numbers)
            raise ArticleError(
                f"No table of {region.outcome} agrees with the margins and all of these printed numbers: {named}. Expected numbers "
                "that one population can have, each within its rounding. Without any one of them there is a table: check their "
                "values, categories and groups in article.toml, and the shares in margins.toml."
            )
