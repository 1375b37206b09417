"""Leave-one-out accuracy: ArviZ's when weights are one, refits when they are not, and laws of frequency weights and units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from tests.unit.bayes import of_arviz

import wwm_models as wwm
from wwm_models.bayes.density import whitened
from wwm_models.bayes.export import cell_log_likelihood
from wwm_models.bayes.leave_one_out import cell_of, used_rows
from wwm_models.bayes.sample import posterior_problem
from wwm_models.bayes.sampler import Settings, run_chains
from wwm_models.errors import FitError
from wwm_models.numerics.psis import smoothed

MODEL = wwm.Model("y ~ age + household")


@pytest.fixture(scope="module")
def plain(frame):
    return wwm.sample(MODEL, wwm.Survey.from_frame(frame, weight=None), seed=1, draws=1000)


def by_respondent(post: wwm.Posterior) -> np.ndarray:
    """(s, n) log likelihood of every respondent."""
    return cell_log_likelihood(post).reshape(len(post.uncorrected), -1)[:, cell_of(post)[used_rows(post)]]


def test_smoothed_weights_are_arviz():
    rng = np.random.default_rng(3)
    for heaviness in (0.2, 1.0, 3.0):
        ratios = heaviness * rng.standard_t(4, 2000)
        expected, k = of_arviz.smoothed(ratios, 0.7)
        found, own = smoothed(ratios, 0.7)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
        np.testing.assert_allclose(own, k, rtol=1e-9)


def test_without_weights_it_is_arviz_loo(plain):
    # no draw twice, as after a rejection: of two at the tail's edge ArviZ 0 leaves both out, ArviZ 1 one
    apart = 1e-8 * np.random.default_rng(1).standard_normal(plain.uncorrected.shape)
    post = replace(plain, uncorrected=plain.uncorrected + apart)
    log_likelihood = by_respondent(post).reshape(post.chains, 1000, -1)
    draws = post.uncorrected.reshape(post.chains, 1000, -1)
    theirs = of_arviz.loo(of_arviz.from_groups(posterior={"theta": draws}, log_likelihood={"y": log_likelihood}))
    ours = wwm.loo(post)
    np.testing.assert_allclose(ours.pointwise, theirs.pointwise, rtol=1e-6)
    np.testing.assert_allclose(ours.elpd, theirs.elpd, rtol=1e-7)
    np.testing.assert_allclose(ours.p_loo, theirs.p_loo, rtol=1e-4)
    np.testing.assert_allclose(ours.std_error, theirs.std_error, rtol=1e-6)
    np.testing.assert_allclose(np.sort(ours.pareto_k), np.unique(np.round(theirs.pareto_k, 9)), atol=1e-3)


@pytest.mark.slow
def test_a_respondent_is_removed_with_their_weight(frame):
    """Against a posterior sampled anew with their weight taken out of their cell, everybody else's scale unchanged."""
    some = frame.iloc[:80].assign(w=lambda d: d["w"] ** 3)
    survey = wwm.Survey.from_frame(some, weight="w", accept_extreme_weights=True)
    model = wwm.Model("y ~ age")
    found = wwm.loo(wwm.sample(model, survey, seed=2, draws=4000))
    problem = posterior_problem(model, survey)
    power = problem.cells.row_weight * problem.n_effective / problem.cells.row_weight.sum()
    heaviest = np.argsort(-power)[[0, 1, 12]]
    assert power[heaviest[0]] > 2.0
    for i in heaviest:
        counts = problem.target.likelihood.counts.copy()
        place = list(problem.design.order).index(problem.cells.row_category[i])
        counts[problem.cells.row_pattern[i], place] -= power[i]
        target = replace(problem.target, likelihood=replace(problem.target.likelihood, counts=np.maximum(counts, 0.0)))
        space = whitened(target, np.array([-1.0, 0.0, 0.0, 0.0, 0.0]))
        run = run_chains(target, space, 7, 2, Settings(1200, 150, 0.8), lambda *_: None)
        theta = target.coordinates.theta(space.free(np.concatenate([chain.z for chain in run])))
        eta = problem.design.array[problem.cells.row_pattern[i]] @ theta.T
        log_p = problem.target.likelihood.family.log_probabilities(eta.T, problem.target.likelihood.link)[:, place]
        # Monte Carlo error of the refit is about 0.01, of the importance weights some more
        np.testing.assert_allclose(found.pointwise[i], logsumexp(log_p) - np.log(len(log_p)), atol=0.06)


