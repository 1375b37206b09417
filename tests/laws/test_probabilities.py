"""Laws of one family at given linear predictors: probabilities, derivatives, start, recession cones."""

from __future__ import annotations

import numpy as np
import pytest

from wwm_models.models.model import FAMILIES
from wwm_models.numerics.links import LOGIT, MODERATE

SIZES = (2, 3, 5, 7)
STEP = 1e-5  # central differences: error of the order step**2 + machine epsilon / step, that is 1e-10


@pytest.mark.parametrize("answers", SIZES)
def test_probabilities_are_positive_and_sum_to_one(response, eta_at, answers):
    log_p = response.family.log_probabilities(eta_at(50, answers - 1), response.link)
    assert log_p.shape == (50, answers)
    assert np.isfinite(log_p).all()
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1.0, rtol=1e-13)  # a few roundings of numbers below one


@pytest.mark.parametrize("answers", SIZES)
@pytest.mark.parametrize("size", [1.0, 30.0, 800.0])
def test_probabilities_without_logarithms_are_the_same_to_within_rounding(response, eta_at, answers, size):
    eta = size * eta_at(50, answers - 1)
    quick = response.family.probabilities(eta, response.link)
    np.testing.assert_allclose(quick, np.exp(response.family.log_probabilities(eta, response.link)), rtol=0, atol=1e-15)


def test_probabilities_between_crossing_cut_points_are_not_positive(response):
    if response.family.ordered_cuts:
        assert response.family.probabilities(np.array([[0.5, -0.5, 1.0]]), response.link)[0, 1] < 0.0


