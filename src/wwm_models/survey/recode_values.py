"""Cells of a column to the values of one variable: a cell the codebook does not know is an error, never missing.

`recode_answers` gives the answers of a question. `recode_numbers` gives numbers, `cut_into_levels` their levels; codes that only look like
numbers are errors until declared.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError, listed
from wwm_models.numerics.arrays import Array
from wwm_models.survey.cell_meaning import SAME_CONTENT, check_labels, meaning_of, missing_reason
from wwm_models.survey.codebook import Answer, Cut, Declaration, FromColumn
from wwm_models.survey.columns import Cell, RawColumn, plainly, several
from wwm_models.survey.survey import Variable


@dataclass(frozen=True, eq=False)
class Recoded:
    """One variable for every row of the file.

    Attributes
    ----------
    variable : Variable
    values : (n,) array
        Numbers as they are; answers as their place among the levels, from 0; nan where missing.
    reasons : (n,) array of str
        Why a value is missing; an empty string where it is not.
    """

    variable: Variable
    values: NDArray[np.float64]
    reasons: NDArray[np.object_]

    def column(self) -> pd.Series:
        """Give the values for a frame: floats, or a Categorical that keeps levels nobody has."""
        if self.variable.kind == "number":
            return pd.Series(self.values)
        codes = np.where(np.isnan(self.values), -1, self.values).astype(np.intp)
        levels = pd.Index([level.id for level in self.variable.levels])
        dtype = pd.CategoricalDtype(levels, ordered=self.variable.kind == "ordered")
        return pd.Series(pd.Categorical.from_codes(codes.tolist(), dtype=dtype))


def is_number(item: Declaration, source: FromColumn) -> bool:
    """Say whether the cells of a variable are numbers, perhaps to be cut, rather than answers."""
    return item.variable.kind == "number" or source.cut is not None


def recode_answers(item: Declaration, source: FromColumn, column: RawColumn, *, file: str, where: str) -> Recoded:
    """Give the answer of every row.

    Parameters
    ----------
    item : Declaration
    source : FromColumn
        The source of `item`.
    column : RawColumn
    file, where : str
        Data file and place in the codebook, for messages.

    Raises
    ------
    SurveyError
        If a cell is neither a declared answer nor declared missing, or an SPSS label contradicts the codebook.
    """
    check_labels(item, source, column, file, where)
    meanings = [meaning_of(cell, item.answers, source) for cell in column.cells]
    unknown = [place for place, meaning in enumerate(meanings) if meaning is None]
    if unknown:
        raise SurveyError(_undeclared(item, column, unknown, file=file, where=where))
    values = np.array([float(meaning) if isinstance(meaning, int) else np.nan for meaning in meanings])
    reasons = np.array([meaning if isinstance(meaning, str) else "" for meaning in meanings], dtype=object)
    return Recoded(item.variable, values[column.index], reasons[column.index])


def used_though_missing(item: Declaration, column: RawColumn, *, file: str, where: str) -> tuple[str, ...]:
    """Warn of answers that the file declares missing and the codebook uses; the codebook goes first, but not without a word.

    Parameters
    ----------
    item : Declaration
    column : RawColumn
    file, where : str
        As for `recode_answers`.
    """
    found = [
        f'{_shown(cell)} in {column.where(place)} as "{answer.level.id}"'
        for place, cell in enumerate(column.cells)
        for answer in item.answers
        if cell.user_missing and _is(cell, answer)
    ]
    if not found:
        return ()
    return (
        f'{file}: the file declares missing in "{column.name}" what {where} has as an answer: {listed(found)}. Expected a content to be an '
        "answer or missing in both. The codebook was followed: where the file is right, move the level to `missing`.",
    )


def _is(cell: Cell, answer: Answer) -> bool:
    return any(same(cell, answer) for same in SAME_CONTENT)


def _shown(cell: Cell) -> str:
    return f'{cell.text} ("{cell.label}")' if cell.label else f'"{cell.text}"'


def _undeclared(item: Declaration, column: RawColumn, unknown: Sequence[int], *, file: str, where: str) -> str:
    """Say which contents of a column the codebook does not know, and what to write there."""
    found = [_found(column, place) for place in unknown]
    cell = column.cells[unknown[0]]
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    advice = (
        f"Add it to the level it belongs to, or leave it out for a reason: in {where}, write "
        f'`missing = [ {{ {how_to_declare(cell)}, reason = "..." }} ]`.'
    )
    return (
        f'{file}: variable "{item.variable.name}" (column "{column.name}") has {several(len(unknown), "answer")} that the '
        f"codebook does not know: {'; '.join(found[:5])}{more}. Expected {_expected(item.variable, item.answers)}. {advice}"
    )


def _found(column: RawColumn, place: int) -> str:
    """Describe one unknown content and its rows."""
    cell = column.cells[place]
    rows = column.where(place)
    if column.labels and not cell.label:
        return f"{cell.text} in {column.name} (n = {column.count(place)}) has no label, in {rows}"
    return f"{_shown(cell)} in {rows}"


def _expected(variable: Variable, answers: Sequence[Answer]) -> str:
    """List what each level accepts."""
    parts = [
        f'{" or ".join([*map(plainly, answer.codes), *(repr(text) for text in answer.text)])} for "{level.id}"'
        for level, answer in zip(variable.levels, answers, strict=True)
    ]
    return listed(parts, most=15)


def how_to_declare(cell: Cell, *, by_label: bool = False) -> str:
    """Give the TOML that names a cell; `by_label` prefers a text over a code.

    Examples
    --------
    >>> how_to_declare(Cell("9", 9.0)), how_to_declare(Cell("maybe"))
    ('codes = [9]', 'text = ["maybe"]')
    """
    if by_label or np.isnan(cell.number):
        return f"text = [{json.dumps(cell.label or cell.text, ensure_ascii=False)}]"
    return f"codes = [{plainly(cell.number)}]"


# repeated digits, and what ends in 6 to 9 behind nines
HIGH_CODES: Final = (
    7,
    8,
    9,
    66,
    77,
    88,
    96,
    97,
    98,
    99,
    666,
    777,
    888,
    996,
    997,
    998,
    999,
    6666,
    7777,
    8888,
    9996,
    9997,
    9998,
    9999,
    99999,
)
LOW_CODES: Final = (*range(-9, 0), *(-code for code in HIGH_CODES if code > 9))
_REPEATED: Final = (66, 77, 88)  # ages and shares as well: they must lie further away than half the span of the others
_GAPS: Final = 3.0  # a code is out of line when it lies more than three usual steps from the other values


def recode_numbers(item: Declaration, source: FromColumn, column: RawColumn, *, file: str, where: str) -> Recoded:
    """Give the number of every row, or its level where the codebook cuts the number.

    Parameters
    ----------
    item : Declaration
    source : FromColumn
        The source of `item`.
    column : RawColumn
    file, where : str
        Data file and place in the codebook, for messages.

    Raises
    ------
    SurveyError
        If a cell is no number, lies outside the declared range, or looks like an undeclared missing code.
    """
    cells = column.cells
    reasons = np.array([missing_reason(cell, source) for cell in cells], dtype=object)
    raw = np.array(
        [np.nan if reason else cell.number for cell, reason in zip(cells, reasons, strict=True)], dtype=np.float64
    )
    values = raw if source.birth_year_in is None else source.birth_year_in - raw
    message = (
        _texts(column, raw, reasons, where)
        or _infinite(column, raw, where)
        or _suspects(column, raw, _sure(values, source), where, birth=source.birth_year_in is not None)
        or _outside(column, values, source, where)
    )
    if message:
        raise SurveyError(f'{file}: variable "{item.variable.name}" (column "{column.name}") {message}')
    if source.cut is not None:
        values, reasons = cut_into_levels(values, reasons, source.cut)
    return Recoded(item.variable, values[column.index], reasons[column.index])


def cut_into_levels(values: Array, reasons: NDArray[np.object_], cut: Cut) -> tuple[Array, NDArray[np.object_]]:
    """Give the place of the interval each number lies in; numbers outside all intervals are missing with that reason.

    Parameters
    ----------
    values : (n,) array
        nan where missing.
    reasons : (n,) array of str
    cut : Cut

    Examples
    --------
    >>> places, reasons = cut_into_levels(np.array([18.0, 65.0]), np.array(["", ""], dtype=object), Cut((18, 35, 65)))
    >>> places.tolist(), reasons.tolist()
    ([0.0, nan], ['', 'outside 18-65'])
    """
    places = (
        np.searchsorted(cut.breaks, values, side="right" if cut.closed == "left" else "left").astype(np.float64) - 1
    )
    outside = ((places < 0) | (places > len(cut.breaks) - 2)) & ~np.isnan(values)
    places[outside | np.isnan(values)] = np.nan
    span = f"outside {plainly(float(cut.breaks[0]))}-{plainly(float(cut.breaks[-1]))}"
    return places, np.where(outside, span, reasons).astype(object)


def suspicious(values: Array) -> Array:
    """Give the values that look like codes for a missing answer rather than like numbers.

    These are 7 to 9, 97 to 99 and their like (`HIGH_CODES`) where they lie more than three usual steps (the median difference
    between neighbouring values, at least 1) above or below all values that are no such codes, and their negatives and -1 to -9 where
    nothing else is negative, or where they lie that far below. No code hides another: each is held against the other values only.
    A single digit needs three steps, and one that follows the values closely belongs to them (7 to 9 on a scale from 1 to 9).

    Examples
    --------
    >>> suspicious(np.array([18.0, 19, 20, 22, 60, 99])).tolist()
    [99.0]
    >>> suspicious(np.array([0.0, 1, 2, 3, 4, 5, 8, 9, -88, -99])).tolist()
    [-99.0, -88.0, 8.0, 9.0]
    >>> suspicious(np.array([90.0, 95, 96, 97, 98, 99, 100])).tolist()
    []
    """
    distinct = np.unique(values[np.isfinite(values)])
    rest = distinct[~np.isin(distinct, (*HIGH_CODES, *LOW_CODES))]
    if not len(rest):
        return rest
    step = max(1.0, float(np.median(np.diff(rest)))) if len(rest) > 1 else 1.0
    above, below = distinct[distinct > rest[-1]], distinct[distinct < rest[0]]
    span = float(rest[-1] - rest[0])
    high = _beyond(above - rest[-1], above, step, span) | set(_beyond(rest[0] - below[::-1], below[::-1], step, span))
    low = {float(code) for code in below if code < 0 and (rest[0] >= 0 or rest[0] - code > _GAPS * step)}
    return np.array(sorted({code for code in high if code >= 0} | low), dtype=np.float64)


def _beyond(distances: Array, codes: Array, step: float, span: float) -> set[float]:
    """Give the codes on one side of the other values, nearest first, from the first that none of them or their neighbours reach."""
    reached = 0.0
    for place, (distance, code) in enumerate(zip(distances, codes, strict=True)):
        enough = _GAPS * step <= distance if 0 <= code <= 9 and distance > 0 else _GAPS * step < distance
        if code in _REPEATED:
            enough = enough and distance > span / 2
        if distance - reached <= step:
            reached = float(distance)
        elif enough:
            first = next(number for number in range(place + 1) if distances[number] > reached)
            return {float(one) for one in codes[first:]}
    return set()


def _sure(values: Array, source: FromColumn) -> NDArray[np.bool_]:
    """Say which cells need no suspicion: inside a declared range, or left out by the cut anyway."""
    sure = np.isnan(values)
    if source.maximum is not None:
        sure |= values >= 0
    if source.minimum is not None:
        sure |= values < 0
    if source.cut is not None:
        sure |= (values < source.cut.breaks[0]) | (values > source.cut.breaks[-1])
    return sure


def _texts(column: RawColumn, raw: Array, reasons: NDArray[np.object_], where: str) -> str:
    """Complain of cells that are no numbers."""
    wrong = np.flatnonzero(np.isnan(raw) & (reasons == ""))
    return (
        "" if not len(wrong) else f"holds {_named(column, wrong)}. Expected numbers. {_declare(column, wrong, where)}"
    )


def _infinite(column: RawColumn, raw: Array, where: str) -> str:
    """Complain of numbers that are infinite, or too large to be held."""
    wrong = np.flatnonzero(np.isinf(raw))
    return (
        ""
        if not len(wrong)
        else f"holds {_named(column, wrong)}. Expected finite numbers. {_declare(column, wrong, where)}"
    )


def _suspects(column: RawColumn, raw: Array, sure: NDArray[np.bool_], where: str, *, birth: bool) -> str:
    """Complain of codes that look like missing values."""
    wrong = np.flatnonzero(np.isin(raw, suspicious(raw)) & ~sure)
    if not len(wrong):
        return ""
    rest = raw[~np.isnan(raw) & ~np.isin(raw, suspicious(raw))]
    limit = "minimum" if raw[wrong[0]] < 0 else "maximum"
    real = "" if birth else f" If it is a real number, write `{limit} = {plainly(float(raw[wrong[0]]))}`."
    return (
        f"holds {_named(column, wrong)}, apart from all other values ({plainly(rest.min())} to {plainly(rest.max())}). "
        f"Expected no codes for missing answers among the numbers. {_declare(column, wrong, where)}{real}"
    )


def _outside(column: RawColumn, values: Array, source: FromColumn, where: str) -> str:
    """Complain of numbers outside the declared range."""
    low = -np.inf if source.minimum is None else source.minimum
    high = np.inf if source.maximum is None else source.maximum
    wrong = np.flatnonzero((values < low) | (values > high))
    if not len(wrong):
        return ""
    span = " and ".join(
        [f"{plainly(low)} or more"] * (source.minimum is not None)
        + [f"{plainly(high)} or less"] * (source.maximum is not None)
    )
    return f"holds {_named(column, wrong)}. Expected numbers of {span}. {_declare(column, wrong, where)}"


def _named(column: RawColumn, places: Sequence[int] | NDArray[np.intp]) -> str:
    """Name contents and their rows."""
    parts = [f'"{column.cells[place].text}" in {column.where(int(place))}' for place in places[:5]]
    return "; ".join(parts) + (f"; and {len(places) - 5} more" if len(places) > 5 else "")


def _declare(column: RawColumn, places: NDArray[np.intp], where: str) -> str:
    cell = column.cells[int(places[0])]
    hint = how_to_declare(cell, by_label=bool(np.isinf(cell.number)))
    return f'If it is no number, write in {where}: `missing = [ {{ {hint}, reason = "..." }} ]`; else repair the file.'
