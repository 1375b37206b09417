"""The joint model of several items: density, gradient, quadrature, its readable twin, and what its draws say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from scipy.special import expit

import wwm_models as wwm
from wwm_models.bayes.joint_data import ItemParameters, item_rows
from wwm_models.bayes.joint_density import JointDensity, JointPriors, MarginalLikelihood, pilot_nodes, simulated_items
from wwm_models.bayes.joint_sample import notes_on, pilot, starting_parameters
from wwm_models.bayes.readable import readable_model
from wwm_models.errors import ModelError
from wwm_models.estimates.adjusted import person_averaged

ITEMS = ("trust", "focus", "pace")
TRUTH = ItemParameters(
    cuts=np.array([-1.0, 0.5, 1.5, -0.5, 1.0, -1.5, -0.2, 0.8]),
    slopes=np.array([[0.8, -0.3], [0.6, 0.2], [0.9, -0.1]]),
    loadings=np.array([1.2, 0.8, 1.5]),
)
CATEGORIES = (("a", "b", "c", "d"), ("low", "middle", "high"), ("a", "b", "c", "d"))


def people(rows: int, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": pd.Categorical.from_codes(rng.integers(0, 2, rows), ["young", "old"]),
            "home": pd.Categorical.from_codes(rng.integers(0, 2, rows), ["alone", "family"]),
            "w": rng.gamma(4.0, 0.25, rows) + 0.1,
        }
    )
    columns = np.column_stack([frame["age"] == "old", frame["home"] == "family"]).astype(float)
    answers = simulated_items(ITEMS, CATEGORIES, TRUTH, columns, rng)
    frame = pd.concat([frame, answers], axis=1)
    frame.loc[rng.random(rows) < 0.1, "focus"] = np.nan
    return frame


@pytest.fixture(scope="module")
def frame():
    return people(300)


@pytest.fixture(scope="module")
def rows(frame):
    return item_rows(ITEMS, "age + home", wwm.Survey.from_frame(frame, weight="w"))


@pytest.fixture(scope="module")
def posterior(frame):
    survey = wwm.Survey.from_frame(frame, weight="w")
    return wwm.sample_joint(ITEMS, "age + home", survey, seed=1, draws=700)


def test_rows_weigh_as_much_as_kish_says_and_keep_absent_answers(rows, frame):
    w = frame["w"].to_numpy()
    assert rows.n == 300
    np.testing.assert_allclose(rows.weights.sum(), w.sum() ** 2 / (w**2).sum(), rtol=1e-12)
    assert (rows.answers[1] == -1).any()
    np.testing.assert_allclose(rows.weights @ rows.predictors, 0.0, atol=1e-9)
    assert [len(order) for order in rows.orders] == [4, 3, 4]


def test_each_integral_is_that_of_an_adaptive_integrator(rows):
    """Against scipy.quad on differences of logistic distribution functions, which share no line with the code."""
    likelihood = MarginalLikelihood(rows, pilot_nodes(rows, TRUTH, 31))
    found = likelihood.by_row(TRUTH)
    starts, steps = [0, 3, 5], [3, 2, 3]
    for row in range(0, len(found), 29):
        x = rows.predictors[row]

        def integrand(u, row=row, x=x):
            product = stats.norm.pdf(u)
            for j in range(3):
                k = rows.answers[j, row]
                if k < 0:
                    continue
                cuts = np.concatenate([[-np.inf], TRUTH.cuts[starts[j] : starts[j] + steps[j]], [np.inf]])
                eta = x @ TRUTH.slopes[j] + TRUTH.loadings[j] * u
                product *= expit(cuts[k + 1] - eta) - expit(cuts[k] - eta)
            return product

        exact, _ = integrate.quad(integrand, -12, 12, epsabs=0, epsrel=1e-10)
        np.testing.assert_allclose(found[row], np.log(exact), rtol=1e-8)


@pytest.mark.slow
def test_few_nodes_are_enough_in_the_posterior(posterior):
    """What matters to draws is that the error does not vary between them: log densities vary by some 4 units."""
    rows, draws = posterior.rows, posterior.draws
    many = MarginalLikelihood(rows, pilot_nodes(rows, _at(draws, slice(None)), 61))
    few = posterior.density.likelihood
    errors = [few.value(_one(draws, s)) - many.value(_one(draws, s)) for s in range(0, len(draws.cuts), 100)]
    assert np.std(errors) < 0.05
    assert np.abs(np.mean(errors)) < 0.5


def _at(draws: ItemParameters, part: slice) -> ItemParameters:
    return ItemParameters(draws.cuts[part].mean(0), draws.slopes[part].mean(0), draws.loadings[part].mean(0))


def _one(draws: ItemParameters, s: int) -> ItemParameters:
    return ItemParameters(draws.cuts[s], draws.slopes[s], draws.loadings[s])


@pytest.mark.parametrize("centring", [None, np.array([1.0, 0.4])], ids=["not centred", "centred"])
@pytest.mark.parametrize("alpha", [1.0, 2.5])
def test_the_gradient_is_that_of_finite_differences(rows, alpha, centring):
    priors = JointPriors(slopes=0.8, spread=0.4, loading_location=0.2, cutpoints=alpha)
    density = JointDensity(MarginalLikelihood(rows, pilot_nodes(rows, TRUTH)), priors, centring)
    rng = np.random.default_rng(2)
    point = density.layout.point(TRUTH, np.array([0.3, 0.1])) + 0.2 * rng.standard_normal(density.layout.size)
    _, gradient = density.value_and_gradient(point)
    steps = 1e-5 * np.eye(len(point))
    numeric = [density.value_and_gradient(point + s)[0] - density.value_and_gradient(point - s)[0] for s in steps]
    np.testing.assert_allclose(gradient, np.array(numeric) / 2e-5, rtol=1e-5, atol=1e-4)


def test_centring_changes_coordinates_and_not_the_model(rows):
    """Two codings of one point: densities differ by the log Jacobian of the deviations, (1 - c) log tau for each of them."""
    nodes, priors = pilot_nodes(rows, TRUTH), JointPriors()
    spreads = np.array([0.3, 0.15])
    plain = JointDensity(MarginalLikelihood(rows, nodes), priors)
    centred = JointDensity(MarginalLikelihood(rows, nodes), priors, np.array([1.0, 0.5]))
    one, _ = plain.value_and_gradient(plain.layout.point(TRUTH, spreads))
    two, _ = centred.value_and_gradient(centred.layout.point(TRUTH, spreads))
    np.testing.assert_allclose(one - two, 3 * (np.array([1.0, 0.5]) @ np.log(spreads)), rtol=1e-9)


def test_spreads_have_a_half_normal_prior(rows):
    layout = JointDensity(MarginalLikelihood(rows, pilot_nodes(rows, TRUTH)), JointPriors(spread=0.5)).layout
    v = np.linspace(-6.0, 3.0, 19)
    np.testing.assert_allclose(stats.halfnorm(scale=0.5).cdf(layout.spreads(v)), stats.norm.cdf(v), rtol=1e-6)
    np.testing.assert_allclose(layout.coordinate(layout.spreads(v[6:])), v[6:], rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_the_readable_model_has_the_same_density_and_gradient():
    rows = item_rows(ITEMS, "age + home", wwm.Survey.from_frame(people(40), weight="w"))
    density = pilot(rows, JointPriors(cutpoints=1.5)).density
    logp, gradient = readable_model(density).unconstrained()
    rng = np.random.default_rng(4)
    layout = density.layout
    points = [
        layout.point(starting_parameters(rows), np.array([0.3, 0.2])) + 0.3 * rng.standard_normal(layout.size)
        for _ in range(3)
    ]
    own = [density.value_and_gradient(point) for point in points]
    other = [(logp(point), gradient(point)) for point in points]
    for (value, slope), (twin, twin_slope) in zip(own[1:], other[1:], strict=True):
        np.testing.assert_allclose(value - own[0][0], twin - other[0][0], rtol=1e-8, atol=1e-7)  # up to a constant
        np.testing.assert_allclose(slope, twin_slope, rtol=1e-7, atol=1e-7)


def test_the_truth_comes_back(posterior):
    assert posterior.healthy, posterior.message
    for found, true in ((posterior.draws.loadings, TRUTH.loadings), (posterior.draws.slopes, TRUTH.slopes)):
        z = (found.mean(axis=0) - true) / found.std(axis=0)
        assert np.abs(z).max() < 3.5
    assert "not rotated" in posterior.notes[0]


@pytest.mark.slow
def test_processes_do_not_change_the_draws(frame):
    survey = wwm.Survey.from_frame(frame, weight=None)
    settings = {"seed": 3, "chains": 2, "draws": 100, "warmup": 50}
    survey = replace(survey, domain=np.arange(300) < 120)
    one = wwm.sample_joint(ITEMS, "age", survey, **settings)
    two = wwm.sample_joint(ITEMS, "age", survey, jobs=2, **settings)
    np.testing.assert_array_equal(one.unconstrained, two.unconstrained)
    assert one.rows.n_effective == 120


def test_person_averaged_probabilities_are_integrals():
    cuts, linear, loading = np.array([[-1.0, 0.3]]), np.array([[0.4, -2.0]]), np.array([3.5])
    found = person_averaged(cuts, linear, loading)[0]
    for row, eta in enumerate(linear[0]):
        for k, cut in enumerate(cuts[0]):
            exact, _ = integrate.quad(
                lambda u, c=cut, e=eta: expit(c - e - 3.5 * u) * stats.norm.pdf(u), -15, 15, epsabs=1e-12
            )
            np.testing.assert_allclose(found[row, k], exact, atol=5e-6)


def test_adjusted_items_sum_to_one_and_come_near_the_raw_shares(posterior, frame):
    """No adjusters besides the groups: the standardised share is near the raw one, as far as proportional odds allow."""
    found = wwm.adjusted_items(posterior, "age")
    assert list(found) == list(ITEMS)
    survey = wwm.Survey.from_frame(frame, weight="w")
    for item, estimates in found.items():
        table = estimates.table
        assert estimates.draws is not None
        np.testing.assert_allclose(estimates.draws.reshape(len(estimates.draws), 2, -1).sum(axis=2), 1.0, rtol=1e-12)
        raw = wwm.raw(survey, item, "age").table
        assert np.abs(table["estimate"].to_numpy() - raw["estimate"].to_numpy()).max() < 0.08
        assert set(table["method"]) == {"bayes joint"}
        assert table["estimand"].str.startswith("exposure=age; adjusters=home").all()
    contrast = wwm.contrasts(found["trust"], "age").table
    assert contrast["p_value"].isna().all()
    assert len({estimates.origin for estimates in found.values()}) == 1


@pytest.mark.slow
def test_pooling_pulls_items_together(frame):
    """A narrow prior of the spread leaves items one slope; a wide one leaves each its own."""
    survey = wwm.Survey.from_frame(frame, weight=None)
    apart = {}
    for spread in (0.001, 3.0):
        settings = {"seed": 2, "chains": 2, "draws": 100, "warmup": 100}
        post = wwm.sample_joint(ITEMS, "age + home", survey, priors=JointPriors(spread=spread), **settings)
        apart[spread] = post.draws.slopes.mean(axis=0).std(axis=0)
    assert apart[0.001].max() < 0.01
    assert (apart[3.0] > 20 * apart[0.001]).all()


def test_joint_rows_refuse_what_is_not_a_set_of_items(frame):
    survey = wwm.Survey.from_frame(frame, weight=None)
    with pytest.raises(
        ModelError, match=r'Item "focuss" of the joint model is not a variable .* Did you mean "focus"\?'
    ):
        item_rows(["trust", "focuss"], "age", survey)
    with pytest.raises(ModelError, match="Expected two or more different ordered outcomes"):
        item_rows(["trust", "trust"], "age", survey)
    nobody = frame.assign(focus=pd.Categorical(["low"] * 300, ["low", "middle"], ordered=True))
    with pytest.raises(
        ModelError, match='Item "focus" of the joint model: the usable respondents gave 1 of its answers'
    ):
        item_rows(["trust", "focus"], "age", wwm.Survey.from_frame(nobody, weight=None))


def test_an_item_against_the_others_is_named(frame):
    turned = frame.assign(pace=frame["pace"].cat.rename_categories(dict(zip("abcd", "dcba", strict=True))))
    turned["pace"] = turned["pace"].cat.reorder_categories(list("abcd"), ordered=True)
    survey = wwm.Survey.from_frame(turned, weight=None)
    assert not notes_on(item_rows(ITEMS, "age", wwm.Survey.from_frame(frame, weight=None)), survey)
    assert notes_on(item_rows(ITEMS, "age", survey), survey)[-1].startswith(
        'Item "pace" goes against the others (rank correlation with their mean -0.'
    )


@pytest.mark.slow
def test_chains_that_are_too_short_are_drawn_longer(frame, monkeypatch):
    """Draws of a first try that fails its checks are not kept: a second one has three times as many."""
    monkeypatch.setattr("wwm_models.bayes.joint_sample.trouble_with", lambda *_: "too few")
    survey = wwm.Survey.from_frame(frame, weight="w")
    post = wwm.sample_joint(ITEMS, "age + home", survey, seed=1, chains=2, draws=100, warmup=50)
    assert len(post.unconstrained) == 2 * 3 * 100
    assert post.message == "too few"
