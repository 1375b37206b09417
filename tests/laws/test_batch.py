"""Many maxima at once are the maxima one by one, and replicate estimates are refits from scratch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.likelihood.likelihood import cell_likelihood
from wwm_models.likelihood.maximum import expansions, maximise_many, maximise_on, starting_point
from wwm_models.models.design import cells_and_design
from wwm_models.models.linear_map import Dense

SETS = 9
# 1e-8 is the law's tolerance; Newton's last step leaves about 1e-12, so one lost iteration shows
TOLERANCE = 1e-8


def likelihood_and_start(response, frame, formula, **options):
    model = response.model(formula, **options)
    cells, design = cells_and_design(model, wwm.Survey.from_frame(frame, weight="w"))
    likelihood = cell_likelihood(response.family, response.link, cells, design)
    return likelihood, starting_point(response.family, likelihood, design)


def resampled(likelihood, seed=5):
    """Counts of bootstrap samples: zeros, ones and more."""
    shares = likelihood.counts.ravel() / likelihood.counts.sum()
    drawn = np.random.default_rng(seed).multinomial(400, shares, size=SETS)
    return drawn.reshape(SETS, *likelihood.counts.shape).astype(np.float64)


@pytest.fixture(params=["shared", "own"])
def options(request, logit_response):
    own = request.param == "own" and logit_response.family.parallel
    return {"nonproportional": ("household",)} if own else {}


def test_expansions_are_those_of_every_set_alone(logit_response, frame, options):
    likelihood, start = likelihood_and_start(logit_response, frame, "y ~ age + household + x", **options)
    counts = resampled(likelihood)
    thetas = start + np.random.default_rng(6).uniform(-0.1, 0.1, (SETS, len(start)))
    dense = replace(
        likelihood, predictors=replace(likelihood.predictors, linear=Dense(likelihood.predictors.linear.array))
    )
    for version in (likelihood, dense):
        together = expansions(version, counts, thetas)
        for s in range(SETS):
            alone = replace(likelihood, counts=counts[s]).expansion(thetas[s])
            for name in ("value", "gradient", "information"):
                size = np.abs(getattr(alone, name)).max()
                np.testing.assert_allclose(getattr(together, name)[s], getattr(alone, name), atol=1e-12 * size)


def test_maxima_of_many_sets_are_those_found_one_by_one(response, frame):
    """From the full estimate, in a batch, as from the starting point, alone."""
    likelihood, start = likelihood_and_start(response, frame, "y ~ age + household + x")
    counts = resampled(likelihood)
    near = maximise_on(likelihood, start).theta
    points, done = maximise_many(likelihood, counts, near)
    assert done.all()
    for s in range(SETS):
        alone = maximise_on(replace(likelihood, counts=counts[s]), start)
        assert alone.maximum.converged
        np.testing.assert_allclose(points[s], alone.theta, rtol=TOLERANCE, atol=TOLERANCE)


def test_a_set_without_a_maximum_is_not_called_done(frame, logit_response):
    """All of one age give the lowest answer and nobody else does: some coefficient is infinite."""
    likelihood, start = likelihood_and_start(logit_response, frame, "y ~ age")
    counts = resampled(likelihood)
    counts[0] = 0.0
    counts[0, 0, 0] = counts[0, 1, 1] = counts[0, 2, 1] = 50.0
    points, done = maximise_many(likelihood, counts, start)
    assert done[1:].all()
    assert not done[0] or np.abs(likelihood.predictors.etas(points[:1])).max() > 15.0


@pytest.mark.parametrize("nonproportional", [(), ("household",)], ids=["shared", "own"])
def test_replicates_are_refits_from_scratch(frame, nonproportional):
    model = wwm.Model("y ~ age + household", nonproportional=nonproportional)
    survey = wwm.replicates(wwm.Survey.from_frame(frame, weight="w"), "bootstrap", draws=6, seed=3)
    fit = wwm.fit(model, survey)
    found = wwm.adjusted(fit, "age")
    scratch = []
    for theta, weights in zip(fit.replicate_theta, survey.replicates.weights.T, strict=True):
        again = wwm.fit(model, wwm.Survey.from_frame(frame.assign(w=weights), weight="w"))
        np.testing.assert_allclose(theta, again.theta, rtol=TOLERANCE, atol=TOLERANCE)
        scratch.append(wwm.adjusted(again, "age").table["estimate"].to_numpy())
    deviation = np.array(scratch) - found.table["estimate"].to_numpy()
    expected = survey.replicates.scale * deviation.T @ deviation
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-7, atol=1e-14)


def test_a_separated_replicate_is_an_error(frame):
    """One respondent alone gives the last answer in their group; the replicate without them has no maximum, and says so."""
    alone = frame.iloc[:60].reset_index(drop=True)
    answer = alone["y"].cat.codes.to_numpy().clip(0, 2)
    single = alone["household"].cat.codes.to_numpy() == 0
    answer[single] = answer[single].clip(0, 1)
    answer[np.flatnonzero(single)[0]] = 2
    alone["y"] = pd.Categorical.from_codes(answer, ["a", "b", "c"], ordered=True)
    survey = wwm.replicates(wwm.Survey.from_frame(alone, weight=None), "JK1")
    with pytest.raises(wwm.errors.FitError, match=r"^1 of 60 replicate weights have no maximum of the likelihood"):
        wwm.fit(wwm.Model("y ~ household", family="multinomial"), survey)


def test_crossing_cut_points_are_left_without_a_warning(frame, logit_response):
    """A start at which cut points cross where somebody answered: no value, no derivatives, not done."""
    if not logit_response.family.ordered_cuts:
        pytest.skip("nothing can cross")
    likelihood, start = likelihood_and_start(logit_response, frame, "y ~ age", nonproportional=("age",))
    crossed = start.copy()
    crossed[-1] += 50.0
    counts = resampled(likelihood)
    there = expansions(likelihood, counts, np.tile(crossed, (SETS, 1)))
    assert (there.value == -np.inf).all()
    assert not maximise_many(likelihood, counts, crossed)[1].any()
