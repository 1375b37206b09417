"""Verdicts by the rules that are printed, on invented numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from article_inventions import at, order, pool, shares
from scipy import stats

from wwm_models.claims.article import Article, Claim, Published, Reference
from wwm_models.claims.claimed_quantities import RULES, rules_text
from wwm_models.claims.lookup import pool_of
from wwm_models.claims.reasons import parts_of
from wwm_models.claims.verdicts import Sources, joint_probability, judge, printed_numbers, printed_text, printed_verdict

SE = 0.01 * np.sqrt(2.0) * 100  # of a difference of two independent shares, in percentage points


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [(1.7 * SE, "holds"), (1.6 * SE, "undecided"), (-1.6 * SE, "undecided"), (-1.7 * SE, "reverses")],
)
def test_an_order_is_a_one_sided_five_percent_test(gap, verdict):
    """The one-sided 5% point is 1.645 standard errors."""
    found = judge(order("a", "b"), Sources(pool({"a": 50.0 + gap, "b": 50.0}), pool({"a": 50.0 + gap, "b": 50.0})))
    assert (found.raw, found.likelihood, found.verdict) == (verdict, verdict, verdict)


def test_an_order_with_a_margin_tests_the_margin():
    gap = 5.0 + 1.7 * SE
    assert judge(order("a", "b", 5.0), Sources(pool({"a": 40.0 + gap, "b": 40.0}))).raw == "holds"
    assert judge(order("a", "b", 5.0), Sources(pool({"a": 44.0, "b": 40.0}))).raw == "undecided"


@pytest.mark.parametrize(("value", "verdict"), [(53.0, "holds"), (51.0, "undecided"), (47.0, "reverses")])
def test_a_bound_uses_the_two_sided_interval(value, verdict):
    claim = Claim("C", "bound", references={"at": at("a")}, numbers={"above": 50.0})
    assert judge(claim, Sources(pool({"a": value}))).raw == verdict


@pytest.mark.parametrize(("value", "verdict"), [(62.5, "reproduced"), (63.5, "reproduced"), (63.5001, "not reproduced"), (62.4999, "not reproduced")])  # fmt: skip
def test_a_printed_value_holds_its_rounding_interval(value, verdict):
    """63% is [62.5, 63.5]: halves are rounded up by one program and to the even digit by another."""
    claim = Claim("C", "value", references={"at": at("a")}, numbers={"value": 63.0})
    found = judge(claim, Sources(pool({"a": value}), pool({"a": 60.0})))
    assert (found.raw, found.verdict) == (verdict, verdict)
    assert found.likelihood == f"shift {60.0 - value:+.1f}"


@pytest.mark.parametrize(
    ("gap", "margin", "verdict"),
    [(1.0, 1.0 + 1.7 * SE, "holds"), (1.0, 1.0 + 1.6 * SE, "undecided"), (9.0, 9.0 - 1.7 * SE, "reverses")],
)
def test_equivalence_is_two_one_sided_tests(gap, margin, verdict):
    claim = Claim(
        "C", "equivalence", references={"between.0": at("a"), "between.1": at("b")}, numbers={"margin": margin}
    )
    assert judge(claim, Sources(pool({"a": 50.0 + gap, "b": 50.0}))).raw == verdict


def test_a_ratio_is_judged_on_the_log_scale():
    claim = Claim("C", "ratio", references={"numerator": at("a"), "denominator": at("b")}, numbers={"lower": 1.5, "upper": 2.5})  # fmt: skip
    assert judge(claim, Sources(pool({"a": 40.0, "b": 20.0}, std_error=0.005))).raw == "holds"
    assert judge(claim, Sources(pool({"a": 40.0, "b": 20.0}, std_error=0.04))).raw == "undecided"
    assert judge(claim, Sources(pool({"a": 60.0, "b": 20.0}, std_error=0.005))).raw == "reverses"


@pytest.mark.parametrize(("n", "verdict"), [(200, "reproduced"), (199, "not reproduced")])
def test_a_count_is_of_respondents_without_weights(n, verdict):
    """Two groups of 100; no adjustment changes how many there are."""
    claim = Claim("C", "count", references={"between.0": at("a"), "between.1": at("b")}, numbers={"n": float(n)})
    found = judge(claim, Sources(pool({"a": 50.0, "b": 40.0}), pool({"a": 45.0, "b": 40.0})))
    assert (found.raw, found.likelihood, found.verdict) == (verdict, "", verdict)
    assert found.reason == f"200 respondents, {n} printed"
    missing = {at("a"): 3.0, at("b"): 12.0}
    found = judge(claim, Sources(pool({"a": 50.0, "b": 40.0}), unanswered=missing.__getitem__))
    told = "" if n == 200 else "; 15 more are in the domain but gave no answer: 215 with them"
    assert (found.verdict, found.reason) == (verdict, f"200 respondents, {n} printed{told}")
    absent = judge(claim, Sources(pool({"a": 50.0})))
    assert (absent.verdict, absent.reason) == ("cannot be tested", "no raw number for y = yes (g b)")
    assert printed_text(claim, {}) == str(n)


def conjunction(*parts: Claim) -> Claim:
    return Claim("C", "all", parts=parts)


@pytest.mark.parametrize(("c", "verdict"), [(40.0, "holds"), (50.0, "undecided"), (60.0, "reverses")])
def test_a_conjunction_is_intersection_union(c, verdict):
    found = judge(conjunction(order("a", "b"), order("a", "c")), Sources(pool({"a": 50.0, "b": 40.0, "c": c})))
    assert found.raw == verdict


def test_the_missing_is_named():
    found = judge(order("a", "z"), Sources(pool({"a": 50.0})))
    assert (found.verdict, found.reason) == ("cannot be tested", "no raw number for y = yes (g z)")
    claim = Claim("C", "all", missing="another survey")
    assert judge(claim, Sources(pool({"a": 50.0}))).reason == "another survey"


def why(household: float, gender: float) -> pd.DataFrame:
    """Group a moves by these parts, group b stays."""
    rows = [("a", "household", household), ("a", "gender", gender), ("a", "difference", household + gender)]
    rows += [("b", "household", 0.0), ("b", "gender", 0.0), ("b", "difference", 0.0)]
    table = pd.DataFrame(rows, columns=["g", "part", "percentage_points"])
    return table.assign(outcome="y", category="yes")[["g", "outcome", "category", "part", "percentage_points"]]


@pytest.mark.parametrize(("lang", "expected"), [
    ("en", "adjustment moved it by -19.0 points, of which most by household (-21.0); then gender +2.0"),
    ("nl", "door de correctie veranderde het getal met -19.0 punt, het meest door household (-21.0); daarna gender +2.0"),
])  # fmt: skip
def test_a_flip_names_its_largest_part(lang, expected):
    parts = parts_of([why(-21.0, 2.0)])
    sources = Sources(pool({"a": 60.0, "b": 50.0}), pool({"a": 41.0, "b": 50.0}), None, parts, lang=lang)
    found = judge(order("a", "b"), sources)
    assert (found.raw, found.verdict) == ("holds", "reverses")
    assert found.reason.endswith(expected)


def test_what_does_not_flip_has_no_cause():
    parts = parts_of([why(-1.0, 0.0)])
    found = judge(order("a", "b"), Sources(pool({"a": 60.0, "b": 50.0}), pool({"a": 59.0, "b": 50.0}), None, parts))
    assert (found.raw, found.verdict) == ("holds", "holds")
    assert "household" not in found.reason


def drawn(mean: dict[str, float], sd: float, seed: int = 1, outcome: str = "y", origin: str = "p"):
    rng = np.random.default_rng(seed)
    draws = np.column_stack([rng.normal(value / 100.0, sd, 20_000) for value in mean.values()])
    return shares(mean, outcome=outcome, draws=draws, origin=origin)


def test_the_posterior_probability_of_an_order_counts_draws():
    raw = pool({"a": 52.0, "b": 50.0})
    bayes = pool_of([drawn({"a": 52.0, "b": 50.0}, 0.01)])
    found = judge(order("a", "b"), Sources(raw, None, bayes))
    # 20,000 draws: Monte Carlo error 0.002
    np.testing.assert_allclose(found.probability, stats.norm.cdf(2.0 / SE), rtol=0, atol=0.006)
    assert (found.likelihood, found.bayes, found.verdict) == ("", "undecided", "undecided")
    assert "Bayes 2.0" in found.reason


def test_a_conjunction_counts_draws_of_one_posterior_together():
    """Two orders share their lesser group, so they hold together more often than independence says."""
    mean = {"a": 50.0, "b": 50.0, "c": 50.0}
    found = judge(conjunction(order("a", "b"), order("a", "c")), Sources(pool(mean), None, pool_of([drawn(mean, 0.01)])))  # fmt: skip
    np.testing.assert_allclose(found.probability, 1.0 / 3.0, rtol=0, atol=0.012)


def test_a_conjunction_over_two_posteriors_has_bonferronis_bound():
    one, two = drawn({"a": 51.0, "b": 50.0}, 0.01), drawn({"a": 51.0, "b": 50.0}, 0.01, 2, "z", "q")
    second = Claim("C", "order", references={"greater": at("a", "z"), "lesser": at("b", "z")})
    raw = pool_of([shares({"a": 51.0, "b": 50.0}), shares({"a": 51.0, "b": 50.0}, outcome="z")])
    found = judge(conjunction(order("a", "b"), second), Sources(raw, None, pool_of([one, two])))
    single = stats.norm.cdf(1.0 / SE)
    np.testing.assert_allclose(found.probability, 1.0 - 2.0 * (1.0 - single), rtol=0, atol=0.012)
    assert np.isnan(joint_probability(()))


def test_engines_that_disagree_say_so():
    raw = likelihood = pool({"a": 52.5, "b": 50.0})
    bayes = pool_of([drawn({"a": 51.0, "b": 50.0}, 0.01)])
    found = judge(order("a", "b"), Sources(raw, likelihood, bayes))
    assert (found.likelihood, found.bayes, found.verdict) == ("holds", "undecided", "holds")
    assert "; Bayes says undecided (probability 0.7" in found.reason


def printed(**values: float) -> Article:
    return Article(published=tuple(Published(name, at(name), value, "integer", "") for name, value in values.items()))


@pytest.mark.parametrize(
    ("a", "b", "margin", "verdict"),
    [(63, 50, 11.9, "holds"), (63, 50, 12.0, "undecided"), (63, 50, 14.0, "reverses"), (63, 50, 12.5, "undecided")],
)
def test_printed_numbers_judge_an_order_whatever_was_rounded(a, b, margin, verdict):
    """63 and 50 may differ by 12 to 14; an order wants more than its margin."""
    numbers = printed_numbers(printed(a=a, b=b))
    assert printed_verdict(order("a", "b", margin), numbers) == verdict


def test_printed_text_shows_numbers_and_verdict():
    numbers = printed_numbers(printed(a=63, b=50))
    assert printed_text(order("a", "b"), numbers) == "63%; 50%: holds"
    assert printed_text(conjunction(order("a", "b"), order("a", "c")), numbers) == "63%; 50%"
    assert printed_text(order("c", "d"), numbers) == ""


def test_a_reference_is_found_whatever_the_order_of_its_group():
    one = Reference("y", "yes", (("g", "a"), ("h", "b")))
    other = Reference("y", "yes", (("h", "b"), ("g", "a")))
    numbers = printed_numbers(Article(published=(Published("P", one, 63.0, "integer", ""),)))
    claim = Claim("C", "value", references={"at": other}, numbers={"value": 63.0})
    assert printed_text(claim, numbers) == "63%: holds"


def test_every_kind_has_its_rule_in_both_languages():
    from wwm_models.claims.claim_kinds import CLAIM_KINDS as KINDS

    assert set(RULES) == set(KINDS)
    for lang in ("nl", "en"):
        text = rules_text(KINDS, lang, 0.9)
        assert len(text) == len(KINDS) + 1
        assert any("90%" in line for line in text)
        assert any("10%" in line for line in text)
