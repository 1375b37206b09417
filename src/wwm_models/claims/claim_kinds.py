"""Kinds of claims, each one record: what it declares, where it puts its numbers, how they are made, how it is judged.

"More than" is strict: the end of a bound or an order is outside, and so a number that equals it does not hold. A printed value
and a range contain what may have been rounded to their ends; an equality and a ratio contain the ends that are declared.

A new kind is a record in `CLAIM_KINDS`, and in the catalogue of texts its name (``kind_NAME``), what has to be true (``rule_NAME``) and the
rule behind its verdict.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wwm_models.claims.rounding import TOLERANCE, Interval, unrounded
from wwm_models.numerics.arrays import Array

INFINITE: Final = float("inf")
Numbers = Mapping[str, float]
ENDS: Final = ("above", "below", "lower", "upper")  # numbers that say where a claim's region ends


@dataclass(frozen=True)
class ClaimedRange:
    """The values for which a claim is true: percentages, percentage points, or a ratio.

    Attributes
    ----------
    lower, upper : float
        Infinite where the claim sets no end.
    strict : bool
        Whether the ends themselves are outside.
    """

    lower: float
    upper: float
    strict: bool

    def among(self, values: Array, tolerance: float = TOLERANCE) -> NDArray[np.bool_]:
        """Which of some values are in it; what is not a number never is."""
        if self.strict:
            return (values > self.lower + tolerance) & (values < self.upper - tolerance)
        return (values >= self.lower - tolerance) & (values <= self.upper + tolerance)

    def has(self, value: float) -> bool:
        """Whether a value is in it."""
        return self.contains(value, value)

    def contains(self, low: float, high: float, tolerance: float = TOLERANCE) -> bool:
        """Whether a whole interval, its ends included, is in it."""
        return bool(self.among(np.array([low, high]), tolerance).all())

    def excludes(self, low: float, high: float, tolerance: float = TOLERANCE) -> bool:
        """Whether no point of an interval, its ends included, is in it.

        Examples
        --------
        >>> above = ClaimedRange(0.0, float("inf"), strict=True)
        >>> above.contains(0.0, 2.6), above.excludes(0.0, 2.6), above.excludes(-2.6, 0.0)
        (False, False, True)
        """
        if self.strict:
            return high <= self.lower + tolerance or low >= self.upper - tolerance
        return high < self.lower - tolerance or low > self.upper + tolerance

    def at_an_end(self, value: float) -> bool:
        """Whether a value is an end of it."""
        return min(abs(value - self.lower), abs(value - self.upper)) <= TOLERANCE


@dataclass(frozen=True)
class Arithmetic:
    """How a quantity is made of one, two or four percentages; of one it is the percentage itself.

    Of two it is first minus second, or first over second; of four the difference of two differences, (first minus second) minus
    (third minus fourth).

    Attributes
    ----------
    unit : float
        Of the quantity for a whole probability: 100 for percentages and their differences, 1 for a ratio.
    joined : str
        What stands between two in its name.
    ratio : bool
        First over second, instead of first minus second.
    """

    unit: float
    joined: str
    ratio: bool

    def value(self, shares: Sequence[float]) -> float:
        """The quantity from one, two or four probabilities.

        Examples
        --------
        >>> DIFFERENCE.value([0.625]), DIFFERENCE.value([0.5, 0.25]), RATIO.value([0.5, 0.25])
        (62.5, 25.0, 2.0)
        >>> DIFFERENCE.value([0.75, 0.25, 0.5, 0.375])
        37.5
        """
        if self.ratio and len(shares) == 2:
            return shares[0] / shares[1] if shares[1] > 0 else INFINITE
        return 100.0 * sum(sign * share for sign, share in zip(SIGNS[len(shares)], shares, strict=True))

    def limits(self, intervals: Sequence[Interval]) -> Interval:
        """The smallest and largest value of the quantity of numbers in intervals.

        Examples
        --------
        >>> DIFFERENCE.limits([(61.5, 62.5), (49.5, 50.5)])
        (11.0, 13.0)
        """
        if not (self.ratio and len(intervals) == 2):
            signed = list(zip(SIGNS[len(intervals)], intervals, strict=True))
            return sum(sign * one[sign < 0] for sign, one in signed), sum(sign * one[sign > 0] for sign, one in signed)
        (low, high), (other_low, other_high) = intervals
        return low / other_high if other_high > 0 else 0.0, high / other_low if other_low > 0 else INFINITE


SIGNS: Final[Mapping[int, tuple[float, ...]]] = {1: (1.0,), 2: (1.0, -1.0), 4: (1.0, -1.0, -1.0, 1.0)}
"""With which sign each percentage goes into a quantity, by how many there are."""

DIFFERENCE: Final = Arithmetic(100.0, " minus ", ratio=False)
RATIO: Final = Arithmetic(1.0, " over ", ratio=True)


@dataclass(frozen=True)
class ClaimKind:
    """What claims of one kind have in common.

    Attributes
    ----------
    required, optional : tuple of str
        Keys of a claim in article.toml, besides those that every claim may have.
    region : function of the claim's numbers and their rounding, giving a ClaimedRange
        Where the claim puts each of its quantities.
    roles : function of the names of its references, giving a list of tuples of one, two or four of them
        What each quantity is made of, as `Arithmetic` says. A name with a number behind a point is an item of a list.
    arithmetic : Arithmetic
        How a quantity is made.
    judged : {"tested", "printed", "counted", "parts"}
        By an interval; by what may be rounded to it, with the shift for adjusted numbers; by a number of respondents; by its parts.
    printed : tuple of str
        Which of its numbers an article prints: where nothing says how they are rounded, they are to the last digit that is written.
    empty : function of (numbers, references under `between`, parts), giving a str
        Why a claim says nothing, since no number is in its region or every number is; empty where it says something.
    confounded : bool
        Whether a confounder that is associated with groups and answers could turn it: it compares two groups by one answer.
    equality : bool
        Whether it says that percentages hardly differ: there is a smallest margin that the data could have shown.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    region: Callable[[Numbers, str], ClaimedRange] = lambda numbers, rounding: ClaimedRange(-INFINITE, INFINITE, False)  # noqa: ARG005
    roles: Callable[[Sequence[str]], list[tuple[str, ...]]] = lambda names: [("at",)]  # noqa: ARG005
    arithmetic: Arithmetic = DIFFERENCE
    judged: str = "tested"
    printed: tuple[str, ...] = ()
    empty: Callable[[Numbers, int, int], str] = lambda numbers, between, parts: ""  # noqa: ARG005
    confounded: bool = False
    equality: bool = False

    @property
    def references(self) -> tuple[str, ...]:
        """Keys that name one percentage each."""
        return tuple(role for roles in self.roles(()) for role in roles if "." not in role)

    @property
    def lists(self) -> tuple[str, ...]:
        """Keys that name several percentages each."""
        items = (role.partition(".")[0] for roles in self.roles(()) for role in roles if "." in role)
        return tuple(dict.fromkeys([*items, *(name for name in self.required if name == "between")]))

    def listed_wrongly(self, names: Sequence[str]) -> str:
        """Why its lists do not hold as many percentages as its quantity is made of; empty where they do.

        Examples
        --------
        >>> CLAIM_KINDS["difference_of_differences"].listed_wrongly(["greater.0", "lesser.0", "lesser.1"])[:36]
        '`greater` names 1 percentages. Expec'
        """
        needed = [role for roles in self.roles(()) for role in roles if "." in role]
        for key in dict.fromkeys(role.partition(".")[0] for role in needed):
            count, given = (sum(role.startswith(f"{key}.") for role in every) for every in (needed, names))
            if count != given:
                return f"`{key}` names {given} percentages. Expected {count}: the first minus the second. Write the two that are subtracted"
        return ""

    @property
    def percentages(self) -> tuple[str, ...]:
        """Keys with percentages, percentage points or, of a ratio, how many times."""
        others = (*self.references, *self.lists, "parts", "rounding", "n")
        return tuple(name for name in (*self.required, *self.optional) if name not in others)

    @property
    def largest(self) -> float:
        """The largest number that a claim can declare."""
        return INFINITE if self.arithmetic.ratio else 100.0

    def says_nothing(self, numbers: Numbers, rounding: str) -> str:
        """Why no numbers could agree with a claim, or none could contradict it; empty where some could do either.

        Examples
        --------
        >>> CLAIM_KINDS["order"].says_nothing({"margin": 100.0}, "none")[:57]
        'no possible difference of two percentages (-100 to 100) a'
        """
        several = {len(roles) for roles in self.roles(("one", "other"))}
        if not several:
            return ""
        what, low, high = "percentage (0 to 100)", 0.0, 100.0
        if several == {2}:
            what, low, high = "difference of two percentages (-100 to 100)", -100.0, 100.0
        if several == {4}:
            what, low, high = "difference of two differences (-200 to 200)", -200.0, 200.0
        if self.arithmetic.ratio:
            what, low, high = "ratio (0 or more)", 0.0, INFINITE
        region = self.region(numbers, rounding)
        if region.contains(low, high):
            return f"every possible {what} agrees with it. Expected a claim that numbers can contradict. Write other limits"
        if region.excludes(low, high):
            return (
                f"no possible {what} agrees with it. Expected a claim that numbers can agree with. Write other limits"
            )
        return ""

    def ends(self, numbers: Numbers) -> list[str]:
        """Which ends a claim declares where it may leave one out: its rule is worded accordingly."""
        return [name for name in ENDS if name in numbers and name in self.optional]


