"""Leave-one-person-out accuracy of the joint model: ArviZ's when weights are one, and laws of frequencies and units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp, roots_hermite

import wwm_models as wwm
from wwm_models.engines.bayes.joint.density import JointPriors
from wwm_models.engines.bayes.joint.loo import evenly_spaced, log_likelihood_of_rows
from wwm_models.engines.bayes.joint.pilot import pilot
from wwm_models.engines.bayes.joint.rows import item_rows
from wwm_models.engines.bayes.joint.sample import assembled
from wwm_models.engines.bayes.joint.simulate import simulated_items
from wwm_models.engines.bayes.nuts import Chain
from wwm_models.errors import FitError
from wwm_models.records import ItemParameters

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


def assembled_of(survey: wwm.Survey, draws: int = 500) -> wwm.JointPosterior:
    """Two chains of draws close to the pilot's mode: the laws below hold for any draws."""
    rows = item_rows(ITEMS, "x", survey)
    start = pilot(rows, JointPriors())
    rng = np.random.default_rng(2)
    size = start.density.layout.size
    stats = {"diverging": np.zeros(draws, dtype=bool)}
    return assembled(start, [Chain(0.4 * rng.standard_normal((draws, size)), stats) for _ in range(2)], survey, 1)


@pytest.fixture(scope="module")
def plain() -> wwm.JointPosterior:
    """150 respondents of which the last ten are the first ten again, backwards."""
    some = people(140)
    return assembled_of(wwm.Survey.from_frame(pd.concat([some, some[9::-1]], ignore_index=True), weight=None))


def by_person(post: wwm.JointPosterior) -> np.ndarray:
    """(s, n) log density of each respondent's answers by 41 nodes at the prior, from differences of distribution functions."""
    points, weights = roots_hermite(41)
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
    import arviz as az

    assert (len(plain.rows.weights), len(plain.survey)) == (140, 150)
    chosen = evenly_spaced(plain, 4000)
    np.testing.assert_array_equal(chosen, np.arange(1000))
    draws = {"coordinates": plain.unconstrained.reshape(2, 500, -1)}
    exact, own = by_person(plain), log_likelihood_of_rows(plain, chosen)[:, plain.rows.row]
    theirs, near = (
        az.loo(az.from_dict(posterior=draws, log_likelihood={"y": each.reshape(2, 500, -1)}), pointwise=True)
        for each in (own, exact)
    )
    ours = wwm.loo_items(plain, draws=1000)
    np.testing.assert_allclose(ours.pointwise, theirs.loo_i.values, rtol=1e-6)
    np.testing.assert_allclose(ours.elpd, theirs.elpd_loo, rtol=1e-7)
    np.testing.assert_allclose(ours.p_loo, theirs.p_loo, rtol=1e-4)
    np.testing.assert_allclose(ours.pointwise, near.loo_i.values, atol=0.02)  # seven nodes per person against 41
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
    np.testing.assert_array_equal(chosen[:, [0, -1]], [[0, 499], [500, 999]])
    assert np.ptp(np.diff(chosen, axis=1)) <= 1


def test_what_cannot_be_left_out_is_refused(plain):
    with pytest.raises(FitError, match="declares no sampling units"):
        wwm.loo_items(plain, unit="psu")
    with pytest.raises(FitError) as caught:
        wwm.loo_items(plain, draws=10)
    assert str(caught.value) == "wwm.loo_items was given draws=10; expected 100 or more. Leave it out for 1000."
