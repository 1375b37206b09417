"""Why a verdict fell: the numbers behind it, and, where adjustment changed it, what in the adjustment did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from wwm_models.claims.article import Claim
from wwm_models.claims.claimed_quantities import Quantity, unanimous
from wwm_models.estimates.number_key import NumberKey, keys_of, variables_of
from wwm_models.likelihood.degrees_of_freedom import LONELY, NO_FREEDOM, NOBODY, ONE_UNIT
from wwm_models.messages import interval, listed_as, say, together, variable
from wwm_models.messages import number as number_of

CANNOT: Final = MappingProxyType(
    {ONE_UNIT: "one_unit", LONELY: "lonely", NOBODY: "nobody_there", NO_FREEDOM: "no_freedom"}
)  # why an estimate has no interval, as messages
_PARTS: Final = {"rows left out": "by_rows_left_out", "model form": "by_model_form", "population": "by_population"}


@dataclass(frozen=True, eq=False)
class ShiftParts:
    """Why numbers moved: percentage points by part, for every place."""

    places: Mapping[NumberKey, Mapping[str, float]] = field(default_factory=dict)

    def of(self, claim: Claim, number: int, after: Quantity) -> dict[str, float]:
        """Parts of the shift of one quantity of a claim, in its own unit; empty where some number was not taken apart."""
        total: dict[str, float] = {}
        for role, slope, part in zip(claim.roles[number], after.gradient, after.parts, strict=True):
            for key, share in part.made_of or ((claim.references[role].key, 1.0),):
                parts = self.places.get(key)
                if parts is None:
                    return {}
                for name, points in parts.items():
                    total[name] = total.get(name, 0.0) + slope * share * points
        return total


def parts_of(tables: Iterable[pd.DataFrame]) -> ShiftParts:
    """Look-up of decompositions; each table is by its leading columns."""
    places: dict[NumberKey, dict[str, float]] = {}
    for table in tables:
        by = variables_of(table)
        rows = zip(keys_of(table, by), table["part"], table["percentage_points"], strict=True)
        for key, part, points in rows:
            if part != "difference":
                places.setdefault(key, {})[str(part)] = float(points)
    return ShiftParts(places)


def numbers_text(before: Quantity, after: Quantity | None, level: float, lang: str, engine: str = "likelihood") -> str:
    """Raw and adjusted with their intervals, and why either of them decides nothing where it cannot.

    An interval of another level than the page's, as tests on one side have, says which it is.
    """
    known = [one for one in (before, after) if one is not None]
    why = dict.fromkeys(say(name, lang) for one in known if (name := undecidable(one)))
    if after is None:
        text = say("number_raw", lang, label=before.label, raw=_interval(before, level))
    else:
        key = "numbers_bayes" if engine == "bayes" else "numbers"
        text = say(key, lang, label=after.label, raw=_interval(before, level), adjusted=_interval(after, level))
    return together(text, *why)


def undecidable(quantity: Quantity) -> str:
    """Why a quantity can decide nothing, as the key of a message; empty where it can."""
    if np.isnan(quantity.estimate):
        return "no_ratio"
    if not quantity.estimable:
        return CANNOT[quantity.reason] if quantity.reason else "no_interval"
    if not quantity.tied:
        return ""
    shares = [part.estimate for part in quantity.parts]
    return ("nobody" if max(shares) < 0.5 else "everybody") if unanimous(shares) else "equal"


def cause_text(claim: Claim, number: int, before: Quantity, after: Quantity, parts: ShiftParts, lang: str) -> str:
    """What in the adjustment changed the verdict: the largest Shapley part, then the others; empty where it is not known."""
    found = parts.of(claim, number, after)
    sentences: list[str] = []
    if found:
        shown = sorted(found.items(), key=lambda item: -abs(item[1]))
        name, points = shown[0]
        total, key = (
            number_of(sum(found.values()), "+.1f"),
            "moved_ratio" if claim.about.arithmetic.ratio else "moved_points",
        )
        sentences.append(say(key, lang, total=total, part=_part(name, lang), points=number_of(points, "+.1f")))
        others = [
            say("part_moved", lang, part=_part(other, lang), points=number_of(value, "+.1f"))
            for other, value in shown[1:]
            if abs(value) >= 0.05
        ]
        sentences += [say("then", lang, others=listed_as(others))] if others else []
    spread = (after.upper - after.lower, before.upper - before.lower)
    if spread[0] > 1.25 * spread[1]:
        sentences.append(say("wider", lang, after=number_of(spread[0], ".1f"), before=number_of(spread[1], ".1f")))
    return together(*sentences)


def _part(name: str, lang: str) -> str:
    """What moved a number: a part of the analysis, or a variable."""
    return say(_PARTS[name], lang) if name in _PARTS else variable(name)


def _interval(quantity: Quantity, level: float) -> str:
    if np.isnan(quantity.estimate):
        return "\N{EN DASH}"
    limits = (f"{quantity.lower:.1f}", f"{quantity.upper:.1f}") if quantity.estimable else None
    written, own = interval(f"{quantity.estimate:.1f}", limits), 1.0 - 2.0 * quantity.tail
    if limits is None or abs(own - level) < 1e-9:
        return written
    return say("of_level", interval=written, level=say("printed_percent", value=number_of(100.0 * own, ".3g")))


def smallest_margin_text(claim: Claim, found: Sequence[Quantity], lang: str) -> str:
    """Of an equality the smallest margin that its intervals would have shown, and whether the declared one could be shown at all."""
    if not claim.about.equality or not found or not all(one.estimable for one in found):
        return ""
    margin, half = claim.region.upper, max((one.upper - one.lower) / 2.0 for one in found)
    reached = max(max(abs(one.lower), abs(one.upper)) for one in found)
    told = say("smallest_margin", lang, margin=number_of(reached, ".1f"))
    never = say("never_shown", lang, margin=number_of(margin, "g"), half=number_of(half, ".1f"))
    return together(told, never if half > margin else "")
