"""What a claim is about: an estimated quantity, its interval or draws, and the region in which the claim puts it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.article.pool import Located, Pool, aligned_draws, joint_covariance
from wwm_models.article.reader import HALF_UNIT, Claim
from wwm_models.numerics.intervals import central_limits, critical_value

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Quantity:
    """An estimated quantity, its interval and the region the claim puts it in (percentage points, or a ratio).

    Attributes
    ----------
    label : str
    estimate, lower, upper : float
        The interval at the level of the claim's kind: two-sided for a number and a ratio, one-sided limits for a difference.
    region : (float, float)
        Where the claim puts it, ends included.
    parts : tuple of Located
        The numbers it is made of.
    gradient : tuple of float
        Its derivative with respect to each of them, in its own unit per percentage point.
    tail : float
        Probability beyond each end of the interval.
    draws : (s,) array or None
    """

    label: str
    estimate: float
    lower: float
    upper: float
    region: tuple[float, float]
    parts: tuple[Located, ...]
    gradient: tuple[float, ...]
    tail: float
    draws: Array | None = None

    @property
    def inside(self) -> bool:
        """Whether the whole interval lies in the region."""
        return self.region[0] <= self.lower and self.upper <= self.region[1]

    @property
    def disjoint(self) -> bool:
        """Whether no point of the interval lies in the region."""
        return self.upper < self.region[0] or self.lower > self.region[1]

    @property
    def excess(self) -> float:
        """How far the estimate lies outside the region, in standard errors: the interval's half towards it over its critical value."""
        below = self.region[0] > self.estimate
        half = self.upper - self.estimate if below else self.estimate - self.lower
        return self.distance / self._unit(half) if self.distance > 0 else 0.0

    @property
    def width(self) -> float:
        """Width of the region in standard errors; infinite where it has one end."""
        size = self.region[1] - self.region[0]
        return size / self._unit((self.upper - self.lower) / 2.0)

    def _unit(self, half: float) -> float:
        return max(half, 1e-12) / critical_value(1.0 - 2.0 * self.tail, self.df)

    @property
    def df(self) -> float:
        """Degrees of freedom of its interval; infinite for a posterior."""
        return float("inf") if self.draws is not None else min(part.df for part in self.parts)

    @property
    def stands(self) -> bool:
        """Whether the estimate itself lies in the region."""
        return self.region[0] <= self.estimate <= self.region[1]

    @property
    def distance(self) -> float:
        """How far the estimate lies outside the region; negative inside: how far from its nearest end."""
        return max(self.region[0] - self.estimate, self.estimate - self.region[1])

    @property
    def held(self) -> NDArray[np.bool_] | None:
        """Which draws lie in the region."""
        return None if self.draws is None else (self.draws >= self.region[0]) & (self.draws <= self.region[1])

    @property
    def origin(self) -> str:
        """Of its draws; empty where they are of several."""
        names = {part.origin for part in self.parts}
        return names.pop() if len(names) == 1 else ""


def leaves(claim: Claim) -> list[Claim]:
    """The claim itself, or the parts of a conjunction."""
    return [leaf for part in claim.parts for leaf in leaves(part)] if claim.kind == "all" else [claim]


def quantities(claim: Claim, pool: Pool, level: float) -> list[Quantity]:
    """The quantities of a claim that is not a conjunction; empty if some number is not there.

    Parameters
    ----------
    claim : Claim
    pool : Pool
    level : float
        Of two-sided intervals; one-sided limits have ``1 - level`` beyond them.
    """
    found = {role: pool.find(reference) for role, reference in claim.references.items()}
    here = {role: part for role, part in found.items() if part is not None}
    if len(here) < len(found) or not found:
        return []
    return _KINDS[claim.kind](claim, here, level)


def region_of(claim: Claim) -> tuple[float, float]:
    """Where a claim puts its quantity: percentages, percentage points, or a ratio; ends included."""
    numbers = claim.numbers
    if claim.kind == "value":
        half = HALF_UNIT[claim.rounding]
        return numbers["value"] - half, float(np.nextafter(numbers["value"] + half, 0.0))
    if claim.kind == "order":
        return numbers.get("margin", 0.0), float("inf")
    if claim.kind == "equivalence":
        return -numbers["margin"], numbers["margin"]
    if claim.kind == "ratio":
        return numbers.get("lower", 0.0), numbers.get("upper", float("inf"))
    return numbers.get("lower", numbers.get("above", 0.0)), numbers.get("upper", numbers.get("below", 100.0))


