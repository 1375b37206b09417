"""A table before it is HTML, LaTeX, Markdown or Word."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from wwm_models.report.numbers import DASH, Value
from wwm_models.report.texts import Text


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
