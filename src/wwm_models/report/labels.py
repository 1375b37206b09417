"""What a reader calls a model, variable, group or answer: labels in the page's language, made harmless once.

Escaping itself is the templates' work (autoescape is on, no filter switches it off); here characters that no page may
hold are taken out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from wwm_models.records import Results
from wwm_models.report.texts import texts

# A line of 340 px in 12.5 px type: the narrowest a chart becomes.
LONGEST = 46


def clean(label: object) -> str:
    r"""A label without control characters, lone surrogates and marks that turn the direction of what follows.

    Joiners and variation selectors stay: emoji and Persian need them.

    Examples
    --------
    >>> clean("a\x00b\ud800 \u202ec")
    'ab c'
    """
    turning = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    kept = [
        " " if mark.isspace() else mark
        for mark in str(label)
        if mark.isspace() or (unicodedata.category(mark) not in ("Cc", "Cs") and mark not in turning)
    ]
    return "".join(kept)


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
    """Labels of one run in one language."""

    results: Results

    @property
    def words(self) -> Mapping[str, str]:
        """The page's own sentences."""
        return texts(self.results.lang)

    def model(self, name: str) -> str:
        """Title of a model; its name where it has none."""
        return clean(self.results.models.get(name, {}).get(self.results.lang) or name)

    def variable(self, name: str) -> str:
        """Label of a variable; its name where it has none."""
        found = self.results.variables.get(name)
        return clean((getattr(found, self.results.lang) if found else "") or name)

    def category(self, outcome: str, category: str) -> str:
        """Label of an answer, or of several answers reported as one."""
        found = self.results.variables.get(outcome)
        for level in found.levels if found else ():
            if level.id == category:
                return clean(getattr(level, self.results.lang) or category)
        for name, collapse in self.results.collapses.items():
            if collapse.variable == outcome and category in (collapse.id, name):
                return clean(getattr(collapse, self.results.lang) or category)
        return clean(category)

    def is_collapse(self, outcome: str, category: str) -> bool:
        """Whether this is several answers reported as one."""
        return any(
            collapse.variable == outcome and category in (collapse.id, name)
            for name, collapse in self.results.collapses.items()
        )

    def group(self, group: str) -> str:
        """Label of a group such as ``age_group=18-34;household=single``; "everyone" for the empty one."""
        if not group:
            return self.words["everyone"]
        parts = [part.partition("=") for part in _parts(group, self.results)]
        return " · ".join(self.category(name, level) for name, _, level in parts)

    def by(self, by: str) -> str:
        """Label of the grouping, as in "by age group"."""
        if not by:
            return self.words["by_none"]
        names = [self.variable(name) for name in by.split(";")]
        return self.words["by_group"].format(by=f" {self.words['crossed']} ".join(names))

    def estimand(self, estimand: str) -> str:
        """The estimand in words; its own name where it is not one of ours."""
        if estimand.endswith("-adjusted"):
            others = [self.variable(name) for name in estimand.removesuffix("-adjusted").split("+")]
            return self.words["estimand_adjusted"].format(other=f" {self.words['crossed']} ".join(others))
        return self.words.get(f"estimand_{estimand}", clean(estimand))


def _parts(group: str, results: Results) -> list[str]:
    """Split at a semicolon that begins a known variable, so that a level may hold one."""
    parts: list[str] = []
    for piece in group.split(";"):
        if parts and piece.partition("=")[0] not in results.variables:
            parts[-1] += f";{piece}"
        else:
            parts.append(piece)
    return parts
