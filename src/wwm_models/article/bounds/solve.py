"""Smallest, largest and maximum-entropy values of quantities under one limit on the interaction.

Nothing printed about one outcome bears on another, so the limits of a sum over outcomes are the sums of the limits, and equal
forms over equal regions are solved once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.article.bounds.quantities import Quantity, Term
from wwm_models.article.bounds.region import Region
from wwm_models.numerics.entropy import largest_entropy
from wwm_models.numerics.programs import Polyhedron, extremes, feasible, ratio_range

Array = NDArray[np.float64]
Regions = Mapping[str, Region]


@dataclass(frozen=True, eq=False)
class Allowed:
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

    def has(self, quantity: Quantity) -> bool:
        """Whether there is any table for the outcomes of a quantity."""
        return all(outcome in self.polyhedra for outcome in outcomes_of(quantity))


def outcomes_of(quantity: Quantity) -> tuple[str, ...]:
    """The outcomes a quantity is made of, each once."""
    return tuple(dict.fromkeys(reference.outcome for reference in quantity.references))


def allowed(regions: Regions, delta: float) -> Allowed:
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
    return Allowed(delta, here, {outcome: points[regions[outcome].signature] for outcome in here})


def limits(quantities: Sequence[Quantity], regions: Regions, space: Allowed) -> Array:
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
    quantity: Quantity, parts: Sequence[Array], ends: Mapping[object, Array], regions: Regions, space: Allowed
) -> Array:
    whole = np.sum(parts, axis=0)
    if quantity.denominator is None:
        return whole
    outcome, below = quantity.denominator
    if quantity.terms[0][0] == outcome:
        return np.array(ratio_range(space.polyhedra[outcome], quantity.terms[0][1], below))
    return apart(whole, ends[_key(quantity.denominator, regions)])


def apart(top: Array, below: Array) -> Array:
    """Limits of a ratio of two numbers that vary independently of each other.

    Examples
    --------
    >>> apart(np.array([0.2, 0.4]), np.array([0.1, 0.2])).tolist()
    [1.0, 4.0]
    """
    if below[1] <= 0:
        return np.full(2, np.nan)
    return np.array([top[0] / below[1], top[1] / below[0] if below[0] > 0 else np.inf])


def _extra(quantity: Quantity) -> tuple[Term, ...]:
    """The denominator, where it is of another outcome than the numerator."""
    if quantity.denominator is None or quantity.denominator[0] == quantity.terms[0][0]:
        return ()
    return (quantity.denominator,)


def _key(term: Term, regions: Regions) -> tuple[object, bytes]:
    return regions[term[0]].signature, term[1].tobytes()
