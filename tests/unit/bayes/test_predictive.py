"""Posterior predictive checks and power-scaling: ArviZ's distances, a prior that is known to be strong, models known to be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.unit.bayes import of_arviz

import wwm_models as wwm
from wwm_models.bayes.sample import posterior_problem
from wwm_models.diagnostics.prior_sensitivity import log_likelihood, sensitivity
from wwm_models.errors import AdjustError, FitError


@pytest.fixture(scope="module")
def survey(frame):
    return wwm.Survey.from_frame(frame, weight=None)


@pytest.fixture(scope="module")
def posterior(survey):
    return wwm.sample(wwm.Model("y ~ age + household"), survey, seed=1, draws=1000)


@pytest.mark.slow
def test_distances_are_those_of_arviz(posterior):
    draws = posterior.uncorrected.reshape(4, 1000, -1)
    prior = np.array([posterior.prior.log_density(theta)[0] for theta in posterior.uncorrected])
    data = of_arviz.from_groups(
        posterior={"theta": draws},
        log_likelihood={"y": log_likelihood(posterior).reshape(4, 1000, 1)},
        log_prior={"theta": prior.reshape(4, 1000)},
    )
    for component, own in (("prior", prior), ("likelihood", log_likelihood(posterior))):
        theirs = of_arviz.power_scaling(data, component)
        np.testing.assert_allclose(sensitivity(posterior.uncorrected, own), theirs, rtol=1e-6)


def test_the_log_likelihood_of_draws_is_that_of_the_cells(frame):
    post = wwm.sample(wwm.Model("y ~ age"), wwm.Survey.from_frame(frame, weight="w"), seed=1, draws=100, chains=2)
    fit = wwm.fit(wwm.Model("y ~ age"), post.survey)
    best = fit.loglik * post.n_effective / fit.n
    assert (log_likelihood(post) <= best + 1e-9).all()
    assert log_likelihood(post).max() > best - 3.0


def test_the_default_prior_is_not_flagged(posterior):
    table = wwm.power_scaling(posterior, "age")
    assert set(table["diagnosis"]) == {"ok"}
    assert (table["likelihood"] > 0.05).all()
    assert list(table.columns) == ["age", "category", "estimate", "prior", "likelihood", "diagnosis"]


@pytest.mark.slow
def test_a_strong_prior_is_flagged(survey):
    """Slopes held at zero by a prior twenty times narrower than the data say, against a rise with age."""
    post = wwm.sample(wwm.Model("y ~ age"), survey, seed=1, draws=1000, priors={"slopes": "normal(2, 0.1)"})
    table = wwm.power_scaling(post, "age")
    assert "prior and data disagree" in set(table["diagnosis"])
    assert table["prior"].max() > 0.1


def test_a_flat_prior_has_no_power(survey):
    post = wwm.sample(
        wwm.Model("y ~ 1"), survey, seed=1, draws=100, chains=2, priors={"cutpoints": "flat()", "slopes": "flat()"}
    )
    with pytest.raises(FitError, match="flat prior, which has no power"):
        wwm.power_scaling(post)


@pytest.mark.parametrize(
    ("formula", "priors"),
    [
        ("y ~ age + household", {"slopes": "r2d2(0.3, 4, 1)"}),
        ("y ~ mo(age) + household", {}),
        ("y ~ age * household", {"terms": {"age:household": "zero_sum(0.5)"}}),
    ],
    ids=["r2d2", "mo", "zero_sum"],
)
def test_priors_on_other_coordinates_have_no_power(survey, posterior, formula, priors):
    prior = posterior_problem(wwm.Model(formula), survey, priors=priors).target.prior
    with pytest.raises(FitError) as caught:
        wwm.power_scaling(replace(posterior, prior=prior))
    assert str(caught.value) == (
        "Power-scaling has no version for R2-D2 slopes, mo() or zero_sum() interactions: part of their prior is on other coordinates than the "
        "parameters. Sample with another prior, or compare two runs."
    )


def test_a_right_model_gives_its_answers_back(posterior):
    check = wwm.posterior_predictive(posterior, ["age", "household"])
    assert 0.02 < check.p_value < 0.98
    assert (check.table["status"] == "ok").mean() > 0.85
    raw = wwm.raw(posterior.survey, "y", ["age", "household"]).table
    np.testing.assert_allclose(check.table["observed"], raw["estimate"], rtol=1e-12)
    np.testing.assert_allclose(check.table["n"], raw["n"])
    assert check.estimates.draws is not None
    np.testing.assert_allclose(check.estimates.draws.reshape(1000, 9, 4).sum(axis=2), 1.0, rtol=1e-12)


def test_drawn_shares_vary_as_shares_do(survey):
    """Without predictors a drawn share has the variance of a binomial share twice: of the answers, and of the parameter."""
    post = wwm.sample(wwm.Model("y ~ 1"), survey, seed=1)
    check = wwm.posterior_predictive(post, draws=4000)
    share = check.table["predicted"].to_numpy()
    np.testing.assert_allclose(check.estimates.table["std_error"], np.sqrt(2 * share * (1 - share) / 400), rtol=0.06)


def test_a_wrong_model_is_seen(frame):
    """Answers of the old are all extreme, which parallel cut points cannot give."""
    rng = np.random.default_rng(2)
    extreme = pd.Categorical.from_codes(rng.choice([0, 3], 400), list(frame["y"].cat.categories), ordered=True)
    turned = frame.assign(y=frame["y"].where(frame["age"] != "50-64", pd.Series(extreme, dtype=frame["y"].dtype)))
    post = wwm.sample(wwm.Model("y ~ age"), wwm.Survey.from_frame(turned, weight="w"), seed=1)
    check = wwm.posterior_predictive(post, "age")
    assert check.p_value < 0.001
    assert (check.table.loc[check.table["age"] == "50-64", "status"] == "look").all()


def test_calibration_is_monotone_and_repeats_a_saturated_model(survey, posterior):
    check = wwm.posterior_predictive(posterior, "age").calibration
    for _, cut in check.groupby("cut"):
        assert (np.diff(cut["predicted"]) >= 0).all()
        assert (np.diff(cut["observed"]) >= -1e-12).all()
        assert cut["n"].sum() == 400
        inside = (cut["observed"] >= cut["lower"]) & (cut["observed"] <= cut["upper"])
        assert inside.mean() > 0.8
    groups = wwm.posterior_predictive(wwm.sample(wwm.Model("y ~ 1"), survey, seed=1, draws=1000, chains=2)).calibration
    np.testing.assert_allclose(groups["predicted"], groups["observed"], atol=0.02)


def test_frequencies_are_copies_and_options_are_checked(frame, posterior):
    counted = wwm.Survey.from_frame(frame, weight="f", weight_kind="frequency")
    copies = wwm.Survey.from_frame(frame.loc[frame.index.repeat(frame["f"])], weight=None)
    one, two = (
        wwm.posterior_predictive(wwm.sample(wwm.Model("y ~ 1"), people, seed=1), draws=400)
        for people in (counted, copies)
    )
    np.testing.assert_allclose(one.table["observed"], two.table["observed"], rtol=1e-12)
    np.testing.assert_allclose(one.table["predicted"], two.table["predicted"], atol=0.01)
    with pytest.raises(AdjustError, match="expected 100 or more"):
        wwm.posterior_predictive(posterior, draws=10)
    with pytest.raises(AdjustError, match='"agee" is not in the model'):
        wwm.posterior_predictive(posterior, "agee")
