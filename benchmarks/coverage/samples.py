"""Ways to draw respondents, each a case for another covariance; the marginal model of the answers is exact in all.

simple: independent draws from the population; inverse information.
weighted: the old are drawn more often than the young, and weights also vary for reasons that have nothing to do with the
answers; Kish's design effect is 1.25, as a weighted web panel has. Robust covariance.
heavy: the same with weights that vary more: a design effect of 1.5.
clustered: ten strata whose shares of the population differ and which get as many units each, so weights differ too; within a
unit, answers and groups are correlated through a Gaussian copula: uniform U_i = Phi(sqrt(r) c + sqrt(1 - r) e_i) with c common
to the unit is turned into an answer by the respondent's own probabilities, which leaves P(answer | group) as the model has it.
Design-based covariance, units minus strata degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

import wwm_models as wwm
from benchmarks.coverage.population import (
    ANSWERS,
    STRATA,
    STRATUM_SHARES,
    Truth,
    patterns,
    population_shares,
    stratum_shares,
)

DESIGNS = ("simple", "weighted", "clustered", "heavy")
UNITS = {150: 50, 500: 50, 1530: 60}
ANSWER_CORRELATION, GROUP_CORRELATION = 0.15, 0.15  # of the normal variables within a unit
OFTEN = {"simple": np.ones(3), "weighted": np.array([0.6, 1.0, 1.3]), "heavy": np.array([0.5, 1.0, 1.5])}
NOISE = {"simple": np.ones(1), "weighted": np.array([0.6, 1.0, 1.6]), "heavy": np.array([0.5, 1.0, 2.0])}
# OFTEN: relative frequency of drawing, by age; NOISE: factors of the weights, equally frequent


@dataclass(frozen=True, eq=False)
class Samples:
    """R samples of n respondents.

    Attributes
    ----------
    design : {"simple", "weighted", "clustered", "heavy"}
    pattern, answer : (R, n) int arrays
    weight : (R, n) array
        With mean one in every sample.
    unit : (n,) int array
        Sampling units, numbered stratum by stratum; the same in every sample.
    stratum : (units,) int array
    """

    design: str
    pattern: np.ndarray
    answer: np.ndarray
    weight: np.ndarray
    unit: np.ndarray
    stratum: np.ndarray

    @property
    def vcov_kind(self) -> str:
        """What ``vcov="auto"`` resolves to."""
        return {"simple": "model", "clustered": "design"}.get(self.design, "robust")

    @property
    def df(self) -> float:
        """Degrees of freedom of the intervals."""
        return float(len(self.stratum) - STRATA) if self.design == "clustered" else float("inf")

    def survey(self, replicate: int) -> wwm.Survey:
        """One sample as a user would hand it over."""
        frame = patterns().iloc[self.pattern[replicate]].reset_index(drop=True)
        frame["y"] = pd.Categorical.from_codes(self.answer[replicate], list(ANSWERS), ordered=True)
        frame["weight"], frame["unit"] = self.weight[replicate], self.unit
        frame["stratum"] = self.stratum[self.unit]
        if self.design == "simple":
            return wwm.Survey.from_frame(frame, weight=None)
        if self.design == "clustered":
            return wwm.Survey.from_frame(frame, weight="weight", strata="stratum", psu="unit")
        return wwm.Survey.from_frame(frame, weight="weight")


def draw(truth: Truth, design: str, n: int, replicates: int, rng: np.random.Generator) -> Samples:
    """Independent samples of one design."""
    units = UNITS[n]
    unit = np.sort(np.arange(n) % units)
    stratum = np.arange(units) * STRATA // units
    if design == "clustered":
        return _clustered(truth, unit, stratum, replicates, rng)
    factor = OFTEN[design][patterns()["age"].cat.codes]
    drawn = population_shares() * factor
    limits = np.cumsum(drawn / drawn.sum())
    pattern = np.searchsorted(limits[:-1], rng.random((replicates, n)), side="right")
    answer = _answers(truth, pattern, rng.random((replicates, n)))
    weight = rng.choice(NOISE[design], (replicates, n)) / factor[pattern]
    return Samples(design, pattern, answer, weight / weight.mean(axis=1, keepdims=True), unit, stratum)


def _clustered(
    truth: Truth, unit: np.ndarray, stratum: np.ndarray, replicates: int, rng: np.random.Generator
) -> Samples:
    limits = np.cumsum(stratum_shares(), axis=1)
    where = stratum[unit]
    uniform = correlated(unit, replicates, GROUP_CORRELATION, rng)
    pattern = np.zeros(uniform.shape, dtype=np.intp)
    for h in range(STRATA):
        pattern[:, where == h] = np.searchsorted(limits[h, :-1], uniform[:, where == h], side="right")
    answer = _answers(truth, pattern, correlated(unit, replicates, ANSWER_CORRELATION, rng))
    weight = (STRATUM_SHARES / np.bincount(where))[where]
    return Samples("clustered", pattern, answer, np.tile(weight / weight.mean(), (replicates, 1)), unit, stratum)


def correlated(unit: np.ndarray, replicates: int, correlation: float, rng: np.random.Generator) -> np.ndarray:
    common = rng.standard_normal((replicates, unit.max() + 1))[:, unit]
    own = rng.standard_normal((replicates, len(unit)))
    return ndtr(np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own)


def _answers(truth: Truth, pattern: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    return (uniform[:, :, None] > np.cumsum(truth.probabilities, axis=1)[pattern][:, :, :-1]).sum(axis=2)
