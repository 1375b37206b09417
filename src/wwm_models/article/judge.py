"""Verdicts: whether a claim holds on the raw numbers, and whether it still holds after adjustment.

A claim defines a region R for its quantity. The interval inside R: holds; disjoint from R: reverses; otherwise weaker if
adjustment moved it significantly away from R, else undecided. Orders use one-sided 5%; equivalence two one-sided 5% tests
(a 90% interval inside the margin); a conjunction holds when all its parts do (intersection-union) and reverses when one
does. Values and ranges are judged on the raw number with its rounding interval.

References
----------
Berger, R. L. and Hsu, J. C. (1996). Bioequivalence trials, intersection-union tests and equivalence confidence sets.
Statistical Science 11, 283-319. doi:10.1214/ss/1032280304
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from wwm_models.article.pool import Located, Pool, joint_covariance
from wwm_models.article.reader import HALF_UNIT, Article, Claim
from wwm_models.numerics.intervals import critical_value

UNTESTABLE = "cannot be tested"


@dataclass(frozen=True)
class Quantity:
    """An estimated quantity, its interval and the region the claim puts it in (percentage points, or a ratio)."""

    label: str
    estimate: float
    lower: float
    upper: float
    region: tuple[float, float]
    parts: tuple[Located, ...]
    gradient: tuple[float, ...]

    @property
    def inside(self) -> bool:
        """Whether the whole interval lies in the region."""
        return self.region[0] <= self.lower and self.upper <= self.region[1]

    @property
    def disjoint(self) -> bool:
        """Whether no point of the interval lies in the region."""
        return self.upper < self.region[0] or self.lower > self.region[1]


@dataclass(frozen=True)
class Evidence:
    """What the data say of one claim.

    Attributes
    ----------
    raw, likelihood : str
        Verdicts; empty where there is no such number.
    verdict : str
    reason : str
        The numbers behind it, in a sentence.
    """

    raw: str
    likelihood: str
    verdict: str
    reason: str


def judge(claim: Claim, raw: Pool, adjusted: Pool, level: float = 0.95) -> Evidence:
    """Judge one claim.

    Parameters
    ----------
    claim : Claim
    raw, adjusted : Pool
    level : float
        Of two-sided intervals; orders and equivalences use one-sided tests at ``1 - level``.

    Returns
    -------
    Evidence
    """
    if claim.missing:
        return Evidence("", "", UNTESTABLE, claim.missing)
    if claim.kind == "all":
        return _conjunction([judge(part, raw, adjusted, level) for part in claim.parts])
    before, after = quantities(claim, raw, level), quantities(claim, adjusted, level)
    if not before:
        absent = [str(reference) for reference in claim.references.values() if raw.find(reference) is None]
        return Evidence("", "", UNTESTABLE, f"no raw number for {'; '.join(absent)}")
    if claim.kind in ("value", "range"):
        return _point_evidence(before[0], after[0] if after else None)
    raw_verdict = _plain_verdict(before)
    if not after:
        return Evidence(
            raw_verdict, "", UNTESTABLE, "no adjusted number: the model has no usable fit or does not cover this group"
        )
    verdict = _adjusted_verdict(before, after, level)
    shown = max(zip(before, after, strict=True), key=lambda pair: _distance(pair[1]))
    return Evidence(raw_verdict, verdict, verdict, _sentence(*shown))


def quantities(claim: Claim, pool: Pool, level: float) -> list[Quantity]:
    """The quantities of a claim that is not a conjunction; empty if some number is not there."""
    found = {role: pool.find(reference) for role, reference in claim.references.items()}
    here = {role: part for role, part in found.items() if part is not None}
    if len(here) < len(found) or not found:
        return []
    return _KINDS[claim.kind](claim, here, level)


def claims_table(
    article: Article, raw: Pool, adjusted: dict[str, Pool], lang: str, level: float = 0.95
) -> pd.DataFrame:
    """One row per claim, in the order of the article, without the study columns.

    Parameters
    ----------
    article : Article
    raw : Pool
    adjusted : mapping of estimand to Pool
    lang : {"nl", "en"}
    level : float
    """
    rows: list[dict[str, object]] = []
    for claim in article.claims:
        evidence = judge(claim, raw, adjusted.get(claim.estimand or article.estimand, Pool()), level)
        rows.append(
            {
                "id": claim.id,
                "statement": claim.statement[lang],
                "where": claim.where,
                "kind": claim.kind,
                "published": _printed(claim, article),
                "raw_verdict": evidence.raw,
                "likelihood_verdict": evidence.likelihood,
                "bayes_probability": np.nan,
                "verdict": evidence.verdict,
                "reason": evidence.reason,
            }
        )
    columns = [
        "id",
        "statement",
        "where",
        "kind",
        "published",
        "raw_verdict",
        "likelihood_verdict",
        "bayes_probability",
        "verdict",
        "reason",
    ]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def _printed(claim: Claim, article: Article) -> str:
    values = {number.at: number.value for number in article.published if number.value is not None}
    shown = [f"{values[reference]:g}%" for reference in dict.fromkeys(claim.every_reference()) if reference in values]
    return "; ".join(shown)


def _single(claim: Claim, found: dict[str, Located], level: float) -> list[Quantity]:
    """A value, range or bound: the number itself with its own interval."""
    del level
    part, numbers = found["at"], claim.numbers
    if claim.kind == "value":
        half = HALF_UNIT[claim.rounding]
        region = numbers["value"] - half, np.nextafter(numbers["value"] + half, 0.0)
    else:
        region = numbers.get("lower", numbers.get("above", 0.0)), numbers.get("upper", numbers.get("below", 100.0))
    label = str(claim.references["at"])
    return [Quantity(label, 100 * part.estimate, 100 * part.lower, 100 * part.upper, region, (part,), (1.0,))]


def _order(claim: Claim, found: dict[str, Located], level: float) -> list[Quantity]:
    parts = found["greater"], found["lesser"]
    label = f"{claim.references['greater']} minus {claim.references['lesser']}"
    return [_difference(label, parts, (claim.numbers.get("margin", 0.0), np.inf), 2 * level - 1)]


def _equivalence(claim: Claim, found: dict[str, Located], level: float) -> list[Quantity]:
    margin = claim.numbers["margin"]
    return [
        _difference(
            f"{claim.references[a]} minus {claim.references[b]}", (found[a], found[b]), (-margin, margin), 2 * level - 1
        )
        for a, b in itertools.combinations(found, 2)
    ]


def _difference(label: str, parts: tuple[Located, Located], region: tuple[float, float], level: float) -> Quantity:
    """A difference of two percentages with the interval whose ends are one-sided limits."""
    gradient = np.array([1.0, -1.0])
    joint = joint_covariance(list(parts))
    half = critical_value(level, min(part.df for part in parts)) * float(np.sqrt(max(gradient @ joint @ gradient, 0.0)))
    estimate = parts[0].estimate - parts[1].estimate
    return Quantity(label, 100 * estimate, 100 * (estimate - half), 100 * (estimate + half), region, parts, (1.0, -1.0))


def _ratio(claim: Claim, found: dict[str, Located], level: float) -> list[Quantity]:
    """A ratio of two percentages with an interval made on the log scale."""
    parts = found["numerator"], found["denominator"]
    label = f"{claim.references['numerator']} over {claim.references['denominator']}"
    region = claim.numbers.get("lower", 0.0), claim.numbers.get("upper", np.inf)
    if parts[0].estimate <= 0 or parts[1].estimate <= 0:
        return []
    gradient = np.array([1.0 / parts[0].estimate, -1.0 / parts[1].estimate])
    joint = joint_covariance(list(parts))
    half = critical_value(level, min(part.df for part in parts)) * float(np.sqrt(max(gradient @ joint @ gradient, 0.0)))
    ratio = parts[0].estimate / parts[1].estimate
    slopes = (gradient * ratio).tolist()
    return [Quantity(label, ratio, ratio * np.exp(-half), ratio * np.exp(half), region, parts, (slopes[0], slopes[1]))]


_KINDS = {
    "value": _single,
    "range": _single,
    "bound": _single,
    "order": _order,
    "ratio": _ratio,
    "equivalence": _equivalence,
}


def _point_evidence(before: Quantity, after: Quantity | None) -> Evidence:
    inside = before.region[0] <= before.estimate <= before.region[1]
    verdict = "reproduced" if inside else "not reproduced"
    if after is None:
        return Evidence(verdict, "", verdict, f"{before.label}: raw {before.estimate:.1f}; no adjusted number")
    return Evidence(verdict, f"shift {after.estimate - before.estimate:+.1f}", verdict, _sentence(before, after))


def _plain_verdict(every: list[Quantity]) -> str:
    if all(quantity.inside for quantity in every):
        return "holds"
    return "reverses" if any(quantity.disjoint for quantity in every) else "undecided"


def _adjusted_verdict(before: list[Quantity], after: list[Quantity], level: float) -> str:
    verdict = _plain_verdict(after)
    if verdict == "undecided" and any(_moved_away(b, a, level) for b, a in zip(before, after, strict=True)):
        return "weaker"
    return verdict


def _moved_away(before: Quantity, after: Quantity, level: float) -> bool:
    """Whether adjusted minus raw is significant and leads out of the region."""
    if _distance(after) <= _distance(before):
        return False
    joint = joint_covariance([*before.parts, *after.parts])
    gradient = np.array([*(-slope for slope in before.gradient), *after.gradient])
    std_error = float(np.sqrt(max(gradient @ joint @ gradient, 0.0)))
    df = min(part.df for part in after.parts)
    shift = float(gradient @ np.array([part.estimate for part in (*before.parts, *after.parts)]))
    return abs(shift) > critical_value(level, df) * std_error


def _distance(quantity: Quantity) -> float:
    """How far the estimate lies from being safely inside: the larger, the worse; negative inside."""
    return max(quantity.region[0] - quantity.estimate, quantity.estimate - quantity.region[1])


def _conjunction(parts: list[Evidence]) -> Evidence:
    order = ("reverses", "not reproduced", UNTESTABLE, "weaker", "undecided", "holds", "reproduced")

    def worst(words: list[str]) -> str:
        known = [word for word in words if word in order]
        return min(known, key=order.index) if known else ""

    verdict = worst([part.verdict for part in parts])
    raw = worst([part.raw for part in parts])
    likelihood = worst([part.likelihood for part in parts])
    decisive = next(part for part in parts if part.verdict == verdict)
    count = sum(part.verdict in ("holds", "reproduced") for part in parts)
    return Evidence(raw, likelihood, verdict, f"{count} of {len(parts)} parts hold; decided by: {decisive.reason}")


def _sentence(before: Quantity, after: Quantity) -> str:
    return (
        f"{after.label}: raw {before.estimate:.1f} [{before.lower:.1f}, {before.upper:.1f}], "
        f"adjusted {after.estimate:.1f} [{after.lower:.1f}, {after.upper:.1f}]"
    )
