"""Parquet files and tables of a DuckDB file to columns, by way of Arrow's dictionaries: one entry per distinct value."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from wwm_models.errors import SurveyError
from wwm_models.extras import extra
from wwm_models.survey.codebook import Source
from wwm_models.survey.raw import Cell, RawColumn, moment, number_of, plainly
from wwm_models.survey.readers.sheet import named_table
from wwm_models.survey.readers.size import Size, refuse_large
from wwm_models.survey.readers.unpacked import Unpacked

Columns = tuple[tuple[RawColumn, ...], int]
CLOSED: Final[
    dict[str, str | bool | int | float | list[str]]
] = {  # a damaged or hostile file may hold views that read other files
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "lock_configuration": "true",
}


def parquet_columns(data: Unpacked, source: Source) -> Columns:
    """Give the columns and the number of rows of a parquet file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(data.file) as file:
        refuse_large(data.path, Size(file.metadata.num_rows, file.metadata.num_columns), source.memory_gb)
        return arrow_columns(data.path, file.read(use_threads=False))


def duckdb_columns(data: Unpacked, source: Source) -> Columns:
    """Give the columns and the number of rows of a table in a DuckDB file, opened for reading only."""
    duckdb = extra("duckdb", str(data.path))
    with duckdb.connect(str(data.file), read_only=True, config=CLOSED) as base:
        found = base.execute("select table_name from information_schema.tables order by table_name").fetchall()
        name = named_table(source.table, [str(row[0]) for row in found], data.path, "table")
        width = len(base.execute(f"describe {quoted(name)}").fetchall())
        rows = base.execute(f"select count(*) from {quoted(name)}").fetchall()[0][0]
        refuse_large(data.path, Size(int(rows), width), source.memory_gb)
        return arrow_columns(data.path, base.sql(f"select * from {quoted(name)}").to_arrow_table())


def quoted(name: str) -> str:
    """Write a name as SQL does.

    Examples
    --------
    >>> print(quoted('a "b" c'))
    "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def arrow_columns(path: Path | str, table: Any) -> Columns:
    """Give the columns and the number of rows of an Arrow table; `path` is for messages."""
    return tuple(
        _column(path, str(name), table.column(place)) for place, name in enumerate(table.column_names)
    ), table.num_rows


def _column(path: Path | str, name: str, values: Any) -> RawColumn:
    import pyarrow as pa

    if pa.types.is_nested(values.type):
        raise SurveyError(
            f'{path}: column "{name}" holds {values.type}, several values in a cell. Expected one value per cell. Give each '
            "its own column, or leave the column out of the file."
        )
    encoded = values.combine_chunks()
    if not pa.types.is_dictionary(values.type):
        encoded = encoded.dictionary_encode()
    elif isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    cells = [cell_of(value) for value in encoded.dictionary.to_pylist()]
    index = encoded.indices.fill_null(len(cells)).to_numpy(zero_copy_only=False).astype(np.intp)
    return _merged(name, [*cells, Cell("")], index)


def _merged(name: str, cells: list[Cell], index: np.ndarray[Any, np.dtype[np.intp]]) -> RawColumn:
    """Join equal contents (an empty text and a null, a dictionary that repeats itself) and leave out what nobody has."""
    texts = [cell.text for cell in cells]
    first = dict(zip(reversed(texts), reversed(cells), strict=True))
    code = pd.factorize(np.array(texts, dtype=object))[0]
    used = np.flatnonzero(np.bincount(code[index], minlength=len(first)))
    place = np.zeros(len(first), dtype=np.intp)
    place[used] = np.arange(len(used))
    distinct = list(dict.fromkeys(texts))
    return RawColumn(name, tuple(first[distinct[number]] for number in used), place[code[index]])


def cell_of(value: Any) -> Cell:
    """Give a value of a table as a cell."""
    if value is None or value != value:  # nan is an empty cell
        return Cell("")
    if isinstance(value, bool):
        return Cell(str(value).lower())
    if isinstance(value, str):
        return Cell(value, number_of(value))
    if isinstance(value, bytes):
        text = value.decode("utf-8", errors="backslashreplace")
        return Cell(text, number_of(text))
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return Cell(moment(value) if not isinstance(value, datetime.timedelta) else str(value))
    number = float(value)  # also a decimal
    return Cell(plainly(number), number)
