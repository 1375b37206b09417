"""A page whose models fail in every way says why in each of its languages, and in no other."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wwm_models.cli.main import main
from wwm_models.errors import AdjustError
from wwm_models.messages import LANGUAGES, catalogue, say, variable
from wwm_models.results.atomic_files import read_table

ORDERED = """
[variables.{name}]
column = "{name}"
kind = "{kind}"
nl = "{nl}"
en = "{en}"
levels = [ {{ id = "a", codes = [1], nl = "laag", en = "low" }}, {{ id = "b", codes = [2], nl = "midden", en = "middle" }}, {{ id = "c", codes = [3], nl = "hoog", en = "high" }} ]
missing = [ {{ codes = [9], reason = "unknown" }} ]
"""
MODEL = 'outcome = "{outcome}"\nexposures = {exposures}\nestimands = ["{estimand}"]\nprimary = false\n{more}'
MODELS = {
    "rank": ("wish", '["household", "copy"]', 'family = "cumulative"\n'),
    "unordered": ("colour", '["household"]', 'family = "cumulative"\n'),
    "one_answer": ("always", '["household"]', 'family = "cumulative"\n'),
    "separated": ("split", '["household"]', 'family = "cumulative"\n'),
    "meeting": ("hollow", '["household", "age_group"]', 'family = "cumulative"\nnonproportional = ["household"]\n'),
    "incomplete": ("wish", '["household", "odd"]', 'family = "cumulative"\n[imputation]\nm = 2\nvariables = ["odd"]\npredictors = ["known"]\n'),
    "unaveraged": ("wish", '["age_group"]', 'family = "cumulative"\n'),
}  # fmt: skip


def failing(small: Path) -> None:
    """Put models in the place of those of the small study that fail, each in a way of its own."""
    for name in ("wish", "wish_nominal"):
        (small / "study" / f"{name}.toml").unlink()
    table, rng = pd.read_csv(small / "data.csv"), np.random.default_rng(1)
    home, size = table["home"].to_numpy(), len(table)
    answer = rng.integers(1, 4, size)
    table = table.assign(
        copy=home, colour=answer, always=1, split=np.where(home == 1, 1, 2 + rng.integers(0, 2, size)),
        hollow=np.where((home == 1) & (answer == 2), 3, answer), known=np.where(answer == 1, 9, answer), odd=np.where(answer == 1, 1, 2),
    )  # fmt: skip
    table.loc[::7, "odd"] = 9
    table.to_csv(small / "data.csv", index=False)
    book = small / "study" / "codebook.toml"
    more = "".join(
        ORDERED.format(name=name, kind="nominal" if name == "colour" else "ordered", nl=f"{name} nl", en=f"{name} en")
        for name in ("copy", "colour", "always", "split", "hollow", "known", "odd")
    )  # fmt: skip
    book.write_text(book.read_text(encoding="utf-8") + more, encoding="utf-8")
    for name, (outcome, exposures, own) in MODELS.items():
        made = MODEL.format(
            outcome=outcome,
            exposures=exposures,
            more=own,
            estimand="household-adjusted" if "nonprop" in own else "total",
        )
        (small / "study" / f"{name}.toml").write_text(made, encoding="utf-8")


class Spoken(HTMLParser):
    """What a page says in each language: of an element that is of some languages, in those; of others, in all."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, list[str]] = {lang: [] for lang in LANGUAGES}
        self._of: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = (dict(attrs).get("class") or "").split()
        of = tuple(lang for lang in LANGUAGES if lang in names) if tag == "span" else ()
        if tag not in ("meta", "link", "input", "br", "img", "col", "hr"):
            self._of.append((tag, of or (self._of[-1][1] if self._of else LANGUAGES)))

    def handle_endtag(self, tag: str) -> None:
        while self._of and self._of.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._of and self._of[-1][0] not in ("script", "style", "bdi"):
            for lang in self._of[-1][1]:
                self.said[lang].append(data)
        elif self._of and self._of[-1][0] == "bdi":
            for lang in LANGUAGES:
                self.said[lang].append(data)


def spoken(page: str) -> dict[str, str]:
    """All words of the markup of a page per language."""
    reader = Spoken()
    reader.feed(page)
    return {lang: " ".join(" ".join(texts).split()) for lang, texts in reader.said.items()}


def fragments(lang: str) -> set[str]:
    """Every stretch of four words or more that the sentences of a language have between their blanks."""
    every = [*catalogue(lang).messages.values(), *catalogue(lang).words.values(), *catalogue(lang).page.values()]
    parts = (part.strip(' .,;:()"') for text in every for part in re.split(r"\{\w+\}", text))
    return {" ".join(part.split()) for part in parts if len(part.split()) >= 4}


@pytest.mark.slow
def test_a_page_of_failures_says_each_in_its_languages_only(small: Path, monkeypatch: pytest.MonkeyPatch):
    from wwm_models.study import fits

    def refused(*_: Any, **__: Any) -> None:
        raise AdjustError(say("margin_without", variable=variable("household")))

    monkeypatch.setattr(fits, "adjusted", refused)
    failing(small)
    assert main(["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(small / "out")]) == 1
    checks = read_table(small / "out" / "diagnostics.csv")
    failed = checks[(checks["check"] == "convergence") & (checks["status"] != "ok")]
    assert set(failed["model"]) == set(MODELS) - {"unaveraged"}
    kept = json.loads((small / "out" / "labels.json").read_text(encoding="utf-8"))["messages"]
    assert set(failed["message"]) <= set(kept)
    said = spoken((small / "out" / "report.html").read_text(encoding="utf-8"))
    for lang in LANGUAGES:
        assert all(catalogue(lang).messages[key] in said[lang] for key in ("leave_the_term", "separation_cure")), lang
        for other in LANGUAGES:
            foreign = fragments(other) - fragments(lang) if other != lang else set()
            assert sorted(one for one in foreign if one in said[lang]) == [], (lang, other)
