"""Why adjusted differs from raw: the parts add up, are those of a brute-force Shapley value, and have honest errors."""

from __future__ import annotations

import itertools
from math import factorial

import numpy as np
import pytest

import wwm_models as wwm
from wwm_models.errors import AdjustError
from wwm_models.estimates.joint_distribution import joint_distribution

ADJUSTERS = ("household", "x", "f")


@pytest.fixture
def holed(frame):
    """Respondents of whom some do not tell their household, with f as a group."""
    return frame.assign(
        household=frame["household"].mask(np.arange(len(frame)) % 17 == 0), f=frame["f"].astype(str).astype("category")
    )


def points(table, part):
    rows = table[table["part"] == part]
    return rows["percentage_points"].to_numpy(), rows["std_error"].to_numpy()


def test_parts_add_up_to_the_difference(response, holed, of_kind):
    survey = of_kind(holed, "design")
    table = wwm.decompose(response.model("y ~ age + household + f"), survey, "age")
    sums = table[table["part"] != "difference"].groupby(["age", "category"], sort=False, observed=True)
    total, _ = points(table, "difference")
    np.testing.assert_allclose(sums["percentage_points"].sum(), total, rtol=0, atol=1e-12)


def test_parts_of_a_union_of_answers_are_the_sums_of_theirs(logit_response, holed, of_kind):
    survey = of_kind(holed, "design")
    model = logit_response.model("y ~ age + household + f")
    table = wwm.decompose(model, survey, "age", collapses={"much": ("often", "daily")})
    wide = table.pivot_table("percentage_points", ["age", "part"], "category", sort=False, observed=True)
    np.testing.assert_allclose(wide["much"], wide["often"] + wide["daily"], rtol=0, atol=1e-12)


def test_the_difference_is_adjusted_minus_raw_with_its_joint_error(holed, of_kind):
    fit = wwm.fit(wwm.Model("y ~ age * household + f"), of_kind(holed, "design"))
    table = wwm.decompose(fit.model, fit.survey, ["age", "household"], collapses={"much": ("often", "daily")})
    options = {"collapses": {"much": ("often", "daily")}}
    adjusted = wwm.adjusted(fit, ["age", "household"], **options)
    raw = wwm.raw(fit.survey, "y", ["age", "household"], **options)
    value, std_error = points(table, "difference")
    gap = adjusted.table["estimate"] - raw.table["estimate"]
    np.testing.assert_allclose(value, 100 * gap, rtol=0, atol=1e-9)
    one = np.eye(len(gap))
    np.testing.assert_allclose(std_error, 100 * joint_distribution([(adjusted, one), (raw, -one)]).std_error, rtol=1e-9)


def test_the_parts_are_the_shapley_values_of_public_refits(logit_response, holed):
    """All 8 subsets fitted through the front door on the complete rows, and every order of entry averaged."""
    survey = wwm.Survey.from_frame(holed, weight="w")
    table = wwm.decompose(logit_response.model(f"y ~ age + {' + '.join(ADJUSTERS)}"), survey, "age")
    complete = wwm.Survey.from_frame(holed[holed["household"].notna()], weight="w")

    def margin(chosen):
        fit = wwm.fit(logit_response.model(" + ".join(["y ~ age", *chosen])), complete)
        return 100 * wwm.adjusted(fit, "age").table["estimate"].to_numpy()

    value = {frozenset(s): margin(s) for r in range(4) for s in itertools.combinations(ADJUSTERS, r)}
    raw = 100 * wwm.raw(complete, "y", "age").table["estimate"].to_numpy()
    np.testing.assert_allclose(points(table, "model form")[0], value[frozenset()] - raw, rtol=0, atol=1e-7)
    for name in ADJUSTERS:
        expected = np.zeros(len(raw))
        for order in itertools.permutations(ADJUSTERS):
            before = frozenset(order[: order.index(name)])
            expected += (value[before | {name}] - value[before]) / factorial(3)
        np.testing.assert_allclose(points(table, name)[0], expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("over", ["balanced", {"household": {"single": 0.1, "couple": 0.6, "family": 0.3}}])
def test_another_population_is_a_part_of_its_own(frame, of_kind, over):
    """The parts still add up; the difference and the population part have the joint errors of their numbers."""
    fit = wwm.fit(wwm.Model("y ~ age + household + f"), of_kind(frame.assign(f=frame["f"].astype(str)), "design"))
    table = wwm.decompose(fit.model, fit.survey, "age", over=over)
    sums = table[table["part"] != "difference"].groupby(["age", "category"], sort=False, observed=True)
    there, here, raw = wwm.adjusted(fit, "age", over=over), wwm.adjusted(fit, "age"), wwm.raw(fit.survey, "y", "age")
    one = np.eye(len(raw.table))
    for part, against in (("difference", raw), ("population", here)):
        value, std_error = points(table, part)
        np.testing.assert_allclose(
            value, 100 * (there.table["estimate"] - against.table["estimate"]), rtol=0, atol=1e-9
        )
        np.testing.assert_allclose(
            std_error, 100 * joint_distribution([(there, one), (against, -one)]).std_error, rtol=1e-7
        )
    np.testing.assert_allclose(sums["percentage_points"].sum(), points(table, "difference")[0], rtol=0, atol=1e-12)
    assert set(table["estimand"]) == set(there.table["estimand"])


def test_saturated_without_adjusters_nothing_moves(logit_response, survey):
    """A family that reproduces shares, saturated in the exposure: 0 with standard error 0."""
    model = wwm.Model("y ~ age", family="multinomial")
    table = wwm.decompose(model, survey, "age")
    np.testing.assert_allclose(table["percentage_points"], 0.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(table["std_error"], 0.0, rtol=0, atol=1e-5)


def test_standard_errors_are_those_of_the_jackknife(frame):
    """JKn: leave one of 20 sampling units out; linearisation differs from it to second order, 15% on parts this small."""
    model = wwm.Model("y ~ age + household + x")

    def parts(rows):
        return wwm.decompose(model, wwm.Survey.from_frame(rows, weight="w", strata="stratum", psu="unit"), "age")

    whole = parts(frame)
    variance = np.zeros(len(whole))
    for unit in range(20):
        same = (frame["stratum"] == unit // 5).to_numpy()
        weight = frame["w"] * np.where(frame["unit"] == unit, 0.0, np.where(same, 5.0 / 4.0, 1.0))
        again = wwm.decompose(model, wwm.Survey.from_frame(frame.assign(w=weight), weight="w"), "age")
        variance += 4.0 / 5.0 * (again["percentage_points"] - whole["percentage_points"]).to_numpy() ** 2
    moving = np.sqrt(variance) > 0.1
    ratio = whole["std_error"].to_numpy()[moving] / np.sqrt(variance)[moving]
    assert moving.sum() > 30
    np.testing.assert_allclose(ratio, 1.0, rtol=0, atol=0.3)
    np.testing.assert_allclose(ratio.mean(), 1.0, rtol=0, atol=0.06)


def test_too_many_adjusters_are_refused(frame):
    wide = frame.assign(**{f"v{j}": np.random.default_rng(j).integers(0, 2, len(frame)) for j in range(9)})
    survey = wwm.Survey.from_frame(wide, weight=None)
    formula = "y ~ age + " + " + ".join(f"v{j}" for j in range(9))
    with pytest.raises(AdjustError, match="has 9 adjusters beside age"):
        wwm.decompose(wwm.Model(formula), survey, "age")
