"""Averages over a population declared by its margins: post-stratification, raking, and the variance both earn."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import AdjustError, SurveyError
from wwm_models.estimates.standardise import intervened, replicated_margins
from wwm_models.estimates.standardise_draws import sampled_shares
from wwm_models.estimates.target import target_population

AGES = {"18-34": 0.5, "35-49": 0.3, "50-64": 0.2}
HOMES = {"single": 10.0, "couple": 60.0, "family": 30.0}
SHARES = {name: share / 100 for name, share in HOMES.items()}


def test_the_samples_own_margins_are_the_sample(survey):
    fit = wwm.fit(wwm.Model("y ~ age + household + x"), survey)
    weight = fit.cells.row_weight
    own = {str(level): float(weight[survey.frame["household"] == level].sum()) for level in HOMES}
    sample, raked = wwm.adjusted(fit, "age"), wwm.adjusted(fit, "age", over={"household": own})
    np.testing.assert_allclose(raked.table["estimate"], sample.table["estimate"], rtol=1e-9)


def test_equal_joint_margins_are_the_balanced_population(survey, logit_response):
    """A joint margin of all adjusters leaves nothing of the population to sampling, so standard errors agree too."""
    fit = wwm.fit(logit_response.model("y ~ age + household + z"), survey)
    answers = [str(level) for level in survey.frame["z"].cat.categories]
    joint = {f"{home}:{answer}": 1.0 / (3 * len(answers)) for home in HOMES for answer in answers}
    balanced = wwm.adjusted(fit, "age", over="balanced")
    declared = wwm.adjusted(fit, "age", over={"household:z": joint})
    np.testing.assert_allclose(declared.table["estimate"], balanced.table["estimate"], rtol=1e-8)
    np.testing.assert_allclose(declared.table["std_error"], balanced.table["std_error"], rtol=1e-6)


@pytest.mark.parametrize("kind", ["sampling", "design"])
def test_one_margin_in_a_saturated_model_is_post_stratification(frame, of_kind, kind):
    """Estimates and standard errors are those of the raw shares of the post-stratified survey."""
    survey = of_kind(frame, kind)
    fit = wwm.fit(wwm.Model("y ~ age * household", family="multinomial"), survey)
    made = wwm.adjusted(fit, over={"household": HOMES}).table
    raw = wwm.raw(wwm.poststratify(survey, "household", HOMES), "y").table
    np.testing.assert_allclose(made["estimate"], raw["estimate"], rtol=1e-7)
    np.testing.assert_allclose(made["std_error"], raw["std_error"], rtol=1e-6)


def test_one_margin_averages_the_groups_by_hand(survey, logit_response):
    fit = wwm.fit(logit_response.model("y ~ age + household"), survey)
    made = wwm.adjusted(fit, "household", over={"age": AGES}).table
    cells = wwm.adjusted(fit, ["household", "age"]).table
    weighted = cells.assign(p=cells["estimate"] * cells["age"].astype(str).map(AGES).astype(float))
    expected = weighted.groupby(["household", "category"], sort=False, observed=True)["p"].sum()
    np.testing.assert_allclose(made["estimate"], expected, rtol=1e-8)


@pytest.mark.parametrize("kind", ["sampling", "unweighted"])
def test_influence_is_the_derivative_with_respect_to_a_respondents_weight(frame, of_kind, kind):
    """Refit and rake again with one weight moved by a thousandth up and down; z is not in the model."""
    margins = {"household": SHARES, "z": {"never": 0.1, "sometimes": 0.2, "often": 0.3, "always": 0.4}}
    margins["z"] = dict(zip([str(level) for level in frame["z"].cat.categories], margins["z"].values(), strict=True))
    plain = of_kind(frame, kind)

    def under(weights):
        fit = wwm.fit(wwm.Model("y ~ age + household + x"), wwm.Survey.from_frame(frame.assign(v=weights), weight="v"))
        return wwm.adjusted(fit, "age", over=margins)

    influence = under(plain.weights).influence
    for row in (0, 7, 31, 200):
        step = 1e-3 * plain.weights[row] * (np.arange(len(frame)) == row)
        up, down = (under(plain.weights + sign * step).table["estimate"].to_numpy() for sign in (1, -1))
        np.testing.assert_allclose(influence[row], (up - down) / 2e-3, atol=1e-7)


def test_every_replicate_is_raked_again(frame, of_kind):
    survey = wwm.replicates(of_kind(frame, "design"), kind="JKn")
    fit = wwm.fit(wwm.Model("y ~ age + household"), survey)
    target = target_population(fit, {"household": SHARES}, ["household"])
    found = replicated_margins(fit, intervened(target, pd.DataFrame({"age": list(AGES)})), target, "sampled")
    for number in (0, 5):
        weights = survey.replicates.weights[:, number]
        again = wwm.fit(fit.model, wwm.Survey.from_frame(frame.assign(v=weights), weight="v"))
        own = wwm.adjusted(again, "age", over={"household": SHARES}).table["estimate"]
        np.testing.assert_allclose(found[number], own, atol=1e-7)


def test_every_drawn_population_has_the_margins(frame, of_kind):
    fit = wwm.fit(wwm.Model("y ~ age + household"), of_kind(frame, "sampling"))
    target = target_population(fit, {"household": SHARES, "x": _shares_of_x(frame)}, ["age", "household"])
    drawn = SimpleNamespace(survey=fit.survey, cells=fit.cells, draws=np.zeros((50, 1)))
    shares = sampled_shares(target, drawn, 1)
    homes = target.patterns["household"].astype(str)
    for level, share in SHARES.items():
        np.testing.assert_allclose(shares[:, homes == level].sum(axis=1), share, rtol=1e-7)
    assert shares.std(axis=0).min() > 0
    np.testing.assert_allclose(shares.mean(axis=0), target.weights, atol=0.02)


def test_files_and_counts_are_margins_too(frame, of_kind, tmp_path):
    fit = wwm.fit(wwm.Model("y ~ age + household"), of_kind(frame, "sampling"))
    expected = wwm.adjusted(fit, "age", over={"household": SHARES}).table["estimate"]
    path = tmp_path / "population.toml"
    path.write_text("[margins.household]\n" + "\n".join(f'"{level}" = {count}' for level, count in HOMES.items()))
    for over in (path, str(path), {"household": HOMES}):
        np.testing.assert_allclose(wwm.adjusted(fit, "age", over=over).table["estimate"], expected, rtol=1e-12)


def test_the_estimand_names_the_margins(frame, of_kind):
    fit = wwm.fit(wwm.Model("y ~ age + household"), of_kind(frame, "sampling"))
    over = {"household": SHARES, "age:household": {f"{a}:{h}": AGES[a] * SHARES[h] for a in AGES for h in HOMES}}
    (made,) = wwm.adjusted(fit, "age", over=over).estimands
    assert made.population == "declared margins of household+age:household"
    assert made.averaging == "weighted respondents, raked to margins"
    assert made.sentence("en", {"household": "home"}) == (
        "Probability of each answer if everyone in a population with declared margins of home and age by home had the same age, with home as "
        "they are (respondents weighted to declared population margins)."
    )


def test_impossible_margins_are_refused_as_raking_refuses_them(frame):
    survey = wwm.Survey.from_frame(frame, weight="w")
    fit = wwm.fit(wwm.Model("y ~ age + household"), survey)
    for wrong in ({"household": {**SHARES, "single": 0.05, "castle": 0.05}}, {"household": {"single": 1.0}}):
        with pytest.raises(SurveyError) as expected:
            wwm.rake(survey, wrong)
        with pytest.raises(SurveyError) as found:
            wwm.adjusted(fit, "age", over=wrong)
        assert str(found.value) == str(expected.value)


def test_margins_that_contradict_each_other_are_refused(frame):
    fit = wwm.fit(wwm.Model("y ~ age + household"), wwm.Survey.from_frame(frame, weight="w"))
    joint = {f"{a}:{h}": AGES[a] * SHARES[h] for a in AGES for h in HOMES}
    with pytest.raises(SurveyError, match=r"^Raking did not converge in 200 rounds: .* cannot be met together"):
        wwm.adjusted(fit, "age", over={"age": {"18-34": 0.2, "35-49": 0.3, "50-64": 0.5}, "age:household": joint})


def test_shares_add_up_to_one(frame):
    fit = wwm.fit(wwm.Model("y ~ age + household"), wwm.Survey.from_frame(frame, weight="w"))
    with pytest.raises(AdjustError) as caught:
        wwm.adjusted(fit, "age", over={"household": {"single": 0.3, "couple": 0.3, "family": 0.2}})
    assert str(caught.value) == (
        'The shares of "household" add up to 0.8. Expected shares that add up to 1, or counts of people. Repair them.'
    )


def test_a_margin_of_a_stranger_is_refused(frame):
    fit = wwm.fit(wwm.Model("y ~ age + household"), wwm.Survey.from_frame(frame, weight="w"))
    with pytest.raises(AdjustError, match=r'margins of "houshold", which the survey does not have') as caught:
        wwm.adjusted(fit, "age", over={"houshold": SHARES})
    assert 'Did you mean "household"?' in str(caught.value)


def test_respondents_without_the_margins_variable_are_counted(frame):
    missing = frame["household"].where(np.arange(len(frame)) >= 12)
    survey = wwm.Survey.from_frame(frame.assign(home=missing), weight="w")
    fit = wwm.fit(wwm.Model("y ~ age"), survey)
    with pytest.raises(SurveyError) as caught:
        wwm.adjusted(fit, "age", over={"home": SHARES})
    assert str(caught.value) == (
        'Margin "home" does not cover 12 missing values of the 400 respondents that the model uses. Impute them, or leave the margin out.'
    )


def _shares_of_x(frame):
    counts = frame["x"].value_counts()
    return {str(value): float(count) for value, count in counts.items()}
