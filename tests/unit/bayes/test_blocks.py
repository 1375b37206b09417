"""Priors with coordinates of their own: R2-D2 slopes and the increments of a monotonic effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import wwm_models as wwm
from wwm_models.bayes.density import prior_draws
from wwm_models.bayes.sample import posterior_problem
from wwm_models.bayes.structured_priors import (
    CENTRING,
    Increments,
    PooledInteraction,
    Shrinkage,
    log_shares,
    zero_sum_basis,
)
from wwm_models.errors import ModelError

NOT_BY_CHANCE = 1e-3  # with a fixed seed; a wrong law of 4,000 draws gives p-values below 1e-20
SHRINKAGE = Shrinkage(np.arange(3), np.array([3.0, 2.0, 4.0]), 1.2, 2.8, 1.5)
CELLS = np.eye(6)[:, [4, 5]]  # of two by three levels, the columns of the second level of the first factor
POOLED = PooledInteraction("a:b", np.arange(2), zero_sum_basis(CELLS, 2, 3), 0.7)
INCREMENTS = Increments("mo(x)", np.arange(4), 0.2, 0.8, np.inf)


def of_shares(numbers: np.ndarray, concentration: float) -> float:
    logarithms = log_shares(numbers)
    shares = np.exp(logarithms)
    own = stats.dirichlet.logpdf(shares / shares.sum(), np.full(len(shares), concentration))
    return float(own + np.log(len(shares)) + logarithms.sum())


def test_the_density_of_shrunken_slopes_is_the_product_of_its_parts():
    for at in SHRINKAGE.drawn(5, np.random.default_rng(1)):
        explained = 1.0 / (1.0 + np.exp(-at[-1]))
        variance = np.exp(log_shares(at[3:5])) * explained / (1.0 - explained)
        wanted = stats.norm.logpdf(at[:3], 0.0, variance ** (CENTRING / 2)).sum() + of_shares(at[3:5], 1.5)
        wanted += stats.beta.logpdf(explained, 1.2, 2.8) + np.log(explained * (1.0 - explained))
        np.testing.assert_allclose(SHRINKAGE.log_density(at)[0], wanted, rtol=1e-10)


def test_the_density_of_increments_is_the_product_of_its_parts():
    for at in INCREMENTS.drawn(5, np.random.default_rng(1)):
        wanted = stats.norm.logpdf(at[0], 0.2, 0.8) + of_shares(at[1:], 1.0)
        np.testing.assert_allclose(INCREMENTS.log_density(at)[0], wanted, rtol=1e-10)
    heavy = Increments("mo(x)", np.arange(4), 0.2, 0.8, 5.0)
    at = np.array([1.3, 0.1, -0.4, 0.2])
    wanted = stats.t.logpdf(1.3, 5.0, 0.2, 0.8) + of_shares(at[1:], 1.0)
    np.testing.assert_allclose(heavy.log_density(at)[0], wanted, rtol=1e-10)


def test_the_density_of_pooled_slopes_is_the_product_of_its_parts():
    for at in POOLED.drawn(5, np.random.default_rng(1)):
        spread = np.exp(at[-1])
        wanted = stats.norm.logpdf(at[:-1]).sum()
        wanted += stats.halfnorm.logpdf(spread, scale=0.7) + at[-1]
        np.testing.assert_allclose(POOLED.log_density(at)[0], wanted, rtol=1e-10)


def test_pooled_cells_have_one_variance_whichever_level_is_the_reference():
    """The interaction centred over both factors is s Q Z Q': every cell has variance s^2 (1 - 1/A) (1 - 1/H), rows and columns sum to zero."""
    centre = np.kron(np.eye(2) - 1 / 2, np.eye(3) - 1 / 3)
    for columns in (CELLS, np.eye(6)[:, [0, 2]]):  # another reference level of either factor
        effects = centre @ columns @ zero_sum_basis(columns, 2, 3)
        np.testing.assert_allclose(effects @ effects.T, centre, atol=1e-12)


def test_draws_from_the_prior_have_the_declared_law():
    at = SHRINKAGE.drawn(4000, np.random.default_rng(2))
    explained = SHRINKAGE.hyper(at)["R2"]
    assert stats.kstest(explained, stats.beta(1.2, 2.8).cdf).pvalue > NOT_BY_CHANCE
    variance = np.exp(log_shares(at[:, 3:5])) * (explained / (1.0 - explained))[:, None]
    standard = SHRINKAGE.parameters(at) / (SHRINKAGE.unit * np.sqrt(variance))
    for column in standard.T:
        assert stats.kstest(column, "norm").pvalue > NOT_BY_CHANCE
    at = POOLED.drawn(4000, np.random.default_rng(6))
    spread = POOLED.hyper(at)["a:b:spread"]
    assert stats.kstest(spread, stats.halfnorm(scale=0.7).cdf).pvalue > NOT_BY_CHANCE
    standard = np.linalg.solve(POOLED.basis, POOLED.parameters(at).T) / spread
    assert stats.kstest(standard.ravel(), "norm").pvalue > NOT_BY_CHANCE
    at = INCREMENTS.drawn(4000, np.random.default_rng(3))
    made = INCREMENTS.parameters(at)
    assert stats.kstest(made.sum(axis=1), stats.norm(0.2, 0.8).cdf).pvalue > NOT_BY_CHANCE
    for share in (made / made.sum(axis=1, keepdims=True)).T:
        assert stats.kstest(share, stats.beta(1, 3).cdf).pvalue > NOT_BY_CHANCE


