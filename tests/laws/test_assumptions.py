"""Tests of a model's assumptions: what they must equal, what must not change them, and their law when the model is true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import wwm_models as wwm
from wwm_models.errors import AdjustError

AGES = ["18-34", "35-49", "50-64"]


@pytest.fixture(scope="module")
def plain(frame: pd.DataFrame) -> wwm.Survey:
    return wwm.Survey.from_frame(frame, weight=None)


@pytest.fixture(scope="module")
def fit(plain: wwm.Survey) -> wwm.Fit:
    return wwm.fit(wwm.Model("y ~ age + household + x"), plain)


def recoded(frame: pd.DataFrame) -> pd.DataFrame:
    """The same people, with another first level of every factor."""
    return frame.assign(
        age=frame["age"].cat.reorder_categories(AGES[::-1]),
        household=frame["household"].cat.reorder_categories(["family", "single", "couple"]),
    )


TESTS = {
    "brant": wwm.brant,
    "nominal_test": wwm.nominal_test,
    "scale_test": wwm.scale_test,
    "lipsitz": wwm.lipsitz,
    "hosmer_lemeshow": wwm.hosmer_lemeshow,
    "pearson": wwm.pearson,
    "pulkstenis_robinson": lambda fit: wwm.pulkstenis_robinson(fit, ["age", "household"]),
    "wald_test": lambda fit: wwm.wald_test(fit, ["age", "household"]),
}
REFUSED_UNDER_WEIGHTS = ("pulkstenis_robinson",)


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("kind", ["unweighted", "frequency", "sampling", "design"])
def test_the_reference_level_of_a_factor_changes_no_test(frame, of_kind, name, kind):
    if name in REFUSED_UNDER_WEIGHTS and kind in ("sampling", "design"):
        pytest.skip("refused: see test_what_needs_a_likelihood_is_refused_with_the_reason")
    model = wwm.Model("y ~ age + household + x")
    ours, other = (TESTS[name](wwm.fit(model, of_kind(rows, kind))) for rows in (frame, recoded(frame)))
    np.testing.assert_allclose([other.statistic, other.p_value], [ours.statistic, ours.p_value], rtol=1e-6)
    np.testing.assert_allclose([other.df, other.df2], [ours.df, ours.df2], rtol=1e-6)


@pytest.mark.parametrize("name", ["brant", "nominal_test", "scale_test", "lipsitz", "wald_test"])
@pytest.mark.parametrize("kind", ["unweighted", "design"])
def test_reading_the_answers_backwards_changes_no_test(frame, of_kind, name, kind):
    """With a symmetric link the reversed model is the same model."""
    survey = of_kind(frame, kind)
    ours, other = (
        TESTS[name](wwm.fit(wwm.Model("y ~ age + household + x", reverse=reverse), survey)) for reverse in (False, True)
    )
    np.testing.assert_allclose(other.statistic, ours.statistic, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in TESTS if name not in REFUSED_UNDER_WEIGHTS])
def test_a_respondent_counted_twice_within_their_own_unit_changes_no_test(frame, name):
    """A test that forgets the design would take the copies for new respondents."""
    once = frame.assign(person=np.arange(len(frame)))
    twice = pd.concat([once, once], ignore_index=True)
    model = wwm.Model("y ~ age + household + x")
    ours, other = (
        TESTS[name](wwm.fit(model, wwm.Survey.from_frame(rows, weight="w", psu="person"))) for rows in (once, twice)
    )
    np.testing.assert_allclose(other.statistic, ours.statistic, rtol=1e-6)
    np.testing.assert_allclose([other.df, other.df2], [ours.df, ours.df2], rtol=1e-6)


@pytest.mark.parametrize("name", TESTS)
def test_a_frequency_is_that_many_respondents(frame, name):
    rows = frame.loc[frame.index.repeat(frame["f"])].reset_index(drop=True)
    model = wwm.Model("y ~ age + household + x")
    counted = TESTS[name](wwm.fit(model, wwm.Survey.from_frame(frame, weight="f", weight_kind="frequency")))
    people = TESTS[name](wwm.fit(model, wwm.Survey.from_frame(rows, weight=None)))
    np.testing.assert_allclose(counted.statistic, people.statistic, rtol=1e-7)
    assert counted.df == people.df


@pytest.mark.parametrize("name", [*REFUSED_UNDER_WEIGHTS, "likelihood_ratio"])
@pytest.mark.parametrize(("kind", "reason"), [("sampling", "pseudo-likelihood"), ("design", "pseudo-likelihood")])
def test_what_needs_a_likelihood_is_refused_with_the_reason(frame, of_kind, name, kind, reason):
    survey = of_kind(frame, kind)
    small, big = (wwm.fit(wwm.Model(f"y ~ {right}"), survey) for right in ("age + x", "age + x + household"))
    with pytest.raises(AdjustError, match=f"is refused because .*{reason}.*its statistic is not chi-square. Use "):
        _ = wwm.likelihood_ratio(small, big) if name == "likelihood_ratio" else TESTS[name](big)


def test_a_design_without_weights_is_no_likelihood_either(frame):
    survey = wwm.Survey.from_frame(frame, weight=None, strata="stratum", psu="unit")
    small, big = (wwm.fit(wwm.Model(f"y ~ {right}"), survey) for right in ("x", "age + x"))
    with pytest.raises(AdjustError, match="its respondents are not independent"):
        wwm.likelihood_ratio(small, big)


@pytest.mark.parametrize("name", ["nominal_test", "scale_test", "lipsitz"])
def test_under_weights_a_ratio_becomes_a_wald_test_that_says_so(frame, of_kind, name):
    test = TESTS[name](wwm.fit(wwm.Model("y ~ age + household + x"), of_kind(frame, "sampling")))
    assert "Wald" in test.name
    assert "pseudo-likelihood" in test.note


def test_likelihood_ratio_is_the_difference_of_the_maxima(plain):
    small, big = (wwm.fit(wwm.Model(f"y ~ {right}"), plain) for right in ("age + x", "age + x + household"))
    test = wwm.likelihood_ratio(small, big)
    np.testing.assert_allclose(test.statistic, 2 * (big.loglik - small.loglik), rtol=1e-12)
    assert test.df == 2
    np.testing.assert_allclose(test.p_value, stats.chi2.sf(test.statistic, 2), rtol=1e-12)
    with pytest.raises(AdjustError, match="is not inside"):
        wwm.likelihood_ratio(big, small)


def test_likelihood_ratio_refuses_other_rows(frame, plain):
    fewer = wwm.Survey.from_frame(frame.assign(household=frame["household"].where(frame.index > 3)), weight=None)
    small = wwm.fit(wwm.Model("y ~ age"), plain)
    with pytest.raises(AdjustError, match="do not use the same answers"):
        wwm.likelihood_ratio(small, wwm.fit(wwm.Model("y ~ age + household"), fewer))


def test_wald_test_of_one_parameter_is_its_squared_z(fit):
    test = wwm.wald_test(fit, "x")
    np.testing.assert_allclose(test.statistic, (fit.params["x"] / fit.std_errors["x"]) ** 2, rtol=1e-10)


def test_wald_test_under_a_design_is_an_f_with_the_units_left(frame, of_kind):
    """F = (d - q + 1) / (d q) W on (q, d - q + 1), d = 20 units - 4 strata."""
    fit = wwm.fit(wwm.Model("y ~ age + household + x"), of_kind(frame, "design"))
    test = wwm.wald_test(fit, ["age", "household"])
    names = [name for name in fit.params.index if name.startswith(("age", "household"))]
    b, v = fit.params[names].to_numpy(), fit.vcov.loc[names, names].to_numpy()
    np.testing.assert_allclose(test.statistic, 13 / (16 * 4) * b @ np.linalg.solve(v, b), rtol=1e-9)
    assert (test.df, test.df2) == (4, 13)
    np.testing.assert_allclose(test.p_value, stats.f.sf(test.statistic, 4, 13), rtol=1e-10)


def test_too_many_restrictions_for_the_design_are_missing_and_say_so(frame):
    one = wwm.Survey.from_frame(frame.assign(unit=frame["unit"] % 4), weight="w", psu="unit")
    test = wwm.wald_test(wwm.fit(wwm.Model("y ~ age + household + x"), one), ["age", "household"])
    assert np.isnan(test.statistic)
    assert "4 restrictions cannot be tested with 3 degrees of freedom of the design" in test.note


def test_brant_of_one_binary_predictor_by_hand(frame):
    """Two saturated binary fits: log odds ratios with the delta method's covariance from multinomial counts."""
    three = frame.assign(
        y=frame["y"].cat.rename_categories({"daily": "often+"}).astype(str).replace({"often": "often+"}),
        old=pd.Categorical(np.where(frame["age"] == "50-64", "yes", "no")),
    )
    three["y"] = pd.Categorical(three["y"], ["never", "rarely", "often+"], ordered=True)
    test = wwm.brant(wwm.fit(wwm.Model("y ~ old"), wwm.Survey.from_frame(three, weight=None)))
    gap, variance = 0.0, 0.0
    for sign, level in ((1, "yes"), (-1, "no")):
        counts = three.loc[three["old"] == level, "y"].value_counts(sort=False).to_numpy().astype(float)
        n, first, second = counts.sum(), counts[0] / counts.sum(), counts[:2].sum() / counts.sum()
        gap += sign * (np.log(second / (1 - second)) - np.log(first / (1 - first)))
        slope = np.array([-1 / (first * (1 - first)), 1 / (second * (1 - second))])
        shared = (
            np.array([[first * (1 - first), first * (1 - second)], [first * (1 - second), second * (1 - second)]]) / n
        )
        variance += slope @ shared @ slope
    np.testing.assert_allclose(test.statistic, gap**2 / variance, rtol=1e-8)
    assert (test.df, list(test.table.index)) == (1, ["old", "old[yes]"])


