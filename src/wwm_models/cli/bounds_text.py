"""What `wwm bounds` prints: limits of every number, a verdict on every claim, and how both depend on the interaction, in one language."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from wwm_models.claims.article import Article
from wwm_models.identification.bounds import BoundsResult
from wwm_models.messages import catalogue, in_language, sentence
from wwm_models.report.text import Labels

WIDTH = 118


def bounds_text(found: BoundsResult, article: Article, labels: Labels, lang: str) -> str:
    """The tables of bounds as lines of text.

    Parameters
    ----------
    found : BoundsResult
    article : Article
    labels : Labels
        Of the study, with the messages of the bounds.
    lang : str
        Of everything.
    """
    smallest = float(found.curve["delta"].min())
    near = found.curve[found.curve["delta"] == smallest].set_index("id")
    heads = [sentence(f"bounds_head_{name}", lang) for name in ("number", "group", "answer", "printed", "free")]
    heads += [sentence("bounds_head_limit", lang, points=f"{100 * smallest:g}")]
    heads += [sentence(f"bounds_head_{name}", lang) for name in ("entropy", "narrows")]
    parts = [
        sentence("bounds_title", lang),
        *textwrap.wrap(_on(found, labels, lang), WIDTH),
        *(line for note in found.notes for line in textwrap.wrap(labels.said(note).of(lang), WIDTH)),
        "",
        _columns(heads),
    ]
    numbers = found.table[found.table["kind"] == "number"]
    parts += [_number_line(row, near.loc[row["id"]], labels, lang) for row in numbers.to_dict(orient="records")]
    parts.append("")
    last = found.words or found
    before = dict(zip(found.claims["id"], found.claims["verdict"], strict=True)) if found.words else {}
    if found.words:
        parts += textwrap.wrap(
            sentence("bounds_words", lang, count=len(last.assumed), ids=", ".join(last.assumed)), WIDTH
        )
        parts += [line for note in last.notes if note not in found.notes for line in textwrap.wrap(note, WIDTH)]
        parts.append("")
    for claim, row in zip(article.claims, last.claims.to_dict(orient="records"), strict=True):
        parts += _claim_lines(in_language(claim.statement, lang), row, before.get(claim.id, ""), labels, lang)
    counts = last.claims["verdict"].value_counts()
    told = ", ".join(f"{count} {labels.said(str(word)).of(lang)}" for word, count in counts.items())
    number = "statement" if len(last.claims) == 1 else "statements"
    parts.append(f"{len(last.claims)} {labels.words[number].of(lang)}: {told}")
    return "\n".join(parts)


def _on(found: BoundsResult, labels: Labels, lang: str) -> str:
    margins = found.margins
    names = [labels.variable(name).of(lang) for name in (margins.rows, margins.columns)]
    status = sentence(f"margins_{margins.status}", lang)
    return sentence("bounds_on", lang, rows=names[0], columns=names[1], status=status, source=margins.source or "-")


def _columns(cells: Sequence[str]) -> str:
    number, group, answer, printed, free, limit, entropy, narrows = cells
    return (
        f"{number[:7]:<8}{group[:35]:<36}{answer[:23]:<24}{printed:>12}  {free:<16}{limit:<20}{entropy:>8}  {narrows}"
    )


def _number_line(row: Mapping[Hashable, Any], near: pd.Series, labels: Labels, lang: str) -> str:
    has_print = bool(np.isfinite(row["published_lower"]))
    printed = _interval(row["published_lower"], row["published_upper"], lang) if has_print else "-"
    left = f"{row['narrows_most']}: {_interval(row['narrowed_lower'], row['narrowed_upper'], lang)}"
    entropy = catalogue(lang).number(f"{100 * row['max_entropy']:.1f}")
    answer = labels.category(row["outcome"], row["category"]).of(lang)
    return _columns([
        row["id"], labels.group(row["group"]).of(lang), answer, printed, _interval(row["lower"], row["upper"], lang),
        _interval(near["lower"], near["upper"], lang), entropy, left if row["narrows_most"] else "-",
    ])  # fmt: skip


def _claim_lines(statement: str, row: Mapping[Hashable, Any], before: str, labels: Labels, lang: str) -> list[str]:
    limit, verdict = float(row["decided_up_to"]), labels.said(str(row["verdict"])).of(lang)
    also = (
        [sentence("bounds_before", lang, verdict=labels.said(before).of(lang))]
        if before not in ("", row["verdict"])
        else []
    )
    if np.isfinite(limit) and row["decided"] != row["verdict"]:
        points = catalogue(lang).number(f"{100 * limit:g}")
        also.append(sentence("bounds_up_to", lang, verdict=labels.said(str(row["decided"])).of(lang), points=points))
    also += [sentence("bounds_helps", lang, slot=row["narrows_most"])] if row["narrows_most"] else []
    lines = [f"{row['id']}  {verdict.upper()}" + (f" ({'; '.join(also)})" if also else "")]
    lines += textwrap.wrap(statement, WIDTH, initial_indent="     ", subsequent_indent="     ")
    why = labels.said(str(row["reason"])).of(lang)
    return lines + textwrap.wrap(why, WIDTH, initial_indent="     > ", subsequent_indent="       ")


def _interval(lower: float, upper: float, lang: str) -> str:
    if np.isnan(lower):
        return catalogue(lang).words["no table"]
    return catalogue(lang).number(f"{100 * lower:.1f}") + " – " + catalogue(lang).number(f"{100 * upper:.1f}")
