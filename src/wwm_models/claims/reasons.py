"""Why a verdict fell: the numbers behind it, and, where adjustment changed it, what in the adjustment did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from wwm_models.claims.article import Claim
from wwm_models.claims.kinds import Quantity, unanimous
from wwm_models.estimates.number_key import NumberKey, keys_of
from wwm_models.likelihood.degrees_of_freedom import LONELY, NO_FREEDOM, NOBODY, ONE_UNIT

WORDS: Final = MappingProxyType(
    {
        "en": MappingProxyType(
            {
                "numbers": "{label}: raw {raw}, {engine} {adjusted}",
                "raw": "{label}: raw {raw}",
                "likelihood": "adjusted",
                "bayes": "Bayes",
                "moved": "adjustment moved it by {total} {unit}, of which most by {part} ({points})",
                "others": "then {others}",
                "rows left out": "respondents left out because an adjuster is missing",
                "model form": "the form of the model",
                "population": "the population averaged over",
                "points": "points",
                "ratio": "on the ratio",
                "wider": "its interval became wider ({after} instead of {before})",
                "count": "{count} of {total} parts hold; decided by: {decisive}",
                "nothing": "no adjusted number: the model has no usable fit or does not cover this group",
                "respondents": "{n} respondents, {printed} printed",
                "absent": "no raw number for {absent}",
                "nobody": "nobody gave this answer, and how certain that is cannot be estimated",
                "everybody": "everybody gave this answer, and how certain that is cannot be estimated",
                "equal": "equal without uncertainty, and more than needs a difference",
                "no ratio": "nobody gave the answer on one side, so their ratio cannot be estimated",
                "no interval": "its uncertainty cannot be estimated",
                "engines": "Bayes says {verdict} (probability {probability:.2f})",
                ONE_UNIT: "cannot be estimated, since all respondents are in one sampling unit",
                LONELY: "cannot be estimated, since every stratum has a single sampling unit",
                NOBODY: "cannot be estimated, since there are no respondents",
                NO_FREEDOM: "no interval, since no stratum has two sampling units with respondents",
            }
        ),
        "nl": MappingProxyType(
            {
                "numbers": "{label}: ruw {raw}, {engine} {adjusted}",
                "raw": "{label}: ruw {raw}",
                "likelihood": "gecorrigeerd",
                "bayes": "Bayes",
                "moved": "de correctie verschoof het {total} {unit}, het meest door {part} ({points})",
                "others": "daarna {others}",
                "rows left out": "respondenten die wegvallen doordat een correctievariabele ontbreekt",
                "model form": "de vorm van het model",
                "population": "de bevolking waarover gemiddeld wordt",
                "points": "punten",
                "ratio": "op de verhouding",
                "wider": "het interval werd breder ({after} in plaats van {before})",
                "count": "{count} van {total} delen kloppen; beslissend: {decisive}",
                "nothing": "geen gecorrigeerd getal: het model heeft geen bruikbare schatting of deze groep niet",
                "respondents": "{n} respondenten, {printed} gedrukt",
                "absent": "geen ruw getal voor {absent}",
                "nobody": "niemand gaf dit antwoord, en hoe zeker dat is, is niet te schatten",
                "everybody": "iedereen gaf dit antwoord, en hoe zeker dat is, is niet te schatten",
                "equal": "gelijk zonder onzekerheid, en meer dan vraagt een verschil",
                "no ratio": "niemand gaf het antwoord aan een van beide kanten, dus hun verhouding is niet te schatten",
                "no interval": "de onzekerheid ervan is niet te schatten",
                "engines": "Bayes zegt {verdict} (kans {probability:.2f})",
                ONE_UNIT: "niet te schatten, want alle respondenten zitten in een steekproefeenheid",
                LONELY: "niet te schatten, want elk stratum heeft een enkele steekproefeenheid",
                NOBODY: "niet te schatten, want er zijn geen respondenten",
                NO_FREEDOM: "geen interval, want geen stratum heeft twee steekproefeenheden met respondenten",
            }
        ),
    }
)


@dataclass(frozen=True, eq=False)
class ShiftParts:
    """Why numbers moved: percentage points by part, for every place."""

    places: Mapping[NumberKey, Mapping[str, float]] = field(default_factory=dict)

    def of(self, claim: Claim, number: int, after: Quantity) -> dict[str, float]:
        """Parts of the shift of one quantity of a claim, in its own unit; empty where some number was not taken apart."""
        total: dict[str, float] = {}
        for role, slope in zip(claim.roles[number], after.gradient, strict=True):
            at = claim.references[role]
            parts = self.places.get(at.key)
            if parts is None:
                return {}
            for name, points in parts.items():
                total[name] = total.get(name, 0.0) + slope * points
        return total


def parts_of(tables: Iterable[pd.DataFrame]) -> ShiftParts:
    """Look-up of decompositions; each table is by its leading columns."""
    places: dict[NumberKey, dict[str, float]] = {}
    for table in tables:
        by = [str(name) for name in table.columns[: list(table.columns).index("outcome")]]
        rows = zip(keys_of(table, by), table["part"], table["percentage_points"], strict=True)
        for key, part, points in rows:
            if part != "difference":
                places.setdefault(key, {})[str(part)] = float(points)
    return ShiftParts(places)


def numbers_text(before: Quantity, after: Quantity | None, lang: str, engine: str = "likelihood") -> str:
    """Raw and adjusted with their intervals, and why either of them decides nothing where it cannot."""
    words = WORDS[lang]
    known = [one for one in (before, after) if one is not None]
    why = dict.fromkeys(words[name] for one in known if (name := undecidable(one)))
    if after is None:
        text = words["raw"].format(label=before.label, raw=_interval(before))
    else:
        text = words["numbers"].format(
            label=after.label, raw=_interval(before), adjusted=_interval(after), engine=words[engine]
        )
    return "; ".join([text, *why])


def undecidable(quantity: Quantity) -> str:
    """Why a quantity can decide nothing; empty where it can."""
    if np.isnan(quantity.estimate):
        return "no ratio"
    if not quantity.estimable:
        return quantity.reason or "no interval"
    if not quantity.tied:
        return ""
    shares = [part.estimate for part in quantity.parts]
    return ("nobody" if max(shares) < 0.5 else "everybody") if unanimous(shares) else "equal"


def cause_text(claim: Claim, number: int, before: Quantity, after: Quantity, parts: ShiftParts, lang: str) -> str:
    """What in the adjustment changed the verdict: the largest Shapley part, then the others; empty where it is not known."""
    words, found = WORDS[lang], parts.of(claim, number, after)
    sentences: list[str] = []
    if found:
        unit = words["ratio"] if claim.about.arithmetic.ratio else words["points"]
        shown = sorted(found.items(), key=lambda item: -abs(item[1]))
        name, points = shown[0]
        text = words["moved"].format(
            total=_signed(sum(found.values())), unit=unit, part=words.get(name, name), points=_signed(points)
        )
        others = [f"{words.get(other, other)} {_signed(value)}" for other, value in shown[1:] if abs(value) >= 0.05]
        sentences.append(f"{text}; {words['others'].format(others=', '.join(others))}" if others else text)
    spread = (after.upper - after.lower, before.upper - before.lower)
    if spread[0] > 1.25 * spread[1]:
        sentences.append(words["wider"].format(after=f"{spread[0]:.1f}", before=f"{spread[1]:.1f}"))
    return "; ".join(sentences)


def _interval(quantity: Quantity) -> str:
    if np.isnan(quantity.estimate):
        return "\N{EN DASH}"
    if not quantity.estimable:
        return f"{quantity.estimate:.1f}"
    return f"{quantity.estimate:.1f} [{quantity.lower:.1f}, {quantity.upper:.1f}]"


def _signed(value: float) -> str:
    return f"{value:+.1f}"
