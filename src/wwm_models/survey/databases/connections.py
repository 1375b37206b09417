"""Connections to tables: from a path or a connection string to a table that can be asked, or that is read whole.

`connected_place` reaches every engine that Ibis does, Spark among them; the library of the engine must be installed. `opened` is the one way
from what a user names to an open table; `table_file` reads a table that a connection string names like any other file.
"""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from wwm_models.errors import SurveyError, WwmError, did_you_mean, listed
from wwm_models.extras import extra
from wwm_models.survey.codebook import Source
from wwm_models.survey.columns import RawColumn, RawFile
from wwm_models.survey.formats import columnar as duck
from wwm_models.survey.formats.archive import Size, refuse_large
from wwm_models.survey.formats.columnar import (
    Address,
    OpenTable,
    arrow_columns,
    is_address,
    read_address,
    without_secrets,
    without_select_fusion,
)
from wwm_models.survey.formats.excel import named_table

_FILES: Final = ("sqlite",)  # engines of one file, which they would make
_SPARK: Final = ("spark", "pyspark")


@contextlib.contextmanager
def connected_place(address: Address, source: Source) -> Generator[OpenTable]:
    """Open ``engine://where#table`` through Ibis.

    Raises
    ------
    SurveyError
        If Ibis does not know the engine, its library is absent, or there is no such table.
    """
    if address.engine in _SPARK:
        extra("pyspark.sql", address.shown)  # its extra brings Ibis too, so one install is enough
    ibis = extra("ibis", address.shown)
    with (_session if address.engine in _SPARK else _connection)(address) as backend:
        table = _table(backend, address.table or source.table, address)
        nan = bool(backend.has_operation(ibis.expr.operations.IsNan))
        yield OpenTable(address.shown, table, tuple(table.columns), _quietly(backend), nan)


@contextlib.contextmanager
def _connection(address: Address) -> Generator[Any]:
    import ibis

    known = sorted({point.name for point in ibis.util.backend_entry_points()} | {"spark"})
    if address.engine.replace("postgresql", "postgres") not in known:
        raise SurveyError(
            f'{address.shown}: "{address.engine}" is not an engine that Ibis reaches. Expected one of {listed(known, most=40)}.'
            f"{did_you_mean(address.engine, known)} Repair the part before ://."
        )
    if address.engine in _FILES and not Path(address.path).is_file():
        raise SurveyError(
            f"{address.shown}: there is no such file. Expected {address.engine}://path#table, an absolute path after three slashes and a "
            "relative one after two. Repair the path: nothing is made there."
        )
    try:
        with _quiet():
            backend = ibis.connect(address.url)
    except ImportError as problem:
        raise _without_library(address, problem) from None
    try:
        yield backend
    finally:
        backend.disconnect()


@contextlib.contextmanager
def _session(address: Address) -> Generator[Any]:
    """Ibis on a Spark session; one that runs already is used and left running."""
    import ibis

    spark: Any = extra("pyspark.sql", address.shown).SparkSession
    before = spark.getActiveSession()
    builder: Any = spark.builder
    if address.engine == "spark" and address.host not in ("", "local"):
        builder = builder.master(f"spark://{address.host}")
    elif address.engine == "spark":
        builder = builder.master("local[*]")
    for key, value in address.options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        with _quiet():
            backend = ibis.pyspark.connect(session)
        yield backend
    finally:
        if before is None:
            session.stop()


def _without_library(address: Address, problem: ImportError) -> SurveyError:
    return SurveyError(
        f"{address.shown}: the library for this engine is not installed ({problem}). Expected it beside Ibis. "
        f'Install it with: pip install "ibis-framework[{address.engine}]"'
    )


def _table(backend: Any, name: str, address: Address) -> Any:
    """The named table, the only one, or a parquet file that the engine reads."""
    if name.rstrip("/").endswith(".parquet"):
        return backend.read_parquet(name)
    database, _, own = name.rpartition(".")
    if database:
        return backend.table(own, database=database)
    return backend.table(named_table(name, backend.list_tables(), address.shown, "table"))


