"""The declared truth: it satisfies the article in expectation, and its adjusted values are what they say."""

import numpy as np
import pytest
from scipy.special import logit
from twin_evaluate import OF_PERCENTAGES, OTHER_READINGS, PRINTED, levels, slack

from wwm_models.demo.calibrate import calibrated
from wwm_models.demo.declared_truth import DECLARED, true_adjusted
from wwm_models.demo.truth import levels_of, outcomes_of, probabilities
from wwm_models.errors import SurveyError

OUTCOMES = [name for law in DECLARED.laws.values() for name in outcomes_of(law)]
ESTIMANDS = ["household-adjusted", "total", "raw"]


def expected(ref):
    """Raw percentage of a reference in the declared population."""
    inside = DECLARED.patterns
    for factor, level in ref["group"].items():
        inside = inside[inside[factor].isin([level] if isinstance(level, str) else level)]
    said = np.isin(levels_of(DECLARED, ref["outcome"]), levels(ref["outcome"], ref["category"]))
    chances = probabilities(DECLARED, ref["outcome"], inside)[:, said].sum(axis=1)
    return 100 * np.average(chances, weights=inside["share"])


@pytest.mark.parametrize("claim", OF_PERCENTAGES, ids=lambda claim: claim["id"])
def test_expectations_satisfy_every_claim_with_room_to_spare(claim):
    room = slack(claim, expected)
    assert (room < 0) if claim["id"] in OTHER_READINGS else (room > 0.4)  # a printed integer leaves at most 0.5


@pytest.mark.parametrize("number", PRINTED, ids=lambda number: number["id"])
def test_expectations_are_the_printed_numbers(number):
    np.testing.assert_allclose(expected(number), number["value"], atol=0.1)  # constants have three decimals


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_probabilities_are_positive_and_sum_to_one(outcome):
    chances = probabilities(DECLARED, outcome, DECLARED.patterns)
    assert chances.min() > 0
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("estimand", ESTIMANDS)
@pytest.mark.parametrize("by", [None, "age_group", ["age_group", "household"]])
def test_true_values_sum_to_one_within_groups(outcome, estimand, by):
    table = true_adjusted(outcome, by, estimand=estimand)
    groups = [by] if isinstance(by, str) else list(by or ["outcome"])
    np.testing.assert_allclose(table.groupby(groups)["estimate"].sum(), 1.0, rtol=1e-12)


def test_constants_are_those_the_calibration_finds():
    found = calibrated(DECLARED)
    for outcome, law in DECLARED.laws.items():
        again = found.laws[outcome]
        np.testing.assert_allclose(again.intercepts, law.intercepts, atol=0.002)  # rounded to three decimals
        for term, effect in law.effects.items():
            for level, value in effect.items():
                np.testing.assert_allclose(again.effects[term][level], value, atol=0.002)


def test_before_obeys_proportional_odds():
    below = np.cumsum(probabilities(DECLARED, "before", DECLARED.patterns), axis=1)[:, :-1]
    steps = np.diff(logit(below), axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-9)


def test_directions_obey_a_multinomial_logit_of_main_effects():
    chances = probabilities(DECLARED, "development_direction", DECLARED.patterns)
    odds = np.log(chances[:, 0] / chances[:, 1]).reshape(4, 4, 2, 3, 3)
    interaction = odds - odds[:1] - odds[:, :1] + odds[:1, :1]
    np.testing.assert_allclose(interaction, 0.0, atol=1e-9)


def by_age(truth, estimand, outcome="desired"):
    table = true_adjusted(outcome, "age_group", estimand=estimand, truth=truth)
    return table.pivot_table(index="age_group", columns="category", values="estimate", sort=False).to_numpy()


def test_an_age_difference_that_is_entirely_a_household_difference():
    confounded = DECLARED.without("desired", "age_group")
    adjusted = by_age(confounded, "household-adjusted")
    np.testing.assert_allclose(adjusted - adjusted[0], 0.0, atol=1e-12)
    assert np.ptp(by_age(confounded, "total")[:, -1]) > 0.004
    assert np.ptp(by_age(DECLARED, "household-adjusted")[:, -1]) > 0.03


