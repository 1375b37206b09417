"""The population that synthetic respondents are drawn from: who they are, and how they answer.

Who they are (`Composition`): the joint distribution of age, household, gender, education and employment, declared and not an estimate of one.
Household depends on age, gender on household, education on age and household, employment on age and gender, so that age groups differ in more
than age and adjustment has something to do. The sample is drawn with unequal chances: a pattern with a large weight is underrepresented by that
factor, as after nonresponse, so that weighted percentages estimate the population and unweighted ones do not.

How they answer (`AnswerLaw`): declared laws of each answer given age, household and adjusters, in two forms. *cumulative*: P(Y <= k) =
logistic(cut_k - eta), one linear predictor eta, positive = higher answers. *direction*: log P(negative)/P(none) and log P(positive)/P(none) are
linear, two predictors in that order; the very negative and very positive answers are a fixed share of their side. So ``desired`` and ``before``
obey proportional odds, and the directions of the effects obey a multinomial logit: the models of the study are true of this population, but for
the one declared interaction in ``desired`` (older people who live alone).

Answers of one respondent are correlated through one shared standard normal trait: the rank V of an answer is
Phi(loading * trait + sqrt(1 - loading^2) * e), so each answer keeps its declared law.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, softmax

from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.numerics.arrays import Array

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
    >>> from wwm_models.demo.declared_truth import COMPOSITION
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


FREQUENCIES: Final = ("never", "few_per_year_or_month", "once_per_week", "several_per_week", "almost_daily")
EFFECTS: Final = ("very_negative", "fairly_negative", "no_effect", "fairly_positive", "very_positive")
DIRECTIONS: Final = ("negative", "none", "positive")
_TO_DIRECTION: Final = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=np.float64)


@dataclass(frozen=True)
class AnswerLaw:
    """The law of one question.

    Attributes
    ----------
    outcome : str
    form : str
        A key of `FORMS`.
    intercepts : tuple of float
        cumulative: the cut points; direction: the two intercepts.
    effects : mapping of factor, or "factor:factor", to (level, or "level:level", to one number per predictor)
        Levels that are absent have effect zero.
    loading : float, -1 to 1
        Dependence on the shared trait.
    very : (float, float)
        direction only: the share of the negative side that is very negative, of the positive side very positive.
    """

    outcome: str
    form: str
    intercepts: tuple[float, ...]
    effects: Mapping[str, Mapping[str, tuple[float, ...]]]
    loading: float
    very: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Form:
    """A response form.

    Attributes
    ----------
    levels : tuple of str
        The answers, lowest first.
    predictors : int
        How many linear predictors.
    probabilities : callable
        (law, (n, predictors) array) to (n, answers) array.
    directed : bool
        Whether the answers also have a direction.
    """

    levels: tuple[str, ...]
    predictors: int
    probabilities: Callable[[AnswerLaw, Array], Array]
    directed: bool


def _cumulative(law: AnswerLaw, predictors: Array) -> Array:
    below = expit(np.asarray(law.intercepts) - predictors)
    return np.diff(below, axis=1, prepend=0.0, append=1.0)


def _direction(law: AnswerLaw, predictors: Array) -> Array:
    sides = np.asarray(law.intercepts) + predictors
    negative, none, positive = softmax(np.insert(sides, 1, 0.0, axis=1), axis=1).T
    low, high = law.very
    return np.column_stack([negative * low, negative * (1 - low), none, positive * (1 - high), positive * high])


FORMS: Final = MappingProxyType(
    {
        "cumulative": Form(FREQUENCIES, 1, _cumulative, directed=False),
        "direction": Form(EFFECTS, 2, _direction, directed=True),
    }
)


@dataclass(frozen=True)
class Truth:
    """Everything that is declared about the synthetic population.

    Attributes
    ----------
    composition : Composition
    laws : mapping of outcome to AnswerLaw
    """

    composition: Composition
    laws: Mapping[str, AnswerLaw]

    @cached_property
    def patterns(self) -> pd.DataFrame:
        """Every pattern of the factors; see `population`."""
        return population(self.composition)

    def law(self, outcome: str) -> AnswerLaw:
        """Give the law of an outcome; ``x_direction`` has the law of ``x``.

        Raises
        ------
        SurveyError
        """
        known = {name: law for law in self.laws.values() for name in outcomes_of(law)}
        if outcome not in known:
            raise SurveyError(
                f'The synthetic population has no outcome "{outcome}". Known: {listed(known, most=20)}.'
                f"{did_you_mean(outcome, known)} Name one of these."
            )
        return known[outcome]

    def without(self, outcome: str, factor: str) -> Truth:
        """Give the same population in which `factor` has no effect of its own on `outcome`.

        What difference remains between its levels is due to the other factors.

        Raises
        ------
        SurveyError
            If the outcome or the factor is not known.
        """
        law = self.law(outcome)
        if factor not in FACTORS:
            raise SurveyError(
                f'The synthetic population has no factor "{factor}". Known: {listed(FACTORS)}.'
                f"{did_you_mean(factor, FACTORS)} Name one of these."
            )
        kept = {term: effect for term, effect in law.effects.items() if factor not in term.split(":")}
        changed = replace(law, effects=MappingProxyType(kept))
        return replace(self, laws=MappingProxyType({**self.laws, law.outcome: changed}))


def outcomes_of(law: AnswerLaw) -> tuple[str, ...]:
    """Name the outcomes one question gives: itself, and its direction where it has one."""
    return (law.outcome, f"{law.outcome}_direction") if FORMS[law.form].directed else (law.outcome,)


def levels_of(truth: Truth, outcome: str) -> tuple[str, ...]:
    """Give the answers of an outcome, lowest first."""
    law = truth.law(outcome)
    return FORMS[law.form].levels if outcome == law.outcome else DIRECTIONS


def probabilities(truth: Truth, outcome: str, frame: pd.DataFrame) -> Array:
    """Give the probability of each answer for each row.

    Parameters
    ----------
    truth : Truth
    outcome : str
    frame : DataFrame, n rows
        The five factors as level ids.

    Returns
    -------
    (n, K) array
        Rows sum to one; columns in the order of `levels_of`.

    Examples
    --------
    >>> from wwm_models.demo.declared_truth import DECLARED
    >>> probabilities(DECLARED, "autonomy_direction", DECLARED.patterns).shape
    (288, 3)
    """
    law = truth.law(outcome)
    form = FORMS[law.form]
    answers = form.probabilities(law, _predictors(law, form.predictors, frame))
    return answers if outcome == law.outcome else answers @ _TO_DIRECTION


def to_direction(codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give the place among `DIRECTIONS` of the place among `EFFECTS`.

    Examples
    --------
    >>> to_direction(np.array([0, 1, 2, 3, 4])).tolist()
    [0, 0, 1, 2, 2]
    """
    return np.argmax(_TO_DIRECTION, axis=1)[codes]


def _predictors(law: AnswerLaw, count: int, frame: pd.DataFrame) -> Array:
    """Sum the effects of each row's levels: (n, count)."""
    total = np.zeros((len(frame), count))
    for term, effect in law.effects.items():
        levels = _joined(frame, term.split(":"))
        codes, names = pd.factorize(levels)
        total += np.array([effect.get(str(name), (0.0,) * count) for name in names])[codes]
    return total


def _joined(frame: pd.DataFrame, factors: list[str]) -> pd.Series[str]:
    """Give (n,) the levels of each row, joined by colons."""
    joined = frame[factors[0]].astype(str)
    for factor in factors[1:]:
        joined = joined + ":" + frame[factor].astype(str)
    return joined
