"""A joint posterior's file opens with ArviZ alone; finished chains of an interrupted run are used again."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tests.unit.bayes import of_arviz

import wwm_models as wwm
from wwm_models.bayes.export import write_joint_netcdf
from wwm_models.bayes.joint_density import log_likelihood_of_rows

ITEMS = ("one", "two")


class Memory:
    """Keeps what it is given, and counts."""

    def __init__(self) -> None:
        self.held, self.saved = {}, 0

    def load(self, name):
        return self.held.get(name)

    def save(self, name, content, arrays):
        self.held[name] = (dict(content), dict(arrays))
        self.saved += 1


@pytest.fixture(scope="module")
def people() -> wwm.Survey:
    rng = np.random.default_rng(2)
    person, group = rng.normal(size=200), rng.integers(0, 2, 200)
    made = {
        item: pd.Categorical.from_codes(
            np.digitize(person + 0.5 * group + rng.logistic(size=200), [-0.5, 1.0]), list("abc"), ordered=True
        )
        for item in ITEMS
    }
    frame = pd.DataFrame({**made, "g": pd.Categorical.from_codes(group, ["x", "y"]), "w": rng.uniform(0.5, 1.5, 200)})
    return wwm.Survey.from_frame(frame, weight="w")


def drawn(people: wwm.Survey, kept: Memory | None, seed: int = 1) -> wwm.JointPosterior:
    return wwm.sample_joint(ITEMS, "g", people, seed=seed, chains=2, draws=200, warmup=100, kept=kept)


@pytest.mark.slow
def test_finished_chains_are_used_again(people, monkeypatch):
    kept = Memory()
    first = drawn(people, kept)
    assert kept.saved >= 2
    before = kept.saved

    def no_more(*_):
        raise AssertionError("a finished chain was drawn again")

    monkeypatch.setattr("wwm_models.bayes.sampler.run_chain", no_more)
    again = drawn(people, kept)
    np.testing.assert_array_equal(again.unconstrained, first.unconstrained)
    assert kept.saved == before
    with pytest.raises(AssertionError, match="drawn again"):
        drawn(people, kept, seed=2)


@pytest.mark.slow
def test_the_file_opens_with_arviz_alone(people, tmp_path):
    post, path = drawn(people, None), tmp_path / "joint.nc"
    write_joint_netcdf(post, path)
    data = of_arviz.open_file(path)
    assert of_arviz.group_names(data) == {
        "posterior", "sample_stats", "prior", "constant_data", "observed_data", "posterior_predictive", "prior_predictive", "log_likelihood",
    }  # fmt: skip
    assert data["observed_data"]["one"].sizes == {"respondent_one": post.rows.n}
    assert data["posterior_predictive"]["two"].sizes == {
        "chain": 2,
        "draw": len(post.unconstrained) // 2,
        "respondent_two": post.rows.n,
    }
    assert data["log_likelihood"]["person"].sizes["respondent"] == post.rows.n
    whole = log_likelihood_of_rows(post, np.array([0]))[0]
    np.testing.assert_allclose(
        data["log_likelihood"]["person"].to_numpy()[0, 0].sum(), whole @ post.rows.counts, rtol=1e-5
    )
    slopes = data.posterior["slopes"]
    assert slopes.dims == ("chain", "draw", "item", "predictor")
    np.testing.assert_array_equal(slopes.to_numpy().reshape(post.draws.slopes.shape), post.draws.slopes)
    np.testing.assert_array_equal(data.posterior["cutpoint"], ["one:1", "one:2", "two:1", "two:2"])
    assert data.posterior.attrs["rotated"].startswith("no: the draws are not rotated")
    assert "not rotated" in data.posterior.attrs["notes"]
    assert not data.sample_stats["diverging"].to_numpy().any()
    assert float(data.constant_data["counts"].sum()) == post.rows.n
    assert json.loads(data.constant_data.attrs["encoder"])["items"] == {item: list("abc") for item in ITEMS}
    assert post.idata.posterior["loadings"].shape == (2, len(post.unconstrained) // 2, 2)
