"""Texts in both languages: the page's own sentences from texts.toml, and labels of a study.

A `Text` in a template becomes two spans, one per language; the style sheet shows one of them. Filling in a blank with a
number gives each language its own number format.

Sentences of the tables in both languages: a table holds a reason or a message once, the page says it in two.

What a reader calls a model, variable, group or answer: labels in both languages, made harmless once.

Escaping itself is the templates' work (autoescape is on, no filter switches it off); here characters that no page may
hold are taken out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from markupsafe import Markup, escape

from wwm_models.results.atomic_files import HARMFUL
from wwm_models.results.results import Results
from wwm_models.survey.survey import Level

LANGUAGES: Final = ("nl", "en")


@dataclass(frozen=True)
class Text:
    """The same thing said in both languages.

    Examples
    --------
    >>> print(Text("ja", "yes").__html__())
    <span class="nl" lang="nl">ja</span><span class="en" lang="en">yes</span>
    >>> print(Text("a<b", "a<b").__html__())
    <bdi>a&lt;b</bdi>
    """

    nl: str
    en: str

    def __html__(self) -> str:
        if self.nl == self.en:
            return f"<bdi>{escape(self.nl)}</bdi>"
        return f'<span class="nl" lang="nl">{escape(self.nl)}</span><span class="en" lang="en">{escape(self.en)}</span>'

    def of(self, lang: str) -> str:
        """The text in one language."""
        return self.nl if lang == "nl" else self.en

    def map(self, change: Callable[[str], str]) -> Text:
        """The same change made to both."""
        return Text(change(self.nl), change(self.en))


def plain(text: str) -> Text:
    """A text that is the same in both languages."""
    return Text(text, text)


class Words:
    """The page's own sentences."""

    def __getitem__(self, key: str) -> Text:
        return _sentences()[key]

    def get(self, key: str, default: Text | None = None) -> Text | None:
        """A sentence, or `default` if there is none of that name."""
        return _sentences().get(key, default)

    def fill(self, key: str, **parts: Any) -> Text:
        """A sentence with its blanks filled by texts, in both languages."""
        return Text(*(
            self[key].of(lang).format(**{name: part.of(lang) if isinstance(part, Text) else part for name, part in parts.items()})
            for lang in LANGUAGES
        ))  # fmt: skip

    def marked(self, key: str, **parts: Any) -> Markup:
        """A sentence with its blanks filled by anything that can be markup: numbers with their source, verdicts, texts."""
        written = [
            Markup('<span class="{lang}" lang="{lang}">{text}</span>').format(
                lang=lang,
                text=Markup(escape(self[key].of(lang))).format(
                    **{name: _in(part, lang) for name, part in parts.items()}
                ),
            )
            for lang in LANGUAGES
        ]
        return Markup("").join(written)


def _in(part: Any, lang: str) -> Any:
    return part.of(lang) if hasattr(part, "of") else part


@cache
def _sentences() -> Mapping[str, Text]:
    declared = tomllib.loads(files("wwm_models.report").joinpath("texts.toml").read_text(encoding="utf-8"))
    return MappingProxyType({key: Text(sentence["nl"], sentence["en"]) for key, sentence in declared.items()})


def texts(lang: str) -> Mapping[str, str]:
    """All sentences of the page by key, in `lang`.

    Parameters
    ----------
    lang : {"nl", "en"}

    Examples
    --------
    >>> texts("nl")["verdict_holds"], texts("en")["verdict_holds"]
    ('houdt stand', 'holds')
    """
    return {key: sentence.of(lang) for key, sentence in _sentences().items()}


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

    def estimand(self, estimand: str, models: Iterable[str] = ()) -> Text:
        """The estimand, of these models or of all, in words; its own name where it is not one of ours."""
        if estimand == "total" and not self._several_exposures(models):
            return self.words["estimand_total_alone"]
        if estimand.endswith("-adjusted"):
            others = (self.variable(name) for name in estimand.removesuffix("-adjusted").split("+"))
            return self.words.fill("estimand_adjusted", other=_joined(others, self._and()))
        return self.words.get(f"estimand_{estimand}") or plain(clean(estimand))

    def _several_exposures(self, models: Iterable[str]) -> bool:
        """Whether some of these models, or of all, has more exposures than one, or nobody knows."""
        facts: Mapping[str, Mapping[str, Any]] = self.results.declared.get("models", {})
        known = [facts.get(name, {}).get("exposures") for name in tuple(models) or facts]
        return not known or any(own is None or len(own) > 1 for own in known)

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
