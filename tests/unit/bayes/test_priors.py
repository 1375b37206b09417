"""Priors: their draws have the declared law, on the percentage scale too."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import wwm_models as wwm
from wwm_models.bayes.density import prior_draws
from wwm_models.bayes.sample import posterior_problem
from wwm_models.errors import FitError

NOT_BY_CHANCE = 1e-3  # with fixed seeds; a wrong law gives p-values below 1e-20 on these numbers of draws


def draws_of(frame, draws=2000, priors=None, **options):
    problem = posterior_problem(
        wwm.Model("y ~ age + x", **options), wwm.Survey.from_frame(frame, weight=None), priors=priors
    )
    return problem, prior_draws(problem.target.prior, problem.design, draws, np.random.default_rng(4))


def test_shares_at_the_mean_row_are_dirichlet(response, frame):
    problem, theta = draws_of(
        frame, 1000, {"cutpoints": "induced_dirichlet(2)"}, family=response.family.name, link=response.link.name
    )
    prior = problem.target.prior
    shares = np.exp(response.family.log_probabilities(theta @ prior.anchor.rows[0].T, response.link))
    for share in shares.T:
        assert stats.kstest(share, stats.beta(2, 6).cdf).pvalue > NOT_BY_CHANCE  # marginal of Dirichlet(2, 2, 2, 2)


def test_draws_have_the_density_that_is_computed(frame):
    """Importance weights of prior draws against themselves: the ratio of the computed density to that of the draws is constant."""
    problem, theta = draws_of(frame, 500, {"slopes": "student_t(4, 0, 1)", "cutpoints": "ordered_normal(0, 1.5)"})
    prior, names = problem.target.prior, problem.design.names
    units = dict.fromkeys(names, 1.0) | {"x": 2.0 * np.sqrt(np.average((frame["x"] - frame["x"].mean()) ** 2))}
    wanted = np.log(6.0) + stats.norm.logpdf(theta[:, :3], 0.0, 1.5).sum(axis=1)
    for j, name in enumerate(names[3:], start=3):
        wanted += stats.t.logpdf(theta[:, j] * units[name], 4) + np.log(units[name])
    found = [prior.log_density(each)[0] for each in theta]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)
    np.testing.assert_allclose(prior.log_values(theta), wanted, rtol=1e-10)
    assert (np.diff(theta[:, :3], axis=1) > 0).all()


def test_the_density_of_many_points_is_that_of_each(response, frame):
    problem, theta = draws_of(
        frame, 50, {"cutpoints": "induced_dirichlet(2)"}, family=response.family.name, link=response.link.name
    )
    prior = problem.target.prior
    np.testing.assert_allclose(prior.log_values(theta), [prior.log_density(each)[0] for each in theta], rtol=1e-12)


def test_a_truncated_prior_keeps_cut_points_in_order_on_every_pattern(frame):
    problem, theta = draws_of(frame, 300, nonproportional=("age", "x"))
    eta = problem.target.likelihood.predictors.eta_of_draws(theta)
    assert (np.diff(eta, axis=1) > 0).all()
    corners = frame.iloc[:6].assign(age=["18-34", "35-49", "50-64"] * 2, x=[-1.5] * 3 + [1.5] * 3)
    corners["age"] = corners["age"].astype(frame["age"].dtype)
    assert (np.diff(problem.design.build(corners[["age", "x"]]).array @ theta[0], axis=1) > 0).all()


def test_prior_percentages_do_not_depend_on_family_or_link(response, frame):
    """Uniform shares at the mean row: every answer expects a quarter, whatever the family and the link."""
    survey = wwm.Survey.from_frame(frame, weight=None)
    found = wwm.prior_predictive(response.model("y ~ 1"), survey, draws=4000)
    error = np.sqrt(3 / 80 / 4000)  # of a mean of Beta(1, 3) draws
    np.testing.assert_allclose(found.table["estimate"], 0.25, atol=5 * error)
    assert set(found.table["method"]) == {"prior"}


def test_a_flat_prior_has_no_draws(frame):
    with pytest.raises(FitError, match="There are no draws from a flat prior: age"):
        draws_of(frame, priors={"slopes": "flat()"})
