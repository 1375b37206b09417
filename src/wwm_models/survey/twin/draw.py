"""Drawing synthetic workers who can work from home: patterns, ages, weights, and answers by their laws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from wwm_models.survey.twin.population import FACTORS, YEARS
from wwm_models.survey.twin.truth import AnswerLaw, Truth, probabilities

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


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
    weights: Floats
    household_known: NDArray[np.bool_]
    trait: Floats


def random_workers(truth: Truth, n: int, rng: np.random.Generator) -> Workers:
    """Draw `n` workers independently of each other."""
    pattern = rng.choice(len(truth.patterns), size=n, p=truth.patterns["drawn"].to_numpy())
    known = rng.random(n) >= truth.composition.unknown_household
    return Workers(factors_of(truth, pattern), weights_of(truth, pattern, rng), known, rng.standard_normal(n))


def weights_of(truth: Truth, pattern: Integers, rng: np.random.Generator) -> Floats:
    """Give (n,) log-normal weights around the mean weight of each pattern, scaled to mean one, to four decimals."""
    spread = truth.composition.weight_spread
    noise = np.clip(rng.standard_normal(len(pattern)), -2.5, 2.5)  # no respondent counts for many others
    weights = truth.patterns["weight"].to_numpy()[pattern] * np.exp(spread * noise)
    return np.round(weights / weights.mean(), 4)


def ages_of(groups: pd.Series, rng: np.random.Generator) -> Integers:
    """Give (n,) ages in whole years, each year of a group equally likely."""
    limits = np.array([YEARS[str(group)] for group in groups]).reshape(-1, 2)
    return rng.integers(limits[:, 0], limits[:, 1] + 1).astype(np.intp)


def ranks(law: AnswerLaw, trait: Floats, rng: np.random.Generator) -> Floats:
    """Give (n,) uniform numbers that decide the answers; high is a high answer.

    V = Phi(loading * trait + sqrt(1 - loading**2) * e)
    """
    own = rng.standard_normal(len(trait))
    return ndtr(law.loading * trait + np.sqrt(1 - law.loading**2) * own)


def cumulative(truth: Truth, outcome: str, factors: pd.DataFrame) -> Floats:
    """Give (n, K - 1) the probabilities of answering at most each level but the highest."""
    return np.cumsum(probabilities(truth, outcome, factors), axis=1)[:, :-1]


def random_codes(truth: Truth, workers: Workers, rng: np.random.Generator) -> dict[str, Integers]:
    """Give for every question (n,) the place of each answer among the levels, from 0."""
    codes: dict[str, Integers] = {}
    for outcome, law in truth.laws.items():
        rank = ranks(law, workers.trait, rng)
        codes[outcome] = (rank[:, None] > cumulative(truth, outcome, workers.factors)).sum(axis=1).astype(np.intp)
    return codes


def factors_of(truth: Truth, pattern: Integers) -> pd.DataFrame:
    """Give the five factors of the patterns at these places."""
    return truth.patterns[list(FACTORS)].iloc[pattern].reset_index(drop=True)
