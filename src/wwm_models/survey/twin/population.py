"""Who the synthetic respondents are: the joint distribution of age, household, gender, education and employment.

A declared population, not an estimate of one. Household depends on age, gender on household, education on age and
household, employment on age and gender, so that age groups differ in more than age and adjustment has something to do.
The sample is drawn with unequal chances: a pattern with a large weight is underrepresented by that factor, as after
nonresponse, so that weighted percentages estimate the population and unweighted ones do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FACTORS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "age_group": ("18-34", "35-49", "50-64", "65-70"),
        "household": ("single", "single_parent", "couple_no_children", "couple_children"),
        "gender": ("man", "woman"),
        "education": ("low", "middle", "high"),
        "employment": ("permanent", "flexible", "self_employed"),
    }
)
OUTSIDE_FIGURES: Final = "65-70"
"""The age group that counts in totals and lies outside every figure by age."""

YEARS: Final = MappingProxyType({"18-34": (18, 34), "35-49": (35, 49), "50-64": (50, 64), "65-70": (65, 70)})
"""First and last year of age of each group."""


@dataclass(frozen=True)
class Composition:
    """Declared shares. Each share is taken relative to the sum over the levels of its own factor.

    Attributes
    ----------
    age_group : tuple of 4 shares
    household : (age group -> 4 shares)
    woman : (household -> share of women, 0 to 1)
    education, employment : (age group -> 3 shares)
    education_by_household, employment_by_gender : (level -> 3 multipliers)
        How the shares by age are tilted.
    log_weight : (factor -> (level -> log of the mean weight))
        Why some are hard to reach.
    weight_spread : float
        Standard deviation of the log weight within a pattern.
    unknown_household : float
        Chance that partner or children are not known, 0 to 1; the same for all.
    """

    age_group: tuple[float, ...]
    household: Mapping[str, tuple[float, ...]]
    woman: Mapping[str, float]
    education: Mapping[str, tuple[float, ...]]
    education_by_household: Mapping[str, tuple[float, ...]]
    employment: Mapping[str, tuple[float, ...]]
    employment_by_gender: Mapping[str, tuple[float, ...]]
    log_weight: Mapping[str, Mapping[str, float]]
    weight_spread: float
    unknown_household: float


def population(composition: Composition) -> pd.DataFrame:
    """Give every pattern of the five factors with its share of the population and of the sample.

    Parameters
    ----------
    composition : Composition

    Returns
    -------
    DataFrame, 288 rows
        The factors as level ids; ``share`` (population, sums to 1), ``weight`` (mean design weight, any scale) and
        ``drawn`` (sample, sums to 1), with ``share`` proportional to ``drawn * weight``.

    Examples
    --------
    >>> from wwm_models.survey.twin.declared import COMPOSITION
    >>> patterns = population(COMPOSITION)
    >>> len(patterns), round(float(patterns["share"].sum()), 12)
    (288, 1.0)
    """
    patterns = pd.DataFrame(list(product(*FACTORS.values())), columns=list(FACTORS))
    share = np.array([_share(composition, *pattern) for pattern in patterns.itertuples(index=False)])
    weight = np.exp(_log_weight(composition, patterns))
    drawn = share / weight
    return patterns.assign(share=share / share.sum(), weight=weight, drawn=drawn / drawn.sum())


def _share(composition: Composition, age: str, household: str, gender: str, education: str, employment: str) -> float:
    """Multiply the chain of conditional shares of one pattern."""
    tilted = np.multiply(composition.education[age], composition.education_by_household[household])
    relation = np.multiply(composition.employment[age], composition.employment_by_gender[gender])
    woman = composition.woman[household]
    return (
        _of(composition.age_group, "age_group", age)
        * _of(composition.household[age], "household", household)
        * (woman if gender == "woman" else 1 - woman)
        * _of(tilted, "education", education)
        * _of(relation, "employment", employment)
    )


def _of(shares: tuple[float, ...] | NDArray[np.float64], factor: str, level: str) -> float:
    return float(shares[FACTORS[factor].index(level)] / np.sum(shares))


def _log_weight(composition: Composition, patterns: pd.DataFrame) -> NDArray[np.float64]:
    total = np.zeros(len(patterns))
    for factor, by_level in composition.log_weight.items():
        total += patterns[factor].map(lambda level, known=by_level: known.get(level, 0.0)).to_numpy(np.float64)
    return total
