"""Delimited text to columns, line by line: memory grows with distinct cells and one integer per cell, not with the text."""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from wwm_models.errors import SurveyError, listed
from wwm_models.survey.codebook import Source
from wwm_models.survey.raw import Cell, RawColumn, number_of, several
from wwm_models.survey.readers.encoding import check_encoding, nul_in_text, wrong_byte
from wwm_models.survey.readers.size import Size, refuse_large
from wwm_models.survey.readers.unpacked import Unpacked

_MARKS: Final = ",;\t|"
_LINES: Final = 20  # that are looked at for the delimiter
_DECIMAL: Final = re.compile(r'\s*"?[+-]?[0-9]+,[0-9]+"?\s*')
SAMPLE = 1 << 18  # bytes at the head of the file from which the number of rows is guessed


def text_columns(data: Unpacked, source: Source) -> tuple[tuple[RawColumn, ...], int]:
    """Give the columns of a text file with a header; each keeps its distinct cells and one integer per row.

    Raises
    ------
    SurveyError
        If the text is in another encoding, a quote is open, rows differ in length, or the file is too large.
    """
    encoding = source.encoding or "utf-8"
    delimiter = source.delimiter or ("\t" if data.ending == ".tsv" else ",")
    check_encoding(encoding, data.path)
    refuse_other_delimiter(data.path, data.file, encoding, delimiter)
    refuse_large(data.path, expected_size(data.file, delimiter), source.memory_gb)
    try:
        with io.TextIOWrapper(data.file.open("rb"), encoding=encoding, newline="") as stream:
            return _columns(data.path, _rows(data.path, _lines(stream, data.path, encoding), delimiter), source.decimal)
    except UnicodeError:
        raise SurveyError(wrong_byte(data.file.read_bytes(), data.path, encoding, delimiter)) from None


def refuse_other_delimiter(path: Path, file: Path, encoding: str, delimiter: str) -> None:
    """Refuse a text whose first lines have one column, or uneven ones, with this delimiter and even ones with another.

    Raises
    ------
    SurveyError
    """
    with file.open("rb") as stream:
        head = stream.read(SAMPLE)
    text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    lines = [line for line in text.splitlines()[:_LINES] if line.strip()]
    width = _width(lines, delimiter)
    widths = {mark: _width(lines, mark) for mark in _MARKS if mark != delimiter}
    mark = max(widths, key=lambda one: widths[one])
    if not lines or width > 1 or widths[mark] < 2:
        return
    commas = mark != "," and any(_DECIMAL.fullmatch(cell) for line in lines[1:] for cell in line.split(mark))
    decimal = ' and `decimal = ","`' if commas else ""
    raise SurveyError(
        f"{path}: with the delimiter {_named(delimiter)} the first {several(len(lines), 'line')} do not have equal columns, two or more; "
        f"with {_named(mark)} each has {widths[mark]}. Expected the delimiter of the file. Write `delimiter = {_named(mark)}`"
        f"{decimal} in [source] of the codebook."
    )


def _width(lines: list[str], mark: str) -> int:
    """Columns of each of the lines; 0 where they differ."""
    found = {len(next(csv.reader([line], delimiter=mark), [])) for line in lines}
    return found.pop() if len(found) == 1 else 0


def _named(mark: str) -> str:
    return '"\\t"' if mark == "\t" else f'"{mark}"'


def expected_size(file: Path, delimiter: str) -> Size:
    """Guess rows and columns from the head of a text file and its length."""
    with file.open("rb") as stream:
        head = stream.read(SAMPLE)
    lines = head.count(b"\n") or head.count(b"\r") or 1
    columns = head.split(b"\n", 1)[0].count(delimiter.encode("utf-8")) + 1
    return Size(round(file.stat().st_size * lines / len(head)), columns)


def _columns(path: Path, rows: Iterator[list[str]], decimal: str) -> tuple[tuple[RawColumn, ...], int]:
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
        RawColumn(name, tuple(Cell(cell, number_of(cell, decimal)) for cell in known), np.array(places, dtype=np.intp))
        for name, known, places in zip(header, seen, index, strict=True)
    )
    return columns, count


def _lines(stream: io.TextIOWrapper, path: Path, encoding: str) -> Iterator[str]:
    """Give the lines of a text without a byte order mark; empty lines at its end are none."""
    empty: list[str] = []
    for place, line in enumerate(stream):
        if "\0" in line:
            raise SurveyError(nul_in_text(path, encoding))
        text = line.removeprefix("\ufeff") if place == 0 else line
        if not text.strip("\r\n"):
            empty.append(text)
            continue
        yield from empty
        empty.clear()
        yield text


def _rows(path: Path, lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Give the cells of every row."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
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
