"""Structures of cut points, of ordered predictors and of continuous ones: what each must equal, and what it must refuse."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import AdjustError, FitError, ModelError
from wwm_models.models.model import FAMILIES

ORDERED = [name for name, family in FAMILIES.items() if family.ordered_answers]


@pytest.fixture(scope="module")
def people(frame: pd.DataFrame) -> wwm.Survey:
    return wwm.Survey.from_frame(frame, weight="w", weight_kind="sampling")


def shares(fit: wwm.Fit, by: str) -> np.ndarray:
    return wwm.adjusted(fit, by).table[["estimate", "std_error"]].to_numpy()


@pytest.mark.parametrize("family", ORDERED)
def test_flexible_cut_points_by_group_are_category_specific_slopes(people, family):
    grouped = wwm.fit(wwm.Model("y ~ age + x", family=family, thresholds_by="household"), people)
    specific = wwm.fit(wwm.Model("y ~ age + x + household", family=family, nonproportional=("household",)), people)
    np.testing.assert_allclose(grouped.loglik, specific.loglik, rtol=1e-11)
    np.testing.assert_allclose(shares(grouped, "household"), shares(specific, "household"), rtol=1e-7)


@pytest.mark.parametrize("family", ORDERED)
@pytest.mark.parametrize("thresholds", ["flexible", "equidistant", "symmetric"])
def test_cut_points_by_group_alone_are_a_fit_per_group(frame, family, thresholds):
    """Without a common slope nothing is shared: the log-likelihood is the sum over groups."""
    model = wwm.Model("y ~ 1", family=family, thresholds=thresholds)
    grouped = wwm.Model("y ~ 1", family=family, thresholds=thresholds, thresholds_by="household")
    together = wwm.fit(grouped, wwm.Survey.from_frame(frame, weight=None))
    apart = [
        wwm.fit(model, wwm.Survey.from_frame(part, weight=None))
        for _, part in frame.groupby("household", observed=True)
    ]
    np.testing.assert_allclose(together.loglik, sum(fit.loglik for fit in apart), rtol=1e-11)
    separate = np.concatenate([fit.params for fit in apart])
    np.testing.assert_allclose(together.params, separate, rtol=1e-6, atol=1e-7)


def test_brant_with_cut_points_by_group_tests_the_other_slopes(frame):
    survey = wwm.Survey.from_frame(frame, weight=None)
    grouped = wwm.brant(wwm.fit(wwm.Model("y ~ age + x", thresholds_by="household"), survey))
    specific = wwm.brant(wwm.fit(wwm.Model("y ~ age + x + household", nonproportional=("household",)), survey))
    np.testing.assert_allclose(grouped.statistic, specific.statistic, rtol=1e-8)
    np.testing.assert_allclose(grouped.table["statistic"], specific.table["statistic"], rtol=1e-8)
    assert grouped.df == specific.df


@pytest.mark.parametrize("coding", ["Poly", "Step", "Sum", "Helmert", "Diff", "Treatment('50-64')"])
def test_codings_of_an_ordered_predictor_are_one_model(people, coding):
    plain = wwm.fit(wwm.Model("y ~ age + x"), people)
    coded = wwm.fit(wwm.Model(f"y ~ C(age, {coding}) + x"), people)
    np.testing.assert_allclose(coded.loglik, plain.loglik, rtol=1e-12)
    np.testing.assert_allclose(shares(coded, "age"), shares(plain, "age"), rtol=1e-8)


def test_a_monotonic_effect_in_one_direction_is_the_free_one(people):
    """Where the free increments have one sign already, nothing is at its bound."""
    free = wwm.fit(wwm.Model("y ~ age + x"), people)
    assert 0 < free.params["age[35-49]"] < free.params["age[50-64]"]
    bound = wwm.fit(wwm.Model("y ~ mo(age) + x"), people)
    assert bound.design.pooled == ()
    np.testing.assert_allclose(shares(bound, "age"), shares(free, "age"), rtol=1e-9)
    steps = np.diff([0.0, free.params["age[35-49]"], free.params["age[50-64]"]])
    np.testing.assert_allclose(bound.params[["mo(age)[35-49]", "mo(age)[50-64]"]], steps, rtol=1e-7)


def bumpy(seed: int, effects: tuple[float, ...], rows: int = 300) -> pd.DataFrame:
    """Respondents with an ordered predictor g of these true effects, and x."""
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, len(effects), rows), rng.normal(size=rows).round(1)
    latent = np.array(effects)[g] + 0.3 * x + rng.logistic(size=rows)
    levels = [f"level {k}" for k in range(len(effects))]
    return pd.DataFrame(
        {
            "y": pd.Categorical.from_codes(np.searchsorted([-1.0, 0.0, 1.0], latent), list("abcd"), ordered=True),
            "g": pd.Categorical.from_codes(g, levels, ordered=True),
            "x": x,
        }
    )


def best_of_all_poolings(frame: pd.DataFrame, levels: int) -> float:
    """Largest log-likelihood over every way to pool neighbouring levels whose free increments have one sign."""
    best = -np.inf
    for steps in itertools.product((0, 1), repeat=levels - 1):
        number = np.concatenate([[0], np.cumsum(steps)])[frame["g"].cat.codes]
        names = [f"{k}" for k in range(number.max() + 1)]
        pooled = frame.assign(h=pd.Categorical.from_codes(number, names, ordered=True))
        fit = wwm.fit(
            wwm.Model("y ~ x + C(h, Step)" if len(names) > 1 else "y ~ x"), wwm.Survey.from_frame(pooled, weight=None)
        )
        increments = fit.params.filter(like="C(h").to_numpy()
        if (increments >= 0).all() or (increments <= 0).all():
            best = max(best, fit.loglik)
    return best


@pytest.mark.parametrize(
    ("seed", "effects"), [(0, (0.0, 0.3, 0.25, 0.1)), (3, (0.0, -0.5, 0.1, -0.4)), (5, (0.0, 0.0, 0.0, 0.0))]
)
def test_the_monotonic_maximum_is_the_best_of_all_poolings(seed, effects):
    frame = bumpy(seed, effects)
    fit = wwm.fit(wwm.Model("y ~ mo(g) + x"), wwm.Survey.from_frame(frame, weight=None))
    assert fit.design.pooled
    np.testing.assert_allclose(fit.loglik, best_of_all_poolings(frame, 4), rtol=1e-11)
    increments = fit.params.filter(like="mo(g)")
    assert (increments >= 0).all() or (increments <= 0).all()
    assert fit.std_errors[list(fit.design.pooled)].isna().all()
    assert any("fixed at zero" in text for text in fit.warnings)


def test_pooled_levels_have_the_adjusted_percentages_of_one_level():
    fit = wwm.fit(wwm.Model("y ~ mo(g) + x"), wwm.Survey.from_frame(bumpy(0, (0.0, 0.3, 0.25, 0.1)), weight=None))
    table = wwm.adjusted(fit, "g").table.pivot_table("estimate", "g", "category", observed=True)
    levels = list(table.index)
    for name in fit.design.pooled:
        place = levels.index(name[len("mo(g)[") : -1])
        np.testing.assert_allclose(table.iloc[place], table.iloc[place - 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formula": "y ~ mo(age) * x"}, r'"mo\(age\):x": mo\(\) must be a term of its own'),
        ({"formula": "y ~ mo(household)"}, '"household" has no declared order of levels'),
        ({"formula": "y ~ mo(x)"}, '"x" has no declared order of levels'),
        ({"formula": "y ~ mo(age)", "family": "multinomial"}, "which the multinomial family has not"),
        ({"formula": "y ~ mo(age)", "nonproportional": ("mo(age)",)}, "increments that differ between cut points"),
        ({"formula": "y ~ x", "scale": "~ mo(age)"}, r"mo\(\) belongs to the location"),
        ({"formula": "y ~ age", "thresholds_by": "age"}, "Its cut points hold its effect already"),
        ({"formula": "y ~ age", "thresholds_by": "x"}, 'thresholds_by = "x" is a number'),
        ({"formula": "y ~ age", "thresholds_by": "houshold"}, 'Did you mean "household"'),
        ({"formula": "y ~ age", "family": "multinomial", "thresholds_by": "household"}, "has intercepts, not cut points"),
        ({"formula": "y ~ ns(age)"}, r"ns\(\) was given levels"),
        ({"formula": "y ~ ns(x, df=0)"}, "expected a whole number of columns, 1 or more"),
        ({"formula": "y ~ ns(x, df=40)"}, "would put two knots at one value"),
        ({"formula": "y ~ ns(x, knots=[0.5, 0.1])"}, "Expected increasing numbers between"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused_by_name(people, options, message):
    with pytest.raises(ModelError, match=message):
        wwm.fit(wwm.Model(**options), people)


@pytest.mark.parametrize("test", ["nominal_test", "scale_test"])
def test_ratios_under_signs_are_refused(frame, test):
    fit = wwm.fit(wwm.Model("y ~ mo(age) + x"), wwm.Survey.from_frame(frame, weight=None))
    with pytest.raises(AdjustError, match="chi-bar-square"):
        getattr(wwm, test)(fit)


def test_a_penalty_under_signs_is_refused(people):
    with pytest.raises(FitError, match=r"no version for mo\(\)"):
        wwm.fit(wwm.Model("y ~ mo(age)"), people, penalty="jeffreys")


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_natural_spline_is_straight_beyond_its_knots_and_bends_between(people, family):
    fit = wwm.fit(wwm.Model("y ~ ns(x, df=3)", family=family), people)
    inside, above, below = np.array([-0.6, -0.1, 0.4]), np.array([1.5, 2.5, 3.5]), np.array([-1.5, -2.5, -3.5])

    def bend(x: np.ndarray) -> float:
        eta = fit.design.build(pd.DataFrame({"x": x}))
        values = np.asarray(getattr(eta, "array", eta) @ fit.theta)
        return float(np.abs(values[2] - 2 * values[1] + values[0]).max())

    assert bend(above) < 1e-10
    assert bend(below) < 1e-10
    assert bend(inside) > 1e-3


def test_one_spline_column_is_the_straight_line(people):
    line, spline = (wwm.fit(wwm.Model(f"y ~ {term}"), people) for term in ("x", "ns(x, df=1)"))
    np.testing.assert_allclose(spline.theta, line.theta, rtol=1e-9)


def test_knots_count_every_respondent_of_a_frequency_table(frame):
    """A table of counts has the knots of its respondents, not those of its rows."""
    rows = frame.loc[frame.index.repeat(frame["f"])].reset_index(drop=True)
    table = wwm.fit(wwm.Model("y ~ ns(x)"), wwm.Survey.from_frame(frame, weight="f", weight_kind="frequency"))
    people = wwm.fit(wwm.Model("y ~ ns(x)"), wwm.Survey.from_frame(rows, weight=None))
    np.testing.assert_allclose(table.theta, people.theta, rtol=1e-9)


def crossed(rng: np.random.Generator) -> wwm.Survey:
    """Answers whose middle shrinks with x, and four respondents at x = 6 where it would be negative."""
    chances = {0.0: (0.3, 0.4, 0.3), 1.0: (0.35, 0.25, 0.4), 2.0: (0.42, 0.1, 0.48)}
    x = np.concatenate([np.repeat(list(chances), 200), np.full(4, 6.0)])
    y = np.concatenate([*(rng.choice(3, 200, p=p) for p in chances.values()), [0, 2, 0, 2]])
    frame = pd.DataFrame({"y": pd.Categorical.from_codes(y, ["low", "middle", "high"], ordered=True), "x": x})
    return wwm.Survey.from_frame(frame, weight=None)


def test_crossing_in_the_data_is_a_status_that_names_the_pattern():
    with np.errstate(invalid="ignore"):
        fit = wwm.fit(wwm.Model("y ~ x", nonproportional=("x",)), crossed(np.random.default_rng(0)))
    assert (fit.status, fit.converged) == ("crossing", False)
    assert fit.message == (
        "Predicted cut points meet or cross in 1 of 4 predictor patterns of the data, where some probability would not be "
        "positive: x = 6. Make fewer terms nonproportional, or use another family."
    )
    with pytest.raises(AdjustError, match="No probabilities are given from it"):
        wwm.adjusted(fit)


def test_crossing_in_a_prediction_names_the_pattern(frame):
    """Inside the data the cut points are in order; far outside they are not."""
    fit = wwm.fit(wwm.Model("y ~ x", nonproportional=("x",)), wwm.Survey.from_frame(frame, weight=None))
    assert fit.status == "ok"
    far = pd.DataFrame({"x": [0.0, -400.0, 400.0]})
    with pytest.raises(AdjustError, match=r"Predicted cut points cross in \d of 3 predictor patterns, .*x = -?400"):
        wwm.predict(fit, far)
    target = wwm.Survey.from_frame(far, weight=None)
    with pytest.raises(AdjustError, match="Predicted cut points cross"):
        wwm.adjusted(fit, over=target)
