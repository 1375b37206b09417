"""What is drawn: figures of blocks (one per grouping) of cells (one small chart each), and where each row's numbers stand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wwm_models.estimates.causal_diagram import CONDITIONAL, DIRECT, TOTAL
from wwm_models.messages import LANGUAGES
from wwm_models.report.numbers import rows_of, text
from wwm_models.report.text import Labels, Text, clean, framed, joined, plain, translated

Row = dict[str, Any]  # of the comparison, as `rows_of` gives it


@dataclass(frozen=True)
class Entry:
    """A line of a chart: a header, or a row of the comparison under a label."""

    label: Text
    row: Row | None = None


@dataclass(frozen=True)
class SmallChart:
    """One small chart.

    Attributes
    ----------
    heading, column : Text
        The question or outcome it belongs to, and the group, in a matrix; empty elsewhere.
    entries : tuple of Entry
    bars : tuple of (label, rows)
        Whole distributions: the rows of the single answers in their order.
    outcome : str
        Whose answers the bars are of.
    """

    heading: Text
    column: Text
    entries: tuple[Entry, ...]
    bars: tuple[tuple[Text, tuple[Row, ...]], ...]
    outcome: str

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows of the comparison that are drawn as dots."""
        return tuple(entry.row for entry in self.entries if entry.row is not None)


@dataclass(frozen=True)
class Block:
    """One grouping of a figure."""

    id: str
    kind: str
    by: str
    estimand: Text
    cells: tuple[SmallChart, ...]
    columns: int = 1

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows of all cells."""
        return tuple(row for cell in self.cells for row in cell.rows)


@dataclass(frozen=True)
class Figure:
    """A drawing with its groupings; `own` is the one that is shown first."""

    id: str
    kind: str
    title: Text
    where: str
    own: str
    blocks: tuple[Block, ...]
    models: tuple[str, ...]


NOTHING = plain("")
MOST_NAMED = 3  # outcomes that a heading names
MOST_COLUMNS = (
    6  # small charts beside each other: more do not fit a page, and their groups stand under the answers instead
)


def grouped(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """Rows by the text in a column, in the order in which they come."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(text(row, column), []).append(row)
    return found


def shown_estimand(rows: Sequence[Row]) -> str:
    """The estimand that charts show: the total where a part of it has another beside it, else the first that is not "total", if there is one."""
    every = list(dict.fromkeys(text(row, "estimand") for row in rows))
    if TOTAL in every and not {CONDITIONAL, DIRECT}.isdisjoint(every):
        return TOTAL
    return next((estimand for estimand in every if estimand != "total"), every[0])


@dataclass(frozen=True, eq=False)
class ComparisonRows:
    """The comparison, indexed for drawing: rows of one model and grouping under the estimand that is shown."""

    labels: Labels
    rows: tuple[Row, ...]

    @cached_property
    def models(self) -> dict[str, str]:
        """The model that speaks for each outcome: its primary one, else the first."""
        found: dict[str, str] = {}
        facts: Mapping[str, Any] = self.labels.results.declared.get("models", {})
        primary = [name for name, of in facts.items() if of.get("primary")]
        for name in (*primary, *(text(row, "model") for row in self.rows)):
            rows = self.of_model(name)
            if rows:
                found.setdefault(text(rows[0], "outcome"), name)
        return found

    @cached_property
    def reasons(self) -> dict[tuple[str, ...], str]:
        """Why numbers have no interval, by model (empty for raw ones), outcome, answer and group; those that have one are not in it."""
        names = ("model", "outcome", "category", "group")
        return {
            tuple("" if name == "model" and table == "raw" else text(row, name) for name in names): text(row, "reason")
            for table in ("raw", "adjusted")
            for row in rows_of(self.labels.results, table)
            if text(row, "reason")
        }

    @cached_property
    def beside(self) -> dict[tuple[str, ...], Row]:
        """Rows that stand beside those that are shown, by model, grouping, answer and group: the direct effect beside a total, or the total."""
        found: dict[tuple[str, ...], Row] = {}
        for row in self.rows:
            key = tuple(text(row, name) for name in ("model", "by", "category", "group"))
            if text(row, "estimand") == DIRECT or (text(row, "estimand") == TOTAL and key not in found):
                found[key] = row
        return found

    @cached_property
    def _by_model(self) -> dict[str, list[Row]]:
        return grouped(self.rows, "model")

    def of_model(self, model: str) -> list[Row]:
        """All rows of a model."""
        return self._by_model.get(model, [])

    def shown(self, model: str, by: str) -> list[Row]:
        """Rows of a model and grouping under one estimand; groups that claims join are drawn under the claims."""
        rows = [
            row
            for row in self.of_model(model)
            if text(row, "by") == by and not self.labels.is_joined(text(row, "group"))
        ]
        estimand = shown_estimand(rows) if rows else ""
        return [row for row in rows if text(row, "estimand") == estimand]

    def groupings(self, model: str) -> list[str]:
        """Groupings of a model, everyone together left out."""
        return [by for by in grouped(self.of_model(model), "by") if by]


