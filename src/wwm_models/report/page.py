"""Results to one self-contained page: what the templates are given, and the environment they are rendered in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wwm_models.records import Results
from wwm_models.report.claims import SYMBOLS, ledger, verdict_of
from wwm_models.report.dumbbell import BAR_HEIGHT
from wwm_models.report.health import accounting, health
from wwm_models.report.labels import Labels, clean, shortened
from wwm_models.report.numbers import Numbers
from wwm_models.report.sections import Section, headline, sections

_RULES = {"cannot be tested": "rule_cannot"}


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
    made.filters["leftmost"] = _leftmost
    return made


def _leftmost(places: Sequence[str]) -> str:
    return min(places, key=lambda place: float(place.rstrip("%")))


@cache
def style(*names: str) -> Markup:
    """Our own style sheets in one; they hold no text of a study."""
    folder = files("wwm_models.report").joinpath("templates")
    return Markup("".join(folder.joinpath(f"{name}.css").read_text(encoding="utf-8") for name in names))


def hash_of(text: str) -> str:
    """What a content security policy calls a text.

    References
    ----------
    W3C, Content Security Policy Level 3, section 2.3.1.
    """
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def common(results: Results) -> dict[str, Any]:
    """What every template needs."""
    labels, numbers = Labels(results), Numbers(results.lang)
    sheet = style("colours", "chart", "page")
    percent = 100 * float(results.settings.get("level", 0.95))
    return {
        "t": labels.words,
        "lang": results.lang,
        "synthetic": results.synthetic,
        "level": numbers.decimal(percent, 0 if round(percent, 6).is_integer() else 1),
        "bar_height": BAR_HEIGHT,
        "style": sheet,
        "style_hash": hash_of(sheet),
    }


def all_sections(results: Results) -> tuple[Section, ...]:
    """One section per model of the run."""
    return sections(results, Labels(results), Numbers(results.lang))


def render_page(results: Results) -> str:
    """The page of a run: one html file that needs nothing beside it.

    Parameters
    ----------
    results : Results

    Returns
    -------
    str
        Without a script or a reference to the outside; styles by hash.
    """
    labels, numbers = Labels(results), Numbers(results.lang)
    made = all_sections(results)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            **common(results),
            title=clean(results.title),
            sources=[
                clean(results.settings[key]) for key in ("survey_title", "data_file") if results.settings.get(key)
            ],
            accounting=accounting(labels, numbers),
            ledger=ledger(labels, numbers),
            rules=[
                (verdict_of(word, labels, numbers), labels.words[_RULES.get(word, f"rule_{word.replace(' ', '_')}")])
                for word in SYMBOLS
            ],
            health=health(labels, numbers),
            headline=headline(made, labels),
            sections=made,
            settings=_settings(results, labels),
        )
    )


def _settings(results: Results, labels: Labels) -> list[tuple[str, str]]:
    """What the run was made of, in the order it was given."""
    every: dict[str, Any] = {"study": results.study, "data": results.data, **results.settings}
    return [(labels.words.get(f"setting_{key}", clean(key)), _written(value)) for key, value in every.items()]


def _written(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(clean(item) for item in value)
    return clean(value)
