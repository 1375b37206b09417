"""What a reader calls a model, variable, group or answer: labels in both languages, made harmless once.

Escaping itself is the templates' work (autoescape is on, no filter switches it off); here characters that no page may
hold are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wwm_models.records import Level, Results
from wwm_models.report.phrases import Names, Phrases
from wwm_models.report.texts import LANGUAGES, Text, Words, plain
from wwm_models.store import HARMFUL

LONGEST = 90  # characters of a heading; the whole label stands in its title


_SPACE = re.compile(r"\s")


def clean(label: object) -> str:
    r"""A label without control characters, lone surrogates and marks that turn the direction of what follows.

    Joiners and variation selectors stay: emoji and Persian need them. Any kind of space becomes a plain one.

    Examples
    --------
    >>> clean("a\x00b\ud800 \u202ec\uffff")
    'ab c'
    """
    return _SPACE.sub(" ", HARMFUL.sub("", str(label)))


def shortened(label: str, longest: int = LONGEST) -> str:
    """The label, or its beginning with an ellipsis.

    Examples
    --------
    >>> shortened("a long label", 6), shortened("short", 6)
    ('a lon…', 'short')
    """
    return label if len(label) <= longest else label[: longest - 1].rstrip() + "…"


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of one run."""

    results: Results

    @property
    def words(self) -> Words:
        """The page's own sentences."""
        return Words()

    def model(self, name: str) -> Text:
        """Title of a model; its name where it has none. A variable that it ends in (an item of a joint model) gets its label."""
        title = _text(self.results.models.get(name, {}), name)
        return Text(*(self._ending(title.of(lang), lang) for lang in LANGUAGES))

    def _ending(self, title: str, lang: str) -> str:
        before, mark, item = title.rpartition(": ")
        return f"{before}{mark}{self.variable(item).of(lang)}" if mark and item in self.results.variables else title

    def variable(self, name: str) -> Text:
        """Label of a variable; its name where it has none."""
        return _text(self.results.variables.get(name), name)

    def category(self, outcome: str, category: str) -> Text:
        """Label of an answer, or of several answers reported as one."""
        for level in self.levels(outcome):
            if level.id == category:
                return _text(level, category)
        for name, collapse in self.results.collapses.items():
            if collapse.variable == outcome and category in (collapse.id, name):
                return _text(collapse, category)
        return plain(clean(category))

    def levels(self, variable: str) -> tuple[Level, ...]:
        """Answers of a variable in their order."""
        found = self.results.variables.get(variable)
        return found.levels if found else ()

    def is_collapse(self, outcome: str, category: str) -> bool:
        """Whether this is several answers reported as one."""
        return any(
            collapse.variable == outcome and category in (collapse.id, name)
            for name, collapse in self.results.collapses.items()
        )

    def group(self, group: str) -> Text:
        """Label of a group such as ``age_group=18-34;household=single``; "everyone" for the empty one."""
        if not group:
            return self.words["everyone"]
        parts = [part.partition("=") for part in _parts(group, self.results)]
        return _joined((self.category(name, level) for name, _, level in parts), plain(" · "))

    def by(self, by: str) -> Text:
        """Label of the grouping, as in "by age group"."""
        return self.words.fill("by_group", by=self.exposures(by)) if by else self.words["by_none"]

    def exposures(self, by: str) -> Text:
        """Names of the variables of a grouping."""
        return _joined((self.variable(name) for name in by.split(";")), self._and())

    def estimand(self, estimand: str) -> Text:
        """The estimand in words; its own name where it is not one of ours."""
        if estimand.endswith("-adjusted"):
            others = (self.variable(name) for name in estimand.removesuffix("-adjusted").split("+"))
            return self.words.fill("estimand_adjusted", other=_joined(others, self._and()))
        return self.words.get(f"estimand_{estimand}") or plain(clean(estimand))

    @cached_property
    def phrases(self) -> Phrases:
        """What says the sentences of this run's tables in both languages."""
        variables = {name: self.variable(name) for name in self.results.variables}
        declared: Mapping[str, str] = self.results.declared.get("translations", {})
        return Phrases(Names(variables, self._reference, self._level), declared)

    def said(self, sentence: str) -> Text:
        """A sentence of a table in both languages, made harmless."""
        return self.phrases(clean(sentence)) if sentence else plain("")

    def _level(self, variable: str, level: str) -> Text:
        """A level with the variable it is of."""
        parts = self.variable(variable), self.category(variable, level)
        return Text(*("{}: {}".format(*(part.of(lang) for part in parts)) for lang in LANGUAGES))

    def _reference(self, outcome: str, category: str, group: str) -> Text:
        """A number that a reason speaks of: question, answer, group."""
        pairs = [part.partition(" ") for part in group.split(", ")]
        known = group and all(name in self.results.variables for name, _, _ in pairs)
        where = self.group(";".join(f"{name}={level}" for name, _, level in pairs)) if known else self.words["everyone"]
        parts = self.variable(outcome), self.category(outcome, category), where
        return Text(*("{} “{}”, {}".format(*(part.of(lang) for part in parts)) for lang in LANGUAGES))

    def _and(self) -> Text:
        return self.words["crossed"].map(lambda word: f" {word} ")


def _text(labelled: Any, name: str) -> Text:
    """Both labels of a record or mapping, or the name where a label is empty."""
    read = labelled.get if isinstance(labelled, Mapping) else (lambda lang: getattr(labelled, lang, ""))
    return Text(*(clean(read(lang) or name) for lang in ("nl", "en")))


def _joined(texts: Iterable[Text], mark: Text) -> Text:
    parts = list(texts)
    return Text(mark.nl.join(part.nl for part in parts), mark.en.join(part.en for part in parts))


def _parts(group: str, results: Results) -> list[str]:
    """Split at a semicolon that begins a known variable, so that a level may hold one."""
    parts: list[str] = []
    for piece in group.split(";"):
        if parts and piece.partition("=")[0] not in results.variables:
            parts[-1] += f";{piece}"
        else:
            parts.append(piece)
    return parts
