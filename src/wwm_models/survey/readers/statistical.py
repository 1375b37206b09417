"""Files of SPSS, Stata and SAS to columns, with their labels and with user-missing values kept as they are.

SPSS declares numbers or ranges missing; Stata and SAS have letters beside the numbers, .a to .z (SAS also ._). A letter
comes back as its own distinct cell, so that it can be counted by its label like a number. References: the documentation of
ReadStat and pyreadstat.

Once pyreadstat has seen a letter in a column, it fills what is missing without one (the point of Stata and SAS) with whatever its
buffer holds. Columns with letters are therefore read a second time without them: numbers come from there, letters from the first.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from wwm_models.survey.codebook import Source
from wwm_models.survey.raw import Cell, Labels, RawColumn, Span, moment, number_of, plainly, within
from wwm_models.survey.readers.apart import apart
from wwm_models.survey.readers.size import Size, refuse_large
from wwm_models.survey.readers.unpacked import Unpacked

Columns = tuple[tuple[RawColumn, ...], int]
_MEASURES: Final = ("nominal", "ordinal", "scale")
# formats that may be those of days: of SPSS and SAS (DATE11, MMDDYY10, MONYY7 ...) and of Stata
_DATED: Final = re.compile(r"(?i)date|ymd|yy|julian|mon|yr|8601da|8601dt|nldat|^%-?[td]")
_PARTS: Final = re.compile(r"%-?t([wmqh]).*")  # Stata's weeks, months, quarters and half-years since 1960
_YEAR: Final = {"w": 52, "m": 12, "q": 4, "h": 2}
_AS_IT_STANDS: Final = {"disable_datetime_conversion": True}


def spss_columns(data: Unpacked, source: Source) -> Columns:
    """Give the columns and the number of rows of a .sav or .zsav file."""
    import pyreadstat  # 0.1 s, and only for these files

    return _read(pyreadstat.read_sav, data, source, user_missing=True, encoding=source.encoding or None)


def stata_columns(data: Unpacked, source: Source) -> Columns:
    """Give the columns and the number of rows of a .dta file."""
    import pyreadstat  # 0.1 s, and only for these files

    return _read(pyreadstat.read_dta, data, source, user_missing=True, encoding=source.encoding or None)


def sas_columns(data: Unpacked, source: Source) -> Columns:
    """Give the columns and the number of rows of a .sas7bdat file; its value labels stand in another file."""
    import pyreadstat  # 0.1 s, and only for these files

    return _read(pyreadstat.read_sas7bdat, data, source, user_missing=True, encoding=source.encoding or None)


def por_columns(data: Unpacked, source: Source) -> Columns:
    """Give the columns and the number of rows of an SPSS portable file, which has no encoding to declare.

    ``pyreadstat.read_por`` turns user-missing values into empty cells, which would lose their number and their reason; the
    function below it does not, when asked.
    """
    from pyreadstat import pyreadstat as library

    def read_por(file: str, **options: Any) -> tuple[pd.DataFrame, Any]:
        return cast("Any", library).parser_entry_point(file, parser_format="por", **options)

    return _read(read_por, data, source, user_missing=True)


def _read(reader: Any, data: Unpacked, source: Source, **options: Any) -> Columns:
    read = cast("Callable[..., tuple[pd.DataFrame, Any]]", reader)
    encoding = {key: value for key, value in options.items() if key == "encoding"}

    def columns() -> Columns:
        _, head = read(str(data.file), metadataonly=True, **encoding)
        if head.number_rows is not None:
            refuse_large(data.path, Size(int(head.number_rows), int(head.number_columns)), source.memory_gb)
        frame, meta = read(str(data.file), **_AS_IT_STANDS, **options)
        if lettered := [name for name in frame.columns if name in meta.missing_user_values]:
            plain, _ = read(str(data.file), usecols=lettered, **_AS_IT_STANDS, **encoding)
            frame = frame.assign(**{name: _numbers_and_letters(plain[name], frame[name]) for name in lettered})
        if dated := [name for name in frame.columns if _DATED.search(str(meta.original_variable_types.get(name, "")))]:
            days, _ = read(str(data.file), usecols=dated, **encoding)
            kinds = meta.original_variable_types
            frame = frame.assign(**{name: _days(days[name], frame[name], str(kinds[name])) for name in dated})
        return tuple(_described(frame, meta, place) for place in range(frame.shape[1])), len(frame)

    return apart(columns, data.bytes / 1e6)


def _numbers_and_letters(plain: pd.Series, lettered: pd.Series) -> pd.Series:
    """Give a column its numbers from one reading and its letters from another; the rest is missing.

    Parameters
    ----------
    plain : (n,) Series
        Without letters: nan wherever something is missing.
    lettered : (n,) Series
        A text where a letter is missing; elsewhere not to be trusted.
    """
    letters = lettered.map(lambda value: isinstance(value, str)).to_numpy(dtype=bool) & plain.isna().to_numpy()
    return plain.astype(object).mask(letters, lettered.astype(object))


def _days(days: pd.Series, raw: pd.Series, kind: str) -> pd.Series:
    """Give a column of days as texts, as every other reader has them: these files keep a day as a number, which would pass for one.

    Parameters
    ----------
    days : (n,) Series
        As pyreadstat converts them: dates, date-times, or still numbers.
    raw : (n,) Series
        As they stand in the file, with values that it declares missing.
    kind : str
        The format in the file, such as DATE11 or %tm.
    """
    part = _PARTS.fullmatch(kind)
    made = [
        moment(pd.Timestamp(day).to_pydatetime() if isinstance(day, pd.Timestamp) else day)
        if isinstance(day, datetime.date) and not pd.isna(day)
        else f"{1960 + int(value) // _YEAR[part[1]]}{part[1]}{int(value) % _YEAR[part[1]] + 1}"
        if part and isinstance(value, float) and value == value
        else value
        for day, value in zip(days, raw, strict=True)
    ]
    return pd.Series(made, index=raw.index, dtype=object) if any(isinstance(value, str) for value in made) else raw


def _described(frame: pd.DataFrame, meta: Any, place: int) -> RawColumn:
    name = str(frame.columns[place])
    labels = _normal(meta.variable_value_labels.get(name, {}))
    measure = str(meta.variable_measure.get(name, ""))
    label = meta.column_labels[place] if place < len(meta.column_labels) else None
    made = column_of_values(name, frame.iloc[:, place], labels, _spans(meta, name))
    return RawColumn(
        name, made.cells, made.index, labels, str(label or ""), measure if measure in _MEASURES else "", made.missing
    )


def column_of_values(name: str, series: pd.Series, labels: Labels, missing: tuple[Span, ...]) -> RawColumn:
    """Give the distinct values of a column, each with its label; a system-missing value is an empty cell."""
    index, values = pd.factorize(series, use_na_sentinel=True)
    cells = [_cell(value, labels, missing) for value in values]
    if (index < 0).any():
        cells.append(Cell(""))
        index = np.where(index < 0, len(cells) - 1, index)
    return RawColumn(name, tuple(cells), index.astype(np.intp), labels, missing=missing)


def _spans(meta: Any, name: str) -> tuple[Span, ...]:
    """Give what the file declares missing: ranges of SPSS, or letters of Stata and SAS."""
    ranges = cast("Sequence[Mapping[str, Any]]", meta.missing_ranges.get(name, ()))
    letters = cast("Sequence[str]", meta.missing_user_values.get(name, ()))
    return (*((part["lo"], part["hi"]) for part in ranges), *((letter, letter) for letter in letters))


def _normal(labels: Mapping[Any, str]) -> dict[float | str, str]:
    return {value if isinstance(value, str) else float(value): label for value, label in labels.items()}


def _cell(value: object, labels: Labels, missing: tuple[Span, ...]) -> Cell:
    if isinstance(value, str):
        return Cell(value, number_of(value), labels.get(value, ""), user_missing=within(value, missing))
    number = float(cast("float", value))
    return Cell(plainly(number), number, labels.get(number, ""), within(number, missing))
