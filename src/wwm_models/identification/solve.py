"""Limits of quantities over everything that agrees with the article: smallest, largest and maximum-entropy values, or why there is no table.

`BoundedQuantity` is what bounds are made for: every number of the article, and every quantity that a claim puts in a region. `FeasibleSet` has the
limits under one limit on the interaction. Nothing printed about one outcome bears on another, so the limits of a sum over outcomes are the sums of
the limits, and equal forms over equal regions are solved once. Outcomes that one sentence of the article compares are one block, with one program.

`conflict` finds a minimal set of printed numbers that exclude each other, by the deletion filter: leave out each number in turn and keep it out for
good if what remains still has no table. What is left is irreducible: without any one of its numbers there is a table.

References
----------
Chinneck, J. W. and Dravnieks, E. W. (1991). Locating minimal infeasible constraint sets in linear programs. ORSA Journal on
Computing 3, 157-168. doi:10.1287/ijoc.3.2.157
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wwm_models.claims.article import Article, Claim, Published, Reference
from wwm_models.claims.claim_kinds import SIGNS, ClaimedRange
from wwm_models.claims.claimed_quantities import leaves
from wwm_models.errors import ArticleError
from wwm_models.estimates.causal_diagram import DIRECT, TOTAL
from wwm_models.identification.region import Region
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.linear_programs import (
    Polyhedron,
    extremes,
    feasible,
    largest_entropy,
    ratio_range,
    stacked,
)

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

    def rows(self, form_of: Callable[[Sequence[Term]], Array]) -> list[tuple[Array, tuple[float, float]]]:
        """Rows of a polyhedron, and their limits, that say that it lies where the claim puts it, the ends included.

        Parameters
        ----------
        form_of : function of terms, giving an array
            Their sum as one form of the variables of the polyhedron.
        """
        top, (low, high) = form_of(self.terms), (self.inside.lower, self.inside.upper)
        if self.denominator is None:
            furthest = sum(float(np.abs(form).sum()) for _, form in self.terms)
            return [(top, (max(low, -furthest), min(high, furthest)))]
        below = form_of([self.denominator])
        found = [(top - low * below, (0.0, 1.0))]
        return found + ([(top - high * below, (-high, 0.0))] if np.isfinite(high) else [])

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


def of_claim(
    claim: Claim, article: Article, regions: Mapping[str, Region], *, raw: bool = False
) -> tuple[BoundedQuantity, ...]:
    """The quantities of a claim and its parts; the claim holds when each lies where it puts it.

    Parameters
    ----------
    claim : Claim
    article : Article
    regions : mapping of outcome to Region
    raw : bool
        Of raw percentages, whatever the estimand of the claim.
    """

    def form(reference: Reference) -> Array:
        region = regions[reference.outcome]
        held = not raw and _held(reference, claim, article, (region.margins.rows, region.margins.columns))
        return region.adjusted(reference) if held else region.raw(reference)

    found: list[BoundedQuantity] = []
    for part in leaves(claim):
        for roles in part.roles:
            references = tuple(part.references[role] for role in roles)
            forms = [form(reference) for reference in references]
            found.append(_quantity(part, references, forms))
    if len(found) == 1 and claim.about.judged != "parts":
        return (_named(found[0], claim.id),)
    return tuple(_named(quantity, f"{claim.id}.{place}") for place, quantity in enumerate(found, start=1))


def _held(reference: Reference, claim: Claim, article: Article, table: tuple[str, str]) -> bool:
    """Whether a claim holds the other variable of the table equal; without a diagram every claim does that is not about a total.

    With one, a claim that asks for no estimand is bounded by the direct effect where its exposure has one: the question of bounds is what
    would be left of it if the other variable were held equal.
    """
    asked = article.asked_of(claim)
    if article.diagram is None:
        return asked != TOTAL
    if len(reference.by) != 1 or reference.by[0] not in article.diagram.exposures:
        return bool(reference.by)
    held = article.diagram.adjusters(reference.by, article.diagram.estimand(reference.by, asked or DIRECT))
    return any(name in held for name in table)


def _as_probability(claim: Claim) -> ClaimedRange:
    region = claim.region
    unit = claim.about.arithmetic.unit
    return replace(region, lower=region.lower / unit, upper=region.upper / unit)


def _named(quantity: BoundedQuantity, name: str) -> BoundedQuantity:
    return replace(quantity, id=name)


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
class Sentence:
    """A claim of the article, taken to be true of raw percentages.

    Attributes
    ----------
    id : str
        Of the claim.
    quantities : tuple of BoundedQuantity
        Each lies where the claim puts it, its ends included.
    """

    id: str
    quantities: tuple[BoundedQuantity, ...]

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What it speaks of, each once."""
        return tuple(dict.fromkeys(name for quantity in self.quantities for name in outcomes_of(quantity)))


