"""Objects of another kind than a function works on: one sentence with what was given, what is expected and how to make it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import WwmError

FRAME = pd.DataFrame({"y": [1, 2, 3] * 30, "g": ["a", "b"] * 45, "w": [1.0] * 90})
MADE = SimpleNamespace(
    model=wwm.Model("y ~ g"),
    survey=wwm.Survey.from_frame(FRAME, weight=None),
    fit=wwm.fit(wwm.Model("y ~ g"), wwm.Survey.from_frame(FRAME, weight=None)),
)
CASES: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "fit of a frame": (
        lambda: wwm.fit(MADE.model, FRAME),
        ("second argument of fit", "DataFrame", "Survey", "wwm.Survey.from_frame(frame, weight=...)"),
    ),
    "fit, swapped": (lambda: wwm.fit(MADE.survey, MADE.model), ("first argument of fit", "Survey", "wwm.Model(")),
    "fit of a formula": (lambda: wwm.fit("y ~ g", MADE.survey), ("first argument of fit", "str", "wwm.Model(")),
    "sample of a frame": (
        lambda: wwm.sample(MADE.model, FRAME, seed=1),
        ("second argument of sample", "DataFrame", "wwm.Survey.from_frame(frame, weight=...)"),
    ),
    "loo of a fit": (lambda: wwm.loo(MADE.fit), ("first argument of loo", "Fit", "Posterior", "wwm.sample(")),
    "adjusted of a model": (lambda: wwm.adjusted(MADE.model, by="g"), ("Model", "Fit or Posterior", "wwm.fit(")),
    "slopes of a survey": (lambda: wwm.slopes(MADE.survey, "g"), ("Survey", "Fit or Posterior", "wwm.fit(")),
    "contrasts of a model": (
        lambda: wwm.contrasts(MADE.model, "g"),
        ("first argument of contrasts", "Model", "Fit or Posterior or Estimates", "wwm.fit(model, survey)"),
    ),
    "raw of a frame": (lambda: wwm.raw(FRAME, "y"), ("first argument of raw", "DataFrame", "wwm.Survey.from_frame(")),
    "mean of a frame": (lambda: wwm.mean(FRAME, "y"), ("first argument of mean", "DataFrame", "Survey")),
    "equivalence of a fit": (lambda: wwm.equivalence(MADE.fit), ("argument of equivalence", "Fit", "Estimates")),
    "E-values of a fit": (lambda: wwm.e_values(MADE.fit), ("argument of e_values", "Fit", "Estimates")),
    "tests of fits": (lambda: wwm.family_of_tests([MADE.fit]), ("A table of family_of_tests", "Fit", "Estimates")),
    "predictive check of a fit": (
        lambda: wwm.posterior_predictive(MADE.fit),
        ("argument of posterior_predictive", "Fit", "Posterior"),
    ),
    "power scaling of a fit": (lambda: wwm.power_scaling(MADE.fit), ("argument of power_scaling", "Fit", "Posterior")),
    "prior predictive of a frame": (
        lambda: wwm.prior_predictive(MADE.model, FRAME),
        ("second argument of prior_predictive", "DataFrame", "Survey"),
    ),
    "replicates of a frame": (lambda: wwm.replicates(FRAME), ("argument of replicates", "DataFrame", "Survey")),
    "imputation of a frame": (lambda: wwm.impute(FRAME), ("argument of impute", "DataFrame", "Survey")),
    "raking of a frame": (lambda: wwm.rake(FRAME, {}), ("argument of rake", "DataFrame", "Survey")),
    "calibration of a frame": (lambda: wwm.calibrate(FRAME, {}), ("argument of calibrate", "DataFrame", "Survey")),
    "trimming of a frame": (lambda: wwm.trim(FRAME), ("argument of trim", "DataFrame", "Survey")),
    "survey of a dict": (
        lambda: wwm.Survey.from_frame({"y": [1, 2]}, weight=None),
        ("first argument of Survey.from_frame", "dict", "pandas.DataFrame(...)"),
    ),
    "no rows, weighted": (lambda: wwm.Survey.from_frame(FRAME.head(0), weight="w"), ("frame has no rows",)),
    "no rows, unweighted": (lambda: wwm.Survey.from_frame(FRAME.head(0), weight=None), ("frame has no rows",)),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_given_and_what_is_expected(name: str):
    call, parts = CASES[name]
    with pytest.raises(WwmError) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)