def test_brants_covariance_is_that_of_the_influence_where_every_binary_model_is_true():
    """A table whose cut points have their own true slopes: then both covariances are one, blocks and their transposes included."""
    a, b, k = (part.ravel() for part in np.meshgrid(np.arange(4.0), np.arange(4.0), np.arange(4), indexing="ij"))
    many = np.array([[8, 4, 2, 1], [4, 4, 2, 1], [1, 2, 6, 3], [1, 1, 2, 9]])[a.astype(int), b.astype(int)]
    eta = np.array([-2.0, 0.5, 2.5]) - np.outer(a, [1.2, 1.21, 1.22]) + np.outer(b, [0.9, 0.92, 0.91])
    p = np.diff(np.column_stack([np.zeros(len(a)), 1 / (1 + np.exp(-eta)), np.ones(len(a))]))[np.arange(len(a)), k]
    frame = pd.DataFrame({"y": pd.Categorical.from_codes(k, list("wxyz"), ordered=True), "a": a, "b": b})
    survey = wwm.Survey.from_frame(frame.assign(f=np.round(1e8 * many * p)), weight="f", weight_kind="frequency")
    model, robust = (wwm.brant(wwm.fit(wwm.Model("y ~ a + b"), survey, vcov=kind)) for kind in ("model", "robust"))
    np.testing.assert_allclose(
        model.statistic, robust.statistic, rtol=1e-6
    )  # counts are rounded; untransposed blocks give 0.8%
    np.testing.assert_allclose(model.table["statistic"], robust.table["statistic"], rtol=1e-6)


