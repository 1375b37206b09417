"""Published posterior summaries of the trolley dilemmas (9,930 answers): means, standard deviations, 89% HDIs, shares."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm

CASES = json.loads(Path(__file__).with_name("trolley_posteriors.json").read_text(encoding="utf-8"))
SLOPES = ("action", "contact", "intention", "edu_norm")


def narrowest(draws: np.ndarray, share: float) -> tuple[float, float]:
    """Highest density interval: the shortest that holds this share of the draws."""
    ordered = np.sort(draws)
    inside = int(np.floor(share * len(ordered)))
    first = int(np.argmin(ordered[inside:] - ordered[: len(ordered) - inside]))
    return float(ordered[first]), float(ordered[first + inside])


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_posterior_summaries_are_the_printed_ones(name, data_of):
    frame = pd.read_csv(data_of(name))
    post = wwm.sample(
        wwm.Model(CASES[name]["formula"]),
        wwm.Survey.from_frame(frame, weight=None),
        seed=1,
        priors=CASES[name]["priors"],
    )
    assert post.healthy, post.message
    draws = {f"cut.{k + 1}": post.draws[:, k] for k in range(6)}
    draws |= {slope: post.draws[:, post.design.names.index(slope)] for slope in SLOPES if slope in post.design.names}
    found: dict[str, float] = {}
    for quantity, values in draws.items():
        found[f"mean.{quantity}"], found[f"sd.{quantity}"] = float(values.mean()), float(values.std())
        found[f"hdi89.lo.{quantity}"], found[f"hdi89.hi.{quantity}"] = narrowest(values, 0.89)
    if len(draws) == 6:
        shares = wwm.adjusted(post, covariates="fixed").table["estimate"]
        found |= {f"prob.{k + 1}": float(share) for k, share in enumerate(shares)}
    for number in CASES[name]["expected"]:
        np.testing.assert_allclose(
            found[number["id"]], number["value"], rtol=0, atol=number["tol"], err_msg=number["id"]
        )
