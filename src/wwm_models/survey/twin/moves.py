"""Moving answers over borders until weighted percentages are near their expectation: a local search, no statistics.

The aim is the sum over groups and borders of scale * E**2, where E is the weight that answers at most a level minus the
weight expected to. Moving a respondent of weight w one step up a border turns E into E - w, one step down into E + w.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

_REACH: Final = 3.0
"""Only respondents within this distance of a border (logits) may cross it, so that answers stay plausible."""

_ENOUGH: Final = 1e-4
"""A move that gains less is not worth making: a hundredth of an error that counts as one, squared."""

_CLOSE: Final = 0.1
"""A sum this small is good enough not to look for moves of two respondents at once."""

_FIRST_MOVES: Final = 24
"""How many first moves are tried when two respondents move at once."""

_DIGITS: Final = 9
"""Decimals in which two changes differ: rounding of sums of weights is smaller by far, and `_ENOUGH` is larger by far."""

_STEPS: Final = (1, -1)


@dataclass(frozen=True, eq=False)
class Margin:
    """One set of groups whose percentages are held.

    Attributes
    ----------
    group : (n,) int array
        The group of each respondent.
    scale : (groups,) array
        What the square of an error of weight one counts; zero: not held.
    expected : (groups, K - 1) array
        The weight expected to answer at most each level but the highest.
    """

    group: Integers
    scale: Floats
    expected: Floats


def moved(start: Integers, distance: Floats, weights: Floats, margins: Sequence[Margin]) -> Integers:
    """Give answers that come nearer to what the margins expect.

    Parameters
    ----------
    start : (n,) int array
        The place of each answer, 0 to K - 1; kept.
    distance : (n, K - 1) array
        How far each respondent is from each border, in logits.
    weights : (n,) array
    margins : sequence of Margin

    Returns
    -------
    (n,) int array
    """
    board = _Board(start, np.abs(distance) <= _REACH, weights, margins)
    while _one(board) or (board.total() > _CLOSE and _two(board)):
        pass
    return board.codes


def sums(groups: Integers, values: Floats, count: int) -> Floats:
    """Give (count, columns) the sums of the rows of `values` within each group."""
    total = np.zeros((count, values.shape[1]))
    np.add.at(total, groups, values)
    return total


class _Board:
    """The answers as they stand, and the error of every group at every border."""

    def __init__(self, start: Integers, reach: NDArray[np.bool_], weights: Floats, margins: Sequence[Margin]) -> None:
        self.codes = start.copy()
        self.reach, self.weights, self.margins = reach, weights, margins
        below = weights[:, None] * (start[:, None] <= np.arange(reach.shape[1]))
        self.errors = [sums(margin.group, below, len(margin.scale)) - margin.expected for margin in margins]

    def total(self) -> float:
        """Give the sum of squared errors."""
        parts = zip(self.margins, self.errors, strict=True)
        return float(sum(np.sum(margin.scale[:, None] * error**2) for margin, error in parts))

    def changes(self) -> Floats:
        """Give (n, 2) what each step would change the sum by; infinite where it is not possible."""
        return np.column_stack([self._change(step) for step in _STEPS])

    def move(self, who: int, step: int) -> None:
        """Let one respondent take one step."""
        border = self.codes[who] - (step < 0)
        self.codes[who] += step
        for margin, error in zip(self.margins, self.errors, strict=True):
            error[margin.group[who], border] -= step * self.weights[who]

    def _change(self, step: int) -> Floats:
        """(E - step * w)**2 - E**2 = w * (w - 2 * step * E), summed over the groups of each respondent."""
        border = self.codes - (step < 0)
        possible = (border >= 0) & (border < self.reach.shape[1])
        border = np.where(possible, border, 0)
        possible &= self.reach[np.arange(len(border)), border]
        change = np.zeros(len(border))
        for margin, error in zip(self.margins, self.errors, strict=True):
            pull = self.weights - 2 * step * error[margin.group, border]
            change += margin.scale[margin.group] * self.weights * pull
        return np.where(possible, change, np.inf)


def _one(board: _Board) -> bool:
    """Make the best move of one respondent, if it helps."""
    change = board.changes()
    who, way = _places(change, 1)[0]
    if change[who, way] > -_ENOUGH:
        return False
    board.move(who, _STEPS[way])
    return True


def _two(board: _Board) -> bool:
    """Make the first pair of moves that helps, beginning with the moves that harm least on their own."""
    first = board.changes()
    for who, way in _places(first, _FIRST_MOVES):
        if not np.isfinite(first[who, way]):
            return False
        board.move(who, _STEPS[way])
        second = board.changes()
        other, back = _places(second, 1)[0]
        if first[who, way] + second[other, back] < -_ENOUGH:
            board.move(other, _STEPS[back])
            return True
        board.move(who, -_STEPS[way])
    return False


def _places(change: Floats, count: int) -> list[tuple[int, int]]:
    """Give (respondent, which step) of the smallest changes, smallest first.

    Of changes that are equal but for rounding the first respondent's comes first: processors round differently, and their partial sorts
    take equal values in different orders, but the same seed gives the same respondents on all of them.
    """
    ordered = np.argsort(np.round(change.ravel(), _DIGITS), kind="stable")[:count]
    return [(int(place) // change.shape[1], int(place) % change.shape[1]) for place in ordered]
