"""The quota draw tells the article's story: every printed number, every claim that can be tested, every count."""

import numpy as np
import pandas as pd
import pytest
from twin_evaluate import COUNTS, OF_PERCENTAGES, OTHER_READINGS, PRINTED, counted, domain, from_frame, size, slack

from wwm_models.demo.quota import _places
from wwm_models.demo.respondents import quota_respondents
from wwm_models.errors import SurveyError

FALSE = OTHER_READINGS & {claim["id"] for claim in OF_PERCENTAGES}


@pytest.fixture(scope="module")
def raw():
    return quota_respondents(1)


@pytest.fixture(scope="module", params=[1, 20, 111])
def frame(request):
    return domain(quota_respondents(request.param))


def misses(frame):
    """Printed numbers further off than half a point, or one respondent where that is more."""
    percent = from_frame(frame)
    return {
        number["id"]: round(percent(number), 2)
        for number in PRINTED
        if abs(percent(number) - number["value"]) > max(0.5, 100 / size(frame, number["group"]))
    }


def false_claims(frame):
    percent = from_frame(frame)
    return {claim["id"]: slack(claim, percent) for claim in OF_PERCENTAGES if slack(claim, percent) <= 0}


def test_every_printed_number_is_reproduced(frame):
    assert misses(frame) == {}


@pytest.mark.parametrize("claim", COUNTS, ids=lambda claim: claim["id"])
def test_every_printed_number_of_respondents_is_reproduced(frame, claim):
    pairs = counted(frame, claim)
    assert pairs
    assert all(printed == found for printed, found in pairs) is (claim["id"] not in OTHER_READINGS)


def test_every_testable_claim_is_true_of_the_weighted_percentages(frame):
    assert set(false_claims(frame)) == FALSE


def test_a_twin_without_its_weights_tells_another_story(frame):
    assert set(false_claims(frame.assign(weight=1.0))) - FALSE


@pytest.mark.slow
def test_small_and_large_draws_reproduce_the_printed_numbers():
    assert misses(domain(quota_respondents(1, n=400))) == {}
    large = domain(quota_respondents(1, n=5000))
    assert misses(large) == {}
    assert set(false_claims(large)) == FALSE


def test_counts_are_those_of_the_article(raw):
    assert len(raw) == 4008
    assert int((raw["betaald_werk"] == 1).sum()) == 2508
    assert int((raw["kan_thuiswerken"] == 1).sum()) == 1530
    assert int(domain(raw)["household"].notna().sum()) == 1507
    assert int(raw["leeftijd"].min()) == 18
    assert int(raw["leeftijd"].max()) == 70


@pytest.mark.parametrize(("n", "employed", "everybody"), [(765, 1254, 2004), (3060, 5016, 8016)])
def test_other_rows_scale_with_the_domain(n, employed, everybody):
    raw = quota_respondents(2, n=n)
    assert (len(raw), int((raw["betaald_werk"] == 1).sum())) == (everybody, employed)
    assert int((raw["kan_thuiswerken"] == 1).sum()) == n


def test_every_row_says_synthetic_in_the_first_column(raw):
    assert raw.columns[0] == "note"
    assert (raw["note"] == "SYNTHETIC").all()


def test_weights_have_mean_one_and_a_moderate_design_effect(raw):
    weights = domain(raw)["weight"]
    np.testing.assert_allclose(weights.mean(), 1.0, atol=1e-3)  # rounded to four decimals
    assert 1.2 < float(np.mean(weights**2) / np.mean(weights) ** 2) < 1.5


def test_the_same_seed_gives_the_same_file_and_another_seed_another():
    pd.testing.assert_frame_equal(quota_respondents(5, n=300), quota_respondents(5, n=300))
    assert not quota_respondents(5, n=300).equals(quota_respondents(6, n=300))


def test_answers_of_one_respondent_hang_together(raw):
    frame = raw.dropna(subset=["effect_concentratie"])
    together = frame[["effect_concentratie", "effect_hoeveelheid"]].astype(float).corr(method="spearman").iloc[0, 1]
    assert together > 0.25


@pytest.mark.parametrize(
    ("seed", "n", "message"),
    [
        (1, 99, "Synthetic respondents: n=99 is not possible. Expected a whole number from 100 to 10000000. Give one."),
        (
            -1,
            1530,
            "Synthetic respondents: seed=-1 is not possible. Expected a whole number from 0 to 9223372036854775807. Give one.",
        ),
        (
            1,
            10**12,
            "Synthetic respondents: n=1000000000000 is not possible. Expected a whole number from 100 to 10000000. Give one.",
        ),
    ],
)
def test_numbers_that_are_too_small_are_refused(seed, n, message):
    with pytest.raises(SurveyError) as caught:
        quota_respondents(seed, n=n)
    assert str(caught.value) == message


def test_equal_changes_are_taken_in_the_order_of_respondents_whatever_the_rounding():
    """Partial sorts and last digits differ between processors; the respondents must not."""
    rng = np.random.default_rng(3)
    change = rng.integers(-3, 3, (200, 2)) / 7.0
    expected = [divmod(int(place), 2) for place in np.argsort(change.ravel(), kind="stable")[:24]]
    for noise in (0.0, 1e-15, 1e-13):
        assert _places(change + rng.uniform(-noise, noise, change.shape), 24) == expected
