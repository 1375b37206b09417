"""The tables of bounds: a row per number, per quantity of a claim and per claim, at every limit on the interaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.article.bounds.margins import Margins
from wwm_models.article.bounds.narrowing import Narrowing
from wwm_models.article.bounds.quantities import Quantity
from wwm_models.article.bounds.solve import Allowed
from wwm_models.article.bounds.verdicts import FALSE, NOT_BOUNDED, TRUE, verdict
from wwm_models.article.reader import Article, Claim, Reference
from wwm_models.article.rounding import combined
from wwm_models.article.rules import UNTESTABLE

Array = NDArray[np.float64]
Claims = Mapping[str, Sequence[Quantity]]

BOUNDS_COLUMNS = (
    "id", "kind", "outcome", "category", "by", "group", "delta", "lower", "upper", "max_entropy",
    "published_lower", "published_upper", "narrows_most", "verdict",
)  # fmt: skip
CLAIM_COLUMNS = (
    "id", "statement", "where", "kind", "verdict", "decided_up_to", "decided", "narrows_most", "reason",
)  # fmt: skip
TEXTS = ("id", "kind", "outcome", "category", "by", "group", "narrows_most", "verdict")
_JOINED = {"order": " minus ", "equivalence": " minus ", "ratio": " over "}


@dataclass(frozen=True, eq=False)
class BoundsResult:
    """Bounds from the printed article and declared margins.

    Attributes
    ----------
    table : DataFrame
        Without a limit on the interaction: one row per number of the article and per quantity of a claim, with
        `BOUNDS_COLUMNS` and ``narrowed_lower``, ``narrowed_upper``: what would be left if the number in ``narrows_most`` were
        printed too. Probabilities and their differences (ratios as they are); ``delta`` is infinite.
    curve : DataFrame
        The same rows at every limit on the interaction, `BOUNDS_COLUMNS`.
    claims : DataFrame
        One row per claim: ``id``, ``statement``, ``where``, ``kind``, ``verdict`` (without a limit),
        ``decided_up_to`` (largest
        declared limit on the interaction up to which it is decided; nan if it never is), ``decided`` (how), ``narrows_most``, ``reason``.
    margins : Margins
    notes : tuple of str
        What a reader has to know.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    claims: pd.DataFrame
    margins: Margins
    notes: tuple[str, ...]


def number_rows(
    quantities: Sequence[Quantity],
    ends: Array,
    space: Allowed,
    article: Article,
    claims: Claims,
    telling: Mapping[str, Narrowing],
) -> pd.DataFrame:
    """The rows of one limit on the interaction; a claim of several quantities has a row of its own after theirs."""
    printed = {number.at: number.limits for number in article.published if number.limits is not None}
    places = {quantity.id: place for place, quantity in enumerate(quantities)}
    judged = {
        quantity.id: verdict([quantity], ends[[places[quantity.id]]], space)
        for own in claims.values()
        for quantity in own
    }
    rows: list[dict[str, object]] = []
    for quantity, limit in zip(quantities, ends, strict=True):
        row = _quantity_row(quantity, limit, space, printed)
        row["narrows_most"] = telling[quantity.id].id if np.isinf(space.delta) and quantity.id in telling else ""
        row["verdict"] = judged.get(quantity.id, "")
        rows.append(row)
    for claim in article.claims:
        own = claims[claim.id]
        if len(own) != 1 or own[0].id != claim.id:
            rows.append({"id": claim.id, "kind": claim.kind, "verdict": _whole(claim, own, ends, places, space)})
    table = pd.DataFrame(rows).reindex(columns=list(BOUNDS_COLUMNS)).assign(delta=space.delta)
    return table.assign(**{name: table[name].astype(object).where(table[name].notna(), "") for name in TEXTS})


def with_narrowing(curve: pd.DataFrame, telling: Mapping[str, Narrowing]) -> pd.DataFrame:
    """The rows without a limit on the interaction, with what one more printed number would leave."""
    table = curve[np.isinf(curve["delta"])].reset_index(drop=True)
    left = {name: (gain.lower, gain.upper) for name, gain in telling.items()}
    ends = np.array([left.get(str(name), (np.nan, np.nan)) for name in table["id"]], dtype=float).reshape(-1, 2)
    return table.assign(narrowed_lower=ends[:, 0], narrowed_upper=ends[:, 1])


