"""Bambi and this package sample the same data in one process."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pandas as pd

import wwm_models as wwm


def main() -> None:
    """Sample a logit by both, and hold the means to each other."""
    rng = np.random.default_rng(1)
    group = np.repeat(["a", "b"], 150)
    yes = rng.random(300) < np.where(group == "b", 0.6, 0.4)
    survey = wwm.Survey.from_frame(
        pd.DataFrame({"g": group, "y": pd.Categorical(np.where(yes, "yes", "no"), ["no", "yes"], ordered=True)}),
        weight=None,
    )
    before = wwm.sample(wwm.Model("y ~ g"), survey, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of bambi and its libraries
        logging.disable(logging.WARNING)
        import bambi

        other = bambi.Model("y ~ g", pd.DataFrame({"g": group, "y": yes.astype(int)}), family="bernoulli")
        trace = other.fit(draws=500, tune=500, chains=2, cores=1, random_seed=1, progressbar=False)
    after = wwm.sample(wwm.Model("y ~ g"), survey, seed=1)  # nutpie's or bambi's imports change nothing
    np.testing.assert_array_equal(after.draws, before.draws)
    slope = float(np.asarray(trace["posterior"]["g"]).mean())
    ours = float(after.draws[:, -1].mean())
    assert abs(slope - ours) < 0.15, (slope, ours)  # other priors: half a posterior standard deviation
    assert list(after.idata.posterior["theta"].dims) == ["chain", "draw", "parameter"]
    print(f"bambi {bambi.__version__} beside wwm_models: slopes {slope:.2f} and {ours:.2f}")


if __name__ == "__main__":
    main()
