"""Cells of a column to the values of one variable: a cell the codebook does not know is an error, never missing.

`recode_answers` gives the answers of a question. `recode_numbers` gives numbers, `cut_into_levels` their levels; codes that only look like
numbers are errors until declared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError, listed
from wwm_models.numerics.arrays import Array
from wwm_models.survey.codebook import Answer, Cut, Declaration, FromColumn, MissingAnswer
from wwm_models.survey.columns import Cell, RawColumn, plainly, reads_as, several, words_of
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


Meaning = int | str  # the place of a level, or the reason of a missing value
# What a cell is held against, the surest first: a label may be the number of another code, and a text the number of another text.
_SAME: Final[tuple[Callable[[Cell, Answer | MissingAnswer], bool], ...]] = (
    lambda cell, part: cell.number in part.codes,
    lambda cell, part: bool(cell.label) and reads_as(cell.label, part.text),
    lambda cell, part: reads_as(cell.text, part.text),
    lambda cell, part: cell.number in part.numbers,
)


def missing_reason(cell: Cell, source: FromColumn) -> str:
    """Say why a cell is no answer: declared in the codebook, empty, or declared missing in an SPSS file.

    Returns
    -------
    str
        Empty where the cell may be an answer. The codebook goes before the SPSS file.
    """
    for same in _SAME:
        for part in source.missing:
            if same(cell, part):
                return part.reason
    if not cell.text:
        return source.empty
    if cell.user_missing:
        return cell.label or f"declared missing in the file ({cell.text})"
    return ""


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
    _check_labels(item, source, column, file, where)
    meanings = [_meaning(cell, item.answers, source) for cell in column.cells]
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
    return any(same(cell, answer) for same in _SAME)


def _shown(cell: Cell) -> str:
    return f'{cell.text} ("{cell.label}")' if cell.label else f'"{cell.text}"'


def _meaning(cell: Cell, answers: Sequence[Answer], source: FromColumn) -> Meaning | None:
    """Give the level or the reason; None for a cell the codebook does not know. A declared answer goes first."""
    for same in _SAME:
        for place, answer in enumerate(answers):
            if same(cell, answer):
                return place
    return missing_reason(cell, source) or None


def _check_labels(item: Declaration, source: FromColumn, column: RawColumn, file: str, where: str) -> None:
    """Hold the value labels of a file against what the codebook makes of their codes: its texts, and the names of its levels.

    A label need not be a name of its level (the file's words are seldom ours), but where it is the name of another level, the scale
    is read upside down or out of order.
    """
    for answer in item.answers:
        for code in answer.codes:
            label = column.labels.get(code)
            if (
                label is not None
                and answer.text
                and not reads_as(label, answer.text)
                and not _levels_named(item, label)
            ):
                texts = " or ".join(f'"{text}"' for text in answer.text)
                raise SurveyError(
                    f'{file}: the label of {plainly(code)} in "{column.name}" is "{label}"; {where} says that '
                    f'{plainly(code)} is "{answer.level.id}" and reads {texts}. Expected the same text in both. If '
                    f"the code is right, write `text = [{json.dumps(label, ensure_ascii=False)}]`; if the label is "
                    "right, repair `codes`."
                )
    wrong = [one for one in labelled_answers(item, source, column) if one.named and not one.agrees]
    if wrong:
        raise SurveyError(_out_of_order(item, column, wrong, file, where))


@dataclass(frozen=True)
class LabelledAnswer:
    """A value that the file labels, and what the codebook makes of it.

    Attributes
    ----------
    value : float or str
    label : str
        The file's.
    meaning : int, str or None
        The place of a level, the reason of a missing value, or None where the codebook does not know the value.
    named : tuple of int
        Places of the levels that have the label as a text, id or label of their own.
    """

    value: float | str
    label: str
    meaning: Meaning | None
    named: tuple[int, ...]

    @property
    def agrees(self) -> bool:
        """Whether the label is a name of the level that the codebook reads."""
        return self.meaning in self.named

    @property
    def shown(self) -> str:
        """The value as a codebook writes it."""
        return self.value if isinstance(self.value, str) else plainly(self.value)


def labelled_answers(item: Declaration, source: FromColumn, column: RawColumn) -> tuple[LabelledAnswer, ...]:
    """Give every value that the file labels, in its order, with what the codebook makes of it.

    Parameters
    ----------
    item : Declaration
    source : FromColumn
        The source of `item`.
    column : RawColumn
    """
    found: list[LabelledAnswer] = []
    for value, label in column.labels.items():
        cell = Cell(value, label=label) if isinstance(value, str) else Cell(plainly(value), value, label)
        found.append(LabelledAnswer(value, label, _meaning(cell, item.answers, source), _levels_named(item, label)))
    return tuple(found)


def _levels_named(item: Declaration, label: str) -> tuple[int, ...]:
    """Places of the levels whose texts or names are the words of a label; a text goes before a name."""
    words = words_of(label)
    by_text = tuple(place for place, answer in enumerate(item.answers) if reads_as(label, answer.text))
    return by_text or tuple(
        place
        for place, answer in enumerate(item.answers)
        if words in {words_of(name) for name in (*answer.text, answer.level.id, answer.level.nl, answer.level.en)}
    )


def _out_of_order(item: Declaration, column: RawColumn, wrong: Sequence[LabelledAnswer], file: str, where: str) -> str:
    """Show labels that are names of other levels than the codebook reads, and the codes that would agree."""
    ids = [f'"{answer.level.id}"' for answer in item.answers]
    pairs = [
        f'{one.shown} is "{one.label}" in the file and {ids[one.meaning] if isinstance(one.meaning, int) else f"no answer ({one.meaning})"}'
        " in the codebook"
        for one in wrong
    ]
    codes: dict[int, list[str]] = {}
    for one in wrong:
        codes.setdefault(one.named[0], []).append(one.shown)
    repaired = [f"`codes = [{', '.join(values)}]` for {ids[place]}" for place, values in sorted(codes.items())]
    backwards = item.variable.kind == "ordered" and _backwards(wrong)
    how = "run the other way round than" if backwards else "stand for other answers than in"
    return (
        f'{file}: the labels of "{column.name}" {how} {where}: {listed(pairs, most=10)}. Expected each value to mean the same in both. '
        f"Write {listed(repaired, most=10)}; where the label in the file is wrong, write it as `text` of the level that the value is."
    )


def _backwards(wrong: Sequence[LabelledAnswer]) -> bool:
    """Whether levels fall as the labels rise."""
    pairs = [(one.meaning, one.named[0]) for one in wrong if isinstance(one.meaning, int)]
    ordered = [named for _, named in sorted(pairs)]
    return len(ordered) > 1 and ordered == sorted(ordered, reverse=True)


def labels_unlike(
    item: Declaration, source: FromColumn, column: RawColumn, *, file: str, where: str
) -> tuple[str, ...]:
    """Show labels of the file that are no name of any level, so that nobody but a reader can say whether their codes are right.

    Parameters
    ----------
    item : Declaration
    source : FromColumn
    column : RawColumn
    file, where : str
        As for `recode_answers`.
    """
    found = [
        f'{one.shown} "{one.label}" is read as "{item.answers[one.meaning].level.id}"'
        for one in labelled_answers(item, source, column)
        if isinstance(one.meaning, int) and not one.named
    ]
    if not found:
        return ()
    return (
        f'{file}: labels of "{column.name}" that are no name of an answer in {where}: {listed(found, most=10)}. Expected words that the '
        "codebook has too. Look whether each is read rightly; if so, write the label as `text` of its level.",
    )


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
