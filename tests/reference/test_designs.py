"""Strata, sampling units and finite population corrections against R's survey package."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm

ANSWERS = ("never", "few_times_a_year", "once_a_month", "once_a_week", "more_than_once_a_week", "mainly_at_home")


def test_api_svyolr_keeps_incomplete_rows_in_the_design(case):
    """A one-stage cluster sample with fpc; 26 rows without avg.ed stay in the design (broom's page of svyolr)."""
    fit = case("api_svyolr").fit("main")
    assert (fit.vcov_kind, fit.design_df, fit.n) == ("design", 14, 157)


@pytest.fixture(scope="module")
def gss(shared):
    """Americans of 2018 as gss2018_design/README.md recodes them; rows with an unknown answer are outside the domain."""
    table = pd.read_csv(shared("..", "data", "gss2018.csv"))
    kids = table["babies"] + table["preteen"] + table["teens"]
    partner = table["marcohab"].map({1: True, 2: True, 3: False})
    household = pd.Series(pd.NA, index=table.index, dtype="object")
    for name, where in {
        "couple_no_children": partner.eq(True) & kids.eq(0),
        "couple_children": partner.eq(True) & kids.gt(0),
        "single_parent": partner.eq(False) & kids.gt(0),
        "single": partner.eq(False) & kids.eq(0) & table["hompop"].eq(1),
    }.items():
        household[where] = name
    frame = pd.DataFrame(
        {
            "wrkhome": pd.Categorical(table["wrkhome"].map(dict(enumerate(ANSWERS, 1))), ANSWERS, ordered=True),
            "age_group": pd.cut(table["age"], [18, 35, 50, 65], right=False, labels=["18-34", "35-49", "50-64"]),
            "household": pd.Categorical(household, ["single", "single_parent", "couple_children", "couple_no_children"]),
            "sex": pd.Categorical(table["sex"].map({1: "male", 2: "female"}), ["male", "female"]),
            "degree": pd.Categorical(table["degree"].map(dict(enumerate(["lths", "hs", "aa", "ba", "grad"]))), ["lths", "hs", "aa", "ba", "grad"]),
            "wtssall": table["wtssall"], "vstrat": table["vstrat"], "vpsu": table["vpsu"],
        }
    )  # fmt: skip
    inside = frame[["wrkhome", "age_group", "household"]].notna().all(axis=1)
    reference = json.loads(shared("gss2018_design", "reference.json").read_text(encoding="utf-8"))
    survey = wwm.Survey.from_frame(frame, weight="wtssall", strata="vstrat", psu="vpsu", domain=inside)
    return survey, reference


def test_gss_fit(gss):
    survey, reference = gss
    fit = wwm.fit(wwm.Model("wrkhome ~ age_group + household + sex + degree"), survey)
    assert (fit.n, fit.design_df) == (reference["n"], reference["design_df"])
    ours = {name.replace("[", "").replace("]", ""): name for name in fit.params.index}
    for name, value in {**reference["fit"]["coef"], **reference["fit"]["cut"]}.items():
        np.testing.assert_allclose(fit.params[ours[name]], value, rtol=0, atol=1e-4, err_msg=name)
    for name, value in reference["fit"]["se"].items():
        np.testing.assert_allclose(fit.std_errors[ours[name]], value, rtol=1e-3, err_msg=name)


def test_gss_shares_overall(gss):
    survey, reference = gss
    table = wwm.raw(survey, "wrkhome").table.set_index("category")
    for name in ANSWERS:
        mean, se = (reference["overall"][part][f"wrkhome{name}"] for part in ("mean", "se"))
        np.testing.assert_allclose(table.loc[name, "estimate"], mean, rtol=0, atol=1e-8)
        np.testing.assert_allclose(table.loc[name, "std_error"], se, rtol=1e-6)


def test_gss_shares_by_age(gss):
    survey, reference = gss
    table = wwm.raw(survey, "wrkhome", "age_group").table.set_index(["age_group", "category"])
    assert len(reference["by_age"]) == 3
    for row in reference["by_age"]:
        for name in ANSWERS:
            ours = table.loc[(row["age_group"], name)]
            np.testing.assert_allclose(ours["estimate"], row[f"wrkhome{name}"], rtol=0, atol=1e-8)
            np.testing.assert_allclose(ours["std_error"], row[f"se.wrkhome{name}"], rtol=1e-6)