def test_total_and_adjusted_agree_where_household_does_not_matter():
    truth = DECLARED.without("relations", "household")
    adjusted, total = (by_age(truth, estimand, "relations") for estimand in ("household-adjusted", "total"))
    np.testing.assert_allclose(adjusted, total, atol=1e-12)


def test_raw_is_adjusted_where_nothing_else_matters():
    truth = DECLARED
    for factor in ("household", "gender", "education", "employment"):
        truth = truth.without("before", factor)
    np.testing.assert_allclose(
        by_age(truth, "raw", "before"), by_age(truth, "household-adjusted", "before"), atol=1e-12
    )


def test_total_agrees_with_a_sum_written_out():
    patterns = DECLARED.patterns[DECLARED.patterns["age_group"] != "65-70"].reset_index(drop=True)
    chances = probabilities(DECLARED, "autonomy", patterns)[:, 4]
    adjusters = ["gender", "education", "employment"]
    total = 0.0
    for values, rows in patterns.groupby(adjusters).groups.items():
        cell = patterns.loc[rows]
        young = cell[cell["age_group"] == "18-34"]
        total += (
            cell["share"].sum() * np.average(chances[young.index], weights=young["share"]) / patterns["share"].sum()
        )
        assert len(values) == 3
    np.testing.assert_allclose(by_age(DECLARED, "total", "autonomy")[0, 4], total, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: true_adjusted("autonomi"),
            'The synthetic population has no outcome "autonomi". Known: desired, before, relations, relations_direction, '
            "development, development_direction, promotion, promotion_direction, autonomy, autonomy_direction, work_life, "
            "work_life_direction, concentration, concentration_direction, amount_of_work, amount_of_work_direction. "
            'Did you mean "autonomy"? Name one of these.',
        ),
        (
            lambda: true_adjusted("desired", "genders"),
            'The synthetic population has no group "genders" here. Known: age_group, household, gender, education, '
            'employment. Did you mean "gender"? Name one of these.',
        ),
        (
            lambda: true_adjusted("desired", "gender", estimand="total"),
            'The synthetic population has no group "gender" here. Known: age_group, household. Name one of these.',
        ),
        (
            lambda: true_adjusted("desired", estimand="totals"),
            'The synthetic population has no estimand "totals" here. Known: household-adjusted, total, raw. '
            'Did you mean "total"? Name one of these.',
        ),
        (
            lambda: DECLARED.without("desired", "age"),
            'The synthetic population has no factor "age". Known: age_group, household, gender, education, employment. '
            "Name one of these.",
        ),
    ],
)
def test_unknown_names_are_refused_with_the_known_ones(call, message):
    with pytest.raises(SurveyError) as caught:
        call()
    assert str(caught.value) == message


def test_what_is_held_equal_is_everyones_and_all_else_follows_the_group():
    """By sums that are written out: p(answer | age, gender) over everyone's p(gender), households and all else as they are at that age."""
    inside = DECLARED.patterns[DECLARED.patterns["age_group"] != "65-70"]
    chances = probabilities(DECLARED, "desired", inside)
    expected = []
    for age in ("18-34", "35-49", "50-64"):
        row = np.zeros(chances.shape[1])
        for gender in ("man", "woman"):
            at = ((inside["age_group"] == age) & (inside["gender"] == gender)).to_numpy()
            within = (chances[at] * inside["share"].to_numpy()[at, None]).sum(axis=0) / inside["share"][at].sum()
            row += within * inside["share"][inside["gender"] == gender].sum() / inside["share"].sum()
        expected.append(row)
    table = true_adjusted("desired", "age_group", held_equal=["gender"])
    np.testing.assert_allclose(table["estimate"].to_numpy().reshape(3, -1), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("held", "estimand"),
    [
        ([], "raw"),
        (["gender", "education", "employment"], "total"),
        (["household", "gender", "education", "employment"], "household-adjusted"),
    ],
)
def test_an_estimand_is_what_it_holds_equal(held, estimand):
    found, named = (
        true_adjusted("relations_direction", "age_group", **options)
        for options in ({"held_equal": held}, {"estimand": estimand})
    )
    assert found["estimate"].tolist() == named["estimate"].tolist()
