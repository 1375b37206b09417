"""Sentences for people as a key and arguments, until they are written.

Every language is one file, ``report/texts/<language>.toml``; the languages are the files there are. `say` writes a message in
one of them, in English for the csv files and the console, and remembers in an open `collected` what it was made of. A results
folder keeps that beside its tables (`kept_messages`), so that the page writes the message again in every language, by its key.
Sentences without arguments that a table always holds in the same words are their own key: ``[words]`` of the language files.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from wwm_models.errors import did_you_mean, readable

DEFAULT: Final = "en"  # what csv files hold, and what stands where a study lacks another language
Said = tuple[str, Mapping[str, Any]]  # a key, and its arguments as JSON can hold them
_TEXTS: Final = Path(__file__).parent / "report" / "texts"


class Catalogue(NamedTuple):
    """One language: its sentences by key, and how it writes numbers.

    Attributes
    ----------
    name : str
        Of the language, in itself.
    decimal, thousands : str
        The marks of numbers.
    limits : str
        What stands between the limits of an interval.
    page, messages, words : mapping of key to sentence
        Of the page; of `say`; of what tables hold in fixed words.
    """

    name: str
    decimal: str
    thousands: str
    limits: str
    page: Mapping[str, str]
    messages: Mapping[str, str]
    words: Mapping[str, str]

    def number(self, written: str) -> str:
        """A number as Python writes it, such as "-1.5", with the marks of the language.

        Examples
        --------
        >>> catalogue("nl").number("-1.5"), catalogue("en").number("+0.25")
        ('−1,5', '+0.25')
        """
        return written.replace("-", "\N{MINUS SIGN}").translate(str.maketrans({",": self.thousands, ".": self.decimal}))


def _languages() -> tuple[str, ...]:
    return tuple(sorted(path.name.removesuffix(".toml") for path in _TEXTS.iterdir() if path.name.endswith(".toml")))


LANGUAGES: Final = _languages()


@cache
def catalogue(lang: str) -> Catalogue:
    """The sentences of a language.

    Examples
    --------
    >>> catalogue("de").page["adjusted"]
    'bereinigt'
    """
    import tomllib  # when a sentence is written: `wwm --help` needs none

    held = tomllib.loads((_TEXTS / f"{lang}.toml").read_text(encoding="utf-8"))
    page, messages, words = (MappingProxyType(held[name]) for name in ("page", "messages", "words"))
    return Catalogue(**held["language"], page=page, messages=messages, words=words)


def language_problem(lang: str) -> str:
    """What is wrong with the name of a language; empty where there is a file of it.

    Examples
    --------
    >>> language_problem("fr")
    'lang = "fr" is not known. Expected one of: de, en, nl.'
    >>> language_problem("nl")
    ''
    """
    if lang in LANGUAGES:
        return ""
    return f'lang = "{lang}" is not known. Expected one of: {", ".join(LANGUAGES)}.{did_you_mean(lang, LANGUAGES)}'


def in_language(labels: Mapping[str, str], lang: str, name: str = "") -> str:
    """A study's label in a language: its own, or the English one, or the first there is, or else the name.

    Examples
    --------
    >>> in_language({"nl": "leeftijd", "en": "age"}, "de"), in_language({"nl": "leeftijd", "en": ""}, "de")
    ('age', 'leeftijd')
    """
    known = {spoken: text for spoken, text in labels.items() if text}
    return known.get(lang) or known.get(DEFAULT) or next(iter(known.values()), name)


class Piece(str):
    """An argument that languages write in ways of their own: a number, a name. As text it is what a csv file holds.

    Attributes
    ----------
    kind : str
        What it is: "number", "interval", "variable", "level", "category", "group", "reference", "condition" or "list".
    parts : tuple
        What it is made of, as JSON can hold it.
    """

    kind: str
    parts: tuple[Any, ...]

    def __new__(cls, text: str, kind: str, *parts: Any) -> Piece:
        """A text with what it is made of."""
        made = super().__new__(cls, text)
        made.kind, made.parts = kind, parts
        return made

    def __reduce__(self) -> tuple[type[Piece], tuple[Any, ...]]:
        """Travel between processes whole."""
        return Piece, (str(self), self.kind, *self.parts)


def number(value: float, form: str = "") -> Piece:
    """A number, in a format of Python's.

    Examples
    --------
    >>> number(-1.25, "+.1f")
    '-1.2'
    """
    written = format(value, form)
    return Piece(written, "number", written)


def interval(estimate: str, limits: tuple[str, str] | None) -> Piece:
    """An estimate with its limits, as Python writes them."""
    written = estimate if limits is None else f"{estimate} [{limits[0]}, {limits[1]}]"
    return Piece(written, "interval", estimate, *(limits or ()))


def variable(name: str) -> Piece:
    """The name of a variable, for which readers see its label."""
    return Piece(name, "variable", name)


def level(name: str, value: str, mark: str = " = ") -> Piece:
    """A level with the variable it is of."""
    return Piece(f"{name}{mark}{value}", "level", name, value)


def category(outcome: str, value: str) -> Piece:
    """An answer of a question, of which the csv names the answer only."""
    return Piece(value, "category", outcome, value)


def group(written: str, pairs: Iterable[tuple[str, str]]) -> Piece:
    """A combination of levels."""
    return Piece(written, "group", *([name, value] for name, value in pairs))


def reference(outcome: str, answer: str, pairs: Iterable[tuple[str, str]], written: str) -> Piece:
    """The number of an answer in a group."""
    return Piece(written, "reference", outcome, answer, [[name, value] for name, value in pairs])


def condition(written: str) -> Piece:
    """A condition of a codebook, in its own language."""
    return Piece(written, "condition", written)


def listed_as(items: Iterable[str], mark: str = ", ") -> Piece:
    """Several arguments with a mark or a word of the catalogue between them."""
    every = list(items)
    return Piece(mark.join(every), "list", mark, *(_stored(item) for item in every))


def _stored(argument: str) -> Any:
    return [argument.kind, *argument.parts] if isinstance(argument, Piece) else str(argument)


def sentence(key: str, lang: str = DEFAULT, /, **arguments: object) -> str:
    """A message in one language, without a memory of it."""
    return catalogue(lang).messages[key].format(**arguments)


def say(key: str, lang: str = DEFAULT, /, **arguments: str | int) -> str:
    """Write a message, and remember its key and arguments.

    Parameters
    ----------
    key : str
        Of ``[messages]``.
    lang : str
        A language there is a file of; arguments stand in it as csv files hold them.
    **arguments : str, int or Piece
        Texts may be messages themselves.

    Examples
    --------
    >>> with collected() as found:
    ...     print(say("few_respondents", count=30))
    fewer than 30 respondents
    >>> found
    {'fewer than 30 respondents': ('few_respondents', {'count': ['number', '30']})}
    """
    given = {name: number(one) if isinstance(one, int) else one for name, one in arguments.items()}
    written = readable(sentence(key, lang, **given))  # as exceptions write it
    note({written: (key, {name: _stored(one) for name, one in given.items()})})
    return written


def together(*parts: str) -> str:
    """Sentences behind each other; empty ones are left out."""
    known = [part for part in parts if part]
    return known[0] if len(known) == 1 else say("together", parts=listed_as(known, "; ")) if known else ""


def sentences(*parts: str) -> str:
    """Whole sentences behind each other; empty ones are left out.

    Examples
    --------
    >>> sentences("It failed.", "", "Try again.")
    'It failed. Try again.'
    """
    known = [part for part in parts if part]
    return known[0] if len(known) == 1 else say("sentences", parts=listed_as(known, " ")) if known else ""


def some_of(items: Iterable[str], most: int = 5) -> str:
    """The first of several arguments, and how many more there are: `errors.listed` for messages.

    Examples
    --------
    >>> some_of(["a", "b"]), some_of(["a", "b", "c"], most=2)
    ('a, b', 'a, b and 1 more')
    """
    every = list(items)
    shown = listed_as(every[:most])
    return shown if len(every) <= most else say("listed_more", shown=shown, more=len(every) - most)


_noted: ContextVar[dict[str, Said] | None] = ContextVar("noted", default=None)


@contextmanager
def collected() -> Generator[dict[str, Said]]:
    """Remember every message that is said in here: by its text, what it was made of. Outer ones are told too."""
    outer, found = _noted.get(), dict[str, Said]()
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)
        if outer is not None:
            outer.update(found)


def note(messages: Mapping[str, Said]) -> None:
    """Remember messages that were said elsewhere, in another process or run."""
    found = _noted.get()
    if found is not None:
        found.update(messages)


def noted() -> Mapping[str, Said]:
    """What is remembered here and now."""
    return _noted.get() or {}


def kept_messages(texts: Iterable[str], known: Mapping[str, Said]) -> dict[str, Said]:
    """The messages among some texts and those they are made of, and no other: of what is withheld nothing may be kept."""
    found: dict[str, Said] = {}
    waiting = list(texts)
    while waiting:
        text = waiting.pop()
        if text in known and text not in found:
            found[text] = known[text]
            _, arguments = known[text]
            waiting += [one for argument in arguments.values() for one in _texts_in(argument)]
    return {text: found[text] for text in known if text in found}


def _texts_in(argument: Any) -> list[str]:
    if isinstance(argument, str):
        return [argument]
    return [text for item in argument[2:] for text in _texts_in(item)] if argument[0] == "list" else []


def arguments_of(written: str) -> frozenset[str]:
    """Names of the blanks of a sentence.

    Examples
    --------
    >>> sorted(arguments_of("{count} of {total} parts"))
    ['count', 'total']
    """
    return frozenset(re.findall(r"\{(\w+)\}", written))