@dataclass(frozen=True, eq=False)
class OutcomeBlock:
    """Outcomes whose tables are bound to each other by what is assumed; one outcome where nothing binds it.

    Attributes
    ----------
    starts : mapping of outcome to int
        Where its probabilities begin among the variables; further variables stand behind all probabilities.
    size : int
        How many probabilities there are.
    key : object
        Equal for two blocks of which the same is known.
    polyhedron : Polyhedron
    """

    starts: Mapping[str, int]
    size: int
    key: object
    polyhedron: Polyhedron

    def form(self, terms: Sequence[Term]) -> Array:
        """The sum of linear forms of its outcomes as one form of its probabilities."""
        whole = np.zeros(self.size)
        for outcome, form in terms:
            whole[self.starts[outcome] : self.starts[outcome] + len(form)] += form
        return whole

    def under(self, quantities: Sequence[BoundedQuantity]) -> OutcomeBlock:
        """The part of it in which quantities of its outcomes lie where claims put them, the ends included."""
        rows = [row for quantity in quantities for row in quantity.rows(self.form)]
        rows = list({(form.tobytes(), ends): (form, ends) for form, ends in rows}.values())
        if not rows:
            return self
        lower, upper = np.array([ends for _, ends in rows]).T
        narrowed = self.polyhedron.with_rows(np.array([form for form, _ in rows]), lower, upper)
        return replace(self, polyhedron=narrowed, key=(self.key, tuple((form.tobytes(), ends) for form, ends in rows)))


