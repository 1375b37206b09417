"""The GROUP BY: one row per way of answering, with respondents, weights and squared weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError
from wwm_models.survey.inplace.compiled import UNKNOWN, Compiled, chosen
from wwm_models.survey.inplace.conditions import truth_expression
from wwm_models.survey.inplace.looked import Table, asked
from wwm_models.survey.raw import several
from wwm_models.survey.readers.columnar import arrow_columns
from wwm_models.survey.recoded import Recoded
from wwm_models.survey.weighting import units_of_column

MOST_GROUPS: Final = 5_000_000  # ways of answering; with a continuous predictor nearly every respondent has his own
_LEFT: Final = -(2**40)  # key of rows outside the domain, whose answers do not matter
_OUTSIDE: Final = "outside the domain"


@dataclass(frozen=True, eq=False)
class Groups:
    """What the engine gives back, one entry per group.

    Attributes
    ----------
    way : (g,) int array
        0 in the domain, else the number of the way out of it.
    rows, weight, squares, largest : (g,) arrays
        Respondents; sum, sum of squares and largest of their weights.
    done : mapping of variable to Recoded
    units : DataFrame of g rows
        Strata, sampling units and their sizes.
    """

    way: NDArray[np.intp]
    rows: NDArray[np.float64]
    weight: NDArray[np.float64]
    squares: NDArray[np.float64]
    largest: NDArray[np.float64]
    done: Mapping[str, Recoded]
    units: pd.DataFrame

    @property
    def sha256(self) -> str:
        """Hash of all that was counted; of sums of weights the first nine digits, since engines add in any order."""
        hashed = hashlib.sha256(self.way.tobytes() + self.rows.tobytes())
        for name, made in self.done.items():
            reasons, words = pd.factorize(made.reasons)
            hashed.update("\0".join((name, *words)).encode() + reasons.tobytes() + made.values.tobytes())
        hashed.update(pd.util.hash_pandas_object(self.units, index=False).to_numpy().tobytes())
        for sums in (self.weight, self.squares):
            hashed.update(np.char.mod("%.9g", sums).tobytes())
        return hashed.hexdigest()


def way_out(table: Table, without_weight: Any) -> Any:
    """Give the number of the first of `domain.ways_out` by which a row leaves the domain; 0 where it stays."""
    variables = {name: made.variable for name, made in table.done.items()}
    values = {name: table.value(name) for name in table.done}
    leaving: list[Any] = []
    for condition in table.codebook.universe.all:
        truth = truth_expression(condition, variables, values)
        leaving += [~truth, truth.isnull()]
    leaving += [truth_expression(part.when, variables, values) for part in table.codebook.universe.exclude]
    return chosen([(one, number) for number, one in enumerate([*leaving, without_weight], start=1)], 0)


def group(table: Table, variables: Sequence[str], weight: Any, way: Any) -> Groups:
    """Ask for the groups of these variables.

    Raises
    ------
    SurveyError
        If there are more than can be held, or the table changes meanwhile.
    """
    sampling = table.codebook.sampling
    names = tuple(dict.fromkeys((*sampling.strata, *sampling.psu, *sampling.fpc)))
    keys: dict[str, Any] = {"way": way, "weighed": weight > 0}
    for place, name in enumerate(variables):
        keys |= {f"{part}{place}": key for part, key in _keys(table, name, way).items()}
    keys |= {f"unit{place}": table.rows[table.others[name]] for place, name in enumerate(names)}
    rows = table.rows.select(**keys, weight=weight)
    question = rows.group_by(list(keys)).aggregate(
        rows=rows.count(), total=rows.weight.sum(), squares=(rows.weight * rows.weight).sum(), largest=rows.weight.max()
    )
    found = table.place.ask(question.limit(MOST_GROUPS + 1))
    if found.num_rows > MOST_GROUPS:
        own = {
            name: next(key for key in (f"value{place}", f"key{place}") if key in keys)
            for place, name in enumerate(variables)
        }
        raise SurveyError(_too_many(table, rows, own | {name: f"unit{place}" for place, name in enumerate(names)}))
    found = found.sort_by([(name, "ascending") for name in keys])  # engines give groups in any order
    taken = {name: found.column(name).to_numpy() for name in found.column_names if not name.startswith("unit")}
    units, _ = arrow_columns(table.place.shown, found.select([f"unit{place}" for place in range(len(names))]))
    return Groups(
        way=taken["way"].astype(np.intp),
        rows=taken["rows"].astype(np.float64),
        weight=taken["total"].astype(np.float64),
        squares=taken["squares"].astype(np.float64),
        largest=taken["largest"].astype(np.float64),
        done={name: _recoded(table, name, place, taken) for place, name in enumerate(variables)},
        units=pd.DataFrame({name: units_of_column(column) for name, column in zip(names, units, strict=True)}),
    )


def _too_many(table: Table, rows: Any, columns: Mapping[str, str]) -> str:
    """Say in what respondents differ, what has most answers first."""
    inside = rows.filter(rows.way == 0)
    found = asked(
        table.place, inside, **{f"n{place}": inside[key].nunique() for place, key in enumerate(columns.values())}
    )
    answers = dict(zip(columns, found.values(), strict=True))
    ranked = sorted(columns, key=lambda name: -answers[name])
    told = ", ".join(f"{name} ({several(answers[name], 'answer')})" for name in ranked)
    return (
        f"{table.place.shown}: respondents answer in more than {MOST_GROUPS:,} ways, by {told}. Expected groups of respondents who "
        "answered alike. Leave out a variable that has many answers (in a run: the models that name it), or cut a number into levels."
    )


def _keys(table: Table, name: str, way: Any) -> dict[str, Any]:
    """What rows are grouped by for a variable: one number that is its answer or a reason, or a number and a reason."""
    import ibis

    made, value = table.done[name], table.value(name)
    code = made.lowest - 1 - table.reason(name)  # below zero
    if made.variable.kind == "number":
        inside = {"value": value, "key": ibis.ifelse(value.notnull(), 0, code)}
        return {
            name: ibis.ifelse(way == 0, part, ibis.null("float64") if name == "value" else _LEFT)
            for name, part in inside.items()
        }
    return {"key": ibis.ifelse(way == 0, ibis.ifelse(value.notnull(), value, code), _LEFT)}


def _recoded(table: Table, name: str, place: int, taken: Mapping[str, NDArray[Any]]) -> Recoded:
    made, key = table.done[name], taken[f"key{place}"].astype(np.int64)
    missing = np.flatnonzero(key < 0)
    reasons = np.full(len(key), "", dtype=object)
    for code in np.unique(key[missing]):
        reasons[key == code] = _OUTSIDE if code == _LEFT else _reason(table, made, made.lowest - 1 - int(code))
    values = taken[f"value{place}"].astype(np.float64) if f"value{place}" in taken else key.astype(np.float64)
    values[missing] = np.nan
    return Recoded(made.variable, values, reasons)


def _reason(table: Table, made: Compiled, reason: int) -> str:
    if reason == UNKNOWN:
        raise SurveyError(
            f'{table.place.shown}: variable "{made.variable.name}" has answers that were not there a moment ago. Expected a table that does '
            "not change while it is counted. Name a copy or a view of one moment."
        )
    return made.reason_of(reason)
