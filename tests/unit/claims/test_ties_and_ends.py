"""Verdicts at ends and ties: "more than" is strict, halves are rounded either way, and what nobody gave decides nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from article_inventions import at, order, pool, shares

from wwm_models.claims.article import Article, Claim, Published
from wwm_models.claims.comparison import comparison_table
from wwm_models.claims.fragility import satisfies
from wwm_models.claims.lookup import EstimateIndex, pool_of
from wwm_models.claims.verdicts import Sources, judge, printed_verdict
from wwm_models.estimates.number_key import NumberKey

SIDES = {"numerator": at("a"), "denominator": at("b")}
BETWEEN = {"between.0": at("a"), "between.1": at("b")}
NOBODY = "nobody gave this answer, and how certain that is cannot be estimated"
EVERYBODY = "everybody gave this answer, and how certain that is cannot be estimated"
EQUAL = "equal without uncertainty, and more than needs a difference"
NO_RATIO = "nobody gave the answer on one side, so their ratio cannot be estimated"

above = Claim("C", "bound", references={"at": at("a")}, numbers={"above": 0.0})
below = Claim("C", "bound", references={"at": at("a")}, numbers={"below": 5.0})
alike = Claim("C", "equivalence", references=BETWEEN, numbers={"margin": 5.0})
ratio = Claim("C", "ratio", references=SIDES, numbers={"lower": 1.0})


def certain(**values: float) -> EstimateIndex:
    """Shares with a standard error of 0, as those of an answer that nobody gave have."""
    return pool(values, std_error=0.0)


def drawn(**values: float) -> EstimateIndex:
    """A posterior that has never seen the answer: every draw is the same."""
    return pool_of([shares(values, draws=np.tile(np.array(list(values.values())) / 100.0, (50, 1)), origin="p")])


@pytest.mark.parametrize(
    ("claim", "values", "why"),
    [
        (order("a", "b"), {"a": 0.0, "b": 0.0}, NOBODY),
        (order("b", "a"), {"a": 0.0, "b": 0.0}, NOBODY),
        (order("a", "a"), {"a": 40.0}, EQUAL),
        (order("a", "b"), {"a": 100.0, "b": 100.0}, EVERYBODY),
        (order("a", "b", 10.0), {"a": 40.0, "b": 30.0}, EQUAL),
        (alike, {"a": 0.0, "b": 0.0}, NOBODY),
        (ratio, {"a": 0.0, "b": 0.0}, NO_RATIO),
        (ratio, {"a": 10.0, "b": 0.0}, NO_RATIO),
        (ratio, {"a": 0.0, "b": 10.0}, NO_RATIO),
        (ratio, {"a": 10.0, "b": 10.0}, EQUAL),
        (above, {"a": 0.0}, NOBODY),
        (below, {"a": 0.0}, NOBODY),
    ],
)
def test_equal_without_uncertainty_decides_nothing_and_says_why(claim: Claim, values: dict[str, float], why: str):
    both = {"a": 0.0, "b": 0.0} | values
    for sources in (
        Sources(certain(**values)),
        Sources(certain(**values), certain(**values)),
        Sources(certain(**values), None, drawn(**values)),
        Sources(certain(**values), certain(**values), drawn(**values)),
    ):
        found = judge(claim, sources)
        assert {found.raw, found.likelihood, found.bayes} <= {"undecided", ""}
        assert found.verdict in ("undecided", "cannot be tested")
        assert found.reason.split("; ")[1] == why
    whole = Claim("W", "all", parts=(claim, order("c", "d")))
    known = pool_of([shares(both, std_error=0.0), shares({"c": 60.0, "d": 20.0})])
    # the two tables are independent of each other, and the second part alone holds
    found = judge(whole, Sources(known, known))
    assert found.verdict == "undecided"
    assert why in found.reason


@pytest.mark.parametrize(("limits", "verdict"), [((0.0, 2.6), "undecided"), ((0.1, 2.6), "holds")])
def test_above_nothing_holds_only_where_the_interval_leaves_nothing_out(limits: tuple[float, float], verdict: str):
    """Nobody of 140: Korn and Graubard's interval is [0.0, 2.6]."""
    estimates = shares({"a": 0.0 if limits[0] == 0 else 1.0})
    table = estimates.table.assign(lower=limits[0] / 100.0, upper=limits[1] / 100.0)
    assert judge(above, Sources(pool_of([dataclasses.replace(estimates, table=table)]))).raw == verdict


