"""Results to one self-contained page: what the templates are given, what the page carries compressed, and what its script gets.

A page holds a chart library of 0.9 MB and some thousands of numbers with their sources; deflated they are a fifth of that (`packed`): the
library, the numbers of the charts, and what opens only on request. The browser's own DecompressionStream unpacks them (no network, no eval), so
the page stays one file. What stands in plain markup is what a reader sees first and what has to be there without JavaScript: the statements with
their verdicts and the tables of the figures.

The page's script is given the comparison by column, which rows stand in which chart, colours and words (`payload`), and holds no number of its
own. A chart row is an index into the columns, so a drawn number is the number of the csv.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from wwm_models.messages import LANGUAGES, catalogue
from wwm_models.report.allowed import Allowed, survival_table
from wwm_models.report.chart_files import library
from wwm_models.report.charts import AXES, colours_of, on
from wwm_models.report.figures import (
    Block,
    ComparisonRows,
    Figure,
    Row,
    SmallChart,
    answers_cell,
    comparison_of,
    figures,
    grouped,
)
from wwm_models.report.health import Health, accounting, checks_table, health, reasons_table
from wwm_models.report.ledger import SYMBOLS, Ledger, ledger, verdict_of
from wwm_models.report.numbers import Numbers, number, rows_of, text
from wwm_models.report.sections import (
    agreement_table,
    changes_table,
    checklist,
    described,
    downloads,
    flips_table,
    headline,
    models_table,
    moved_table,
    percent_of,
    precision_rows,
    robustness_table,
    tally,
)
from wwm_models.report.table_files import can_write_word
from wwm_models.report.tables import Table, engines_of, figure_table, numbers_table
from wwm_models.report.text import Labels, Text, clean, each, environment, joined, plain, shortened
from wwm_models.results.results import Results


class Parts:
    """Markup that the page's script puts in its place when the page opens."""

    def __init__(self) -> None:
        self._markup: list[str] = []

    def __call__(self, content: Markup) -> Markup:
        """An empty place for a piece of markup."""
        self._markup.append(str(content).strip())
        return Markup('<div data-part="{}"></div>').format(len(self._markup) - 1)

    @property
    def markup(self) -> list[str]:
        """The pieces, by the number of their place."""
        return self._markup


def packed(held: Any) -> str:
    """JSON, deflated, in base 64.

    Examples
    --------
    >>> unpacked(packed({"one": [1, 2]}))
    {'one': [1, 2]}

    References
    ----------
    Deutsch, P. (1996). DEFLATE compressed data format specification. RFC 1951.
    """
    written = json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    deflated = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    return base64.b64encode(deflated.compress(written.encode("utf-8")) + deflated.flush()).decode("ascii")


def unpacked(text: str) -> Any:
    """What was packed."""
    return json.loads(zlib.decompress(base64.b64decode(text), -zlib.MAX_WBITS))


COLUMNS: Final = (
    "n", "published", "published_lower", "published_upper", "raw", "raw_lower", "raw_upper", "adjusted_likelihood",
    "adjusted_likelihood_lower", "adjusted_likelihood_upper", "adjusted_bayes", "adjusted_bayes_lower", "adjusted_bayes_upper",
    "difference", "difference_se",
)  # fmt: skip
BOUNDS: Final = ("delta", "lower", "upper", "max_entropy", "published_lower", "published_upper")
WORDS: Final = (
    "raw", "adjusted", "published", "suppressed", "column_group", "column_answer", "column_n", "column_published", "column_raw",
    "column_likelihood", "column_bayes", "column_difference", "as_table", "as_chart", "cited", "cite",
    "limit_additive", "limit_points", "limit_none", "column_limit", "bounds", "column_entropy", "not_sampled", "only_sampled",
)  # fmt: skip


class Strings:
    """Texts by their place in a list, each once."""

    def __init__(self) -> None:
        self._places: dict[Text, int] = {}

    def __call__(self, text: Text) -> int:
        """The place of a text."""
        return self._places.setdefault(text, len(self._places))

    @property
    def listed(self) -> list[list[str]]:
        """Every text in every language."""
        return [list(text.said) for text in self._places]