def comparison_of(labels: Labels) -> ComparisonRows:
    """The comparison of a run; under a diagram nothing of everyone is adjusted."""
    adjusted = (row for row in rows_of(labels.results, "comparison") if text(row, "model"))
    if labels.results.declared.get("diagram"):
        adjusted = (row if text(row, "by") else _unadjusted(row) for row in adjusted)
    return ComparisonRows(labels, tuple(adjusted))


def _unadjusted(row: Row) -> Row:
    """A row without the numbers of its models."""
    return {name: math.nan if name.startswith(("adjusted_", "difference")) else value for name, value in row.items()}


def figures(comparison: ComparisonRows) -> list[Figure]:
    """The figures that the study declares, or else those that its outcomes suggest."""
    declared: Sequence[Mapping[str, Any]] = comparison.labels.results.declared.get("figures", ())
    made = [_figure(one, comparison) for one in (declared or _suggested(comparison))]
    return [figure for figure in made if figure.blocks]


def _suggested(comparison: ComparisonRows) -> list[dict[str, Any]]:
    """One figure per outcome; outcomes with the same answers stand together in a matrix."""
    labels = comparison.labels
    alike: dict[tuple[str, ...], list[str]] = {}
    for outcome in comparison.models:
        answers = tuple(level.id for level in labels.levels(outcome)) or (outcome,)
        alike.setdefault(answers, []).append(outcome)
    found: list[dict[str, Any]] = []
    for outcomes in alike.values():
        title = labels.model(comparison.models[outcomes[0]])
        if len(outcomes) > 1:
            title = joined((labels.variable(name) for name in outcomes), plain(" · "))
        if len(outcomes) > MOST_NAMED:
            title = labels.words.fill("many_outcomes", count=str(len(outcomes)))
        by = next(iter(comparison.groupings(comparison.models[outcomes[0]])), "")
        kind = "matrix" if len(outcomes) > 1 else "answers"
        found.append({"id": f"figure-{len(found) + 1}", "kind": kind, "outcomes": outcomes, "by": by.split(";"),
                      "categories": [], "where": "", **dict(zip(LANGUAGES, title.said, strict=True))})  # fmt: skip
    return found


def _figure(declared: Mapping[str, Any], comparison: ComparisonRows) -> Figure:
    own = ";".join(declared["by"])
    models = [comparison.models[name] for name in declared["outcomes"] if name in comparison.models]
    groupings = list(dict.fromkeys(by for model in models for by in comparison.groupings(model)))
    others = [
        by for by in groupings if by != own and (";" not in by or declared["kind"] != "matrix")
    ]  # a matrix has a column per group
    blocks = [
        _block(declared, by, models, comparison)
        for by in ([own] if own in groupings else []) + sorted(others, key=lambda by: ";" in by)
    ]
    title = translated({lang: clean(declared.get(lang) or "") for lang in LANGUAGES})
    drawn = tuple(block for block in blocks if block.rows)
    return Figure(declared["id"], declared["kind"], title, clean(declared["where"]), own, drawn, tuple(models))


