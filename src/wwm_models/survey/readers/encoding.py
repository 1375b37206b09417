"""The declared encoding of a text; where it does not fit, the place of the first wrong byte and the likely encoding."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from wwm_models.errors import DeclarationError

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
