"""Tables that a page and a publication share: a figure's numbers, and the claims; before they are HTML, LaTeX, Markdown or Word."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from wwm_models.report.figures import Block, ComparisonRows, Figure, Row, SmallChart
from wwm_models.report.ledger import Ledger
from wwm_models.report.numbers import DASH, Value, cell, number, text
from wwm_models.report.text import Text, Words, framed, joined, plain


@dataclass(frozen=True)
class Interval:
    """A number with its limits under it; without limits where they are missing."""

    value: Value
    lower: Value
    upper: Value

    @property
    def _limited(self) -> bool:
        return not (math.isnan(self.lower.value) or math.isnan(self.upper.value) or math.isnan(self.value.value))

    def of(self, lang: str) -> Markup:
        """Markup in one language."""
        if not self._limited:
            return self.value.of(lang)
        value, lower, upper = (part.of(lang) for part in (self.value, self.lower, self.upper))
        return Markup(f"{value}<small>{lower}–{upper}</small>")

    def written(self, lang: str) -> str:
        """Text in one language."""
        limits = f" ({self.lower.written(lang)}–{self.upper.written(lang)})" if self._limited else ""
        return self.value.written(lang) + limits


@dataclass(frozen=True)
class Span:
    """Two numbers between which something lies; a dash where one is missing."""

    lower: Value
    upper: Value

    def of(self, lang: str) -> Markup:
        """Markup in one language."""
        if math.isnan(self.lower.value) or math.isnan(self.upper.value):
            return Markup(DASH)
        return Markup(f"{self.lower.of(lang)} – {self.upper.of(lang)}")

    def written(self, lang: str) -> str:
        """Text in one language."""
        missing = math.isnan(self.lower.value) or math.isnan(self.upper.value)
        return DASH if missing else f"{self.lower.written(lang)} – {self.upper.written(lang)}"


@dataclass(frozen=True)
class WithError:
    """A number with its standard error under it."""

    value: Value
    error: Value

    def of(self, lang: str) -> Markup:
        """Markup in one language."""
        if math.isnan(self.error.value) or math.isnan(self.value.value):
            return self.value.of(lang)
        return Markup(f"{self.value.of(lang)}<small>({self.error.of(lang)})</small>")

    def written(self, lang: str) -> str:
        """Text in one language."""
        known = not (math.isnan(self.error.value) or math.isnan(self.value.value))
        return self.value.written(lang) + (f" ({self.error.written(lang)})" if known else "")


@dataclass(frozen=True)
class Column:
    """A heading, and the heading above it that it shares with its neighbours."""

    name: Text
    span: Text | None = None
    wide: bool = False  # holds sentences, so it is aligned left


@dataclass(frozen=True)
class Line:
    """A row: its name and its cells (anything with ``of`` and ``written``, or a Text)."""

    name: Text
    cells: tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """Lines in groups.

    Attributes
    ----------
    id : str
        Unique on the page and safe as a file name.
    caption : Text
    stub : Text
        What the names of the lines are.
    columns : tuple of Column
    groups : tuple of (heading, lines)
        The heading is None where there is one group only.
    notes : tuple of Text
    """

    id: str
    caption: Text
    stub: Text
    columns: tuple[Column, ...]
    groups: tuple[tuple[Text | None, tuple[Line, ...]], ...]
    notes: tuple[Text, ...] = ()

    @property
    def spans(self) -> list[tuple[Text | None, int]]:
        """Headings above the headings with the number of columns they stand over; empty where there are none."""
        found: list[tuple[Text | None, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.span:
                found[-1] = (column.span, found[-1][1] + 1)
            else:
                found.append((column.span, 1))
        return found if any(text for text, _ in found) else []


def written(item: Any, lang: str) -> str:
    """A cell as plain text in one language."""
    if isinstance(item, Text):
        return item.of(lang)
    return str(item.written(lang))


ENGINES = ("likelihood", "bayes")


def figure_table(figure: Figure, block: Block, comparison: ComparisonRows) -> Table:
    """Every number of a block: n, printed, raw, adjusted, their difference, and the total effect beside it."""
    words = comparison.labels.words
    lines = [line for small in block.cells for line in _lines_of(small)]
    engines = engines_of(block.rows)
    beside = next((other for row in block.rows if (other := _beside(row, comparison)) is not None), None)
    columns = [Column(words[f"column_{name}"]) for name in ("n", "published", "raw")]
    columns += [Column(words[f"column_{engine}"], block.estimand) for engine in engines]
    columns += [Column(words["column_difference"], block.estimand)]
    if beside is not None:
        other = comparison.labels.estimand(text(beside, "estimand"), figure.models, block.by)
        columns += [Column(words[f"column_{engine}"], other) for engine in engines]
    groups: dict[Text, list[Line]] = {}
    for heading, (name, row) in lines:
        total = _beside(row, comparison)
        made = surveyed(row, words) + fitted(row, engines)
        made += (
            tuple(adjusted(total, engine) if total else plain("–") for engine in engines) if beside is not None else ()
        )
        groups.setdefault(heading, []).append(Line(name, made))
    title = figure.title or plain(figure.id)
    by = comparison.labels.by(block.by)
    caption = framed("{}, {}", title, by)
    return Table(
        block.id, caption, words["column_answer"] if block.kind == "matrix" else words["column_group"], tuple(columns),
        tuple((heading, tuple(of)) for heading, of in groups.items()), reasons_of(block.rows, comparison),
    )  # fmt: skip


def reasons_of(rows: tuple[Row, ...], comparison: ComparisonRows) -> tuple[Text, ...]:
    """Why numbers of these rows have no interval, once for each group and kind of number."""
    labels, found = comparison.labels, dict[tuple[str, str, str], Text]()
    for row in rows:
        place = tuple(text(row, name) for name in ("outcome", "category", "group"))
        for kind, model in (("raw", ""), ("adjusted", text(row, "model"))):
            reason = comparison.reasons.get((model, *place), "")
            if reason and (place[2], kind, reason) not in found:
                parts = (labels.group(place[2]), labels.words[kind], labels.said(reason))
                found[place[2], kind, reason] = framed("{}, {}: {}", *parts)
    return tuple(found.values())


def numbers_table(name: str, caption: Text, block: Block, comparison: ComparisonRows) -> Table:
    """The numbers of a claim: n, printed, raw, adjusted and their difference."""
    words = comparison.labels.words
    engines = engines_of(block.rows)
    names = ("n", "published", "raw", *engines, "difference")
    groups: dict[Text, list[Line]] = {}
    for small in block.cells:
        for heading, (label, row) in _lines_of(small):
            groups.setdefault(heading, []).append(Line(label, surveyed(row, words) + fitted(row, engines)))
    made = tuple((heading, tuple(lines)) for heading, lines in groups.items())
    columns = tuple(Column(words[f"column_{one}"]) for one in names)
    return Table(name, caption, words["column_group"], columns, made, reasons_of(block.rows, comparison))


def _lines_of(small: SmallChart) -> list[tuple[Text, tuple[Text, Row]]]:
    """Rows of a cell with the heading they stand under."""
    parts = (small.heading, small.column)
    heading = joined((part for part in parts if part), plain(" · "))
    found: list[tuple[Text, tuple[Text, Row]]] = []
    for entry in small.entries:
        if entry.row is None:
            heading = entry.label
        else:
            found.append((heading, (entry.label, entry.row)))
    return found


def engines_of(rows: tuple[Row, ...]) -> tuple[str, ...]:
    """Engines that gave a number."""
    found = tuple(name for name in ENGINES if any(not math.isnan(number(row, f"adjusted_{name}")) for row in rows))
    return found or ENGINES[:1]


def surveyed(row: Row, words: Words) -> tuple[object, ...]:
    """What no model touches: n, printed, raw."""
    suppressed = math.isnan(number(row, "raw")) and not math.isnan(number(row, "n"))
    raw = cell(row, "raw", "percent", words["suppressed"] if suppressed else None)
    return (
        cell(row, "n", "count"), cell(row, "published", "printed"),
        Interval(raw, cell(row, "raw_lower", "percent"), cell(row, "raw_upper", "percent")),
    )  # fmt: skip


def adjusted(row: Row, engine: str) -> Interval:
    """An adjusted number with its interval."""
    name = f"adjusted_{engine}"
    return Interval(
        cell(row, name, "percent"), cell(row, f"{name}_lower", "percent"), cell(row, f"{name}_upper", "percent")
    )


def fitted(row: Row, engines: tuple[str, ...]) -> tuple[object, ...]:
    """What the engines gave, and adjusted minus raw."""
    difference = WithError(cell(row, "difference", "points"), cell(row, "difference_se", "percent"))
    return (*(adjusted(row, engine) for engine in engines), difference)


def _beside(row: Row, comparison: ComparisonRows) -> Row | None:
    """The same number under the other estimand that is shown; None where there is none."""
    key = tuple(text(row, name) for name in ("model", "by", "category", "group"))
    other = comparison.beside.get(key)
    return None if other is None or text(other, "estimand") == text(row, "estimand") else other


def ledger_table(ledger: Ledger, words: Words) -> Table:
    """The claims with their verdicts, for print."""
    columns = [
        Column(words["column_statement"], wide=True), Column(words["column_printed"], wide=True),
        Column(words["column_raw_verdict"], wide=True), Column(words["column_likelihood_verdict"], wide=True),
    ]  # fmt: skip
    columns += [Column(words["column_bayes_probability"])] if ledger.sampled else []
    columns += [Column(words["column_verdict"], wide=True)]
    lines = tuple(
        Line(
            plain(line.id),
            (
                line.statement, line.published or plain("–"),
                line.raw.label, line.likelihood.label, *((line.bayes,) if ledger.sampled else ()), line.verdict.label,
            ),
        )
        for line in ledger.lines
    )  # fmt: skip
    return Table("claims", words["claims"], plain("id"), tuple(columns), ((None, lines),))