def joined(regions: Regions, outcomes: Sequence[str], delta: float) -> OutcomeBlock:
    """Some outcomes as one block, all their probabilities first."""
    parts = [regions[name].polyhedron(delta) for name in outcomes]
    sizes = [regions[name].weights.size * regions[name].size for name in outcomes]
    key: object = tuple(regions[name].signature for name in outcomes)
    starts = dict(zip(outcomes, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
    if len(parts) == 1:
        return OutcomeBlock(starts, sizes[0], key, parts[0])
    whole, begins = stacked(parts), np.cumsum([0, *(part.rows.shape[1] for part in parts)])
    first = [np.arange(begin, begin + size) for begin, size in zip(begins[:-1], sizes, strict=True)]
    order = np.concatenate([*first, np.setdiff1d(np.arange(begins[-1]), np.concatenate(first))])
    moved = replace(whole, rows=whole.rows[:, order].tocsr(), low=whole.low[order], high=whole.high[order])
    return OutcomeBlock(starts, sum(sizes), key, moved)


def blocks_of(regions: Regions, delta: float, sentences: Sequence[Sentence] = ()) -> list[OutcomeBlock]:
    """Every outcome in one block, with those that sentences bind it to, narrowed by the sentences about them."""
    assumed = [quantity for sentence in sentences for quantity in sentence.quantities]
    home = {name: (name,) for name in regions}
    for quantity in assumed:
        bound = {other for name in outcomes_of(quantity) for other in home[name]}
        home |= dict.fromkeys(bound, tuple(name for name in regions if name in bound))
    return [
        joined(regions, names, delta).under([one for one in assumed if outcomes_of(one)[0] in names])
        for names in dict.fromkeys(home.values())
    ]


@dataclass(frozen=True, eq=False)
class FeasibleSet:
    """What is possible under one limit on the interaction.

    Attributes
    ----------
    delta : float
        Probability scale; infinite without a limit.
    blocks : mapping of outcome to OutcomeBlock
        Only of outcomes for which some table agrees with everything.
    points : mapping of outcome to (n,) array
        The probabilities of largest entropy.
    """

    delta: float
    blocks: Mapping[str, OutcomeBlock]
    points: Mapping[str, Array]

    def has(self, quantity: BoundedQuantity) -> bool:
        """Whether there is any table for the outcomes of a quantity."""
        return all(outcome in self.blocks for outcome in outcomes_of(quantity))

    def forms(self, terms: Sequence[Term]) -> list[BlockForm]:
        """A sum over outcomes as one form per block."""
        own = {id(self.blocks[outcome]): self.blocks[outcome] for outcome, _ in terms}
        return [(block, block.form([term for term in terms if term[0] in block.starts])) for block in own.values()]


BlockForm = tuple[OutcomeBlock, Array]


def outcomes_of(quantity: BoundedQuantity) -> tuple[str, ...]:
    """The outcomes a quantity is made of, each once."""
    return tuple(dict.fromkeys(reference.outcome for reference in quantity.references))


def allowed(regions: Regions, delta: float, sentences: Sequence[Sentence] = ()) -> FeasibleSet:
    """What is possible of every outcome, and its point of largest entropy.

    Parameters
    ----------
    regions : mapping of outcome to Region
    delta : float
        Limit on the interaction, probability scale; infinite without one.
    sentences : sequence of Sentence
        Assumed to be true of raw percentages.
    """
    known: dict[object, Array | None] = {}
    blocks: dict[str, OutcomeBlock] = {}
    points: dict[str, Array] = {}
    for block in blocks_of(regions, delta, sentences):
        if block.key not in known:
            known[block.key] = _point(block, regions) if feasible(block.polyhedron) else None
        point = known[block.key]
        if point is not None:
            blocks |= dict.fromkeys(block.starts, block)
            cells = {name: regions[name].weights.size * regions[name].size for name in block.starts}
            points |= {name: point[start : start + cells[name]] for name, start in block.starts.items()}
    return FeasibleSet(delta, {name: blocks[name] for name in regions if name in blocks}, points)


def _point(block: OutcomeBlock, regions: Regions) -> Array:
    weights = np.concatenate([regions[name].entropy_weights() for name in block.starts])
    start = np.concatenate(
        [np.full(regions[name].weights.size * regions[name].size, 1.0 / regions[name].size) for name in block.starts]
    )
    return largest_entropy(block.polyhedron, weights, start)


def limits(quantities: Sequence[BoundedQuantity], space: FeasibleSet) -> Array:
    """(q, 2): the smallest and largest value of each quantity; nan where no table agrees with everything."""
    made = [parts_of(quantity, space) if space.has(quantity) else [] for quantity in quantities]
    ends = ends_of([part for parts in made for part in parts])
    found = np.full((len(quantities), 2), np.nan)
    for place, (quantity, parts) in enumerate(zip(quantities, made, strict=True)):
        if parts:
            found[place] = combined(quantity, parts, ends)
    return found


def parts_of(quantity: BoundedQuantity, space: FeasibleSet) -> list[BlockForm]:
    """The forms that its limits are made from; of a ratio the numerator and then the denominator."""
    if quantity.denominator is None:
        return space.forms(quantity.terms)
    return [*space.forms(quantity.terms), *space.forms([quantity.denominator])]


def ends_of(parts: Sequence[BlockForm]) -> dict[object, Array]:
    """The smallest and largest value of forms, equal programs solved once; `combined` makes quantities of them."""
    unique: dict[object, BlockForm] = {}
    for part in parts:
        unique.setdefault(_key(part), part)
    solved = extremes([(block.polyhedron, form) for block, form in unique.values()])
    return dict(zip(unique, solved, strict=True))


def combined(quantity: BoundedQuantity, parts: Sequence[BlockForm], ends: Mapping[object, Array]) -> Array:
    """The limits of a quantity from those of its forms."""
    own = [ends[_key(part)] for part in parts]
    if quantity.denominator is None:
        return np.sum(own, axis=0)
    (block, top), (other, below) = parts
    if block is other:
        return np.array(ratio_range(block.polyhedron, top, below))
    return independent_ratio_limits(own[0], own[1])


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


def _key(part: BlockForm) -> tuple[object, bytes]:
    return part[0].key, part[1].tobytes()


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
