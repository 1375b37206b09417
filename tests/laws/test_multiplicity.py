"""Many comparisons at once: Holm's p-values and the law of the largest |t|."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

import wwm_models as wwm
from wwm_models.claims.article import Claim
from wwm_models.claims.verdicts import Sources, judge
from wwm_models.numerics.multiplicity import holm, largest_excess, max_t

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "claims"))
from article_inventions import at, order, pool

# 2**17 quasi-random points: the 95% point of the maximum is stable to 0.002, as numerics/maximum.py says; at 99% to 0.005
TOLERANCE = {0.8: 0.002, 0.95: 0.002, 0.99: 0.005}
DF = (np.inf, 10.0)


@pytest.mark.parametrize("level", TOLERANCE)
@pytest.mark.parametrize("df", DF)
def test_a_single_comparison_needs_no_correction(level, df):
    critical, p_values = max_t(np.eye(1), np.array([2.0]), df, level)
    np.testing.assert_allclose(critical, stats.t.ppf(0.5 + level / 2.0, df), rtol=0, atol=TOLERANCE[level])
    np.testing.assert_allclose(p_values[0], 2.0 * stats.t.sf(2.0, df), rtol=0, atol=1e-4)


@pytest.mark.parametrize("level", TOLERANCE)
@pytest.mark.parametrize("count", [2, 5, 12])
def test_independent_comparisons_are_sidak(count, level):
    critical, p_values = max_t(np.eye(count), np.full(count, 2.5), np.inf, level)
    np.testing.assert_allclose(critical, stats.norm.ppf(0.5 + level ** (1.0 / count) / 2.0), rtol=0, atol=0.008)
    np.testing.assert_allclose(p_values, 1.0 - (1.0 - 2.0 * stats.norm.sf(2.5)) ** count, rtol=0, atol=1e-3)


def test_copies_of_one_comparison_are_one_comparison():
    """A singular correlation: twelve times the same contrast, with either sign, needs no correction."""
    sign = np.tile([1.0, -1.0], 6)
    critical, _ = max_t(np.outer(sign, sign), np.full(12, 1.0), np.inf, 0.95)
    np.testing.assert_allclose(critical, stats.norm.ppf(0.975), rtol=0, atol=0.002)


def test_tukey_is_the_law_of_all_pairwise_differences():
    """Pairwise differences of independent equal means: the studentised range divided by the square root of two."""
    differences = np.array([[1.0, -1.0, 0.0], [1.0, 0.0, -1.0], [0.0, 1.0, -1.0]]) / np.sqrt(2.0)
    critical, _ = max_t(differences @ differences.T, np.zeros(3), 12.0, 0.95)
    expected = stats.studentized_range.ppf(0.95, 3, 12) / np.sqrt(2.0)
    np.testing.assert_allclose(critical, expected, rtol=0, atol=0.005)


@given(p_values=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_holm_is_statsmodels_holm(p_values):
    expected = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(np.array(p_values)), expected, rtol=1e-12, atol=1e-15)


def test_holm_leaves_out_what_is_missing():
    np.testing.assert_allclose(holm(np.array([np.nan, 0.04, 0.01])), [np.nan, 0.04, 0.02])


def test_contrasts_print_holm_or_the_simultaneous_law(logit_response, survey):
    fit = wwm.fit(logit_response.model("y ~ age + x"), survey)
    single = wwm.contrasts(fit, "age").table
    family = wwm.contrasts(fit, "age", simultaneous=True).table
    df = fit.design_df
    t = single["estimate"] / single["std_error"]
    np.testing.assert_allclose(single["p_value"], 2.0 * stats.t.sf(np.abs(t), df), rtol=1e-10)
    np.testing.assert_allclose(single["p_adjusted"], holm(single["p_value"].to_numpy()), rtol=1e-12)
    half = (single["upper"] - single["lower"]) / 2.0 / single["std_error"]
    np.testing.assert_allclose(half, stats.t.ppf(0.975, df), rtol=1e-10)
    wider = (family["upper"] - family["lower"]) / (single["upper"] - single["lower"])
    np.testing.assert_allclose(wider, wider.iloc[0], rtol=1e-10)
    assert 1.0 < wider.iloc[0] < stats.t.ppf(1 - 0.025 / len(single), df) / stats.t.ppf(0.975, df)
    assert (family["p_adjusted"] >= family["p_value"] - 1e-3).all()
    np.testing.assert_allclose(family["p_value"], single["p_value"], rtol=1e-10)


@pytest.mark.parametrize(
    ("df", "count", "printed"),
    [(np.inf, 2, 1.92), (np.inf, 3, 2.06), (np.inf, 5, 2.23), (np.inf, 9, 2.42), (10.0, 2, 2.15), (10.0, 9, 2.81)],
)
def test_one_sided_critical_values_are_those_of_dunnett(df, count, printed):
    """Dunnett (1955), table 1a: several treatments against one control, correlation one half, one-sided 5%; two decimals."""
    law = np.full((count, count), 0.5) + 0.5 * np.eye(count)
    found = largest_excess(law, np.full(count, np.inf), df, 0.95)
    np.testing.assert_allclose(found, printed, rtol=0, atol=0.0075)


def test_regions_of_a_point_have_the_two_sided_law():
    law = np.full((4, 4), 0.3) + 0.7 * np.eye(4)
    critical, _ = max_t(law, np.zeros(4), np.inf, 0.95)
    np.testing.assert_allclose(largest_excess(law, np.zeros(4), np.inf, 0.95), critical, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_a_true_claim_of_many_numbers_is_contradicted_as_often_as_its_level():
    """Five equal shares, so that a >= b, a >= c, a >= d, a >= e are true by nothing; each alone would reverse at 5%."""
    rng, names = np.random.default_rng(4), "abcde"
    claim = Claim("C", "all", parts=tuple(order("a", other) for other in names[1:]))
    verdicts = Counter(
        judge(claim, Sources(pool(dict(zip(names, 50.0 + rng.normal(size=5), strict=True))))).raw for _ in range(200)
    )
    # 4 orders with a common term: the largest of four excesses 5%, one by one 14%: of 200 draws 10 against 28, give or take 3 and 5
    assert 3 <= verdicts["reverses"] <= 18


def test_an_equivalence_of_many_pairs_reverses_at_the_level_of_all():
    """Six pairs; the worst lies 1.9 standard errors beyond the margin, which contradicts a claim of that pair alone."""
    std_error = np.sqrt(2.0)

    def verdict(excess, names):
        values = {"a": 50.0 + 5.0 + excess * std_error, "b": 50.0, "c": 52.0, "d": 53.0}
        between = {f"between.{number}": at(name) for number, name in enumerate(names)}
        claim = Claim("C", "equivalence", references=between, numbers={"margin": 5.0})
        return judge(claim, Sources(pool(values))).raw

    assert (verdict(1.9, "ab"), verdict(1.9, "abcd"), verdict(2.6, "abcd")) == ("reverses", "undecided", "reverses")