@pytest.mark.parametrize("block", [SHRINKAGE, INCREMENTS, POOLED], ids=["shrinkage", "increments", "pooled"])
def test_rotated_coordinates_have_their_derivative_and_curvature(block):
    at = block.drawn(50, np.random.default_rng(4))
    turned = block.transformed(at)
    np.testing.assert_allclose(block.from_transformed(turned), block.parameters(at), rtol=1e-12)
    centre, step = turned.mean(axis=0), 1e-6
    steps = step * np.eye(len(centre))
    slopes = np.array(
        [(block.from_transformed(centre + s) - block.from_transformed(centre - s)) / (2 * step) for s in steps]
    ).T
    np.testing.assert_allclose(block.turned_slopes(centre), slopes, rtol=1e-7, atol=1e-8)
    if block is INCREMENTS:
        curved = [(block.log_density(centre - s)[1] - block.log_density(centre + s)[1]) / (2 * step) for s in steps]
        np.testing.assert_allclose(block.turned_precision(at), np.array(curved), rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """An ordered predictor whose effect rises by 0, 1 and 0.2, and noise."""
    rng = np.random.default_rng(5)
    step, noise = rng.integers(0, 4, 700), rng.integers(0, 2, 700)
    effect = np.array([0.0, 0.0, 1.0, 1.2])[step]
    answer = np.digitize(effect + rng.logistic(size=700), [-0.5, 1.0])
    return pd.DataFrame(
        {
            "step": pd.Categorical.from_codes(step, list("abcd"), ordered=True),
            "noise": pd.Categorical.from_codes(noise, ["n", "m"]),
            "y": pd.Categorical.from_codes(answer, ["low", "mid", "high"], ordered=True),
            "w": rng.uniform(0.5, 1.5, 700),
        }
    )


@pytest.mark.slow
def test_a_monotonic_effect_is_sampled_with_one_sign(people: pd.DataFrame):
    """Rotated to the design too; the total is that of the likelihood, which has no zero increments' pull between the levels."""
    survey, model = wwm.Survey.from_frame(people, weight="w"), wwm.Model("y ~ mo(step) + noise")
    post = wwm.sample(model, survey, seed=1)
    assert post.healthy, post.message
    increments = [post.design.names.index(name) for name in post.design.monotone[0]]
    for draws in (post.draws, post.uncorrected):
        assert (draws[:, increments] >= 0).all()
    total = post.draws[:, increments].sum(axis=1)
    np.testing.assert_allclose(post.hyper["mo(step):total"], post.uncorrected[:, increments].sum(axis=1), rtol=1e-12)
    free = wwm.fit(wwm.Model("y ~ step + noise"), survey)
    assert abs(total.mean() - free.params["step[d]"]) < 0.5 * free.std_errors["step[d]"]


@pytest.mark.slow
def test_a_smaller_share_explained_pulls_slopes_to_zero(people: pd.DataFrame):
    survey, model = wwm.Survey.from_frame(people, weight=None), wwm.Model("y ~ step + noise")
    wide, narrow = (
        wwm.sample(model, survey, seed=1, priors={"slopes": f"r2d2({mean}, {precision}, 2)"})
        for mean, precision in ((0.5, 2), (0.02, 200))
    )
    assert wide.healthy, wide.message
    assert narrow.healthy, narrow.message
    fit = wwm.fit(model, survey)
    top = post_mean(wide, "step[d]"), post_mean(narrow, "step[d]")
    assert abs(top[0] - fit.params["step[d]"]) < 0.5 * fit.std_errors["step[d]"]
    assert 0.0 < top[1] < top[0] - 0.5 * fit.std_errors["step[d]"]
    assert narrow.hyper["R2"].mean() < wide.hyper["R2"].mean()


@pytest.mark.slow
def test_pooling_pulls_an_interaction_that_is_not_there_to_zero(people: pd.DataFrame):
    survey, model = wwm.Survey.from_frame(people, weight="w"), wwm.Model("y ~ step * noise")
    loose = wwm.sample(model, survey, seed=1, priors={"terms": {"step:noise": "normal(0, 1)"}})
    pooled = wwm.sample(model, survey, seed=1, priors={"terms": {"step:noise": "zero_sum(0.5)"}})
    assert pooled.healthy, pooled.message
    own = [j for j, term in enumerate(pooled.design.terms) if term == "step:noise"]
    assert len(own) == 3
    sizes = [np.abs(post.draws[:, own].mean(axis=0)).mean() for post in (pooled, loose)]
    assert sizes[0] < 0.8 * sizes[1]
    assert (pooled.draws[:, own].std(axis=0) < loose.draws[:, own].std(axis=0)).all()
    problem = posterior_problem(model, survey, priors={"terms": {"step:noise": "zero_sum(0.5)"}})
    theta = prior_draws(problem.target.prior, problem.design, 4000, np.random.default_rng(7))
    np.testing.assert_allclose((theta[:, own] ** 2).mean(), 4.0 * 0.25, rtol=0.15)  # a difference of four cells


def test_pooling_is_for_two_factors(people: pd.DataFrame):
    priors = {"terms": {"step": "zero_sum(0.5)"}}
    with pytest.raises(
        ModelError, match=r'gives "step" the prior zero_sum\(0.5\), which is for the interaction of two factors'
    ):
        posterior_problem(wwm.Model("y ~ step"), wwm.Survey.from_frame(people, weight=None), priors=priors)


def post_mean(post: wwm.Posterior, name: str) -> float:
    return float(post.draws[:, post.design.names.index(name)].mean())
