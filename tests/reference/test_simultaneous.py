"""emmeans' adjusted probabilities and multcomp's law of the largest |t|, stored with the scripts that made them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.estimates.joint_distribution import correlation
from wwm_models.numerics.multiplicity import max_t

HERE = Path(__file__).parent


def stored(name: str) -> dict:
    path = HERE / name / "stored.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def wine() -> wwm.Fit:
    frame = pd.read_csv(HERE / "wine_clm_po" / "data.csv", dtype=str)
    levels = {"rating": list("12345"), "temp": ["cold", "warm"], "contact": ["no", "yes"]}
    frame = pd.DataFrame({name: pd.Categorical(frame[name], known, ordered=True) for name, known in levels.items()})
    return wwm.fit(wwm.Model("rating ~ temp + contact"), wwm.Survey.from_frame(frame, weight=None), vcov="model")


def balanced(fit: wwm.Fit) -> wwm.Estimates:
    return wwm.adjusted(fit, "temp", over="balanced", covariates="fixed", interval="wald")


def test_adjusted_probabilities_and_intervals_are_those_of_emmeans(wine):
    """Eight printed decimals; clm stops at a gradient of 1e-6, which leaves some 1e-6 of standard errors."""
    expected = pd.DataFrame(stored("wine_emmeans")["probabilities"])
    table = balanced(wine).table
    assert (
        table[["temp", "category"]].astype(str).to_numpy().tolist()
        == expected[["temp", "category"]].to_numpy().tolist()
    )
    columns = ["estimate", "std_error", "lower", "upper"]
    np.testing.assert_allclose(table[columns], expected[columns], rtol=0, atol=2e-6)


def test_differences_are_those_of_emmeans(wine):
    expected = pd.DataFrame(stored("wine_emmeans")["differences"])
    table = wwm.contrasts(balanced(wine), "temp").table
    columns = ["estimate", "std_error", "p_value"]
    np.testing.assert_allclose(table[columns], expected[columns], rtol=0, atol=2e-6)


@pytest.mark.parametrize("number", range(3))
def test_critical_values_and_p_values_are_those_of_multcomp(number):
    """2**17 quasi-random points: critical values are stable to 0.002 to 0.005, p-values to 0.001; mvtnorm's quantile to 0.002."""
    example = stored("multcomp_max_t")
    case, pairs = example["cases"][number], np.array(example["pairs"])
    joint = pairs @ np.array(example["joint"]) @ pairs.T
    t = np.abs(pairs @ np.array(example["estimates"])) / np.sqrt(np.diag(joint))
    critical, p_values = max_t(correlation(joint), t, case["df"] or np.inf, 0.95)
    np.testing.assert_allclose(critical, case["critical"], rtol=0, atol=0.007)
    np.testing.assert_allclose(p_values, case["p_values"], rtol=0, atol=0.0015)
