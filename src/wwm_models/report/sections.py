"""The page's sections: what lies under a claim and beside the comparison, the page in sentences, and methods.

Under a claim and beside the comparison: why numbers moved, what would flip a claim, other variants (`moved_table` to `precision_rows`). In
sentences: the count of verdicts, what stands first, and every chart in words (`headline`, `described`). What was done, as a reader who wants to
repeat it needs it: models, a checklist, files (`models_table` to `downloads`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from wwm_models.estimates.causal_diagram import ESTIMANDS
from wwm_models.messages import LANGUAGES
from wwm_models.report.figures import Block, ComparisonRows, Figure, Row, answers_cell, grouped
from wwm_models.report.ledger import Ledger
from wwm_models.report.numbers import Numbers, Value, cell, number, rows_of, text
from wwm_models.report.tables import Column, Interval, Line, Table, WithError
from wwm_models.report.text import Labels, Text, Words, clean, each, framed, in_spans, joined, plain, shortened

VARIANTS = ("declared", "nonproportional", "multinomial", "unweighted", "bayes", "exposure_only", "other_exposures")
WHOLE = "difference"  # the part that is the sum of the others
MOST = 25  # lines of a table that is sorted by size; the whole of it is in the csv


def moved_table(name: str, rows: Sequence[Row], labels: Labels) -> Table:
    """Adjusted minus raw, taken apart: one line per number, one column per part, the whole in the last."""
    words = labels.words
    parts = sorted(dict.fromkeys(text(row, "part") for row in rows), key=lambda part: part == WHOLE)
    numbers: dict[tuple[str, ...], dict[str, Row]] = {}  # by what they are of: two groups may have one label
    for row in rows:
        place = tuple(text(row, name) for name in ("outcome", "category", "group"))
        numbers.setdefault(place, {})[text(row, "part")] = row
    lines = tuple(
        Line(number_name(next(iter(found.values())), labels), tuple(_part(found.get(part)) for part in parts))
        for found in numbers.values()
    )
    columns = tuple(Column(_part_name(part, labels), words["moved_span"] if part != WHOLE else None) for part in parts)
    return Table(name, words["moved"], words["column_number"], columns, ((None, lines),))


def _part(row: Row | None) -> object:
    if row is None:
        return plain("–")
    return WithError(cell(row, "percentage_points", "shift"), cell(row, "std_error", "tenth"))


def _part_name(part: str, labels: Labels) -> Text:
    known = labels.words.get(f"part_{part.replace(' ', '_')}")
    return known or (labels.variable(part) if part in labels.results.variables else plain(clean(part)))


def flips_table(name: str, rows: Sequence[Row], labels: Labels) -> Table:
    """Per axis the smallest change that moves a claim across its boundary, and what that change is."""
    words = labels.words
    lines = tuple(
        Line(
            labels.said(text(row, "axis")),
            (
                labels.said(text(row, "status")), cell(row, "change", "plain"),
                labels.said(text(row, "unit")) if math.isfinite(number(row, "change")) else plain(""), labels.said(text(row, "detail")),
            ),
        )
        for row in rows
    )  # fmt: skip
    columns = (
        Column(words["column_outcome_of_push"], wide=True), Column(words["column_change"]), Column(words["column_unit"], wide=True),
        Column(words["column_meaning"], wide=True),
    )  # fmt: skip
    return Table(name, words["flips"], words["column_axis"], columns, ((None, lines),))


def number_name(row: Row, labels: Labels) -> Text:
    """Question, answer and group of a row, in words."""
    parts = (
        labels.variable(text(row, "outcome")), labels.category(text(row, "outcome"), text(row, "category")),
        labels.group(text(row, "group")),
    )  # fmt: skip
    return framed("{}: {} · {}", *map(_short, parts))


def robustness_table(labels: Labels) -> Table | None:
    """Every number under all variants side by side, the largest disagreement first."""
    rows = rows_of(labels.results, "robustness")
    if not rows:
        return None
    words = labels.words
    variants = [name for name in VARIANTS if any(not math.isnan(number(row, name)) for row in rows)]
    numbers: dict[tuple[str, ...], Row] = {}
    for row in sorted(rows, key=lambda row: -_known(number(row, "largest_gap_points"))):
        numbers.setdefault(tuple(text(row, name) for name in ("outcome", "category", "group")), row)
    order = list(numbers.values())[:MOST]
    lines = tuple(
        Line(
            framed("{} · {}", number_name(row, labels), labels.estimand(text(row, "estimand"), [text(row, "model")], text(row, "by"))),
            (
                *(cell(row, name, "percent") for name in variants), cell(row, "largest_gap_points", "tenth"),
                words.get(f"variant_{text(row, 'against')}") or labels.said(text(row, "against")),
            ),
        )
        for row in order
    )  # fmt: skip
    span = words["robustness_span"]
    columns = (
        *(Column(words[f"variant_{name}"], span) for name in variants), Column(words["column_gap"]), Column(words["column_against"], wide=True),
    )  # fmt: skip
    caption = words.fill("robustness_caption", shown=str(len(lines)), all=str(len(numbers)))
    return Table("robustness-table", caption, words["column_number"], columns, ((None, lines),))


def agreement_table(labels: Labels) -> Table | None:
    """Both engines beside each other, the largest gap in standard deviations first."""
    rows = rows_of(labels.results, "agreement")
    if not rows:
        return None
    words = labels.words
    order = sorted(rows, key=lambda row: -abs(_known(number(row, "gap_sds"))))[:MOST]
    lines = tuple(
        Line(
            number_name(row, labels),
            (
                cell(row, "likelihood", "percent"), cell(row, "bayes", "percent"), cell(row, "gap_points", "shift"),
                cell(row, "gap_sds", "tenth"), labels.said(text(row, "status")), labels.said(text(row, "cause") or "–"),
            ),
        )
        for row in order
    )  # fmt: skip
    names = ("likelihood_engine", "bayes_engine", "gap_points", "gap_sds", "status", "cause")
    columns = tuple(Column(words[f"column_{name}"], wide=name in ("status", "cause")) for name in names)
    differ = sum(text(row, "status") == "differ" for row in rows)
    limits = {f"limit_{unit}": _plain(number(rows[0], f"limit_{unit}")) for unit in ("points", "sds")}
    caption = words.fill("agreement_caption", shown=str(len(lines)), all=str(len(rows)), differ=str(differ), **limits)
    return Table("agreement-table", caption, words["column_number"], columns, ((None, lines),))


def changes_table(labels: Labels) -> Table | None:
    """From one outcome to another, group by group: a heading per figure and its two answers."""
    rows = rows_of(labels.results, "changes")
    if not rows:
        return None
    words = labels.words
    engines = [
        name for name in ("likelihood", "bayes") if any(not math.isnan(number(row, f"adjusted_{name}")) for row in rows)
    ]
    groups: dict[Text, list[Line]] = {}
    for row in rows:
        sides = [
            framed(
                "{}: {}",
                labels.variable(text(row, name)),
                labels.category(text(row, name), text(row, f"{name}_category")),
            )
            for name in ("before", "after")
        ]
        cells = [_with_limits(row, name) for name in ("raw", *(f"adjusted_{engine}" for engine in engines))]
        line = Line(labels.group(text(row, "group")), (cell(row, "n", "count"), *cells))
        groups.setdefault(framed("{} → {}", *sides), []).append(line)
    columns = tuple(
        Column(words[f"column_{name}"]) for name in ("n", "change_raw", *(f"change_{engine}" for engine in engines))
    )
    caption = words.fill("changes_caption", level=percent_of(number(rows[0], "level")))
    made = tuple((heading, tuple(lines)) for heading, lines in groups.items())
    return Table("changes-table", caption, words["column_group"], columns, made)


def _with_limits(row: Row, name: str) -> Interval:
    return Interval(*(cell(row, f"{name}{end}", "points") for end in ("", "_lower", "_upper")))


def precision_rows(labels: Labels) -> tuple[Table | None, int, int]:
    """The raw percentages that are not precise enough to present, how many they are, and of how many."""
    rows = rows_of(labels.results, "precision")
    poor = [row for row in rows if text(row, "status") != "present"]
    if not poor:
        return None, 0, len(rows)
    words = labels.words
    groups: dict[Text, list[Line]] = {}
    for row in poor:
        answer = labels.category(text(row, "outcome"), text(row, "category"))
        name = framed("{} · {}", answer, labels.group(text(row, "group")))
        cells = (
            labels.said(text(row, "status")), cell(row, "n", "count"), cell(row, "n_effective", "count"), cell(row, "width", "percent"),
            labels.said(text(row, "reason")),
        )  # fmt: skip
        groups.setdefault(labels.variable(text(row, "outcome")), []).append(Line(name, cells))
    columns = (
        Column(words["column_status"], wide=True), Column(words["column_n"]), Column(words["column_n_effective"]), Column(words["column_width"]),
        Column(words["column_message"], wide=True),
    )  # fmt: skip
    made = tuple((heading, tuple(lines)) for heading, lines in groups.items())
    return Table("precision-table", words["precision"], words["column_number"], columns, made), len(poor), len(rows)


def _plain(value: float) -> Text:
    return each(lambda lang: Numbers(lang).plain(value))


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def tally(ledger: Ledger, words: Words) -> Markup:
    """One sentence that counts the verdicts; empty when there are no claims."""
    if not ledger.lines:
        return Markup("")
    written: list[Markup] = []
    for lang in LANGUAGES:
        parts: list[Markup] = []
        for verdict, count in ledger.tally:
            key = f"tally_{verdict.word.replace(' ', '_')}" + ("_one" if count == 1 else "")
            phrase = words.get(key) or words["tally_other"]
            bold = Markup('<b class="{}" data-tally="{}">{}</b>').format(verdict.style, verdict.word, count)
            parts.append(Markup(phrase.of(lang)).format(n=bold, word=verdict.label.of(lang)))
        listed = (
            Markup(", ").join(parts[:-1]) + Markup(f" {words['crossed'].of(lang)} ") + parts[-1]
            if len(parts) > 1
            else parts[0]
        )
        total = len(ledger.lines) - ledger.repeated
        opening = Markup(words["tally_opening" if total > 1 else "tally_opening_one"].of(lang)).format(total=total)
        verb, repeated = Markup(": "), Markup("")
        if ledger.repeated:
            key = "tally_repeated" + ("_one" if ledger.repeated == 1 else "")
            repeated = Markup(" ") + Markup(words[key].of(lang)).format(count=ledger.repeated)
        written.append(opening + verb + listed + Markup(".") + repeated)
    return in_spans(written)


def headline(figures: Sequence[Figure], comparison: ComparisonRows) -> tuple[Figure, Block] | None:
    """What the first screen shows: of the first figure two telling answers of its first model, by its own grouping.

    Answers reported together come before single ones, and the highest before the lowest; everyone together comes last.
    """
    for figure in figures:
        own = next((block for block in figure.blocks if block.by == figure.own), figure.blocks[0])
        rows = comparison.shown(figure.models[0], own.by)
        if rows:
            outcome = text(rows[0], "outcome")
            names = list(grouped(rows, "category"))
            order = sorted(
                names, key=lambda name: (not comparison.labels.is_collapse(outcome, name), -names.index(name))
            )
            everyone = comparison.shown(figure.models[0], "") if own.by else []
            kept = [row for name in order[:2] for row in (*rows, *everyone) if text(row, "category") == name]
            return figure, Block(
                "headline", "answers", own.by, own.estimand, (answers_cell(kept, (), comparison.labels),)
            )
    return None


def described(block: Block, labels: Labels) -> Markup:
    """A chart in words, with its numbers: where adjusted runs from and to, and where adjustment moved most."""
    rows = [row for row in block.rows if not math.isnan(_adjusted(row).value)]
    if not rows:
        return Markup(labels.words["chart_empty"].__html__())
    low, high = min(rows, key=lambda row: _adjusted(row).value), max(rows, key=lambda row: _adjusted(row).value)
    parts = {
        "low": _adjusted(low),
        "low_at": _named(low, labels),
        "high": _adjusted(high),
        "high_at": _named(high, labels),
    }
    moved = [row for row in rows if not math.isnan(number(row, "difference"))]
    sentence = "chart_summary_one" if len(rows) == 1 else "chart_summary_range"
    if not moved:
        return labels.words.marked(sentence, **parts)
    most = max(moved, key=lambda row: abs(number(row, "difference")))
    shift = {"shift": cell(most, "difference", "points"), "shift_at": _named(most, labels)}
    return labels.words.marked("chart_summary_one_moved" if len(rows) == 1 else "chart_summary", **parts, **shift)


def _adjusted(row: Row) -> Value:
    value = cell(row, "adjusted_likelihood", "percent")
    return cell(row, "adjusted_bayes", "percent") if math.isnan(value.value) else value


def _named(row: Row, labels: Labels) -> Text:
    parts = labels.category(text(row, "outcome"), text(row, "category")), labels.group(text(row, "group"))
    return labels.words.fill("answer_in_group", answer=_short(parts[0]), group=_short(parts[1]))


def _short(label: Text) -> Text:
    """The beginning of a label that is too long for a sentence: whatever stands after it is still read."""
    return each(lambda lang: shortened(label.of(lang)))


DOWNLOADS = (
    "comparison", "claims", "changes", "raw", "adjusted", "contrasts", "coefficients", "diagnostics", "accounting", "decomposition",
    "fragility", "agreement", "robustness", "families", "estimands", "precision", "bounds",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A line of the checklist: what a reader asks, what was done, and where it stands."""

    asked: Text
    answer: Text
    anchor: str


