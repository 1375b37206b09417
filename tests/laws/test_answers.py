"""Probabilities of answers add up: over answers, over unions of answers, and in their covariance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm

COLLAPSES = {"at least often": ("often", "daily"), "not never": ("rarely", "often", "daily"), "any": ("never", "rarely", "often", "daily")}  # fmt: skip
FORMULA = "y ~ age + household + x"


def estimates(kind, response, survey):
    if kind == "raw":
        return wwm.raw(survey, "y", "age", collapses=COLLAPSES)
    fit = wwm.fit(response.model(FORMULA), survey)
    return wwm.adjusted(fit, "age", covariates=kind, collapses=COLLAPSES)


@pytest.mark.parametrize("kind", ["raw", "sampled", "fixed"])
def test_answers_and_unions_of_answers_are_coherent(kind, logit_response, survey):
    """P(A or B) = P(A) + P(B), and so for every covariance; all answers together are certain."""
    result = estimates(kind, logit_response, survey)
    names = result.table["category"].to_list()[:7]
    values = result.table["estimate"].to_numpy().reshape(3, 7)
    joint = result.covariance.reshape(3, 7, 3, 7)
    size = np.abs(joint).max()
    for name, members in COLLAPSES.items():
        union, parts = names.index(name), [names.index(member) for member in members]
        np.testing.assert_allclose(values[:, union], values[:, parts].sum(axis=1), rtol=1e-12)
        np.testing.assert_allclose(joint[:, union], joint[:, parts].sum(axis=1), rtol=0, atol=1e-12 * size)
    np.testing.assert_allclose(values[:, :4].sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(joint[:, :4].sum(axis=1), 0.0, atol=1e-12 * size)
    np.testing.assert_allclose(result.covariance, result.covariance.T, rtol=0, atol=1e-14 * size)
    assert np.linalg.eigvalsh(result.covariance).min() > -1e-12 * size
    np.testing.assert_allclose(np.sqrt(np.diag(result.covariance).clip(0)), result.table["std_error"], rtol=1e-12)


@pytest.mark.parametrize("by", ["age", None])
def test_answers_merged_before_the_fit_are_answers_merged_after_it(survey, by):
    """Where the model is saturated; read the other way round: an answer split in two is the sum of its halves."""
    merged = {"never": "never", "rarely": "rarely", "often": "much", "daily": "much"}
    coarse = pd.Categorical(survey.frame["y"].astype(object).map(merged), ["never", "rarely", "much"], ordered=True)
    other = replace(survey, frame=survey.frame.assign(y=coarse))
    model = wwm.Model("y ~ age * household", family="multinomial")
    after = wwm.adjusted(wwm.fit(model, survey), by, collapses={"much": ("often", "daily")})
    before = wwm.adjusted(wwm.fit(model, other), by)
    rows = after.table["category"].isin(["never", "rarely", "much"]).to_numpy()
    np.testing.assert_allclose(before.table["estimate"], after.table.loc[rows, "estimate"], rtol=1e-7)
    np.testing.assert_allclose(before.covariance, after.covariance[np.ix_(rows, rows)], rtol=0, atol=1e-9)


def test_a_certain_event_has_a_certain_interval(logit_response, frame):
    result = estimates("sampled", logit_response, wwm.Survey.from_frame(frame, weight="w"))
    table = result.table[result.table["category"] == "any"]
    np.testing.assert_allclose(table["estimate"], 1.0, rtol=1e-12)
    np.testing.assert_allclose(table["std_error"], 0.0, atol=1e-10)


def test_slopes_of_all_answers_sum_to_zero(response, survey):
    result = wwm.slopes(wwm.fit(response.model(FORMULA), survey), "x")
    np.testing.assert_allclose(result.table["estimate"].sum(), 0.0, atol=1e-10)
    np.testing.assert_allclose(result.covariance.sum(axis=0), 0.0, atol=1e-12)
    assert np.abs(result.table["estimate"]).max() > 0.01


def test_contrasts_are_differences_of_adjusted(logit_response, survey):
    fit = wwm.fit(logit_response.model(FORMULA), survey)
    adjusted = wwm.adjusted(fit, "age")
    values = adjusted.table["estimate"].to_numpy().reshape(3, 4)
    joint = adjusted.covariance.reshape(3, 4, 3, 4)
    result = wwm.contrasts(fit, "age", pairwise=True).table
    pairs = {"35-49 - 18-34": (1, 0), "50-64 - 18-34": (2, 0), "50-64 - 35-49": (2, 1)}
    assert list(dict.fromkeys(result["contrast"])) == list(pairs)
    for name, (a, b) in pairs.items():
        part = result[result["contrast"] == name]
        np.testing.assert_allclose(part["estimate"], values[a] - values[b], rtol=1e-10, atol=1e-14)
        variance = [joint[a, k, a, k] + joint[b, k, b, k] - 2.0 * joint[a, k, b, k] for k in range(4)]
        np.testing.assert_allclose(part["std_error"] ** 2, variance, rtol=1e-9)


def test_ratios_are_ratios_of_adjusted(logit_response, survey):
    fit = wwm.fit(logit_response.model(FORMULA), survey)
    values = wwm.adjusted(fit, "age").table["estimate"].to_numpy().reshape(3, 4)
    result = wwm.contrasts(fit, "age", kind="ratio", reference="50-64").table
    np.testing.assert_allclose(result["estimate"], np.concatenate([values[0] / values[2], values[1] / values[2]]))
    assert ((result["lower"] > 0) & (result["lower"] < result["estimate"])).all()
    assert (result["estimate"] < result["upper"]).all()


def test_limits_are_inside_zero_and_one(response, survey):
    """Logit limits contain the estimate and stay inside (0, 1); a wider level has a wider interval."""
    fit = wwm.fit(response.model(FORMULA), survey)
    narrow, wide = (wwm.adjusted(fit, "age", level=level).table for level in (0.8, 0.999))
    assert (wide["lower"] > 0).all()
    assert (wide["upper"] < 1).all()
    assert (wide["lower"] < narrow["lower"]).all()
    assert (narrow["lower"] < narrow["estimate"]).all()
    assert (narrow["estimate"] < narrow["upper"]).all()
    assert (narrow["upper"] < wide["upper"]).all()
