"""What a claim is about: an estimated quantity, its interval or draws, and the region in which the claim puts it.

`rules_text` is the rule behind every verdict, in words, printed with the ledger. `refuse_impossible_sums` holds printed percentages of one question
in one group against each other: no share of people can have them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from wwm_models.claims.article import Article, Claim, Published
from wwm_models.claims.claim_kinds import CLAIM_KINDS, SIGNS, ClaimedRange
from wwm_models.claims.lookup import EstimateIndex, FoundEstimate, aligned_draws, error_of
from wwm_models.claims.rounding import unrounded
from wwm_models.errors import ArticleError, group_in_words, listed
from wwm_models.messages import catalogue, say, sentence
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.intervals import central_limits, critical_value
from wwm_models.numerics.linear_programs import Polyhedron, feasible
from wwm_models.survey.survey import Collapse, Variable

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
    parts : tuple of FoundEstimate
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
    parts: tuple[FoundEstimate, ...]
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
    return [leaf for part in claim.parts for leaf in leaves(part)] if claim.about.judged == "parts" else [claim]


def quantities(claim: Claim, pool: EstimateIndex, level: float) -> list[Quantity]:
    """The quantities of a claim that is not a conjunction; empty if some number is not there.

    Parameters
    ----------
    claim : Claim
    pool : EstimateIndex
    level : float
        Of two-sided intervals; one-sided limits have ``1 - level`` beyond them.
    """
    found = {role: pool.find(reference) for role, reference in claim.references.items()}
    here = {role: part for role, part in found.items() if part is not None}
    if len(here) < len(found) or not found or not claim.roles:
        return []
    if claim.about.arithmetic.ratio:
        return _ratio(claim, here, level)
    paired = any(len(roles) > 1 for roles in claim.roles)
    return (_differences if paired else _single)(claim, here, level)


def _single(claim: Claim, found: dict[str, FoundEstimate], level: float) -> list[Quantity]:
    """A value, range or bound: the number itself with its own interval."""
    part, label = found["at"], claim.references["at"].named
    lower, upper, draws = 100 * part.lower, 100 * part.upper, None
    if part.draws is not None:
        draws = 100 * part.draws
        lower, upper = _quantiles(draws, level)
    return [Quantity(label, 100 * part.estimate, lower, upper, claim.region, (part,), (1.0,), _tail(level), draws)]


def _differences(claim: Claim, found: dict[str, FoundEstimate], level: float) -> list[Quantity]:
    """Differences of two percentages, or of two differences, with intervals whose ends are one-sided limits."""
    return [
        _difference(_minus(claim, roles), tuple(found[role] for role in roles), claim.region, 2 * level - 1)
        for roles in claim.roles
    ]


def _minus(claim: Claim, roles: Sequence[str]) -> str:
    names = [claim.references[role].named for role in roles]
    if len(names) == 2:
        return say("minus", one=names[0], other=names[1])
    return say("minus_minus", one=names[0], other=names[1], third=names[2], fourth=names[3])


def _difference(label: str, parts: tuple[FoundEstimate, ...], region: ClaimedRange, level: float) -> Quantity:
    signs = SIGNS[len(parts)]
    drawn = aligned_draws(parts)
    estimate = 100 * sum(sign * part.estimate for sign, part in zip(signs, parts, strict=True))
    if drawn is not None:
        draws = 100 * (np.array(signs) @ np.array(drawn))
        return Quantity(label, estimate, *_quantiles(draws, level), region, parts, signs, _tail(level), draws)
    half = 100 * _half(parts, np.array(signs), level)
    return Quantity(label, estimate, estimate - half, estimate + half, region, parts, signs, _tail(level))


def _ratio(claim: Claim, found: dict[str, FoundEstimate], level: float) -> list[Quantity]:
    """A ratio of two percentages with an interval made on the log scale, which a share of 0 does not have."""
    parts = found["numerator"], found["denominator"]
    label = say("over", one=claim.references["numerator"].named, other=claim.references["denominator"].named)
    if min(part.estimate for part in parts) <= NOBODY:
        nothing = float("nan")
        return [Quantity(label, nothing, nothing, nothing, claim.region, parts, (0.0, 0.0), _tail(level))]
    ratio = parts[0].estimate / parts[1].estimate
    gradient = np.array([1.0 / parts[0].estimate, -1.0 / parts[1].estimate])
    slopes = tuple(float(slope) for slope in gradient * ratio / 100.0)
    drawn = aligned_draws(parts)
    if drawn is not None:
        draws = drawn[0] / drawn[1]
        return [Quantity(label, ratio, *_quantiles(draws, level), claim.region, parts, slopes, _tail(level), draws)]
    half = _half(parts, gradient, level)
    limits = ratio * np.exp(-half), ratio * np.exp(half)
    return [Quantity(label, ratio, *limits, claim.region, parts, slopes, _tail(level))]


def _tail(level: float) -> float:
    return (1.0 - level) / 2.0


def _half(parts: Sequence[FoundEstimate], gradient: Array, level: float) -> float:
    """Half the interval of a combination; not a number where the error of one of its numbers is not known."""
    std_error, df = error_of(parts, gradient)
    known = all(np.isfinite(part.std_error) for part in parts)
    return critical_value(level, df) * std_error if known else float("nan")


def _quantiles(draws: Array, level: float) -> tuple[float, float]:
    lower, upper = central_limits(draws, level)
    return float(lower), float(upper)


UNTESTABLE: Final = "cannot be tested"
RULES: Final = tuple(CLAIM_KINDS)


def rules_text(kinds: Iterable[str], lang: str, level: float) -> list[str]:
    """The rules of these kinds of claims, one sentence each, and what holds for all.

    Parameters
    ----------
    kinds : iterable of str
    lang : str
    level : float
        Of the intervals, above 0 and below 1.

    Examples
    --------
    >>> rules_text(["order"], "en", 0.95)[0][:40]
    'an order holds when a one-sided 5% test '
    """
    chosen = [kind for kind in RULES if kind in set(kinds)]
    language = catalogue(lang)
    words = {"two": language.number(f"{100 * level:g}"), "one": language.number(f"{100 * (1 - level):.3g}")}
    return [*(sentence(f"rules_{kind}", lang, **words) for kind in chosen), sentence("rules_otherwise", lang)]


def refuse_impossible_sums(
    article: Article, variables: Mapping[str, Variable], collapses: Mapping[str, Collapse], path: Path
) -> None:
    """Refuse printed percentages that cannot be those of one question's answers in one group, whatever was rounded away.

    The answers of a question exclude each other, so that they add up to 100 at most (to less, where some are not printed or are no
    level of the codebook), and a collapse is the sum of its answers.

    Raises
    ------
    ArticleError
    """
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Published]] = {}
    for number in article.slots().values():
        groups.setdefault((number.at.outcome, number.at.ordered.group), []).append(number)
    for (outcome, _), numbers in groups.items():
        answers = [level.id for level in variables[outcome].levels]
        members = {answer: (answer,) for answer in answers}
        members |= {one.id: one.levels for one in collapses.values() if one.variable == outcome}
        if len(numbers) > 1 and not _possible(numbers, answers, members):
            raise ArticleError(f"{path}: {_told(numbers, answers)}")


def _possible(numbers: Sequence[Published], answers: Sequence[str], members: Mapping[str, Sequence[str]]) -> bool:
    rows = [np.isin(answers, members[number.at.category]).astype(float) for number in numbers]
    ends = np.array([unrounded(number.value or 0.0, number.value or 0.0, number.rounding) for number in numbers])
    whole = np.ones(len(answers))
    return feasible(
        Polyhedron(
            sparse.csr_matrix(np.array([*rows, whole])), np.array([*ends[:, 0], 0.0]), np.array([*ends[:, 1], 100.0]),
            np.zeros(len(answers)), np.full(len(answers), 100.0),
        )
    )  # fmt: skip


def _told(numbers: Sequence[Published], answers: Sequence[str]) -> str:
    at = numbers[0].at
    printed = listed((f"{number.id}: {number.at.category} {number.value:g}" for number in numbers), 20)
    total = sum(number.value or 0.0 for number in numbers if number.at.category in answers)
    found = f"add up to {total:g}" if total > 100 else "contradict each other"
    return (
        f"the printed percentages of {at.outcome} ({group_in_words(at.group)}) {found}: {printed}. Expected answers that exclude each other and so "
        "add up to 100 at most, "
        "and a collapse that is the sum of its answers, each within its rounding. Repair the number or the group that is mistyped."
    )