def models_table(labels: Labels) -> Table | None:
    """Formula, family, link and weights of every model."""
    facts: Mapping[str, Mapping[str, Any]] = labels.results.declared.get("models", {})
    if not facts:
        return None
    words = labels.words
    lines = tuple(
        Line(
            labels.model(name),
            (
                plain(clean(of.get("formula", ""))), plain(clean(f"{of.get('family', '')} ({of.get('link', '')})")),
                words["yes"] if of.get("primary") else words["no"], _listed(_estimands_of(name, of, labels)),
            ),
        )
        for name, of in facts.items()
    )  # fmt: skip
    names = ("formula", "family", "primary", "estimands")
    columns = tuple(Column(words[f"column_{name}"], wide=name != "primary") for name in names)
    return Table("models-table", words["models"], words["column_model"], columns, ((None, lines),))


def _estimands_of(name: str, of: Mapping[str, Any], labels: Labels) -> list[Text]:
    """The estimands of a model in words; of those that follow from a diagram with all that is held equal."""
    declared = of.get("estimands", ())
    by_diagram = labels.held_equal(of.get("exposures", ())) if set(declared) <= set(ESTIMANDS) else []
    return by_diagram or [labels.estimand(one, [name]) for one in declared]


def _listed(texts: Sequence[Text]) -> Text:
    return joined(texts, plain("; "))


