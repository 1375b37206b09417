"""What is said where draws are too noisy to report, or answers do not sum to one: the number, what is allowed, what to do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import AdjustError

ANSWERS = ["no", "maybe", "yes"]
FRAME = pd.DataFrame(
    {"y": pd.Categorical(ANSWERS * 60, ANSWERS, ordered=True), "g": pd.Categorical(["a"] * 90 + ["b"] * 90)}
)
SURVEY = wwm.Survey.from_frame(FRAME, weight=None)


@pytest.fixture(scope="module")
def posterior() -> wwm.Posterior:
    return wwm.sample(wwm.Model("y ~ g"), SURVEY, seed=1, chains=4, draws=500, warmup=100)


def drawn(posterior: wwm.Posterior, spread: float, sluggish: bool) -> wwm.Posterior:
    """The posterior with draws of our own: independent, or each standing still for twenty."""
    noise = np.random.default_rng(1).normal(size=(2000, posterior.draws.shape[1])) * spread
    kept = np.repeat(noise[::20], 20, axis=0) if sluggish else noise
    return replace(posterior, draws=posterior.draws.mean(axis=0) + kept * [1.0, 0.0, 0.0])


def test_a_monte_carlo_error_that_shows_in_print_is_printed(posterior: wwm.Posterior):
    """The spread of p in a group is about 0.22 x 0.4, its error over the root of 2,000 about 0.002; the rest is in order."""
    with pytest.raises(AdjustError) as caught:
        wwm.adjusted(drawn(posterior, 0.4, sluggish=False), by="g")
    said = str(caught.value)
    assert said.startswith(
        "4 of 6 adjusted probabilities fail the checks of their draws: y = no (g a) (Monte Carlo error 0.00"
    )
    assert ", allowed 0.001), y = maybe (g a) (Monte Carlo error 0.00" in said
    assert "R-hat" not in said
    assert "effective" not in said
    assert " and 1 more. Expected what is allowed for every one of them. Sample more draws (about " in said
    assert said.endswith(" per chain instead of 500), or report small groups together.")


def test_draws_that_stand_still_are_said_to(posterior: wwm.Posterior):
    with pytest.raises(AdjustError) as caught:
        wwm.adjusted(drawn(posterior, 0.001, sluggish=True), by="g")
    said = str(caught.value)
    assert ", allowed 1.01 and effective draws " in said or "(effective draws " in said
    assert ", needed 400)" in said
    assert "Monte Carlo" not in said


def halves() -> list[wwm.Estimates]:
    """Raw percentages of two completed surveys."""
    other = FRAME.assign(y=pd.Categorical((["no"] * 3 + ANSWERS) * 30, ANSWERS, ordered=True))
    return [wwm.raw(one, "y", by="g") for one in (SURVEY, wwm.Survey.from_frame(other, weight=None))]


CALLS = {
    "mean_score": lambda found: wwm.mean_score(found, {"no": 0, "maybe": 1, "yes": 2, **({"any": 3} if "any" in set(found.table["category"]) else {})}),
    "superiority": lambda found: wwm.superiority(found, "g"),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_pooled_percentages_are_not_taken_for_collapses(call: str):
    with pytest.raises(AdjustError) as caught:
        CALLS[call](wwm.pool(halves()))
    total = float(wwm.pool(halves()).table.query("g == 'a'")["estimate"].sum())
    assert str(caught.value) == (
        f"The answers of g a sum to {total:.6g}, because every percentage was pooled by itself over the completed surveys. Expected answers that sum "
        'to 1. Pool them with wwm.pool(..., scale="identity"), or make this number for every completed survey and pool those.'
    )
    assert np.isfinite(CALLS[call](wwm.pool(halves(), scale="identity")).table["estimate"]).all()


@pytest.mark.parametrize("call", CALLS)
def test_collapses_and_missing_answers_are_told_apart(call: str):
    whole = wwm.raw(SURVEY, "y", by="g", collapses={"any": ["maybe", "yes"]})
    with pytest.raises(AdjustError) as caught:
        CALLS[call](whole)
    assert str(caught.value) == (
        "The answers of g a sum to 1.66667: some are counted twice, as collapses do. Expected every answer once, so a sum of 1. Make the estimates "
        "without `collapses`."
    )
