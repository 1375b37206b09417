"""Numbers as a reader of one language writes them, each with the value it was made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

DASH = "–"
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Shown:
    """One number of a table as the page shows it.

    Attributes
    ----------
    text : str
        Never empty.
    value : str
        The number itself, for machines; empty where there is none.
    interval : str
        Lower and upper limit; empty where there is none.
    why : str
        Why there is no number, or what else there is to say.
    """

    text: str
    value: str = ""
    interval: str = ""
    why: str = ""


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
        if self.lang == "nl":
            text = text.translate(str.maketrans(",.", ".,"))
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
        text = self.decimal(100 * difference, 1)
        return text if text.startswith(_MINUS) or not text.strip("0.,") else f"+{text}"

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
        text = f"{value:.4g}".replace("-", _MINUS)
        return text.replace(".", ",") if self.lang == "nl" else text

    def interval(self, lower: float, upper: float) -> str:
        """Write two probabilities as limits in percent; empty if one is missing."""
        return "" if math.isnan(lower) or math.isnan(upper) else f"{self.percent(lower)}{DASH}{self.percent(upper)}"


def exact(value: float) -> str:
    """The number for machines: a whole one in full, others in six significant digits; empty if missing.

    Examples
    --------
    >>> exact(0.25), exact(1234567.0), exact(float("nan"))
    ('0.25', '1234567', '')
    """
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if value.is_integer() else f"{value:.6g}"


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
