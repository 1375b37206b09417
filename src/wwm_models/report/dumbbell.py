"""Dumbbell charts as numbers: one panel per answer, one bar per group, positions in percent of the drawing's width.

Positions in percent let a drawing stretch with the page while its type keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wwm_models.report.labels import Labels, shortened
from wwm_models.report.numbers import DASH, Numbers, exact, number, text

Row = Mapping[str, Any]

# The track runs over this part of the width; right of it stand the numbers.
_LEFT, _RIGHT = 1.8, 70.0
# Ends of the axis in percent, with a tick every so many points: at most five ticks.
_AXES = ((20, 5), (30, 10), (40, 10), (60, 20), (80, 20), (100, 25))
BAR_HEIGHT, AXIS_HEIGHT = 46, 24


@dataclass(frozen=True)
class Bar:
    """One group: where its marks are (percent of the width, empty where there is none) and what is written beside them."""

    label: str
    full: str
    title: str
    values: str
    raw: str
    adjusted: str
    lower: str
    width: str
    published: str
    published_lower: str
    published_width: str
    link: str
    link_width: str
    data_raw: str
    data_adjusted: str
    data_published: str


@dataclass(frozen=True)
class Panel:
    """One answer: its bars, and the axis it shares with the other answers of the figure."""

    title: str
    name: str
    desc: str
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[str, str], ...]

    @property
    def height(self) -> int:
        """Pixels."""
        return BAR_HEIGHT * len(self.bars) + AXIS_HEIGHT


def adjusted_of(row: Row) -> tuple[float, float, float]:
    """Adjusted probability with its limits: by likelihood, else of the posterior."""
    for engine in ("adjusted_likelihood", "adjusted_bayes"):
        found = number(row, engine), number(row, f"{engine}_lower"), number(row, f"{engine}_upper")
        if not math.isnan(found[0]):
            return found
    return math.nan, math.nan, math.nan


def axis_of(rows: Iterable[Row]) -> tuple[int, int]:
    """End of the axis and distance of its ticks, in percent: the shortest from 0 that holds every mark."""
    marks = [
        value
        for row in rows
        for value in (number(row, "raw"), number(row, "published_upper"), *adjusted_of(row))
        if not math.isnan(value)
    ]
    top = 100 * max(marks, default=0.0)
    return next(((end, step) for end, step in _AXES if top <= end), _AXES[-1])


def panel(rows: Sequence[Row], labels: Labels, numbers: Numbers, axis: tuple[int, int], heading: str) -> Panel:
    """The panel of one answer.

    Parameters
    ----------
    rows : sequence of rows of the comparison
        One per group.
    labels : Labels
    numbers : Numbers
    axis : (end, step)
        In percent.
    heading : str
        What the bars have in common.
    """
    end, step = axis
    words = labels.words
    category = labels.category(text(rows[0], "outcome"), text(rows[0], "category"))
    by = labels.by(text(rows[0], "by"))
    return Panel(
        title=heading,
        name=words["chart_title"].format(outcome=labels.variable(text(rows[0], "outcome")), category=category, by=by),
        desc=words["chart_desc"].format(top=end),
        bars=tuple(_bar(row, labels.group(text(row, "group")), labels, numbers, end) for row in rows),
        ticks=_ticks(end, step),
    )


def panel_of_answers(rows: Sequence[Row], labels: Labels, numbers: Numbers, axis: tuple[int, int]) -> Panel:
    """One panel for everyone together, one bar per answer."""
    end, step = axis
    words, outcome = labels.words, text(rows[0], "outcome")
    return Panel(
        title="",
        name=f"{labels.variable(outcome)}, {words['by_none']}",
        desc=words["chart_desc"].format(top=end),
        bars=tuple(_bar(row, labels.category(outcome, text(row, "category")), labels, numbers, end) for row in rows),
        ticks=_ticks(end, step),
    )


def _ticks(end: int, step: int) -> tuple[tuple[str, str], ...]:
    return tuple((_at(value / 100, end), str(value)) for value in range(0, end + 1, step))


def _at(probability: float, end: int) -> str:
    """Place of a probability on an axis that ends at `end` percent; empty for a missing one."""
    if math.isnan(probability):
        return ""
    return f"{_LEFT + (_RIGHT - _LEFT) * 100 * probability / end:.2f}%"


def _span(one: float, other: float, end: int) -> tuple[str, str]:
    """Left end and width between two probabilities; empty if one is missing."""
    if math.isnan(one) or math.isnan(other):
        return "", ""
    return _at(min(one, other), end), f"{(_RIGHT - _LEFT) * 100 * abs(one - other) / end:.2f}%"


def _bar(row: Row, label: str, labels: Labels, numbers: Numbers, end: int) -> Bar:
    words = labels.words
    raw, published = number(row, "raw"), number(row, "published")
    adjusted, lower, upper = adjusted_of(row)
    interval, band = (
        _span(lower, upper, end),
        _span(number(row, "published_lower"), number(row, "published_upper"), end),
    )
    link = _span(raw, adjusted, end)
    hidden = math.isnan(raw)
    title = words["bar_title"].format(
        label=label,
        raw=words["suppressed"] if hidden else numbers.percent(raw),
        adjusted=numbers.percent(adjusted),
        interval=numbers.interval(lower, upper) or DASH,
        published=numbers.printed(published),
    )
    before = words["suppressed_short"] if hidden else numbers.percent(raw)
    return Bar(
        label=shortened(label), full=label, title=title, values=f"{before} → {numbers.percent(adjusted)}",
        raw=_at(raw, end), adjusted=_at(adjusted, end), lower=interval[0], width=interval[1],
        published=_at(published, end), published_lower=band[0], published_width=band[1], link=link[0], link_width=link[1],
        data_raw=exact(raw), data_adjusted=exact(adjusted), data_published=exact(published),
    )  # fmt: skip
