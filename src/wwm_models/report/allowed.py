"""What the printed numbers alone allow: the table of bounds, and the curve over the limit on the interaction."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from wwm_models.report.figures import Row, grouped
from wwm_models.report.labels import Labels, clean
from wwm_models.report.numbers import cell, number, rows_of, text
from wwm_models.report.tables.record import Column, Line, Span, Table
from wwm_models.report.texts import LANGUAGES, Text, plain

_JOINED = re.compile(r" (minus|over) ")


@dataclass(frozen=True)
class Curve:
    """A number or a quantity of a claim under every limit on the interaction, the strictest first."""

    id: str
    name: Text
    rows: tuple[Row, ...]

    @property
    def narrowed(self) -> float:
        """By how much the strictest limit narrows it: 0 not at all, 1 to a point."""
        first, last = (number(row, "upper") - number(row, "lower") for row in (self.rows[0], self.rows[-1]))
        return 1.0 - first / last if last > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Allowed:
    """The bounds of a run, by number and claim."""

    labels: Labels

    @cached_property
    def _rows(self) -> dict[str, list[Row]]:
        """Rows by id, the strictest limit first; verdicts on whole claims have no numbers and are left out."""
        rows = [row for row in rows_of(self.labels.results, "bounds") if not math.isnan(number(row, "lower"))]
        return grouped(sorted(rows, key=lambda row: number(row, "delta")), "id")

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """What can be drawn on an axis of percentages: everything but ratios."""
        return tuple(
            Curve(clean(name), self._named(rows[0]), tuple(rows))
            for name, rows in self._rows.items()
            if text(rows[0], "kind") != "ratio"
        )

    @property
    def telling(self) -> str:
        """The curve that is shown first: the one that a limit on the interaction narrows most."""
        return max(self.curves, key=lambda curve: curve.narrowed).id if self.curves else ""

    def table(self) -> Table | None:
        """Every number and quantity: under the strictest limit, without one, and what the article prints."""
        if not self._rows:
            return None
        words = self.labels.words
        groups: dict[Text, list[Line]] = {}
        for rows in self._rows.values():
            heading = words["bounds_printed" if text(rows[0], "kind") == "number" else "bounds_claims"]
            groups.setdefault(heading, []).append(Line(self._named(rows[0]), self._cells(rows)))
        names = ("bounds_strict", "bounds_free", "entropy", "published", "verdict", "narrows")
        columns = tuple(Column(words[f"column_{one}"], wide=one in ("verdict", "narrows")) for one in names)
        made = tuple((heading, tuple(lines)) for heading, lines in groups.items())
        return Table("bounds-table", words["bounds_caption"], words["column_number"], columns, made)

    def _cells(self, rows: Sequence[Row]) -> tuple[object, ...]:
        written = "plain" if text(rows[0], "kind") == "ratio" else "percent"
        verdict, helps = text(rows[-1], "verdict"), self._rows.get(text(rows[-1], "narrows_most"))
        return (
            *(Span(cell(row, "lower", written), cell(row, "upper", written)) for row in (rows[0], rows[-1])),
            cell(rows[-1], "max_entropy", written), Span(cell(rows[-1], "published_lower", "percent"), cell(rows[-1], "published_upper", "percent")),
            self.labels.said(verdict) if verdict else plain("–"), self._named(helps[0]) if helps else plain("–"),
        )  # fmt: skip

    def _named(self, row: Row) -> Text:
        """Question, answer and group; a difference or ratio has two of one of them."""
        labels = self.labels
        outcomes, categories, groups = (_parts(text(row, name)) for name in ("outcome", "category", "group"))
        shown = (
            [labels.variable(one) for one in outcomes],
            [labels.category(outcomes[at % len(outcomes)], one) for at, one in enumerate(categories)],
            [labels.group("" if one == "everyone" else one) for one in groups],
        )
        joint = _JOINED.search(text(row, "category") + text(row, "group") + text(row, "outcome"))
        mark = labels.words[f"joined_{joint[1]}"] if joint else plain("")
        parts = [
            Text(*(f" {mark.of(lang)} ".join(one.of(lang) for one in parts) for lang in LANGUAGES)) for parts in shown
        ]
        claim = "" if text(row, "kind") == "number" else clean(text(row, "id")) + " "
        return Text(*("{}{}: {} · {}".format(claim, *(part.of(lang) for part in parts)) for lang in LANGUAGES))


def _parts(written: str) -> list[str]:
    """Both sides of a difference or ratio, or the one thing there is.

    Examples
    --------
    >>> _parts("never minus often"), _parts("")
    (['never', 'often'], [''])
    """
    return _JOINED.split(written)[::2]