def roles_of(claim: Claim) -> list[tuple[str, ...]]:
    """Which references each quantity of a claim is made of: one number, a pair (first minus, or over, second), or none for a count."""
    if claim.kind == "order":
        return [("greater", "lesser")]
    if claim.kind == "ratio":
        return [("numerator", "denominator")]
    if claim.kind == "count":
        return []
    if claim.kind == "equivalence":
        return list(itertools.combinations(claim.references, 2))
    return [("at",)]


def _single(claim: Claim, found: dict[str, Located], level: float) -> list[Quantity]:
    """A value, range or bound: the number itself with its own interval."""
    part, label = found["at"], str(claim.references["at"])
    lower, upper, draws = 100 * part.lower, 100 * part.upper, None
    if part.draws is not None:
        draws = 100 * part.draws
        lower, upper = _quantiles(draws, level)
    return [Quantity(label, 100 * part.estimate, lower, upper, region_of(claim), (part,), (1.0,), _tail(level), draws)]


def _differences(claim: Claim, found: dict[str, Located], level: float) -> list[Quantity]:
    """Differences of two percentages with intervals whose ends are one-sided limits."""
    return [
        _difference(
            f"{claim.references[a]} minus {claim.references[b]}", (found[a], found[b]), region_of(claim), 2 * level - 1
        )
        for a, b in roles_of(claim)
    ]


def _difference(label: str, parts: tuple[Located, Located], region: tuple[float, float], level: float) -> Quantity:
    estimate, drawn = 100 * (parts[0].estimate - parts[1].estimate), aligned_draws(parts)
    if drawn is not None:
        draws = 100 * (drawn[0] - drawn[1])
        return Quantity(label, estimate, *_quantiles(draws, level), region, parts, (1.0, -1.0), _tail(level), draws)
    half = 100 * critical_value(level, min(part.df for part in parts)) * _std_error(parts, np.array([1.0, -1.0]))
    return Quantity(label, estimate, estimate - half, estimate + half, region, parts, (1.0, -1.0), _tail(level))


def _ratio(claim: Claim, found: dict[str, Located], level: float) -> list[Quantity]:
    """A ratio of two percentages with an interval made on the log scale."""
    parts = found["numerator"], found["denominator"]
    label = f"{claim.references['numerator']} over {claim.references['denominator']}"
    if parts[0].estimate <= 0 or parts[1].estimate <= 0:
        return []
    ratio = parts[0].estimate / parts[1].estimate
    gradient = np.array([1.0 / parts[0].estimate, -1.0 / parts[1].estimate])
    slopes = tuple(float(slope) for slope in gradient * ratio / 100.0)
    drawn = aligned_draws(parts)
    if drawn is not None:
        draws = drawn[0] / drawn[1]
        return [Quantity(label, ratio, *_quantiles(draws, level), region_of(claim), parts, slopes, _tail(level), draws)]
    half = critical_value(level, min(part.df for part in parts)) * _std_error(parts, gradient)
    limits = ratio * np.exp(-half), ratio * np.exp(half)
    return [Quantity(label, ratio, *limits, region_of(claim), parts, slopes, _tail(level))]


def _tail(level: float) -> float:
    return (1.0 - level) / 2.0


def _std_error(parts: Sequence[Located], gradient: Array) -> float:
    return float(np.sqrt(max(gradient @ joint_covariance(list(parts)) @ gradient, 0.0)))


def _quantiles(draws: Array, level: float) -> tuple[float, float]:
    lower, upper = central_limits(draws, level)
    return float(lower), float(upper)


_KINDS = {
    "value": _single,
    "range": _single,
    "bound": _single,
    "order": _differences,
    "ratio": _ratio,
    "equivalence": _differences,
    "count": lambda claim, found, level: [],  # noqa: ARG005
}
