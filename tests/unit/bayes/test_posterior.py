"""Sampled posteriors: they agree with the likelihood under flat priors, and obey its symmetries."""

from __future__ import annotations

import numpy as np
import pytest

import wwm_models as wwm
from wwm_models.bayes.sample import rotation
from wwm_models.errors import AdjustError

FLAT = {"slopes": "flat()", "cutpoints": "flat()"}


@pytest.fixture(scope="module")
def unweighted(frame):
    return wwm.Survey.from_frame(frame, weight=None)


@pytest.mark.slow
def test_under_flat_priors_the_posterior_is_that_of_the_likelihood(logit_response, unweighted):
    """Mean and standard deviation equal estimate and standard error up to terms of order 1/n and Monte Carlo error."""
    model = logit_response.model("y ~ age")
    fit, post = wwm.fit(model, unweighted), wwm.sample(model, unweighted, seed=2, draws=1000, priors=FLAT)
    errors = fit.std_errors.to_numpy()
    assert post.healthy, post.message
    assert np.abs((post.draws.mean(axis=0) - fit.params) / errors).max() < 0.2
    np.testing.assert_allclose(post.draws.std(axis=0), errors, rtol=0.1)


@pytest.mark.slow
def test_adjusted_probabilities_of_both_engines_agree(frame, of_kind):
    for kind in ("sampling", "design"):
        survey = of_kind(frame, kind)
        model = wwm.Model("y ~ age + household")
        fit, post = wwm.fit(model, survey), wwm.sample(model, survey, seed=2, draws=1000, priors=FLAT)
        assert post.method == "bayes (design-corrected)"
        one, two = wwm.adjusted(fit, "age"), wwm.adjusted(post, "age")
        gap = (one.table["estimate"] - two.table["estimate"]) / one.table["std_error"]
        assert gap.abs().max() < 0.25, kind
        np.testing.assert_allclose(two.table["std_error"], one.table["std_error"], rtol=0.15, err_msg=kind)
        assert (np.diff(post.draws[:, :3], axis=1) > 0).all()
        np.testing.assert_allclose(post.draws.std(axis=0), fit.std_errors, rtol=0.15, err_msg=kind)
        assert not np.allclose(post.draws.std(axis=0), post.uncorrected.std(axis=0), rtol=0.02), (
            "the rotation did nothing"
        )


def test_the_scale_of_weights_does_not_matter(frame):
    model = wwm.Model("y ~ age")
    one = wwm.sample(model, wwm.Survey.from_frame(frame, weight="w"), seed=2, chains=2, draws=200)
    two = wwm.sample(
        model, wwm.Survey.from_frame(frame.assign(w=64 * frame["w"]), weight="w"), seed=2, chains=2, draws=200
    )
    np.testing.assert_allclose(
        two.draws, one.draws, rtol=1e-6, atol=1e-6
    )  # one trajectory, up to rounding of the weights


def test_one_seed_gives_one_posterior_and_draws_stand_for_themselves(unweighted):
    model = wwm.Model("y ~ age")
    one, two, other = (wwm.sample(model, unweighted, seed=seed, chains=2, draws=200) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.draws, two.draws)
    assert one.origin == two.origin != other.origin


def test_rotation_gives_the_wanted_covariance():
    rng = np.random.default_rng(3)
    sampled, wanted = (
        np.cov(rng.standard_normal((50, 4)) @ rng.standard_normal((4, 4)), rowvar=False) for _ in range(2)
    )
    turn = rotation(sampled, wanted)
    np.testing.assert_allclose(turn.T @ sampled @ turn, wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(rotation(sampled, sampled), np.eye(4), atol=1e-9)


@pytest.mark.slow
def test_separated_answers_have_a_proper_posterior(frame):
    """Nobody of one age gives the highest answer: the likelihood has no maximum, the posterior is finite."""
    kept = frame[(frame["age"] != "18-34") | (frame["y"] != "daily")].reset_index(drop=True)
    survey = wwm.Survey.from_frame(kept, weight=None)
    model = wwm.Model("y ~ age", family="multinomial")
    with pytest.raises(wwm.errors.SeparationError):
        wwm.fit(model, survey)
    post = wwm.sample(model, survey, seed=1)
    assert post.healthy, post.message
    assert np.abs(post.draws).max() < 12.0


def test_unhealthy_chains_give_no_percentages(unweighted):
    post = wwm.sample(wwm.Model("y ~ age"), unweighted, seed=1, chains=2, draws=100)
    assert not post.healthy
    with pytest.raises(AdjustError, match=r"posterior of .* is unhealthy"):
        wwm.adjusted(post, "age")


@pytest.mark.slow
def test_predictions_and_slopes_of_a_posterior(unweighted, frame):
    post = wwm.sample(wwm.Model("y ~ age + x"), unweighted, seed=1)
    predicted = wwm.predict(post, frame[["age", "x"]].head(5))
    np.testing.assert_allclose(predicted.sum(axis=1), 1.0, rtol=1e-12)
    slopes = wwm.slopes(post, "x")
    np.testing.assert_allclose(slopes.draws.sum(axis=1), 0.0, atol=1e-8)
    fitted = wwm.slopes(wwm.fit(wwm.Model("y ~ age + x"), unweighted), "x")
    assert np.abs((slopes.table["estimate"] - fitted.table["estimate"]) / fitted.table["std_error"]).max() < 0.3
    compared = wwm.contrasts(post, "age")
    assert compared.table["p_value"].isna().all()
    assert compared.draws.shape == (4000, len(compared.table))
