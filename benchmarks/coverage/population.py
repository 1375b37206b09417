"""The population: 24 groups of people in ten strata, and five response models that hold exactly in it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.optimize import root

import wwm_models as wwm
from wwm_models.models.design import Design, cells_and_design
from wwm_models.models.family import Family
from wwm_models.models.linear_map import Linear
from wwm_models.models.model import FAMILIES
from wwm_models.numerics.links import LINKS

LEVELS = {
    "age": ("18-34", "35-49", "50-64"),
    "household": ("single", "couple", "family", "other"),
    "gender": ("f", "m"),
}
ANSWERS = ("never", "monthly", "weekly", "mostly", "always")
SHARES = np.array([0.16, 0.30, 0.285, 0.24, 0.015])  # in the population; the last answer is the rare one
STRATA = 10
STRATUM_SHARES = np.linspace(0.06, 0.14, STRATA)  # of the population; samples take as many units from each stratum

FORMULA = "y ~ age + household + gender"
MODELS = {
    "cumulative": wwm.Model(FORMULA),
    "partial": wwm.Model(FORMULA, nonproportional=("gender",)),
    "adjacent": wwm.Model(FORMULA, family="adjacent"),
    "continuation": wwm.Model(FORMULA, family="continuation"),
    "multinomial": wwm.Model(
        "y ~ age + gender", family="multinomial"
    ),  # 4 x 4 parameters; the rare answer cannot carry more
}
SLOPES = {"age[35-49]": 0.4, "age[50-64]": 0.8, "household[couple]": -0.3, "household[family]": -0.6,
          "household[other]": 0.2, "gender[m]": 0.35}  # fmt: skip
OWN_SLOPES = (0.15, 0.35, 0.55, 0.45)  # of gender at the four cut points of the partial model
ADJACENT_SHRINK = 0.5  # a step between neighbours is about half a step of the cumulative logit


@dataclass(frozen=True, eq=False)
class Truth:
    """A response model and its parameters in the population.

    Attributes
    ----------
    name : str
    model : Model
    family : Family
    design : Design
    linear : Linear
        The design on all patterns.
    theta : (p,) array
    probabilities : (24, 5) array
        In the declared order of the answers.
    """

    name: str
    model: wwm.Model
    family: Family
    design: Design
    linear: Linear
    theta: np.ndarray
    probabilities: np.ndarray


@cache
def patterns() -> pd.DataFrame:
    """The 24 combinations of levels, gender varying fastest."""
    rows = pd.DataFrame(list(itertools.product(*LEVELS.values())), columns=list(LEVELS))
    return pd.DataFrame({name: pd.Categorical(rows[name], list(levels)) for name, levels in LEVELS.items()})


@cache
def stratum_shares() -> np.ndarray:
    """(10, 24) shares of the patterns in each stratum: ages and households differ between strata."""
    table = patterns().apply(lambda column: column.cat.codes).to_numpy()
    base = (np.array([0.28, 0.34, 0.38])[table[:, 0]] * np.array([0.22, 0.36, 0.30, 0.12])[table[:, 1]]
            * np.array([0.52, 0.48])[table[:, 2]])  # fmt: skip
    tilt = np.linspace(-0.5, 0.5, STRATA)[:, None] * (table[:, 0] - 1) + np.cos(np.arange(STRATA))[:, None] * 0.3 * (
        table[:, 1] == 2
    )
    shares = base * np.exp(tilt)
    return shares / shares.sum(axis=1, keepdims=True)


def population_shares() -> np.ndarray:
    """(24,) shares of the patterns in the population."""
    return STRATUM_SHARES @ stratum_shares()


@cache
def truth(name: str) -> Truth:
    """The named model with cut points that give the population its shares."""
    model = MODELS[name]
    family, link = FAMILIES[model.family], LINKS[model.link]
    one_each = patterns().loc[patterns().index.repeat(len(ANSWERS))].reset_index(drop=True)
    answers = pd.Categorical(list(ANSWERS) * len(patterns()), list(ANSWERS), ordered=True)
    survey = wwm.Survey.from_frame(one_each.assign(y=answers), weight=None)
    _, design = cells_and_design(model, survey)
    linear = design.build(patterns())
    theta = np.array([_slope(name, column) for column in design.names])

    def probabilities(cuts: np.ndarray) -> np.ndarray:
        point = theta.copy()
        point[design.is_cut] = cuts
        return np.exp(family.log_probabilities(linear.eta(point), link))

    def gap(cuts: np.ndarray) -> np.ndarray:
        return (population_shares() @ probabilities(cuts) - SHARES)[:-1]

    found = root(gap, family.start(SHARES, link) * family.cut_sign * linear.array[0, 0, 0], tol=1e-13)
    assert np.abs(gap(found.x)).max() < 1e-10, found.message
    theta[design.is_cut] = found.x
    return Truth(name, model, family, design, linear, theta, probabilities(found.x))


def _slope(name: str, column: str) -> float:
    """The declared slope of a column; own slopes differ between cut points or answers."""
    base, _, place = column.rpartition(":")
    if not base:
        return SLOPES.get(column, 0.0) * (ADJACENT_SHRINK if name == "adjacent" else 1.0)
    if name == "partial":
        lower = place.split("|")[0]
        return OWN_SLOPES[ANSWERS.index(lower)]
    if base == "Intercept":
        return 0.0
    return SLOPES[base] * (0.15, 0.45, 0.75, 0.9)[ANSWERS.index(place) - 1]


def variables_of(model: wwm.Model) -> list[str]:
    """The predictors of a model, each of which is reported by."""
    return [name for name in LEVELS if name in model.formula]


def adjusted_truth(which: Truth, variable: str) -> np.ndarray:
    """(levels, 5) adjusted probabilities: everybody in the population set to each level."""
    return np.array([population_shares() @ which.probabilities[set_to(variable, level)] for level in LEVELS[variable]])


def set_to(variable: str, level: str) -> np.ndarray:
    """(24,) positions of the patterns that people come to have when `variable` is set to `level`."""
    table = patterns().assign(**{variable: level}).astype(str)
    where = {tuple(row): position for position, row in enumerate(patterns().astype(str).to_numpy())}
    return np.array([where[tuple(row)] for row in table.to_numpy()])
