"""How far claims are from flipping, against changes worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from article_inventions import at, order, shares

import wwm_models as wwm
from wwm_models.claims.article import Article, Claim, Reference
from wwm_models.claims.claimed_quantities import leaves
from wwm_models.claims.fragility import FRAGILITY_COLUMNS as COLUMNS
from wwm_models.claims.fragility import confounding, fragility, missing_answers, prior_power, satisfies
from wwm_models.claims.lookup import pool_of
from wwm_models.diagnostics.prior_sensitivity import power_weights


def points(**values: float):
    return {at(name).key: value / 100.0 for name, value in values.items()}


def conjunction(*parts: Claim) -> Claim:
    return Claim("C", "all", parts=parts)


def test_standing_looks_at_estimates_alone():
    assert satisfies(order("a", "b", 5.0), points(a=56.0, b=50.0)) is True
    assert satisfies(order("a", "b", 5.0), points(a=54.0, b=50.0)) is False
    assert satisfies(order("a", "z"), points(a=54.0)) is None
    assert satisfies(conjunction(order("a", "b"), order("b", "a")), points(a=54.0, b=50.0)) is False
    assert len(leaves(conjunction(order("a", "b"), conjunction(order("a", "b"), order("b", "a"))))) == 3


def test_confounding_of_an_order_is_the_e_value_of_its_ratio():
    flips = confounding(order("a", "b"), pool_of([shares({"a": 60.0, "b": 40.0})]), 0.95)
    np.testing.assert_allclose(flips[0].change, 1.5 + np.sqrt(1.5 * 0.5), rtol=1e-12)
    assert 1.0 < flips[1].change < flips[0].change


def test_confounding_moves_an_order_with_a_margin_to_the_margin():
    """60 against 40 with a margin of 10: the ratio 1.5 has to come down to 50 / 40."""
    flips = confounding(order("a", "b", 10.0), pool_of([shares({"a": 60.0, "b": 40.0})]), 0.95)
    ratio = 1.5 / 1.25
    np.testing.assert_allclose(flips[0].change, ratio + np.sqrt(ratio * (ratio - 1.0)), rtol=1e-12)


def test_the_weakest_part_of_a_conjunction_counts():
    pool = pool_of([shares({"a": 60.0, "b": 40.0, "c": 55.0})])
    both = confounding(conjunction(order("a", "b"), order("a", "c")), pool, 0.95)
    weak = confounding(order("a", "c"), pool, 0.95)
    assert both[0].change == weak[0].change
    assert confounding(Claim("C", "bound", references={"at": at("a")}, numbers={"above": 50.0}), pool, 0.95)[0].status == "does not apply"  # fmt: skip


def test_missing_answers_shift_until_the_groups_meet():
    """Groups 55 and 50 with 20% absent each: opposite shifts d of the log odds that make the shares equal."""
    absent = {at(name).key: 0.2 for name in "ab"}
    found = missing_answers(order("a", "b"), points(a=55.0, b=50.0), absent)

    def share(p, shift):
        odds = np.log(p / (1 - p)) + shift
        return 0.8 * p + 0.2 / (1 + np.exp(-odds))

    assert found.status == "flips"
    np.testing.assert_allclose(share(0.55, -found.change), share(0.50, found.change), rtol=1e-9)


def test_few_missing_answers_cannot_flip_a_wide_gap():
    absent = {at(name).key: 0.02 for name in "ab"}
    assert missing_answers(order("a", "b"), points(a=60.0, b=40.0), absent).status == "does not flip"
    assert missing_answers(order("a", "b"), points(a=60.0, b=40.0), {}).status == "does not apply"


def test_a_sharper_prior_flips_what_rests_on_few_data():
    """The gap a - b is N(0.02, 0.02^2) under a prior N(-0.05, 0.05^2) on it.

    With power q of the prior its mean has the sign of 0.02 / 0.02^2 - (q - 1) 0.05 / 0.05^2, which is 0 at q = 3.5; 100,000
    draws leave 0.05 of that.
    """
    rng = np.random.default_rng(2)
    gap = rng.normal(0.02, 0.02, 100_000)
    draws = np.column_stack([0.5 + gap, np.full(100_000, 0.5)])
    pool = pool_of([shares({"a": 52.0, "b": 50.0}, draws=draws, origin="p")])
    densities = {"p": -0.5 * ((gap + 0.05) / 0.05) ** 2}
    found = prior_power(order("a", "b"), pool, densities, 0.95)
    assert found.status == "flips"
    np.testing.assert_allclose(found.change, 3.5, rtol=0, atol=0.05)
    firm = prior_power(order("a", "b", -90.0), pool, densities, 0.95)
    assert (firm.status, firm.detail) == ("does not flip", "for powers from 0 to 4")
    steep = 8.0 * densities["p"]
    assert (power_weights(steep, 0.5), power_weights(steep, 0.75) is None) == (
        None,
        False,
    )  # fewer than 100 effective draws
    assert prior_power(order("a", "b", -90.0), pool, {"p": steep}, 0.95).detail == "for powers from 0.75 to 4"
    assert prior_power(order("a", "b"), pool, {}, 0.95).status == "does not apply"


def test_a_claim_over_two_posteriors_has_each_number_under_its_own_prior():
    """As above, but a and b are of different models and only a has a prior that pulls; the numbers are those of one posterior."""
    rng = np.random.default_rng(2)
    value = rng.normal(0.52, 0.02, 100_000)
    one = shares({"a": 100 * value.mean()}, draws=value[:, None], origin="p")
    other = shares({"b": 50.0}, outcome="z", draws=np.full((100_000, 1), 0.5), origin="q")
    densities = {"p": -0.5 * ((value - 0.45) / 0.05) ** 2, "q": np.zeros(100_000)}
    claim = Claim("C", "order", references={"greater": at("a"), "lesser": at("b", "z")}, numbers={"margin": 0.0})
    found = prior_power(claim, pool_of([one, other]), densities, 0.95)
    np.testing.assert_allclose(found.change, 3.5, rtol=0, atol=0.05)
    assert prior_power(claim, pool_of([one, other]), {"p": densities["p"]}, 0.95).status == "does not apply"


@pytest.fixture
def survey(frame):
    """Weights that depend on the answer in one age group, so that a claim about it rests on them."""
    weight = np.where((frame["age"] == "50-64") & (frame["y"] == "daily"), 4.0, 1.0)
    return wwm.Survey.from_frame(frame.assign(w=weight), weight="w")


def about(greater: str, lesser: str, category: str = "daily") -> Claim:
    found = {
        role: Reference("y", category, (("age", level),)) for role, level in (("greater", greater), ("lesser", lesser))
    }
    return Claim(f"{greater} over {lesser}", "order", references=found)


def test_the_flip_map_of_an_article(survey):
    fit = wwm.fit(wwm.Model("y ~ age + household"), survey)
    article = Article(
        claims=(about("50-64", "18-34"), about("18-34", "50-64"), Claim("U", "all", missing="other data"))
    )
    table = fragility(article, fit)
    assert tuple(table.columns) == COLUMNS
    assert set(table["id"]) == {"50-64 over 18-34", "18-34 over 50-64"}
    first = table[table["id"] == "50-64 over 18-34"].set_index("axis")
    assert first["stands"].all()
    assert first.loc["unmeasured confounding", "change"] > 2.0
    second = table[table["id"] == "18-34 over 50-64"].set_index("axis")
    assert not second["stands"].any()
    adjusted = wwm.adjusted(fit, "age").table.set_index(["age", "category"])["estimate"]
    ratio = adjusted["50-64", "daily"] / adjusted["18-34", "daily"]
    for rows in (first, second):
        np.testing.assert_allclose(
            rows.loc["unmeasured confounding", "change"], ratio + np.sqrt(ratio * (ratio - 1)), rtol=1e-6
        )


def test_trimming_flips_a_claim_that_rests_on_weights(respondents):
    """Equal answers in both age groups, but those of one that say daily weigh more."""
    ages = pd.Categorical(["18-34", "50-64"] * 200, ["18-34", "50-64"], ordered=True)
    answers = pd.Categorical(["never", "never", "never", "never", "daily", "daily", "rarely", "rarely"] * 50, ["never", "rarely", "daily"], ordered=True)  # fmt: skip
    weight = np.where((ages == "50-64") & (answers == "daily"), 3.0, 1.0)
    weight[0] = 1.05  # without weights 18-34 is not below 50-64 by rounding alone
    frame = pd.DataFrame({"y": answers, "age": ages, "w": weight})
    frame.loc[8, "y"] = "daily"
    survey = wwm.Survey.from_frame(frame, weight="w")
    table = fragility(
        Article(claims=(about("50-64", "18-34"),)), wwm.fit(wwm.Model("y ~ age", family="multinomial"), survey)
    )
    row = table.set_index("axis").loc["trimmed weights"]
    assert (row["status"], row["change"], row["detail"]) == ("flips", 1.0, "no weights")


def test_respondents_counted_together_have_the_same_flip_map_but_for_their_own_weights(survey, counted):
    article = Article(claims=(about("50-64", "18-34"), about("18-34", "50-64")))
    one, two = (
        fragility(article, wwm.fit(wwm.Model("y ~ age + household"), on)).set_index(["id", "axis"])
        for on in (survey, counted(survey))
    )
    trimmed = two.xs("trimmed weights", level="axis")
    assert set(trimmed["status"]) == {"does not apply"}
    assert set(trimmed["detail"]) == {"weights of respondents who are grouped cannot be cut off one by one"}
    others = one.index[one.index.get_level_values("axis") != "trimmed weights"]
    pd.testing.assert_frame_equal(two.loc[others], one.loc[others], check_exact=False, rtol=1e-9)