def test_frequencies_are_copies(frame):
    some = frame.iloc[:150]
    copies = some.loc[some.index.repeat(some["f"])]
    settings = {"seed": 3, "draws": 300, "chains": 2}
    counted = wwm.loo(
        wwm.sample(wwm.Model("y ~ age"), wwm.Survey.from_frame(some, weight="f", weight_kind="frequency"), **settings)
    )
    copied = wwm.loo(wwm.sample(wwm.Model("y ~ age"), wwm.Survey.from_frame(copies, weight=None), **settings))
    np.testing.assert_allclose([counted.elpd, counted.p_loo], [copied.elpd, copied.p_loo], rtol=1e-6)
    assert counted.n == copied.n == int(some["f"].sum())


@pytest.mark.slow
def test_units_of_one_respondent_are_respondents(frame):
    alone = frame.iloc[:150].assign(one=1, person=np.arange(150))
    post = wwm.sample(
        wwm.Model("y ~ age"), wwm.Survey.from_frame(alone, weight="w", strata="one", psu="person"), seed=1, draws=1000
    )
    left, right = wwm.loo(post), wwm.loo(post, unit="psu")
    np.testing.assert_allclose(left.pointwise, right.pointwise, rtol=1e-10)
    np.testing.assert_allclose(left.std_error, right.std_error, rtol=1e-10)


@pytest.mark.slow
def test_leaving_out_units_costs_more_where_they_differ(frame):
    """Answers moved by unit: a respondent without their unit is harder to predict, and the error is that of units."""
    moved = frame.assign(
        y=pd.Categorical.from_codes((frame["unit"] % 4).to_numpy(), list(frame["y"].cat.categories), ordered=True)
    )
    moved["group"] = pd.Categorical(moved["unit"].astype(str))
    few = moved[moved["unit"] < 8].assign(group=lambda d: d["group"].cat.remove_unused_categories())
    survey = wwm.Survey.from_frame(few, weight="w", strata="stratum", psu="unit")
    post = wwm.sample(wwm.Model("y ~ group"), survey, seed=1, draws=1000)
    one, unit = wwm.loo(post), wwm.loo(post, unit="psu")
    assert unit.elpd < one.elpd - 10.0
    assert unit.untrusted > 0
    assert "cannot be trusted" in unit.message
    with pytest.raises(FitError, match="declares no sampling units"):
        wwm.loo(
            wwm.sample(wwm.Model("y ~ 1"), wwm.Survey.from_frame(moved, weight=None), seed=1, draws=100, chains=2),
            unit="psu",
        )


@pytest.mark.slow
def test_stacking_maximises_the_mixture_and_prefers_the_truth(frame, plain):
    survey = plain.survey
    nominal = wwm.loo(wwm.sample(wwm.Model("y ~ age + household", family="multinomial"), survey, seed=1, draws=1000))
    empty = wwm.loo(wwm.sample(wwm.Model("y ~ 1"), survey, seed=1, draws=1000))
    ordinal = wwm.loo(plain)
    table = wwm.stacking({"nominal": nominal, "ordinal": ordinal, "empty": empty})
    assert table["model"].to_list()[0] == "ordinal"  # the answers were drawn from an ordinal model
    np.testing.assert_allclose(table["weight"].sum(), 1.0, rtol=1e-9)
    assert (table["difference"] <= 0).all()
    pair = wwm.stacking({"ordinal": ordinal, "empty": empty}).set_index("model")["weight"]
    grid = np.linspace(0.0, 1.0, 2001)
    mixture = [np.log(a * np.exp(ordinal.pointwise) + (1 - a) * np.exp(empty.pointwise)).sum() for a in grid]
    np.testing.assert_allclose(pair["ordinal"], grid[int(np.argmax(mixture))], atol=1e-3)


def test_only_models_of_the_same_answers_are_stacked(frame, plain):
    other = wwm.loo(wwm.sample(wwm.Model("z ~ 1"), plain.survey, seed=1, draws=100, chains=2))
    with pytest.raises(FitError, match=r'outcome "y".*outcome "z".*do not predict the same answers'):
        wwm.stacking({"a": wwm.loo(plain), "b": other})
    with pytest.raises(FitError, match="Expected two or more"):
        wwm.stacking({"a": other})
