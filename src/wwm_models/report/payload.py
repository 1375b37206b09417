"""What the page's script is given: the comparison by column, which rows stand in which chart, colours and words.

The script holds no number of its own. A chart row is an index into the columns, so a drawn number is the number of the csv.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wwm_models.report.allowed import Allowed
from wwm_models.report.charts.layout import AXES, colours_of, on
from wwm_models.report.figures import Block, Cell, Comparison, Row, answers_cell, grouped
from wwm_models.report.numbers import number, text
from wwm_models.report.texts import LANGUAGES, Text

COLUMNS: Final = (
    "n", "published", "published_lower", "published_upper", "raw", "raw_lower", "raw_upper", "adjusted_likelihood",
    "adjusted_likelihood_lower", "adjusted_likelihood_upper", "adjusted_bayes", "adjusted_bayes_lower", "adjusted_bayes_upper",
    "difference", "difference_se",
)  # fmt: skip
BOUNDS: Final = ("delta", "lower", "upper", "max_entropy", "published_lower", "published_upper")
WORDS: Final = (
    "raw", "adjusted", "published", "suppressed", "column_group", "column_answer", "column_n", "column_published", "column_raw",
    "column_likelihood", "column_bayes", "column_difference", "as_table", "as_chart", "cited", "cite",
    "limit_additive", "limit_points", "limit_none", "column_limit", "bounds", "column_entropy", "not_sampled", "only_sampled",
)  # fmt: skip


class Strings:
    """Texts by their place in a list, each once."""

    def __init__(self) -> None:
        self._places: dict[Text, int] = {}

    def __call__(self, text: Text) -> int:
        """The place of a text."""
        return self._places.setdefault(text, len(self._places))

    @property
    def listed(self) -> list[list[str]]:
        """Every text in both languages."""
        return [[text.of(lang) for lang in LANGUAGES] for text in self._places]


def payload(comparison: Comparison, blocks: Sequence[Block], allowed: Allowed, lang: str) -> dict[str, Any]:
    """What the page's script is given, as JSON can hold it.

    Parameters
    ----------
    comparison : Comparison
    blocks : sequence of Block
        Of the figures, the headline and the claims.
    allowed : Allowed
        The bounds.
    lang : {"nl", "en"}
        The language the page opens in.
    """
    strings = Strings()
    drawn = {block.id: _block(block, strings) for block in blocks}
    explored = {
        model: {by: _explored(comparison, model, by, strings) for by in grouped(comparison.of_model(model), "by")}
        for model in grouped(comparison.rows, "model")
    }
    outcomes = {text(row, "outcome"): None for row in comparison.rows}
    words = comparison.labels.words
    return {
        "lang": lang,
        "columns": {name: column_of(comparison.rows, name) for name in COLUMNS},
        "bounds": _bounds(allowed, strings),
        "blocks": drawn,
        "explored": explored,
        "answers": {outcome: _answers(outcome, comparison, strings) for outcome in outcomes},
        "axes": AXES,
        "words": {name: [words[name].of(lang) for lang in LANGUAGES] for name in WORDS},
        "strings": strings.listed,
    }


def column_of(rows: Sequence[Row], name: str) -> list[float | None] | None:
    """A column as numbers; None for an empty or endless cell, or for the whole column if it is empty."""
    values = [number(row, name) for row in rows]
    if not any(math.isfinite(value) for value in values):
        return None
    return [None if not math.isfinite(value) else (int(value) if value.is_integer() else value) for value in values]


def _bounds(allowed: Allowed, strings: Strings) -> dict[str, Any]:
    """Every curve as name and places in the columns, and for every place the row of the table."""
    rows = [row for curve in allowed.curves for row in curve.rows]
    place, curves = 0, {}
    for curve in allowed.curves:
        curves[curve.id] = [strings(curve.name), place, len(curve.rows)]
        place += len(curve.rows)
    columns = {name: column_of(rows, name) for name in BOUNDS}
    return {"first": allowed.telling, "curves": curves, "columns": columns, "rows": [row["_row"] for row in rows]}


def _block(block: Block, strings: Strings) -> dict[str, Any]:
    return {"kind": block.kind, "cells": [_cell(cell, strings) for cell in block.cells]}


def _cell(cell: Cell, strings: Strings) -> dict[str, Any]:
    return {
        "rows": [[-1 if entry.row is None else entry.row["_row"], strings(entry.label)] for entry in cell.entries],
        "bars": [[strings(label), [row["_row"] for row in rows]] for label, rows in cell.bars],
        "outcome": cell.outcome,
    }


def _explored(comparison: Comparison, model: str, by: str, strings: Strings) -> dict[str, Any]:
    rows = comparison.shown(model, by)
    cell = answers_cell(rows, (), comparison.labels)
    return {"title": strings(comparison.labels.by(by)), "kind": "answers", "cells": [_cell(cell, strings)]}


def _answers(outcome: str, comparison: Comparison, strings: Strings) -> Mapping[str, Any]:
    """Labels and colours of the single answers of an outcome."""
    labels = comparison.labels
    categories = [
        name
        for name in dict.fromkeys(text(row, "category") for row in comparison.rows if text(row, "outcome") == outcome)
        if not labels.is_collapse(outcome, name)
    ]
    colours = {kind: colours_of(len(categories), diverging=kind == "diverging") for kind in ("stacked", "diverging")}
    return {
        "labels": [strings(labels.category(outcome, name)) for name in categories],
        **{kind: [[colour, on(colour)] for colour in of] for kind, of in colours.items()},
    }
