"""Delimited text to columns, line by line: memory grows with distinct cells and one integer per cell, not with the text.

Where the declared encoding does not fit, the error names the place of the first wrong byte and the likely encoding (`check_encoding`).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from wwm_models.errors import DeclarationError, SurveyError, listed
from wwm_models.survey.codebook import Source
from wwm_models.survey.columns import Cell, RawColumn, number_of, several
from wwm_models.survey.formats.archive import Size, Unpacked, refuse_large

# In this order: what decodes as UTF-8 is hardly ever anything else; cp1252 refuses five bytes, latin-1 none.
_LIKELY = ("utf-8", "cp1252", "latin-1")


def check_encoding(encoding: str, path: Path) -> None:
    """Refuse a declared encoding that Python does not know, or that is no encoding of text.

    Raises
    ------
    DeclarationError
    """
    try:
        codecs.lookup(encoding)
        "a".encode(encoding)
    except (LookupError, ValueError):
        raise DeclarationError(
            f'{path}: the declared encoding "{encoding}" is not known. Expected a name such as utf-8, cp1252 (Windows, '
            "western Europe), latin-1 or utf-16. Repair `encoding` in [source]."
        ) from None


def nul_in_text(path: Path, encoding: str) -> str:
    """Say that a text has characters that no text has."""
    return (
        f"{path}: the text has NUL characters when read as {encoding}. Expected none in a text file. The file is "
        'probably UTF-16: write `encoding = "utf-16"` in [source], or save it as UTF-8.'
    )


def wrong_byte(data: bytes, path: Path, encoding: str, delimiter: str) -> str:
    """Say in which row and column the first byte stands that does not belong to the encoding.

    Parameters
    ----------
    data : bytes
    path : Path
        For messages only.
    encoding : str
        As declared in the codebook.
    delimiter : str
        To say in which column the byte stands.
    """
    try:
        data.decode(encoding)
    except UnicodeDecodeError as problem:
        start = problem.start
    except UnicodeError:
        start = 0
    else:
        start = 0
    before = data[:start].decode("latin-1")
    rows = _rows_before(before, delimiter)
    position = max(len(rows[-1]), 1) if rows and not before.endswith("\n") else 1
    row = len(rows) - (0 if before.endswith("\n") else 1)
    header = rows[0] if len(rows) > 1 or row > 0 else []
    name = f' ("{header[position - 1]}")' if position <= len(header) else ""
    place = f"row {row}, counted from 1 below the header" if row > 0 else "the header"
    return (
        f"{path}: byte 0x{data[start]:02x} in {place}, column {position}{name}, is not {encoding}. Expected the whole "
        "file "
        f'in the declared encoding. It is probably {likely(data)}: write `encoding = "{likely(data)}"` in [source] '
        f"of the codebook, or save the file as {encoding}."
    )


def _rows_before(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:  # a cell too long to be one: count lines instead
        return [line.split(delimiter) for line in text.splitlines()]


def likely(data: bytes) -> str:
    """Name the encoding a file is probably in.

    Examples
    --------
    >>> likely("één".encode("cp1252"))
    'cp1252'
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in _LIKELY:
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise AssertionError("latin-1 decodes every byte")


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
