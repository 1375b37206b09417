"""A survey counted where its table lies: one row per way of answering, with respondents, weights and squared weights.

`group` is the GROUP BY. `weight_of` is the weight of every row as an expression of the engine, and `spread_of` what is known of all weights
together. `read_counts` goes from a table, a codebook and some variables to a survey whose rows stand for respondents who gave the same answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.survey.codebook import Codebook, FromColumn
from wwm_models.survey.codebook_reader import read_codebook
from wwm_models.survey.columns import RawColumn, RawFile, column_named, several, some_rows
from wwm_models.survey.databases.connections import opened
from wwm_models.survey.databases.selection import (
    UNKNOWN,
    Compiled,
    Contents,
    chosen,
    compiled,
    contents_of,
    infinite,
    needed,
    truth_expression,
)
from wwm_models.survey.databases.validation import DatabaseTable, asked, validate_table
from wwm_models.survey.formats.archive import hash_of
from wwm_models.survey.formats.columnar import OpenTable, arrow_columns, is_address
from wwm_models.survey.implausible_weights import CODES, WeightVariation, refuse_codes, refuse_dominant, unequal_weights
from wwm_models.survey.read import accounting_of, column_of_variable, exclusion_reasons, refuse_texts, units_of_column
from wwm_models.survey.recode_values import Recoded
from wwm_models.survey.sampling_design import Tally, sampling_design
from wwm_models.survey.survey import Survey, no_frequencies, no_weights, wrong_weights

MOST_GROUPS: Final = (
    5_000_000  # ways of answering; with a continuous predictor nearly every respondent has one of their own
)
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


def way_out(table: DatabaseTable, without_weight: Any) -> Any:
    """Give the number of the first of `survey.read.exclusion_reasons` by which a row leaves the domain; 0 where it stays."""
    variables = {name: made.variable for name, made in table.done.items()}
    values = {name: table.value(name) for name in table.done}
    leaving: list[Any] = []
    for condition in table.codebook.universe.all:
        truth = truth_expression(condition, variables, values)
        leaving += [~truth, truth.isnull()]
    leaving += [truth_expression(part.when, variables, values) for part in table.codebook.universe.exclude]
    return chosen([(one, number) for number, one in enumerate([*leaving, without_weight], start=1)], 0)


def group(table: DatabaseTable, variables: Sequence[str], weight: Any, way: Any) -> Groups:
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


def _too_many(table: DatabaseTable, rows: Any, columns: Mapping[str, str]) -> str:
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
        "gave the same answers. Leave out a variable that has many answers (in a run: the models that name it), or cut a number into levels."
    )


def _keys(table: DatabaseTable, name: str, way: Any) -> dict[str, Any]:
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


def _recoded(table: DatabaseTable, name: str, place: int, taken: Mapping[str, NDArray[Any]]) -> Recoded:
    made, key = table.done[name], taken[f"key{place}"].astype(np.int64)
    missing = np.flatnonzero(key < 0)
    reasons = np.full(len(key), "", dtype=object)
    for code in np.unique(key[missing]):
        reasons[key == code] = _OUTSIDE if code == _LEFT else _reason(table, made, made.lowest - 1 - int(code))
    values = taken[f"value{place}"].astype(np.float64) if f"value{place}" in taken else key.astype(np.float64)
    values[missing] = np.nan
    return Recoded(made.variable, values, reasons)


def _reason(table: DatabaseTable, made: Compiled, reason: int) -> str:
    if reason == UNKNOWN:
        raise SurveyError(
            f'{table.place.shown}: variable "{made.variable.name}" has answers that were not there a moment ago. Expected a table that does '
            "not change while it is counted. Name a copy or a view of one moment."
        )
    return made.reason_of(reason)


def weight_of(table: DatabaseTable) -> tuple[Any, Any]:
    """Give the weight, and whether it is a declared missing code (it is zero then).

    Raises
    ------
    SurveyError
        As `weighting.weights_of` does.
    """
    import ibis

    if not table.codebook.sampling.weight:
        return ibis.literal(1.0), ibis.literal(False)
    _refuse_wrong(table, _weight(table, table.place.table)[0])
    return _weight(table, table.rows)


def _weight(table: DatabaseTable, rows: Any) -> tuple[Any, Any]:
    """The weight of some rows that have the columns of the table, and whether it is missing."""
    import ibis

    sampling = table.codebook.sampling
    where = f'{table.place.shown}: column "{sampling.weight}"'
    number = contents_of(rows[table.others[sampling.weight]], table.decimal, where, nan=table.place.nan).number
    without = (
        number.isin(list(sampling.weight_missing_codes)).fill_null(False)
        if sampling.weight_missing_codes
        else ibis.literal(False)
    )
    return ibis.ifelse(without, 0.0, number), without


def _refuse_wrong(table: DatabaseTable, weight: Any) -> None:
    import ibis

    sampling, shown = table.codebook.sampling, table.place.shown
    coded = [weight == code for code in CODES]
    others: Any = ibis.ifelse(reduce(or_, coded), ibis.null("float64"), weight)
    parts: Any = ibis.ifelse(weight != weight.floor(), weight, ibis.null("float64"))
    found = asked(
        table.place,
        table.place.table,
        rows=table.place.table.count(),
        missing=(weight.isnull() | infinite(weight)).fill_null(True).sum(),
        negative=(weight < 0).fill_null(False).sum(),
        parts=parts.count(),
        part=parts.min(),
        largest=weight.max(),
        others=others.max(),
        **{f"code{code}": one.fill_null(False).sum() for code, one in zip(CODES, coded, strict=True)},
    )
    if found["missing"]:
        _refuse_texts(table, weight, found["rows"])
    for name, what in (("missing", "missing or not a finite number"), ("negative", "negative")):
        if found[name]:
            raise SurveyError(f"{shown}: {wrong_weights(sampling.weight, some_rows(found[name], found['rows']), what)}")
    if sampling.weight_kind == "frequency" and found["parts"]:
        some = some_rows(found["parts"], found["rows"])
        raise SurveyError(f"{shown}: {no_frequencies(sampling.weight, some, found['part'])}")
    if not found["largest"]:
        raise SurveyError(f"{shown}: {no_weights(sampling.weight, found['rows'])}")
    if sampling.weight_kind == "sampling" and not sampling.accept_extreme_weights:
        counts = {code: int(found[f"code{code}"]) for code in CODES}
        refuse_codes(
            counts, found["others"] or 0.0, lambda code: some_rows(counts[code], found["rows"]), shown, table.codebook
        )


def _refuse_texts(table: DatabaseTable, weight: Any, rows: int) -> None:
    """Refuse weights that are texts, in the words of the reader of files."""
    every = table.place.table
    column = every[table.others[table.codebook.sampling.weight]]
    if not column.type().is_string():
        return
    texts = every.mutate(text=column, number=weight).filter(lambda one: one.number.isnull() & (one.text.strip() != ""))
    counted = texts.group_by("text").aggregate(rows=texts.count()).order_by("text").limit(6)
    found = [(str(row["text"]), some_rows(int(row["rows"]), rows)) for row in table.place.ask(counted).to_pylist()]
    refuse_texts(table.place.shown, table.codebook, found)


def spread_of(table: DatabaseTable, weight: Any, way: Any, groups: Groups) -> WeightVariation:
    """Give what is known of the weights of the domain, from its groups."""
    inside = groups.way == 0
    rows, total = int(groups.rows.sum()), float(groups.weight[inside].sum())
    people = int(groups.rows[inside].sum())
    effect = people * float(groups.squares[inside].sum()) / max(total**2, 1e-300)

    def above(limit: float) -> str:
        return some_rows(int(table.ask(heavy=((way == 0) & (weight > limit)).sum())["heavy"] or 0), rows)

    return WeightVariation(people, total, float(groups.largest[inside].max(initial=0.0)), effect, above)


_TEXT: Final = (".csv", ".tsv", ".txt")


def read_counts(data: str | Path, codebook: str | Path, variables: Sequence[str]) -> Survey:
    r"""Count the respondents of a table by some variables where the table lies, without reading them.

    Parameters
    ----------
    data : str or Path
        A connection string, ``engine://where#table``; or a parquet, DuckDB or delimited text file of any size, a folder of parquet
        files, or a pattern such as ``answers/*.parquet``.
    codebook : str or Path
        The TOML file that says what the columns mean.
    variables : sequence of str
        Those of a model: its outcome, its predictors, and whatever estimates will be by. The fewer, the smaller the result.

    Returns
    -------
    Survey
        One row per way of answering these, inside each stratum and sampling unit; ``tally`` says how many respondents it stands
        for. Fits, raw and adjusted numbers and their standard errors are those of the respondents themselves; what needs them one
        by one (imputation, raking, residuals) is refused.

    Raises
    ------
    DeclarationError
        If the codebook says something that is not in its schema.
    SurveyError
        If the table cannot be read, does not agree with the codebook, or there are too many ways of answering.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "data.csv").write_text("answer\nyes\nno\nyes\n", encoding="utf-8")
    >>> _ = (folder / "codebook.toml").write_text(
    ...     '[variables.reply]\ncolumn = "answer"\nkind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n'
    ... )
    >>> survey = read_counts(folder / "data.csv", folder / "codebook.toml", ["reply"])
    >>> survey.frame["reply"].tolist(), survey.counts.tolist()
    (['no', 'yes'], [1.0, 2.0])
    """
    return counts_of(data, read_codebook(codebook), variables)


def counts_of(data: str | Path, declared: Codebook, variables: Sequence[str]) -> Survey:
    """Give the counted survey of a table, by a codebook that was read; see `read_counts`."""
    known = list(declared.variables)
    for name in variables:
        if name not in known:
            raise SurveyError(
                f'{declared.path}: "{name}" is not a declared variable. Declared: {listed(known, most=40)}.{did_you_mean(name, known)}'
            )
    sha256 = _locked(data, declared)
    with opened(data, declared.source) as place:
        table = _table(place, declared, variables, data)
        synthetic = validate_table(table)
        weight, without = weight_of(table)
        way = way_out(table, without)
        groups = group(table, list(dict.fromkeys(variables)), weight, way)
        accounting = accounting_of(
            np.bincount(groups.way, groups.rows, minlength=len(exclusion_reasons(declared)) + 1).astype(np.intp),
            declared,
        )
        spread = spread_of(table, weight, way, groups)
        refuse_dominant(spread, place.shown, declared)
        try:
            warnings = unequal_weights(spread, declared)
            return _survey(groups, declared, accounting, warnings, sha256 or groups.sha256, synthetic=synthetic)
        except SurveyError as problem:  # of the design
            raise SurveyError(f"{place.shown}: {problem}") from None


def _locked(data: str | Path, codebook: Codebook) -> str:
    """The hash of the file, if it is a single one; where the codebook is locked to a file, of that one."""
    locked = codebook.source.sha256
    found = "" if is_address(data) or not Path(data).is_file() else hash_of(Path(data))
    if locked and found != locked.lower():
        raise SurveyError(
            f"{data}: {'the file has SHA-256 ' + found if found else 'this is no single file with a SHA-256'}, the codebook is locked to "
            f"{locked}. Expected the file the codebook was made for. Give that file, or a codebook without `sha256`."
        )
    return found


def header_of(data: str | Path, codebook: Codebook) -> RawFile:
    """Give the columns of a table without their rows."""
    with opened(data, codebook.source) as place:
        return _header(place)


def _header(place: OpenTable) -> RawFile:
    nobody = np.zeros(0, dtype=np.intp)
    return RawFile(place.shown, tuple(RawColumn(name, (), nobody) for name in place.headers), 0, "")


def _table(place: OpenTable, codebook: Codebook, variables: Sequence[str], data: str | Path) -> DatabaseTable:
    items, sampling, file = needed(codebook, variables), codebook.sampling, _header(place)
    own = dict(zip(file.columns, place.table.columns, strict=True))
    names = {
        item.variable.name: own[column_of_variable(item.source, file, codebook.where(item.variable.name))]
        for item in items
        if isinstance(item.source, FromColumn)
    }
    asked = {codebook.source.id: "[source], `id`", sampling.weight: "[survey], `weight`"}
    asked |= dict.fromkeys((*sampling.strata, *sampling.psu, *sampling.fpc), "[survey]")
    others = {name: own[column_named(file, name, f"{codebook.path}, {where}")] for name, where in asked.items() if name}
    decimal = codebook.source.decimal if Path(data).suffix.lower() in _TEXT else "."

    def contents(rows: Any, variable: str) -> Contents:
        name = names[variable]
        return contents_of(rows[name], decimal, f'{place.shown}: column "{name}"', nan=place.nan)

    rows, done = compiled(items, place.table, contents)
    return DatabaseTable(place, codebook, items, rows, names, done, others, decimal)


def _survey(
    groups: Groups, codebook: Codebook, accounting: pd.DataFrame, warnings: tuple[str, ...], sha256: str, *, synthetic: bool
) -> Survey:  # fmt: skip
    sampling, done = codebook.sampling, groups.done
    effective = np.divide(groups.weight**2, groups.squares, out=groups.rows.copy(), where=groups.squares > 0)
    tally = Tally(groups.rows, effective)
    return Survey(
        frame=pd.DataFrame({name: made.column() for name, made in done.items()}),
        weights=groups.weight,
        weight_kind=sampling.weight_kind,
        design=sampling_design(groups.units, sampling.strata, sampling.psu, sampling.fpc, sampling.lonely, tally),
        domain=groups.way == 0,
        accounting=accounting,
        variables={name: made.variable for name, made in done.items()},
        collapses={name: part for name, part in codebook.collapses.items() if part.variable in done},
        missing={name: made.reasons for name, made in done.items()},
        title=codebook.source.title,
        synthetic=synthetic,
        suppress_below=sampling.suppress_below,
        warnings=warnings,
        suppress_counts=sampling.suppress_counts,
        sha256=sha256,
        tally=tally,
    )
