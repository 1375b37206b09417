"""Numbers under other weights, models and populations are those of refits through the front door."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import wwm_models as wwm
from wwm_models.diagnostics.prior_sensitivity import power_weights
from wwm_models.errors import AdjustError
from wwm_models.estimates.confounding import bias_factor, e_value, e_values
from wwm_models.estimates.contrasts import family_of_tests
from wwm_models.estimates.sensitivity import (
    Varied,
    declared_points,
    reported,
    reweighted_points,
    trimmed,
    without_level,
)

FORMULA = "y ~ age + household + x"
COLLAPSES = {"much": ("often", "daily")}


def places(fit, by):
    table = wwm.adjusted(fit, by, collapses=COLLAPSES).table
    groups = table[list(by)].astype(str).to_dict("records")
    keys = zip(table["outcome"], table["category"], groups, strict=True)
    return {(o, c, frozenset(g.items())): e for (o, c, g), e in zip(keys, table["estimate"], strict=True)}


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(list(found.values()), [expected[key] for key in found], rtol=0, atol=1e-7)


@pytest.fixture
def made(logit_response, frame):
    fit = wwm.fit(logit_response.model(FORMULA), wwm.Survey.from_frame(frame, weight="w"))
    return reported(fit, [("age",), ("household", "age")], COLLAPSES)


def test_as_declared(made):
    assert_same(declared_points(made), places(made.fit, ["age"]) | places(made.fit, ["household", "age"]))


def test_trimmed_weights_are_weights(made, frame):
    weight = trimmed(frame["w"].to_numpy(), 1.5)
    assert weight.max() == pytest.approx(1.5 * frame["w"].mean())
    again = wwm.fit(made.fit.model, wwm.Survey.from_frame(frame.assign(w=weight), weight="w"))
    assert_same(reweighted_points(made, weight), places(again, ["age"]) | places(again, ["household", "age"]))


@pytest.mark.parametrize("level", ["single", "couple"])
def test_a_level_left_out_is_a_smaller_survey(made, frame, level):
    """Also the reference level, whose absence makes the last dummy redundant."""
    rows = frame[frame["household"] != level]
    rows = rows.assign(household=rows["household"].cat.remove_unused_categories())
    again = wwm.fit(made.fit.model, wwm.Survey.from_frame(rows, weight="w"))
    found = reweighted_points(made, without_level(made.fit, "household", level))
    by_age = {key: value for key, value in found.items() if len(key[2]) == 1}
    assert_same(by_age, places(again, ["age"]))


def test_other_models_are_fitted_as_they_are_by_hand(frame):
    survey = wwm.Survey.from_frame(frame, weight="w")
    made = reported(wwm.fit(wwm.Model(FORMULA), survey), [("age",)], COLLAPSES)
    by_hand = wwm.Model(FORMULA, nonproportional=("age", "household", "x"))
    assert_same(Varied(made).nonproportional, places(wwm.fit(by_hand, survey), ["age"]))
    nominal = wwm.fit(wwm.Model(FORMULA, family="multinomial"), survey)
    assert_same(Varied(made).multinomial, places(nominal, ["age"]))
    assert Varied(reported(nominal, [("age",)])).multinomial is None


def test_weights_without_an_answer_have_no_maximum(made, frame):
    assert reweighted_points(made, np.where(frame["y"] == "never", 0.0, frame["w"])) is None


def test_e_values_of_the_authors():
    """VanderWeele and Ding 2017: RR 10.73 (8.02, 14.36) has E-values 20.9 and 15.5; EValue for R prints 20.94777."""
    made = e_value(10.73, 8.02, 14.36)
    np.testing.assert_allclose(made.point, 20.94777, rtol=0, atol=5e-6)
    np.testing.assert_allclose(made.limit, 15.5, rtol=0, atol=0.05)
    assert e_value(0.8, 0.6, 1.1).limit == 1.0
    np.testing.assert_allclose(e_value(1 / 10.73).point, made.point, rtol=1e-12)


@pytest.mark.parametrize("ratio", [1.0, 1.2, 3.9, 20.0])
def test_an_e_value_just_explains_the_ratio_away(ratio):
    strength = e_value(ratio).point
    np.testing.assert_allclose(bias_factor(strength, strength), ratio, rtol=1e-12)


def test_e_values_need_ratios(survey):
    fit = wwm.fit(wwm.Model(FORMULA), survey)
    table = e_values(wwm.contrasts(fit, "age", kind="ratio"))
    assert (table["e_value"] >= table["e_value_limit"]).all()
    with pytest.raises(AdjustError, match="needs ratios"):
        e_values(wwm.contrasts(fit, "age"))


@pytest.mark.parametrize("power", [0.0, 0.5, 2.0])
def test_a_prior_to_a_power_is_the_conjugate_posterior(power):
    """Normal mean 1 with variance 1/4 known from data, prior N(0, 1): precision 4 + power."""
    draws = np.random.default_rng(8).normal(4.0 / 5.0, np.sqrt(1.0 / 5.0), 40_000)
    weights = power_weights(stats.norm.logpdf(draws), power)
    # Monte Carlo error of a mean: 0.45 / sqrt(40,000), and weights that are not far from equal
    np.testing.assert_allclose(weights @ draws, 4.0 / (4.0 + power), rtol=0, atol=0.012)


def test_a_power_too_far_from_the_draws_is_refused():
    draws = np.random.default_rng(8).normal(30.0, 1.0, 400)
    assert power_weights(stats.norm.logpdf(draws), 4.0) is None


def test_a_family_over_two_models_is_wider_than_each(frame):
    survey = wwm.Survey.from_frame(frame, weight="w")
    tables = [wwm.contrasts(wwm.fit(wwm.Model(f"{name} ~ age + x"), survey), "age", pairwise=True) for name in "yz"]
    both, alone = family_of_tests(tables), family_of_tests(tables[:1])
    assert both[0]["comparisons"].iloc[0] == 24
    assert both[0]["critical"].iloc[0] > alone[0]["critical"].iloc[0] > stats.norm.ppf(0.975)
    assert both[0]["critical"].iloc[0] < stats.norm.ppf(1 - 0.025 / 24)
    assert (both[0]["p_max_t"] >= both[0]["p_value"] - 1e-3).all()
    half = (both[1]["upper_simultaneous"] - both[1]["lower_simultaneous"]) / 2.0
    np.testing.assert_allclose(half, both[1]["critical"] * tables[1].table["std_error"], rtol=1e-6)


def test_a_family_is_made_of_differences(survey):
    fit = wwm.fit(wwm.Model("y ~ age"), survey)
    with pytest.raises(AdjustError, match="made of differences"):
        family_of_tests([wwm.adjusted(fit, "age")])
    assert isinstance(family_of_tests([wwm.contrasts(fit, "age")])[0], pd.DataFrame)
