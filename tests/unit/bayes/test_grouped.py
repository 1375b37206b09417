"""Posteriors with cut points of their own for every group: where groups share nothing they are the posteriors of the groups."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

import wwm_models as wwm
from wwm_models.bayes.density import prior_draws
from wwm_models.bayes.export import groups_of
from wwm_models.bayes.sample import posterior_problem
from wwm_models.errors import ModelError
from wwm_models.likelihood.maximum import starting_point
from wwm_models.models.model import FAMILIES

NOT_BY_CHANCE = 1e-3  # with fixed seeds
ORDERED = [name for name, family in FAMILIES.items() if family.ordered_answers]
PRIORS = {
    "induced": {"cutpoints": "induced_dirichlet(2)", "slopes": "normal(0.2, 0.8)", "predictors": "as_is"},
    "ordered": {"cutpoints": "ordered_normal(0.1, 1.5)", "slopes": "student_t(4, 0, 1)", "predictors": "as_is"},
}


def unweighted(frame):
    return wwm.Survey.from_frame(frame, weight=None)


def groups(frame):
    return [part.reset_index(drop=True) for _, part in frame.groupby("household", observed=True)]


def start_of(problem):
    return problem.target.coordinates.free(
        starting_point(problem.target.likelihood.family, problem.target.likelihood, problem.design)
    )


@pytest.mark.parametrize("law", PRIORS)
@pytest.mark.parametrize("family", ORDERED)
def test_without_a_common_slope_the_density_is_the_product_over_groups(frame, family, law):
    """Value and derivative at random points: the log density is the sum of those of three models, each of one group."""
    if law == "ordered" and not FAMILIES[family].ordered_cuts:
        pytest.skip("cut points that need not increase have no such prior")
    model = wwm.Model("y ~ household:x", family=family, thresholds_by="household")
    together = posterior_problem(model, unweighted(frame), priors=PRIORS[law]).target
    apart = [
        posterior_problem(wwm.Model("y ~ x", family=family), unweighted(part), priors=PRIORS[law]).target
        for part in groups(frame)
    ]
    rng = np.random.default_rng(3)
    several = together.coordinates.theta(0.5 * rng.standard_normal((4, 12)))
    one_by_one = [together.prior.log_density(theta)[0] for theta in several]
    np.testing.assert_allclose(together.prior.log_values(several), one_by_one, rtol=1e-12)
    for _ in range(3):
        each = 0.5 * rng.standard_normal((3, 4))
        free = np.concatenate([*(point[:3] for point in each), *(point[3:] for point in each)])
        value, slope = together.value_and_gradient(free)
        values, slopes = zip(*(one.value_and_gradient(at) for one, at in zip(apart, each, strict=True)), strict=True)
        np.testing.assert_allclose(value, sum(values), rtol=1e-11)
        wanted = np.concatenate([*(part[:3] for part in slopes), *(part[3:] for part in slopes)])
        np.testing.assert_allclose(slope, wanted, rtol=1e-9, atol=1e-9)


def test_the_jacobian_of_the_cut_points_is_that_of_the_shares_of_every_group(frame):
    """Dirichlet density of each group's shares times the determinant of their derivatives by the free coordinates, by differences."""
    priors = {"slopes": "flat()", "cutpoints": "induced_dirichlet(1.7)"}
    target = posterior_problem(
        wwm.Model("y ~ age + x", thresholds_by="household"), unweighted(frame), priors=priors
    ).target
    prior, coordinates = target.prior, target.coordinates
    assert (coordinates.threshold_patterns, coordinates.ordered, target.truncated) == (3, 3, False)
    free = np.random.default_rng(2).standard_normal(12)

    def shares(at):
        eta = prior.anchor.rows @ coordinates.theta(at)
        return np.exp(prior.family.log_probabilities(eta, prior.link))

    steps = 1e-6 * np.eye(12)[:9]
    slopes = np.array([(shares(free + step) - shares(free - step))[:, :-1].ravel() / 2e-6 for step in steps])
    wanted = sum(stats.dirichlet.logpdf(each / each.sum(), np.full(4, 1.7)) for each in shares(free))
    wanted += np.linalg.slogdet(slopes)[1]
    found = prior.log_density(coordinates.theta(free))[0] + coordinates.log_jacobian(free)
    np.testing.assert_allclose(found, wanted, rtol=1e-7)


