"""Whether the models can be relied upon, and where every row of the file went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wwm_models.report.dumbbell import Row
from wwm_models.report.labels import Labels, clean
from wwm_models.report.numbers import Numbers, Shown, exact, number, text
from wwm_models.report.sections import rows_of

# From best to worst; a status that is not named here is a failure, so that a new word never passes for health.
_LEVELS: Mapping[str, str] = {"ok": "ok", "info": "ok", "": "ok", "look": "look"}
_ORDER = ("ok", "none", "look", "bad")
_SYMBOLS: Mapping[str, str] = {"ok": "✓", "none": "?", "look": "!", "bad": "✕"}


@dataclass(frozen=True)
class Check:
    """One check of one fit."""

    estimand: str
    name: str
    value: Shown
    status: str
    level: str
    message: str


@dataclass(frozen=True)
class ModelHealth:
    """All checks of a model and the worst of them."""

    name: str
    title: str
    level: str
    word: str
    symbol: str
    checks: tuple[Check, ...]
    worrying: tuple[Check, ...]


@dataclass(frozen=True)
class Health:
    """All models and the badge of the page."""

    models: Mapping[str, ModelHealth]
    level: str
    symbol: str
    sentence: str


@dataclass(frozen=True)
class Accounting:
    """Rows of the file by reason, rows of every model by reason, and the size of the domain (nan if unknown)."""

    survey: tuple[tuple[str, Shown], ...]
    models: tuple[tuple[str, tuple[tuple[str, Shown], ...]], ...]
    domain: Shown | None
    total: Shown | None
    excluded: Shown | None


def health(labels: Labels, numbers: Numbers) -> Health:
    """The checks of a run."""
    rows = rows_of(labels.results, "diagnostics")
    names = dict.fromkeys([*labels.results.models, *(text(row, "model") for row in rows)])
    models = {
        name: _model(name, [row for row in rows if text(row, "model") == name], labels, numbers) for name in names
    }
    level = max((model.level for model in models.values()), key=_ORDER.index, default="none")
    count = sum(model.level == level for model in models.values())
    sentence = labels.words[f"health_{level}"].format(count=count, models=len(models))
    return Health(models, level, _SYMBOLS[level], sentence)


def _model(name: str, rows: Sequence[Row], labels: Labels, numbers: Numbers) -> ModelHealth:
    checks = tuple(_check(row, numbers) for row in rows)
    level = max((check.level for check in checks), key=_ORDER.index, default="none")
    worrying = tuple(check for check in checks if check.level != "ok")
    word = labels.words[f"level_{level}"]
    return ModelHealth(name, labels.model(name), level, word, _SYMBOLS[level], checks, worrying)


def _check(row: Row, numbers: Numbers) -> Check:
    value, status = number(row, "value"), text(row, "status")
    return Check(
        estimand=clean(text(row, "estimand")),
        name=clean(text(row, "check")),
        value=Shown(numbers.plain(value), exact(value)),
        status=clean(status),
        level=_LEVELS.get(status, "bad"),
        message=clean(text(row, "message")),
    )


def accounting(labels: Labels, numbers: Numbers) -> Accounting:
    """Rows in and out, by reason."""
    rows = rows_of(labels.results, "accounting")
    survey = [row for row in rows if not text(row, "model")]
    by_model: dict[str, list[Row]] = {}
    for row in rows:
        if text(row, "model"):
            by_model.setdefault(text(row, "model"), []).append(row)
    total, domain = _sizes(survey)
    known = not math.isnan(domain)
    return Accounting(
        survey=tuple(_reason(row, labels, numbers) for row in survey),
        models=tuple(
            (labels.model(name), tuple(_reason(row, labels, numbers) for row in of)) for name, of in by_model.items()
        ),
        domain=_count(domain, numbers) if known else None,
        total=_count(total, numbers) if known else None,
        excluded=_count(total - domain, numbers) if known else None,
    )


def _sizes(survey: Sequence[Row]) -> tuple[float, float]:
    """Rows in the file and in the domain; the latter as what the exclusions leave where it is not written down."""
    if not survey:
        return math.nan, math.nan
    total = number(survey[0], "rows")
    written = [number(row, "rows") for row in survey if text(row, "reason") == "rows in the domain"]
    return total, written[0] if written else total - sum(number(row, "rows") for row in survey[1:])


def _reason(row: Row, labels: Labels, numbers: Numbers) -> tuple[str, Shown]:
    reason = text(row, "reason")
    translated = labels.words.get(reason.replace(" ", "_")) if reason.startswith("rows ") else None
    return translated or clean(reason), _count(number(row, "rows"), numbers)


def _count(count: float, numbers: Numbers) -> Shown:
    return Shown(numbers.count(count), exact(count))