def test_brant_has_a_restriction_per_column_and_further_cut(fit):
    test = wwm.brant(fit)
    assert test.df == 5 * 2
    assert test.table.loc["age", "df"] == 4
    np.testing.assert_allclose(test.table.loc["x", "df"], 2)


def test_brant_refuses_what_has_no_cut_points(plain):
    with pytest.raises(AdjustError, match=r"the adjacent family has none\. Use nominal_test"):
        wwm.brant(wwm.fit(wwm.Model("y ~ age", family="adjacent"), plain))


def test_pearson_of_the_empty_model_is_the_chi_square_of_the_table(frame, plain):
    fit = wwm.fit(wwm.Model("y ~ 1"), plain)
    test = wwm.pearson(fit, by=["age", "household"])
    table = pd.crosstab([frame["age"], frame["household"]], frame["y"]).to_numpy()
    for name, power in (("pearson", None), ("deviance", "log-likelihood")):
        theirs = stats.chi2_contingency(table, correction=False, lambda_=power)
        np.testing.assert_allclose(test.table.loc[name, "statistic"], theirs.statistic, rtol=1e-10)
        np.testing.assert_allclose(test.table.loc[name, "p_value"], theirs.pvalue, rtol=1e-8)
        assert test.df == theirs.dof


def test_pearson_of_equal_weights_is_hardly_corrected(frame, plain):
    """Equal weights and no design: the eigenvalues of the correction are near one, so X2 and its law are nearly those of a table."""
    model = wwm.Model("y ~ age + household")
    ours = wwm.pearson(wwm.fit(model, wwm.Survey.from_frame(frame.assign(w=3.0), weight="w")))
    table = wwm.pearson(wwm.fit(model, plain))
    np.testing.assert_allclose(
        [ours.statistic, ours.df, ours.p_value], [table.statistic, table.df, table.p_value], rtol=0.03
    )
    assert "mean design effect of 0.99" in ours.note


