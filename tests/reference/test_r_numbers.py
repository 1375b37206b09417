"""Splines, codings, cut points by group and tests of assumptions against R packages (r-4.2.2/make.R) on the same stored data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import wwm_models as wwm

R = json.loads((Path(__file__).parent / "r-4.2.2" / "numbers.json").read_text(encoding="utf-8"))
# clm and svyolr stop at gradients near 1e-10 and 1e-7; what is left of their error shows in the seventh digit
TOLERANCE = 2e-6


@pytest.fixture(scope="module")
def schools(case) -> wwm.Survey:
    return wwm.Survey.from_frame(case("api_svyolr").frame, weight=None)


@pytest.fixture(scope="module")
def wine(case) -> wwm.Survey:
    frame = case("wine_clm_po").frame
    bottle = pd.Categorical(frame["bottle"].astype(int).astype(str), [str(k) for k in range(1, 9)], ordered=True)
    return wwm.Survey.from_frame(frame.assign(bottle=bottle), weight=None)


@pytest.fixture(scope="module")
def housing(case) -> wwm.Fit:
    return wwm.fit(wwm.Model("Sat ~ Infl + Type + Cont"), case("housing_polr_logit").survey)


def test_natural_spline_fits_what_splines_ns_fits(schools):
    fit = wwm.fit(wwm.Model("mealcat ~ ns(mobility, df=3) + stype"), schools)
    np.testing.assert_allclose(fit.loglik, R["ns.loglik"][0], rtol=1e-9)
    at = pd.DataFrame({"mobility": [float(x) for x in R["ns.eta"]], "stype": "E"})
    first = wwm.predict(fit, at).iloc[:, 0].to_numpy()
    np.testing.assert_allclose(np.log(first / (1 - first)), list(R["ns.eta"].values()), rtol=TOLERANCE, atol=TOLERANCE)


def test_natural_spline_columns_are_those_of_rms_rcs(schools):
    fit = wwm.fit(wwm.Model("mealcat ~ ns(mobility, df=3) + stype"), schools)
    ours = fit.params[[f"ns(mobility, df=3)[{j}]" for j in range(3)]]
    np.testing.assert_allclose(
        ours, list(R["rcs.coef"].values()), rtol=1e-5
    )  # lrm stops at a relative change of 1e-12 in deviance


def test_polynomial_coding_is_contr_poly(wine):
    fit = wwm.fit(wwm.Model("rating ~ C(bottle, Poly)"), wine)
    ours = fit.params[[name for name in fit.params.index if name.startswith("C(")]]
    np.testing.assert_allclose(ours, list(R["poly.coef"].values()), rtol=TOLERANCE, atol=TOLERANCE)


def test_cut_points_by_group_are_nominal_effects(wine):
    fit = wwm.fit(wwm.Model("rating ~ temp", thresholds_by="contact"), wine)
    np.testing.assert_allclose(fit.loglik, R["grouped.loglik"][0], rtol=1e-9)
    ours = fit.params[[name for name in fit.params.index if name.endswith(":contact[yes]")]]
    np.testing.assert_allclose(ours, list(R["grouped.yes"].values()), rtol=TOLERANCE)


@pytest.mark.parametrize("term", ["Infl", "Type", "Cont"])
def test_nominal_and_scale_tests_are_those_of_ordinal(housing, term):
    for ours, theirs in (
        (wwm.nominal_test(housing), R[f"nominal.{term}"]),
        (wwm.scale_test(housing), R[f"scale.{term}"]),
    ):
        for name, value in theirs.items():
            np.testing.assert_allclose(ours.table.loc[term, name], value, rtol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize("term", ["stype", "avg.ed"])
def test_wald_test_under_a_design(case, term):
    """The same W as from svyolr's covariance; F = (d - q + 1) / (d q) W with d = 14 on (q, d - q + 1) degrees of freedom."""
    test = wwm.wald_test(case("api_svyolr").fit("main"), term)
    q, d = int(test.df), 14
    assert (q, test.df2) == (2 if term == "stype" else 1, d - q + 1)
    plain = stats.chi2.sf(test.statistic * d * q / (d - q + 1), q)
    np.testing.assert_allclose(plain, R[f"wald.{term}"]["p_chisq"], rtol=5e-3)  # regTermTest without a denominator's df
    # svyolr's numerical Hessian leaves the covariance right to about four digits
    np.testing.assert_allclose(test.statistic, R[f"wald.{term}"]["W"] * (d - q + 1) / (d * q), rtol=1e-3)
