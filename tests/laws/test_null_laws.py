"""The law of each test under a true model, by simulation at a fixed seed, and that it finds what it is for.

A p-value must be uniform: Kolmogorov-Smirnov over 50 samples of 500 tells a test whose law is wrong, not one whose size is off by a tenth.
The sizes to a tenth of a percentage point are a benchmark's business.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import wwm_models as wwm

SAMPLES, ROWS = 50, 500
ENOUGH = 0.005


def sample(seed: int, **departures: float) -> pd.DataFrame:
    """A true proportional odds model of a group g, a yes-no b and a number x, with departures by name.

    bend: of x^2. steep: extra effect of b at the last cut. spread: log standard deviation for b. informed: weights follow answers.
    """
    rng = np.random.default_rng(seed)
    g, b, x = rng.integers(0, 3, ROWS), rng.integers(0, 2, ROWS), rng.integers(-10, 11, ROWS) / 8.0
    error = rng.logistic(size=ROWS) * np.exp(departures.get("spread", 0.0) * b)
    latent = 0.5 * g - 0.4 * b + 0.6 * x + departures.get("bend", 0.0) * (x**2 - 0.6) + error
    cuts = np.array([-0.8, 0.4, 1.6]) + np.array([0.0, 0.0, 1.0]) * departures.get("steep", 0.0) * b[:, None]
    answer = (latent[:, None] > cuts).sum(axis=1)
    weight = rng.gamma(4.0, 0.25, ROWS) + 0.1
    weight = np.where((answer >= 2) & (x > 0), weight * (1.0 + departures.get("informed", 0.0)), weight)
    return pd.DataFrame(
        {
            "y": pd.Categorical.from_codes(answer, list("abcd"), ordered=True),
            "g": pd.Categorical.from_codes(g, list("pqr")),
            "b": pd.Categorical.from_codes(b, ["no", "yes"]),
            "x": x, "w": weight, "unit": rng.integers(0, 40, ROWS),
        }
    )  # fmt: skip


def unweighted(frame: pd.DataFrame, formula: str = "y ~ g + b + x") -> wwm.Fit:
    return wwm.fit(wwm.Model(formula), wwm.Survey.from_frame(frame, weight=None))


def weighted(frame: pd.DataFrame) -> wwm.Fit:
    return wwm.fit(wwm.Model("y ~ g + b + x"), wwm.Survey.from_frame(frame, weight="w"))


def clustered(frame: pd.DataFrame) -> wwm.Fit:
    return wwm.fit(wwm.Model("y ~ g + b + x"), wwm.Survey.from_frame(frame, weight="w", psu="unit"))


TESTS: dict[str, tuple[Callable[[pd.DataFrame], wwm.Fit], Callable[[wwm.Fit], float]]] = {
    "brant": (unweighted, lambda fit: wwm.brant(fit).p_value),
    "brant, weighted": (weighted, lambda fit: wwm.brant(fit).table.loc["b", "p_value"]),
    "brant, clustered": (clustered, lambda fit: wwm.brant(fit).p_value),
    "lipsitz": (unweighted, lambda fit: wwm.lipsitz(fit).p_value),
    "lipsitz, clustered": (clustered, lambda fit: wwm.lipsitz(fit, 6).p_value),
    "hosmer_lemeshow": (unweighted, lambda fit: wwm.hosmer_lemeshow(fit).p_value),
    "hosmer_lemeshow, clustered": (clustered, lambda fit: wwm.hosmer_lemeshow(fit, 8).p_value),
    "pearson": (lambda frame: unweighted(frame, "y ~ g + b"), lambda fit: wwm.pearson(fit).p_value),
    "pearson, clustered": (
        lambda frame: wwm.fit(wwm.Model("y ~ g + b"), wwm.Survey.from_frame(frame, weight="w", psu="unit")),
        lambda fit: wwm.pearson(fit).p_value,
    ),
    "pulkstenis_robinson": (unweighted, lambda fit: wwm.pulkstenis_robinson(fit, ["g", "b"]).p_value),
    "weights_matter": (weighted, lambda fit: wwm.weights_matter(fit).p_value),
    "wald, of nothing": (
        lambda frame: clustered(
            frame.assign(g=np.random.default_rng(int(1e6 * frame["w"].sum())).permutation(frame["g"]))
        ),
        lambda fit: wwm.wald_test(fit, "g").p_value,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TESTS)
def test_p_values_are_uniform_where_the_model_is_true(name):
    fit, test = TESTS[name]
    p_values = [test(fit(sample(seed))) for seed in range(SAMPLES)]
    assert stats.kstest(p_values, "uniform").pvalue > ENOUGH


@pytest.mark.parametrize(
    ("departure", "test"),
    [
        ({"steep": 1.5}, lambda frame: wwm.brant(unweighted(frame)).table.loc["b", "p_value"]),
        ({"steep": 1.5}, lambda frame: wwm.brant(clustered(frame)).table.loc["b", "p_value"]),
        ({"steep": 1.5}, lambda frame: wwm.nominal_test(unweighted(frame)).table.loc["b", "p_value"]),
        ({"steep": 1.5}, lambda frame: wwm.nominal_test(clustered(frame)).table.loc["b", "p_value"]),
        ({"spread": 0.7}, lambda frame: wwm.scale_test(unweighted(frame)).table.loc["b", "p_value"]),
        ({"spread": 0.7}, lambda frame: wwm.scale_test(clustered(frame)).table.loc["b", "p_value"]),
        ({"bend": 1.2}, lambda frame: wwm.lipsitz(unweighted(frame, "y ~ x")).p_value),
        ({"bend": 1.2}, lambda frame: wwm.hosmer_lemeshow(unweighted(frame, "y ~ x")).p_value),
        ({"steep": 2.5}, lambda frame: wwm.pearson(unweighted(frame, "y ~ g + b")).p_value),
        ({"steep": 2.5}, lambda frame: wwm.pulkstenis_robinson(unweighted(frame), "b").p_value),
        ({"informed": 3.0}, lambda frame: wwm.weights_matter(weighted(frame)).p_value),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_departure_is_found(departure, test):
    assert test(sample(1, **departure)) < 1e-3 < test(sample(1))
