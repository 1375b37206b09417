"""Short runs of every family against long ones (10 chains of 20,000), within four Monte Carlo errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from benchmarks.references import KEPT, SHARES, data_mark, error_of_mean, kept, model_of, summary, wine

import wwm_models as wwm

STORED = sorted(path.stem for path in KEPT.glob("*.json"))


@pytest.mark.slow
@pytest.mark.parametrize("name", STORED)
def test_draws_agree_with_the_long_run(name):
    long = kept(name)
    rows = pd.DataFrame(long["parameters"])
    assert long["data_sha256"] == data_mark()
    post = wwm.sample(model_of(name), wine(), seed=6)
    assert post.healthy, post.message
    assert list(rows["parameter"]) == list(post.design.names)
    assert dict(post.priors) == long["priors"]
    own = pd.DataFrame(summary(post.draws, post.chains, list(post.design.names)))
    for what in ("mean", "sd"):
        error = np.hypot(own[f"mcse_{what}"], rows[f"mcse_{what}"])
        np.testing.assert_array_less(np.abs(own[what] - rows[what]) / error, 4.0, err_msg=what)
    for share in SHARES:
        below = (post.draws <= rows[f"q{100 * share:g}"].to_numpy()).astype(float)
        error = error_of_mean(below, post.chains) * np.hypot(1.0, np.sqrt(len(post.draws) / 200_000))
        np.testing.assert_array_less(np.abs(below.mean(axis=0) - share) / error, 4.0, err_msg=f"{share}")


@pytest.mark.parametrize("name", STORED)
def test_the_long_runs_have_their_evidence(name):
    long = kept(name)
    assert (long["chains"], long["draws_per_chain"]) == (10, 20_000)
    evidence = long["evidence"]
    assert evidence["healthy"]
    assert evidence["divergences"] == 0
    assert evidence["largest_rhat"] < 1.001
    assert min(evidence["smallest_ess_bulk"], evidence["smallest_ess_tail"]) > 20_000
