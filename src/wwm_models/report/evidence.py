"""What lies under a claim and beside the comparison: why numbers moved, what would flip a claim, other variants, bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wwm_models.report.figures import Row
from wwm_models.report.labels import Labels, clean
from wwm_models.report.numbers import Numbers, cell, number, rows_of, text
from wwm_models.report.tables.record import Column, Line, Table, WithError
from wwm_models.report.texts import LANGUAGES, Text, plain

VARIANTS = ("declared", "nonproportional", "multinomial", "unweighted", "bayes", "exposure_only", "other_exposures")
WHOLE = "difference"  # the part that is the sum of the others
MOST = 25  # lines of a table that is sorted by size; the whole of it is in the csv


def moved_table(name: str, rows: Sequence[Row], labels: Labels) -> Table:
    """Adjusted minus raw, taken apart: one line per number, one column per part, the whole in the last."""
    words = labels.words
    parts = sorted(dict.fromkeys(text(row, "part") for row in rows), key=lambda part: part == WHOLE)
    numbers: dict[Text, dict[str, Row]] = {}
    for row in rows:
        numbers.setdefault(number_name(row, labels), {})[text(row, "part")] = row
    lines = tuple(Line(number, tuple(_part(found.get(part)) for part in parts)) for number, found in numbers.items())
    columns = tuple(Column(_part_name(part, labels), words["moved_span"] if part != WHOLE else None) for part in parts)
    return Table(name, words["moved"], words["column_number"], columns, ((None, lines),))


def _part(row: Row | None) -> object:
    if row is None:
        return plain("–")
    return WithError(cell(row, "percentage_points", "shift"), cell(row, "std_error", "tenth"))


def _part_name(part: str, labels: Labels) -> Text:
    known = labels.words.get(f"part_{part.replace(' ', '_')}")
    return known or (labels.variable(part) if part in labels.results.variables else plain(clean(part)))


def flips_table(name: str, rows: Sequence[Row], labels: Labels) -> Table:
    """Per axis the smallest change that moves a claim across its border, and what that change is."""
    words = labels.words
    lines = tuple(
        Line(
            labels.said(text(row, "axis")),
            (
                labels.said(text(row, "status")), cell(row, "change", "plain"),
                labels.said(text(row, "unit")) if math.isfinite(number(row, "change")) else plain(""), labels.said(text(row, "detail")),
            ),
        )
        for row in rows
    )  # fmt: skip
    columns = (
        Column(words["column_outcome_of_push"], wide=True), Column(words["column_change"]), Column(words["column_unit"], wide=True),
        Column(words["column_meaning"], wide=True),
    )  # fmt: skip
    return Table(name, words["flips"], words["column_axis"], columns, ((None, lines),))


def number_name(row: Row, labels: Labels) -> Text:
    """Question, answer and group of a row, in words."""
    parts = (
        labels.variable(text(row, "outcome")), labels.category(text(row, "outcome"), text(row, "category")),
        labels.group(text(row, "group")),
    )  # fmt: skip
    return Text(*("{}: {} · {}".format(*(part.of(lang) for part in parts)) for lang in ("nl", "en")))


def robustness_table(labels: Labels) -> Table | None:
    """Every number under all variants side by side, the largest disagreement first."""
    rows = rows_of(labels.results, "robustness")
    if not rows:
        return None
    words = labels.words
    variants = [name for name in VARIANTS if any(not math.isnan(number(row, name)) for row in rows)]
    numbers: dict[tuple[str, ...], Row] = {}
    for row in sorted(rows, key=lambda row: -_known(number(row, "largest_gap_points"))):
        numbers.setdefault(tuple(text(row, name) for name in ("outcome", "category", "group")), row)
    order = list(numbers.values())[:MOST]
    lines = tuple(
        Line(
            Text(*(f"{number_name(row, labels).of(lang)} · {labels.estimand(text(row, 'estimand')).of(lang)}" for lang in LANGUAGES)),
            (
                *(cell(row, name, "percent") for name in variants), cell(row, "largest_gap_points", "tenth"),
                words.get(f"variant_{text(row, 'against')}") or labels.said(text(row, "against")),
            ),
        )
        for row in order
    )  # fmt: skip
    span = words["robustness_span"]
    columns = (
        *(Column(words[f"variant_{name}"], span) for name in variants), Column(words["column_gap"]), Column(words["column_against"], wide=True),
    )  # fmt: skip
    caption = words.fill("robustness_caption", shown=str(len(lines)), all=str(len(numbers)))
    return Table("robustness-table", caption, words["column_number"], columns, ((None, lines),))


def agreement_table(labels: Labels) -> Table | None:
    """Both engines beside each other, the largest gap in standard deviations first."""
    rows = rows_of(labels.results, "agreement")
    if not rows:
        return None
    words = labels.words
    order = sorted(rows, key=lambda row: -abs(_known(number(row, "gap_sds"))))[:MOST]
    lines = tuple(
        Line(
            number_name(row, labels),
            (
                cell(row, "likelihood", "percent"), cell(row, "bayes", "percent"), cell(row, "gap_points", "shift"),
                cell(row, "gap_sds", "tenth"), labels.said(text(row, "status")), labels.said(text(row, "cause") or "–"),
            ),
        )
        for row in order
    )  # fmt: skip
    names = ("likelihood_engine", "bayes_engine", "gap_points", "gap_sds", "status", "cause")
    columns = tuple(Column(words[f"column_{name}"], wide=name in ("status", "cause")) for name in names)
    differ = sum(text(row, "status") == "differ" for row in rows)
    numbers = Numbers("nl"), Numbers("en")
    limits = {
        f"limit_{unit}": Text(*(each.plain(number(rows[0], f"limit_{unit}")) for each in numbers)) for unit in ("points", "sds")
    }  # fmt: skip
    caption = words.fill("agreement_caption", shown=str(len(lines)), all=str(len(rows)), differ=str(differ), **limits)
    return Table("agreement-table", caption, words["column_number"], columns, ((None, lines),))


def precision_rows(labels: Labels) -> tuple[Table | None, int, int]:
    """The raw percentages that are not precise enough to present, how many they are, and of how many."""
    rows = rows_of(labels.results, "precision")
    poor = [row for row in rows if text(row, "status") != "present"]
    if not poor:
        return None, 0, len(rows)
    words = labels.words
    groups: dict[Text, list[Line]] = {}
    for row in poor:
        name = Text(*(
            "{} · {}".format(*(part.of(lang) for part in (labels.category(text(row, "outcome"), text(row, "category")), labels.group(text(row, "group")))))
            for lang in LANGUAGES
        ))  # fmt: skip
        cells = (
            labels.said(text(row, "status")), cell(row, "n", "count"), cell(row, "n_effective", "count"), cell(row, "width", "percent"),
            labels.said(text(row, "reason")),
        )  # fmt: skip
        groups.setdefault(labels.variable(text(row, "outcome")), []).append(Line(name, cells))
    columns = (
        Column(words["column_status"], wide=True), Column(words["column_n"]), Column(words["column_n_effective"]), Column(words["column_width"]),
        Column(words["column_message"], wide=True),
    )  # fmt: skip
    made = tuple((heading, tuple(lines)) for heading, lines in groups.items())
    return Table("precision-table", words["precision"], words["column_number"], columns, made), len(poor), len(rows)


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value