def payload(comparison: ComparisonRows, blocks: Sequence[Block], allowed: Allowed, lang: str) -> dict[str, Any]:
    """What the page's script is given, as JSON can hold it.

    Parameters
    ----------
    comparison : ComparisonRows
    blocks : sequence of Block
        Of the figures, the headline and the claims.
    allowed : Allowed
        The bounds.
    lang : str
        The language the page opens in.
    """
    strings = Strings()
    drawn = {block.id: _block(block, strings) for block in blocks}
    explored = {
        model: {by: _explored(comparison, model, by, strings) for by in grouped(comparison.of_model(model), "by")}
        for model in grouped(comparison.rows, "model")
    }
    outcomes = {text(row, "outcome"): None for row in comparison.rows}
    words = comparison.labels.words
    return {
        "lang": lang,
        "languages": {name: [catalogue(name).decimal, catalogue(name).thousands] for name in LANGUAGES},
        "columns": {name: column_of(comparison.rows, name) for name in COLUMNS},
        "bounds": _bounds(allowed, strings),
        "blocks": drawn,
        "explored": explored,
        "answers": {outcome: _answers(outcome, comparison, strings) for outcome in outcomes},
        "axes": AXES,
        "words": {name: list(words[name].said) for name in WORDS},
        "strings": strings.listed,
    }


def column_of(rows: Sequence[Row], name: str) -> list[float | None] | None:
    """A column as numbers; None for an empty or endless cell, or for the whole column if it is empty."""
    values = [number(row, name) for row in rows]
    if not any(math.isfinite(value) for value in values):
        return None
    return [None if not math.isfinite(value) else (int(value) if value.is_integer() else value) for value in values]


def _bounds(allowed: Allowed, strings: Strings) -> dict[str, Any]:
    """Every curve as name and places in the columns, and for every place the row of the table."""
    rows = [row for curve in allowed.curves for row in curve.rows]
    place, curves = 0, {}
    for curve in allowed.curves:
        curves[curve.id] = [strings(curve.name), place, len(curve.rows)]
        place += len(curve.rows)
    columns = {name: column_of(rows, name) for name in BOUNDS}
    return {"first": allowed.telling, "curves": curves, "columns": columns, "rows": [row["_row"] for row in rows]}


def _block(block: Block, strings: Strings) -> dict[str, Any]:
    return {"kind": block.kind, "cells": [_cell(cell, strings) for cell in block.cells]}


def _cell(cell: SmallChart, strings: Strings) -> dict[str, Any]:
    return {
        "rows": [[-1 if entry.row is None else entry.row["_row"], strings(entry.label)] for entry in cell.entries],
        "bars": [[strings(label), [row["_row"] for row in rows]] for label, rows in cell.bars],
        "outcome": cell.outcome,
    }


def _explored(comparison: ComparisonRows, model: str, by: str, strings: Strings) -> dict[str, Any]:
    rows = comparison.shown(model, by)
    cell = answers_cell(rows, (), comparison.labels)
    return {"title": strings(comparison.labels.by(by)), "kind": "answers", "cells": [_cell(cell, strings)]}


def _answers(outcome: str, comparison: ComparisonRows, strings: Strings) -> Mapping[str, Any]:
    """Labels and colours of the single answers of an outcome."""
    labels = comparison.labels
    categories = [
        name
        for name in dict.fromkeys(text(row, "category") for row in comparison.rows if text(row, "outcome") == outcome)
        if not labels.is_collapse(outcome, name)
    ]
    colours = {kind: colours_of(len(categories), diverging=kind == "diverging") for kind in ("stacked", "diverging")}
    return {
        "labels": [strings(labels.category(outcome, name)) for name in categories],
        **{kind: [[colour, on(colour)] for colour in of] for kind, of in colours.items()},
    }


_RULES = {"cannot be tested": "cannot"}


