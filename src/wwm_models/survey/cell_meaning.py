"""What a cell or a value label of a file means by the codebook, and labels that contradict it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from wwm_models.errors import SurveyError, listed
from wwm_models.messages import LANGUAGES
from wwm_models.survey.codebook import Answer, Declaration, FromColumn, MissingAnswer
from wwm_models.survey.columns import Cell, RawColumn, plainly, reads_as, words_of

Meaning = int | str  # the place of a level, or the reason of a missing value
# What a cell is held against, the surest first: a label may be the number of another code, and a text the number of another text.
SAME_CONTENT: Final[tuple[Callable[[Cell, Answer | MissingAnswer], bool], ...]] = (
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
    for same in SAME_CONTENT:
        for part in source.missing:
            if same(cell, part):
                return part.reason
    if not cell.text:
        return source.empty
    if cell.user_missing:
        return cell.label or f"declared missing in the file ({cell.text})"
    return ""


def meaning_of(cell: Cell, answers: Sequence[Answer], source: FromColumn) -> Meaning | None:
    """Give the level or the reason; None for a cell the codebook does not know. A declared answer goes first."""
    for same in SAME_CONTENT:
        for place, answer in enumerate(answers):
            if same(cell, answer):
                return place
    return missing_reason(cell, source) or None


def check_labels(item: Declaration, source: FromColumn, column: RawColumn, file: str, where: str) -> None:
    """Hold the value labels of a file against what the codebook makes of their codes: its texts, and the names of its levels.

    A label need not be a name of its level (the file's words are seldom ours), but where it is the name of another level, the scale
    is read upside down or out of order; and where the level declares a text, the label has to be it.
    """
    labelled = labelled_answers(item, source, column)
    wrong = [one for one in labelled if one.named and not one.agrees]
    other = [one for one in labelled if not one.named and _has_own_text(item, one)]
    if wrong:
        unknown = listed([f'{one.shown} "{one.label}"' for one in other], most=10)
        raise SurveyError(
            f"{file}: {_out_of_order(item, column, wrong, where)}"
            + (f" Labels that no answer of the codebook has: {unknown}; give their codes a level too." if other else "")
        )
    if other:
        raise SurveyError(f"{file}: {_other_texts(item, column, other, where)}")


def _has_own_text(item: Declaration, one: LabelledAnswer) -> bool:
    """Whether the level of a labelled code declares a text beside that code."""
    answer = item.answers[one.meaning] if isinstance(one.meaning, int) else None
    return answer is not None and bool(answer.text) and one.value in answer.codes


def _other_texts(item: Declaration, column: RawColumn, other: Sequence[LabelledAnswer], where: str) -> str:
    """Show labels that are not the declared text of their code, and how to declare them."""
    pairs: list[str] = []
    texts: dict[str, list[str]] = {}
    for one in other:
        assert isinstance(one.meaning, int)
        answer = item.answers[one.meaning]
        declared = " or ".join(f'"{text}"' for text in answer.text)
        pairs.append(
            f'{one.shown} is "{one.label}" in the file and "{answer.level.id}", read as {declared}, in the codebook'
        )
        texts.setdefault(answer.level.id, []).append(one.label)
    repaired = [f'`text = {json.dumps(found, ensure_ascii=False)}` for "{level}"' for level, found in texts.items()]
    return (
        f'the labels of "{column.name}" are other texts than those of {where}: {listed(pairs, most=10)}. Expected the same text in both. '
        f"Where the code is right, write {listed(repaired, most=10)}; where the label is right, repair `codes`."
    )


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
        found.append(LabelledAnswer(value, label, meaning_of(cell, item.answers, source), _levels_named(item, label)))
    return tuple(found)


def contents_read(item: Declaration, source: FromColumn, column: RawColumn) -> dict[Meaning, str]:
    """Write the values and labels of a file that the codebook reads as each answer, or as missing for each reason.

    Parameters
    ----------
    item : Declaration
    source : FromColumn
    column : RawColumn

    Returns
    -------
    dict
        From the place of a level, or the reason of a missing value, to a text like ``4 "monthly", 5 "yearly"``. A question mark stands
        before a label that is no name of its answer.
    """
    found: dict[Meaning, list[str]] = {}
    for one in labelled_answers(item, source, column):
        doubtful = isinstance(one.meaning, int) and not one.named
        if one.meaning is not None:
            found.setdefault(one.meaning, []).append(f'{one.shown} {"? " if doubtful else ""}"{one.label}"')
    for cell in column.cells:
        meaning = meaning_of(cell, item.answers, source)
        if cell.text and not cell.label and meaning is not None:
            shown = f'"{cell.text}"' if cell.number != cell.number else cell.text
            found.setdefault(meaning, []).append(shown)
    return {meaning: ", ".join(texts) for meaning, texts in found.items()}


def _levels_named(item: Declaration, label: str) -> tuple[int, ...]:
    """Places of the levels whose texts or names are the words of a label; a text goes before a name."""
    words = words_of(label)
    by_text = tuple(place for place, answer in enumerate(item.answers) if reads_as(label, answer.text))
    return by_text or tuple(
        place
        for place, answer in enumerate(item.answers)
        if words
        in {
            words_of(name)
            for name in (*answer.text, answer.level.id, *filter(None, map(answer.level.label, LANGUAGES)))
        }
    )


def _out_of_order(item: Declaration, column: RawColumn, wrong: Sequence[LabelledAnswer], where: str) -> str:
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
        f'the labels of "{column.name}" {how} {where}: {listed(pairs, most=10)}. Expected each value to mean the same in both. '
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
