"""Cells of a workbook that hold no value of their own: formulas that no program has computed, and cells merged with others.

openpyxl gives both as empty, which would make them "no answer".
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from wwm_models.errors import SurveyError, listed

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
