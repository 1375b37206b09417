"""Many comparisons at once: Holm's p-values and the law of the largest |t|."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

import wwm_models as wwm
from wwm_models.numerics.maximum import holm, max_t

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
