"""One section per model: what the comparison says, as charts and as tables of the same numbers."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from wwm_models.records import Results
from wwm_models.report.dumbbell import Panel, Row, axis_of, panel, panel_of_answers
from wwm_models.report.labels import Labels
from wwm_models.report.numbers import DASH, Numbers, Shown, exact, number, text


@dataclass(frozen=True)
class Line:
    """A row of a table: a group with its numbers."""

    group: str
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class Table:
    """The numbers of one grouping.

    Attributes
    ----------
    spans : tuple of (heading, number of columns)
        The upper heading: nothing over what no model touches, then one per estimand.
    columns : tuple of str
        Headings of the cells.
    answers : tuple of (answer, lines)
    """

    spans: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    answers: tuple[tuple[str, tuple[Line, ...]], ...]


@dataclass(frozen=True)
class Block:
    """One grouping of one model: panels, and the table of the same and the other estimands.

    Attributes
    ----------
    anchor : str
        Unique on the page and safe as a file name.
    by : str
        As in the csv.
    title, estimand : str
        In words; the estimand is that of the panels.
    panels : tuple of Panel
    table : Table
    """

    anchor: str
    by: str
    title: str
    estimand: str
    panels: tuple[Panel, ...]
    table: Table


@dataclass(frozen=True)
class Section:
    """One model."""

    anchor: str
    name: str
    title: str
    outcome: str
    blocks: tuple[Block, ...]


def rows_of(results: Results, table: str) -> list[dict[str, Any]]:
    """Rows of a table as mappings; none if the run has no such table."""
    frame = results.tables.get(table)
    return [] if frame is None else cast("list[dict[str, Any]]", frame.to_dict(orient="records"))


def sections(results: Results, labels: Labels, numbers: Numbers) -> tuple[Section, ...]:
    """One section per model, those that judge claims first, else in the order of the run."""
    rows = rows_of(results, "comparison")
    named = dict.fromkeys([*_primary(results), *results.models, *(text(row, "model") for row in rows)])
    anchors = _anchors(named)
    return tuple(
        _section(name, anchors[name], [row for row in rows if text(row, "model") == name], labels, numbers)
        for name in named
    )


def _primary(results: Results) -> list[str]:
    """Models that settings name as primary, in the order given there."""
    return [str(name) for name in results.settings.get("primary", ()) if name in results.models]


def _anchors(names: Iterable[str]) -> dict[str, str]:
    """Names safe in an id and as a file name, all different; none holds two hyphens in a row."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:60] or "model"
        taken = {anchor.casefold() for anchor in found.values()}
        free = (plain if number == 1 else f"{plain}-{number}" for number in itertools.count(1))
        found[name] = next(anchor for anchor in free if anchor.casefold() not in taken)
    return found


def _section(name: str, anchor: str, rows: Sequence[Row], labels: Labels, numbers: Numbers) -> Section:
    outcome = labels.variable(text(rows[0], "outcome")) if rows else ""
    groupings = _grouped(rows, "by")
    places = _anchors(list(groupings))
    blocks = [
        _block(f"{anchor}--{places[by] if by else 'all'}", by, of, labels, numbers) for by, of in groupings.items()
    ]
    return Section(anchor, name, labels.model(name), outcome, tuple(blocks))