@pytest.mark.parametrize(
    "claim", [above, below, order("a", "b"), alike, ratio, Claim("W", "all", parts=(above, ratio))]
)
def test_without_an_interval_a_claim_is_undecided(claim: Claim):
    """One sampling unit: a percentage, and nothing by which its error could be known."""
    estimates = shares({"a": 40.0, "b": 20.0})
    table = estimates.table.assign(std_error=np.nan, lower=np.nan, upper=np.nan)
    unknown = dataclasses.replace(estimates, table=table, covariance=np.full((2, 2), np.nan))
    for adjusted in (None, pool_of([unknown]), pool({"a": 40.0, "b": 20.0})):
        found = judge(claim, Sources(pool_of([unknown]), adjusted))
        assert found.raw == "undecided"
        assert found.likelihood in ("undecided", "holds", "reverses", "")
        assert "its uncertainty cannot be estimated" in found.reason
        assert "nan" not in found.reason


def value(number: float, rounding: str) -> Claim:
    return Claim("C", "value", references={"at": at("a")}, numbers={"value": number}, rounding=rounding)


def span(lower: float, upper: float, rounding: str) -> Claim:
    return Claim("C", "range", references={"at": at("a")}, numbers={"lower": lower, "upper": upper}, rounding=rounding)


@pytest.mark.parametrize(
    ("claim", "ends"),
    [
        (value(62.0, "integer"), (61.5, 62.5)),
        (value(63.0, "integer"), (62.5, 63.5)),
        (value(0.0, "integer"), (0.0, 0.5)),
        (value(100.0, "integer"), (99.5, 100.0)),
        (value(30.3, "decimal"), (30.25, 30.35)),
        (value(0.3, "decimal"), (0.25, 0.35)),
        (value(62.5, "none"), (62.5, 62.5)),
        (span(34.0, 40.0, "integer"), (33.5, 40.5)),
        (span(34.0, 40.0, "decimal"), (33.95, 40.05)),
        (span(34.0, 40.0, "none"), (34.0, 40.0)),
    ],
)
def test_a_printed_number_is_one_closed_interval_wherever_it_is_read(claim: Claim, ends: tuple[float, float]):
    """Ledger, fragility, comparison and the printed numbers agree to the last digit, and 0.1 + 0.2 is 0.3."""
    low, high = ends
    inside = [low, high, (low + high) / 2.0, 100.0 * (low / 100.0), 100.0 * (high / 100.0)]
    outside = [end for end in (low - 1e-4, high + 1e-4) if 0.0 <= end <= 100.0]
    for share, verdict in [(one, "reproduced") for one in inside] + [(one, "not reproduced") for one in outside]:
        assert judge(claim, Sources(certain(a=share))).raw == verdict
        assert satisfies(claim, {NumberKey.of("y", "yes", [("g", "a")]): share / 100.0}) is (verdict == "reproduced")
    region = claim.region
    np.testing.assert_allclose((region.lower, region.upper), ends, rtol=0, atol=1e-9)
    if claim.kind == "value":
        number = Published("P", at("a"), claim.numbers["value"], claim.rounding, "")
        article = Article(published=(number,))
        np.testing.assert_allclose(number.limits, np.array(ends) / 100.0, rtol=0, atol=1e-11)
        row = comparison_table(article, "total", shares({"a": 50.0}), shares({"a": 50.0})).iloc[0]
        np.testing.assert_allclose((row["published_lower"], row["published_upper"]), number.limits, rtol=0, atol=1e-15)
        assert printed_verdict(claim, {at("a"): number}) == "holds"


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [(63.0, 62.0, "undecided"), (63.0, 61.0, "holds"), (62.0, 63.0, "reverses"), (63.0, 63.0, "undecided")],
)
def test_two_printed_numbers_order_only_what_rounding_cannot_undo(a: float, b: float, said: str):
    """62.5 is printed as 63 by one program and as 62 by another, so 63 and 62 may be equal."""
    numbers = {at(name): Published(name, at(name), number, "integer", "") for name, number in (("a", a), ("b", b))}
    assert printed_verdict(order("a", "b"), numbers) == said
