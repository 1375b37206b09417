"""What the text of a fit and its rows of diagnostics.csv must tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.messages import collected
from wwm_models.study.diagnostics import diagnostics


@pytest.fixture(scope="module")
def holes(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(x=frame["x"].where(frame.index > 4))


def test_the_summary_names_estimand_design_and_everybody_left_out(holes, of_kind):
    survey = of_kind(holes, "domain")
    text = wwm.fit(wwm.Model("y ~ age + x"), survey).summary()
    kept = int((survey.domain & holes["x"].notna()).sum())
    for line in (
        "P(Y <= k) = F(cut_k - x b)",
        "never < rarely < often < daily",
        "design, 16 design degrees of freedom",
        f"{kept} (effective ",
        "design effect of weighting ",
        "4 strata, 20 sampling units",
        "(pseudo)",
        f"Outside the domain: {int((~survey.domain).sum())} rows; they keep the sampling design.",
        "Estimand: conditional on age, x; for percentages use adjusted(fit, by=...).",
        "Odds ratios are not comparable across models or populations",
    ):
        assert line in text
    assert "t   P>|t|" in text


def test_the_summary_counts_excluded_rows_by_reason(holes):
    text = wwm.fit(wwm.Model("y ~ age + x"), wwm.Survey.from_frame(holes, weight=None)).summary()
    assert "Excluded: x: missing: 5 rows." in text
    assert "respondents taken as independent" in text


def test_every_number_of_the_summary_is_that_of_the_fit(holes, of_kind):
    fit = wwm.fit(wwm.Model("y ~ age + x"), of_kind(holes, "design"))
    critical = 2.119905  # of t with 16 degrees of freedom, tables
    for name in ("never|rarely", "age[50-64]", "x"):
        row = next(line for line in fit.summary().splitlines() if line.startswith(f"{name} ")).split()
        b, error = fit.params[name], fit.std_errors[name]
        shown = [float(cell) for cell in row[1:]]
        expected = [b, error, b / error, shown[3], b - critical * error, b + critical * error]
        np.testing.assert_allclose(shown[:6], expected, atol=6e-4)
        if "|" not in name:
            np.testing.assert_allclose(shown[6], np.exp(b), atol=6e-4)


@pytest.mark.parametrize("options", [{"link": "probit"}, {"scale": "~ x"}])
def test_no_odds_ratio_where_there_is_none(frame, options):
    text = wwm.fit(wwm.Model("y ~ age", **options), wwm.Survey.from_frame(frame, weight=None)).summary()
    assert "odds ratio" not in text.lower()


def test_the_summary_shows_structure_and_pooled_levels(frame):
    turned = frame.assign(age=frame["age"].cat.reorder_categories(["50-64", "18-34", "35-49"], ordered=True))
    survey = wwm.Survey.from_frame(turned, weight=None)
    text = wwm.fit(wwm.Model("y ~ mo(age) + x", thresholds="equidistant", thresholds_by="household"), survey).summary()
    assert "equidistant, for each household" in text
    assert "Monotonic terms: fixed at zero because they would turn the direction: mo(age)[35-49]." in text


def test_a_penalised_fit_says_so(frame):
    text = wwm.fit(wwm.Model("y ~ age"), wwm.Survey.from_frame(frame, weight=None), penalty="jeffreys").summary()
    assert "maximum likelihood, jeffreys penalty" in text


def rows_of(fit: wwm.Fit) -> pd.DataFrame:
    return diagnostics(fit, "total").set_index("check")


def test_diagnostics_hold_kish_and_dumouchel_duncan_for_weighted_fits(frame, of_kind):
    fit = wwm.fit(wwm.Model("y ~ age + x"), of_kind(frame, "sampling"))
    rows, w = rows_of(fit), frame["w"]
    kish = len(w) * (w**2).sum() / w.sum() ** 2
    np.testing.assert_allclose(rows.loc["design_effect_of_weights", "value"], kish, rtol=1e-12)
    np.testing.assert_allclose(rows.loc["n_effective", "value"], len(w) / kish, rtol=1e-12)
    np.testing.assert_allclose(rows.loc["weights_matter_p", "value"], wwm.weights_matter(fit).p_value, rtol=1e-12)
    assert "second_opinion" not in rows.index


def test_diagnostics_set_the_size_beside_the_test_of_proportional_odds(frame):
    fit = wwm.fit(wwm.Model("y ~ age + x"), wwm.Survey.from_frame(frame, weight=None))
    rows = rows_of(fit)
    np.testing.assert_allclose(rows.loc["proportional_odds_p", "value"], wwm.brant(fit).p_value, rtol=1e-12)
    largest = wwm.po_size(fit)["percentage_points"].max()
    np.testing.assert_allclose(rows.loc["proportional_odds_points", "value"], largest, rtol=1e-12)
    assert rows.loc["second_opinion", "value"] < 1e-5
    assert rows.loc["second_opinion", "status"] == "ok"
    assert "weights_matter_p" not in rows.index


@pytest.mark.parametrize(
    "problem",
    [np.linalg.LinAlgError("Singular matrix"), ValueError("x"), RuntimeError("y"), ImportError("z")],
    ids=repr,
)
@pytest.mark.parametrize("family", ["cumulative", "multinomial"])
def test_a_second_opinion_that_fails_is_its_own_row(frame, monkeypatch, family, problem):
    fit = wwm.fit(wwm.Model("y ~ age", family=family), wwm.Survey.from_frame(frame, weight=None))

    def stopping(*given, **options):
        raise problem

    monkeypatch.setattr("statsmodels.miscmodels.ordinal_model.OrderedModel.fit", stopping)
    monkeypatch.setattr("statsmodels.discrete.discrete_model.MNLogit.fit", stopping)
    with collected() as found:
        row = rows_of(fit).loc["second_opinion"]
    assert (np.isnan(row["value"]), row["status"]) == (True, "info")
    assert row["message"] == (
        f"statsmodels stopped with {type(problem).__name__} ({str(problem)!r}). Expected its estimates beside ours. This fit has no second "
        "opinion, so rely on its gradient and condition number."
    )
    assert found[row["message"]][0] == "statsmodels_stopped"


def test_diagnostics_of_a_monotonic_fit_still_have_the_size(frame):
    turned = frame.assign(age=frame["age"].cat.reorder_categories(["50-64", "18-34", "35-49"], ordered=True))
    rows = rows_of(wwm.fit(wwm.Model("y ~ mo(age) + x"), wwm.Survey.from_frame(turned, weight=None)))
    assert rows.loc["proportional_odds_points", "value"] > 0
    assert "fixed at zero" in rows.loc["warning", "message"]
