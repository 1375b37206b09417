"""Whether the models can be relied upon, and where every row of the file went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wwm_models.report.figures import Row, grouped
from wwm_models.report.labels import Labels
from wwm_models.report.numbers import Value, cell, number, rows_of, text
from wwm_models.report.tables.record import Column, Line, Table
from wwm_models.report.texts import Text

# From best to worst; a status that is not named here is a failure, so that a new word never passes for health.
_LEVELS: Mapping[str, str] = {"ok": "ok", "info": "ok", "": "ok", "look": "look"}
_ORDER = ("ok", "none", "look", "bad")
_SYMBOLS: Mapping[str, str] = {"ok": "✓", "none": "?", "look": "!", "bad": "✕"}


@dataclass(frozen=True)
class Check:
    """One check of one fit."""

    estimand: Text
    name: Text
    value: Value
    status: Text
    level: str
    message: Text


@dataclass(frozen=True)
class ModelHealth:
    """All checks of a model and the worst of them."""

    name: str
    title: Text
    level: str
    word: Text
    symbol: str
    checks: tuple[Check, ...]
    worrying: tuple[Check, ...]


@dataclass(frozen=True)
class Health:
    """All models and the badge of the page."""

    models: Mapping[str, ModelHealth]
    level: str
    symbol: str
    sentence: Text


@dataclass(frozen=True)
class Accounting:
    """Rows of the file by reason, rows of every model by reason, and the size of the domain (nan if unknown)."""

    survey: tuple[tuple[Text, Value], ...]
    models: tuple[tuple[Text, tuple[tuple[Text, Value], ...]], ...]
    domain: Value | None
    total: Value | None
    excluded: Value | None


def health(labels: Labels) -> Health:
    """The checks of a run."""
    rows = grouped(rows_of(labels.results, "diagnostics"), "model")
    names = dict.fromkeys([*labels.results.models, *rows])
    models = {name: _model(name, rows.get(name, []), labels) for name in names}
    level = max((model.level for model in models.values()), key=_ORDER.index, default="none")
    count = sum(model.level == level for model in models.values())
    sentence = labels.words.fill(f"health_{level}", count=str(count), models=str(len(models)))
    return Health(models, level, _SYMBOLS[level], sentence)


def _model(name: str, rows: Sequence[Row], labels: Labels) -> ModelHealth:
    checks = tuple(_check(row, labels) for row in rows)
    level = max((check.level for check in checks), key=_ORDER.index, default="none")
    worrying = tuple(check for check in checks if check.level != "ok")
    word = labels.words[f"level_{level}"]
    return ModelHealth(name, labels.model(name), level, word, _SYMBOLS[level], checks, worrying)


def _check(row: Row, labels: Labels) -> Check:
    status = text(row, "status")
    return Check(
        estimand=labels.said(text(row, "estimand")),
        name=labels.said(text(row, "check")),
        value=cell(row, "value", "plain"),
        status=labels.said(status),
        level=_LEVELS.get(status, "bad"),
        message=labels.said(text(row, "message")),
    )


def checks_table(model: ModelHealth, anchor: str, labels: Labels) -> Table:
    """All checks of a model, one group per fit."""
    words = labels.words
    columns = (
        Column(words["column_value"]),
        Column(words["column_status"], wide=True),
        Column(words["column_message"], wide=True),
    )
    groups: dict[Text, list[Line]] = {}
    for check in model.checks:
        groups.setdefault(check.estimand, []).append(Line(check.name, (check.value, check.status, check.message)))
    headed = tuple((name, tuple(lines)) for name, lines in groups.items())
    return Table(f"checks-{anchor}", model.title, words["column_check"], columns, headed)


def accounting(labels: Labels) -> Accounting:
    """Rows in and out, by reason."""
    rows = grouped(rows_of(labels.results, "accounting"), "model")
    survey = rows.pop("", [])
    total = cell(survey[0], "rows", "count") if survey else None
    domain = next((cell(row, "rows", "count") for row in survey if text(row, "reason") == "rows in the domain"), None)
    if domain is None and survey:
        domain = Value(number(survey[0], "rows") - sum(number(row, "rows") for row in survey[1:]), "count")
    excluded = None if total is None or domain is None else Value(total.value - domain.value, "count")
    return Accounting(
        survey=tuple(_reason(row, labels) for row in survey),
        models=tuple((labels.model(name), tuple(_reason(row, labels) for row in of)) for name, of in rows.items()),
        domain=domain,
        total=total,
        excluded=excluded,
    )


def _reason(row: Row, labels: Labels) -> tuple[Text, Value]:
    return labels.said(text(row, "reason")), cell(row, "rows", "count")


def reasons_table(name: str, caption: Text, rows: Sequence[tuple[Text, Value]], labels: Labels) -> Table:
    """Rows by reason."""
    lines = tuple(Line(reason, (count,)) for reason, count in rows)
    return Table(
        name, caption, labels.words["column_reason_rows"], (Column(labels.words["column_rows"]),), ((None, lines),)
    )
