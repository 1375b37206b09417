"""What lies under a claim and beside the comparison: why numbers moved, what would flip a claim, other variants, bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wwm_models.report.figures import Row
from wwm_models.report.labels import Labels, clean
from wwm_models.report.numbers import Copied, cell, number, rows_of, text
from wwm_models.report.tables.record import Column, Interval, Line, Table, WithError
from wwm_models.report.texts import Text, plain

MOST = 40  # lines of a table that is sorted by size; the whole of it is in the csv


def moved_table(name: str, rows: Sequence[Row], labels: Labels) -> Table:
    """Adjusted minus raw, taken apart: one group per number, one line per part."""
    words = labels.words
    groups: dict[Text, list[Line]] = {}
    for row in rows:
        heading = number_name(row, labels)
        part = text(row, "part")
        named = words.get(f"part_{part.replace(' ', '_')}") or (
            labels.variable(part) if part in labels.results.variables else plain(clean(part))
        )
        error = WithError(
            cell(row, "percentage_points" if "percentage_points" in row else "points", "shift"),
            cell(row, "std_error", "tenth"),
        )
        groups.setdefault(heading, []).append(Line(named, (error,)))
    return Table(
        name, words["moved"], words["column_part"], (Column(words["column_points"]),),
        tuple((heading, tuple(lines)) for heading, lines in groups.items()),
    )  # fmt: skip


def flips_table(name: str, rows: Sequence[Row], labels: Labels) -> Table:
    """Per axis the smallest change that reverses a claim, in a sentence."""
    words = labels.words
    lines = tuple(
        Line(
            words.get(f"axis_{text(row, 'axis').replace(' ', '_')}") or plain(clean(text(row, "axis"))),
            (cell(row, "smallest_change", "plain"), Text(*(clean(text(row, f"sentence_{lang}")) for lang in ("nl", "en")))),
        )
        for row in rows
    )  # fmt: skip
    columns = (Column(words["column_change"]), Column(words["column_meaning"], wide=True))
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
    variants = list(dict.fromkeys(text(row, "variant") for row in rows))
    by_number: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        key = tuple(text(row, name) for name in ("outcome", "category", "group"))
        by_number.setdefault(key, {})[text(row, "variant")] = row
    if not by_number:
        return None
    order = sorted(by_number.values(), key=lambda of: -spread([number(row, "estimate") for row in of.values()]))
    words = labels.words
    lines: list[Line] = []
    for of in order[:MOST]:
        cells = tuple(
            Interval(
                cell(of[name], "estimate", "percent"),
                cell(of[name], "lower", "percent"),
                cell(of[name], "upper", "percent"),
            )
            if name in of
            else plain("–")
            for name in variants
        )
        lines.append(Line(number_name(next(iter(of.values())), labels), cells))
    columns = tuple(Column(words.get(f"variant_{name.replace(' ', '_')}") or plain(clean(name))) for name in variants)
    caption = words.fill("robustness_caption", shown=str(len(lines)), all=str(len(by_number)))
    return Table("robustness-table", caption, words["column_number"], columns, ((None, tuple(lines)),))


def spread(values: Sequence[float]) -> float:
    """Largest minus smallest, missing ones left out.

    Examples
    --------
    >>> spread([0.25, float("nan"), 0.5])
    0.25
    """
    known = [value for value in values if not math.isnan(value)]
    return max(known) - min(known) if known else 0.0


def agreement_table(labels: Labels) -> Table | None:
    """Both engines beside each other, the largest gap in standard errors first."""
    rows = rows_of(labels.results, "agreement")
    if not rows:
        return None
    words = labels.words
    order = sorted(rows, key=lambda row: -abs(_known(number(row, "gap_sd"))))[:MOST]
    lines = tuple(
        Line(
            number_name(row, labels),
            (
                cell(row, "likelihood", "percent"), cell(row, "bayes", "percent"), cell(row, "gap_points", "shift"),
                cell(row, "gap_sd", "plain"), cell(row, "limit", "plain"), Copied(clean(text(row, "cause")) or "–", _source(row, "cause")),
            ),
        )
        for row in order
    )  # fmt: skip
    names = ("likelihood_engine", "bayes_engine", "gap_points", "gap_sd", "limit", "cause")
    columns = tuple(Column(words[f"column_{name}"], wide=name == "cause") for name in names)
    caption = words.fill("agreement_caption", shown=str(len(lines)), all=str(len(rows)))
    return Table("agreement-table", caption, words["column_number"], columns, ((None, lines),))


def bounds_table(labels: Labels) -> Table | None:
    """What the printed numbers alone allow, without a limit on the interaction."""
    rows = [row for row in rows_of(labels.results, "bounds") if not math.isfinite(number(row, "delta"))]
    if not rows:
        return None
    words = labels.words
    groups: dict[Text, list[Line]] = {}
    for row in rows:
        verdict = text(row, "verdict")
        written = "plain" if text(row, "kind") == "ratio" else "percent"
        groups.setdefault(labels.variable(text(row, "outcome")), []).append(
            Line(
                bound_name(row, labels),
                (
                    cell(row, "lower", written), cell(row, "upper", written), cell(row, "max_entropy", written),
                    cell(row, "published_lower", "percent"), cell(row, "published_upper", "percent"),
                    words.get(f"verdict_{verdict.replace(' ', '_')}") or plain(clean(verdict) or "–"),
                    plain(clean(text(row, "narrows_most")) or "–"),
                ),
            )
        )  # fmt: skip
    span = words["column_published"]
    columns = (
        Column(words["column_lower"], words["bounds"]), Column(words["column_upper"], words["bounds"]), Column(words["column_entropy"]),
        Column(words["column_lower"], span), Column(words["column_upper"], span), Column(words["column_verdict"], wide=True),
        Column(words["column_narrows"], wide=True),
    )  # fmt: skip
    made = tuple((heading, tuple(lines)) for heading, lines in groups.items())
    return Table("bounds-table", words["bounds_caption"], words["column_group"], columns, made)


def bound_name(row: Row, labels: Labels) -> Text:
    """What a row of the bounds is of: answer and group, or the id of a claim."""
    if not text(row, "category"):
        return plain(clean(text(row, "id")))
    parts = labels.category(text(row, "outcome"), text(row, "category")), labels.group(text(row, "group"))
    return Text(*("{} · {}".format(*(part.of(lang) for part in parts)) for lang in ("nl", "en")))


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _source(row: Row, column: str) -> str:
    return f"{row['_table']}:{row['_row']}:{column}"
