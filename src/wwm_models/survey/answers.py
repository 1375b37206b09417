"""Cells of a column to the answers of a question; a cell the codebook does not know is an error, never missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from wwm_models.errors import SurveyError, listed
from wwm_models.records.survey import Variable
from wwm_models.survey.codebook import Answer, Declaration, FromColumn, MissingAnswer
from wwm_models.survey.raw import Cell, RawColumn, plainly, several, squeezed
from wwm_models.survey.recoded import Recoded

Meaning = int | str  # the place of a level, or the reason of a missing value
# What a cell is held against, the surest first: a label may be the number of another code, and a text the number of another text.
_SAME: Final[tuple[Callable[[Cell, Answer | MissingAnswer], bool], ...]] = (
    lambda cell, part: cell.number in part.codes,
    lambda cell, part: bool(cell.label) and cell.label in part.text,
    lambda cell, part: cell.text in part.text,
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
    _check_labels(item, column, file, where)
    meanings = [_meaning(cell, item.answers, source) for cell in column.cells]
    unknown = [place for place, meaning in enumerate(meanings) if meaning is None]
    if unknown:
        raise SurveyError(_undeclared(item, source, column, unknown, file=file, where=where))
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


def _check_labels(item: Declaration, column: RawColumn, file: str, where: str) -> None:
    """Hold codes with a declared text against the value labels of an SPSS file."""
    for answer in item.answers:
        for code in answer.codes:
            label = column.labels.get(code)
            if label is not None and answer.text and label not in answer.text:
                texts = " or ".join(f'"{text}"' for text in answer.text)
                raise SurveyError(
                    f'{file}: the label of {plainly(code)} in "{column.name}" is "{label}"; {where} says that '
                    f'{plainly(code)} is "{answer.level.id}" and reads {texts}. Expected the same text in both. If '
                    f"the code is right, write `text = [{json.dumps(label, ensure_ascii=False)}]`; if the label is "
                    "right, repair `codes`."
                )
    by_text = {text: answer.level.id for answer in item.answers for text in answer.text}
    by_code = {code: answer.level.id for answer in item.answers for code in answer.codes}
    for code, label in column.labels.items():
        if (
            isinstance(code, float)
            and by_code.get(code, "") != by_text.get(label, by_code.get(code, ""))
            and code in by_code
        ):
            raise SurveyError(
                f'{file}: the label of {plainly(code)} in "{column.name}" is "{label}"; {where} puts that text in '
                "level "
                f'"{by_text[label]}" and that code in level "{by_code[code]}". Expected both in one level. Repair '
                "`codes` or `text`."
            )


def _undeclared(
    item: Declaration, source: FromColumn, column: RawColumn, unknown: Sequence[int], *, file: str, where: str
) -> str:
    """Say which contents of a column the codebook does not know, and what to write there."""
    known = {squeezed(text): text for part in (*item.answers, *source.missing) for text in part.text}
    found = [_found(column, place, known) for place in unknown]
    cell = column.cells[unknown[0]]
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    if squeezed(cell.label or cell.text) in known:
        advice = f"Write the text as the file has it: `{how_to_declare(cell, by_label=True)}` in its level in {where}."
    else:
        advice = (
            f"Add it to the level it belongs to, or leave it out for a reason: in {where}, write "
            f'`missing = [ {{ {how_to_declare(cell)}, reason = "..." }} ]`.'
        )
    return (
        f'{file}: variable "{item.variable.name}" (column "{column.name}") has {several(len(unknown), "answer")} that the '
        f"codebook does not know: {'; '.join(found[:5])}{more}. Expected {_expected(item.variable, item.answers)}. {advice}"
    )


def _found(column: RawColumn, place: int, known: Mapping[str, str]) -> str:
    """Describe one unknown content: its rows, and a declared text that looks the same."""
    cell = column.cells[place]
    rows = column.where(place)
    if column.labels and not cell.label:
        return f"{cell.text} in {column.name} (n = {column.count(place)}) has no label, in {rows}"
    shown = _shown(cell)
    text = cell.label or cell.text
    twin = known.get(squeezed(text))
    same = f", which differs from the declared {twin!r} only in white space or capitals (the file has {text!r})"
    return f"{shown} in {rows}{same if twin else ''}"


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
