"""What a run would publish about one question, as linear forms of the cells nobody sees.

Cells are the finest cross-classification of the variables by which the question is reported, with a cell of their own for those whose level is
not known. Every raw percentage and count, of an answer or of several, in a group of any table, is a sum over cells and answers; so are
those of a second question that merges the answers of the first. An attacker adds and subtracts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.records import Estimates, Survey

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Raws = Mapping[str, Mapping[tuple[str, ...], Estimates]]
Group = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Item:
    """One published percentage with its count.

    Attributes
    ----------
    outcome : str
    by : tuple of str
        The variables of its table.
    group : tuple of str
        Their levels.
    row : int
        Its row in the table.
    cells : (cells,) bools
    answers : (K,) bools
        Which answers of the finest question it adds up.
    """

    outcome: str
    by: tuple[str, ...]
    group: Group
    row: int
    cells: Flags
    answers: Flags


@dataclass(frozen=True, eq=False)
class Published:
    """All that is published about one question and those that merge its answers.

    Attributes
    ----------
    counts, weights : (cells, K) arrays
        Respondents, and the sum of their weights.
    items : tuple of Item
    """

    counts: Array
    weights: Array
    items: tuple[Item, ...]

    def base(self, item: Item) -> float:
        """Respondents in the group of an item."""
        return float(self.counts[item.cells].sum())

    def count(self, item: Item) -> float:
        """Respondents who gave one of its answers."""
        return float(self.counts[np.ix_(item.cells, item.answers)].sum())


def published(survey: Survey, raws: Raws) -> list[Published]:
    """What a run publishes, question by question; a question that merges the answers of another stands with it.

    Parameters
    ----------
    survey : Survey
        Its outcomes are categorical.
    raws : mapping of outcome to mapping of by-variables to Estimates
    """
    families: list[dict[str, Flags]] = []
    for outcome in sorted(raws, key=lambda name: -len(survey.frame[name].cat.categories)):
        size = len(survey.frame[outcome].cat.categories)
        for family in families:
            merged = _merged(survey, next(iter(family)), outcome)
            if merged is not None:
                family[outcome] = merged
                break
        else:
            families.append({outcome: np.eye(size, dtype=bool)})
    return [_family(survey, family, raws) for family in families]


def _merged(survey: Survey, finest: str, outcome: str) -> Flags | None:
    """(answers of `outcome`, answers of `finest`): which belong to which, or None if one is no merger of the other."""
    fine, coarse = (survey.frame[name].cat.codes.to_numpy()[survey.domain] for name in (finest, outcome))
    if not np.array_equal(fine < 0, coarse < 0):
        return None
    shape = len(survey.frame[outcome].cat.categories), len(survey.frame[finest].cat.categories)
    together = np.zeros(shape, dtype=bool)
    together[coarse[fine >= 0], fine[fine >= 0]] = True
    return together if (together.sum(axis=0) <= 1).all() else None


def _family(survey: Survey, outcomes: Mapping[str, Flags], raws: Raws) -> Published:
    finest = next(iter(outcomes))
    answer = survey.frame[finest].cat.codes.to_numpy()
    used = survey.domain & (answer >= 0)
    names = sorted({name for outcome in outcomes for by in raws[outcome] for name in by})
    cells, keys = _cells(survey.frame.loc[used, names], names)
    size = len(keys), len(survey.frame[finest].cat.categories)
    place = cells * size[1] + answer[used]
    weights = np.bincount(place, survey.weights[used], minlength=size[0] * size[1]).reshape(size)
    respondents = survey.counts[used]
    counts = np.bincount(place, respondents, minlength=size[0] * size[1]).reshape(size)
    items = [
        item
        for outcome, merged in outcomes.items()
        for by, estimates in raws[outcome].items()
        for item in _items(outcome, by, estimates, keys, _categories(survey, outcome, merged))
    ]
    return Published(counts.astype(np.float64), weights.astype(np.float64), tuple(items))


def _categories(survey: Survey, outcome: str, merged: Flags) -> dict[str, Flags]:
    """The answers of the finest question that each answer and collapse of a question adds up."""
    answers = [str(level) for level in survey.frame[outcome].cat.categories]
    found = dict(zip(answers, merged, strict=True))
    for collapse in survey.collapses.values():
        if collapse.variable == outcome:
            found[collapse.id] = merged[[answers.index(level) for level in collapse.levels]].any(axis=0)
    return found


def _items(
    outcome: str, by: tuple[str, ...], estimates: Estimates, keys: pd.DataFrame, categories: Mapping[str, Flags]
) -> list[Item]:
    found: list[Item] = []
    rows = estimates.table[["category", *by]].astype(str).itertuples(index=False, name=None)
    for row, (category, *group) in enumerate(rows):
        inside = np.ones(len(keys), dtype=bool)
        for name, level in zip(by, group, strict=True):
            inside &= (keys[name] == level).to_numpy()
        if inside.any():
            found.append(Item(outcome, by, tuple(group), row, inside, categories[category]))
    return found


def _cells(frame: pd.DataFrame, names: Sequence[str]) -> tuple[NDArray[np.intp], pd.DataFrame]:
    """Each row's cell, and the levels of every cell as text; an unknown level is an empty text."""
    if not names:
        return np.zeros(len(frame), dtype=np.intp), pd.DataFrame(index=[0])
    text = frame.astype(object).where(frame.notna(), "").astype(str)
    number = text.groupby(list(names), sort=False).ngroup().to_numpy().astype(np.intp)
    return number, text.drop_duplicates(ignore_index=True)
