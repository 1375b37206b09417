"""Texts in both languages: the page's own sentences from texts.toml, and labels of a study.

A `Text` in a template becomes two spans, one per language; the style sheet shows one of them. Filling in a blank with a
number gives each language its own number format.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from markupsafe import Markup, escape

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
