"""Drawing synthetic workers who can work from home: at random, or so that the percentages come out as expected.

Drawn at random (`random_workers`): patterns, ages, weights, and answers by their laws.

By quota (`quota_workers`), for demonstrations and never for a simulation: patterns are drawn systematically, weights are scaled so that every age
by household has its share of the population, and answers are first drawn at random and then moved (`moved`): as long as it brings the weighted
percentages of the reported groups nearer to their expectation, one respondent near the border between two answers goes to the other side. Sampling
error is removed on purpose, so these respondents are useless for coverage, power or any statement about uncertainty.

The move is a local search, no statistics. Its aim is the sum over groups and borders of scale * E**2, where E is the weight that answers at most a
level minus the weight expected to. Moving a respondent of weight w one step up a border turns E into E - w, one step down into E + w.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit, ndtr

from wwm_models.demo.truth import FACTORS, OUTSIDE_FIGURES, YEARS, AnswerLaw, Truth, probabilities
from wwm_models.numerics.arrays import Array, Codes


@dataclass(frozen=True, eq=False)
class Workers:
    """Synthetic respondents of the domain before they answer.

    Attributes
    ----------
    factors : DataFrame, n rows
        The five factors as level ids; ``household`` also where the respondent did not tell it.
    weights : (n,) array
        Mean one.
    household_known : (n,) bool array
    trait : (n,) array
        The shared standard normal trait.
    """

    factors: pd.DataFrame
    weights: Array
    household_known: NDArray[np.bool_]
    trait: Array


def random_workers(truth: Truth, n: int, rng: np.random.Generator) -> Workers:
    """Draw `n` workers independently of each other."""
    pattern = rng.choice(len(truth.patterns), size=n, p=truth.patterns["drawn"].to_numpy())
    known = rng.random(n) >= truth.composition.unknown_household
    return Workers(factors_of(truth, pattern), weights_of(truth, pattern, rng), known, rng.standard_normal(n))


def weights_of(truth: Truth, pattern: Codes, rng: np.random.Generator) -> Array:
    """Give (n,) log-normal weights around the mean weight of each pattern, scaled to mean one, to four decimals."""
    spread = truth.composition.weight_spread
    noise = np.clip(rng.standard_normal(len(pattern)), -2.5, 2.5)  # no respondent counts for many others
    weights = truth.patterns["weight"].to_numpy()[pattern] * np.exp(spread * noise)
    return np.round(weights / weights.mean(), 4)


def ages_of(groups: pd.Series, rng: np.random.Generator) -> Codes:
    """Give (n,) ages in whole years, each year of a group equally likely."""
    limits = np.array([YEARS[str(group)] for group in groups]).reshape(-1, 2)
    return rng.integers(limits[:, 0], limits[:, 1] + 1).astype(np.intp)


def ranks(law: AnswerLaw, trait: Array, rng: np.random.Generator) -> Array:
    """Give (n,) uniform numbers that decide the answers; high is a high answer.

    V = Phi(loading * trait + sqrt(1 - loading**2) * e)
    """
    own = rng.standard_normal(len(trait))
    return ndtr(law.loading * trait + np.sqrt(1 - law.loading**2) * own)


def cumulative(truth: Truth, outcome: str, factors: pd.DataFrame) -> Array:
    """Give (n, K - 1) the probabilities of answering at most each level but the highest."""
    return np.cumsum(probabilities(truth, outcome, factors), axis=1)[:, :-1]


def random_codes(truth: Truth, workers: Workers, rng: np.random.Generator) -> dict[str, Codes]:
    """Give for every question (n,) the place of each answer among the levels, from 0."""
    codes: dict[str, Codes] = {}
    for outcome, law in truth.laws.items():
        rank = ranks(law, workers.trait, rng)
        codes[outcome] = (rank[:, None] > cumulative(truth, outcome, workers.factors)).sum(axis=1).astype(np.intp)
    return codes


def factors_of(truth: Truth, pattern: Codes) -> pd.DataFrame:
    """Give the five factors of the patterns at these places."""
    return truth.patterns[list(FACTORS)].iloc[pattern].reset_index(drop=True)


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

    group: Codes
    scale: Array
    expected: Array


def moved(start: Codes, distance: Array, weights: Array, margins: Sequence[Margin]) -> Codes:
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


def sums(groups: Codes, values: Array, count: int) -> Array:
    """Give (count, columns) the sums of the rows of `values` within each group."""
    total = np.zeros((count, values.shape[1]))
    np.add.at(total, groups, values)
    return total


class _Board:
    """The answers as they stand, and the error of every group at every border."""

    def __init__(self, start: Codes, reach: NDArray[np.bool_], weights: Array, margins: Sequence[Margin]) -> None:
        self.codes = start.copy()
        self.reach, self.weights, self.margins = reach, weights, margins
        below = weights[:, None] * (start[:, None] <= np.arange(reach.shape[1]))
        self.errors = [sums(margin.group, below, len(margin.scale)) - margin.expected for margin in margins]

    def total(self) -> float:
        """Give the sum of squared errors."""
        parts = zip(self.margins, self.errors, strict=True)
        return float(sum(np.sum(margin.scale[:, None] * error**2) for margin, error in parts))

    def changes(self) -> Array:
        """Give (n, 2) what each step would change the sum by; infinite where it is not possible."""
        return np.column_stack([self._change(step) for step in _STEPS])

    def move(self, who: int, step: int) -> None:
        """Let one respondent take one step."""
        border = self.codes[who] - (step < 0)
        self.codes[who] += step
        for margin, error in zip(self.margins, self.errors, strict=True):
            error[margin.group[who], border] -= step * self.weights[who]

    def _change(self, step: int) -> Array:
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


def _places(change: Array, count: int) -> list[tuple[int, int]]:
    """Give (respondent, which step) of the smallest changes, smallest first.

    Of changes that are equal but for rounding the first respondent's comes first: processors round differently, and their partial sorts
    take equal values in different orders, but the same seed gives the same respondents on all of them.
    """
    ordered = np.argsort(np.round(change.ravel(), _DIGITS), kind="stable")[:count]
    return [(int(place) // change.shape[1], int(place) % change.shape[1]) for place in ordered]


_MARGINS: Final[tuple[tuple[tuple[str, ...], float], ...]] = (
    ((), 1.0),
    (("age_group",), 2.0),
    (("household",), 1.0),
    (("age_group", "household"), 1.0),
)
"""The groups whose percentages are held, and how much their squared error counts."""

_TOLERANCE: Final = 0.005
"""An error that counts as one: half a percentage point, or one respondent where that is more."""


def quota_workers(truth: Truth, n: int, rng: np.random.Generator) -> Workers:
    """Draw `n` workers whose composition is as expected."""
    pattern = _systematic(truth.patterns["drawn"].to_numpy(), n, rng)
    factors = factors_of(truth, pattern)
    known = np.ones(n, dtype=bool)
    unknown = round(n * truth.composition.unknown_household)
    known[_systematic(np.full(n, 1 / n), unknown, rng)] = False
    weights = _with_shares(truth, pattern, known, weights_of(truth, pattern, rng))
    return Workers(factors, weights, known, rng.standard_normal(n))


def quota_codes(truth: Truth, workers: Workers, rng: np.random.Generator) -> Mapping[str, Codes]:
    """Give for every question (n,) the place of each answer among the levels, from 0."""
    codes: dict[str, Codes] = {}
    for outcome, law in truth.laws.items():
        distance = logit(ranks(law, workers.trait, rng))[:, None] - logit(cumulative(truth, outcome, workers.factors))
        start = (distance > 0).sum(axis=1).astype(np.intp)
        margins = [_margin(truth, outcome, workers, factors, importance) for factors, importance in _MARGINS]
        codes[outcome] = moved(start, distance, workers.weights, margins)
    return codes


def _systematic(chances: Array, n: int, rng: np.random.Generator) -> Codes:
    """Draw `n` units with equal steps along the cumulated chances, from a random start: counts within one of expected."""
    steps = (np.arange(n) + rng.random()) / max(n, 1)
    found = np.searchsorted(np.cumsum(chances) / chances.sum(), steps, side="right")
    return np.minimum(found, len(chances) - 1).astype(np.intp)


def _with_shares(truth: Truth, pattern: Codes, known: NDArray[np.bool_], weights: Array) -> Array:
    """Scale the weights to the population's shares of age by household, and of age where household is unknown; mean one.

    The margins then agree with each other, and the answers can meet all of them at once.
    """
    share = truth.patterns["share"].to_numpy()
    cell = _group_numbers(truth.patterns, ("age_group", "household"))
    age = _group_numbers(truth.patterns, ("age_group",)) + cell.max() + 1
    unknown = truth.composition.unknown_household
    wanted = np.bincount(np.append(cell, age), np.append(share * (1 - unknown), share * unknown))
    group = np.where(known, cell[pattern], age[pattern])
    found = np.bincount(group, weights, minlength=len(wanted))
    scaled = weights * (wanted / np.where(found > 0, found, 1.0))[group]
    return np.round(scaled / scaled.mean(), 4)


def _margin(truth: Truth, outcome: str, workers: Workers, factors: Sequence[str], importance: float) -> Margin:
    """Give the expected weights of one set of groups. Not held: unknown households, and ages outside the figures."""
    groups = _group_numbers(workers.factors, factors)
    count = int(np.prod([len(FACTORS[factor]) for factor in factors], dtype=np.intp)) + 1
    shown = np.ones(len(groups), dtype=bool)
    if "household" in factors:
        shown &= workers.household_known
    if "age_group" in factors:
        shown &= (workers.factors["age_group"] != OUTSIDE_FIGURES).to_numpy()
    groups = np.where(shown, groups, count - 1)
    totals = sums(groups, workers.weights[:, None], count)
    scale = importance / np.maximum(_TOLERANCE * totals[:, 0], 1.0) ** 2
    scale[-1] = 0.0
    return Margin(groups, scale, totals * _below(truth, outcome, factors, count))


def _group_numbers(frame: pd.DataFrame, factors: Sequence[str]) -> Codes:
    number = np.zeros(len(frame), dtype=np.intp)
    for factor in factors:
        codes = pd.Categorical(frame[factor], FACTORS[factor]).codes
        number = number * len(FACTORS[factor]) + codes
    return number


def _below(truth: Truth, outcome: str, factors: Sequence[str], count: int) -> Array:
    """Give (groups, K - 1) the expected share of each group that answers at most each level."""
    share = truth.patterns["share"].to_numpy()[:, None]
    groups = _group_numbers(truth.patterns, factors)
    together = sums(groups, share * cumulative(truth, outcome, truth.patterns), count)
    return together / np.maximum(sums(groups, share, count), np.finfo(np.float64).tiny)
