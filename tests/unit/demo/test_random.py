"""The random draw is a sample of the declared population: unbiased, independent, as variable as a sample is."""

import numpy as np
import pandas as pd
import pytest
from twin_evaluate import domain, from_frame

from wwm_models.demo.declared_truth import DECLARED, true_adjusted
from wwm_models.demo.respondents import quota_respondents, random_answers, random_respondents
from wwm_models.demo.truth import outcomes_of

OUTCOMES = [name for law in DECLARED.laws.values() for name in outcomes_of(law)]


@pytest.fixture(scope="module")
def large():
    return random_answers(3, n=60_000)


def z_scores(frame, outcome, by):
    """(estimate - truth) / linearised standard error for every group and answer."""
    truth = true_adjusted(outcome, by, estimand="raw")
    scores = []
    for row in truth.itertuples():
        inside = (frame[by] == getattr(row, by)).to_numpy()
        weights = frame["weight"].to_numpy()[inside]
        hits = (frame[outcome] == row.category).to_numpy()[inside].astype(float)
        estimate = np.average(hits, weights=weights)
        error = np.sqrt(np.sum((weights * (hits - estimate)) ** 2)) / weights.sum()
        scores.append((estimate - row.estimate) / error)
    return np.array(scores)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("by", ["age_group", "household", "education"])
def test_weighted_percentages_are_near_the_truth(large, outcome, by):
    assert np.abs(z_scores(large, outcome, by)).max() < 4.5  # 1 in 150,000 for one of them; about 300 are looked at


def test_unweighted_percentages_are_not(large):
    flat = large.assign(weight=1.0)
    assert max(np.abs(z_scores(flat, outcome, "household")).max() for outcome in OUTCOMES) > 4.5


def test_weights_restore_the_composition_of_the_population(large):
    share = DECLARED.patterns.groupby("education")["share"].sum()
    weighted = large.groupby("education", observed=True)["weight"].sum() / large["weight"].sum()
    plain = large["education"].value_counts(normalize=True)
    np.testing.assert_allclose(weighted[share.index], share, atol=0.01)  # 5 standard errors
    assert abs(plain["low"] - share["low"]) > 0.02


def test_it_varies_as_a_sample_does_and_the_quota_draw_does_not():
    ref = {"outcome": "desired", "category": "at_least_weekly", "group": {}}
    free = [from_frame(domain(random_respondents(seed, n=300)))(ref) for seed in range(40)]
    held = [from_frame(domain(quota_respondents(seed, n=300)))(ref) for seed in range(5)]
    expected = 100 * np.sqrt(0.62 * 0.38 * 1.27 / 300)  # Kish's design effect 1.27
    assert 0.65 * expected < np.std(free) < 1.4 * expected  # three standard errors of a standard deviation of 40
    assert np.std(held) < 0.2 * expected


def test_counts_and_mark():
    raw = random_respondents(1)
    assert (len(raw), int((raw["kan_thuiswerken"] == 1).sum())) == (4008, 1530)
    assert (raw["note"] == "SYNTHETIC").all()
    assert 5 < int(domain(raw)["household"].isna().sum()) < 50  # 23 expected


def test_the_same_seed_gives_the_same_file_and_another_seed_another():
    pd.testing.assert_frame_equal(random_respondents(5, n=300), random_respondents(5, n=300))
    assert not random_respondents(5, n=300).equals(random_respondents(6, n=300))


def test_recoded_answers_are_those_of_the_file():
    raw = domain(random_respondents(4, n=500))
    recoded = random_answers(4, n=500)
    for name in ("age_group", "household", "gender", "desired", "relations", "work_life_direction"):
        assert recoded[name].value_counts().to_dict() == raw[name].value_counts().to_dict()
    assert recoded["desired"].cat.ordered
    assert not recoded["relations_direction"].cat.ordered
