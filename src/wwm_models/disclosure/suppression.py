"""Which percentages of a question are suppressed: what a run would publish, an attack on it, and what the attack must not reach.

Published numbers are linear forms of the cells nobody sees (`published`). Cells are the finest cross-classification of the variables by which the
question is reported, with a cell of their own for those whose level is not known. Every raw percentage and count, of an answer or of several, in a
group of any table, is a sum over cells and answers; so are those of a second question that merges the answers of the first.

The attacker (`shortfalls`) adds and subtracts them, knows the number of respondents and the weight of every cell, the tables' layout, and every
percentage and count that is not suppressed. What is left to them of a suppressed one is an interval, whose ends are two linear programs over all
tables that agree with what they know; once over counts, where they also know that they are whole, and once over weighted percentages. Both are
harder on the publisher than what a real attacker knows.

A count c of n respondents is protected when the attacker cannot say it to within a reach r: the whole numbers of the attacker's interval extend to c - r or
c + r, or to one of 0 and n where these are nearer and differ from c. A weighted percentage is protected when its interval extends as far, in units of
1 / n. For numbers that are suppressed for their own sake r is max(1, 0.3 c) rounded up; for those that only protect them it is 1, so that they
cannot be computed either.

`suppressed`. Primary: all answers of a group on fewer than `below` respondents, and with `counts` every answer given by fewer than that.
Complementary: the hypercube method. Of a suppressed cell in a table by r variables, some other level of some of them spans a box, whose
corners are suppressed together, so that no row, column or total gives one of them away; for a single answer, a second answer of the same
question is one more side of the box. Boxes are tried from the fewest respondents lost to the most, until the attack fails.

References
----------
Fischetti, M. and Salazar, J. J. (2001). Solving the cell suppression problem on tabular data with linear constraints. Management
Science 47, 1008-1027. doi:10.1287/mnsc.47.7.1008.9805
Giessing, S. and Repsilber, D. (2002). Tools and strategies to protect multiple tables with the GHQUAR cell suppression engine. In:
Inference Control in Statistical Databases. Springer, 181-192. doi:10.1007/3-540-47804-3_14
Hundepool, A. et al. (2012). Statistical Disclosure Control. Wiley, chapter 4.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from wwm_models.estimates.estimates import Estimates
from wwm_models.numerics.arrays import Array, Flags
from wwm_models.numerics.linear_programs import Polyhedron, extremes
from wwm_models.survey.survey import Survey

Raws = Mapping[str, Mapping[tuple[str, ...], Estimates]]
Group = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PublishedShare:
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
class PublishedQuestion:
    """All that is published about one question and those that merge its answers.

    Attributes
    ----------
    counts, weights : (cells, K) arrays
        Respondents, and the sum of their weights.
    items : tuple of PublishedShare
    """

    counts: Array
    weights: Array
    items: tuple[PublishedShare, ...]

    def base(self, item: PublishedShare) -> float:
        """Respondents in the group of an item."""
        return float(self.counts[item.cells].sum())

    def count(self, item: PublishedShare) -> float:
        """Respondents who gave one of its answers."""
        return float(self.counts[np.ix_(item.cells, item.answers)].sum())


def published(survey: Survey, raws: Raws) -> list[PublishedQuestion]:
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


def _family(survey: Survey, outcomes: Mapping[str, Flags], raws: Raws) -> PublishedQuestion:
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
    return PublishedQuestion(counts.astype(np.float64), weights.astype(np.float64), tuple(items))


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
) -> list[PublishedShare]:
    found: list[PublishedShare] = []
    rows = estimates.table[["category", *by]].astype(str).itertuples(index=False, name=None)
    for row, (category, *group) in enumerate(rows):
        inside = np.ones(len(keys), dtype=bool)
        for name, level in zip(by, group, strict=True):
            inside &= (keys[name] == level).to_numpy()
        if inside.any():
            found.append(PublishedShare(outcome, by, tuple(group), row, inside, categories[category]))
    return found


def _cells(frame: pd.DataFrame, names: Sequence[str]) -> tuple[NDArray[np.intp], pd.DataFrame]:
    """Each row's cell, and the levels of every cell as text; an unknown level is an empty text."""
    if not names:
        return np.zeros(len(frame), dtype=np.intp), pd.DataFrame(index=[0])
    text = frame.astype(object).where(frame.notna(), "").astype(str)
    number = text.groupby(list(names), sort=False).ngroup().to_numpy().astype(np.intp)
    return number, text.drop_duplicates(ignore_index=True)


