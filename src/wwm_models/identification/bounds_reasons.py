"""Why a claim has its verdict under bounds, in one sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wwm_models.claims.article import Claim, Reference
from wwm_models.claims.claim_kinds import CLAIM_KINDS
from wwm_models.claims.claimed_quantities import leaves
from wwm_models.identification.conclusions import ASSUMED, REVERSIBLE, TRUE, Claimed
from wwm_models.identification.solve import BoundedQuantity
from wwm_models.messages import number, say, together


def reason(claim: Claim, own: Claimed | None, parts: pd.DataFrame, whole: pd.Series, lang: str) -> str:
    """What decides a claim, or leaves it open.

    Parameters
    ----------
    claim : Claim
    own : Claimed or None
        None where nothing of it can be bounded.
    parts : DataFrame
        The rows of its quantities without a limit on the interaction.
    whole : Series
        Its own row.
    lang : str
    """
    if claim.missing:
        return claim.missing
    if all(leaf.about.judged == "counted" for leaf in leaves(claim)):
        return say("bounds_counted", lang)
    if own is None:
        return say("bounds_outside", lang)
    words = parts["verdict"]
    place = next(
        (
            at
            for want in (REVERSIBLE, None)
            for at, word in enumerate(words)
            if word == want or (want is None and word != TRUE)
        ),
        0,
    )
    survive = int((words == TRUE).sum())
    return together(
        say("bounds_parts", lang, count=survive, parts=len(parts)) if len(parts) > 1 else "",
        _range(own.adjusted[place], parts.iloc[place], lang),
        say("bounds_unadjusted", lang) if own.unadjusted else "",
        _everyone(own, lang),
        _assumed(own, lang),
        _reversal(float(whole["reversed_from"]), str(whole["verdict"]), lang),
    )


def _range(quantity: BoundedQuantity, row: pd.Series, lang: str) -> str:
    what = label(quantity.references, ratio=CLAIM_KINDS[quantity.kind].arithmetic.ratio, lang=lang)
    if not np.isfinite(row["lower"]):
        return say("bounds_no_table", lang, what=what)
    unit, digits = (1.0, ".2f") if quantity.denominator is not None else (100.0, ".1f")
    low, high = (number(unit * row[name], digits) for name in ("lower", "upper"))
    return say("bounds_range", lang, what=what, low=low, high=high)


def label(references: tuple[Reference, ...], *, ratio: bool, lang: str) -> str:
    """What a quantity is of: a number, or numbers with what stands between them."""
    names = [reference.named for reference in references]
    if len(names) == 1:
        return names[0]
    if len(names) == 2:
        return say("over" if ratio else "minus", lang, one=names[0], other=names[1])
    return say("minus_minus", lang, one=names[0], other=names[1], third=names[2], fourth=names[3])


def _everyone(own: Claimed, lang: str) -> str:
    """Of everyone nothing is held equal: the target population leaves out who is in no figure, and that is all."""
    return say("bounds_everyone", lang) if own.of_everyone and not own.unadjusted else ""


def _assumed(own: Claimed, lang: str) -> str:
    return say("bounds_assumed", lang) if own.known == ASSUMED else ""


def _reversal(least: float, verdict: str, lang: str) -> str:
    if verdict != REVERSIBLE or not np.isfinite(least):
        return ""
    if least <= 0.0:
        return say("bounds_reversed_always", lang)
    return say("bounds_reversed_from", lang, points=number(100.0 * least, ".1f"))
