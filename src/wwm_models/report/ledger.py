"""The claims ledger as the page shows it: verdicts with a word, a symbol and a colour class; evidence under each."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wwm_models.claims.claim_kinds import CLAIM_KINDS
from wwm_models.estimates.number_key import NumberKey, written_group
from wwm_models.messages import LANGUAGES, catalogue
from wwm_models.report.figures import NOTHING, Block, ComparisonRows, Entry, Row, SmallChart, grouped
from wwm_models.report.numbers import Copied, Numbers, Value, cell, number, rows_of, text
from wwm_models.report.text import Labels, Text, clean, each, framed, joined, plain, translated

# Shapes differ as much as colours do: the page must say the same in grey.
SYMBOLS: Final[Mapping[str, str]] = {
    "holds": "✓",
    "weaker": "▽",
    "reverses": "⇄",
    "undecided": "?",
    "reproduced": "=",
    "not reproduced": "≠",
    "cannot be tested": "∅",
}
_SHIFT = re.compile(r"shift ([+-]?\d+(?:\.\d+)?)( times)?")


@dataclass(frozen=True)
class Verdict:
    """A verdict: the word of the csv, the words of the page, a symbol, and the name of its colour."""

    word: str
    label: Text
    symbol: str
    style: str


@dataclass(frozen=True)
class ClaimLine:
    """One statement with its verdicts and what lies under them.

    Attributes
    ----------
    rule : list of Text
        What had to be true, in words; one line per part.
    block : Block or None
        The numbers it speaks of, as rows of the comparison.
    moved : list of rows of the decomposition
    flips : list of rows of the fragility table
    """

    id: str
    anchor: str
    statement: Text
    where: Text
    kind: Text
    published: Value | Copied | None
    raw: Verdict
    likelihood: Verdict
    bayes: Value
    verdict: Verdict
    reason: Text
    rule: list[Text]
    block: Block | None
    moved: list[Row]
    flips: list[Row]


@dataclass(frozen=True)
class Ledger:
    """All statements, how often each verdict fell, and whether there is a posterior probability.

    Attributes
    ----------
    lines : tuple of ClaimLine
    tally : tuple of (Verdict, count)
        Of statements that are counted in no other.
    filters : tuple of (Verdict, count)
        Of all.
    repeated : int
        Statements that are counted in another.
    sampled : bool
    """

    lines: tuple[ClaimLine, ...]
    tally: tuple[tuple[Verdict, int], ...]
    filters: tuple[tuple[Verdict, int], ...]
    repeated: int
    sampled: bool


def ledger(comparison: ComparisonRows) -> Ledger:
    """The claims table of a run as lines of the page."""
    labels = comparison.labels
    rows = rows_of(labels.results, "claims")
    declared: dict[str, Mapping[str, Any]] = {one["id"]: one for one in labels.results.declared.get("claims", ())}
    found = Found(comparison)
    lines = tuple(_line(row, at, declared.get(text(row, "id"), {}), found) for at, row in enumerate(rows))
    once = [line for line in lines if not declared.get(line.id, {}).get("counted_in")]
    sampled = any(not math.isnan(number(row, "bayes_probability")) for row in rows)
    return Ledger(lines, _counts(once, labels), _counts(lines, labels), len(lines) - len(once), sampled)


def _counts(lines: Sequence[ClaimLine], labels: Labels) -> tuple[tuple[Verdict, int], ...]:
    counts = Counter(line.verdict.word for line in lines)
    order = [*(word for word in SYMBOLS if counts[word]), *(word for word in counts if word not in SYMBOLS)]
    return tuple((verdict_of(word, labels), counts[word]) for word in order)


def verdict_of(word: str, labels: Labels) -> Verdict:
    """A verdict for the page; a word that is not one of ours is shown as it is."""
    words = labels.words
    if word in SYMBOLS:
        name = word.replace(" ", "_")
        return Verdict(word, words[f"verdict_{name}"], SYMBOLS[word], name.replace("_", "-"))
    shift = _SHIFT.fullmatch(word)
    if shift and shift.group(2):
        times = each(lambda lang: catalogue(lang).number(shift.group(1)))
        return Verdict(word, words.fill("verdict_shift_ratio", times=times), "", "plain")
    if shift:
        moved = float(shift.group(1)) / 100
        points = each(lambda lang: Numbers(lang).points(moved))
        return Verdict(word, words.fill("verdict_shift", points=points), "", "plain")
    return Verdict(word, labels.said(word) if word else words["verdict_none"], "" if word else "–", "plain")


class Found:
    """Rows of the other tables by what they belong to."""

    def __init__(self, comparison: ComparisonRows) -> None:
        self.comparison, self.labels = comparison, comparison.labels
        primary = set(comparison.models.values())
        self._rows: dict[NumberKey, list[Row]] = {}
        for row in sorted(comparison.rows, key=lambda row: text(row, "model") not in primary):
            key = NumberKey.written(*(text(row, name) for name in ("outcome", "category", "by", "group")))
            self._rows.setdefault(key, []).append(row)
        self.flips = grouped(rows_of(self.labels.results, "fragility"), "id")
        self._parts = _by_number(rows_of(self.labels.results, "decomposition"))

    def number(self, reference: Mapping[str, Any], estimand: str) -> Row | None:
        """The row of the comparison that a claim speaks of."""
        key = NumberKey.of(reference["outcome"], reference["category"], reference["group"].items())
        rows = self._rows.get(key, [])
        judge = tuple(reference.get(name, "") for name in ("model", "estimand"))
        if (
            own := next((row for row in rows if (text(row, "model"), text(row, "estimand")) == judge), None)
        ) is not None:
            return own
        total = estimand == "total"
        return next((row for row in rows if (text(row, "estimand") == "total") == total), rows[0] if rows else None)

    def parts(self, row: Row) -> list[Row]:
        """Why an adjusted number is not the raw one."""
        return self._parts.get(_number_key(row), [])


def _by_number(rows: list[Row]) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(_number_key(row), []).append(row)
    return found


def _number_key(row: Row) -> tuple[str, ...]:
    return tuple(text(row, name) for name in ("model", "estimand", "outcome", "category", "group"))


def _line(row: Row, at: int, declared: Mapping[str, Any], found: Found) -> ClaimLine:
    labels, words = found.labels, found.labels.words
    kind = text(row, "kind")
    estimand = str(declared.get("estimand") or labels.results.declared.get("estimand", ""))
    numbers = [number for one in references(declared) if (number := found.number(one, estimand)) is not None]
    numbers = list({number["_row"]: number for number in numbers}.values())
    written = text(row, "statement")
    return ClaimLine(
        id=clean(text(row, "id")),
        anchor=f"claim-{at + 1}",
        statement=translated({lang: clean(declared.get(lang) or "") for lang in LANGUAGES}, clean(written)),
        where=labels.said(text(row, "where")),
        kind=words.get(f"kind_{kind}") or plain(clean(kind)),
        published=_published(row, labels),
        raw=verdict_of(text(row, "raw_verdict"), labels),
        likelihood=verdict_of(text(row, "likelihood_verdict"), labels),
        bayes=cell(row, "bayes_probability", "chance"),
        verdict=verdict_of(text(row, "verdict"), labels),
        reason=labels.said(text(row, "reason") or str(declared.get("missing", ""))),
        rule=[_rule(part, labels) for part in _leaves(declared)] if declared and not declared.get("missing") else [],
        block=_block(f"claim-{at + 1}--chart", numbers, labels) if numbers else None,
        moved=[part for number in numbers for part in found.parts(number)],
        flips=found.flips.get(text(row, "id"), []),
    )


def _leaves(declared: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    parts = declared.get("parts") or ()
    if not parts:
        yield declared
    for part in parts:
        yield from _leaves(part)


def references(declared: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every number that a declared claim speaks of, parts included."""
    found = list(declared.get("references", ()))
    for part in declared.get("parts", ()):
        found += references(part)
    return found


