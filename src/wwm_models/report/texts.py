"""The page's own sentences in one language, read from texts.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
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
    declared = tomllib.loads(files("wwm_models.report").joinpath("texts.toml").read_text(encoding="utf-8"))
    return MappingProxyType({key: sentence[lang] for key, sentence in declared.items()})