@pytest.mark.parametrize("law", PRIORS)
def test_prior_draws_have_the_declared_law_in_every_group(frame, law):
    """Shares at a group's own mean row are Dirichlet; or cut point j of three is the j-th order statistic of normals."""
    model = wwm.Model("y ~ age + x", thresholds_by="household")
    problem = posterior_problem(model, unweighted(frame), priors=PRIORS[law])
    prior = problem.target.prior
    theta = prior_draws(prior, problem.design, 2000, np.random.default_rng(4))
    cuts = theta[:, :9].reshape(-1, 3, 3)
    if law == "ordered":
        for g, j in np.ndindex(3, 3):
            order = stats.beta(j + 1, 3 - j)
            assert stats.kstest(order.cdf(stats.norm(0.1, 1.5).cdf(cuts[:, g, j])), "uniform").pvalue > NOT_BY_CHANCE
        wanted = 3 * np.log(6.0) + stats.norm.logpdf(theta[:, :9], 0.1, 1.5).sum(axis=1)
        wanted += stats.t.logpdf(theta[:, 9:], 4).sum(axis=1)
        np.testing.assert_allclose([prior.log_density(each)[0] for each in theta[:50]], wanted[:50], rtol=1e-10)
        return
    for g, part in enumerate(groups(frame)):
        mean = [(part["age"] == "35-49").mean(), (part["age"] == "50-64").mean(), part["x"].mean()]
        eta = cuts[:, g] - (theta[:, 9:] @ mean)[:, None]
        for share in np.exp(prior.family.log_probabilities(eta, prior.link)).T:
            assert stats.kstest(share, stats.beta(2, 6).cdf).pvalue > NOT_BY_CHANCE


@pytest.mark.slow
def test_draws_of_groups_that_share_nothing_are_those_of_separate_posteriors(frame):
    together = wwm.sample(wwm.Model("y ~ 1", thresholds_by="household"), unweighted(frame), seed=3)
    assert together.healthy, together.message
    for g, part in enumerate(groups(frame)[:2]):
        alone = wwm.sample(wwm.Model("y ~ 1"), unweighted(part), seed=4 + g)
        mine = together.draws[:, 3 * g : 3 * g + 3]
        error = np.hypot(together.health["mcse"].to_numpy()[3 * g : 3 * g + 3], alone.health["mcse"])
        assert (np.abs(mine.mean(axis=0) - alone.draws.mean(axis=0)) < 4.0 * error).all()
        np.testing.assert_allclose(mine.std(axis=0), alone.draws.std(axis=0), rtol=0.06)  # errors of 1.1 percent each


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unweighted", "design"])
def test_under_flat_priors_percentages_are_those_of_the_likelihood(frame, of_kind, kind):
    survey = of_kind(frame, kind)
    model = wwm.Model("y ~ age + x", thresholds_by="household")
    flat = {"slopes": "flat()", "cutpoints": "flat()"}
    fit, post = wwm.fit(model, survey), wwm.sample(model, survey, seed=2, priors=flat)
    assert post.healthy, post.message
    one, two = wwm.adjusted(fit, "household").table, wwm.adjusted(post, "household").table
    assert ((one["estimate"] - two["estimate"]) / one["std_error"]).abs().max() < 0.25
    np.testing.assert_allclose(two["std_error"], one["std_error"], rtol=0.15)
    assert (np.diff(post.draws[:, :9].reshape(-1, 3, 3), axis=2) > 0).all()


@pytest.mark.parametrize(
    "options", [{"thresholds": "equidistant"}, {"nonproportional": ("age",)}], ids=["structured", "own slopes"]
)
def test_other_structures_by_group_keep_their_order_by_truncation(frame, options):
    """Also in a combination that no respondent has."""
    kept = frame[(frame["household"] != "family") | (frame["age"] != "50-64")].reset_index(drop=True)
    problem = posterior_problem(wwm.Model("y ~ age + x", thresholds_by="household", **options), unweighted(kept))
    target = problem.target
    assert target.truncated
    points = start_of(problem) + np.random.default_rng(1).standard_normal((300, len(problem.design.names)))
    every = frame[["age", "household"]].drop_duplicates().assign(x=0.0)
    assert len(every) == 9
    increase = np.diff(problem.design.build(every).array @ points.T, axis=1) > 0
    np.testing.assert_array_equal(target.prior.allowed(points), increase.all(axis=(0, 1)))
    assert 0 < target.prior.allowed(points).sum() < 300


def test_a_stored_posterior_says_whose_cut_points_it_has(frame):
    model = wwm.Model("y ~ x", thresholds_by="household")
    post = wwm.sample(model, unweighted(frame), seed=1, chains=2, draws=100)
    stored = groups_of(post)
    assert json.loads(stored["constant_data"].attrs["encoder"])["thresholds_by"] == "household"
    assert stored["posterior"]["theta"].shape == (2, 100, 10)
    assert stored["prior"]["theta"].shape[-1] == 10


def test_a_group_without_respondents_is_refused_by_name(frame):
    levels = [*frame["household"].cat.categories, "other"]
    more = frame.assign(household=frame["household"].cat.set_categories(levels))
    with pytest.raises(ModelError) as caught:
        posterior_problem(wwm.Model("y ~ x", thresholds_by="household"), unweighted(more))
    assert str(caught.value) == (
        "No respondent says where these groups' cut points are: household = other. Every group of thresholds_by needs respondents. "
        "Merge levels, or leave those without respondents undeclared."
    )