def _quietly(backend: Any) -> Any:
    def ask(question: Any) -> Any:
        with _quiet(), without_select_fusion():
            return backend.to_pyarrow(question)

    return ask


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what engines' libraries call, not of ours
        yield


def countable(data: str | Path) -> bool:
    """Say whether respondents can be counted in place: in a database, or a file that is read piece by piece."""
    return is_address(data) or duck.read_piece_by_piece(Path(data))


@contextlib.contextmanager
def opened(data: str | Path, source: Source) -> Generator[OpenTable]:
    """Open the table at a path or a connection string, for reading only.

    Parameters
    ----------
    data : str or Path
        A connection string, or a parquet, DuckDB or delimited text file.
    source : Source
        Table, delimiter, encoding and most memory.

    Raises
    ------
    SurveyError
        If it cannot be opened, or a question about it cannot be answered.
    """

    def told(problem: Exception) -> SurveyError:
        return SurveyError(
            f"{without_secrets(str(data))}: the table cannot be read in place: {_first_line(problem)}. Expected a table "
            "that may be read, of numbers and texts. Repair the connection string or the table."
        )

    def ask(question: Any) -> Any:
        try:
            return place.ask(question)
        except Exception as problem:  # every engine has errors of its own
            raise told(problem) from None

    with contextlib.ExitStack() as stack:
        try:
            if is_address(data):
                address = read_address(str(data))
                opening = (duck.duckdb_place if address.engine == "duckdb" else connected_place)(address, source)
            else:
                opening = duck.file_place(Path(data), source)
            place = stack.enter_context(opening)
        except WwmError:
            raise
        except Exception as problem:
            raise told(problem) from None
        yield replace(place, ask=ask)


def _first_line(problem: Exception) -> str:
    lines = without_secrets(str(problem)).strip().splitlines()
    return (lines[0].rstrip(".") if lines else type(problem).__name__)[:300]


_FACTOR: Final = np.uint64(6364136223846793005)  # Knuth, TAOCP 2, 3.3.4: odd, and mixes well modulo 2**64


def table_file(data: str, source: Source) -> RawFile:
    """Give the columns of a table in a database.

    Parameters
    ----------
    data : str
        A connection string, ``engine://where#table``.
    source : Source
        Table, where the string names none; most memory and, where locked, the SHA-256 of the contents.

    Raises
    ------
    SurveyError
        If the table cannot be reached or read, is too large, or is not the locked one.
    """
    with opened(data, source) as place:
        rows = int(place.ask(place.table.aggregate(rows=place.table.count())).column("rows")[0].as_py())
        refuse_large(place.shown, Size(rows, len(place.table.columns)), source.memory_gb)
        columns, count = arrow_columns(place.shown, place.ask(place.table))
    sha256 = contents_hash(columns, count)
    if source.sha256 and sha256 != source.sha256.lower():
        raise SurveyError(
            f"{place.shown}: the contents of the table have SHA-256 {sha256}, the codebook is locked to {source.sha256}. Expected the "
            "table the codebook was made for. Name that table, or, if the change is meant, run `wwm codebook lock` again."
        )
    return RawFile(place.shown, columns, count, sha256)


def contents_hash(columns: Sequence[RawColumn], rows: int) -> str:
    """Give the SHA-256 of what a table holds, whatever the order of its rows: an engine may give them in another one each time.

    Examples
    --------
    >>> from wwm_models.survey.columns import Cell
    >>> one = RawColumn("v", (Cell("a"), Cell("b")), np.array([0, 1, 1]))
    >>> two = RawColumn("v", (Cell("b"), Cell("a")), np.array([0, 1, 0]))
    >>> contents_hash([one], 3) == contents_hash([two], 3), contents_hash([one], 3) == contents_hash([one], 4)
    (True, False)
    """
    row = np.zeros(len(columns[0].index) if columns else 0, dtype=np.uint64)
    names = "\0".join(column.name for column in columns)
    for column in columns:
        row = row * _FACTOR + np.array([_number(cell.text) for cell in column.cells], dtype=np.uint64)[column.index]
    return hashlib.sha256(f"{rows}\0{names}".encode() + np.sort(row).tobytes()).hexdigest()


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