def _rule(declared: Mapping[str, Any], labels: Labels) -> Text:
    """What has to be true, in words."""
    names = {
        one["role"].replace(".", "_"): _named(one, labels) for one in declared.get("references", ())
    }  # fmt: skip
    between = [name for role, name in names.items() if role.startswith("between_")]
    listed = joined(between, plain("; "))
    numbers = {key: _points(value) for key, value in declared.get("numbers", {}).items()}
    kind = declared.get("kind", "")
    if kind in CLAIM_KINDS:
        kind = "_".join([kind, *CLAIM_KINDS[kind].ends(declared.get("numbers", {}))])
    given = {"margin": plain("0"), **numbers, **names, "between": listed}
    if kind == "order" and given["margin"] == plain("0"):
        kind = "order_without_margin"
    return labels.words.fill(f"rule_{kind}", **given)


def _named(reference: Mapping[str, Any], labels: Labels) -> Text:
    """A number in words: group, question, answer."""
    group_name, outcome = labels.group(written_group(reference["group"].items())), labels.variable(reference["outcome"])
    answer = labels.category(reference["outcome"], reference["category"])
    return labels.words.fill("rule_number", group=group_name, outcome=outcome, answer=answer)


def _points(value: float) -> Text:
    digits = 0 if float(value).is_integer() else 1
    return each(lambda lang: Numbers(lang).decimal(value, digits))


def _published(row: Row, labels: Labels) -> Value | Copied | None:
    """What the article printed: a text such as "62%", a probability or a count; nothing if it printed nothing."""
    value, written = number(row, "published"), text(row, "published")
    if not math.isnan(value):
        return cell(row, "published", "count" if text(row, "kind") == "count" else "printed")
    return Copied(labels.said(written), f"{row['_table']}:{row['_row']}:published") if written else None


def _block(name: str, rows: list[Row], labels: Labels) -> Block:
    """The numbers of a claim under each other, with question, answer and group where they differ."""
    entries: list[Entry] = []
    above = ""
    for row in rows:
        outcome, category = text(row, "outcome"), text(row, "category")
        here = f"{outcome}|{category}"
        if here != above:
            head = (labels.variable(outcome), labels.category(outcome, category))
            entries.append(Entry(framed("{}: {}", *head)))
            above = here
        entries.append(Entry(labels.group(text(row, "group")), row))
    estimand = labels.estimand(text(rows[0], "estimand"), by=text(rows[0], "by"))
    return Block(name, "claim", text(rows[0], "by"), estimand, (SmallChart(NOTHING, NOTHING, tuple(entries), (), ""),))
