"""Synthetic respondents outside the domain: workers who cannot work from home, and people without paid work.

They carry the file's other rows (2,508 workers of 4,008 respondents), so that reading, counting and the domain have
something to do. No number of the article is about them; all shares here are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from wwm_models.survey.twin.draw import ages_of
from wwm_models.survey.twin.layout import DONT_KNOW, NO, NO_ANSWER, YES, about_respondents, without_household
from wwm_models.survey.twin.population import FACTORS
from wwm_models.survey.twin.truth import Truth

_WEIGHT_SPREAD: Final = 0.45
_UNKNOWN_HOUSEHOLD: Final = 0.015
_UNKNOWN_EDUCATION: Final = 0.01
_UNSURE_OF_HOME_WORK: Final = 0.02


@dataclass(frozen=True)
class Others:
    """Shares of one kind of people outside the domain, by factor, in the order of `FACTORS`; each sums to one."""

    shares: Mapping[str, tuple[float, ...]]


CANNOT: Final = Others(
    MappingProxyType(
        {
            "age_group": (0.32, 0.31, 0.33, 0.04),
            "gender": (0.50, 0.50),
            "education": (0.27, 0.49, 0.24),
            "employment": (0.66, 0.25, 0.09),
        }
    )
)
NOT_EMPLOYED: Final = Others(
    MappingProxyType({"age_group": (0.27, 0.12, 0.30, 0.31), "gender": (0.43, 0.57), "education": (0.37, 0.40, 0.23)})
)


def workers_on_site(truth: Truth, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Give `n` workers who cannot work from home, or do not know, in raw columns."""
    factors = _drawn(truth, CANNOT, n, rng)
    answer = np.where(rng.random(n) < _UNSURE_OF_HOME_WORK, DONT_KNOW, NO)
    relation = pd.Categorical(factors["employment"], FACTORS["employment"]).codes + 1
    return _about(factors, rng).assign(betaald_werk=YES, kan_thuiswerken=answer, arbeidsrelatie=relation)


def without_work(truth: Truth, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Give `n` respondents without paid work in raw columns; questions about work are not asked."""
    return _about(_drawn(truth, NOT_EMPLOYED, n, rng), rng).assign(betaald_werk=NO)


def _drawn(truth: Truth, others: Others, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw each factor on its own, but household given age as in the domain."""
    drawn = pd.DataFrame({factor: rng.choice(FACTORS[factor], n, p=share) for factor, share in others.shares.items()})
    household = np.empty(n, dtype=object)
    for age, share in truth.composition.household.items():
        rows = (drawn["age_group"] == age).to_numpy()
        household[rows] = rng.choice(FACTORS["household"], int(rows.sum()), p=np.array(share) / sum(share))
    return drawn.assign(household=household)


def _about(factors: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Give the columns everybody fills in, some of them without an answer."""
    n = len(factors)
    noise = np.exp(_WEIGHT_SPREAD * np.clip(rng.standard_normal(n), -2.5, 2.5))
    weights = np.round(noise / noise.mean(), 4)
    columns = about_respondents(factors, ages_of(factors["age_group"], rng), weights, rng)
    columns = without_household(columns, rng.random(n) < _UNKNOWN_HOUSEHOLD)
    education = np.where(rng.random(n) < _UNKNOWN_EDUCATION, NO_ANSWER, columns["opleiding"])
    return pd.DataFrame({**columns, "opleiding": education})