def _grouped(rows: Sequence[Row], column: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(text(row, column), []).append(row)
    return found


def shown_estimand(rows: Sequence[Row]) -> str:
    """The estimand that charts show: the first that is not "total", if there is one."""
    every = list(dict.fromkeys(text(row, "estimand") for row in rows))
    return next((estimand for estimand in every if estimand != "total"), every[0])


def _block(anchor: str, by: str, rows: Sequence[Row], labels: Labels, numbers: Numbers) -> Block:
    estimand = shown_estimand(rows)
    charted = [row for row in rows if text(row, "estimand") == estimand]
    axis = axis_of(charted)
    if by:
        panels = [
            panel(of, labels, numbers, axis, labels.category(text(of[0], "outcome"), category))
            for category, of in _grouped(charted, "category").items()
        ]
    else:
        panels = [panel_of_answers(charted, labels, numbers, axis)]
    return Block(anchor, by, labels.by(by), labels.estimand(estimand), tuple(panels), _table(rows, labels, numbers))


def _table(rows: Sequence[Row], labels: Labels, numbers: Numbers) -> Table:
    """One line per answer and group; the estimands beside each other, the one in the chart first."""
    first = shown_estimand(rows)
    of_estimand = dict(sorted(_grouped(rows, "estimand").items(), key=lambda pair: pair[0] != first))
    sampled = any(not math.isnan(number(row, "adjusted_bayes")) for row in rows)
    fitted = tuple(name for name in _FITTED if name != "bayes" or sampled)
    at = {(text(row, "estimand"), text(row, "category"), text(row, "group")): row for row in rows}

    def line(category: str, group: str, row: Row) -> Line:
        cells = [_SURVEYED[name](row, labels, numbers) for name in _SURVEYED]
        for estimand in of_estimand:
            cells += [_FITTED[name](at.get((estimand, category, group), {}), labels, numbers) for name in fitted]
        return Line(labels.group(group), tuple(cells))

    answers = tuple(
        (
            labels.category(text(of[0], "outcome"), category),
            tuple(line(category, group, same[0]) for group, same in _grouped(of, "group").items()),
        )
        for category, of in _grouped(rows, "category").items()
    )
    spans = (("", len(_SURVEYED)), *((labels.estimand(estimand), len(fitted)) for estimand in of_estimand))
    names = [*_SURVEYED, *(fitted * len(of_estimand))]
    return Table(spans, tuple(labels.words[f"column_{name}"] for name in names), answers)


def _n(row: Row, labels: Labels, numbers: Numbers) -> Shown:
    del labels
    return Shown(numbers.count(number(row, "n")), exact(number(row, "n")))


def _published(row: Row, labels: Labels, numbers: Numbers) -> Shown:
    del labels
    value = number(row, "published")
    return Shown(numbers.printed(value), exact(value))


def _raw(row: Row, labels: Labels, numbers: Numbers) -> Shown:
    if math.isnan(number(row, "raw")):
        why = labels.words["suppressed_why"].format(n=numbers.count(number(row, "n")))
        return Shown(labels.words["suppressed"], why=why)
    return _estimate(row, "raw", labels, numbers)


def _estimate(row: Row, column: str, labels: Labels, numbers: Numbers) -> Shown:
    value, lower, upper = number(row, column), number(row, f"{column}_lower"), number(row, f"{column}_upper")
    if math.isnan(value):
        return Shown(DASH, why=labels.words["not_computed"])
    return Shown(numbers.percent(value), exact(value), numbers.interval(lower, upper))


def _difference(row: Row, labels: Labels, numbers: Numbers) -> Shown:
    value, std_error = number(row, "difference"), number(row, "difference_se")
    if math.isnan(value):
        return Shown(DASH, why=labels.words["not_computed"])
    return Shown(numbers.points(value), exact(value), numbers.percent(std_error))


_Cell = Callable[[Row, Labels, Numbers], Shown]
_SURVEYED: Mapping[str, _Cell] = {"n": _n, "published": _published, "raw": _raw}
_FITTED: Mapping[str, _Cell] = {
    "likelihood": lambda row, labels, numbers: _estimate(row, "adjusted_likelihood", labels, numbers),
    "bayes": lambda row, labels, numbers: _estimate(row, "adjusted_bayes", labels, numbers),
    "difference": _difference,
}


def headline(made: Sequence[Section], labels: Labels) -> tuple[Section, Block, tuple[Panel, ...]] | None:
    """What the first screen shows: of the first model with groups, by age group if it can be, two telling answers.

    Answers reported together come before single ones, and the highest before the lowest.
    """
    for section in made:
        grouped = [block for block in section.blocks if block.by]
        if grouped:
            block = next((block for block in grouped if block.by == "age_group"), grouped[0])
            return section, block, _telling(block, section, labels)
    return None


def _telling(block: Block, section: Section, labels: Labels) -> tuple[Panel, ...]:
    rows = [row for row in rows_of(labels.results, "comparison") if text(row, "model") == section.name]
    names = list(_grouped([row for row in rows if text(row, "by") == block.by], "category"))
    together = [labels.is_collapse(text(rows[0], "outcome"), name) for name in names]
    order = sorted(range(len(names)), key=lambda place: (not together[place], -place))
    return tuple(block.panels[place] for place in order if place < len(block.panels))[:2]
