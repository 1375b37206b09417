"""Texts in every language: the page's own sentences, messages of a run, and labels of a study.

A `Text` in a template becomes a span per language; the style sheet shows one of them. Filling in a blank with a number gives
each language its own number format.

A table holds a reason or a message once, in one language; what it was made of stands beside it (`messages`), and the page writes
it again in every language. What a study calls its models, variables, groups and answers it declares in the languages it knows;
a reader of another language sees the English label, or the only one there is.

Escaping itself is the templates' work (autoescape is on, no filter switches it off); here characters that no page may
hold are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from wwm_models.estimates.causal_diagram import ESTIMANDS, JOINT, Diagram, diagram_from
from wwm_models.estimates.number_key import levels_written, written_group, written_levels
from wwm_models.messages import DEFAULT, LANGUAGES, Catalogue, catalogue, in_language, noted
from wwm_models.results.atomic_files import HARMFUL
from wwm_models.results.results import Results
from wwm_models.survey.survey import Labelled, Level


@dataclass(frozen=True)
class Text:
    """The same thing said in every language.

    Attributes
    ----------
    said : tuple of str
        In the order of `LANGUAGES`.

    Examples
    --------
    >>> print(translated({"de": "ja", "en": "yes", "nl": "ja"}).__html__())
    <span class="de nl" lang="de">ja</span><span class="en" lang="en">yes</span>
    >>> print(plain("a<b").__html__())
    <bdi>a&lt;b</bdi>
    """

    said: tuple[str, ...]

    def __html__(self) -> str:
        if len(set(self.said)) == 1:
            return f"<bdi>{escape(self.said[0])}</bdi>"
        return str(in_spans([escape(text) for text in self.said]))

    def __bool__(self) -> bool:
        return any(self.said)

    def of(self, lang: str) -> str:
        """The text in one language."""
        return self.said[LANGUAGES.index(lang)]

    def map(self, change: Callable[[str], str]) -> Text:
        """The same change made in every language."""
        return Text(tuple(change(text) for text in self.said))


def in_spans(written: Sequence[Markup]) -> Markup:
    """Markup per language as a span per language; languages that say the same share one."""
    shared: dict[Markup, list[str]] = {}
    for lang, text in zip(LANGUAGES, written, strict=True):
        shared.setdefault(text, []).append(lang)
    spans = (
        f'<span class="{" ".join(of)}" lang="{DEFAULT if DEFAULT in of else of[0]}">{text}</span>'
        for text, of in shared.items()
    )
    return Markup("".join(spans))  # of what is markup already


def each(say: Callable[[str], str]) -> Text:
    """What a function of the language says in every language."""
    return Text(tuple(say(lang) for lang in LANGUAGES))


def plain(text: str) -> Text:
    """A text that is the same in every language."""
    return each(lambda lang: text)  # noqa: ARG005


def translated(labels: Mapping[str, str], name: str = "") -> Text:
    """A study's label in the languages it declares; in another the English one, or else the first, or else the name.

    Examples
    --------
    >>> translated({"nl": "leeftijd", "en": "age"}).of("de"), translated({"nl": "leeftijd"}).of("de")
    ('age', 'leeftijd')
    """
    return each(lambda lang: in_language(labels, lang, name))


def joined(texts: Iterable[Text], mark: Text) -> Text:
    """Texts with a mark between them."""
    every = list(texts)
    return each(lambda lang: mark.of(lang).join(text.of(lang) for text in every))


def framed(frame: str, *texts: Text) -> Text:
    """Texts in the places of a frame of marks.

    Examples
    --------
    >>> framed("{}: {}", plain("a"), plain("b")).of("nl")
    'a: b'
    """
    return each(lambda lang: frame.format(*(text.of(lang) for text in texts)))


class Words:
    """The page's own sentences."""

    def __getitem__(self, key: str) -> Text:
        return each(lambda lang: catalogue(lang).page[key])

    def get(self, key: str, default: Text | None = None) -> Text | None:
        """A sentence, or `default` if there is none of that name."""
        return self[key] if key in catalogue(DEFAULT).page else default

    def fill(self, key: str, **parts: Any) -> Text:
        """A sentence with its blanks filled by texts, in every language."""
        return each(lambda lang: self[key].of(lang).format(**{name: _in(part, lang) for name, part in parts.items()}))

    def marked(self, key: str, **parts: Any) -> Markup:
        """A sentence with its blanks filled by anything that can be markup: numbers with their source, verdicts, texts."""
        return in_spans([
            Markup(escape(self[key].of(lang))).format(**{name: _in(part, lang) for name, part in parts.items()})
            for lang in LANGUAGES
        ])  # fmt: skip


