"""Tables that are not loaded: in a database, in parquet, in the embedded DuckDB, as every engine gives them.

`OpenTable` is such a table. `Address` reads connection strings: ``engine://where#table``, the part before the mark spelled as Ibis spells it.

    duckdb:///data/survey.duckdb#answers        an absolute path has three slashes, a relative one two
    bigquery://project/dataset#answers
    postgres://reader@host/survey#public.answers
    spark://local#/data/answers.parquet         Spark on this machine; a parquet file or folder is read by the engine itself
    spark://host:7077#survey.answers            Spark on a cluster; pyspark://?key=value#table is Ibis' own form

A password never appears in a message, a page or a manifest.

Parquet files and tables of a DuckDB file become columns by way of Arrow's dictionaries: one entry per distinct value. The embedded DuckDB has a
table of a DuckDB file, or parquet and text files read piece by piece. It may read the file it is asked for and nothing else: no network, no
other file, no extension. What does not fit in memory while it counts goes to a private folder that is removed afterwards.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import re
import tempfile
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pandas as pd

from wwm_models.errors import SurveyError, listed
from wwm_models.extras import extra
from wwm_models.survey.codebook import Source
from wwm_models.survey.columns import Cell, RawColumn, moment, number_of, plainly
from wwm_models.survey.formats.archive import SHARE_OF_FREE, Size, Unpacked, free_memory, refuse_large
from wwm_models.survey.formats.excel import named_table
from wwm_models.survey.formats.text import refuse_other_delimiter


@dataclass(frozen=True, eq=False)
class OpenTable:
    """A table that is not loaded: in a database, or in a file that is read piece by piece.

    Attributes
    ----------
    shown : str
        Its path or connection string, without a password; for messages.
    table : Ibis table expression
    headers : tuple of str
        Names of its columns as the file has them, which may repeat.
    ask : function of an Ibis table expression
        Gives its rows as an Arrow table: what is asked must be small.
    nan : bool
        Whether numbers of the engine may be "not a number", which here is an empty cell.
    """

    shown: str
    table: Any
    headers: tuple[str, ...]
    ask: Callable[[Any], Any]
    nan: bool = True


@contextlib.contextmanager
def without_select_fusion() -> Generator[None]:
    """Have tables in tables written as they are: Ibis would write a column that others are made of once for each of them."""
    import ibis

    before = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = False
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = before


_FORM: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SECRET: Final = re.compile(r"(?<=://)([^/@#?]*):[^/@#]*@")
_SECRET_OPTION: Final = re.compile(r"(?<=[?&])([^=&#]*(?:pass|token|secret|key|auth)[^=&#]*)=[^&#]*", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """A connection string in its parts.

    Attributes
    ----------
    engine : str
        What stands before ``://``, in lower case.
    url : str
        All before the table.
    table : str
        Empty where none is named.
    shown : str
        The whole, without passwords.
    """

    engine: str
    url: str
    table: str
    shown: str

    @property
    def host(self) -> str:
        """What stands between ``://`` and the next slash, mark or question mark."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """Host and path together: what an engine of files takes for a path."""
        parts = urlsplit(self.url)
        return parts.netloc + parts.path

    @property
    def options(self) -> dict[str, str]:
        """What stands behind the question mark."""
        return dict(parse_qsl(urlsplit(self.url).query))


def is_address(data: str | Path) -> bool:
    """Say whether `data` is a connection string rather than a path.

    Examples
    --------
    >>> is_address("duckdb:///data/survey.duckdb#answers"), is_address("survey.sav")
    (True, False)
    """
    return isinstance(data, str) and bool(_FORM.match(data))


def read_address(text: str) -> Address:
    """Take a connection string apart.

    Parameters
    ----------
    text : str
        One that `is_address`.

    Raises
    ------
    SurveyError
        If what stands before the table is not a URL.

    Examples
    --------
    >>> address = read_address("postgres://reader:secret@host/survey#public.answers")
    >>> address.engine, address.table, address.shown
    ('postgres', 'public.answers', 'postgres://reader:***@host/survey#public.answers')
    """
    url, _, table = text.partition("#")
    try:
        engine = urlsplit(url).scheme
    except ValueError as problem:
        raise SurveyError(
            f"{without_secrets(text)}: this is not a connection string: {problem}. Expected engine://where#table, such as "
            "duckdb:///data/survey.duckdb#answers. Repair the part before the #."
        ) from None
    return Address(engine, url, table, without_secrets(text))


