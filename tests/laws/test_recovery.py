"""Answers drawn from a model give its parameters back, and other rows get the same columns as the fit's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.models.design import cells_and_design


def drawn_from(response, formula, frame, *, seed):
    """Answers drawn from known parameters, and these parameters."""
    survey = wwm.Survey.from_frame(frame, weight=None)
    _, design = cells_and_design(response.model(formula), survey)
    rng = np.random.default_rng(seed)
    theta = np.zeros(len(design.names))
    shares = np.array([0.35, 0.25, 0.25, 0.15])
    eta = response.family.start(shares, response.link)
    theta[design.is_cut] = response.family.cut_sign * eta
    theta[~design.is_cut] = rng.uniform(-0.4, 0.4, int((~design.is_cut).sum()))
    log_p = response.family.log_probabilities(design.build(frame).eta(theta), response.link)
    draw = (rng.random(len(frame))[:, None] > np.exp(log_p).cumsum(axis=1)[:, :-1]).sum(axis=1)
    return frame.assign(y=pd.Categorical.from_codes(draw, frame["y"].cat.categories, ordered=True)), theta


def test_fit_recovers_the_parameters_it_was_drawn_from(response, respondents):
    """Within 4 standard errors each: fewer than one seed in a thousand would miss with 8 parameters."""
    formula = "y ~ age + household + x"
    frame, theta = drawn_from(response, formula, respondents(6000, seed=8), seed=9)
    fit = wwm.fit(response.model(formula), wwm.Survey.from_frame(frame, weight=None))
    assert fit.status == "ok"
    assert np.abs((fit.params - theta) / fit.std_errors).max() < 4.0
    assert fit.std_errors.max() < 0.25, "the check would be empty"


def test_robust_standard_errors_are_the_models_where_the_model_is_true(response, respondents):
    """Both estimate the same spread; with 6,000 rows they differ by a few percent at most."""
    frame, _ = drawn_from(response, "y ~ age + x", respondents(6000, seed=10), seed=11)
    survey = wwm.Survey.from_frame(frame, weight=None)
    model, robust = (wwm.fit(response.model("y ~ age + x"), survey, vcov=kind) for kind in ("model", "robust"))
    np.testing.assert_allclose(robust.std_errors, model.std_errors, rtol=0.08)


FORMULAS = (
    "y ~ 1",
    "y ~ age * household",
    "y ~ C(household, Sum) + age:x",
    "y ~ bs(x, df=4) + household",
    "y ~ center(x) + I(x ** 2) + age",
)


@pytest.mark.parametrize("formula", FORMULAS)
def test_building_the_patterns_again_is_bit_for_bit(formula, response, frame):
    fit = wwm.fit(response.model(formula), wwm.Survey.from_frame(frame, weight="w"))
    assert np.array_equal(fit.design.build(fit.cells.patterns).array, fit.design.array)


@pytest.mark.parametrize("formula", FORMULAS)
def test_prediction_does_not_see_order_or_type_of_rows(formula, logit_response, frame):
    """A shuffled part, levels as plain text, levels in another order: the same probability for the same respondent."""
    fit = wwm.fit(logit_response.model(formula), wwm.Survey.from_frame(frame, weight="w"))
    predictors = frame[["age", "household", "x"]]
    whole = wwm.predict(fit, predictors)
    np.testing.assert_allclose(whole.sum(axis=1), 1.0, rtol=1e-12)
    part = predictors.sample(25, random_state=1)
    plain = part.astype({"age": str, "household": str})
    turned = part.assign(household=part["household"].cat.reorder_categories(["family", "single", "couple"]))
    for version in (part, plain, turned):
        again = wwm.predict(fit, version)
        assert list(again.index) == list(part.index)
        same = fit.design.build(version).array
        np.testing.assert_array_equal(same, fit.design.build(predictors).array[part.index])
        # BLAS adds up a row's products in an order that depends on how many rows there are
        np.testing.assert_allclose(again, whole.loc[part.index], rtol=1e-14)


def test_adjusted_is_the_mean_of_predictions_with_the_group_set(logit_response, survey):
    """The definition of standardisation, by the long way: everybody in a group, predicted, averaged with weights."""
    fit = wwm.fit(logit_response.model("y ~ age * household + x"), survey)
    inside = survey.domain
    rows, weights = survey.frame[inside], survey.weights[inside]
    table = wwm.adjusted(fit, "age").table.set_index("age")
    for level in rows["age"].cat.categories:
        expected = np.average(wwm.predict(fit, rows.assign(age=level)), weights=weights, axis=0)
        np.testing.assert_allclose(table.loc[level, "estimate"], expected, rtol=1e-12)