def test_pearson_of_too_many_cells_under_a_design_is_refused(frame, of_kind):
    many = frame.assign(x=np.random.default_rng(8).normal(size=len(frame)))
    bigger = pd.concat([many, many.assign(x=many["x"] + 9)], ignore_index=True)
    with pytest.raises(AdjustError, match="800 patterns of 4 answers are 3200 cells; the correction"):
        wwm.pearson(wwm.fit(wwm.Model("y ~ x"), of_kind(bigger, "sampling")))


def test_pearson_of_a_saturated_model_is_zero_on_no_degrees_of_freedom(plain):
    test = wwm.pearson(wwm.fit(wwm.Model("y ~ age * household", family="multinomial"), plain))
    np.testing.assert_allclose(test.statistic, 0.0, atol=1e-9)
    assert test.df == 0
    assert np.isnan(test.p_value)
    assert "saturated" in test.note


def test_hosmer_lemeshow_by_hand(frame):
    """Without ties: 10 groups of 40 by the expected answer."""
    smooth = frame.assign(x=frame["x"] + np.random.default_rng(2).normal(size=len(frame)))
    fit = wwm.fit(wwm.Model("y ~ x"), wwm.Survey.from_frame(smooth, weight=None))
    p = wwm.predict(fit, smooth).to_numpy()
    group = np.empty(len(p), dtype=int)
    group[np.argsort(p @ np.arange(1, 5))] = np.arange(len(p)) // 40
    observed = pd.crosstab(group, smooth["y"]).to_numpy()
    expected = pd.DataFrame(p).groupby(group).sum().to_numpy()
    test = wwm.hosmer_lemeshow(fit)
    np.testing.assert_allclose(test.statistic, ((observed - expected) ** 2 / expected).sum(), rtol=1e-10)
    assert test.df == 8 * 3 + 2
    halves = wwm.pulkstenis_robinson(
        wwm.fit(wwm.Model("y ~ x + age"), wwm.Survey.from_frame(smooth, weight=None)), "age"
    )
    assert halves.df == (2 * 3 - 1) * 3 - 2 - 1


