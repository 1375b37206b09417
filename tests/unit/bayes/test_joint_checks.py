"""Checks of the joint model: leave-one-person-out accuracy is ArviZ's when weights are one, and wrong models are seen by their answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp, roots_hermite
from tests.unit.bayes import of_arviz

import wwm_models as wwm
from wwm_models.bayes.joint_data import ItemParameters, item_rows, rest_correlations
from wwm_models.bayes.joint_density import JointPriors, log_likelihood_of_rows, simulated_items
from wwm_models.bayes.joint_sample import assembled, pilot
from wwm_models.bayes.leave_one_out import evenly_spaced
from wwm_models.bayes.sampler import Chain
from wwm_models.diagnostics.predictive_checks import expected_shares
from wwm_models.errors import AdjustError, FitError

ITEMS = ("trust", "focus", "pace")
STEPS = (3, 2, 3)
TRUTH = ItemParameters(
    cuts=np.array([-1.0, 0.5, 1.5, -0.5, 1.0, -1.5, -0.2, 0.8]),
    slopes=np.array([[0.8], [0.6], [0.9]]),
    loadings=np.array([1.2, 0.8, 1.5]),
)
CATEGORIES = (("a", "b", "c", "d"), ("low", "middle", "high"), ("a", "b", "c", "d"))


def people(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    x = np.round(rng.normal(size=rows), 4)  # one respondent for each
    frame = pd.DataFrame({"x": x, "f": rng.integers(1, 4, rows), "unit": np.arange(rows), "one": 1})
    frame = pd.concat([frame, simulated_items(ITEMS, CATEGORIES, TRUTH, x[:, None], rng)], axis=1)
    frame.loc[rng.random(rows) < 0.1, "focus"] = np.nan
    return frame


def assembled_of(survey: wwm.Survey, draws: int = 250, spread: float = 0.4) -> wwm.JointPosterior:
    """Two chains of independent normal draws around the pilot's mode; those of a spread of one are nearly the posterior's."""
    rows = item_rows(ITEMS, "x", survey)
    start = pilot(rows, JointPriors())
    rng = np.random.default_rng(2)
    size = start.density.layout.size
    stats = {"diverging": np.zeros(draws, dtype=bool)}
    return assembled(start, [Chain(spread * rng.standard_normal((draws, size)), stats) for _ in range(2)], survey, 1)


@pytest.fixture(scope="module")
def plain() -> wwm.JointPosterior:
    """150 respondents of which the last ten are the first ten again, backwards."""
    some = people(140)
    survey = wwm.Survey.from_frame(pd.concat([some, some[9::-1]], ignore_index=True), weight=None)
    return replace(assembled_of(survey), message="")  # few draws, which is another check's concern


def by_person(post: wwm.JointPosterior) -> np.ndarray:
    """(s, n) log density of each respondent's answers by 31 nodes at the prior, from differences of distribution functions."""
    points, weights = roots_hermite(31)
    u, share = np.sqrt(2.0) * points, np.log(weights / np.sqrt(np.pi))
    rows, found = post.rows, []
    for s in range(len(post.unconstrained)):
        inside = np.zeros((len(rows.weights), len(u)))
        for j, cuts in enumerate(np.split(post.draws.cuts[s], np.cumsum(STEPS)[:-1])):
            edges = np.concatenate([[-np.inf], cuts, [np.inf]])
            eta = (rows.predictors @ post.draws.slopes[s, j])[:, None] + post.draws.loadings[s, j] * u
            k = np.maximum(rows.answers[j], 0)
            low, high = edges[k][:, None] - eta, edges[k + 1][:, None] - eta
            answered = np.where(low > 0, expit(-low) - expit(-high), expit(high) - expit(low))  # from the nearer tail
            inside += np.where(rows.answers[j] >= 0, np.log(answered).T, 0.0).T
        found.append(logsumexp(inside + share, axis=1))
    return np.array(found)[:, rows.row]


