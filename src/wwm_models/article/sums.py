"""Printed percentages of one question in one group, held against each other: no share of people can have them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from wwm_models.article.reader import Article, Published
from wwm_models.article.rounding import unrounded
from wwm_models.errors import ArticleError, group_in_words, listed
from wwm_models.numerics.programs import Polyhedron, feasible
from wwm_models.records import Collapse, Variable


def refuse_impossible_sums(
    article: Article, variables: Mapping[str, Variable], collapses: Mapping[str, Collapse], path: Path
) -> None:
    """Refuse printed percentages that cannot be those of one question's answers in one group, whatever was rounded away.

    The answers of a question exclude each other, so that they add up to 100 at most (to less, where some are not printed or are no
    level of the codebook), and a collapse is the sum of its answers.

    Raises
    ------
    ArticleError
    """
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Published]] = {}
    for number in article.slots().values():
        groups.setdefault((number.at.outcome, number.at.ordered.group), []).append(number)
    for (outcome, _), numbers in groups.items():
        answers = [level.id for level in variables[outcome].levels]
        members = {answer: (answer,) for answer in answers}
        members |= {one.id: one.levels for one in collapses.values() if one.variable == outcome}
        if len(numbers) > 1 and not _possible(numbers, answers, members):
            raise ArticleError(f"{path}: {_told(numbers, answers)}")


def _possible(numbers: Sequence[Published], answers: Sequence[str], members: Mapping[str, Sequence[str]]) -> bool:
    rows = [np.isin(answers, members[number.at.category]).astype(float) for number in numbers]
    ends = np.array([unrounded(number.value or 0.0, number.value or 0.0, number.rounding) for number in numbers])
    whole = np.ones(len(answers))
    return feasible(
        Polyhedron(
            sparse.csr_matrix(np.array([*rows, whole])), np.array([*ends[:, 0], 0.0]), np.array([*ends[:, 1], 100.0]),
            np.zeros(len(answers)), np.full(len(answers), 100.0),
        )
    )  # fmt: skip


def _told(numbers: Sequence[Published], answers: Sequence[str]) -> str:
    at = numbers[0].at
    printed = listed((f"{number.id}: {number.at.category} {number.value:g}" for number in numbers), 20)
    total = sum(number.value or 0.0 for number in numbers if number.at.category in answers)
    found = f"add up to {total:g}" if total > 100 else "contradict each other"
    return (
        f"the printed percentages of {at.outcome} ({group_in_words(at.group)}) {found}: {printed}. Expected answers that exclude each other and so "
        "add up to 100 at most, "
        "and a collapse that is the sum of its answers, each within its rounding. Repair the number or the group that is mistyped."
    )
