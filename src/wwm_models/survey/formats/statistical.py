"""Files of SPSS, Stata and SAS to columns, with their labels and with user-missing values kept as they are.

The reader has a process of its own (`run_in_subprocess`): fuzzing the library behind these formats with damaged files has ended in
segmentation faults, which no exception can catch. On Linux the reading is therefore done in a forked child that sends the columns back; a child
that dies, or does not end in time, is an error like any other. Elsewhere the reader runs in this process.

SPSS declares numbers or ranges missing; Stata and SAS have letters beside the numbers, .a to .z (SAS also ._). A letter comes back as its own
distinct cell, so that it can be counted by its label like a number. Once pyreadstat has seen a letter in a column, it fills what is missing
without one (the point of Stata and SAS) with whatever its buffer holds. Columns with letters are therefore read a second time without them:
numbers come from there, letters from the first.

References
----------
The documentation of ReadStat and pyreadstat.
"""

from __future__ import annotations

import contextlib
import datetime
import faulthandler
import os
import pickle
import re
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import numpy as np
import pandas as pd

from wwm_models.errors import WwmError
from wwm_models.parallel import end_with
from wwm_models.survey.codebook import Source
from wwm_models.survey.columns import Cell, Labels, RawColumn, Span, moment, number_of, plainly, within
from wwm_models.survey.formats.archive import Size, Unpacked, refuse_large

Result = TypeVar("Result")
SECONDS: Final = 60.0
SECONDS_PER_MEGABYTE: Final = 1.0  # the slowest format reads ten in one
_PART: Final = 1 << 20


class ReaderDied(Exception):  # noqa: N818  # says what happened, for the message
    """The child has not sent a result."""


def run_in_subprocess(task: Callable[[], Result], megabytes: float) -> Result:
    """Run a task in a child process and give its result, or raise what it raised.

    Parameters
    ----------
    task : function without arguments
        Its result must be picklable; it travels through a pipe, never through a file.
    megabytes : float
        Size of what it reads, for the time it may take.

    Raises
    ------
    WwmError
        As the task raised it.
    ReaderDied
        If the child crashed, took too long, or the task raised anything else.
    """
    if not sys.platform.startswith("linux"):
        return task()
    source, sink = os.pipe()
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside threads: the child takes no lock of ours
        child = os.fork()
    if child == 0:
        os.close(source)
        end_with(parent)
        _child(task, sink)
    os.close(sink)
    try:
        content = _received(source, SECONDS + SECONDS_PER_MEGABYTE * megabytes)
    finally:
        os.close(source)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return _opened(content)


def _child(task: Callable[[], Any], sink: int) -> None:
    """Send the outcome and end, without the cleaning up that belongs to the parent."""
    faulthandler.disable()
    with contextlib.suppress(BaseException):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            outcome: tuple[str, Any] = ("result", task())
        except WwmError as problem:
            outcome = ("refused", problem)
        except BaseException as problem:
            outcome = ("failed", str(problem) or type(problem).__name__)
        content = memoryview(pickle.dumps(outcome, protocol=5))
        while content:
            content = content[os.write(sink, content[:_PART]) :]
    os._exit(0)


def _received(source: int, seconds: float) -> bytes:
    """Everything the child sends until it closes its end, or nothing if that takes too long."""
    until = time.monotonic() + seconds
    parts: list[bytes] = []
    while True:
        ready, _, _ = select.select([source], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise ReaderDied(f"the library did not end within {seconds:.0f} seconds")
        part = os.read(source, _PART)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _opened(content: bytes) -> Any:
    try:
        kind, value = pickle.loads(content)  # from our own child, not from the file
    except (EOFError, pickle.UnpicklingError):
        raise ReaderDied("the library crashed on it") from None
    if kind == "refused":
        raise value
    if kind == "failed":
        raise ReaderDied(value)
    return value


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

    return run_in_subprocess(columns, data.bytes / 1e6)


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
