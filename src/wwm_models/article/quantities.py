"""What a claim is about: an estimated quantity, its interval or draws, and the region in which the claim puts it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.article.pool import Located, Pool, aligned_draws, error_of
from wwm_models.article.reader import Claim
from wwm_models.article.regions import ClaimedRange, region_of
from wwm_models.numerics.intervals import central_limits, critical_value

Array = NDArray[np.float64]
NOBODY = 1e-12  # a share of this size is that of an answer nobody gave
CERTAIN = 1e-6  # percentage points: a narrower interval is rounding, where the variance of a difference cancels


@dataclass(frozen=True, eq=False)
class Quantity:
    """An estimated quantity, its interval and the region the claim puts it in (percentage points, or a ratio).

    Attributes
    ----------
    label : str
    estimate, lower, upper : float
        The interval at the level of the claim's kind: two-sided for a number and a ratio, one-sided limits for a difference.
    region : ClaimedRange
        Where the claim puts it.
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
    region: ClaimedRange
    parts: tuple[Located, ...]
    gradient: tuple[float, ...]
    tail: float
    draws: Array | None = None

    @property
    def inside(self) -> bool:
        """Whether the whole interval lies in the region."""
        return not self.tied and self.region.contains(self.lower, self.upper)

    @property
    def disjoint(self) -> bool:
        """Whether no point of the interval lies in the region."""
        return not self.tied and self.region.excludes(self.lower, self.upper)

    @property
    def tied(self) -> bool:
        """Whether it has no uncertainty and lies where the claim draws its line, or is of an answer that nobody, or everybody, gave.

        A share of 0 or 1 has no standard error, which is not to say that it is certain.
        """
        if not self.upper - self.lower <= CERTAIN:
            return False
        return unanimous([part.estimate for part in self.parts]) or self.region.at_an_end(self.estimate)

    @property
    def estimable(self) -> bool:
        """Whether it has a value and an interval."""
        return bool(np.isfinite([self.estimate, self.lower, self.upper]).all())

    @property
    def excess(self) -> float:
        """How far the estimate lies outside the region, in standard errors: the interval's half towards it over its critical value."""
        below = self.region.lower > self.estimate
        half = self.upper - self.estimate if below else self.estimate - self.lower
        return self.distance / self._unit(half) if self.distance > 0 else 0.0

    @property
    def width(self) -> float:
        """Width of the region in standard errors; infinite where it has one end."""
        size = self.region.upper - self.region.lower
        return size / self._unit((self.upper - self.lower) / 2.0)

    def _unit(self, half: float) -> float:
        return max(half, 1e-12) / critical_value(1.0 - 2.0 * self.tail, self.df)

    @property
    def df(self) -> float:
        """Degrees of freedom of its interval; infinite for a posterior."""
        return float("inf") if self.draws is not None else error_of(self.parts, np.array(self.gradient))[1]

    @property
    def reason(self) -> str:
        """Why it has no interval; empty where it has one."""
        return "" if self.draws is not None else next((part.reason for part in self.parts if part.reason), "")

    @property
    def stands(self) -> bool:
        """Whether the estimate itself lies in the region."""
        return self.region.has(self.estimate)

    @property
    def distance(self) -> float:
        """How far the estimate lies outside the region; negative inside: how far from its nearest end."""
        return max(self.region.lower - self.estimate, self.estimate - self.region.upper)

    @property
    def held(self) -> NDArray[np.bool_] | None:
        """Which draws lie in the region."""
        return None if self.draws is None else self.region.among(self.draws)

    @property
    def origin(self) -> str:
        """Of its draws; empty where they are of several."""
        names = {part.origin for part in self.parts}
        return names.pop() if len(names) == 1 else ""


def unanimous(shares: Sequence[float]) -> bool:
    """Whether nobody gave the answer on any side, or everybody on every side.

    Examples
    --------
    >>> unanimous([0.0, 0.0]), unanimous([1.0, 1.0]), unanimous([0.0, 1.0]), unanimous([0.0, 0.2])
    (True, True, False, False)
    """
    return max(shares) <= NOBODY or min(shares) >= 1.0 - NOBODY


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


def _difference(label: str, parts: tuple[Located, Located], region: ClaimedRange, level: float) -> Quantity:
    estimate, drawn = 100 * (parts[0].estimate - parts[1].estimate), aligned_draws(parts)
    if drawn is not None:
        draws = 100 * (drawn[0] - drawn[1])
        return Quantity(label, estimate, *_quantiles(draws, level), region, parts, (1.0, -1.0), _tail(level), draws)
    half = 100 * _half(parts, np.array([1.0, -1.0]), level)
    return Quantity(label, estimate, estimate - half, estimate + half, region, parts, (1.0, -1.0), _tail(level))


def _ratio(claim: Claim, found: dict[str, Located], level: float) -> list[Quantity]:
    """A ratio of two percentages with an interval made on the log scale, which a share of 0 does not have."""
    parts = found["numerator"], found["denominator"]
    label = f"{claim.references['numerator']} over {claim.references['denominator']}"
    if min(part.estimate for part in parts) <= NOBODY:
        nothing = float("nan")
        return [Quantity(label, nothing, nothing, nothing, region_of(claim), parts, (0.0, 0.0), _tail(level))]
    ratio = parts[0].estimate / parts[1].estimate
    gradient = np.array([1.0 / parts[0].estimate, -1.0 / parts[1].estimate])
    slopes = tuple(float(slope) for slope in gradient * ratio / 100.0)
    drawn = aligned_draws(parts)
    if drawn is not None:
        draws = drawn[0] / drawn[1]
        return [Quantity(label, ratio, *_quantiles(draws, level), region_of(claim), parts, slopes, _tail(level), draws)]
    half = _half(parts, gradient, level)
    limits = ratio * np.exp(-half), ratio * np.exp(half)
    return [Quantity(label, ratio, *limits, region_of(claim), parts, slopes, _tail(level))]


def _tail(level: float) -> float:
    return (1.0 - level) / 2.0


def _half(parts: Sequence[Located], gradient: Array, level: float) -> float:
    """Half the interval of a combination; not a number where the error of one of its numbers is not known."""
    std_error, df = error_of(parts, gradient)
    known = all(np.isfinite(part.std_error) for part in parts)
    return critical_value(level, df) * std_error if known else float("nan")


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