def _of_printed(numbers: Numbers, rounding: str) -> ClaimedRange:
    lower, upper = (numbers[name] if name in numbers else numbers["value"] for name in ("lower", "upper"))
    return ClaimedRange(*unrounded(lower, upper, rounding), strict=False)


def _more_by(numbers: Numbers, rounding: str) -> ClaimedRange:  # noqa: ARG001
    """More than the margin; less than `below` where that is said, as of "somewhat more"."""
    return ClaimedRange(numbers.get("margin", 0.0), numbers.get("below", INFINITE), strict=True)


def _about(numbers: Numbers, rounding: str) -> ClaimedRange:  # noqa: ARG001
    return ClaimedRange(numbers["value"] - numbers["tolerance"], numbers["value"] + numbers["tolerance"], strict=False)


def _between_all(names: Sequence[str]) -> list[tuple[str, ...]]:
    return list(itertools.combinations(names, 2))


def _empty_order(numbers: Numbers, between: int, parts: int) -> str:  # noqa: ARG001
    margin, below = numbers.get("margin", 0.0), numbers.get("below", INFINITE)
    if margin < below:
        return ""
    return f"margin = {margin:g} and below = {below:g}. Expected a margin that is smaller than `below`. Exchange them, or leave one out"


def _empty_bound(numbers: Numbers, between: int, parts: int) -> str:  # noqa: ARG001
    if ("above" in numbers) == ("below" in numbers):
        return "a bound needs one of `above` and `below`. Write one of them"
    return ""