def checklist(comparison: ComparisonRows) -> list[Item]:
    """What a reader of a survey analysis asks (STROBE 2007 items 6-17, AAPOR 2021 disclosure), with what this run did."""
    labels = comparison.labels
    words, settings = labels.words, labels.results.settings
    facts: Mapping[str, Mapping[str, Any]] = labels.results.declared.get("models", {})
    weighted = any(of.get("weights") == "survey" for of in facts.values())
    kind = str(settings.get("weight_kind", ""))
    engines = ", ".join(settings.get("engines", ())) or "likelihood"
    level = percent_of(settings.get("level", 0.95))
    estimands = list(dict.fromkeys(text(row, "estimand") for row in comparison.rows))
    named = _listed(labels.held_equal() or [labels.estimand(one) for one in estimands])
    have = {
        name: bool(rows_of(labels.results, name))
        for name in ("diagnostics", "robustness", "decomposition", "fragility", "agreement")
    }
    tried = have["robustness"] or have["fragility"]
    return [
        Item(words["check_population"], words["check_population_done"], "accounting"),
        Item(words["check_weights"], words["weights_" + ("survey" if weighted and kind != "none" else "none")] if facts else words["not_recorded"], "methods"),
        Item(words["check_missing"], words["check_missing_done"], "accounting"),
        Item(words["check_model"], words.fill("check_model_done", engines=clean(engines)), "models" if facts else "methods"),
        Item(words["check_estimand"], named, "methods"),
        Item(words["check_uncertainty"], words.fill("check_uncertainty_done", level=level), "methods"),
        Item(words["check_assumptions"], words["check_assumptions_done" if have["diagnostics"] else "not_recorded"], "health"),
        Item(words["check_sensitivity"], words["check_sensitivity_done" if tried else "not_in_this_run"], "robustness" if have["robustness"] else "methods"),
        Item(words["check_disclosure"], words["check_disclosure_done"], "methods"),
        Item(words["check_repeat"], words.fill("check_repeat_done", seed=str(settings.get("seed", "–"))), "provenance"),
    ]  # fmt: skip


def percent_of(level: Any) -> Text:
    """A level such as 0.95 as a percentage.

    Examples
    --------
    >>> percent_of(0.95).of("en"), percent_of(0.999).of("nl")
    ('95', '99,9')
    """
    percent = round(100 * float(level), 6)
    digits = 0 if percent.is_integer() else 1
    return each(lambda lang: Numbers(lang).decimal(percent, digits))


def downloads(labels: Labels) -> list[tuple[str, Text]]:
    """Files beside the page, with what they hold."""
    known = [name for name in DOWNLOADS if name in labels.results.tables]
    return [(f"{name}.csv", labels.words[f"file_{name}"]) for name in known] + [
        ("manifest.json", labels.words["file_manifest"])
    ]
