"""Sentences of the tables in both languages: a table holds a reason or a message once, the page says it in two."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from wwm_models.report.texts import LANGUAGES, Text, plain

_REFERENCE = re.compile(r"(?P<outcome>\w+) = (?P<category>\w+) \((?P<group>[^()]*)\)")
_LEVEL = re.compile(r"(?P<name>\w+) ?= ?(?P<level>[\w-]+)")
_CONDITION = re.compile(r"(?P<name>\w+) == '(?P<level>[^']*)'")
_LIMITS = re.compile(r"\[([^\[\],]+), ([^\[\],]+)\]")
_MINUS = re.compile(r"(?<!\w)-(?=\d)")
_DECIMAL = re.compile(r"(?<=\d)\.(?=\d)")
_DUTCH: Mapping[str, str] = {"is known": "is bekend", "and": "en", "or": "of", "not": "niet"}
_WORDS = re.compile(rf"'[^']*'|\b(?:{'|'.join(_DUTCH)})\b")
_JOINTS: Mapping[str, Text] = {
    " minus ": Text(" min ", " minus "),
    " over ": Text(" gedeeld door ", " divided by "),
    "the form of the model": Text("de vorm van het model", "the form of the model"),
    "respondents left out because an adjuster is missing": Text(
        "respondenten die wegvallen doordat een correctievariabele ontbreekt",
        "respondents left out because an adjuster is missing",
    ),
}


@dataclass(frozen=True)
class Phrase:
    """A sentence in both languages, with blanks, and what recognises it."""

    text: Text
    patterns: tuple[re.Pattern[str], ...]

    def blanks(self, sentence: str) -> Mapping[str, str] | None:
        """What stands in the blanks of a sentence; None if it is another sentence."""
        for pattern in self.patterns:
            found = pattern.fullmatch(sentence)
            if found:
                return found.groupdict()
        return None


@dataclass(frozen=True, eq=False)
class Names:
    """What a study calls its variables, answers and groups.

    Attributes
    ----------
    variables : mapping of name to Text
    reference : function of outcome, category and group (``"age_group 18-34, household single"``, or ``"everyone"``)
    level : function of variable and level
    """

    variables: Mapping[str, Text]
    reference: Callable[[str, str, str], Text]
    level: Callable[[str, str], Text]


class Phrases:
    """Says a sentence of a table in both languages.

    Parameters
    ----------
    names : Names
    declared : mapping of English to Dutch
        Sentences that a study translates itself.
    """

    def __init__(self, names: Names, declared: Mapping[str, str]) -> None:
        self._names = names
        self._own = {
            sentence: Text(dutch, english) for english, dutch in declared.items() for sentence in (english, dutch)
        }
        known = "|".join(re.escape(name) for name in sorted(names.variables, key=len, reverse=True))
        self._variable = re.compile(rf"\b({known})\b" if known else r"(?!)")
        self._said: dict[str, Text] = {}

    def __call__(self, sentence: str) -> Text:
        """The sentence in both languages; as it stands where it is none of ours."""
        if sentence not in self._said:
            self._said[sentence] = self._own.get(sentence) or self._joined(sentence.split("; "))
        return self._said[sentence]

    def knows(self, sentence: str) -> bool:
        """Whether every part of a sentence is translated."""
        return sentence in self._own or all(self._clause(part) is not None for part in sentence.split("; "))

    def _joined(self, clauses: list[str]) -> Text:
        said = [self._clause(clause) or plain(clause) for clause in clauses]
        return Text(*("; ".join(one.of(lang) for one in said) for lang in LANGUAGES))

    def _clause(self, clause: str) -> Text | None:
        if clause in self._own:
            return self._own[clause]
        for phrase in _phrases():
            blanks = phrase.blanks(clause)
            if blanks is not None:
                filled = {name: self._clause(value) or self._blank(name, value) for name, value in blanks.items()}
                return Text(
                    *(
                        phrase.text.of(lang).format(**{name: one.of(lang) for name, one in filled.items()})
                        for lang in LANGUAGES
                    )
                )
        return self._of_variable(clause)

    def _of_variable(self, clause: str) -> Text | None:
        """A sentence behind the variable it is about."""
        name, _, rest = clause.partition(": ")
        said = self._clause(rest) if rest and name in self._names.variables else None
        return said and Text(*(f"{self._names.variables[name].of(lang)}: {said.of(lang)}" for lang in LANGUAGES))

    def _blank(self, name: str, value: str) -> Text:
        """What stands in a blank: names and numbers, and in a condition its words too."""
        return self._named(_condition(value) if name == "condition" else plain(value))

    def _named(self, value: Text) -> Text:
        """Names as labels, and numbers in the format of the language."""
        return Text(*(self._in(value.of(lang), lang) for lang in LANGUAGES))

    def _in(self, value: str, lang: str) -> str:
        names = self._names
        kept: list[str] = []

        def keep(text: Text) -> str:
            kept.append(text.of(lang))
            return f"\x00{len(kept) - 1}\x00"

        value = _REFERENCE.sub(
            lambda found: keep(names.reference(found["outcome"], found["category"], found["group"])), value
        )
        value = _CONDITION.sub(lambda found: keep(names.level(found["name"], found["level"])), value)
        value = _LEVEL.sub(lambda found: keep(names.level(found["name"], found["level"])), value)
        for joint in _joints():
            for spoken in LANGUAGES:
                value = value.replace(joint.of(spoken), joint.of(lang))
        value = self._variable.sub(lambda found: keep(names.variables[found[1]]), value)
        value = _MINUS.sub("\N{MINUS SIGN}", value)
        if lang == "nl":
            value = _DECIMAL.sub(",", _LIMITS.sub(r"[\1; \2]", value))
        return re.sub("\x00(\\d+)\x00", lambda found: kept[int(found[1])], value)


def _condition(condition: str) -> Text:
    """The words of a condition in both languages; what stands between quotes is left alone.

    Examples
    --------
    >>> _condition("partner is known and not own == 'black and white'").nl
    "partner is bekend en niet own == 'black and white'"
    """
    return Text(_WORDS.sub(lambda found: _DUTCH.get(found[0], found[0]), condition), condition)


def _joints() -> Iterator[Text]:
    yield from _JOINTS.values()


@cache
def _phrases() -> tuple[Phrase, ...]:
    held = tomllib.loads(files("wwm_models.report").joinpath("phrases.toml").read_text(encoding="utf-8"))
    return tuple(
        Phrase(Text(one["nl"], one["en"]), tuple(_pattern(one[name]) for name in ("key", "nl", "en") if name in one))
        for one in held["phrases"]
    )


def _pattern(sentence: str) -> re.Pattern[str]:
    """What recognises a sentence with blanks.

    Examples
    --------
    >>> _pattern("{count} changes tried").fullmatch("9 changes tried").groupdict()
    {'count': '9'}
    """
    parts = re.split(r"\{(\w+)\}", sentence)
    return re.compile(
        "".join(re.escape(part) if at % 2 == 0 else f"(?P<{part}>.+?)" for at, part in enumerate(parts)), re.DOTALL
    )