def _in(part: Any, lang: str) -> Any:
    return part.of(lang) if hasattr(part, "of") else part


def texts(lang: str) -> Mapping[str, str]:
    """All sentences of the page by key, in `lang`.

    Parameters
    ----------
    lang : str
        One of `LANGUAGES`.

    Examples
    --------
    >>> texts("nl")["verdict_holds"], texts("en")["verdict_holds"]
    ('houdt stand', 'holds')
    """
    return catalogue(lang).page


_LEVEL: Final = re.compile(r"(?P<name>\w+) ?=?= ?(?:'(?P<quoted>[^']*)'|(?P<level>[\w-]+))")
_QUOTED: Final = re.compile(r"('[^']*')")


@dataclass(frozen=True, eq=False)
class Sayings:
    """Writes a sentence of a table in every language: a message by its key, a fixed text by itself, a study's by its translation.

    Attributes
    ----------
    labels : Labels
    messages : mapping of text to key and arguments
        What the run said; what is said while the page is made is known besides.
    """

    labels: Labels
    messages: Mapping[str, Any]

    def __call__(self, sentence: str) -> Text:
        """The sentence in every language; as it stands where nothing is known of it."""
        return each(lambda lang: self.of(sentence, lang))

    def knows(self, sentence: str) -> bool:
        """Whether a sentence, or every clause of it, is translated."""
        own = sentence in self._declared or sentence in catalogue(DEFAULT).words or self._message(sentence) is not None
        return own or ("; " in sentence and all(self.knows(clause) for clause in sentence.split("; ")))

    def of(self, sentence: str, lang: str) -> str:
        """The sentence in one language."""
        found = self._message(sentence)
        if found is not None:
            key, arguments = found
            written = {name: self._argument(one, lang) for name, one in arguments.items()}
            return catalogue(lang).messages[key].format(**written)
        if sentence in self._declared:
            return self._declared[sentence].of(lang)
        if sentence in catalogue(DEFAULT).words:
            return catalogue(lang).words[sentence]
        clauses = sentence.split("; ")  # a study's own places and reasons may have several
        return "; ".join(self.of(clause, lang) for clause in clauses) if len(clauses) > 1 else clean(sentence)

    @cached_property
    def _declared(self) -> Mapping[str, Text]:
        """What the study translates itself, from English into Dutch or into several languages, by the sentence in any of them."""
        given: Mapping[str, Any] = self.labels.results.declared.get("translations", {})
        spoken = {
            english: {DEFAULT: english, **(other if isinstance(other, Mapping) else {"nl": other})}
            for english, other in given.items()
        }
        return {sentence: translated(labels).map(clean) for labels in spoken.values() for sentence in labels.values()}

    def _message(self, sentence: str) -> Any:
        found = self.messages.get(sentence) or noted().get(sentence)
        return found if found is not None and found[0] in catalogue(DEFAULT).messages else None

    def _argument(self, argument: Any, lang: str) -> str:
        """An argument as a language writes it; a text may be a message itself."""
        if isinstance(argument, str):
            return self.of(argument, lang)
        kind, *parts = argument
        return self._kinds[kind](parts, lang)

    @property
    def _kinds(self) -> Mapping[str, Callable[[list[Any], str], str]]:
        labels = self.labels
        return {
            "number": lambda parts, lang: catalogue(lang).number(parts[0]),
            "interval": lambda parts, lang: _interval(parts, catalogue(lang)),
            "variable": lambda parts, lang: labels.variable(parts[0]).of(lang),
            "level": lambda parts, lang: labels.level(*parts).of(lang),
            "category": lambda parts, lang: labels.category(*parts).of(lang),
            "group": lambda parts, lang: labels.group(written_group(parts)).of(lang),
            "reference": lambda parts, lang: labels.reference(parts[0], parts[1], written_group(parts[2])).of(lang),
            "condition": lambda parts, lang: self._condition(clean(parts[0]), lang),
            "list": lambda parts, lang: _between(parts[0], lang).join(self._argument(one, lang) for one in parts[1:]),
        }

    def _condition(self, written: str, lang: str) -> str:
        """A condition of a codebook with labels for names and its few words in the language; other quoted texts stay."""
        labels, words = self.labels, catalogue(lang).words
        names = self.labels.results.variables
        level = _LEVEL.sub(
            lambda found: _kept(labels.level(found["name"], found["quoted"] or found["level"] or "").of(lang)), written
        )
        parts = _QUOTED.split(level)
        known = {name: labels.variable(name).of(lang) for name in names} | {
            name: words[name] for name in ("is known", "and", "or", "not")
        }
        pattern = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in sorted(known, key=len, reverse=True)))
        said = [
            part if at % 2 else _outside(part, lambda text: pattern.sub(lambda found: known[found[0]], text))
            for at, part in enumerate(parts)
        ]
        return "".join(said).replace(_OPEN, "").replace(_CLOSE, "")


