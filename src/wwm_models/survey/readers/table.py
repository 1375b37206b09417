"""A table that a connection string names, read whole like any other file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from wwm_models.errors import SurveyError
from wwm_models.survey.codebook import Source
from wwm_models.survey.places import opened
from wwm_models.survey.raw import RawColumn, RawFile
from wwm_models.survey.readers.columnar import arrow_columns
from wwm_models.survey.readers.size import Size, refuse_large

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
    >>> from wwm_models.survey.raw import Cell
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
