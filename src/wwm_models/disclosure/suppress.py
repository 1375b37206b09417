"""Which percentages are suppressed: those on too few respondents, and as many others as keep them from being computed.

Primary: all answers of a group on fewer than `below` respondents, and with `counts` every answer given by fewer than that.
Complementary: the hypercube method. Of a suppressed cell in a table by r variables, some other level of some of them spans a box, whose
corners are suppressed together, so that no row, column or total gives one of them away; for a single answer, a second answer of the same
question is one more side of the box. Boxes are tried from the fewest respondents lost to the most, until the attack fails.

References
----------
Giessing, S. and Repsilber, D. (2002). Tools and strategies to protect multiple tables with the GHQUAR cell suppression engine. In:
Inference Control in Statistical Databases. Springer, 181-192. doi:10.1007/3-540-47804-3_14
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wwm_models.disclosure.attack import attacked, shortfalls
from wwm_models.disclosure.published import Flags, Item, Published

_TRIED = 24  # boxes per exposed number, the cheapest first


def suppressed(table: Published, below: int, *, counts: bool = False) -> Flags:
    """The items that are not published.

    Parameters
    ----------
    table : Published
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


def _closed(table: Published, hidden: Flags, need: _Need) -> Flags:
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


def _boxes(table: Published, target: int, *, whole: bool) -> Iterator[Flags]:
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


def _other_answers(table: Published, item: Item) -> list[Flags]:
    """Answers of the same question and group that share none with an item."""
    return [
        other.answers
        for other in table.items
        if (other.outcome, other.by, other.group) == (item.outcome, item.by, item.group)
        and not (other.answers & item.answers).any()
    ]


def _telling_apart(table: Published, one: Flags, two: Flags) -> Flags:
    """Items that add up some of two sets of answers but not all of both: published, they would tell one from the other."""
    both = one | two
    return np.array([bool((item.answers & both).any() and (both & ~item.answers).any()) for item in table.items])


def _overlapping(table: Published, target: int) -> Flags:
    return np.array([bool((item.cells & table.items[target].cells).any()) for item in table.items])
