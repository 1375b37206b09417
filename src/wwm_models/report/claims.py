"""The claims ledger as the page shows it: verdicts with a word, a symbol and a colour class."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wwm_models.report.dumbbell import Row
from wwm_models.report.labels import Labels, clean
from wwm_models.report.numbers import DASH, Numbers, Shown, exact, number, text
from wwm_models.report.sections import rows_of

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
_SHIFT = re.compile(r"shift ([+-]?\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Verdict:
    """A verdict: the word of the csv, the word of the page, a symbol, and the name of its colour."""

    word: str
    label: str
    symbol: str
    style: str


@dataclass(frozen=True)
class ClaimLine:
    """One statement with its verdicts."""

    id: str
    statement: str
    where: str
    kind: str
    published: Shown
    raw: Verdict
    likelihood: Verdict
    bayes: Shown
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Ledger:
    """All statements, how often each verdict fell, and whether there is a posterior probability."""

    lines: tuple[ClaimLine, ...]
    tally: tuple[tuple[Verdict, int], ...]
    sampled: bool


def ledger(labels: Labels, numbers: Numbers) -> Ledger:
    """The claims table of a run as lines of the page."""
    rows = rows_of(labels.results, "claims")
    lines = tuple(_line(row, labels, numbers) for row in rows)
    counts = Counter(line.verdict.word for line in lines)
    order = [*(word for word in SYMBOLS if counts[word]), *(word for word in counts if word not in SYMBOLS)]
    tally = tuple((verdict_of(word, labels, numbers), counts[word]) for word in order)
    return Ledger(lines, tally, any(not math.isnan(number(row, "bayes_probability")) for row in rows))


def verdict_of(word: str, labels: Labels, numbers: Numbers) -> Verdict:
    """A verdict for the page; a word that is not one of ours is shown as it is."""
    words = labels.words
    if word in SYMBOLS:
        plain = word.replace(" ", "_")
        return Verdict(word, words[f"verdict_{plain}"], SYMBOLS[word], plain.replace("_", "-"))
    shift = _SHIFT.fullmatch(word)
    if shift:
        points = numbers.points(float(shift.group(1)) / 100)
        return Verdict(word, words["verdict_shift"].format(points=points), "", "plain")
    return Verdict(word, clean(word) if word else words["verdict_none"], "" if word else DASH, "plain")


def _line(row: Row, labels: Labels, numbers: Numbers) -> ClaimLine:
    probability = number(row, "bayes_probability")
    return ClaimLine(
        id=clean(text(row, "id")),
        statement=clean(text(row, "statement")),
        where=clean(text(row, "where")),
        kind=clean(text(row, "kind")),
        published=_published(row, labels, numbers),
        raw=verdict_of(text(row, "raw_verdict"), labels, numbers),
        likelihood=verdict_of(text(row, "likelihood_verdict"), labels, numbers),
        bayes=Shown(DASH, why=labels.words["not_computed"])
        if math.isnan(probability)
        else Shown(numbers.chance(probability), exact(probability)),
        verdict=verdict_of(text(row, "verdict"), labels, numbers),
        reason=clean(text(row, "reason")),
    )


def _published(row: Row, labels: Labels, numbers: Numbers) -> Shown:
    """What the article printed: a text such as "62%", or a probability."""
    value, written = number(row, "published"), clean(text(row, "published"))
    if not math.isnan(value):
        return Shown(f"{numbers.printed(value)}%", exact(value))
    return Shown(written) if written else Shown(DASH, why=labels.words["not_printed"])