def without_secrets(text: str) -> str:
    """Give a text that quotes a connection string without its password.

    Examples
    --------
    >>> without_secrets("snowflake://me:pw@account/db?warehouse=w&token=abc#answers")
    'snowflake://me:***@account/db?warehouse=w&token=***#answers'
    """
    return _SECRET_OPTION.sub(r"\1=***", _SECRET.sub(r"\1:***@", text))


def data_name(data: str | Path) -> str:
    """Name data for a reader: the name of the file, or the connection string without its password."""
    return without_secrets(str(data)) if is_address(data) else Path(data).name


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


_VIEW: Final = "respondents"
_ENCODINGS: Final = {"": "utf-8", "utf-8": "utf-8", "utf8": "utf-8", "latin-1": "latin-1", "utf-16": "utf-16"}


@contextlib.contextmanager
def duckdb_place(address: Address, source: Source) -> Generator[OpenTable]:
    """Open ``duckdb://path#table``.

    Raises
    ------
    SurveyError
        If there is no such file or table.
    """
    path = Path(address.path)
    if not path.is_file():
        raise SurveyError(
            f"{address.shown}: there is no such file. Expected duckdb://path#table, an absolute path after three slashes and a "
            "relative one after two. Repair the path."
        )
    with _table_of(path, address.shown, address.table or source.table, source, address.options) as place:
        yield place


@contextlib.contextmanager
def file_place(path: Path, source: Source) -> Generator[OpenTable]:
    """Open a file, all parquet files of a folder, or all that a pattern like ``answers/*.parquet`` matches.

    Raises
    ------
    SurveyError
        If there is none, or DuckDB cannot read its type.
    """
    files = _files(path)
    ending = files[0].suffix.lower()
    if ending == ".duckdb":
        with _table_of(path, str(path), source.table, source, {}) as place:
            yield place
        return
    if ending not in _READERS:
        raise SurveyError(
            f'{path}: files of type "{ending}" cannot be counted in place. Expected one of {listed(_READERS)}, .duckdb or a '
            "connection string. Read the file with wwm.read_survey, or save it as parquet."
        )
    names = ", ".join(_text(str(file)) for file in files)
    reading, headers = _READERS[ending](f"[{names}]", files[0], source)
    with _closed(None, str(path), source, {}, f"[{names}]") as base:
        base.execute(f"create view {_VIEW} as select * from {reading}")
        yield _place(base, str(path), _VIEW, "main", headers)


def read_piece_by_piece(path: Path) -> bool:
    """Say whether a file is of a type that DuckDB reads piece by piece.

    Examples
    --------
    >>> read_piece_by_piece(Path("answers.parquet")), read_piece_by_piece(Path("answers.sav"))
    (True, False)
    """
    return path.suffix.lower() in (*_READERS, ".duckdb")


def several_files(data: str | Path) -> bool:
    """Say whether a path is a folder, or a pattern of files; a connection string is neither.

    Examples
    --------
    >>> several_files("answers/*.parquet"), several_files("answers.parquet"), several_files("spark://local#/data/*.parquet")
    (True, False, False)
    """
    return not is_address(data) and (Path(data).is_dir() or "*" in Path(data).name)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(path.rglob("*.parquet"))
    elif several_files(path):
        found = sorted(path.parent.glob(path.name))
    else:
        found = [path] if path.is_file() else []
    if not found and path.is_dir():
        inside = sorted(item.name for item in path.iterdir() if item.is_file())
        raise SurveyError(
            f"{path}: this is a folder without parquet files; it holds {listed(inside) if inside else 'no file'}. Expected a file, or a "
            "folder with parquet files. Give the path of the file you mean."
        )
    if not found:
        raise SurveyError(
            f"{path}: there is no such file. Expected a file, a folder with parquet files, or a pattern such as answers/*.parquet. Repair the path."
        )
    return found


