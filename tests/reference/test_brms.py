"""The posterior of the Copenhagen tenants beside brms 2.18.0's (benchmarks/housing/with_brms.R), with slopes that are as good as flat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm

HERE = Path(__file__).parent
NAMES = {
    "b_InflMedium": "Infl[Medium]", "b_InflHigh": "Infl[High]", "b_ContHigh": "Cont[High]", "b_Intercept[1]": "Low|Medium",
    "b_Intercept[2]": "Medium|High",
}  # fmt: skip
LEVELS = {
    "Sat": ["Low", "Medium", "High"],
    "Infl": ["Low", "Medium", "High"],
    "Cont": ["Low", "High"],
    "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
}
# Both are means of some thousand draws with a standard deviation of at most 0.13: four standard errors of their difference, and the prior of the cut points.
MEAN, SD = 0.02, 0.01


@pytest.mark.slow
def test_draws_agree_with_brms():
    cells = pd.read_csv(HERE / "housing_polr_logit" / "data.csv")
    for name, levels in LEVELS.items():
        cells[name] = pd.Categorical(cells[name], levels, ordered=name == "Sat")
    survey = wwm.Survey.from_frame(cells, weight="Freq", weight_kind="frequency")
    post = wwm.sample(
        wwm.Model("Sat ~ Infl + Type + Cont", family="cumulative"), survey, seed=1, priors={"slopes": "normal(0, 10)"}
    )
    expected = pd.read_csv(HERE / "housing_brms" / "expected.csv", index_col="name")
    for printed, name in NAMES.items():
        draws = post.draws[:, list(post.design.names).index(name)]
        np.testing.assert_allclose(draws.mean(), expected.loc[printed, "mean"], rtol=0, atol=MEAN, err_msg=name)
        np.testing.assert_allclose(draws.std(ddof=1), expected.loc[printed, "sd"], rtol=0, atol=SD, err_msg=name)
    everyone = wwm.adjusted(post, covariates="fixed").table.iloc[0]
    np.testing.assert_allclose(everyone["estimate"], expected.loc["P(Low)", "mean"], rtol=0, atol=0.002)
    for by, high, low, printed in (
        ("Infl", "High", "Low", "P(Low), influence high minus low"),
        ("Type", "Terrace", "Tower", "P(Low), terrace minus tower"),
    ):
        table = wwm.contrasts(wwm.adjusted(post, by, covariates="fixed"), by, pairwise=True).table
        row = table[(table["category"] == "Low") & (table["contrast"] == f"{high} - {low}")].iloc[0]
        np.testing.assert_allclose(row["estimate"], expected.loc[printed, "mean"], rtol=0, atol=0.004)
        np.testing.assert_allclose(row["std_error"], expected.loc[printed, "sd"], rtol=0, atol=0.002)
