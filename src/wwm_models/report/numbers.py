"""Numbers as a reader of one language writes them, each with the value it was made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from wwm_models.messages import LANGUAGES, catalogue
from wwm_models.report.text import Text
from wwm_models.results.results import Results

DASH = "–"
COMMON = "percent"  # the kind that a number of the page has unless it names another
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Value:
    """One number of the page with the cell it comes from.

    Attributes
    ----------
    value : float
        As in the table; nan if missing.
    kind : {"percent", "points", "shift", "tenth", "printed", "chance", "count", "plain"}
        How it is written: "percent" and "points" are probabilities, "shift" and "tenth" are percentage points already.
    source : str
        ``table:row:column``, rows counted from 0 as in the csv; empty for what a study declares.
    missing : Text, optional
        What stands there instead if it is missing; a dash unless given.
    """

    value: float
    kind: str
    source: str = ""
    missing: Text | None = None

    def written(self, lang: str) -> str:
        """The number as a reader of the language writes it."""
        if math.isnan(self.value):
            return self.missing.of(lang) if self.missing else DASH
        return str(getattr(Numbers(lang), self.kind)(self.value))

    def __html__(self) -> str:
        return str(self.of(LANGUAGES[-1]))

    def of(self, lang: str) -> Markup:
        """Markup in one language: a data element that carries the number itself and its source."""
        if math.isnan(self.value):
            return Markup(self.missing.__html__() if self.missing else DASH)
        kind = "" if self.kind == COMMON else f' data-kind="{self.kind}"'
        source = f' data-source="{escape(self.source)}"' if self.source else ""
        return Markup(f'<data value="{exact(self.value)}"{kind}{source}>{escape(self.written(lang))}</data>')


@dataclass(frozen=True)
class Copied:
    """A text of a table in every language, with the cell it comes from."""

    text: Text
    source: str

    def written(self, lang: str) -> str:
        """The text in one language."""
        return self.text.of(lang)

    def of(self, lang: str) -> Markup:
        """Markup in every language that carries the source."""
        del lang
        return Markup('<span data-text="{}">{}</span>').format(self.source, Markup(self.text.__html__()))


@dataclass(frozen=True)
class Numbers:
    """The number format of a language."""

    lang: str

    def decimal(self, value: float, digits: int) -> str:
        """Write a number with a fixed number of decimals; no minus before a zero.

        Examples
        --------
        >>> Numbers("nl").decimal(1234.56, 1), Numbers("en").decimal(-0.01, 1)
        ('1.234,6', '0.0')
        """
        text = f"{abs(value):,.{digits}f}"
        text = catalogue(self.lang).number(text)
        negative = value < 0 and any(digit in text for digit in "123456789")
        return _MINUS + text if negative else text

    def percent(self, probability: float) -> str:
        """Write a probability (0..1) as a percentage with one decimal, without the sign; a dash for a missing one."""
        return DASH if math.isnan(probability) else self.decimal(100 * probability, 1)

    def points(self, difference: float) -> str:
        """Write a difference of probabilities in percentage points, always with its sign.

        Examples
        --------
        >>> Numbers("en").points(0.0123), Numbers("nl").points(-0.0123)
        ('+1.2', '−1,2')
        """
        if math.isnan(difference):
            return DASH
        return self._signed(100 * difference)

    def shift(self, points: float) -> str:
        """Write percentage points with one decimal, always with their sign."""
        return DASH if math.isnan(points) else self._signed(points)

    def _signed(self, points: float) -> str:
        text = self.decimal(points, 1)
        return text if text.startswith(_MINUS) or not text.strip("0.,") else f"+{text}"

    def tenth(self, points: float) -> str:
        """Write percentage points with one decimal."""
        return DASH if math.isnan(points) else self.decimal(points, 1)

    def printed(self, probability: float) -> str:
        """Write a published percentage as it was printed: without decimals that were not there.

        Examples
        --------
        >>> Numbers("nl").printed(0.62), Numbers("nl").printed(0.625)
        ('62', '62,5')
        """
        if math.isnan(probability):
            return DASH
        percent = round(100 * probability, 6)
        return self.decimal(percent, 0 if percent.is_integer() else 1)

    def chance(self, probability: float) -> str:
        """Write a probability with two decimals, and never as certain.

        Examples
        --------
        >>> Numbers("nl").chance(0.713), Numbers("nl").chance(0.998), Numbers("en").chance(0.004)
        ('0,71', '> 0,99', '< 0.01')
        """
        if probability < 0.01:
            return f"< {self.decimal(0.01, 2)}"
        return f"> {self.decimal(0.99, 2)}" if probability > 0.99 else self.decimal(probability, 2)

    def count(self, count: float) -> str:
        """Write a whole number with a mark between the thousands."""
        return DASH if math.isnan(count) else self.decimal(count, 0)

    def plain(self, value: float) -> str:
        """Write any number with four significant digits, as diagnostics need it."""
        if math.isnan(value):
            return DASH
        if value.is_integer():
            return self.count(value)
        return catalogue(self.lang).number(f"{value:.4g}")

    def interval(self, lower: float, upper: float) -> str:
        """Write two probabilities as limits in percent; empty if one is missing."""
        return "" if math.isnan(lower) or math.isnan(upper) else f"{self.percent(lower)}{DASH}{self.percent(upper)}"


def exact(value: float) -> str:
    """The number for machines: in full, so that reading it gives the same number; empty if missing.

    Examples
    --------
    >>> exact(0.25), exact(1234567.0), exact(float("nan"))
    ('0.25', '1234567', '')
    """
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if value.is_integer() else repr(float(value))


def number(row: Mapping[str, object], column: str) -> float:
    """A cell of a table as a float; nan if the column is absent, empty or not a number."""
    try:
        return float(str(row.get(column, "nan")))
    except ValueError:
        return math.nan


def text(row: Mapping[str, object], column: str) -> str:
    """A cell of a table as text; empty if absent or missing, also where a csv reader made a nan of it."""
    value = row.get(column, "")
    return "" if value is None or value != value else str(value)


def cell(row: Mapping[str, Any], column: str, kind: str, missing: Text | None = None) -> Value:
    """A cell of a table (as `rows_of` gives its rows) as a number of the page."""
    return Value(number(row, column), kind, f"{row['_table']}:{row['_row']}:{column}", missing)


def rows_of(results: Results, table: str) -> list[dict[str, Any]]:
    """Rows of a table as mappings that know where they stand; none if the run has no such table."""
    frame = results.tables.get(table)
    if frame is None:
        return []
    names = [*(str(name) for name in frame.columns), "_table", "_row"]
    columns = [frame[name].tolist() for name in frame.columns]
    return [dict(zip(names, (*row, table, at), strict=True)) for at, row in enumerate(zip(*columns, strict=True))]
