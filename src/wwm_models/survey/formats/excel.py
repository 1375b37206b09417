"""Excel workbooks to columns: one sheet, values as they stand, formulas as their last result.

A workbook is a zip archive of XML. The archive is held to limits before it is opened, and the XML is read by defusedxml (no entities, no external
files). No formula is computed: cells that hold no value of their own, formulas that no program has computed and cells merged with others, are
refused (`refuse_uncomputed`), since openpyxl gives both as empty, which would make them "no answer". Numbers that a workbook formats as dates
come as dates, logical values as true and false, error cells as their text (#N/A), which a codebook must declare like any other content. Hidden
rows and columns are read like others.
"""

from __future__ import annotations

import datetime
import re
import warnings
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.survey.codebook import Source
from wwm_models.survey.columns import Cell, RawColumn, moment, number_of, plainly
from wwm_models.survey.formats.archive import Size, Unpacked, refuse_bomb, refuse_large

_MARKS: Final = re.compile(rb"<(\w+:)?(f|mergeCell)[\s/>]")
_PART: Final = 1 << 20
_LONGEST: Final = 64  # bytes of a mark


def refuse_uncomputed(path: Path, file: Path, sheet: str) -> None:
    """Refuse a sheet in which formulas have no stored result, or cells below the header are merged.

    Parameters
    ----------
    path, file : Path
        Of the workbook, for messages and for reading.
    sheet : str
        Path of the sheet in the archive.

    Raises
    ------
    SurveyError
    """
    with zipfile.ZipFile(file) as archive:
        with archive.open(sheet.lstrip("/")) as stream:
            if not _has_marks(stream):
                return
        with archive.open(sheet.lstrip("/")) as stream:
            formulas, empty, merged = _looked_at(stream)
    if empty:
        raise SurveyError(
            f"{path}: {len(empty)} of {formulas} formulas have no stored result (cells {listed(empty)}). Expected values: formulas are not "
            "computed here. Open the workbook in the program it is of and save it there, or save the sheet as csv."
        )
    if merged:
        raise SurveyError(
            f"{path}: the sheet has {len(merged)} merged ranges below the header ({listed(merged)}). Expected a value in every cell: only the "
            "first of merged cells has one. Unmerge them, and fill in what they share."
        )


def _has_marks(stream: IO[bytes]) -> bool:
    before = b""
    while part := stream.read(_PART):
        if _MARKS.search(before + part):
            return True
        before = part[-_LONGEST:]
    return False


def _looked_at(stream: IO[bytes]) -> tuple[int, list[str], list[str]]:
    """Count formulas, and name those without a result and the merged ranges that reach below the first row."""
    formulas, empty, merged = 0, list[str](), list[str]()
    for element in _elements(stream):
        name = _name(element)
        if name == "c":
            children = {_name(child): child for child in element}
            if "f" in children:
                formulas += 1
                if not _has_result(element, children):
                    empty.append(str(element.get("r", "?")))
        elif name == "mergeCell":
            span = str(element.get("ref", ""))
            if ":" in span and int(re.sub(r"\D", "", span.partition(":")[2]) or 1) > 1:
                merged.append(span)
        if name in ("c", "row"):
            element.clear()
    return formulas, empty, merged


def _has_result(cell: Any, children: dict[str, Any]) -> bool:
    """A text may be empty; a number, a logical value and an error are not."""
    value = children.get("v")
    return "is" in children or (value is not None and (bool(value.text) or cell.get("t") == "str"))


def _elements(stream: IO[bytes]) -> Iterator[Any]:
    from defusedxml.ElementTree import iterparse

    for _, element in iterparse(stream):
        yield element


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


MOST_ROWS: Final = 1 << 20  # of Excel itself
MOST_CELLS: Final = 100_000_000  # empty ones included: a row with one cell far to the right counts as full