@pytest.mark.parametrize("size", [30.0, 200.0, 690.0])
def test_log_probabilities_are_finite_far_in_the_tails(response, size):
    """At |eta| near 700 exp() is about to overflow; the logarithm of the probability must still be a number."""
    steps = np.array([0.0, 1.0, 10.0])
    eta = np.array([steps - size, steps + size - 10.0, [-size, 0.0, size], [-size - 10.0, -size, size]])
    log_p = response.family.log_probabilities(eta, response.link)
    assert np.isfinite(log_p).all()
    assert (log_p <= 0.0).all()
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("answers", SIZES)
def test_scores_are_derivatives_of_log_probabilities(response, eta_at, answers):
    family, link, eta = response.family, response.link, eta_at(20, answers - 1)
    scores = family.scores(eta, link, family.log_probabilities(eta, link))
    for j in range(answers - 1):
        step = STEP * np.eye(answers - 1)[j]
        up, down = family.log_probabilities(eta + step, link), family.log_probabilities(eta - step, link)
        np.testing.assert_allclose(scores[:, :, j], (up - down) / (2.0 * STEP), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("answers", SIZES)
def test_the_expansion_agrees_with_the_scores_and_their_derivative(response, eta_at, answers):
    family, link, eta = response.family, response.link, eta_at(20, answers - 1)
    counts = np.random.default_rng(4).uniform(0.0, 3.0, (20, answers))

    def gradient(at):
        return np.einsum("pk,pkj->pj", counts, family.scores(at, link, family.log_probabilities(at, link)))

    log_p, slopes, curvature = family.expansion(eta, link, counts)
    np.testing.assert_allclose(log_p, family.log_probabilities(eta, link), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(slopes, gradient(eta), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(curvature, curvature.transpose(0, 2, 1), rtol=1e-12, atol=1e-12)
    for j in range(answers - 1):
        step = STEP * np.eye(answers - 1)[j]
        slope = (gradient(eta + step) - gradient(eta - step)) / (2.0 * STEP)
        np.testing.assert_allclose(-curvature[:, :, j], slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("answers", SIZES)
def test_start_reproduces_the_shares(response, answers):
    shares = np.random.default_rng(5).dirichlet(np.full(answers, 2.0))
    eta = response.family.start(shares, response.link)
    log_p = response.family.log_probabilities(eta[None, :], response.link)
    np.testing.assert_allclose(np.exp(log_p[0]), shares, rtol=1e-10)


@pytest.mark.parametrize("answers", SIZES)
def test_inside_its_recession_cone_an_answer_never_loses(response, eta_at, answers):
    """Moving eta along a direction of the cone of answer k does not lower log p_k, at any distance."""
    directions = np.random.default_rng(6).normal(size=(4000, answers - 1))
    eta = eta_at(10, answers - 1)
    before = response.family.log_probabilities(eta, response.link)
    for k, half_spaces in enumerate(response.family.recession(answers)):
        inside = directions[(directions @ half_spaces.T >= 0).all(axis=1)][:5]
        for direction in inside:
            for distance in (0.01, 0.3, 2.0):
                after = response.family.log_probabilities(eta + distance * direction, response.link)[:, k]
                assert (after >= before[:, k] - 1e-12).all(), (k, direction)


@pytest.mark.parametrize("answers", SIZES)
def test_outside_its_recession_cone_an_answer_loses_in_the_end(response, eta_at, answers):
    """So the cones are not too small either: a direction outside makes the answer impossible far away (slowly so for the cauchit)."""
    directions = np.random.default_rng(7).normal(size=(200, answers - 1))
    eta = eta_at(3, answers - 1)
    before = response.family.log_probabilities(eta, response.link)
    for k, half_spaces in enumerate(response.family.recession(answers)):
        outside = directions[(directions @ half_spaces.T < -0.2).any(axis=1)][:20]
        assert len(outside) > 0
        for direction in outside:
            after = response.family.log_probabilities(eta + 1e6 * direction, response.link)[:, k]
            assert (after < before[:, k]).all(), (k, direction)


@pytest.mark.parametrize("answers", SIZES)
def test_the_jacobian_of_the_shares_is_their_determinant(response, eta_at, answers):
    family, link, eta = response.family, response.link, eta_at(20, answers - 1)

    def log_determinant(at):
        log_p = family.log_probabilities(at, link)
        slopes = np.exp(log_p)[:, :, None] * family.scores(at, link, log_p)
        return np.linalg.slogdet(slopes[:, :-1])[1]

    value, gradient = family.shares_jacobian(eta, link)
    np.testing.assert_allclose(value, log_determinant(eta), rtol=1e-10, atol=1e-12)
    for j in range(answers - 1):
        step = STEP * np.eye(answers - 1)[j]
        slope = (log_determinant(eta + step) - log_determinant(eta - step)) / (2.0 * STEP)
        np.testing.assert_allclose(gradient[:, j], slope, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("answers", SIZES)
def test_slopes_are_the_scores_of_the_counts(response, eta_at, answers):
    family, link, eta = response.family, response.link, eta_at(20, answers - 1)
    counts = np.random.default_rng(8).poisson(1.0, (20, answers)).astype(float)
    log_p = family.log_probabilities(eta, link)
    wanted = np.einsum("pk,pkj->pj", counts, family.scores(eta, link, log_p))
    own_log_p, slopes = family.with_slopes(eta, link, counts)
    np.testing.assert_allclose(own_log_p, log_p, rtol=1e-13)
    np.testing.assert_allclose(slopes, wanted, rtol=1e-12, atol=1e-12)


def test_intervals_in_one_stroke_are_those_by_logarithms():
    """The logistic has a form of its own for moderate predictors; neighbours may be near, far or crossed."""
    rng = np.random.default_rng(5)
    steps = np.concatenate(
        [rng.uniform(0.0, 3.0, (40, 3)), 10.0 ** rng.uniform(-12, 2, (40, 3)), -rng.uniform(0, 1, (9, 3))]
    )
    points = np.cumsum(np.column_stack([rng.uniform(-200.0, 10.0, len(steps)), steps]), axis=1)
    assert np.abs(points).max() < MODERATE
    log_p, below, above, slope = LOGIT.shared.intervals(points)
    by_logs = FAMILIES["cumulative"].log_probabilities(points, LOGIT)
    np.testing.assert_allclose(log_p, by_logs, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(below, np.exp(LOGIT.log_pdf(points) - by_logs[:, :-1]), rtol=1e-11)
    np.testing.assert_allclose(above, np.exp(LOGIT.log_pdf(points) - by_logs[:, 1:]), rtol=1e-11)
    np.testing.assert_allclose(slope, LOGIT.pdf_score(points), rtol=0, atol=1e-14)
