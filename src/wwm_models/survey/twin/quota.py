"""Drawing synthetic workers so that the percentages come out as expected: the demonstration data, never a simulation.

Patterns are drawn systematically, weights are scaled so that every age by household has its share of the population, and
answers are first drawn at random and then moved: as long as it brings the weighted percentages of the reported groups
nearer to their expectation, one respondent near the border between two answers goes to the other side. Sampling error is
removed on purpose, so these respondents are useless for coverage, power or any statement about uncertainty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from wwm_models.survey.twin.draw import Floats, Integers, Workers, cumulative, factors_of, ranks, weights_of
from wwm_models.survey.twin.moves import Margin, moved, sums
from wwm_models.survey.twin.population import FACTORS, OUTSIDE_FIGURES
from wwm_models.survey.twin.truth import Truth

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


def quota_codes(truth: Truth, workers: Workers, rng: np.random.Generator) -> Mapping[str, Integers]:
    """Give for every question (n,) the place of each answer among the levels, from 0."""
    codes: dict[str, Integers] = {}
    for outcome, law in truth.laws.items():
        distance = logit(ranks(law, workers.trait, rng))[:, None] - logit(cumulative(truth, outcome, workers.factors))
        start = (distance > 0).sum(axis=1).astype(np.intp)
        margins = [_margin(truth, outcome, workers, factors, importance) for factors, importance in _MARGINS]
        codes[outcome] = moved(start, distance, workers.weights, margins)
    return codes


def _systematic(chances: Floats, n: int, rng: np.random.Generator) -> Integers:
    """Draw `n` units with equal steps along the cumulated chances, from a random start: counts within one of expected."""
    steps = (np.arange(n) + rng.random()) / max(n, 1)
    found = np.searchsorted(np.cumsum(chances) / chances.sum(), steps, side="right")
    return np.minimum(found, len(chances) - 1).astype(np.intp)


def _with_shares(truth: Truth, pattern: Integers, known: NDArray[np.bool_], weights: Floats) -> Floats:
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


def _group_numbers(frame: pd.DataFrame, factors: Sequence[str]) -> Integers:
    number = np.zeros(len(frame), dtype=np.intp)
    for factor in factors:
        codes = pd.Categorical(frame[factor], FACTORS[factor]).codes
        number = number * len(FACTORS[factor]) + codes
    return number


def _below(truth: Truth, outcome: str, factors: Sequence[str], count: int) -> Floats:
    """Give (groups, K - 1) the expected share of each group that answers at most each level."""
    share = truth.patterns["share"].to_numpy()[:, None]
    groups = _group_numbers(truth.patterns, factors)
    together = sums(groups, share * cumulative(truth, outcome, truth.patterns), count)
    return together / np.maximum(sums(groups, share, count), np.finfo(np.float64).tiny)