def sheet_columns(data: Unpacked, source: Source) -> tuple[tuple[RawColumn, ...], int]:
    """Give the columns and the number of rows of a workbook's sheet.

    Raises
    ------
    SurveyError
        If there are several sheets and none is declared, rows are wider than the header, or the archive is a bomb.
    """
    import openpyxl  # 0.2 s, and only for these files

    with zipfile.ZipFile(data.file) as archive:
        refuse_bomb(data.path, archive)
        cells = sum(member.file_size for member in archive.infolist() if "/sheet" in member.filename) // 20
    refuse_large(data.path, Size(cells, 1), source.memory_gb)  # a cell takes 20 characters of XML or more
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and validations, which are not read
        book = openpyxl.load_workbook(data.file, read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book[named_table(source.table, book.sheetnames, data.path, "sheet")]
            refuse_uncomputed(data.path, data.file, str(sheet._worksheet_path))  # pyright: ignore[reportAttributeAccessIssue]
            return _columns(data.path, _rows(data.path, sheet), source)
        finally:
            book.close()


def named_table(declared: str, names: Sequence[str], path: Path | str, what: str) -> str:
    """Give the sheet or table that is meant: the declared one, or the only one."""
    if declared in names:
        return declared
    if not declared and len(names) == 1:
        return names[0]
    found = f'there is no {what} "{declared}"' if declared else f"there are {len(names)} {what}s"
    raise SurveyError(
        f"{path}: {found}; the file holds {listed(names, most=20)}.{did_you_mean(declared, names)} Expected one to read. "
        f'Write `table = "{names[0] if names else "..."}"` in [source] of the codebook.'
    )


def _rows(path: Path, sheet: Any) -> Iterator[list[Any]]:
    """Give the rows up to the last one with a value, each up to its last value."""
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    empty: list[list[Any]] = []
    cells = 0
    for place, row in enumerate(sheet.iter_rows(values_only=True)):
        cells += len(row) + 1
        if place > MOST_ROWS or cells > MOST_CELLS:
            raise SurveyError(
                f"{path}: the sheet has more than {MOST_ROWS:,} rows or {MOST_CELLS:,} cells. Expected a survey. Remove "
                "what stands far below or beside the data, or save the sheet as csv."
            )
        values = list(row)
        while values and values[-1] in (None, ""):
            values.pop()
        if not values:
            empty.append(values)
            continue
        yield from empty
        empty.clear()
        yield values


def _columns(path: Path, rows: Iterator[list[Any]], source: Source) -> tuple[tuple[RawColumn, ...], int]:
    header = [_text(value) for value in next(rows, [])]
    if not header:
        raise SurveyError(
            f"{path}: the first row of the sheet is empty. Expected the names of the columns. Remove empty rows at the top."
        )
    seen: list[dict[Any, int]] = [{} for _ in header]
    index = [array("q") for _ in header]
    wide: list[int] = []
    count = 0
    for count, row in enumerate(rows, start=1):
        if len(row) > len(header):
            wide.append(count)
            continue
        padded = [*row, *[None] * (len(header) - len(row))]
        for value, known, places in zip(padded, seen, index, strict=True):
            key = "" if value is None else value
            places.append(known.setdefault((type(key), key), len(known)))
    if wide:
        raise SurveyError(
            f"{path}: {len(wide)} of {count} rows have values to the right of the {len(header)} columns of the header (rows, "
            f"counted from 1 below it: {listed(wide)}). Expected a name above every column. Add the name or remove the values."
        )
    made = [
        RawColumn(name, tuple(_cell(key, source.decimal) for _, key in known), np.array(places, dtype=np.intp))
        for name, known, places in zip(header, seen, index, strict=True)
    ]
    return tuple(made), count


def _cell(value: Any, decimal: str) -> Cell:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Cell(plainly(float(value)), float(value))
    text = _text(value)
    return Cell(text, number_of(text, decimal))


def _text(value: Any) -> str:
    """Give a value as text: dates as ISO 8601 writes them, numbers without a needless fraction."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return plainly(float(value))
    if isinstance(value, datetime.date | datetime.time):
        return moment(value)
    return str(value)