RANGE = 0.3  # of a count, on either side: a usual safety range of tabular data
_SOLVED = 1e-6  # as close as the solver comes


def shortfalls(table: PublishedQuestion, hidden: Flags, targets: Sequence[int], primary: Flags) -> Array:
    """How much of its protection each suppressed item lacks: 0 where it is protected, 1 where the attacker knows it exactly.

    Parameters
    ----------
    table : PublishedQuestion
    hidden : (items,) bools
        Which are suppressed.
    targets : sequence of int
        Places of suppressed items.
    primary : (items,) bools
        Which of them are suppressed for their own sake.
    """
    return attacked([(table, hidden, place) for place in targets], primary[list(targets)])


def attacked(cases: Sequence[tuple[PublishedQuestion, Flags, int]], primary: Flags) -> Array:
    """`shortfalls` of many cases of (table, hidden, target), in as few programs as possible."""
    if not cases:
        return np.zeros(0)
    items = [table.items[place] for table, _, place in cases]
    n = np.array([table.base(item) for (table, _, _), item in zip(cases, items, strict=True)])
    count = np.array([table.count(item) for (table, _, _), item in zip(cases, items, strict=True)])
    reach = np.where(primary, np.ceil(np.maximum(1.0, RANGE * count)), 1.0)
    by_count = _intervals(cases, weighted=False) * n[:, None]
    whole = np.column_stack([np.ceil(by_count[:, 0] - _SOLVED), np.floor(by_count[:, 1] + _SOLVED)])
    share = np.array([value(table.weights, item) for (table, _, _), item in zip(cases, items, strict=True)])
    by_weight = _intervals(cases, weighted=True) * n[:, None]
    return np.maximum(_lacking(whole, count, reach, n), _lacking(by_weight, share * n, reach, n))


def _lacking(ends: Array, true: Array, reach: Array, n: Array) -> Array:
    """One less the share of its reach that the better end of an interval attains."""
    below = (true - ends[:, 0]) / np.clip(np.minimum(reach, true), _SOLVED, None)
    above = (ends[:, 1] - true) / np.clip(np.minimum(reach, n - true), _SOLVED, None)
    below[true < _SOLVED], above[n - true < _SOLVED] = 0.0, 0.0
    lacking = 1.0 - np.maximum(below, above)
    return np.where(lacking < 10 * _SOLVED, 0.0, lacking)


def value(amounts: Array, item: PublishedShare) -> float:
    """The share of an item in counts or in weights; 0 in a group without any."""
    inside = amounts[item.cells]
    return float(inside[:, item.answers].sum() / inside.sum()) if inside.sum() > 0 else 0.0


def _intervals(cases: Sequence[tuple[PublishedQuestion, Flags, int]], *, weighted: bool) -> Array:
    """(cases, 2): smallest and largest share of each target over all tables that agree with what is not hidden."""
    spaces: dict[tuple[int, bytes], Polyhedron] = {}
    pairs: list[tuple[Polyhedron, Array]] = []
    for table, hidden, place in cases:
        amounts = table.weights if weighted else table.counts
        key = id(table), hidden.tobytes()
        if key not in spaces:
            spaces[key] = known(table, amounts, hidden)
        pairs.append((spaces[key], form(amounts.sum(axis=1), table.items[place])))
    return extremes(pairs)


def known(table: PublishedQuestion, amounts: Array, hidden: Flags) -> Polyhedron:
    """All answer shares of the cells that agree with what is not hidden."""
    base = amounts.sum(axis=1)
    shown = [item for item, out in zip(table.items, hidden, strict=True) if not out and base[item.cells].sum() > 0]
    cells, size = amounts.shape
    rows = np.vstack([np.kron(np.eye(cells), np.ones(size)), *(form(base, item) for item in shown)])
    values = np.append(np.ones(cells), [value(amounts, item) for item in shown])
    return Polyhedron(sparse.csr_matrix(rows), values, values, np.zeros(cells * size), np.ones(cells * size))