def test_pulkstenis_robinson_by_hand(frame):
    smooth = frame.assign(x=frame["x"] + np.random.default_rng(2).normal(size=len(frame)))
    fit = wwm.fit(wwm.Model("y ~ x + age"), wwm.Survey.from_frame(smooth, weight=None))
    p = wwm.predict(fit, smooth)
    score = pd.Series(p.to_numpy() @ np.arange(1, 5))
    above = score > score.groupby(smooth["age"], observed=True).transform("median")
    keys = [smooth["age"], above]
    observed = pd.crosstab(keys, smooth["y"]).to_numpy()
    expected = p.groupby(keys, observed=True).sum().to_numpy()
    test = wwm.pulkstenis_robinson(fit, "age")
    np.testing.assert_allclose(test.statistic, ((observed - expected) ** 2 / expected).sum(), rtol=1e-10)
    np.testing.assert_allclose(
        test.table.loc["deviance", "statistic"], 2 * (observed * np.log(observed / expected)).sum(), rtol=1e-10
    )


@pytest.mark.parametrize("groups", [5, 8])
def test_lipsitz_has_a_degree_of_freedom_per_further_group(fit, groups):
    test = wwm.lipsitz(fit, groups)
    assert test.df == groups - 1 == len(test.table)


@pytest.mark.parametrize("test", [wwm.lipsitz, wwm.hosmer_lemeshow])
def test_two_groups_are_refused(fit, test):
    with pytest.raises(
        AdjustError, match=r"^groups=2 is not possible\. Expected a whole number from 3 to 1000000\. Give one\.$"
    ):
        test(fit, 2)


def test_weights_that_are_all_equal_cannot_matter(frame):
    survey = wwm.Survey.from_frame(frame.assign(w=2.5), weight="w")
    test = wwm.weights_matter(wwm.fit(wwm.Model("y ~ age + x"), survey))
    np.testing.assert_allclose(test.table["weighted"], test.table["unweighted"], rtol=1e-9)
    assert np.isnan(test.statistic) or test.p_value > 0.999


def test_weights_that_follow_the_answer_do_matter(frame):
    """Respondents with a high answer at high x are sampled more rarely: the weighted slope differs."""
    high = (frame["y"].cat.codes >= 2) & (frame["x"] > 0)
    fit = wwm.fit(wwm.Model("y ~ age + x"), wwm.Survey.from_frame(frame.assign(w=np.where(high, 4.0, 1.0)), weight="w"))
    test = wwm.weights_matter(fit)
    assert test.df == 3
    assert test.p_value < 1e-6


def test_po_size_is_the_largest_change_of_an_adjusted_percentage(frame, plain):
    fit = wwm.fit(wwm.Model("y ~ age + x"), plain)
    free = wwm.fit(wwm.Model("y ~ age + x", nonproportional=("age", "x")), plain)
    ours, other = (wwm.adjusted(one, "age").table["estimate"].to_numpy() for one in (fit, free))
    size = wwm.po_size(fit)
    np.testing.assert_allclose(size.loc["age", "against_nonproportional"], 100 * np.abs(ours - other).max(), atol=1e-6)


def test_po_size_of_a_single_factor_is_the_distance_to_the_raw_percentages(plain):
    """Freed of parallel slopes, a model with one factor is saturated: both alternatives are the raw percentages."""
    fit = wwm.fit(wwm.Model("y ~ age"), plain)
    raw = wwm.raw(plain, "y", "age").table["estimate"].to_numpy()
    distance = 100 * np.abs(wwm.adjusted(fit, "age").table["estimate"].to_numpy() - raw).max()
    row = wwm.po_size(fit).loc["age"]
    np.testing.assert_allclose([row["against_nonproportional"], row["against_multinomial"]], distance, atol=1e-6)