@pytest.mark.slow
def test_with_weights_one_it_is_arviz_loo_of_whole_persons(plain):
    assert (len(plain.rows.weights), len(plain.survey)) == (140, 150)
    chosen = evenly_spaced(plain, 4000)
    np.testing.assert_array_equal(chosen, np.arange(500))
    draws = {"coordinates": plain.unconstrained.reshape(2, 250, -1)}
    exact, own = by_person(plain), log_likelihood_of_rows(plain, chosen)[:, plain.rows.row]
    theirs, near = (
        of_arviz.loo(of_arviz.from_groups(posterior=draws, log_likelihood={"y": each.reshape(2, 250, -1)}))
        for each in (own, exact)
    )
    ours = wwm.loo_items(plain, draws=500)
    np.testing.assert_allclose(ours.pointwise, theirs.pointwise, rtol=1e-6)
    np.testing.assert_allclose(ours.elpd, theirs.elpd, rtol=1e-7)
    np.testing.assert_allclose(ours.p_loo, theirs.p_loo, rtol=1e-4)
    np.testing.assert_allclose(ours.pointwise, near.pointwise, atol=0.02)  # seven nodes per person against 31
    assert ours.n == 150
    assert ours.outcome == "trust, focus, pace"


def test_frequencies_are_copies_and_units_of_one_are_respondents():
    some = people(60)
    counted = assembled_of(wwm.Survey.from_frame(some, weight="f", weight_kind="frequency"), 200)
    copies = some.loc[some.index.repeat(some["f"])].reset_index(drop=True)
    copied = assembled_of(wwm.Survey.from_frame(copies, weight=None, strata="one", psu="unit"), 200)
    one, two = wwm.loo_items(counted), wwm.loo_items(copied)
    np.testing.assert_allclose([one.elpd, one.p_loo], [two.elpd, two.p_loo], rtol=1e-6)
    assert one.n == two.n == int(some["f"].sum())
    together = wwm.loo_items(copied, unit="psu")  # copies of one respondent leave together
    assert together.elpd < two.elpd
    assert together.unit == "psu"


def test_draws_are_spaced_evenly_within_chains(plain):
    chosen = evenly_spaced(plain, 100).reshape(2, 50)
    np.testing.assert_array_equal(chosen[:, [0, -1]], [[0, 249], [250, 499]])
    assert np.ptp(np.diff(chosen, axis=1)) <= 1


def test_what_cannot_be_left_out_is_refused(plain):
    with pytest.raises(FitError, match="declares no sampling units"):
        wwm.loo_items(plain, unit="psu")
    with pytest.raises(FitError) as caught:
        wwm.loo_items(plain, draws=10)
    assert str(caught.value) == "wwm.loo_items was given draws=10; expected 100 or more. Leave it out for 1000."


def test_observed_shares_are_the_raw_ones_and_a_right_model_gives_them_back():
    survey = wwm.Survey.from_frame(
        people(400).assign(x=lambda d: np.sign(d["x"]), w=lambda d: 0.5 + 0.5 * d["f"]), weight="w"
    )
    post = assembled_of(survey, draws=500, spread=1.0)
    assert post.healthy, post.message
    check = wwm.posterior_predictive_items(post, "x")
    for item in ITEMS:
        own = check.table[check.table["item"] == item]
        raw = wwm.raw(survey, item, "x").table
        np.testing.assert_allclose(own["observed"], raw["estimate"], rtol=1e-12)
        np.testing.assert_allclose(own["n"], raw["n"])
        np.testing.assert_allclose(own.groupby("x")["predicted"].sum(), 1.0, rtol=1e-12)
    assert (check.table["status"] == "ok").mean() > 0.85
    assert check.p_values.between(0.02, 0.98).all()
    assert check.together["p_value"].between(0.02, 0.98).all()


