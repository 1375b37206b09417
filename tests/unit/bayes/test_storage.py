"""A stored posterior opens with ArviZ alone, holds every group, and appears whole or not at all."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.unit.bayes import of_arviz

import wwm_models as wwm
from wwm_models.bayes.density import whitened
from wwm_models.bayes.export import cell_log_likelihood, groups_of, variable_name, write_netcdf
from wwm_models.bayes.sample import posterior_problem
from wwm_models.bayes.sampler import Settings, run_chains
from wwm_models.likelihood.maximum import starting_point

EVERY = {
    "posterior", "sample_stats", "prior", "constant_data", "observed_data", "posterior_predictive", "prior_predictive", "log_likelihood",
}  # fmt: skip


@pytest.fixture(scope="module")
def post(frame):
    return wwm.sample(wwm.Model("y ~ age"), wwm.Survey.from_frame(frame, weight="w"), seed=3, chains=2, draws=300)


@pytest.mark.slow
def test_the_file_opens_with_arviz_alone(post, tmp_path):
    path = tmp_path / "posterior" / "y.nc"
    write_netcdf(post, path)
    assert [found.name for found in path.parent.iterdir()] == ["y.nc"]
    data = of_arviz.open_file(path)
    assert of_arviz.group_names(data) == EVERY
    np.testing.assert_array_equal(data.posterior["theta"].to_numpy().reshape(-1, 5), post.draws)
    np.testing.assert_array_equal(data.posterior["theta_uncorrected"].to_numpy().reshape(-1, 5), post.uncorrected)
    assert list(data.posterior["parameter"].to_numpy()) == list(post.design.names)
    assert not data.sample_stats["diverging"].to_numpy().any()
    assert "INTERNAL" in data.posterior.attrs["note"]
    assert data.posterior.attrs["left_out"] == ""
    log_p = data["log_likelihood"]["y"]
    assert log_p.sizes["respondent"] == data["observed_data"].sizes["respondent"] == post.n
    seen = data["observed_data"]["y"].to_numpy()
    shares = np.bincount(seen, minlength=len(post.cells.categories))
    np.testing.assert_array_equal(shares, post.cells.counts.sum(axis=0))
    eta = (post.design.array[0] @ post.uncorrected[0])[None]
    first = post.family.log_probabilities(eta, post.link)[0]
    position = list(post.design.order).index(seen[0])
    np.testing.assert_allclose(log_p.to_numpy()[0, 0, 0], first[position], rtol=1e-6)  # stored in single precision
    assert json.loads(data.constant_data.attrs["encoder"])["formula"] == "y ~ age"


FAMILIES_SEEN = [
    wwm.Model("y ~ age", family="adjacent"),
    wwm.Model("y ~ age", family="stopping", reverse=True),
    wwm.Model("y ~ age", family="multinomial"),
]


@pytest.mark.slow
@pytest.mark.parametrize("model", FAMILIES_SEEN, ids=lambda model: model.family)
def test_leave_one_out_by_arviz_alone_is_ours_and_answers_follow_the_model(frame, tmp_path, model):
    post = wwm.sample(model, wwm.Survey.from_frame(frame, weight=None), seed=3, chains=2, draws=500)
    write_netcdf(post, tmp_path / "y.nc")
    data = of_arviz.open_file(tmp_path / "y.nc")
    np.testing.assert_allclose(of_arviz.loo(data).elpd, wwm.loo(post).elpd, rtol=1e-5)
    again = data["posterior_predictive"]["y"].to_numpy()
    assert again.shape == (2, 500, post.n)
    # drawn answers of everybody: their mean share is the mean probability, to within four errors of 1,000 x n draws
    weight = post.cells.counts.sum(axis=1) / post.n
    expected = np.zeros(len(post.cells.categories))
    expected[post.design.order] = np.einsum("spk,p->k", np.exp(cell_log_likelihood(post)), weight) / len(post.draws)
    share = np.array([(again == k).mean() for k in range(len(expected))])
    assert (np.abs(share - expected) < 4 * np.sqrt(0.25 / again.size)).all()


def test_what_does_not_fit_is_thinned_or_left_out_and_said(post, monkeypatch):
    monkeypatch.setattr("wwm_models.bayes.export.MOST", 150 * post.n)
    few = groups_of(post)
    assert set(few) == EVERY - {"log_likelihood"} | {"cell_log_likelihood"}
    assert few["posterior_predictive"].sizes == {"chain": 2, "draw": 75, "respondent": post.n}
    assert few["posterior"].attrs["left_out"] == "log_likelihood: too many respondents, or a flat prior"
    assert float(few["cell_log_likelihood"]["count"].sum()) == post.n
    monkeypatch.setattr("wwm_models.bayes.export.MOST", 50 * post.n)
    fewest = groups_of(post)
    assert not {"posterior_predictive", "prior_predictive", "log_likelihood"} & set(fewest)


@pytest.mark.parametrize(("outcome", "name"), [("y", "y"), ("draw", "draw_answer"), ("a/b", "a_b")])
def test_an_outcome_is_a_name_that_a_file_can_hold(outcome, name):
    assert variable_name(outcome) == name


@pytest.mark.slow
def test_inference_data_is_built_when_asked_for(post):
    assert post.idata.posterior["theta"].shape == (2, 300, 5)


def test_a_finished_chain_is_used_again(frame):
    problem = posterior_problem(wwm.Model("y ~ age"), wwm.Survey.from_frame(frame, weight=None))
    target = problem.target
    start = target.coordinates.free(starting_point(target.likelihood.family, target.likelihood, problem.design))
    space = whitened(target, start)

    class Kept:
        def __init__(self):
            self.stored = {}

        def load(self, name):
            return self.stored.get(name)

        def save(self, name, content, arrays):
            self.stored[name] = (dict(content), dict(arrays))

    kept = Kept()
    silent = lambda *_: None  # noqa: E731
    first = run_chains(target, space, 5, 2, Settings(100, 50, 0.8), silent, kept)
    kept.stored["chain-0-100-50-0.8"][1]["z"][:] = 7.0
    del kept.stored["chain-1-100-50-0.8"]
    again = run_chains(target, space, 5, 2, Settings(100, 50, 0.8), silent, kept)
    assert (again[0].z == 7.0).all(), "the finished chain was drawn again"
    np.testing.assert_array_equal(again[1].z, first[1].z)
    more = run_chains(target, space, 5, 3, Settings(100, 50, 0.8), silent, kept)
    np.testing.assert_array_equal([chain.z for chain in more[:2]], [chain.z for chain in again])
    assert len(run_chains(target, space, 5, 3, Settings(100, 50, 0.8), silent, kept, lambda _: True)) == 1
    other = run_chains(target, space, 6, 2, Settings(100, 50, 0.8), silent, kept)
    assert not (other[0].z == 7.0).any(), "a chain of another seed was used"
