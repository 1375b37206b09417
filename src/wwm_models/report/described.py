"""What the page says in sentences: the count of verdicts, what stands first, and every chart in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from wwm_models.report.claims import Ledger
from wwm_models.report.figures import Block, Comparison, Figure, Row, answers_cell, grouped
from wwm_models.report.labels import Labels
from wwm_models.report.numbers import Value, cell, number, text
from wwm_models.report.texts import LANGUAGES, Text, Words


def tally(ledger: Ledger, words: Words) -> Markup:
    """One sentence that counts the verdicts; empty when there are no claims."""
    if not ledger.lines:
        return Markup("")
    written: list[Markup] = []
    for lang in LANGUAGES:
        parts: list[Markup] = []
        for verdict, count in ledger.tally:
            key = f"tally_{verdict.word.replace(' ', '_')}" + ("_one" if count == 1 else "")
            phrase = words.get(key) or words["tally_other"]
            bold = Markup('<b class="{}" data-tally="{}">{}</b>').format(verdict.style, verdict.word, count)
            parts.append(Markup(phrase.of(lang)).format(n=bold, word=verdict.label.of(lang)))
        joined = (
            Markup(", ").join(parts[:-1]) + Markup(f" {words['crossed'].of(lang)} ") + parts[-1]
            if len(parts) > 1
            else parts[0]
        )
        opening = Markup(words["tally_opening"].of(lang)).format(total=len(ledger.lines))
        verb = Markup(": ")
        written.append(Markup('<span class="{0}" lang="{0}">{1}{2}{3}.</span>').format(lang, opening, verb, joined))
    return Markup("").join(written)


def headline(figures: Sequence[Figure], comparison: Comparison) -> tuple[Figure, Block] | None:
    """What the first screen shows: of the first figure two telling answers of its first model, by its own grouping.

    Answers reported together come before single ones, and the highest before the lowest; everyone together comes last.
    """
    for figure in figures:
        own = next((block for block in figure.blocks if block.by == figure.own), figure.blocks[0])
        rows = comparison.shown(figure.models[0], own.by)
        if rows:
            outcome = text(rows[0], "outcome")
            names = list(grouped(rows, "category"))
            order = sorted(
                names, key=lambda name: (not comparison.labels.is_collapse(outcome, name), -names.index(name))
            )
            everyone = comparison.shown(figure.models[0], "") if own.by else []
            kept = [row for name in order[:2] for row in (*rows, *everyone) if text(row, "category") == name]
            return figure, Block(
                "headline", "answers", own.by, own.estimand, (answers_cell(kept, (), comparison.labels),)
            )
    return None


def described(block: Block, labels: Labels) -> Markup:
    """A chart in words, with its numbers: where adjusted runs from and to, and where adjustment moved most."""
    rows = [row for row in block.rows if not math.isnan(_adjusted(row).value)]
    if not rows:
        return Markup(labels.words["chart_empty"].__html__())
    low, high = min(rows, key=lambda row: _adjusted(row).value), max(rows, key=lambda row: _adjusted(row).value)
    parts = {
        "low": _adjusted(low),
        "low_at": _named(low, labels),
        "high": _adjusted(high),
        "high_at": _named(high, labels),
    }
    moved = [row for row in rows if not math.isnan(number(row, "difference"))]
    sentence = "chart_summary_one" if len(rows) == 1 else "chart_summary_range"
    if not moved:
        return labels.words.marked(sentence, **parts)
    most = max(moved, key=lambda row: abs(number(row, "difference")))
    shift = {"shift": cell(most, "difference", "points"), "shift_at": _named(most, labels)}
    return labels.words.marked("chart_summary_one_moved" if len(rows) == 1 else "chart_summary", **parts, **shift)


def _adjusted(row: Row) -> Value:
    value = cell(row, "adjusted_likelihood", "percent")
    return cell(row, "adjusted_bayes", "percent") if math.isnan(value.value) else value


def _named(row: Row, labels: Labels) -> Text:
    parts = labels.category(text(row, "outcome"), text(row, "category")), labels.group(text(row, "group"))
    return Text(*("“{}”, {}".format(*(part.of(lang) for part in parts)) for lang in LANGUAGES))