_OPEN, _CLOSE = "\x01", "\x02"  # around what is written already


def _kept(text: str) -> str:
    return f"{_OPEN}{text}{_CLOSE}"


def _outside(text: str, change: Callable[[str], str]) -> str:
    """A change of what is not written already."""
    parts = re.split(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})", text)
    return "".join(part if at % 2 else change(part) for at, part in enumerate(parts))


def _interval(parts: Sequence[str], language: Catalogue) -> str:
    estimate, *limits = (language.number(part) for part in parts)
    return f"{estimate} [{language.limits.join(limits)}]" if limits else estimate


def _between(mark: str, lang: str) -> str:
    """A mark as it is, a word such as " or " in the language."""
    word = mark.strip()
    return mark.replace(word, catalogue(lang).words.get(word, word)) if word else mark


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


@cache
def environment() -> Environment:
    """The template environment: everything is escaped, and a name that is not there is an error."""
    made = Environment(
        loader=PackageLoader("wwm_models.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clean"] = clean
    made.filters["shortened"] = shortened
    return made


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
        return each(lambda lang: self._ending(title.of(lang), lang))

    def _ending(self, title: str, lang: str) -> str:
        before, mark, item = title.rpartition(": ")
        return f"{before}{mark}{self.variable(item).of(lang)}" if mark and item in self.results.variables else title

    def variable(self, name: str) -> Text:
        """Label of a variable; its name where it has none."""
        return _text(self.results.variables.get(name), name)

    def category(self, outcome: str, category: str) -> Text:
        """Label of an answer or level, of several answers reported as one, or of several levels that are joined in a group."""
        for level in self.levels(outcome):
            if level.id == category:
                return _text(level, category)
        several = written_levels(category, (level.id for level in self.levels(outcome)))
        if several:
            return joined(
                (self.category(outcome, one) for one in several), each(lambda lang: f" {catalogue(lang).words['or']} ")
            )
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
        levels = levels_written(group, self.results.variables)
        return joined((self.category(name, level) for name, level in levels), plain(" · "))

    def is_joined(self, group: str) -> bool:
        """Whether a group joins several levels of a variable."""
        parts = levels_written(group, self.results.variables) if group else []
        return any(written_levels(level, (one.id for one in self.levels(name))) for name, level in parts)

    def by(self, by: str) -> Text:
        """Label of the grouping, as in "by age group"."""
        return self.words.fill("by_group", by=self.exposures(by)) if by else self.words["by_none"]

    def exposures(self, by: str) -> Text:
        """Names of the variables of a grouping."""
        return joined((self.variable(name) for name in by.split(";")), self._and())

    @cached_property
    def diagram(self) -> Diagram | None:
        """What the study declares of causes; None where it declares nothing."""
        stored = self.results.declared.get("diagram")
        return diagram_from(stored) if stored else None

    def held_equal(self, exposures: Iterable[str] = ()) -> list[Text]:
        """Every estimand of these exposures, or of all, with all that is held equal under it; none without a diagram."""
        if self.diagram is None:
            return []
        chosen = [
            self.diagram.exposures[name]
            for name in tuple(exposures) or self.diagram.exposures
            if name in self.diagram.exposures
        ]
        return [
            framed("{}: {}", self.variable(one.name), self.estimand(name, by=one.name))
            for one in chosen
            for name in one.estimands
        ]

    @property
    def not_controlled(self) -> Text:
        """What may differ between groups and is in no estimand, as the study declares it; empty where it does not."""
        declared = {} if self.diagram is None else self.diagram.not_controlled
        return translated({lang: clean(own) for lang, own in declared.items()}) if declared else plain("")

    def _held(self, estimand: str, by: str) -> Text | None:
        """An estimand of a diagram in words; None where it is none."""
        names, diagram = tuple(by.split(";")), self.diagram
        if diagram is None or not set(names) <= set(diagram.exposures) or estimand not in (*ESTIMANDS, JOINT):
            return None
        one = diagram.exposures[names[0]]
        lists = {
            "held": diagram.adjusters(names, estimand),
            "also": one.also,
            "between": one.between,
            "exposures": names,
        }
        named = {key: joined(map(self.variable, own), plain(", ")) for key, own in lists.items()}
        if not lists["held"]:
            named["held"] = self.words["held_nothing"]
        return self.words.fill(f"estimand_held_{estimand}", **named)

    def estimand(self, estimand: str, models: Iterable[str] = (), by: str = "") -> Text:
        """The estimand, of these models or of all, in words; its own name where it is not one of ours.

        By an exposure of a diagram all that is held equal is named.
        """
        if (held := self._held(estimand, by)) is not None:
            return held
        if estimand == "total" and not self._several_exposures(models):
            return self.words["estimand_total_alone"]
        if estimand.endswith("-adjusted"):
            others = (self.variable(name) for name in estimand.removesuffix("-adjusted").split("+"))
            return self.words.fill("estimand_adjusted", other=joined(others, self._and()))
        return self.words.get(f"estimand_{estimand}") or plain(clean(estimand))

    def _several_exposures(self, models: Iterable[str]) -> bool:
        """Whether some of these models, or of all, has more exposures than one, or nobody knows."""
        facts: Mapping[str, Mapping[str, Any]] = self.results.declared.get("models", {})
        known = [facts.get(name, {}).get("exposures") for name in tuple(models) or facts]
        return not known or any(own is None or len(own) > 1 for own in known)

    @cached_property
    def sayings(self) -> Sayings:
        """What writes the sentences of this run's tables in every language."""
        return Sayings(self, self.results.messages)

    def said(self, sentence: str) -> Text:
        """A sentence of a table in every language, made harmless."""
        return self.sayings(sentence) if sentence else plain("")

    def level(self, variable: str, level: str) -> Text:
        """A level with the variable it is of."""
        return framed("{}: {}", self.variable(variable), self.category(variable, level))

    def reference(self, outcome: str, category: str, group: str) -> Text:
        """A number that a reason speaks of: question, answer, group."""
        answer, where = self.category(outcome, category), self.group(group)
        return self.words.fill("number_of", outcome=self.variable(outcome), answer=answer, group=where)

    def _and(self) -> Text:
        return self.words["crossed"].map(lambda word: f" {word} ")


def _text(labelled: Labelled | Mapping[str, str] | None, name: str) -> Text:
    """The labels of a record or mapping in every language, or the name where there is none."""
    read = labelled.label if isinstance(labelled, Labelled) else (labelled or {}).get
    return translated({lang: clean(read(lang) or "") for lang in LANGUAGES}, clean(name))
