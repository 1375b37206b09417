"""The embedded DuckDB: a table of a DuckDB file, or parquet and text files read piece by piece.

The database may read the file it is asked for and nothing else: no network, no other file, no extension. What does not fit in
memory while it counts goes to a private folder that is removed afterwards.
"""

from __future__ import annotations

import contextlib
import csv
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Final

from wwm_models.errors import SurveyError, listed
from wwm_models.extras import extra
from wwm_models.survey.codebook import Source
from wwm_models.survey.places.address import Address, is_address
from wwm_models.survey.places.place import Place, one_by_one
from wwm_models.survey.readers.columnar import CLOSED, quoted
from wwm_models.survey.readers.sheet import named_table
from wwm_models.survey.readers.size import SHARE_OF_FREE, free_memory
from wwm_models.survey.readers.text import refuse_other_delimiter

_VIEW: Final = "respondents"
_ENCODINGS: Final = {"": "utf-8", "utf-8": "utf-8", "utf8": "utf-8", "latin-1": "latin-1", "utf-16": "utf-16"}


@contextlib.contextmanager
def duckdb_place(address: Address, source: Source) -> Generator[Place]:
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
def file_place(path: Path, source: Source) -> Generator[Place]:
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
            f'{path}: files of type "{ending}" cannot be counted where they lie. Expected one of {listed(_READERS)}, .duckdb or a '
            "connection string. Read the file with wwm.read_survey, or save it as parquet."
        )
    names = ", ".join(_text(str(file)) for file in files)
    reading, headers = _READERS[ending](f"[{names}]", files[0], source)
    with _closed(None, str(path), source, {}, f"[{names}]") as base:
        base.execute(f"create view {_VIEW} as select * from {reading}")
        yield _place(base, str(path), _VIEW, "main", headers)


def countable(path: Path) -> bool:
    """Say whether a file is of a type that DuckDB reads piece by piece.

    Examples
    --------
    >>> countable(Path("answers.parquet")), countable(Path("answers.sav"))
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
def _table_of(path: Path, shown: str, table: str, source: Source, options: Mapping[str, str]) -> Generator[Place]:
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
    duckdb = extra("duckdb", f"{shown}, counted where it lies,")
    with tempfile.TemporaryDirectory(prefix="wwm-") as folder:
        memory = source.memory_gb * 1e9 or SHARE_OF_FREE * free_memory()
        settings = {"memory_limit": f"{memory / 1e6:.0f}MB", "temp_directory": folder, **options}
        with duckdb.connect(str(path or ":memory:"), read_only=path is not None, config=settings) as base:
            base.execute(f"set allowed_paths = {allowed}")
            for name, value in CLOSED.items():
                base.execute(f"set {name} = {value}")
            yield base


def _place(base: Any, shown: str, name: str, schema: str, headers: tuple[str, ...] = ()) -> Place:
    ibis = extra("ibis", f"{shown}, counted where it lies,")
    # Ibis asks DuckDB for types in ways that change between versions of DuckDB; Arrow's do not
    empty = base.sql(f"select * from {quoted(schema)}.{quoted(name)} limit 0").to_arrow_table()
    table = ibis.table(ibis.Schema.from_pyarrow(empty.schema), name=name, database=schema)
    if headers and len(headers) != len(table.columns):
        raise SurveyError(
            f"{shown}: the header has {len(headers)} names, the rows have {len(table.columns)} cells. Expected the same number. Look for a "
            "delimiter in an answer that is not between quotes, or another delimiter than the codebook says."
        )

    def ask(question: Any) -> Any:
        with one_by_one():
            return base.sql(str(ibis.to_sql(question, dialect="duckdb", pretty=False))).to_arrow_table()

    return Place(shown, table, headers or tuple(table.columns), ask)


Reading = tuple[str, tuple[str, ...]]


def _parquet(files: str, path: Path, source: Source) -> Reading:  # noqa: ARG001
    return f"read_parquet({files})", ()


def _delimited(files: str, path: Path, source: Source) -> Reading:
    """All columns as text, as the reader of text files has them; DuckDB would trim and change their names."""
    encoding = source.encoding.lower()
    if encoding not in _ENCODINGS:
        raise SurveyError(
            f'{path}: a text in the encoding "{source.encoding}" cannot be counted where it lies. Expected utf-8, latin-1 or utf-16. '
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
