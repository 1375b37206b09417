"""The level of an interval: one check, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.bayes.sample import posterior_problem
from wwm_models.claims.article import Article
from wwm_models.errors import AdjustError
from wwm_models.estimates.adjusted import prior_record
from wwm_models.imputation.pool import pool_parameters
from wwm_models.likelihood.summary import summary
from wwm_models.study.declarations import read_study

FRAME = pd.DataFrame({"y": [1, 2, 3, 3] * 30, "z": [1, 2, 3, 2] * 30, "g": list("ab") * 60, "x": [0.1, 0.5, 0.9] * 40})
SURVEY = wwm.Survey.from_frame(FRAME, weight=None)
MODEL = wwm.Model("y ~ g + x")
FIT = wwm.fit(MODEL, SURVEY)
PRIOR = prior_record(posterior_problem(MODEL, SURVEY), seed=1, draws=200)
SHARES = wwm.raw(SURVEY, "y", "g")
GAPS = wwm.contrasts(SHARES, "g")

CALLS: dict[str, Callable[[Any], Any]] = {
    "raw": lambda level: wwm.raw(SURVEY, "y", level=level),
    "mean": lambda level: wwm.mean(SURVEY, "x", "g", level=level),
    "total": lambda level: wwm.total(SURVEY, "x", level=level),
    "adjusted": lambda level: wwm.adjusted(FIT, "g", level=level),
    "adjusted, Wald": lambda level: wwm.adjusted(FIT, "g", level=level, interval="wald"),
    "adjusted by draws": lambda level: wwm.adjusted(PRIOR, "g", level=level),
    "slopes": lambda level: wwm.slopes(FIT, "x", level=level),
    "slopes by draws": lambda level: wwm.slopes(PRIOR, "x", level=level),
    "contrasts": lambda level: wwm.contrasts(FIT, "g", level=level),
    "contrasts of estimates": lambda level: wwm.contrasts(SHARES, "g", level=level),
    "simultaneous contrasts": lambda level: wwm.contrasts(SHARES, "g", level=level, simultaneous=True),
    "contrasts by draws": lambda level: wwm.contrasts(PRIOR, "g", level=level),
    "mean_score": lambda level: wwm.mean_score(SHARES, {"1": 1, "2": 2, "3": 3}, level=level),
    "answer_ratio": lambda level: wwm.answer_ratio(SHARES, "1", "2", level=level),
    "superiority": lambda level: wwm.superiority(SHARES, "g", level=level),
    "change": lambda level: wwm.change(SURVEY, "y", "z", level=level),
    "change_between": lambda level: wwm.change_between(SHARES, wwm.raw(SURVEY, "z", "g"), level=level),
    "equivalence": lambda level: wwm.equivalence(GAPS, level=level),
    "family_of_tests": lambda level: wwm.family_of_tests([GAPS], level=level),
    "decompose": lambda level: wwm.decompose(MODEL, SURVEY, "g", level=level),
    "prior_predictive": lambda level: wwm.prior_predictive(MODEL, SURVEY, level=level),
    "posterior_predictive": lambda level: wwm.posterior_predictive(PRIOR, level=level),
    "compare": lambda level: wwm.compare(Article(), raw=SHARES, adjusted={}, level=level),
    "fragility": lambda level: wwm.fragility(Article(), FIT, level=level),
    "summary": lambda level: summary(FIT, level),
    "pooled parameters": lambda level: pool_parameters([FIT, FIT], level),
    "a study": lambda level: read_study(Path("nowhere"), None, engines=("likelihood",), level=level, lang="en"),
}
WRITE = "Write 0.95 for 95 percent."
WRONG: list[tuple[Any, str]] = [
    (95, "Did you mean 0.95?"),
    (99.9, "Did you mean 0.999?"),
    *((value, WRITE) for value in (0, 1, 1.0, -0.95, float("nan"), float("inf"), "0.95", None, True, np.True_)),
]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("level", "advice"), WRONG, ids=lambda value: repr(value)[:12])
def test_a_level_is_a_number_between_0_and_1(name: str, level: Any, advice: str):
    least = 0.5 if name == "equivalence" else 0
    with pytest.raises(AdjustError) as caught:
        CALLS[name](level)
    assert str(caught.value) == (
        f"level={level!r} is not a confidence level. Expected a number above {least} and below 1. {advice}"
    )


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"equivalence"}))
def test_a_level_that_reads_as_nothing_is_refused(name: str):
    with pytest.raises(AdjustError) as caught:
        CALLS[name](1e-300)
    assert str(caught.value) == (
        f"level=1e-300 is not a confidence level. Expected a number above 1e-12 and below 1. {WRITE}"
    )


def test_both_ends_of_an_equivalence_interval_need_more_than_one_half():
    with pytest.raises(
        AdjustError, match=r"level=0\.5 is not a confidence level\. Expected a number above 0\.5 and below 1"
    ):
        wwm.equivalence(GAPS, level=0.5)


@pytest.mark.parametrize("level", [np.float32(0.9), np.float64(0.9)])
def test_numbers_of_numpy_are_numbers(level: Any):
    np.testing.assert_allclose(
        wwm.raw(SURVEY, "y", level=level).table["lower"], wwm.raw(SURVEY, "y", level=0.9).table["lower"], rtol=1e-6
    )
