"""What the article alone allows, on the page: curves over the limit on the interaction, all bounds, and what survives of every claim."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from wwm_models.claims.claim_kinds import CLAIM_KINDS
from wwm_models.identification.bounds import WORDS
from wwm_models.messages import LANGUAGES
from wwm_models.report.figures import Row, grouped
from wwm_models.report.numbers import cell, number, rows_of, text
from wwm_models.report.tables import Column, Line, Span, Table
from wwm_models.report.text import Labels, Text, clean, framed, joined, plain, translated

RATIOS = frozenset(name for name, kind in CLAIM_KINDS.items() if kind.arithmetic.ratio)
_JOINED = re.compile(r" (minus|over|against) ")


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
        return self._assuming(words=False)

    def _assuming(self, *, words: bool) -> dict[str, list[Row]]:
        every = (row for row in rows_of(self.labels.results, "bounds") if (text(row, "assumed") == WORDS) == words)
        rows = [row for row in every if not math.isnan(number(row, "lower"))]
        return grouped(sorted(rows, key=lambda row: number(row, "delta")), "id")

    @property
    def assumed(self) -> bool:
        """Whether bounds of real respondents rest on a table that was not measured."""
        rows = rows_of(self.labels.results, "bounds")
        return not self.labels.results.synthetic and any(text(row, "data") == "SYNTHETIC" for row in rows)

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """What can be drawn on an axis of percentages: everything but ratios, from numbers alone and with the article's sentences."""
        also = self.labels.words["bounds_with_sentences"]
        return tuple(
            Curve(
                clean(name) + mark,
                framed("{} ({})", self.named(rows[0]), also) if mark else self.named(rows[0]),
                tuple(rows),
            )
            for words, mark in ((False, ""), (True, "-sentences"))
            for name, rows in self._assuming(words=words).items()
            if text(rows[0], "kind") not in RATIOS
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
            groups.setdefault(heading, []).append(Line(self.named(rows[0]), self._cells(rows)))
        names = ("bounds_strict", "bounds_free", "entropy", "published", "verdict", "narrows")
        columns = tuple(Column(words[f"column_{one}"], wide=one in ("verdict", "narrows")) for one in names)
        made = tuple((heading, tuple(lines)) for heading, lines in groups.items())
        return Table("bounds-table", words["bounds_caption"], words["column_number"], columns, made)

    def _cells(self, rows: Sequence[Row]) -> tuple[object, ...]:
        written = "plain" if text(rows[0], "kind") in RATIOS else "percent"
        verdict, helps = text(rows[-1], "verdict"), self._rows.get(text(rows[-1], "narrows_most"))
        return (
            *(Span(cell(row, "lower", written), cell(row, "upper", written)) for row in (rows[0], rows[-1])),
            cell(rows[-1], "max_entropy", written), Span(cell(rows[-1], "published_lower", "percent"), cell(rows[-1], "published_upper", "percent")),
            self.labels.said(verdict) if verdict else plain("–"), self.named(helps[0]) if helps else plain("–"),
        )  # fmt: skip

    def named(self, row: Row) -> Text:
        """Question, answer and group; a difference or ratio has two of one of them."""
        labels = self.labels
        outcomes = _parts(text(row, "outcome"))[::2]
        parts = [
            self._said(text(row, "outcome"), lambda one, _: labels.variable(one)),
            self._said(text(row, "category"), lambda one, at: labels.category(outcomes[at % len(outcomes)], one)),
            self._said(text(row, "group"), lambda one, _: labels.group("" if one == "everyone" else one)),
        ]
        claim = "" if text(row, "kind") == "number" else clean(text(row, "id")) + " "
        return framed("{}{}: {} · {}", plain(claim), *parts)

    def _said(self, written: str, label: Callable[[str, int], Text]) -> Text:
        """Names in a language, with what stands between them."""
        parts = [
            self.labels.words[f"joined_{one}"].map(lambda word: f" {word} ") if at % 2 else label(one, at // 2)
            for at, one in enumerate(_parts(written))
        ]
        return joined(parts, plain(""))


def _parts(written: str) -> list[str]:
    """The sides of a difference or ratio with what stands between them, or the one thing there is.

    Examples
    --------
    >>> _parts("never minus often"), _parts("")
    (['never', 'minus', 'often'], [''])
    """
    return _JOINED.split(written)


COLUMNS = ("raw", "bounds_numbers", "bounds_sentences", "reversed_from", "narrows")
_NONE = plain("–")


def survival_table(allowed: Allowed) -> Table | None:
    """One line per claim; None where no sentence was assumed.

    Parameters
    ----------
    allowed : Allowed
        The bounds of a run.
    """
    labels = allowed.labels
    unlimited = [row for row in rows_of(labels.results, "bounds") if math.isinf(number(row, "delta"))]
    both = {
        words: {text(row, "id"): row for row in unlimited if (text(row, "assumed") == WORDS) == words}
        for words in (False, True)
    }
    if not both[True]:
        return None
    slots = {name: row for name, row in both[False].items() if text(row, "kind") == "number"}
    declared = {str(claim["id"]): claim for claim in labels.results.declared.get("claims", ())}
    lines = tuple(
        Line(
            framed("{} {}", plain(clean(name)), _statement(declared.get(name, {}))),
            (
                *(labels.said(word) if word else _NONE for word in _verdicts(name, both)),
                cell(row, "reversed_from", "percent"),
                _helps(name, both[True], slots, allowed),
            ),
        )
        for name, row in both[True].items()
        if text(row, "raw")
    )
    columns = tuple(Column(labels.words[f"column_{name}"], wide=name != "reversed_from") for name in COLUMNS)
    caption, stub = labels.words["survival_caption"], labels.words["bounds_claims"]
    return Table("bounds-survival", caption, stub, columns, ((None, lines),)) if lines else None


def _verdicts(name: str, both: Mapping[bool, Mapping[str, Row]]) -> list[str]:
    """On raw, and on adjusted numbers without and with sentences."""
    before, after = both[False].get(name, {}), both[True][name]
    return [text(after, "raw"), text(before, "verdict"), text(after, "verdict")]


def _helps(name: str, rows: Mapping[str, Row], slots: Mapping[str, Row], allowed: Allowed) -> Text:
    """The further number that would help most with a claim, or with the first of its parts that one helps with."""
    own = [row for one, row in rows.items() if one == name or one.startswith(f"{name}.")]
    slot = next((text(row, "narrows_most") for row in own if text(row, "narrows_most")), "")
    return allowed.named(slots[slot]) if slot in slots else _NONE


def _statement(claim: Mapping[str, object]) -> Text:
    return translated({lang: clean(str(claim.get(lang) or "")) for lang in LANGUAGES}, "")
