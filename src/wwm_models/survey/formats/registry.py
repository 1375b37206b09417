"""From a path and what is declared of the file to its columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from wwm_models.errors import SurveyError, WwmError
from wwm_models.survey.codebook import Source
from wwm_models.survey.columns import RawColumn, RawFile, several
from wwm_models.survey.databases.connections import table_file
from wwm_models.survey.formats.archive import Unpacked, refuse_other_format, unpacked
from wwm_models.survey.formats.columnar import duckdb_columns, is_address, parquet_columns
from wwm_models.survey.formats.excel import sheet_columns
from wwm_models.survey.formats.statistical import por_columns, sas_columns, spss_columns, stata_columns
from wwm_models.survey.formats.text import text_columns

Columns = tuple[RawColumn, ...]
Reader = Callable[[Unpacked, Source], tuple[Columns, int]]

FORMATS: Final[dict[str, tuple[str, Reader]]] = {
    ".csv": ("text", text_columns),
    ".tsv": ("text", text_columns),
    ".txt": ("text", text_columns),
    ".sav": ("SPSS", spss_columns),
    ".zsav": ("SPSS", spss_columns),
    ".por": ("SPSS portable", por_columns),
    ".dta": ("Stata", stata_columns),
    ".sas7bdat": ("SAS", sas_columns),
    ".xlsx": ("Excel", sheet_columns),
    ".parquet": ("parquet", parquet_columns),
    ".duckdb": ("DuckDB", duckdb_columns),
}


def read_file(data: str | Path, source: Source) -> RawFile:
    """Give the columns of a data file, or of a table in a database.

    Parameters
    ----------
    data : str or Path
        A file with one of the endings of `FORMATS`, perhaps compressed (.gz, .bz2, .xz, or .zip with one file in it), or a
        connection string, ``engine://where#table``.
    source : Source
        Encoding, delimiter, decimal mark, sheet or table, most memory and, where locked, the SHA-256 of the file.

    Returns
    -------
    RawFile

    Raises
    ------
    SurveyError
        If the file is absent, empty, of another type, in another encoding, damaged, too large, or not the locked one.
    """
    file = table_file(str(data), source) if is_address(data) else _file(Path(data), source)
    if file.rows == 0 or not file.columns:
        raise SurveyError(
            f"{file.path}: the file has {several(len(file.columns), 'column')} and no rows. Expected at least one respondent. "
            "Give the right file."
        )
    return file


def _file(path: Path, source: Source) -> RawFile:
    with unpacked(path, source.sha256, FORMATS) as found:
        name, reader = FORMATS[found.ending]
        refuse_other_format(path, found.file, found.ending)
        try:
            columns, rows = reader(found, source)
        except WwmError:
            raise
        except MemoryError:
            raise SurveyError(
                f"{path}: the file needs more memory than there is, or a damaged header says so. Expected a whole "
                f"{name} file that fits. Give a smaller extract, or copy the file again."
            ) from None
        except Exception as problem:  # the libraries behind the readers raise anything on damaged bytes
            raise SurveyError(
                f"{path}: the {name} file cannot be read: {_first_line(problem)}. Expected a whole {found.ending} file. "
                "Copy it again, or save it anew from the program that made it."
            ) from None
    return RawFile(path, columns, rows, found.sha256)


def _first_line(problem: Exception) -> str:
    text = str(problem).strip().splitlines()
    return (text[0].rstrip(".") if text else type(problem).__name__)[:300]
