"""The likelihood of the answers that were given is that of the whole table."""

from __future__ import annotations

import numpy as np
import pytest

from wwm_models.likelihood.likelihood import CellLikelihood, Predictors, observed_of
from wwm_models.models.linear_map import Blocks, Dense
from wwm_models.models.model import FAMILIES
from wwm_models.numerics.links import LINKS

PATTERNS, SLOPES, CUTS = 40, 3, np.array([-1.5, -0.4, 0.9, 1.0])
CUMULATIVE = FAMILIES["cumulative"]


def table(seed: int, filled: float) -> tuple[Blocks, np.ndarray, np.ndarray]:
    """A map with one column of own slopes, counts of which a share is positive, and parameters under which cut points increase."""
    rng = np.random.default_rng(seed)
    linear = Blocks(np.eye(len(CUTS)), rng.normal(size=(PATTERNS, SLOPES)), rng.uniform(size=(PATTERNS, 1)))
    counts = rng.gamma(2.0, size=(PATTERNS, len(CUTS) + 1)) * (rng.uniform(size=(PATTERNS, len(CUTS) + 1)) < filled)
    own = np.sort(rng.normal(scale=0.3, size=len(CUTS)))
    return linear, counts, np.concatenate([CUTS, rng.normal(size=SLOPES), own])


@pytest.mark.parametrize("link", CUMULATIVE.links)
@pytest.mark.parametrize("filled", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("dense", [False, True])
def test_value_and_gradient_are_those_of_the_whole_table(link: str, filled: float, dense: bool) -> None:
    for seed in range(5):
        linear, counts, theta = table(seed, filled)
        given = observed_of(CUMULATIVE, LINKS[link], Dense(linear.array) if dense else linear, counts)
        assert given is not None
        value, gradient = given.value_and_gradient(theta)
        whole = CellLikelihood(CUMULATIVE, LINKS[link], Predictors(linear), counts).expansion(theta)
        assert value == pytest.approx(whole.value, rel=1e-12)
        np.testing.assert_allclose(gradient, whole.gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("only", [0, 2, 4])
def test_answers_that_nobody_gave_may_be_missing_from_the_table(only: int) -> None:
    linear, counts, theta = table(1, 1.0)
    counts[:, np.arange(counts.shape[1]) != only] = 0.0
    given = observed_of(CUMULATIVE, LINKS["logit"], linear, counts)
    assert given is not None
    whole = CellLikelihood(CUMULATIVE, LINKS["logit"], Predictors(linear), counts).expansion(theta)
    value, gradient = given.value_and_gradient(theta)
    assert value == pytest.approx(whole.value, rel=1e-12)
    np.testing.assert_allclose(gradient, whole.gradient, rtol=1e-9, atol=1e-9)


def test_far_out_the_likelihood_is_still_a_number() -> None:
    linear, counts, theta = table(2, 0.3)
    likelihood = CellLikelihood(CUMULATIVE, LINKS["logit"], Predictors(linear), counts)
    far = np.concatenate([CUTS - 800.0, theta[len(CUTS) :]])
    with np.errstate(all="ignore"):
        value, _ = likelihood.value_and_gradient(far)
    assert np.isfinite(value)
    assert value == pytest.approx(likelihood.value(far), rel=1e-12)


def test_crossing_cut_points_around_a_given_answer_have_no_density() -> None:
    linear, counts, theta = table(3, 1.0)
    theta[1], theta[2] = theta[2], theta[1]
    likelihood = CellLikelihood(CUMULATIVE, LINKS["logit"], Predictors(linear), counts)
    with np.errstate(all="ignore"):
        assert likelihood.value_and_gradient(theta)[0] == -np.inf


def test_a_full_table_of_many_patterns_is_left_whole() -> None:
    linear = Blocks(np.eye(2), np.zeros((4000, 1)), np.zeros((4000, 0)))
    assert observed_of(CUMULATIVE, LINKS["logit"], linear, np.ones((4000, 3))) is None
    assert observed_of(FAMILIES["multinomial"], LINKS["logit"], linear, np.ones((2, 3))) is None