@contextlib.contextmanager
def _table_of(path: Path, shown: str, table: str, source: Source, options: Mapping[str, str]) -> Generator[OpenTable]:
    with _closed(path, shown, source, options) as base:
        found = base.execute(
            "select table_schema, table_name from information_schema.tables order by table_schema, table_name"
        ).fetchall()
        known = {(name if schema == "main" else f"{schema}.{name}"): (schema, name) for schema, name in found}
        schema, name = known[named_table(table, list(known), shown, "table")]
        yield _place(base, shown, str(name), str(schema))


@contextlib.contextmanager
def _closed(
    path: Path | None, shown: str, source: Source, options: Mapping[str, Any], allowed: str = "[]"
) -> Generator[Any]:
    """Give a connection that reads the files in `allowed`, a list as SQL writes it, and whose settings cannot be changed."""
    duckdb = extra("duckdb", f"{shown}, counted in place,")
    with tempfile.TemporaryDirectory(prefix="wwm-") as folder:
        memory = source.memory_gb * 1e9 or SHARE_OF_FREE * free_memory()
        settings = {"memory_limit": f"{memory / 1e6:.0f}MB", "temp_directory": folder, **options}
        with duckdb.connect(str(path or ":memory:"), read_only=path is not None, config=settings) as base:
            base.execute(f"set allowed_paths = {allowed}")
            for name, value in CLOSED.items():
                base.execute(f"set {name} = {value}")
            yield base


def _place(base: Any, shown: str, name: str, schema: str, headers: tuple[str, ...] = ()) -> OpenTable:
    ibis = extra("ibis", f"{shown}, counted in place,")
    # Ibis asks DuckDB for types in ways that change between versions of DuckDB; Arrow's do not
    empty = base.sql(f"select * from {quoted(schema)}.{quoted(name)} limit 0").to_arrow_table()
    table = ibis.table(ibis.Schema.from_pyarrow(empty.schema), name=name, database=schema)
    if headers and len(headers) != len(table.columns):
        raise SurveyError(
            f"{shown}: the header has {len(headers)} names, the rows have {len(table.columns)} cells. Expected the same number. Look for a "
            "delimiter in an answer that is not between quotes, or another delimiter than the codebook says."
        )

    def ask(question: Any) -> Any:
        with without_select_fusion():
            return base.sql(str(ibis.to_sql(question, dialect="duckdb", pretty=False))).to_arrow_table()

    return OpenTable(shown, table, headers or tuple(table.columns), ask)


Reading = tuple[str, tuple[str, ...]]


def _parquet(files: str, path: Path, source: Source) -> Reading:  # noqa: ARG001
    return f"read_parquet({files})", ()


def _delimited(files: str, path: Path, source: Source) -> Reading:
    """All columns as text, as the reader of text files has them; DuckDB would trim and change their names."""
    encoding = source.encoding.lower()
    if encoding not in _ENCODINGS:
        raise SurveyError(
            f'{path}: a text in the encoding "{source.encoding}" cannot be counted in place. Expected utf-8, latin-1 or utf-16. '
            "Read the file with wwm.read_survey, or save it as parquet."
        )
    mark = source.delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
    refuse_other_delimiter(path, path, encoding or "utf-8", mark)
    with path.open(encoding="utf-8-sig" if _ENCODINGS[encoding] == "utf-8" else encoding, newline="") as stream:
        headers = tuple(next(csv.reader(stream, delimiter=mark), []))
    names = ", ".join(_text(f"column{place}") for place in range(1, len(headers) + 1))
    return (
        f"read_csv({files}, header = true, all_varchar = true, delim = {_text(mark)}, quote = '\"', escape = '\"', "
        f"encoding = {_text(_ENCODINGS[encoding])}, names = [{names}])",
        headers,
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


_READERS: Final = {".parquet": _parquet, ".csv": _delimited, ".tsv": _delimited, ".txt": _delimited}
