"""What bounds are made for: every number of the article, and every quantity that a claim puts in a region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.article.bounds.region import Region
from wwm_models.article.quantities import leaves, roles_of
from wwm_models.article.reader import Article, Claim, Published, Reference
from wwm_models.article.regions import ClaimedRange, region_of

Array = NDArray[np.float64]
Term = tuple[str, Array]

EXACT = 1e-8  # in probability: finer than a solver that keeps constraints to 1e-7 can tell
ANYWHERE = ClaimedRange(-np.inf, np.inf, strict=False)


@dataclass(frozen=True, eq=False)
class Quantity:
    """A sum of linear forms of the answer probabilities of one or two outcomes, or a ratio of two forms.

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


def of_number(number: Published, regions: Mapping[str, Region]) -> Quantity:
    """The adjusted value of a printed number or of an empty slot of a figure."""
    return Quantity(
        number.id, "number", (number.at,), ((number.at.outcome, regions[number.at.outcome].adjusted(number.at)),)
    )


def of_claim(claim: Claim, article: Article, regions: Mapping[str, Region]) -> tuple[Quantity, ...]:
    """The quantities of a claim and its parts; the claim holds when each lies where it puts it."""
    total = (claim.estimand or article.estimand) == "total"

    def form(reference: Reference) -> Array:
        region = regions[reference.outcome]
        return region.raw(reference) if total else region.adjusted(reference)

    found: list[Quantity] = []
    for part in leaves(claim):
        for roles in roles_of(part):
            references = tuple(part.references[role] for role in roles)
            forms = [form(reference) for reference in references]
            found.append(_quantity(part.kind, references, forms, _as_probability(part)))
    if len(found) == 1 and claim.kind != "all":
        return (_named(found[0], claim.id),)
    return tuple(_named(quantity, f"{claim.id}.{place}") for place, quantity in enumerate(found, start=1))


def _as_probability(claim: Claim) -> ClaimedRange:
    region = region_of(claim)
    unit = 1.0 if claim.kind == "ratio" else 100.0
    return replace(region, lower=region.lower / unit, upper=region.upper / unit)


def _named(quantity: Quantity, name: str) -> Quantity:
    return Quantity(name, quantity.kind, quantity.references, quantity.terms, quantity.denominator, quantity.inside)


def _quantity(kind: str, references: tuple[Reference, ...], forms: list[Array], inside: ClaimedRange) -> Quantity:
    outcomes = [reference.outcome for reference in references]
    if kind == "ratio":
        return Quantity("", kind, references, ((outcomes[0], forms[0]),), (outcomes[1], forms[1]), inside)
    if len(forms) == 2 and outcomes[0] == outcomes[1]:
        return Quantity("", kind, references, ((outcomes[0], forms[0] - forms[1]),), None, inside)
    signs = (1.0, -1.0)
    terms = tuple((outcome, sign * form) for outcome, form, sign in zip(outcomes, forms, signs, strict=False))
    return Quantity("", kind, references, terms, None, inside)
