"""The log posterior density: its gradient, its coordinates, its mode."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import wwm_models as wwm
from wwm_models.bayes.density import whitened
from wwm_models.bayes.sample import posterior_problem
from wwm_models.bayes.transforms import Coordinates
from wwm_models.likelihood.maximum import starting_point

STEP = 1e-6  # of central differences of a log density of a few hundred: their error is near 1e-7


def gradient_by_differences(function, point):
    steps = STEP * np.eye(len(point))
    return np.array([(function(point + step) - function(point - step)) / (2.0 * STEP) for step in steps])


def problem_of(response, frame, formula="y ~ age + x", priors=None, **options):
    return posterior_problem(
        response.model(formula, **options), wwm.Survey.from_frame(frame, weight=None), priors=priors
    )


def points_near(problem, count, seed=5):
    target = problem.target
    start = problem.density.start(starting_point(target.likelihood.family, target.likelihood, problem.design))
    rng = np.random.default_rng(seed)
    return [start + 0.15 * rng.standard_normal(len(start)) for _ in range(count)]


def test_gradient_is_the_derivative_of_the_density(response, frame):
    target = (problem := problem_of(response, frame)).target
    for point in points_near(problem, 3):
        value, gradient = target.value_and_gradient(point)
        assert np.isfinite(value)
        np.testing.assert_allclose(gradient, gradient_by_differences(target.value, point), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "priors",
    [
        {"cutpoints": "induced_dirichlet(2.5)", "slopes": "student_t(3, 0.5, 2)"},
        {"cutpoints": "flat()", "slopes": "flat()"},
        {"cutpoints": "student_t(4, 0, 2)", "terms": {"age": "normal(1, 0.3)"}, "predictors": "as_is"},
        {"cutpoints": "induced_dirichlet(1)", "slopes": "r2d2(0.3, 4, 1)", "terms": {"x": "normal(0, 1)"}},
    ],
    ids=lambda priors: f"{priors['cutpoints']}, {priors.get('slopes', '')}",
)
def test_gradient_under_declared_priors(logit_response, frame, priors):
    if "r2d2" in priors.get("slopes", "") and not logit_response.family.parallel:
        pytest.skip("R2-D2 is for slopes that answers share")
    target = (problem := problem_of(logit_response, frame, priors=priors)).density
    for point in points_near(problem, 2):
        np.testing.assert_allclose(
            target.value_and_gradient(point)[1],
            gradient_by_differences(lambda at: target.value_and_gradient(at)[0], point),
            rtol=1e-5,
            atol=1e-5,
        )


def test_gradient_of_partial_scaled_and_structured_models(frame):
    survey = wwm.Survey.from_frame(frame, weight=None)
    for options in (
        {"nonproportional": ("age",)},
        {"nonproportional": ("x",)},
        {"nonproportional": ("age", "x")},
        {"nonproportional": ("age",), "scale": "~ household"},
        {"scale": "~ household"},
        {"thresholds": "equidistant"},
        {"thresholds_by": "household"},
        {"thresholds_by": "household", "scale": "~ x"},
    ):
        problem = posterior_problem(wwm.Model("y ~ age + x", **options), survey)
        for point in points_near(problem, 2):
            gradient = problem.target.value_and_gradient(point)[1]
            np.testing.assert_allclose(
                gradient, gradient_by_differences(problem.target.value, point), rtol=1e-5, atol=1e-5
            )


@pytest.mark.parametrize("total", ["normal(0.5, 0.7)", "student_t(4, 0, 1)"])
def test_gradient_of_monotonic_increments(frame, total):
    survey = wwm.Survey.from_frame(frame, weight=None)
    problem = posterior_problem(wwm.Model("y ~ mo(age) + x"), survey, priors={"terms": {"mo(age)": total}})
    target = problem.density
    for point in points_near(problem, 3):
        gradient = target.value_and_gradient(point)[1]

        def value(at):
            return target.value_and_gradient(at)[0]

        np.testing.assert_allclose(gradient, gradient_by_differences(value, point), rtol=1e-5, atol=1e-5)
        theta, added = target.parameters(point[None])
        increments = theta[0, [problem.design.names.index(name) for name in problem.design.monotone[0]]]
        assert len(set(np.sign(increments))) == 1
        np.testing.assert_allclose(increments.sum(), added["mo(age):total"], rtol=1e-12)


TURN = np.eye(7) + 0.2 * np.random.default_rng(0).standard_normal((7, 7))


@pytest.mark.parametrize(
    "coordinates",
    [Coordinates(3), Coordinates(3, 2), Coordinates(3, 2, TURN), Coordinates(0)],
    ids=["one", "two", "two turned", "none"],
)
def test_free_coordinates_go_there_and_back_with_their_jacobian(coordinates):
    free = np.array([-1.0, 0.3, -0.4, 2.0, 0.7, -1.2, 0.1])
    theta = coordinates.theta(free)
    climbed = theta if coordinates.linear_transform is None else np.linalg.solve(TURN, theta)
    for pattern in range(coordinates.threshold_patterns if coordinates.ordered else 0):
        assert (np.diff(climbed[3 * pattern : 3 * pattern + 3]) > 0).all()
    np.testing.assert_allclose(coordinates.free(theta), free, rtol=1e-12)
    several = np.array([[free, free + 0.1]])
    np.testing.assert_allclose(coordinates.theta(several)[0, 0], theta, rtol=1e-13)
    np.testing.assert_allclose(coordinates.free(coordinates.theta(several)), several, rtol=1e-11)
    jacobian = coordinates.jacobian(free)
    steps = STEP * np.eye(7)
    numeric = np.array([(coordinates.theta(free + s) - coordinates.theta(free - s)) / (2 * STEP) for s in steps]).T
    np.testing.assert_allclose(jacobian, numeric, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(coordinates.log_jacobian(free), np.linalg.slogdet(jacobian)[1], rtol=1e-12, atol=1e-14)
    slope = np.arange(7.0)
    own = [coordinates.log_jacobian(free + s) - coordinates.log_jacobian(free - s) for s in steps]
    wanted = jacobian.T @ slope + np.array(own) / (2 * STEP)
    np.testing.assert_allclose(coordinates.pulled_back(free, slope), wanted, rtol=1e-8, atol=1e-8)


def test_induced_dirichlet_prior_has_dirichlet_shares(response, frame):
    """The density of the cut points given the slopes is that of Dirichlet shares times the determinant, at any shares."""
    prior = (
        problem := problem_of(response, frame, priors={"slopes": "flat()", "cutpoints": "induced_dirichlet(1.7)"})
    ).target.prior
    theta = problem.target.coordinates.theta(points_near(problem, 1)[0])
    link, family = response.link, response.family
    eta = prior.anchor.rows[0] @ theta
    log_p = family.log_probabilities(eta[None], link)
    shares = np.exp(log_p[0])
    slopes = shares[:, None] * family.scores(eta[None], link, log_p)[0]
    wanted = (
        stats.dirichlet.logpdf(shares / shares.sum(), np.full(len(shares), 1.7)) + np.linalg.slogdet(slopes[:-1])[1]
    )
    np.testing.assert_allclose(prior.log_density(theta)[0], wanted, rtol=1e-9)


def test_whitened_coordinates_make_the_curvature_one(logit_response, frame):
    problem = problem_of(logit_response, frame)
    start = points_near(problem, 1)[0]
    space = whitened(problem.target, start)
    found = problem.target.expansion(space.mode)
    gradient, curvature = found.gradient, found.information
    np.testing.assert_allclose(gradient, 0.0, atol=1e-3)  # of a log density near -500 with curvatures near 100
    np.testing.assert_allclose(space.root.T @ curvature @ space.root, np.eye(len(start)), atol=1e-4)


@pytest.mark.parametrize(
    ("own", "patterns"),
    [(("age",), 3), (("x",), 2), (("age", "household", "age:household"), 9), (("age", "x"), 1)],
)
def test_slopes_of_their_own_have_thresholds_per_combination_where_one_fits(frame, own, patterns):
    """Any increasing thresholds give increasing predictors on every pattern; crossed main effects have more borders than columns."""
    survey = wwm.Survey.from_frame(frame, weight=None)
    problem = posterior_problem(wwm.Model(f"y ~ {' + '.join(own)} + f", nonproportional=own), survey)
    target = problem.target
    assert (target.coordinates.threshold_patterns, target.truncated) == (patterns, patterns == 1)
    if patterns > 1:
        points = 2.0 * np.random.default_rng(4).standard_normal((200, len(problem.design.names)))
        theta = target.coordinates.theta(points)
        assert target.prior.allowed(theta).all()
        assert (np.diff(problem.design.array @ theta.T, axis=1) > 0).all()


def test_outside_the_truncated_region_the_density_is_zero(frame):
    problem = posterior_problem(
        wwm.Model("y ~ age + x", nonproportional=("age", "x")), wwm.Survey.from_frame(frame, weight=None)
    )
    theta = starting_point(problem.target.likelihood.family, problem.target.likelihood, problem.design)
    assert np.isfinite(problem.target.value(theta))
    assert problem.target.prior.allowed(theta)
    theta[problem.design.names.index("age[50-64]:never|rarely")] -= 50.0
    assert not problem.target.prior.allowed(theta)
    assert problem.target.value(theta) == -np.inf