def _empty_ratio(numbers: Numbers, between: int, parts: int) -> str:  # noqa: ARG001
    if {"lower", "upper"} & numbers.keys():
        return ""
    return "a ratio without limits is true of any two numbers. Expected `lower`, `upper` or both. Write how many times at least or at most"


def _empty_equivalence(numbers: Numbers, between: int, parts: int) -> str:  # noqa: ARG001
    if between >= 2:
        return ""
    return (
        f"`between` names {between} percentages. Expected two or more, since an equality compares them. Add the others"
    )


def _empty_count(numbers: Numbers, between: int, parts: int) -> str:  # noqa: ARG001
    if between >= 1 and numbers["n"] >= 1:
        return ""
    return f"`between` names {between} percentages and n = {numbers['n']:g}. Expected one or more percentages and a number of respondents. Write both"


def _empty_conjunction(numbers: Numbers, between: int, parts: int) -> str:  # noqa: ARG001
    return (
        ""
        if parts
        else "`parts` is empty. Expected one or more claims that hold together. Add them, or write what is `missing`"
    )


CLAIM_KINDS: Final[dict[str, ClaimKind]] = {
    "value": ClaimKind(("at", "value"), ("rounding",), _of_printed, judged="printed", printed=("value",)),
    "range": ClaimKind(
        ("at", "lower", "upper"), ("rounding",), _of_printed, judged="printed", printed=("lower", "upper")
    ),
    "about": ClaimKind(("at", "value", "tolerance"), (), _about, judged="printed"),
    "about_ratio": ClaimKind(
        ("numerator", "denominator", "value", "tolerance"),
        (),
        _about,
        lambda _: [("numerator", "denominator")],
        RATIO,
        judged="printed",
    ),
    "bound": ClaimKind(
        ("at",),
        ("above", "below"),
        lambda numbers, _: ClaimedRange(numbers.get("above", -INFINITE), numbers.get("below", INFINITE), strict=True),
        empty=_empty_bound,
    ),
    "order": ClaimKind(
        ("greater", "lesser"),
        ("margin", "below"),
        _more_by,
        lambda _: [("greater", "lesser")],
        empty=_empty_order,
        confounded=True,
    ),
    "difference_of_differences": ClaimKind(
        ("greater", "lesser"),
        ("margin", "below"),
        _more_by,
        lambda _: [("greater.0", "greater.1", "lesser.0", "lesser.1")],
        empty=_empty_order,
    ),
    "ratio": ClaimKind(
        ("numerator", "denominator"),
        ("lower", "upper"),
        lambda numbers, _: ClaimedRange(numbers.get("lower", 0.0), numbers.get("upper", INFINITE), strict=False),
        lambda _: [("numerator", "denominator")],
        RATIO,
        empty=_empty_ratio,
    ),
    "equivalence": ClaimKind(
        ("between", "margin"),
        (),
        lambda numbers, _: ClaimedRange(-numbers["margin"], numbers["margin"], strict=False),
        _between_all,
        empty=_empty_equivalence,
        equality=True,
    ),
    "count": ClaimKind(("between", "n"), roles=lambda _: [], judged="counted", empty=_empty_count),
    "all": ClaimKind(("parts",), roles=lambda _: [], judged="parts", empty=_empty_conjunction),
}
