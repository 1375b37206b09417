"""Claims held against the printed numbers alone: each may be anything that rounds to it."""

from __future__ import annotations

from collections.abc import Mapping

from wwm_models.article.quantities import roles_of
from wwm_models.article.reader import Article, Claim, Published, Reference
from wwm_models.article.regions import region_of
from wwm_models.article.rounding import Interval, combined, unrounded


def printed_numbers(article: Article) -> dict[Reference, Published]:
    """Printed percentages by what they are of; the group's variables in any order."""
    return article.slots()


def printed_text(claim: Claim, printed: Mapping[Reference, Published]) -> str:
    """The printed numbers of a claim, and what they say of it: ``"63%; 45%: holds"``; empty where none is printed."""
    if claim.kind == "count":
        return f"{claim.numbers['n']:g}"
    found = [printed.get(at.ordered) for at in dict.fromkeys(claim.every_reference())]
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
        number = printed.get(claim.references[role].ordered)
        if number is None or number.value is None:
            return ""
        limits.append(unrounded(number.value, number.value, number.rounding))
    lower, upper = combined(claim.kind, limits)
    region = region_of(claim)
    if region.contains(lower, upper):
        return "holds"
    return "reverses" if region.excludes(lower, upper) else "undecided"
