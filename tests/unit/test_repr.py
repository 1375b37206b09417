"""What a console shows of a record: a line or two with its kind, its size and where the numbers are; never its arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm


@pytest.fixture(scope="module")
def survey() -> wwm.Survey:
    frame = pd.DataFrame({"y": [1, 2, 3, 3] * 50, "g": ["a", "b", "a", "b", "c"] * 40, "h": ["x", "y"] * 100})
    return wwm.Survey.from_frame(frame, weight=None)


@pytest.fixture(scope="module")
def fit(survey: wwm.Survey) -> wwm.Fit:
    return wwm.fit(wwm.Model("y ~ g"), survey)


@pytest.fixture(scope="module")
def posterior(survey: wwm.Survey) -> wwm.Posterior:
    return wwm.sample(wwm.Model("y ~ g"), survey, seed=1, chains=2, draws=200)


def test_estimates_say_of_what_by_what_and_how_many(fit: wwm.Fit, survey: wwm.Survey):
    found = wwm.adjusted(fit, "g")
    assert repr(found) == "Estimates of y by g: 9 rows, likelihood, 95% intervals; the numbers are in .table"
    assert str(found) == repr(found)
    assert "of y: 3 rows, " in repr(wwm.adjusted(fit))
    assert "of y by g, h: 18 rows, weighted, 90% intervals" in repr(
        wwm.raw(survey, "y", ["g", "h"], level=0.9)
    ).replace(wwm.raw(survey, "y").table["method"].iloc[0], "weighted")


def test_a_fit_says_what_was_fitted_and_whether_it_can_be_used(fit: wwm.Fit):
    first, second = repr(fit).split("\n")
    assert first == "Fit of y ~ g (cumulative, logit): ok"
    assert second == (
        f"200 respondents, 4 parameters, log-likelihood {fit.loglik:.2f}, model covariance; see .summary()"
    )
    wrong = replace(fit, status="flat", message="The information is singular.", penalty="jeffreys")
    assert repr(wrong).startswith(
        "Fit of y ~ g (cumulative, logit, jeffreys penalty): flat: The information is singular.\n"
    )


def test_a_posterior_says_what_was_sampled_and_whether_it_is_healthy(posterior: wwm.Posterior):
    assert repr(replace(posterior, status="ok")) == (
        "Posterior of y ~ g (cumulative, logit): ok\n200 respondents, 400 draws of 4 parameters in 2 chains, bayes; see .health"
    )
    assert "unhealthy: R-hat is 1.2." in repr(replace(posterior, status="unhealthy", message="R-hat is 1.2."))


def test_loo_says_its_numbers_and_how_many_are_not_trusted(posterior: wwm.Posterior):
    found = replace(wwm.loo(posterior), elpd=-1234.56, std_error=20.04, p_loo=3.96)
    assert repr(found) == (
        "Loo of y, left out by respondent: elpd -1234.6 (standard error 20.0), p_loo 4.0\n"
        f"200 respondents, {found.untrusted} of them with a Pareto k above {found.limit:.2f}; see .table"
    )


def test_records_are_equal_to_nothing_but_themselves(fit: wwm.Fit):
    assert fit in (fit,)
    assert fit != replace(fit)
    assert np.unique([hash(fit), hash(replace(fit))]).size == 2