def claim_rows(article: Article, claims: Claims, curve: pd.DataFrame, lang: str) -> pd.DataFrame:
    """One row per claim: the verdict without a limit, and up to which limit it is decided."""
    rows: list[dict[str, object]] = []
    along = dict(tuple(curve.sort_values("delta", kind="stable").groupby("id", sort=False)))
    unlimited = curve[np.isinf(curve["delta"])].set_index("id")
    for claim in article.claims:
        plain = unlimited.loc[claim.id]
        parts = unlimited.loc[[quantity.id for quantity in claims[claim.id]]]
        decided_up_to, decided = _decided(along[claim.id])
        rows.append(
            {
                "id": claim.id, "statement": claim.statement.get(lang, ""), "where": claim.where, "kind": claim.kind,
                "verdict": plain["verdict"], "decided_up_to": decided_up_to, "decided": decided,
                "narrows_most": next((name for name in parts["narrows_most"] if name), ""),
                "reason": _reason(claim, parts),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=pd.Index(CLAIM_COLUMNS))


def _quantity_row(
    quantity: Quantity, limit: Array, space: Allowed, printed: Mapping[Reference, tuple[float, float]]
) -> dict[str, object]:
    references = quantity.references
    joined = _JOINED.get(quantity.kind, "")
    groups = [";".join(f"{name}={level}" for name, level in reference.group) for reference in references]
    texts = [group or "everyone" for group in groups] if len(groups) > 1 else groups
    low, high = _published([printed.get(reference) for reference in references], quantity.kind)
    return {
        "id": quantity.id, "kind": quantity.kind,
        "outcome": joined.join(dict.fromkeys(reference.outcome for reference in references)),
        "category": joined.join(dict.fromkeys(reference.category for reference in references)),
        "by": ";".join(dict.fromkeys(name for reference in references for name in reference.by)),
        "group": joined.join(dict.fromkeys(texts)),
        "lower": limit[0], "upper": limit[1],
        "max_entropy": quantity.value(space.points) if space.has(quantity) else np.nan,
        "published_lower": low, "published_upper": high,
    }  # fmt: skip


def _published(known: Sequence[tuple[float, float] | None], kind: str) -> tuple[float, float]:
    """What the printed numbers themselves say of a quantity, before any adjustment."""
    pairs = [pair for pair in known if pair is not None]
    return combined(kind, pairs) if len(pairs) == len(known) else (np.nan, np.nan)


def _whole(claim: Claim, own: Sequence[Quantity], ends: Array, places: Mapping[str, int], space: Allowed) -> str:
    if claim.missing:
        return UNTESTABLE
    if not own:
        return NOT_BOUNDED
    return verdict(own, ends[[places[quantity.id] for quantity in own]], space)


def _decided(found: pd.DataFrame) -> tuple[float, str]:
    """The largest limit up to which a claim is decided the same way at every smaller one too."""
    reached, how = np.nan, ""
    for delta, word in zip(found["delta"], found["verdict"], strict=True):
        if word not in (TRUE, FALSE) or (how and word != how):
            break
        reached, how = float(delta), str(word)
    return reached, how


def _reason(claim: Claim, parts: pd.DataFrame) -> str:
    if claim.missing:
        return claim.missing
    if claim.kind == "count":
        return "a number of respondents, which no adjustment changes"
    if parts.empty:
        return "a number of it is of a group that the margins do not have"
    undecided = parts[parts["verdict"] != TRUE]
    shown = (undecided if len(undecided) else parts).iloc[0]
    count = f"{len(parts) - len(undecided)} of {len(parts)} parts true for all tables; " if len(parts) > 1 else ""
    return f"{count}{shown['outcome']} = {shown['category']} ({shown['group'] or 'everyone'}): {_range(shown)}"


def _range(row: pd.Series) -> str:
    if not np.isfinite(row["lower"]):
        return "no table agrees with what is printed"
    if row["kind"] == "ratio":
        return f"adjusted from {row['lower']:.2f} to {row['upper']:.2f}"
    return f"adjusted from {100 * row['lower']:.1f} to {100 * row['upper']:.1f}"
