"""A stored posterior opens with ArviZ alone, holds every group, and appears whole or not at all."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

import wwm_models as wwm
from wwm_models.engines.bayes.chains import run_chains
from wwm_models.engines.bayes.nuts import Settings
from wwm_models.engines.bayes.sample import posterior_problem
from wwm_models.engines.bayes.storage import write_netcdf
from wwm_models.engines.bayes.target import whitened
from wwm_models.engines.maximum import starting_point


@pytest.fixture(scope="module")
def post(frame):
    return wwm.sample(wwm.Model("y ~ age"), wwm.Survey.from_frame(frame, weight="w"), seed=3, chains=2, draws=300)


@pytest.fixture(scope="module")
def az():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import arviz
    return arviz


@pytest.mark.slow
def test_the_file_opens_with_arviz_alone(post, az, tmp_path):
    path = tmp_path / "posterior" / "y.nc"
    write_netcdf(post, path)
    assert [found.name for found in path.parent.iterdir()] == ["y.nc"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a group of our own
        data = az.from_netcdf(path)
    assert set(data.groups()) == {"posterior", "sample_stats", "cell_log_likelihood", "prior", "constant_data"}
    np.testing.assert_array_equal(data.posterior["theta"].to_numpy().reshape(-1, 5), post.draws)
    np.testing.assert_array_equal(data.posterior["theta_uncorrected"].to_numpy().reshape(-1, 5), post.uncorrected)
    assert list(data.posterior["parameter"].to_numpy()) == list(post.design.names)
    assert not data.sample_stats["diverging"].to_numpy().any()
    assert "INTERNAL" in data.posterior.attrs["note"]
    cells = data["cell_log_likelihood"]
    assert float(cells["count"].sum()) == post.n
    eta = (post.design.array[0] @ post.uncorrected[0])[None]
    first = post.family.log_probabilities(eta, post.link)
    np.testing.assert_allclose(
        cells["log_probability"].to_numpy()[0, 0, :4], first[0], rtol=1e-6
    )  # stored in single precision
    assert json.loads(data.constant_data.attrs["encoder"])["formula"] == "y ~ age"


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
