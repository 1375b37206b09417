"""One look at a table before anything is counted: what the reader of files would refuse is refused here, in its words.

The engine only says which columns hold something wrong. The distinct contents of such a column are then fetched with their
counts and recoded as those of a file, which raises the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

import numpy as np

from wwm_models.errors import SurveyError, listed
from wwm_models.survey.codebook import Codebook, Declaration, FromColumn
from wwm_models.survey.columns import Cell, RawColumn, number_of, plainly, some_rows
from wwm_models.survey.databases.selection import UNKNOWN, Compiled, Contents, contents_of, infinite, missing_code
from wwm_models.survey.formats.columnar import OpenTable, cell_of
from wwm_models.survey.read import MARK, repeated_ids, some_synthetic, together, without_id
from wwm_models.survey.recode_values import HIGH_CODES, LOW_CODES, is_number, recode_answers, recode_numbers

MOST_CONTENTS: Final = 100_000  # distinct contents of one column that are fetched to be judged


@dataclass(frozen=True, eq=False)
class DatabaseTable:
    """A table with what is needed of it.

    Attributes
    ----------
    place : OpenTable
    codebook : Codebook
    items : tuple of Declaration
        The variables needed.
    rows : Ibis table expression
        The table of the place with the variables as columns.
    names : mapping of variable to column
        Of those that stand in the table.
    done : mapping of variable to Compiled
    others : mapping of name to column
        Of the id, the weight and the design, by their names in the file.
    decimal : str
        The decimal mark of texts.
    """

    place: OpenTable
    codebook: Codebook
    items: tuple[Declaration, ...]
    rows: Any
    names: Mapping[str, str]
    done: Mapping[str, Compiled]
    others: Mapping[str, str]
    decimal: str

    def ask(self, **sums: Any) -> dict[str, Any]:
        """Sums over the whole table."""
        return asked(self.place, self.rows, **sums)

    def contents(self, variable: str) -> Contents:
        """What the column of a variable holds."""
        name = self.names[variable]
        where = f'{self.place.shown}: column "{name}"'
        return contents_of(self.rows[name], self.decimal, where, nan=self.place.nan)

    def value(self, variable: str) -> Any:
        """Its column of values."""
        return self.rows[self.done[variable].value]

    def reason(self, variable: str) -> Any:
        """Its column of reasons."""
        return self.rows[self.done[variable].reason]


def asked(place: OpenTable, rows: Any, /, **sums: Any) -> dict[str, Any]:
    """Sums over all rows of a table."""
    return dict(place.ask(rows.aggregate(**sums)).to_pylist()[0])


def validate_table(table: DatabaseTable) -> bool:
    """Refuse cells the codebook does not know, and respondents who occur twice; say whether the rows call themselves invented.

    Raises
    ------
    SurveyError
        As the reader of files raises it, but for the numbers of the rows, which a table does not have.
    """
    marks = {
        f"mark{place}": (table.rows[name] == MARK).fill_null(False).sum()
        for place, name in enumerate(table.place.table.columns)
        if table.place.table[name].type().is_string()
    }
    doubts = {
        f"doubt{place}": _doubt(item, table).sum()
        for place, item in enumerate(table.items)
        if item.variable.name in table.names
    }
    found = table.ask(rows=table.rows.count(), **marks, **doubts)
    if not found["rows"]:
        raise SurveyError(
            f"{table.place.shown}: the table has no rows. Expected at least one respondent. Name another table."
        )
    _refuse_repeated(table, found["rows"])
    problems = [
        problem
        for place, item in enumerate(table.items)
        if found.get(f"doubt{place}") and (problem := _judged(item, table))
    ]
    if problems:
        raise SurveyError(together(problems))
    return table.codebook.source.synthetic or _synthetic(table, found)


def _doubt(item: Declaration, table: DatabaseTable) -> Any:
    """True for rows whose cell may be wrong, and for all rows that are."""
    name, source = item.variable.name, item.source
    assert isinstance(source, FromColumn)
    if not is_number(item, source):
        return table.reason(name) == UNKNOWN
    contents = table.contents(name)
    number, answer = contents.number, missing_code(source, contents) == UNKNOWN
    value = number if source.birth_year_in is None else source.birth_year_in - number
    wrong = [number.isnull(), infinite(number), number.isin([*HIGH_CODES, *LOW_CODES])]
    wrong += [] if source.minimum is None else [value < source.minimum]
    wrong += [] if source.maximum is None else [value > source.maximum]
    return (answer & reduce(or_, wrong)).fill_null(False)


def _judged(item: Declaration, table: DatabaseTable) -> str:
    """What the reader of files says of the contents of a column; nothing where they are right."""
    source = item.source
    assert isinstance(source, FromColumn)
    number, where = is_number(item, source), table.codebook.where(item.variable.name)
    column = _column(table, item, source)
    try:
        (recode_numbers if number else recode_answers)(item, source, column, file=table.place.shown, where=where)
    except SurveyError as problem:
        return str(problem)
    return "" if number else _not_compared(item, source, column, table.place.shown, where)


def _not_compared(item: Declaration, source: FromColumn, column: RawColumn, file: str, where: str) -> str:
    """What is said of texts that are declared ones to us, but not to an engine that knows fewer capitals and less white space."""
    declared = {text for part in (*item.answers, *source.missing) for text in part.text}
    other = [cell.text for cell in column.cells if np.isnan(cell.number) and cell.text and cell.text not in declared]
    return (
        f'{file}: texts of "{column.name}" that differ in capitals or white space from those in {where}: {listed([repr(text) for text in other])}. '
        "Expected texts that the database can compare, which may know no capitals beyond those of English. Write them as `text` as the "
        "table has them, or read the table whole with wwm.read_survey."
        if other
        else ""
    )


def _column(table: DatabaseTable, item: Declaration, source: FromColumn) -> RawColumn:
    """The distinct contents of a column, the most frequent first."""
    import ibis

    name = table.names[item.variable.name]
    every = table.place.table
    counted = every.group_by(content=every[name]).aggregate(rows=every.count())
    found = table.place.ask(counted.order_by(ibis.desc("rows"), "content").limit(MOST_CONTENTS + 1)).to_pylist()
    if len(found) > MOST_CONTENTS:
        raise SurveyError(_too_many(table, item, source, name))
    cells: dict[str, tuple[Cell, int]] = {}
    for row in found:
        cell = cell_of(row["content"])
        if isinstance(row["content"], str):
            cell = Cell(cell.text, number_of(cell.text, table.decimal))
        cells[cell.text] = (cell, cells.get(cell.text, (cell, 0))[1] + int(row["rows"]))
    counts = np.array([count for _, count in cells.values()], dtype=np.intp)
    return RawColumn(
        _header(table, name), tuple(cell for cell, _ in cells.values()), np.arange(len(cells)), counts=counts
    )


def _header(table: DatabaseTable, column: str) -> str:
    """The name of a column in the file."""
    return dict(zip(table.place.table.columns, table.place.headers, strict=True))[column]


def _too_many(table: DatabaseTable, item: Declaration, source: FromColumn, name: str) -> str:
    span = (
        ""
        if source.minimum is not None and source.maximum is not None
        else " If these are real numbers, write `minimum` and `maximum`."
    )
    return (
        f'{table.place.shown}: variable "{item.variable.name}" (column "{_header(table, name)}") has more than {MOST_CONTENTS:,} distinct contents, among '
        f"them some that may be no answer ({listed(map(plainly, map(float, HIGH_CODES)), most=4)}, texts, or numbers outside the declared "
        f"range). Expected contents that the codebook explains. Declare them in {table.codebook.where(item.variable.name)} with "
        f"`missing`.{span}"
    )


def _synthetic(table: DatabaseTable, found: Mapping[str, Any]) -> bool:
    for place, name in enumerate(table.place.headers):
        marked = found.get(f"mark{place}") or 0
        if marked and marked < found["rows"]:
            raise SurveyError(some_synthetic(table.place.shown, name, some_rows(marked, found["rows"])))
        if marked:
            return True
    return False


def _refuse_repeated(table: DatabaseTable, rows: int) -> None:
    import ibis

    name = table.codebook.source.id
    if not name:
        return
    every = table.place.table
    counted = every.group_by(id=every[table.others[name]]).aggregate(times=every.count())
    twice = counted.filter((counted.times > 1) | counted.id.isnull())
    found = table.place.ask(twice.order_by(ibis.desc("times"), "id").limit(6)).to_pylist()
    absent = sum(row["times"] for row in found if not cell_of(row["id"]).text)
    if absent:
        raise SurveyError(without_id(table.place.shown, name, some_rows(absent, rows)))
    if found:
        number = int(table.place.ask(twice.count().as_table()).column(0)[0].as_py())
        shown = [f"{cell_of(row['id']).text} ({row['times']} times)" for row in found[:5]]
        raise SurveyError(repeated_ids(table.place.shown, name, shown, number, rows))
