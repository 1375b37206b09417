"""Whether the models can be relied upon, and where every row of the file went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wwm_models.claims.fragility import RELAXED
from wwm_models.likelihood.variants import FORMS
from wwm_models.numerics.intervals import critical_values
from wwm_models.report.figures import Row, grouped
from wwm_models.report.ledger import references
from wwm_models.report.numbers import Numbers, Value, cell, number, rows_of, text
from wwm_models.report.sections import number_name
from wwm_models.report.tables import Column, Line, Table
from wwm_models.report.text import Labels, Text, each, framed

# From best to worst; a status that is not named here is a failure, so that a new word never passes for health.
_LEVELS: Mapping[str, str] = {"ok": "ok", "info": "ok", "": "ok", "look": "look"}
_ORDER = ("ok", "none", "look", "bad")
# Checks that no reported number hangs on by themselves: they stay in the evidence, and what they would move is looked up in robustness.csv.
# What says that the numbers were not reached (gradient, condition, second opinion, chains) does ring.
_EVIDENCE = (
    "proportional_odds_points", "design_effect_of_weights", "imputed_", "predictive_p", "prior_sensitivity", "loo_", "together_p",
    "warning", "design_df",
)  # fmt: skip
_SETTLED = ("holds", "reverses")
TOLERANCE = 2.0  # percentage points, where a study declares none
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
    moved = grouped(rows_of(labels.results, "robustness"), "model")
    spoken, limits, flips = _spoken_of(labels), _limits(labels), _flips(labels)
    models = {
        name: _model(
            name,
            rows.get(name, []),
            (_moved(name, moved.get(name, []), spoken, limits, labels), *flips.get(name, ())),
            labels,
        )
        for name in names
    }
    level = max((model.level for model in models.values()), key=_ORDER.index, default="none")
    count = sum(model.level == level for model in models.values())
    sentence = labels.words.fill(f"health_{level}", count=str(count), models=str(len(models)))
    return Health(models, level, _SYMBOLS[level], sentence)


def _spoken_of(labels: Labels) -> set[tuple[str, str, frozenset[str]]]:
    """Numbers that the article prints or makes a claim about; none where it speaks of none."""
    found = {
        (str(at["outcome"]), str(at["category"]), frozenset(f"{name}={level}" for name, level in at["group"].items()))
        for claim in labels.results.declared.get("claims", ())
        for at in references(claim)
    }
    printed = (row for row in rows_of(labels.results, "comparison") if not math.isnan(number(row, "published")))
    return found | {_place(row) for row in printed}


def _limits(labels: Labels) -> Mapping[tuple[str, ...], tuple[float, float]]:
    """The interval that stands beside every adjusted number."""
    rows = rows_of(labels.results, "comparison")
    return {
        _key(row): (number(row, "adjusted_likelihood_lower"), number(row, "adjusted_likelihood_upper")) for row in rows
    }


def _key(row: Row) -> tuple[str, ...]:
    return tuple(text(row, name) for name in ("model", "estimand", "outcome", "category", "group"))


def _place(row: Row) -> tuple[str, str, frozenset[str]]:
    return text(row, "outcome"), text(row, "category"), frozenset(text(row, "group").split(";")) - {""}


def _flips(labels: Labels) -> Mapping[str, list[Check]]:
    """The claims whose verdict another form of the model takes away, by the models that judge them: their estimates lie elsewhere under it.

    An undecided claim has no verdict to lose.
    """
    settled = {
        text(row, "id"): labels.words[f"verdict_{text(row, 'likelihood_verdict')}"]
        for row in rows_of(labels.results, "claims")
        if text(row, "likelihood_verdict") in _SETTLED
    }
    flipped = {
        text(row, "id"): row
        for row in rows_of(labels.results, "fragility")
        if text(row, "axis") == RELAXED and text(row, "status") == "flips" and text(row, "id") in settled
    }
    judges = {
        facts["outcome"]: name
        for name, facts in labels.results.declared.get("models", {}).items()
        if facts.get("primary")
    }
    found: dict[str, list[Check]] = {}
    for claim in labels.results.declared.get("claims", ()):
        row = flipped.get(str(claim.get("id")))
        if row is None:
            continue
        outcomes = {str(at["outcome"]) for at in references(claim)}
        for name in {judges[outcome] for outcome in outcomes if outcome in judges}:
            found.setdefault(name, []).append(_flip(row, settled[text(row, "id")], labels))
    return found


def _flip(row: Row, verdict: Text, labels: Labels) -> Check:
    words = labels.words
    form = "multinomial" if text(row, "detail") == "multinomial" else "nonproportional"
    message = words.fill("health_flip", claim=text(row, "id"), verdict=verdict, variant=words[f"variant_{form}"])
    return Check(
        labels.said("total"), words["health_form"], Value(math.nan, "plain"), labels.said("look"), "look", message
    )


def _moved(
    name: str,
    rows: Sequence[Row],
    spoken: set[tuple[str, str, frozenset[str]]],
    limits: Mapping[tuple[str, ...], tuple[float, float]],
    labels: Labels,
) -> Check | None:
    """The reported number that another form of the model moves most beyond what the study tolerates, allowing for the error of the move.

    Reported are the numbers that the article speaks of, and all of them where it speaks of none. A move counts where its interval, at the
    level of the run and for all moves of the model together (Bonferroni), lies beyond the tolerance. Of the largest of many noisy moves
    nothing else can be said; every move stands in robustness.csv. Where the error of a move is not known, it counts if it leads out
    of the interval that is printed beside the number.
    """
    tolerance = float(labels.results.declared.get("models", {}).get(name, {}).get("tolerance", TOLERANCE))
    level = float(labels.results.settings.get("level", 0.95))
    moves = [
        (at, other)
        for at, row in enumerate(rows)
        for other in FORMS
        if (not spoken or _place(row) in spoken) and not math.isnan(number(row, other))
    ]
    reached = [
        (_least(rows[at], other, 1.0 - (1.0 - level) / len(moves), limits.get(_key(rows[at]))), at, other)
        for at, other in moves
    ]
    least, at, other = max(reached, default=(0.0, 0, ""))
    if least <= tolerance:
        return None
    row, words = rows[at], labels.words
    points = 100.0 * abs(number(row, other) - number(row, "declared"))
    message = words.fill(
        "health_moved", number=number_name(row, labels), variant=words[f"variant_{other}"],
        points=each(lambda lang: Numbers(lang).decimal(points, 1)), least=each(lambda lang: Numbers(lang).decimal(least, 1)),
        tolerance=each(lambda lang: Numbers(lang).plain(tolerance)),
    )  # fmt: skip
    label = labels.estimand(text(row, "estimand"), [text(row, "model")], text(row, "by"))
    return Check(label, words["health_form"], cell(row, other, "percent"), labels.said("look"), "look", message)


def _least(row: Row, other: str, level: float, limits: tuple[float, float] | None) -> float:
    """Percentage points that a number moves at least, at a level; 0 where that is not known and the number stays within its interval."""
    points = 100.0 * abs(number(row, other) - number(row, "declared"))
    error = number(row, f"{other}_se")
    if math.isnan(error):
        return points if _outside(number(row, other), limits) else 0.0
    critical = float(critical_values(level, np.array([number(row, "df")]))[0])
    return points - 100.0 * error * critical if critical == critical else 0.0


def _outside(value: float, interval: tuple[float, float] | None) -> bool:
    """Whether a number is known and not within an interval; where there is no interval, whether it is known."""
    lower, upper = interval or (math.nan, math.nan)
    return not math.isnan(value) and not lower <= value <= upper


def _model(name: str, rows: Sequence[Row], moved: Sequence[Check | None], labels: Labels) -> ModelHealth:
    checks = (*(_check(row, labels) for row in rows), *(one for one in moved if one is not None))
    level = max((check.level for check in checks), key=_ORDER.index, default="none")
    worrying = tuple(check for check in checks if check.level != "ok")
    word = labels.words[f"level_{level}"]
    return ModelHealth(name, labels.model(name), level, word, _SYMBOLS[level], checks, worrying)


def _check(row: Row, labels: Labels) -> Check:
    status = text(row, "status")
    return Check(
        estimand=labels.said(text(row, "estimand")),
        name=_name(text(row, "check"), labels),
        value=cell(row, "value", "plain"),
        status=labels.said(status),
        level="ok" if status == "look" and text(row, "check").startswith(_EVIDENCE) else _LEVELS.get(status, "bad"),
        message=labels.said(text(row, "message")),
    )


def _name(check: str, labels: Labels) -> Text:
    """The name of a check, such as "rhat" or "predictive_p:age_group"."""
    name, _, variable = check.replace("imputed_", "imputed:", 1).partition(":")
    return framed("{}, {}", labels.said(name), labels.variable(variable)) if variable else labels.said(name)


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
