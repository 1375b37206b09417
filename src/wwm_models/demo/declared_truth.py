"""The declared truth behind the synthetic respondents: every constant and where it comes from, and the percentages that follow.

Nothing here is an estimate from the survey; the file is not public. The composition and the effects of gender, education
and employment are invented to be plausible. Intercepts and effects of age and household were solved by
``python -m wwm_models.demo.calibrate`` so that expected percentages meet the article, and rounded to three decimals.
`true_adjusted` has the true percentages of the synthetic population, by summation over its patterns: what an estimate comes near.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from wwm_models.demo.truth import FACTORS, OUTSIDE_FIGURES, AnswerLaw, Composition, Truth, levels_of, probabilities
from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.numerics.arrays import Array

Pair = tuple[float, ...]

COMPOSITION: Final = Composition(
    age_group=(0.30, 0.34, 0.32, 0.04),
    household={
        "18-34": (0.32, 0.03, 0.40, 0.25),
        "35-49": (0.14, 0.09, 0.17, 0.60),
        "50-64": (0.17, 0.06, 0.46, 0.31),
        "65-70": (0.20, 0.01, 0.75, 0.04),
    },
    woman={"single": 0.45, "single_parent": 0.72, "couple_no_children": 0.46, "couple_children": 0.47},
    education={
        "18-34": (0.06, 0.27, 0.67),
        "35-49": (0.09, 0.30, 0.61),
        "50-64": (0.15, 0.34, 0.51),
        "65-70": (0.18, 0.33, 0.49),
    },
    education_by_household={
        "single": (1.0, 1.0, 1.05),
        "single_parent": (1.4, 1.2, 0.8),
        "couple_no_children": (0.9, 1.0, 1.05),
        "couple_children": (1.0, 1.0, 1.0),
    },
    employment={
        "18-34": (0.66, 0.26, 0.08),
        "35-49": (0.78, 0.09, 0.13),
        "50-64": (0.77, 0.06, 0.17),
        "65-70": (0.35, 0.20, 0.45),
    },
    employment_by_gender={"man": (1.0, 0.9, 1.15), "woman": (1.0, 1.15, 0.8)},
    log_weight={
        "age_group": {"18-34": 0.30, "50-64": -0.20, "65-70": -0.25},
        "education": {"low": 0.45, "middle": 0.15, "high": -0.10},
        "employment": {"flexible": 0.25, "self_employed": 0.10},
    },
    weight_spread=0.40,
    unknown_household=23 / 1530,  # the article: figure 3 rests on 1,507 of 1,530
)


def _adjusters(
    woman: Pair, middle: Pair, high: Pair, flexible: Pair, self_employed: Pair
) -> dict[str, Mapping[str, Pair]]:
    """Effects against man, low education and a permanent contract."""
    return {
        "gender": {"woman": woman},
        "education": {"middle": middle, "high": high},
        "employment": {"flexible": flexible, "self_employed": self_employed},
    }


def _solved(ages: tuple[Pair, Pair], households: tuple[Pair, Pair, Pair]) -> dict[str, Mapping[str, Pair]]:
    """Effects against 18-34 and living alone; those of 65-70 are taken to be like those of 50-64."""
    return {
        "age_group": {"35-49": ages[0], "50-64": ages[1], "65-70": ages[1]},
        "household": dict(zip(FACTORS["household"][1:], households, strict=True)),
    }


_LAWS: Final = (
    AnswerLaw(
        "desired",
        "cumulative",
        intercepts=(-1.446, -0.382, 0.415, 2.367),
        effects={
            **_solved(((0.099,), (0.306,)), ((0.29,), (0.746,), (0.403,))),
            "age_group:household": {"50-64:single": (0.196,), "65-70:single": (0.196,)},
            **_adjusters(woman=(0.1,), middle=(0.15,), high=(0.35,), flexible=(-0.1,), self_employed=(0.3,)),
        },
        loading=0.6,
    ),
    AnswerLaw(
        "before",
        "cumulative",
        intercepts=(0.826, 1.475, 2.072, 3.333),
        effects={
            **_solved(((0.311,), (0.218,)), ((0.223,), (0.719,), (0.245,))),
            **_adjusters(woman=(-0.1,), middle=(0.2,), high=(0.45,), flexible=(-0.25,), self_employed=(0.9,)),
        },
        loading=0.5,
    ),
    AnswerLaw(
        "relations",
        "direction",
        intercepts=(0.648, -0.98),
        effects={
            **_solved(((-0.124, -0.104), (-0.33, -0.248)), ((0.037, 0.045), (0.064, 0.04), (0.025, 0.023))),
            **_adjusters(
                woman=(0.1, 0.0),
                middle=(0.05, 0.0),
                high=(0.15, 0.05),
                flexible=(0.05, 0.05),
                self_employed=(-0.25, 0.15),
            ),
        },
        loading=0.5,
        very=(0.22, 0.18),
    ),
    AnswerLaw(
        "development",
        "direction",
        intercepts=(-0.573, -1.118),
        effects={
            **_solved(((-0.488, -0.633), (-0.973, -1.247)), ((0.11, 0.232), (0.058, 0.165), (0.017, 0.132))),
            **_adjusters(
                woman=(0.05, 0.0), middle=(0.05, 0.05), high=(0.2, 0.2), flexible=(0.15, 0.0), self_employed=(-0.3, 0.1)
            ),
        },
        loading=0.5,
        very=(0.2, 0.2),
    ),
    AnswerLaw(
        "promotion",
        "direction",
        intercepts=(-1.256, -1.853),
        effects={
            **_solved(((-0.351, -0.803), (-0.582, -1.78)), ((0.12, 0.362), (0.106, 0.255), (0.1, 0.242))),
            **_adjusters(
                woman=(0.15, 0.0),
                middle=(0.1, 0.05),
                high=(0.25, 0.15),
                flexible=(0.15, 0.05),
                self_employed=(-0.4, -0.1),
            ),
        },
        loading=0.4,
        very=(0.25, 0.18),
    ),
    AnswerLaw(
        "autonomy",
        "direction",
        intercepts=(-1.741, 0.4),
        effects={
            **_solved(((-0.234, -0.592), (-0.49, -0.913)), ((0.083, 0.209), (0.088, 0.15), (0.048, 0.145))),
            **_adjusters(
                woman=(0.0, 0.05), middle=(0.0, 0.1), high=(0.05, 0.3), flexible=(0.1, -0.1), self_employed=(-0.1, -0.2)
            ),
        },
        loading=0.5,
        very=(0.2, 0.3),
    ),
    AnswerLaw(
        "work_life",
        "direction",
        intercepts=(0.433, -0.023),
        effects={
            **_solved(((-0.041, 0.313), (-0.45, -0.32)), ((-0.292, -0.063), (-0.236, 0.128), (-0.322, -0.068))),
            **_adjusters(
                woman=(0.05, 0.15), middle=(0.05, 0.1), high=(0.15, 0.2), flexible=(0.0, 0.0), self_employed=(0.1, 0.05)
            ),
        },
        loading=0.7,
        very=(0.28, 0.3),
    ),
    AnswerLaw(
        "concentration",
        "direction",
        intercepts=(-0.26, -0.511),
        effects={
            **_solved(((-0.134, 0.221), (-0.598, -0.071)), ((-0.344, -0.111), (-0.247, 0.413), (-0.348, -0.067))),
            **_adjusters(
                woman=(-0.05, 0.1), middle=(0.0, 0.15), high=(0.05, 0.35), flexible=(0.1, 0.0), self_employed=(0.0, 0.1)
            ),
        },
        loading=0.7,
        very=(0.25, 0.32),
    ),
    AnswerLaw(
        "amount_of_work",
        "direction",
        intercepts=(-0.174, -0.305),
        effects={
            **_solved(((-0.315, 0.072), (-0.745, -0.099)), ((-0.269, -0.05), (-0.232, 0.377), (-0.269, 0.0))),
            **_adjusters(
                woman=(-0.05, 0.1), middle=(0.0, 0.15), high=(0.0, 0.3), flexible=(0.1, -0.05), self_employed=(0.0, 0.1)
            ),
        },
        loading=0.7,
        very=(0.22, 0.32),
    ),
)

DECLARED: Final = Truth(COMPOSITION, MappingProxyType({law.outcome: law for law in _LAWS}))
"""The truth behind the demonstration data."""


_EXPOSURES: Final = ("age_group", "household")


def true_adjusted(
    outcome: str,
    by: str | Sequence[str] | None = None,
    *,
    estimand: str = "household-adjusted",
    held_equal: Sequence[str] | None = None,
    truth: Truth = DECLARED,
) -> pd.DataFrame:
    """Give the true probability of every answer in every group.

    Parameters
    ----------
    outcome : str
        A question, or the direction of an effect ("relations_direction").
    by : str, list of str or None
        Factors that form the groups; None for everyone.
    estimand : {"household-adjusted", "total", "raw"}
        household-adjusted: `by` is set for everyone aged 18-64, all else as it is. total: `by` is set, the exposures not
        in `by` follow their distribution given `by` and the adjusters; `by` names exposures only. raw: as found in each group; where no group is
        formed by age, those of 65-70 count.
    held_equal : list of str, optional
        Factors that are held equal between the groups, instead of those of an `estimand`: they have the distribution that they have
        among everyone aged 18-64, and every other factor follows the group and these. Nothing held equal is raw.
    truth : Truth

    Returns
    -------
    DataFrame
        Columns of `by`, then ``outcome``, ``category``, ``estimate`` (0 to 1) and ``estimand``.

    Raises
    ------
    SurveyError
        If an outcome, a factor or the estimand is not known.

    Examples
    --------
    >>> table = true_adjusted("desired", by="age_group")
    >>> table.groupby("age_group")["estimate"].sum().round(12).unique().tolist()
    [1.0]
    """
    factors = [by] if isinstance(by, str) else list(by or ())
    _check(factors, estimand, held_equal)
    held = _held(factors, estimand) if held_equal is None else [name for name in held_equal if name not in factors]
    patterns = truth.patterns
    if held or "age_group" in factors:
        patterns = patterns[patterns["age_group"] != OUTSIDE_FIGURES]
    groups = [dict(zip(factors, levels, strict=True)) for levels in product(*(_levels(factor) for factor in factors))]
    rows = [_standardised(truth, outcome, patterns, group, held) for group in groups]
    parts = [
        {**group, "outcome": outcome, "category": category, "estimate": float(estimate), "estimand": estimand}
        for group, row in zip(groups, rows, strict=True)
        for category, estimate in zip(levels_of(truth, outcome), row, strict=True)
    ]
    return pd.DataFrame(parts)


def _levels(factor: str) -> tuple[str, ...]:
    """Give the levels that a figure shows."""
    return tuple(level for level in FACTORS[factor] if level != OUTSIDE_FIGURES)


def _held(factors: Sequence[str], estimand: str) -> list[str]:
    """What an estimand holds equal between groups by these factors."""
    free = {"household-adjusted": (), "total": _EXPOSURES, "raw": FACTORS}[estimand]
    return [name for name in FACTORS if name not in free and name not in factors]


def _standardised(
    truth: Truth, outcome: str, patterns: pd.DataFrame, group: Mapping[str, str], held: Sequence[str]
) -> Array:
    """Average over p(held) of the mean within (group, held), in which all other factors keep their law."""
    inside = np.ones(len(patterns), dtype=bool)
    for factor, level in group.items():
        inside &= (patterns[factor] == level).to_numpy()
    found = patterns[inside]
    chances = probabilities(truth, outcome, found)
    if not held:
        return np.average(chances, axis=0, weights=found["share"].to_numpy())
    target = patterns.groupby(list(held), sort=False)["share"].transform("sum").to_numpy()
    within = found["share"] / found.groupby(list(held), sort=False)["share"].transform("sum")
    return np.average(chances, axis=0, weights=within.to_numpy() * target[inside])


_ESTIMANDS: Final = ("household-adjusted", "total", "raw")


def _check(factors: Sequence[str], estimand: str, held_equal: Sequence[str] | None) -> None:
    groups = list(_EXPOSURES if estimand == "total" and held_equal is None else FACTORS)
    for name, known, what in [
        (estimand, list(_ESTIMANDS), "estimand"),
        *((factor, groups, "group") for factor in factors),
        *((factor, list(FACTORS), "factor") for factor in held_equal or ()),
    ]:
        if name not in known:
            raise SurveyError(
                f'The synthetic population has no {what} "{name}" here. Known: {listed(known)}.'
                f"{did_you_mean(name, known)} Name one of these."
            )
