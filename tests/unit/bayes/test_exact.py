"""NUTS against importance sampling of the same density: an independent algorithm without chains, for every family.

A million draws from a multivariate t around the mode give means and standard deviations with a known Monte Carlo error; the chains
must agree within four errors of both together.
"""

from __future__ import annotations

import numpy as np
import pytest

import wwm_models as wwm
from wwm_models.bayes.density import whitened
from wwm_models.bayes.sample import posterior_problem
from wwm_models.likelihood.maximum import starting_point

DRAWS, DF = 200_000, 8.0
MODELS = {
    "cumulative": {},
    "partial": {"nonproportional": ("age",)},
    "by group": {"thresholds_by": "household"},
    "partial, truncated": {"nonproportional": ("age", "x")},
    "adjacent": {"family": "adjacent"},
    "stopping": {"family": "stopping"},
    "continuation": {"family": "continuation"},
    "multinomial": {"family": "multinomial"},
}


def log_densities(target, free):
    """(s,) log densities at (s, p) free coordinates, vectorised over draws; anchored prior of concentration one."""
    prior, coordinates, likelihood = target.prior, target.coordinates, target.likelihood
    theta = coordinates.theta(free)
    with np.errstate(all="ignore"):
        log_p = likelihood.family.log_probabilities(likelihood.predictors.eta_of_draws(theta), likelihood.link)
        log_p = log_p.reshape(len(free), *likelihood.counts.shape)
        value = np.einsum("spk,pk->s", np.where(likelihood.counts > 0, log_p, 0.0), likelihood.counts)
        value += (-0.5 * ((theta - prior.mean) / prior.scale) ** 2) @ prior.proper
        for row in prior.anchor.rows:
            value += prior.family.shares_jacobian(theta @ row.T, prior.link)[0]
    threshold_patterns = free[:, : coordinates.threshold_patterns * coordinates.ordered].reshape(
        len(free), coordinates.threshold_patterns, -1
    )
    value += threshold_patterns[:, :, 1:].sum(axis=(1, 2))
    if len(prior.gaps):
        value[~prior.allowed(theta)] = -np.inf
    return np.where(np.isfinite(value), value, -np.inf)


def importance(target, space):
    """Mean, standard deviation and their Monte Carlo errors of every parameter."""
    rng = np.random.default_rng(9)
    size = len(space.mode)
    z = rng.standard_normal((DRAWS, size)) / np.sqrt(rng.chisquare(DF, DRAWS) / DF)[:, None]
    log_weight = log_densities(target, space.free(z)) + 0.5 * (DF + size) * np.log1p((z**2).sum(axis=1) / DF)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    theta = target.coordinates.theta(space.free(z))
    mean = weight @ theta
    deviation = theta - mean
    sd = np.sqrt(weight @ deviation**2)
    return mean, sd, np.sqrt((weight**2) @ deviation**2)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_chains_agree_with_importance_sampling(name, frame):
    survey = wwm.Survey.from_frame(frame, weight=None)
    model = wwm.Model("y ~ age + x" if "truncated" in name else "y ~ age", **MODELS[name])
    problem = posterior_problem(model, survey)
    target = problem.target
    space = whitened(
        target, target.coordinates.free(starting_point(target.likelihood.family, target.likelihood, problem.design))
    )
    mean, sd, error = importance(target, space)
    post = wwm.sample(model, survey, seed=11)
    assert post.healthy, post.message
    together = np.sqrt(error**2 + post.health["mcse"].to_numpy() ** 2)
    assert (np.abs(post.draws.mean(axis=0) - mean) < 4.0 * together).all()
    np.testing.assert_allclose(
        post.draws.std(axis=0), sd, rtol=0.06
    )  # the sd of 4,000 draws has an error of 1.1 to 1.5 percent
