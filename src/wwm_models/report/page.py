"""Results to one self-contained page: what the templates are given, and the environment they are rendered in."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wwm_models.records import Results
from wwm_models.report.allowed import Allowed
from wwm_models.report.charts import library
from wwm_models.report.claims import SYMBOLS, Ledger, ledger, verdict_of
from wwm_models.report.described import described, headline, tally
from wwm_models.report.evidence import agreement_table, flips_table, moved_table, precision_rows, robustness_table
from wwm_models.report.figures import Block, Comparison, Figure, comparison_of, figures
from wwm_models.report.health import Health, accounting, checks_table, health, reasons_table
from wwm_models.report.labels import Labels, clean, shortened
from wwm_models.report.methods import checklist, downloads, models_table, percent_of
from wwm_models.report.numbers import Numbers, number, rows_of
from wwm_models.report.packed import Parts, packed
from wwm_models.report.payload import payload
from wwm_models.report.tables import can_write_word
from wwm_models.report.tables.great import Rendered, on_page, rendered
from wwm_models.report.tables.made import engines_of, figure_table, numbers_table
from wwm_models.report.texts import LANGUAGES, Text, plain

_RULES = {"cannot be tested": "cannot"}


@dataclass(frozen=True, eq=False)
class Report:
    """What page, figures and tables are made from, worked out once."""

    results: Results
    labels: Labels
    comparison: Comparison
    figures: list[Figure]
    ledger: Ledger
    health: Health
    allowed: Allowed

    @cached_property
    def tables(self) -> dict[str, Rendered]:
        """The tables of the figures, by block: the page and the files share them."""
        return {
            block.id: rendered(figure_table(figure, block, self.comparison))
            for figure in self.figures
            for block in figure.blocks
        }


def report_of(results: Results) -> Report:
    """The results of a run, ready to be shown."""
    labels = Labels(results)
    comparison = comparison_of(labels)
    return Report(results, labels, comparison, figures(comparison), ledger(comparison), health(labels), Allowed(labels))


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


@cache
def asset(name: str) -> Markup:
    """A style sheet or script of ours; it holds no text of a study."""
    return Markup(files("wwm_models.report").joinpath("templates", name).read_text(encoding="utf-8").strip())


def hash_of(text: str) -> str:
    """What a content security policy calls a text.

    References
    ----------
    W3C, Content Security Policy Level 3, section 2.3.1.
    """
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def render_page(results: Results) -> str:
    """The page of a run: one html file that needs nothing beside it.

    Parameters
    ----------
    results : Results

    Returns
    -------
    str
        Without a reference to the outside; scripts and styles by hash.
    """
    return page_of(report_of(results))


def page_of(report: Report, problems: Sequence[str] = ()) -> str:
    """The page of a run, with what is wrong with the files beside it."""
    results, labels = report.results, report.labels
    style = Markup("").join(asset(f"{name}.css") for name in ("colours", "page", "parts"))
    charts = library()()
    script = Markup("").join(asset(f"{name}.js") for name in ("open", "format", "charts", "tables", "view"))
    parts = Parts()
    shown = headline(report.figures, report.comparison)
    context = {
        "t": labels.words,
        "lang": results.lang,
        "synthetic": results.synthetic,
        "level": percent_of(results.settings.get("level", 0.95)),
        "style": style, "script": script,
        "policy": "; ".join((
            "default-src 'none'", f"script-src '{hash_of(charts.bundle)}' '{hash_of(script)}'", f"style-src '{hash_of(style)}'",
            "base-uri 'none'", "form-action 'none'",
        )),
        "later": parts,
        "packed": lambda: Markup(packed({
            "library": charts.bundle, "templates": json.loads(charts.templates), "parts": parts.markup,
            "payload": payload(report.comparison, _drawn(report, shown), report.allowed, results.lang),
        })),
        "headline": shown,
        "problems": [labels.said(problem) for problem in dict.fromkeys((*results.problems, *problems))],
        "title": clean(results.title),
        "sources": [plain(clean(results.settings[key])) for key in ("survey_title", "data_file") if results.settings.get(key)],
    }  # fmt: skip
    return environment().get_template("page.html.j2").render(**context, **_content(report), **_tables(report))


def _drawn(report: Report, shown: tuple[Figure, Block] | None) -> list[Block]:
    blocks = [block for figure in report.figures for block in figure.blocks]
    blocks += [line.block for line in report.ledger.lines if line.block is not None]
    return blocks + ([shown[1]] if shown else [])


def _content(report: Report) -> dict[str, Any]:
    """Texts and records of the sections."""
    labels, results = report.labels, report.results
    comparison = report.comparison
    groupings = list(dict.fromkeys(block.by for figure in report.figures for block in figure.blocks))
    crossed = [by for by in groupings if ";" in by]
    return {
        "ledger": report.ledger,
        "tally": tally(report.ledger, labels.words),
        "rules": [(verdict_of(word, labels), labels.words[f"verdict_rule_{_RULES.get(word, word.replace(' ', '_'))}"]) for word in SYMBOLS],
        "health": report.health,
        "accounting": accounting(labels),
        "figures": report.figures,
        "labels_by": labels.by,
        "said": labels.said,
        "joined": lambda one, other: Text(*(", ".join(part.of(lang) for part in (one, other)) for lang in LANGUAGES)),
        "cut": lambda longest: partial(shortened, longest=longest),
        "described": partial(described, labels=labels),
        "worrying": lambda figure: _worrying(figure, report.health),
        "groupings": [(by, labels.exposures(by) if ";" not in by or len(crossed) > 1 else labels.words["by_crossed"]) for by in groupings],
        "engines": engines_of(comparison.rows),
        "explored": [(name, labels.model(name)) for name in dict.fromkeys(row["model"] for row in comparison.rows)],
        "checklist": checklist(comparison),
        "downloads": downloads(labels),
        "word_left_out": not can_write_word(),
        "settings": _settings(results, labels),
        "anchors": {name: f"model-{at + 1}" for at, name in enumerate(report.health.models)},
        "printed": any(not math.isnan(number(row, "published")) for row in comparison.rows),
        "bounds_first": bool(rows_of(results, "bounds")) and not comparison.rows,
    }  # fmt: skip


def _tables(report: Report) -> dict[str, Any]:
    """Tables as markup or as records that the templates write out."""
    labels, lang = report.labels, report.results.lang
    words = labels.words
    imprecise, poor, every = precision_rows(labels)
    return {
        "robustness_table": robustness_table(labels),
        "agreement_table": agreement_table(labels),
        "models_table": models_table(labels),
        "precision_table": imprecise,
        "precision_count": (str(poor), str(every)),
        "allowed": report.allowed,
        "bounds_table": report.allowed.table(),
        "figure_table": lambda block: on_page(report.tables[block.id], lang),
        "claim_table": lambda line: numbers_table(f"{line.anchor}-numbers", words["claim_numbers"], line.block, report.comparison),
        "numbers_table": partial(numbers_table, comparison=report.comparison),
        "moved_table": lambda line: moved_table(f"{line.anchor}-moved", line.moved, labels),
        "flips_table": lambda line: flips_table(f"{line.anchor}-flips", line.flips, labels),
        "checks_table": partial(checks_table, labels=labels),
        "reasons_table": partial(reasons_table, labels=labels),
    }  # fmt: skip


def _worrying(figure: Figure, found: Health) -> list[tuple[str, Text]]:
    """A figure's models that are not in order: how much so, and their titles."""
    models = [found.models[name] for name in figure.models]
    return [(model.level, model.title) for model in models if model.level in ("bad", "look")]


def _settings(results: Results, labels: Labels) -> list[tuple[Text, Text]]:
    """What the run was made of, in the order it was given."""
    every: dict[str, Any] = {"study": results.study, "data": results.data, **results.settings}
    return [
        (labels.words.get(f"setting_{key}") or plain(clean(key)), _written(value))
        for key, value in every.items()
        if value not in ((), [], "")
    ]


def _written(value: object) -> Text:
    if isinstance(value, float):
        return Text(Numbers("nl").plain(value), Numbers("en").plain(value))
    return plain(clean(", ".join(str(item) for item in value) if isinstance(value, (list, tuple)) else value))