def form(base: Array, item: PublishedShare) -> Array:
    """The coefficients of an item in the answer shares of the cells."""
    weight = np.where(item.cells, base, 0.0)
    return np.outer(weight / max(weight.sum(), np.finfo(np.float64).tiny), item.answers).ravel()


_TRIED = 24  # boxes per exposed number, the cheapest first


def suppressed(table: PublishedQuestion, below: int, *, counts: bool = False) -> Flags:
    """The items that are not published.

    Parameters
    ----------
    table : PublishedQuestion
    below : int
        Unweighted respondents; 0 suppresses nothing.
    counts : bool
        Whether numerators below it are suppressed too.

    Returns
    -------
    (items,) bools
    """
    n = np.array([table.base(item) for item in table.items])
    count = np.array([table.count(item) for item in table.items])
    small_group = n < below
    primary = small_group | ((count < below) & counts)
    hidden = primary
    while True:
        places = np.flatnonzero(hidden)
        lacking = shortfalls(table, hidden, places.tolist(), primary)
        if not (lacking > 0).any():
            return hidden
        target = int(places[int(np.argmax(lacking))])
        need = _Need(target, float(lacking.max()), bool(primary[target]), bool(small_group[target]))
        hidden = _closed(table, hidden, need)


@dataclass(frozen=True)
class _Need:
    """An item that is not protected: by how much, whether it is primary, and whether its whole group goes."""

    target: int
    lacking: float
    primary: bool
    whole: bool


def _closed(table: PublishedQuestion, hidden: Flags, need: _Need) -> Flags:
    """More suppressed: the cheapest box that protects the target, or else the one that brings most for its cost."""
    costs = np.array([table.count(item) for item in table.items])
    options = {(hidden | box).tobytes(): hidden | box for box in _boxes(table, need.target, whole=need.whole)}
    tried = [option for option in options.values() if (option & ~hidden).any()]
    price = np.array([float(costs[option & ~hidden].sum()) + 1.0 for option in tried])
    cheapest = np.argsort(price, kind="stable")[:_TRIED]
    left = attacked([(table, tried[place], need.target) for place in cheapest], np.full(len(cheapest), need.primary))
    if (left == 0).any():
        return tried[int(cheapest[int(np.argmax(left == 0))])]
    gain = (need.lacking - left) / price[cheapest]
    if len(gain) and gain.max() > 0:
        return tried[int(cheapest[int(np.argmax(gain))])]
    rest = np.flatnonzero(~hidden & _overlapping(table, need.target))
    further = hidden.copy()
    further[rest[np.argmin(costs[rest])]] = True
    return further


def _boxes(table: PublishedQuestion, target: int, *, whole: bool) -> Iterator[Flags]:
    """Corners of every box around an item: first alone, then with all finer groups that lie inside them."""
    item = table.items[target]
    levels = [
        dict.fromkeys(other.group[place] for other in table.items if other.by == item.by)
        for place in range(len(item.by))
    ]
    apart = [np.ones(len(table.items), dtype=bool)]
    if not whole:
        apart = [_telling_apart(table, item.answers, second) for second in _other_answers(table, item)]
    for sides in itertools.product(*levels):
        corners = set(itertools.product(*({own, other} for own, other in zip(item.group, sides, strict=True))))
        groups = np.array([other.by == item.by and other.group in corners for other in table.items])
        inside = np.any([other.cells for other, here in zip(table.items, groups, strict=True) if here], axis=0)
        finer = np.array([bool((inside | ~other.cells).all()) for other in table.items])
        for those in apart:
            yield groups & those
            yield finer & those


def _other_answers(table: PublishedQuestion, item: PublishedShare) -> list[Flags]:
    """Answers of the same question and group that share none with an item."""
    return [
        other.answers
        for other in table.items
        if (other.outcome, other.by, other.group) == (item.outcome, item.by, item.group)
        and not (other.answers & item.answers).any()
    ]


def _telling_apart(table: PublishedQuestion, one: Flags, two: Flags) -> Flags:
    """Items that add up some of two sets of answers but not all of both: published, they would tell one from the other."""
    both = one | two
    return np.array([bool((item.answers & both).any() and (both & ~item.answers).any()) for item in table.items])


def _overlapping(table: PublishedQuestion, target: int) -> Flags:
    return np.array([bool((item.cells & table.items[target].cells).any()) for item in table.items])
