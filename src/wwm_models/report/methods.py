"""What was done, as a reader who wants to repeat it needs it: models, a checklist, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wwm_models.report.figures import Comparison
from wwm_models.report.labels import Labels, clean
from wwm_models.report.numbers import Numbers, rows_of, text
from wwm_models.report.tables.record import Column, Line, Table
from wwm_models.report.texts import LANGUAGES, Text, plain

DOWNLOADS = (
    "comparison", "claims", "raw", "adjusted", "contrasts", "coefficients", "diagnostics", "accounting", "decomposition",
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
                words["yes"] if of.get("primary") else words["no"], _listed([labels.estimand(one) for one in of.get("estimands", ())]),
            ),
        )
        for name, of in facts.items()
    )  # fmt: skip
    names = ("formula", "family", "primary", "estimands")
    columns = tuple(Column(words[f"column_{name}"], wide=name != "primary") for name in names)
    return Table("models-table", words["models"], words["column_model"], columns, ((None, lines),))


def _listed(texts: Sequence[Text]) -> Text:
    return Text(*("; ".join(one.of(lang) for one in texts) for lang in LANGUAGES))


def checklist(comparison: Comparison) -> list[Item]:
    """What a reader of a survey analysis asks (STROBE 2007 items 6-17, AAPOR 2021 disclosure), with what this run did."""
    labels = comparison.labels
    words, settings = labels.words, labels.results.settings
    facts: Mapping[str, Mapping[str, Any]] = labels.results.declared.get("models", {})
    weighted = any(of.get("weights") == "survey" for of in facts.values())
    kind = str(settings.get("weight_kind", ""))
    engines = ", ".join(settings.get("engines", ())) or "likelihood"
    level = percent_of(settings.get("level", 0.95))
    estimands = list(dict.fromkeys(text(row, "estimand") for row in comparison.rows))
    named = _listed([labels.estimand(one) for one in estimands])
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
    >>> percent_of(0.95).en, percent_of(0.999).nl
    ('95', '99,9')
    """
    percent = round(100 * float(level), 6)
    digits = 0 if percent.is_integer() else 1
    return Text(Numbers("nl").decimal(percent, digits), Numbers("en").decimal(percent, digits))


def downloads(labels: Labels) -> list[tuple[str, Text]]:
    """Files beside the page, with what they hold."""
    known = [name for name in DOWNLOADS if name in labels.results.tables]
    return [(f"{name}.csv", labels.words[f"file_{name}"]) for name in known] + [
        ("manifest.json", labels.words["file_manifest"])
    ]
