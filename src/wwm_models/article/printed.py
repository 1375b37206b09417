"""Claims held against the printed numbers alone: each may be anything that rounds to it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wwm_models.article.quantities import region_of, roles_of
from wwm_models.article.reader import Article, Claim, Published, Reference

Interval = tuple[float, float]


def printed_numbers(article: Article) -> dict[Reference, Published]:
    """Printed percentages by what they are of; the group's variables in any order."""
    return {_ordered(number.at): number for number in article.published if number.value is not None}


def printed_text(claim: Claim, printed: Mapping[Reference, Published]) -> str:
    """The printed numbers of a claim, and what they say of it: ``"63%; 45%: holds"``; empty where none is printed."""
    if claim.kind == "count":
        return f"{claim.numbers['n']:g}"
    found = [printed.get(_ordered(at)) for at in dict.fromkeys(claim.every_reference())]
    shown = [f"{number.value:g}%" for number in found if number is not None]
    if not shown:
        return ""
    verdict = printed_verdict(claim, printed)
    return f"{'; '.join(shown)}: {verdict}" if verdict else "; ".join(shown)


def printed_verdict(claim: Claim, printed: Mapping[Reference, Published]) -> str:
    """What the printed numbers say of a claim whatever was rounded away.

    Returns
    -------
    str
        "holds" or "reverses" for every number that rounds to what is printed, "undecided" where that depends on the
        rounding, empty where a number is not printed.
    """
    if claim.missing or claim.kind == "count":
        return ""
    if claim.kind == "all":
        parts = [printed_verdict(part, printed) for part in claim.parts]
        if "reverses" in parts:
            return "reverses"
        if not parts or "" in parts:
            return ""
        return "undecided" if "undecided" in parts else "holds"
    verdicts = [_verdict(claim, roles, printed) for roles in roles_of(claim)]
    if "reverses" in verdicts:
        return "reverses"
    if "" in verdicts:
        return ""
    return "undecided" if "undecided" in verdicts else "holds"


def _verdict(claim: Claim, roles: tuple[str, ...], printed: Mapping[Reference, Published]) -> str:
    limits: list[Interval] = []
    for role in roles:
        number = printed.get(_ordered(claim.references[role]))
        if number is None or number.limits is None:
            return ""
        limits.append((100 * number.limits[0], float(np.nextafter(100 * number.limits[1], 0.0))))
    lower, upper = _combined(claim.kind, limits)
    region = region_of(claim)
    if region[0] - TOLERANCE <= lower and upper <= region[1] + TOLERANCE:
        return "holds"
    return "reverses" if upper < region[0] or lower > region[1] else "undecided"


TOLERANCE = 1e-9  # of percentages that went through 0..1 and back


def _combined(kind: str, limits: list[Interval]) -> Interval:
    """The smallest and largest value of a number, a difference or a ratio of numbers in these intervals."""
    if len(limits) == 1:
        return limits[0]
    (low, high), (other_low, other_high) = limits
    if kind == "ratio":
        return low / other_high, high / other_low if other_low > 0 else float("inf")
    return low - other_high, high - other_low


def _ordered(at: Reference) -> Reference:
    return Reference(at.outcome, at.category, tuple(sorted(at.group)))