def _block(declared: Mapping[str, Any], by: str, models: Sequence[str], comparison: ComparisonRows) -> Block:
    labels, kind = comparison.labels, declared["kind"]
    shown = {model: comparison.shown(model, by) for model in models}
    wanted: Sequence[str] = declared["categories"]
    every = [row for rows in shown.values() for row in rows]
    estimand = labels.estimand(shown_estimand(every), models, by) if every else NOTHING
    whole = sorted(
        shown.values(), key=lambda rows: -len(grouped(rows, "group"))
    )  # a model that lacks a group does not say where it stands
    groups = list(dict.fromkeys(text(row, "group") for rows in whole for row in rows))
    kind = "answers" if kind == "matrix" and len(groups) > MOST_COLUMNS else kind
    if kind == "paired":
        told = [
            (comparison.models.get(name, ""), answer)
            for name, answer in zip(declared["outcomes"], wanted, strict=False)
        ]
        cells = [_paired_cell([(shown[model], answer) for model, answer in told if model in shown], labels)]
    elif kind == "matrix":
        cells = [cell for rows in shown.values() if rows for cell in _matrix_row(rows, groups, wanted, labels)]
    else:
        several = sum(bool(rows) for rows in shown.values()) > 1
        cells = [answers_cell(rows, wanted, labels, several=several) for rows in shown.values() if rows]
    columns = len(groups) if kind == "matrix" else 1
    return Block(f"{declared['id']}--{by.replace(';', '-')}", kind, by, estimand, tuple(cells), columns)


def answers_cell(rows: Sequence[Row], wanted: Sequence[str], labels: Labels, *, several: bool = False) -> SmallChart:
    """Every answer as a header with its groups; for everyone together the answers themselves.

    Where several questions stand in one figure, each says which it is.
    """
    outcome = text(rows[0], "outcome")
    question = labels.variable(outcome)
    by_category = {name: of for name, of in grouped(rows, "category").items() if not wanted or name in wanted}
    entries: list[Entry] = []
    if several and not text(rows[0], "by"):
        entries.append(Entry(question))
    for name, of in by_category.items():
        answer = labels.category(outcome, name)
        if text(of[0], "by"):
            entries.append(Entry(_beside(question, answer) if several else answer))
            entries += [Entry(labels.group(text(row, "group")), row) for row in of]
        else:
            entries += [Entry(answer, row) for row in of]
    return SmallChart(question, NOTHING, tuple(entries), _bars(rows, labels), outcome)


def _beside(one: Text, other: Text) -> Text:
    return framed("{} · {}", one, other)


def _matrix_row(rows: Sequence[Row], groups: Sequence[str], wanted: Sequence[str], labels: Labels) -> list[SmallChart]:
    """One cell per group, with the answers in it; answers reported together are left out unless they are asked for.

    A group that this question does not report has an empty cell, so that every column holds one group.
    """
    cells: list[SmallChart] = []
    found, outcome = grouped(rows, "group"), text(rows[0], "outcome")
    for name in groups:
        of = found.get(name, [])
        kept = [row for row in of if (text(row, "category") in wanted if wanted else not _together(row, labels))]
        entries = tuple(Entry(labels.category(outcome, text(row, "category")), row) for row in kept)
        bars = tuple((NOTHING, bar) for _, bar in _bars(of, labels))
        cells.append(SmallChart(labels.variable(outcome), labels.group(name), entries, bars, outcome))
    return cells


def _paired_cell(pairs: Sequence[tuple[Sequence[Row], str]], labels: Labels) -> SmallChart:
    """Every group as a header, with one answer of each outcome under it."""
    chosen = [row for rows, category in pairs for row in rows if text(row, "category") == category]
    entries: list[Entry] = []
    for name, of in grouped(chosen, "group").items():
        entries.append(Entry(labels.group(name)))
        entries += [Entry(labels.variable(text(row, "outcome")), row) for row in of]
    bars = [
        (framed("{} · {}", label, labels.variable(text(bar[0], "outcome"))), bar)
        for rows, _ in pairs
        for label, bar in _bars(rows, labels)
    ]  # fmt: skip
    outcome = text(chosen[0], "outcome") if chosen else ""
    return SmallChart(NOTHING, NOTHING, tuple(entries), tuple(bars), outcome)


def _together(row: Row, labels: Labels) -> bool:
    return labels.is_collapse(text(row, "outcome"), text(row, "category"))


def _bars(rows: Sequence[Row], labels: Labels) -> tuple[tuple[Text, tuple[Row, ...]], ...]:
    """One bar per group: its single answers, if every answer of the question is among them."""
    found: list[tuple[Text, tuple[Row, ...]]] = []
    for name, of in grouped(rows, "group").items():
        single = tuple(row for row in of if not _together(row, labels))
        known = {level.id for level in labels.levels(text(of[0], "outcome"))}
        if len(single) > 1 and known <= {text(row, "category") for row in single}:
            found.append((labels.group(name), single))
    return tuple(found)
