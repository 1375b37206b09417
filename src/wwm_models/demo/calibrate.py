"""How the constants of `declared_truth` were found: intercepts and effects that give the percentages aimed at.

``python -m wwm_models.demo.calibrate`` prints them. The aims are a complete set of figures under which every
number and every statement of ``models/wwm21/article.toml`` is true, with room to spare; where the article prints a number
the aim is that number, elsewhere it is our invention. They are raw percentages: what a table would show, unadjusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from wwm_models.demo.declared_truth import DECLARED
from wwm_models.demo.truth import EFFECTS, FACTORS, FORMS, AnswerLaw, Truth, levels_of, probabilities
from wwm_models.numerics.arrays import Array

Group = Mapping[str, str]


@dataclass(frozen=True)
class Aim:
    """A percentage (0 to 100) of one or more answers of one question in one group."""

    outcome: str
    answers: tuple[str, ...]
    group: Group
    percent: float


_AGES: Final = FACTORS["age_group"][:3]
_OFTEN: Final = ("several_per_week", "almost_daily")
_OLDER_SINGLES: Final[Group] = {"age_group": "50-64", "household": "single"}

# (ages 18-34, 35-49, 50-64), (single, lone parent, couple without, couple with children)
_WEEKLY: Final = {
    "desired": ((57.7, 60.2, 67.4), (52.0, 58.5, 69.3, 60.8)),
    "before": ((20.8, 25.9, 27.1), (17.9, 21.8, 31.3, 23.1)),
}
_LOWER_ANSWERS: Final = {
    "desired": {
        ("almost_daily",): ({"age_group": "50-64"}, 23.2),
        ("never",): ({}, 9.0),
        ("once_per_week",): ({}, 16.0),
    },
    "before": {("almost_daily",): ({}, 9.0), ("never",): ({}, 48.0), ("once_per_week",): ({}, 12.0)},
}
# outcome: negative, then positive, each by age and by household
_SIDES: Final = {
    "relations": (((62.0, 59.0, 54.5), (58.4,) * 4), ((11.0, 11.0, 11.0), (11.0,) * 4)),
    "development": (((33.0, 25.0, 18.0), (26.5, 25.0, 24.5, 24.5)), ((20.0, 14.0, 9.0), (14.0,) * 4)),
    "promotion": (((25.0, 20.0, 16.8), (20.4,) * 4), ((13.0, 7.0, 2.8), (7.4,) * 4)),
    "autonomy": (((6.0, 6.5, 6.0), (6.2,) * 4), ((63.0, 50.0, 42.0), (51.0,) * 4)),
    "work_life": (((39.5, 33.3, 32.0), (41.0, 33.0, 33.0, 33.0)), ((34.0, 41.5, 32.5), (32.0, 37.0, 37.0, 37.0))),
    "concentration": (((25.0, 20.0, 15.0), (26.0, 19.0, 17.0, 19.5)), ((37.0, 41.0, 40.0), (34.0, 36.0, 46.0, 37.0))),
    "amount_of_work": (((25.0, 18.5, 13.5), (24.5, 18.0, 16.0, 18.5)), ((40.0, 43.0, 44.0), (37.0, 39.5, 48.5, 40.5))),
}


def aims() -> tuple[Aim, ...]:
    """Give every percentage aimed at."""
    wanted = [
        Aim("desired", _OFTEN, {}, 62.0),
        Aim("before", _OFTEN, {}, 25.0),
        Aim("desired", _OFTEN, _OLDER_SINGLES, 60.0),
    ]
    for outcome, figures in _WEEKLY.items():
        wanted += _by_group(outcome, _OFTEN, figures)
        wanted += [Aim(outcome, answers, group, value) for answers, (group, value) in _LOWER_ANSWERS[outcome].items()]
    for outcome, sides in _SIDES.items():
        for direction, figures in zip((EFFECTS[:2], EFFECTS[3:]), sides, strict=True):
            wanted += _by_group(outcome, direction, figures)
    return tuple(wanted)


def _by_group(
    outcome: str, answers: tuple[str, ...], figures: tuple[tuple[float, ...], tuple[float, ...]]
) -> list[Aim]:
    groups = [("age_group", _AGES, figures[0]), ("household", FACTORS["household"], figures[1])]
    return [
        Aim(outcome, answers, {factor: level}, percent)
        for factor, levels, percents in groups
        for level, percent in zip(levels, percents, strict=True)
    ]


def calibrated(truth: Truth) -> Truth:
    """Give `truth` with intercepts and effects of age and household that come nearest to the aims.

    Parameters
    ----------
    truth : Truth
        Its adjusters' effects, loadings and composition are kept.

    Returns
    -------
    Truth
        Constants rounded to three decimals.
    """
    laws = {name: _calibrated(truth, law) for name, law in truth.laws.items()}
    return replace(truth, laws=MappingProxyType(laws))


def _calibrated(truth: Truth, law: AnswerLaw) -> AnswerLaw:
    """Least squares on the aims of one outcome; those of 65-70 share the effects of 50-64."""
    wanted = [aim for aim in aims() if aim.outcome == law.outcome]

    share = np.array([_share_of(truth, aim) for aim in wanted])
    answers = np.array([_answers_of(truth, aim) for aim in wanted])
    percents = np.array([aim.percent for aim in wanted])

    def misses(parameters: Array) -> Array:
        trial = replace(truth, laws=MappingProxyType({law.outcome: _with(law, parameters)}))
        found = probabilities(trial, law.outcome, truth.patterns)
        return 100 * np.einsum("ap,pk,ak->a", share, found, answers) - percents

    cuts = len(law.intercepts)
    start = np.zeros(cuts + 5 * FORMS[law.form].predictors + ("age_group:household" in law.effects))
    start[:cuts] = np.linspace(-1.5, 1.5, cuts) if cuts > FORMS[law.form].predictors else 0.0
    return _with(law, np.round(least_squares(misses, start, xtol=1e-10, ftol=1e-10).x, 3))


def _with(law: AnswerLaw, parameters: Array) -> AnswerLaw:
    """Put a vector of parameters in its places: intercepts, two ages, three households, older people who live alone."""
    cuts, width = len(law.intercepts), FORMS[law.form].predictors
    rows = parameters[cuts : cuts + 5 * width].reshape(5, width).tolist()
    first, second, *home = [tuple(row) for row in rows]
    effects = dict(law.effects)
    effects["age_group"] = {"35-49": first, "50-64": second, "65-70": second}
    effects["household"] = dict(zip(FACTORS["household"][1:], home, strict=True))
    if "age_group:household" in effects:
        alone = (float(parameters[-1]),)
        effects["age_group:household"] = {"50-64:single": alone, "65-70:single": alone}
    return replace(law, intercepts=tuple(parameters[:cuts].tolist()), effects=MappingProxyType(effects))


def _share_of(truth: Truth, aim: Aim) -> Array:
    """Give (patterns,) the share of each pattern within the group of an aim."""
    inside = np.ones(len(truth.patterns), dtype=bool)
    for factor, level in aim.group.items():
        inside &= (truth.patterns[factor] == level).to_numpy()
    share = truth.patterns["share"].to_numpy() * inside
    return share / share.sum()


def _answers_of(truth: Truth, aim: Aim) -> Array:
    """Give (answers of the question,) ones where the answer counts."""
    return np.array([float(level in aim.answers) for level in levels_of(truth, aim.outcome)])


if __name__ == "__main__":
    for found in calibrated(DECLARED).laws.values():
        print(found.outcome, found.intercepts, dict(found.effects), sep="\n    ")
