"""What diagnostics.csv says of a posterior: that the rows are the checks' own numbers, and what is said where one cannot be made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.study.diagnostics import checks_of


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    group = rng.integers(0, 2, 300)
    answer = np.digitize(0.8 * group + rng.logistic(size=300), [-0.5, 1.0])
    frame = {
        "g": pd.Categorical.from_codes(group, ["a", "b"]),
        "y": pd.Categorical.from_codes(answer, ["low", "mid", "high"], ordered=True),
    }
    return pd.DataFrame(frame | {"unit": np.arange(300) % 60})


def test_rows_repeat_the_checks_numbers(people: pd.DataFrame):
    survey = wwm.Survey.from_frame(people, weight=None, psu="unit")
    post = wwm.sample(wwm.Model("y ~ g"), survey, seed=1)
    rows = {name: (value, status, message) for name, value, status, message in checks_of(post, ["g"])}
    assert list(rows) == ["loo_respondent", "loo_psu", "predictive_p:g", "prior_sensitivity:g"]
    for unit in ("respondent", "psu"):
        assert rows[f"loo_{unit}"][0] == wwm.loo(post, unit=unit).elpd
    assert rows["prior_sensitivity:g"][0] == wwm.power_scaling(post, "g")["prior"].max()
    assert rows["predictive_p:g"][0] == wwm.posterior_predictive(post, "g", draws=200).p_value
    assert {status for _, status, _ in rows.values()} == {"ok"}


def test_a_check_that_cannot_be_made_says_why(people: pd.DataFrame):
    survey = wwm.Survey.from_frame(people, weight=None)
    flat = {"slopes": "flat()", "cutpoints": "flat()"}
    rows = checks_of(wwm.sample(wwm.Model("y ~ g"), survey, seed=1, priors=flat), ["g"])
    name, value, status, message = rows[-1]
    assert (name, status) == ("prior_sensitivity:g", "info")
    assert np.isnan(value)
    assert message == "Power-scaling was asked for under a flat prior, which has no power. Declare a proper prior."
