"""Rejection rates at 5% of the tests of the assumptions, where the assumptions hold: their size."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import wwm_models as wwm
from benchmarks.coverage.population import FORMULA, truth
from benchmarks.coverage.samples import ANSWER_CORRELATION, correlated, draw
from wwm_models.errors import WwmError

MODEL = wwm.Model(f"{FORMULA} + x")
X_VALUES, X_SLOPE = np.linspace(-1.5, 1.5, 13), 0.4
COMMON = np.array([-1.4, 0.2, 1.5, 2.9])  # cut points; five answers of 5% to 30%, as the tests' chi-square laws want
TESTS = {"brant": wwm.brant, "lipsitz": wwm.lipsitz, "hosmer_lemeshow": wwm.hosmer_lemeshow}


@dataclass(frozen=True)
class SizeCondition:
    """Proportional odds hold; n respondents by one of the designs."""

    n: int
    design: str

    def samples(self, replicates: int) -> int:
        """Half of the samples of the coverage tables, a quarter under weights: these all go the public way."""
        return replicates // (2 if self.design == "simple" else 4)


SIZE_CONDITIONS = [SizeCondition(*row) for row in itertools.product((500, 1530), ("simple", "weighted", "clustered"))]


def rejections(condition: SizeCondition, replicates: int, folder: Path) -> None:
    """Simulate a condition and leave ``<condition>.sizes.csv``, unless it is there."""
    path = folder / f"sizes-{condition.n}-{condition.design}-{replicates}.sizes.csv"
    if path.exists():
        return
    made, rejected = Counter[str](), Counter[str]()
    rng = np.random.default_rng([99, condition.n, len(condition.design)])
    for _ in range(condition.samples(replicates)):
        for name, p_value in _p_values(condition, rng).items():
            made[name] += 1
            rejected[name] += p_value < 0.05
    rows = [
        {"test": name, "n": condition.n, "design": condition.design, "samples": made[name], "rejected": rejected[name]}
        for name in TESTS
    ]
    pd.DataFrame(rows).to_csv(path, index=False)


def _p_values(condition: SizeCondition, rng: np.random.Generator) -> dict[str, float]:
    """p-values of the tests on one sample; a test that is missing (separated parts) is left out."""
    survey = _sample(condition, rng)
    found: dict[str, float] = {}
    try:
        fit = wwm.fit(MODEL, survey)
    except WwmError:
        return found
    for name, test in TESTS.items():
        try:
            p_value = test(fit).p_value
        except WwmError:
            continue
        if np.isfinite(p_value):
            found[name] = p_value
    return found


def _sample(condition: SizeCondition, rng: np.random.Generator) -> wwm.Survey:
    """Respondents of the coverage population with a further predictor, so that there are 312 patterns, and common answers."""
    which = truth("cumulative")
    samples = draw(which, condition.design, condition.n, 1, rng)
    survey = samples.survey(0)
    x = rng.choice(X_VALUES, condition.n)
    slopes = which.linear.array[:, 0][:, ~which.design.is_cut] @ which.theta[~which.design.is_cut]
    eta = COMMON + slopes[samples.pattern[0], None] - X_SLOPE * x[:, None]
    uniform = _uniform(samples.unit, condition.design, rng)
    answer = (uniform[:, None] > 1.0 / (1.0 + np.exp(-eta))).sum(axis=1)
    categories = survey.frame["y"].cat.categories
    frame = survey.frame.assign(y=pd.Categorical.from_codes(answer, categories, ordered=True), x=x)
    if condition.design == "clustered":
        return wwm.Survey.from_frame(frame, weight="weight", strata="stratum", psu="unit")
    return wwm.Survey.from_frame(frame, weight=None if condition.design == "simple" else "weight")


def _uniform(unit: np.ndarray, design: str, rng: np.random.Generator) -> np.ndarray:
    return correlated(unit, 1, ANSWER_CORRELATION if design == "clustered" else 0.0, rng)[0]