@dataclass(frozen=True, eq=False)
class Report:
    """What page, figures and tables are made from, worked out once."""

    results: Results
    labels: Labels
    comparison: ComparisonRows
    figures: list[Figure]
    ledger: Ledger
    health: Health
    allowed: Allowed

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables of the figures, by block: the page and the files share them."""
        return {
            block.id: figure_table(figure, block, self.comparison) for figure in self.figures for block in figure.blocks
        }


def report_of(results: Results) -> Report:
    """The results of a run, ready to be shown."""
    labels = Labels(results)
    comparison = comparison_of(labels)
    return Report(results, labels, comparison, figures(comparison), ledger(comparison), health(labels), Allowed(labels))


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
    style = Markup("").join([*(asset(f"{name}.css") for name in ("colours", "page", "parts")), _one_language()])
    charts = library()()
    script = Markup("").join(asset(f"{name}.js") for name in ("open", "format", "charts", "tables", "view"))
    parts = Parts()
    shown = headline(report.figures, report.comparison)
    context = {
        "t": labels.words,
        "lang": results.lang,
        "languages": [(lang, catalogue(lang).name) for lang in LANGUAGES],
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


def _one_language() -> Markup:
    """The rule of style that shows what is said in the language of the page and nothing that is said in others only."""
    every = ", ".join(f".{lang}" for lang in LANGUAGES)
    hidden = (f'body[data-lang="{lang}"] :is({every}):not(.{lang})' for lang in LANGUAGES)
    return Markup("\n" + ", ".join(hidden) + " { display: none; }")


def _spoken(name: str, text: Text) -> Markup:
    """An attribute that holds a text in every language, for the page's script."""
    return Markup(' data-{}="{}"').format(name, json.dumps(list(text.said), ensure_ascii=False, separators=(",", ":")))


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
        "joined": lambda one, other: joined((one, other), plain(", ")),
        "spoken": _spoken,
        "cut": lambda longest: partial(shortened, longest=longest),
        "described": partial(described, labels=labels),
        "worrying": lambda figure: _worrying(figure, report.health),
        "groupings": [(by, labels.exposures(by) if ";" not in by or len(crossed) > 1 else labels.words["by_crossed"]) for by in groupings],
        "engines": engines_of(comparison.rows),
        "explored": [(name, labels.model(name)) for name in dict.fromkeys(row["model"] for row in comparison.rows)],
        "checklist": checklist(comparison),
        "held": labels.held_equal(),
        "not_controlled": labels.not_controlled,
        "downloads": downloads(labels),
        "word_left_out": not can_write_word(),
        "settings": _settings(results, labels),
        "anchors": {name: f"model-{at + 1}" for at, name in enumerate(report.health.models)},
        "printed": any(not math.isnan(number(row, "published")) for row in comparison.rows),
        "bounds_first": bool(rows_of(results, "bounds")) and not comparison.rows,
    }  # fmt: skip


def _tables(report: Report) -> dict[str, Any]:
    """Tables as markup or as records that the templates write out."""
    labels = report.labels
    words = labels.words
    imprecise, poor, every = precision_rows(labels)
    return {
        "changes_table": changes_table(labels),
        "robustness_table": robustness_table(labels),
        "agreement_table": agreement_table(labels),
        "models_table": models_table(labels),
        "precision_table": imprecise,
        "precision_count": (str(poor), str(every)),
        "allowed": report.allowed,
        "bounds_table": report.allowed.table(),
        "survival_table": survival_table(report.allowed),
        "figure_table": lambda block: report.tables[block.id],
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
        (labels.words.get(f"setting_{key}") or plain(clean(key)), _written(key, value, labels))
        for key, value in every.items()
        if value not in ((), [], "")
    ]


def _written(key: str, value: object, labels: Labels) -> Text:
    if isinstance(value, bool):
        return labels.words["yes" if value else "no"]
    if isinstance(value, float):
        return each(lambda lang: Numbers(lang).plain(value))
    if isinstance(value, (list, tuple)):
        return joined((labels.said(str(item)) for item in value), plain(", "))
    if key == "weight_kind":
        return labels.said("no weights" if value == "none" else f"{value} weights")
    return plain(clean(value))
