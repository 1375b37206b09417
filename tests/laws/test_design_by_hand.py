"""Design-based variances written out: strata, units, population sizes and a domain that misses whole units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm


def binder(contribution: np.ndarray, frame: pd.DataFrame, fraction: float = 0.0) -> float:
    """sum_h (1 - f) n_h / (n_h - 1) sum_j (u_hj - mean_h)^2, over all units of the sample."""
    units = pd.Series(contribution).groupby([frame["stratum"], frame["unit"]]).sum()
    variance = 0.0
    for _, within in units.groupby(level=0):
        n = len(within)
        variance += (1 - fraction) * n / (n - 1) * ((within - within.mean()) ** 2).sum()
    return variance


@pytest.fixture(scope="module")
def inside(frame: pd.DataFrame) -> np.ndarray:
    """A domain without any member of three units, one of them the first of its stratum."""
    return ((frame["x"] > -1.0) & ~frame["unit"].isin([0, 7, 13])).to_numpy()


def test_a_share_in_a_domain_keeps_the_units_without_members(frame, inside):
    survey = wwm.Survey.from_frame(frame, weight="w", strata="stratum", psu="unit", domain=inside)
    table = wwm.raw(survey, "y").table.set_index("category")
    w, often = frame["w"] * inside, frame["y"] == "often"
    share = w[often].sum() / w.sum()
    variance = binder((w * (often - share) / w.sum()).to_numpy(), frame)
    np.testing.assert_allclose(
        table.loc["often", ["estimate", "std_error"]].astype(float), [share, variance**0.5], rtol=1e-10
    )
    subset = wwm.Survey.from_frame(frame[inside].reset_index(drop=True), weight="w", strata="stratum", psu="unit")
    assert abs(wwm.raw(subset, "y").table.set_index("category").loc["often", "std_error"] / variance**0.5 - 1) > 0.01


def test_coefficients_in_a_domain_keep_the_units_without_members(frame, inside):
    """The binary logit has its scores in closed form."""
    yes_no = frame.assign(y=pd.Categorical(np.where(frame["y"] > "rarely", "yes", "no"), ["no", "yes"], ordered=True))
    survey = wwm.Survey.from_frame(yes_no, weight="w", strata="stratum", psu="unit", domain=inside)
    fit = wwm.fit(wwm.Model("y ~ x"), survey)
    assert fit.design_df == 13  # 17 units with members minus 4 strata
    columns = np.column_stack([np.ones(len(frame)), frame["x"]])
    p = 1 / (1 + np.exp(fit.params["no|yes"] - fit.params["x"] * frame["x"]))
    w = (frame["w"] * inside).to_numpy()
    bread = np.linalg.inv((columns * (w * p * (1 - p)).to_numpy()[:, None]).T @ columns)
    influence = (columns * (w * ((yes_no["y"] == "yes") - p)).to_numpy()[:, None]) @ bread
    np.testing.assert_allclose(fit.std_errors["x"], binder(influence[:, 1], frame) ** 0.5, rtol=1e-8)


@pytest.mark.parametrize("fraction", [0.2, 0.75])
def test_a_sampled_fraction_takes_its_part_of_the_variance(frame, fraction):
    plain, corrected = (
        wwm.Survey.from_frame(rows, weight="w", strata="stratum", psu="unit", fpc=fpc)
        for rows, fpc in ((frame, None), (frame.assign(f=fraction), "f"))
    )
    ours, other = (wwm.adjusted(wwm.fit(wwm.Model("y ~ age + x"), one), "age").covariance for one in (plain, corrected))
    np.testing.assert_allclose(other, (1 - fraction) * ours, rtol=1e-9, atol=1e-18)


def test_a_total_counts_the_sampling_of_who_is_in_the_domain(frame, inside):
    survey = wwm.Survey.from_frame(frame, weight="w", strata="stratum", psu="unit", domain=inside)
    row = wwm.total(survey, "x").table.iloc[0]
    contribution = (frame["w"] * inside * frame["x"]).to_numpy()
    np.testing.assert_allclose(
        [row["estimate"], row["std_error"]], [contribution.sum(), binder(contribution, frame) ** 0.5], rtol=1e-9
    )


@pytest.mark.parametrize(("kind", "units"), [("JKn", 5), ("JK1", 20)])
def test_the_jackknife_leaves_out_one_unit_at_a_time(frame, kind, units):
    strata = "stratum" if kind == "JKn" else None
    survey = wwm.replicates(wwm.Survey.from_frame(frame, weight="w", strata=strata, psu="unit"), kind)
    row = wwm.mean(survey, "x").table.iloc[0]
    again = []
    for unit in range(20):
        within = frame["stratum"] == unit // 5 if kind == "JKn" else pd.Series(True, index=frame.index)
        w = frame["w"].where(~within, frame["w"] * units / (units - 1)).where(frame["unit"] != unit, 0.0)
        again.append((w * frame["x"]).sum() / w.sum())
    full = (frame["w"] * frame["x"]).sum() / frame["w"].sum()
    by_hand = (units - 1) / units * ((np.array(again) - full) ** 2).sum()
    np.testing.assert_allclose(row["std_error"], by_hand**0.5, rtol=1e-9)


@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_contrasts_of_raw_shares_have_the_error_of_two_independent_groups(frame, kind):
    """Different people, so variances add: of the shares for a difference, of their logarithms for a ratio."""
    raw = wwm.raw(wwm.Survey.from_frame(frame, weight=None), "y", "age")
    row = wwm.contrasts(raw, "age", kind=kind, reference="18-34").table.query("category == 'often'").iloc[0]
    old, young = (raw.table.query(f"age == '{age}' and category == 'often'").iloc[0] for age in ("35-49", "18-34"))
    assert row["contrast"] in ("35-49 - 18-34", "35-49 / 18-34")
    if kind == "difference":
        expected = old["estimate"] - young["estimate"], np.hypot(old["std_error"], young["std_error"])
    else:
        ratio = old["estimate"] / young["estimate"]
        spread = np.hypot(old["std_error"] / old["estimate"], young["std_error"] / young["estimate"])
        expected = ratio, ratio * spread
    np.testing.assert_allclose([row["estimate"], row["std_error"]], expected, rtol=1e-9)
