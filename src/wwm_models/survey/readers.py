"""Data files to columns: comma separated text and SPSS. No value is read as missing here but an empty cell."""

from __future__ import annotations

import csv
import hashlib
import io
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from wwm_models.errors import SurveyError, listed
from wwm_models.survey.codebook import Source
from wwm_models.survey.encoding import decoded
from wwm_models.survey.raw import Cell, RawColumn, RawFile, number_of, several
from wwm_models.survey.spss import spss_columns


def read_file(path: Path, source: Source) -> RawFile:
    """Give the columns of a data file.

    Parameters
    ----------
    path : Path
        A text file with a header (.csv, .tsv, .txt) or an SPSS file (.sav, .zsav).
    source : Source
        Encoding, delimiter, decimal mark and, where locked, the SHA-256 of the file.

    Returns
    -------
    RawFile

    Raises
    ------
    SurveyError
        If the file is absent, empty, of another type, in another encoding, damaged, or not the locked one.
    """
    if not path.is_file():
        beside = sorted(item.name for item in path.parent.glob(f"*{path.suffix}")) if path.parent.is_dir() else []
        have = (
            f"{path.parent} holds {listed(beside)}."
            if beside
            else f"{path.parent} holds no {path.suffix or 'such'} file."
        )
        raise SurveyError(f"{path}: there is no such data file. {have} Expected a survey file. Repair the path.")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise SurveyError(
            f'{path}: files of type "{path.suffix}" cannot be read. Expected one of {listed(READERS)}. '
            "Save the data as a text file with a header, or as an SPSS file."
        )
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if source.sha256 and found != source.sha256.lower():
        raise SurveyError(
            f"{path}: the file has SHA-256 {found}, the codebook is locked to {source.sha256}. Expected the file the "
            "codebook was made for. Give that file, or, if the change is meant, run `wwm codebook lock` again."
        )
    if not data:
        raise SurveyError(f"{path}: the file is empty. Expected a header and at least one row. Give the right file.")
    columns, rows = reader(path, data, source)
    if rows == 0:
        raise SurveyError(
            f"{path}: the file has {several(len(columns), 'column')} and no rows. Expected at least one respondent. "
            "Give the right file."
        )
    return RawFile(path, columns, rows, found)


def _text_columns(path: Path, data: bytes, source: Source) -> tuple[tuple[RawColumn, ...], int]:
    """Read delimited text; each column keeps its distinct cells and one integer per row."""
    text = decoded(data, path, source.encoding or "utf-8", source.delimiter)
    rows = _rows(path, text, source.delimiter)
    header = next(rows, [])
    if not header:
        raise SurveyError(
            f"{path}: the first line is empty. Expected the names of the columns. Remove empty lines at the top."
        )
    seen: list[dict[str, int]] = [{} for _ in header]
    index = [array("q") for _ in header]
    ragged: list[tuple[int, int]] = []
    count = 0
    for count, row in enumerate(rows, start=1):
        if len(row) != len(header):
            ragged.append((count, len(row)))
            continue
        for cell, known, places in zip(row, seen, index, strict=True):
            places.append(known.setdefault(cell, len(known)))
    if ragged:
        raise SurveyError(_ragged(path, ragged, len(header), count))
    columns = tuple(
        RawColumn(
            name, tuple(Cell(cell, number_of(cell, source.decimal)) for cell in known), np.array(places, dtype=np.intp)
        )
        for name, known, places in zip(header, seen, index, strict=True)
    )
    return columns, count


def _rows(path: Path, text: str, delimiter: str) -> Iterator[list[str]]:
    """Give the rows of a text; empty lines at its end are no rows."""
    reader = csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as problem:
        raise SurveyError(
            f"{path}: line {reader.line_num} cannot be read: {problem}. Expected cells between delimiters, with quotes "
            "in pairs. Repair that line, or the quote that opens before it."
        ) from None


def _ragged(path: Path, ragged: list[tuple[int, int]], width: int, total: int) -> str:
    """Say which rows have another number of cells than the header."""
    first = listed([f"row {row} has {cells}" for row, cells in ragged])
    return (
        f"{path}: {len(ragged)} of {total} rows do not have the {width} cells of the header (counted from 1 below the "
        f"header: {first}). Expected the same number in every row. Look for a delimiter inside an answer that is not "
        "between quotes, or a row that was cut off."
    )


Reader = Callable[[Path, bytes, Source], tuple[tuple[RawColumn, ...], int]]

READERS: dict[str, Reader] = {
    ".csv": _text_columns,
    ".tsv": _text_columns,
    ".txt": _text_columns,
    ".sav": spss_columns,
    ".zsav": spss_columns,
}
