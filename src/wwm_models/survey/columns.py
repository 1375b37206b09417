"""A data file as it was read, before any recoding: columns of distinct cells and the cell of every row."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from wwm_models.arguments import first_rows
from wwm_models.errors import SurveyError, did_you_mean, listed

# Stricter than float(): "nan", "inf" and "1_000" stay text.
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")

_NUMBERED = re.compile(r"^\d+\s*[.:=)]\s+")  # "1. never", "1 = never"
_MARKS = re.compile(r"[_()\[\]{}\"'.,;:!?]")


Labels = Mapping[float | str, str]
Span = tuple[float | str, float | str]


@dataclass(frozen=True)
class Cell:
    """One distinct content of a column.

    Attributes
    ----------
    text : str
        As it stands in the file; a number of an SPSS file as short as possible. Empty: an empty cell.
    number : float
        The same as a number; nan for a text.
    label : str
        The value label of an SPSS file; empty where there is none.
    user_missing : bool
        The SPSS file declares this value missing.
    """

    text: str
    number: float = float("nan")
    label: str = ""
    user_missing: bool = False


@dataclass(frozen=True, eq=False)
class RawColumn:
    """One column of the file.

    Attributes
    ----------
    name : str
    cells : tuple of Cell
        The distinct contents.
    index : (n,) int array
        Which of `cells` each row holds.
    labels : mapping of value to label
        All value labels of a statistical file, also of values nobody has.
    label : str
        What the file says of the column itself; often the whole question.
    measure : {"", "nominal", "ordinal", "scale"}
        As the file declares it; empty where it does not.
    missing : tuple of (lowest, highest)
        Values and ranges that the file declares missing.
    counts : (cells,) int array or None
        Rows of each content, where only these were read and `index` is their own numbers.
    """

    name: str
    cells: tuple[Cell, ...]
    index: NDArray[np.intp]
    labels: Labels = field(default_factory=lambda: MappingProxyType({}))
    label: str = ""
    measure: str = ""
    missing: tuple[Span, ...] = ()
    counts: NDArray[np.intp] | None = None

    def numbers(self) -> NDArray[np.float64]:
        """Give (n,) the number of each row; nan for texts, empty cells and values the file declares missing."""
        values = [float("nan") if cell.user_missing else cell.number for cell in self.cells]
        return np.array([*values, np.nan])[self.index]

    def rows_of(self, place: int) -> NDArray[np.intp]:
        """Give the rows, from 0, that hold the distinct content at `place`."""
        return np.flatnonzero(self.index == place)

    def count(self, place: int) -> int:
        """Give the number of rows that hold it."""
        return len(self.rows_of(place)) if self.counts is None else int(self.counts[place])

    def where(self, place: int) -> str:
        """Say in how many rows it stands, and in which first where they are known."""
        if self.counts is None:
            return first_rows(self.rows_of(place), len(self.index))
        return some_rows(self.count(place), int(self.counts.sum()))


@dataclass(frozen=True, eq=False)
class RawFile:
    """A data file or a table: its columns in order, and the SHA-256 of the file's bytes or of the table's contents.

    `path` of a table is its connection string, without a password.
    """

    path: Path | str
    columns: tuple[RawColumn, ...]
    rows: int
    sha256: str


def number_of(text: str, decimal: str = ".") -> float:
    """Give the number a text stands for, or nan.

    Examples
    --------
    >>> number_of("1.0"), number_of("0,5", decimal=","), number_of("None")
    (1.0, 0.5, nan)
    """
    plain = text if decimal == "." else text.replace(decimal, ".")
    return float(plain) if _NUMBER.fullmatch(plain) else float("nan")


def within(value: float | str, spans: Iterable[Span]) -> bool:
    """Say whether a value lies in one of the ranges; numbers and texts are never in each other's.

    Examples
    --------
    >>> within(8.0, [(7.0, 9.0)]), within("a", [(7.0, 9.0)])
    (True, False)
    """
    text = isinstance(value, str)
    return any(
        low <= value <= high  # pyright: ignore[reportOperatorIssue]
        for low, high in spans
        if isinstance(low, str) == text and isinstance(high, str) == text
    )


def plainly(number: float) -> str:
    """Write a number without a needless fraction.

    Examples
    --------
    >>> plainly(4.0), plainly(0.25)
    ('4', '0.25')
    """
    return str(int(number)) if number.is_integer() else repr(number)


def moment(value: datetime.date | datetime.time) -> str:
    """Write a day or a time as ISO 8601 does; midnight, which is how several formats keep a day, as that day.

    Examples
    --------
    >>> moment(datetime.datetime(2021, 5, 4)), moment(datetime.datetime(2021, 5, 4, 12, 30))
    ('2021-05-04', '2021-05-04T12:30:00')
    """
    day = isinstance(value, datetime.datetime) and value.tzinfo is None and value.time() == datetime.time()
    return value.date().isoformat() if day else value.isoformat()  # pyright: ignore[reportAttributeAccessIssue]


def squeezed(text: str) -> str:
    """Give a text without the differences of white space and capitals that eyes do not see."""
    return " ".join(text.split()).casefold()


def words_of(text: str) -> str:
    """Give the words of a label or an id, without marks and without a number in front, as labels are compared with names of answers.

    Examples
    --------
    >>> words_of("1. (Bijna) iedere dag"), words_of("almost_daily"), words_of("18-34"), words_of("1")
    ('bijna iedere dag', 'almost daily', '18-34', '1')
    """
    plain = _NUMBERED.sub("", squeezed(text)) or squeezed(text)
    return " ".join(_MARKS.sub(" ", plain).split()) or plain


def reads_as(text: str, texts: Iterable[str]) -> bool:
    """Say whether a text is one of several but for capitals and needless white space; white space alone is only itself.

    Examples
    --------
    >>> reads_as("Zeer  Negatief ", ["zeer negatief"]), reads_as(" ", [""])
    (True, False)
    """
    known = tuple(texts)
    if not known or text in known:
        return bool(known)
    plain = squeezed(text)
    return bool(plain) and any(squeezed(one) == plain for one in known)


def several(count: int, noun: str) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> several(1, "column"), several(2, "column")
    ('1 column', '2 columns')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def some_rows(count: int, total: int) -> str:
    """Say how many rows, where nobody knows which.

    Examples
    --------
    >>> some_rows(2, 5)
    '2 of 5 rows'
    """
    return f"{count} of {total} rows"


def column_named(file: RawFile, name: str, where: str) -> RawColumn:
    """Give the one column with this name, or say what the file has instead.

    Parameters
    ----------
    file : RawFile
    name : str
        The whole header of the column.
    where : str
        What in the codebook asks for the column.

    Raises
    ------
    SurveyError
        If no column, or more than one, has the name.
    """
    found = [column for column in file.columns if column.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        places = [place for place, column in enumerate(file.columns, start=1) if column.name == name]
        raise SurveyError(
            f'{file.path}: {len(found)} columns are named "{name}" (positions {listed(places)}), and {where} names '
            "that column. Expected names that occur once. Rename one of them in the file, or, for a variable, say "
            f"which is meant with `position = {places[0]}`."
        )
    raise SurveyError(
        f'{file.path}: there is no column "{name}", which {where} names. {_what_there_is(file, name)} '
        "Write the header exactly as it stands in the file."
    )


def column_at(file: RawFile, position: int, where: str) -> RawColumn:
    """Give the column at a position counted from 1."""
    if not 1 <= position <= len(file.columns):
        raise SurveyError(
            f"{file.path}: {where} asks for position {position}, and the file has "
            f"{several(len(file.columns), 'column')}. Expected a position from 1 to {len(file.columns)}, the first "
            "column of the file being 1. Repair the position."
        )
    return file.columns[position - 1]


def _what_there_is(file: RawFile, name: str) -> str:
    """Name the nearest columns, or the sign that the delimiter is another one."""
    names = [column.name for column in file.columns]
    twin = [known for known in names if squeezed(known) == squeezed(name)]
    if twin:
        return f"A column differs only in white space or capitals: the file has {twin[0]!r}, the codebook has {name!r}."
    other = [mark for mark in ";\t|" if mark in names[0]]
    if len(names) == 1 and other:
        return f"The whole header is one column; the file seems to need `delimiter = {_shown(other[0])}` in [source]."
    return f"The file has {several(len(names), 'column')}: {listed([repr(known) for known in names])}.{did_you_mean(name, names)}"


def _shown(mark: str) -> str:
    return '"\\t"' if mark == "\t" else f'"{mark}"'