def test_answers_that_no_effect_of_a_person_gives_are_seen():
    """The answers of one item are turned around among old respondents, and those of another against the rest."""
    some = people(400).assign(x=lambda d: np.sign(d["x"]))
    codes = some["pace"].cat.codes.to_numpy()
    extreme = np.where((some["x"] > 0) & (codes == 1), 0, np.where((some["x"] > 0) & (codes == 2), 3, codes))
    wrong = some.assign(pace=pd.Categorical.from_codes(extreme, list("abcd"), ordered=True))
    check = wwm.posterior_predictive_items(
        assembled_of(wwm.Survey.from_frame(wrong, weight=None), draws=500, spread=1.0), "x"
    )
    assert check.p_values["pace"] == 0.0
    assert check.p_values["trust"] > 0.02
    turned = some.assign(trust=pd.Categorical.from_codes(3 - some["trust"].cat.codes, list("abcd"), ordered=True))
    check = wwm.posterior_predictive_items(
        assembled_of(wwm.Survey.from_frame(turned, weight=None), draws=500, spread=1.0)
    )
    together = check.together.set_index("item")
    assert together.loc["trust", "p_value"] == 1.0
    assert together.loc["trust", "observed"] < min(0.0, together.loc["trust", "lower"])
    assert (check.table["status"] == "ok").mean() > 0.85


def test_drawn_answers_leave_out_what_was_left_out(plain):
    shares = wwm.posterior_predictive_items(plain).table
    answered = [int((plain.rows.answers[j, plain.rows.row] >= 0).sum()) for j in range(3)]
    assert shares.groupby("item", sort=False)["n"].first().to_list() == answered
    assert answered[1] < 150


def test_expected_shares_are_the_adjusted_ones_of_the_same_people(plain):
    share = np.bincount(plain.rows.pattern, plain.rows.weights) / plain.rows.weights.sum()
    adjusted = wwm.adjusted_items(plain, covariates="fixed")
    for j, item in enumerate(ITEMS):
        found = expected_shares(plain, j, np.arange(0, 500, 7), share[None])
        np.testing.assert_allclose(found[:, 0], adjusted[item].draws[::7], atol=1e-5)  # 31 nodes or 61


def test_who_answers_one_item_says_nothing_of_how_items_hang_together():
    some = people(150)
    for j, item in enumerate(ITEMS):
        some.loc[np.arange(150) % 3 != j, item] = np.nan
    alone = replace(
        assembled_of(wwm.Survey.from_frame(some.dropna(how="all", subset=list(ITEMS)), weight=None)), message=""
    )
    np.testing.assert_array_equal(
        wwm.posterior_predictive_items(alone).together[["observed", "predicted", "upper"]], 0.0
    )


def test_correlations_with_the_rest_are_those_of_numpy():
    rng = np.random.default_rng(4)
    answers, weights = rng.integers(-1, 4, (4, 60)), rng.gamma(2.0, size=60)
    given = np.where(answers >= 0, answers, np.nan)
    for j, found in enumerate(rest_correlations(answers, weights)):
        rest = np.delete(given, j, axis=0)
        both = np.isfinite(given[j]) & np.isfinite(rest).any(axis=0)
        cov = np.cov(given[j, both], np.nanmean(rest[:, both], axis=0), aweights=weights[both])
        np.testing.assert_allclose(found, cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]), rtol=1e-12)


def test_predictive_checks_refuse_what_says_nothing(plain):
    for call, text in (
        (lambda: wwm.posterior_predictive_items(plain, draws=50), "posterior_predictive_items was given draws=50; expected 100 or more. Leave it out for 200."),
        (lambda: wwm.posterior_predictive_items(replace(plain, message="Too short.")), "The joint posterior is not usable: Too short. No answers are drawn from it."),
    ):  # fmt: skip
        with pytest.raises(AdjustError) as caught:
            call()
        assert str(caught.value) == text
    with pytest.raises(AdjustError, match='"age" is not in the model'):
        wwm.posterior_predictive_items(plain, "age")
