"""What a design lets be estimated: population sizes, degrees of freedom of domains and groups, lonely strata, and who is paired with whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarks import designs
from scipy import stats

import wwm_models as wwm
from wwm_models.disclosure.presentation_rules import precision
from wwm_models.errors import FitError, SurveyError
from wwm_models.estimates.joint_distribution import stacked

MODEL = wwm.Model("y ~ x")


def answers(codes: np.ndarray) -> pd.Categorical:
    return pd.Categorical.from_codes(codes.astype(int), ["no", "yes"], ordered=True)


@pytest.fixture
def frame() -> pd.DataFrame:
    """Regions r0 to r5 are strata of 4 towns of 5 people; r5 has a single town."""
    rng = np.random.default_rng(5)
    town = np.repeat(np.arange(21), 5)
    region = np.minimum(town // 4, 5)
    return pd.DataFrame(
        {
            "y": answers(rng.random(105) < 0.3 + 0.4 * rng.random(21)[town]), "z": answers(rng.random(105) < 0.5), "x": rng.normal(size=105),
            "w": rng.uniform(0.5, 2.0, 105), "town": town, "region": pd.Categorical([f"r{number}" for number in region]),
            "size": np.where(region == 5, 1.0, 40.0), "people": 100.0, "first": np.where(town == 4, "in", "out"),
        }
    )  # fmt: skip


def declared(frame: pd.DataFrame, lonely: str = "certainty", **more) -> wwm.Survey:
    return wwm.Survey.from_frame(frame, weight="w", strata="region", psu="town", lonely=lonely, **more)


VARYING = (
    'Population size "size" varies within 1 of 6 strata at stage 1 (first: r1, from 30 to 40). Expected one size or fraction for all rows of a '
    "stratum. Repair the column, or declare the strata that the sizes are of."
)
MIXED = (
    'Population size "size" runs from 0.1 to 40: fractions below 1 and numbers of units above 1 in one column. Expected one of the two in all rows. '
    "Write all of it as numbers of units, or all of it as fractions sampled."
)
MISSING = (
    'Population size "size": 5 of 105 rows are missing, zero, negative or no number. Expected the number of units in the population of the row\'s '
    "stratum, or the fraction of them that was sampled. Repair the column."
)


@pytest.mark.parametrize(
    ("value", "message"), [(30.0, VARYING), (0.1, MIXED), (np.nan, MISSING), (0.0, MISSING), (-3.0, MISSING)]
)
def test_population_sizes_that_are_not_those_of_strata_are_refused(frame, value, message):
    frame.loc[frame["town"] == 4, "size"] = value
    with pytest.raises(SurveyError) as caught:
        declared(frame, fpc="size")
    assert str(caught.value) == message


def test_sizes_of_a_later_stage_are_those_of_the_unit_above(frame):
    frame.loc[frame.index[0], "people"] = 90.0
    with pytest.raises(SurveyError) as caught:
        declared(frame, fpc=["size", "people"])
    assert str(caught.value).startswith(
        'Population size "people" varies within 1 of 21 strata at stage 2 (first: r0 / 0, from 90 to 100).'
    )
    by_town = frame.assign(people=50.0 + frame["town"])
    assert declared(by_town, fpc=["size", "people"]).design is not None


@pytest.mark.parametrize("kind", ["analysis", "replicates"])
def test_a_design_made_by_hand_is_held_to_the_same(frame, kind):
    survey = declared(frame[frame["region"] != "r5"], fpc="size")
    sizes = survey.design.fpc.copy()
    sizes[0] = 30.0
    survey = replace(survey, design=replace(survey.design, fpc=sizes))
    with pytest.raises(SurveyError, match=r"varies within 1 of 5 strata at stage 1 \(first: r0, from 30 to 40\)\."):
        wwm.replicates(survey) if kind == "replicates" else wwm.raw(survey, "y")


NUMBERS = {
    "raw": lambda s: wwm.raw(s, "y"),
    "mean": lambda s: wwm.mean(s, "x"),
    "total": lambda s: wwm.total(s, "x"),
    "adjusted": lambda s: wwm.adjusted(wwm.fit(MODEL, s)),
    "fixed": lambda s: wwm.adjusted(wwm.fit(MODEL, s), covariates="fixed"),
    "slopes": lambda s: wwm.slopes(wwm.fit(MODEL, s), "x"),
    "change": lambda s: wwm.change(s, "z", "y"),
    "score": lambda s: wwm.mean_score(wwm.raw(s, "y"), {"no": 0, "yes": 1}),
}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("kind", ["design", "replicates"])
def test_a_domain_has_the_degrees_of_freedom_of_its_own_units(frame, name, kind):
    """Four towns of one region: 3; two of them: 1; with a part of another region 5 - 2."""
    frame = frame[frame["region"] != "r5"]
    for towns, df in (([0, 1, 2, 3], 3), ([0, 1], 1), ([0, 1, 2, 3, 5], 3), (list(range(20)), 15)):
        if kind == "replicates" and len(towns) < 20 and name in ("adjusted", "fixed", "slopes"):
            continue  # a replicate without a town has no maximum in so small a domain
        survey = declared(frame, domain=frame["town"].isin(towns).to_numpy())
        survey = wwm.replicates(survey) if kind == "replicates" else survey
        found = NUMBERS[name](survey)
        assert found.df == df
        assert set(found.freedom.df) == {df}
        row = found.table.iloc[-1]
        if name in ("mean", "total", "slopes", "change", "score"):
            half = stats.t.ppf(0.975, df) * row["std_error"]
            np.testing.assert_allclose(row["upper"] - row["estimate"], half, rtol=1e-9)


def test_every_group_has_its_own(frame):
    found = wwm.raw(declared(frame), "y", "region")
    assert found.freedom.df.tolist() == [3] * 10 + [0] * 2
    row = found.table.iloc[0]
    logit = np.log(row["upper"] / (1 - row["upper"])) - np.log(row["estimate"] / (1 - row["estimate"]))
    half = stats.t.ppf(0.975, 3) * row["std_error"] / (row["estimate"] * (1 - row["estimate"]))
    np.testing.assert_allclose(logit, half, rtol=1e-9)
    compared = wwm.contrasts(found, "region")
    assert compared.freedom.df.tolist() == [6] * 8 + [0] * 2
    t = compared.table["estimate"] / compared.table["std_error"]
    np.testing.assert_allclose(compared.table["p_value"][:8], 2 * stats.t.sf(abs(t[:8]), 6), rtol=1e-9)
    equal = wwm.equivalence(compared, 0.5).table
    assert equal["df2"].tolist() == compared.freedom.df.tolist()
    assert equal["p_value"].isna().tolist() == [False] * 8 + [True] * 2


def test_a_fit_and_its_tests_have_the_domains(frame):
    survey = declared(frame, domain=frame["region"].isin(["r0", "r1"]).to_numpy())
    fit = wwm.fit(MODEL, survey)
    assert fit.design_df == 6
    np.testing.assert_allclose(wwm.wald_test(fit, "x").df2, 6)


def test_rows_of_weight_zero_are_no_members(frame):
    frame.loc[frame["town"] == 0, "w"] = 0.0
    assert wwm.raw(declared(frame, domain=(frame["region"] == "r0").to_numpy()), "y").df == 2


def test_where_a_stratum_is_sampled_whole_the_units_are_those_of_the_next_stage(frame):
    """r5 has one town, sampled with certainty: its five respondents are the units, in a stratum of their own."""
    found = wwm.mean(declared(frame, lonely="error", fpc=["size", "people"]), "x", "region")
    assert found.freedom.df.tolist() == [3] * 5 + [4]
    assert (found.table["std_error"] > 0).all()


ONE_UNIT = "not estimable: all respondents are in one sampling unit"


@pytest.mark.parametrize("name", ["raw", "mean", "total"])
@pytest.mark.parametrize("kind", ["design", "replicates"])
def test_a_group_inside_one_unit_cannot_be_estimated(frame, name, kind):
    frame = frame[frame["region"] != "r5"]
    survey = wwm.replicates(declared(frame)) if kind == "replicates" else declared(frame)
    made = getattr(wwm, name)(survey, "y" if name == "raw" else "x", "first")
    inside = (made.table["first"] == "in").to_numpy()
    assert np.isfinite(made.table["estimate"]).all()
    assert made.table.loc[inside, ["std_error", "lower", "upper"]].isna().all(axis=None)
    assert np.isfinite(made.table.loc[~inside, ["std_error", "lower", "upper"]]).all(axis=None)
    assert made.reasons.tolist() == [ONE_UNIT if one else "" for one in inside]
    compared = wwm.contrasts(made, "first")
    assert compared.table[["std_error", "lower", "upper", "p_value"]].isna().all(axis=None)
    assert set(compared.reasons) == {ONE_UNIT}


@pytest.mark.parametrize("name", ["adjusted", "slopes", "change", "score"])
def test_a_domain_inside_one_unit_cannot_be_estimated(frame, name):
    made = NUMBERS[name](declared(frame, domain=(frame["town"] == 4).to_numpy()))
    assert set(made.reasons) == {ONE_UNIT}
    assert made.table[["std_error", "lower", "upper"]].isna().all(axis=None)
    fit = wwm.fit(MODEL, declared(frame, domain=(frame["town"] == 4).to_numpy()))
    assert fit.std_errors.isna().all()
    assert f"Standard errors: {ONE_UNIT}." in fit.warnings
    assert np.isnan(wwm.wald_test(fit, "x").p_value)


def test_numbers_that_cannot_be_estimated_are_not_precise(frame):
    made = wwm.raw(declared(frame), "y", "region")
    told = precision(made).query("region == 'r5'")
    assert told["status"].tolist() == ["imprecise"] * 2
    assert told["reason"].tolist() == [ONE_UNIT] * 2


@pytest.mark.parametrize("lonely", ["certainty", "average", "adjust"])
def test_strata_of_one_unit_alone_give_nothing(frame, lonely):
    kept = frame[frame["town"] % 4 == 0]
    made = wwm.raw(declared(kept, lonely=lonely), "y")
    assert set(made.reasons) == {"not estimable: every stratum has a single sampling unit"}
    assert made.table[["std_error", "lower", "upper"]].isna().all(axis=None)


def test_one_unit_with_members_in_every_stratum_gives_no_interval(frame):
    frame = frame[frame["region"] != "r5"]
    made = wwm.raw(declared(frame, domain=(frame["town"] % 4 == 0).to_numpy()), "y")
    assert (made.table["std_error"] > 0).all()
    assert made.table[["lower", "upper"]].isna().all(axis=None)
    assert set(made.reasons) == {
        "no interval: no degrees of freedom, since no stratum has two sampling units with respondents"
    }


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e6 / 3.0])
def test_a_variance_of_rounding_noise_is_zero(scale):
    """Every town has the same share, so that all of the variance is rounding: the effective number is Kish's."""
    rows = pd.DataFrame({"town": np.repeat(np.arange(7), 10), "w": np.tile([0.1, 0.2, 0.3, 0.7, 1.1] * 2, 7) * scale})
    rows["y"] = answers(np.tile(np.arange(10) < 5, 7))
    made = wwm.raw(wwm.Survey.from_frame(rows, weight="w", psu="town"), "y").table
    assert made["std_error"].tolist() == [0.0, 0.0]
    kish = rows["w"].sum() ** 2 / (rows["w"] ** 2).sum()
    expected = kish * (stats.t.ppf(0.975, 69) / stats.t.ppf(0.975, 6)) ** 2
    np.testing.assert_allclose(made["n_effective"], expected, rtol=1e-9)


def test_everybody_keeps_korn_graubard_limits_where_there_are_degrees_of_freedom(frame):
    frame["y"] = answers(np.where(frame["region"].isin(["r0", "r5"]), 1, frame["y"].cat.codes))
    made = wwm.raw(declared(frame), "y", "region").table.query("category == 'yes'").set_index("region")
    assert made.loc["r0", "estimate"] == made.loc["r5", "estimate"] == 1.0
    assert 0.3 < made.loc["r0", "lower"] < made.loc["r0", "upper"] == 1.0
    assert made.loc["r5", ["lower", "upper"]].isna().all()


def ratio_variance(frame: pd.DataFrame, inside: np.ndarray, lonely: str) -> float:
    """The variance of a domain's mean as R's svyrecvar makes it of a subset: strata without members are not there."""
    w = frame["w"] * inside
    mean = (w * frame["x"]).sum() / w.sum()
    units = (w * (frame["x"] - mean) / w.sum()).groupby([frame["region"], frame["town"]], observed=True).sum()
    each: list[float] = []
    for name, within in units.groupby(level=0, observed=True):
        if not inside[(frame["region"] == name).to_numpy()].any():
            continue
        n = len(within)
        if n > 1:
            each.append(n / (n - 1) * ((within - within.mean()) ** 2).sum())
        else:
            each.append({"average": np.nan, "adjust": float(within.iloc[0] ** 2), "certainty": 0.0}[lonely])
    return float(np.nansum(each) * len(each) / np.isfinite(each).sum())


@pytest.mark.parametrize("lonely", ["average", "adjust", "certainty"])
@pytest.mark.parametrize(
    "regions", [["r0", "r1", "r5"], ["r0", "r5"], ["r0", "r1", "r2"], ["r0", "r1", "r2", "r3", "r4", "r5"]]
)
def test_lonely_strata_without_members_do_not_count(frame, lonely, regions):
    inside = frame["region"].isin(regions).to_numpy()
    expected = ratio_variance(frame, inside, lonely) ** 0.5
    by_domain = wwm.mean(declared(frame, lonely, domain=inside), "x").table["std_error"][0]
    np.testing.assert_allclose(by_domain, expected, rtol=1e-10)
    group = frame.assign(g=np.where(inside, "in", "out"))
    by_group = wwm.mean(declared(group, lonely), "x", "g").table.set_index("g").loc["in", "std_error"]
    np.testing.assert_allclose(by_group, expected, rtol=1e-10)


def test_a_lonely_stratum_is_refused_by_its_name_where_it_has_members(frame):
    frame["region"] = frame["region"].cat.rename_categories({"r5": "Drenthe"})
    with pytest.raises(FitError) as caught:
        wwm.raw(declared(frame, "error"), "y")
    assert str(caught.value) == (
        "1 of 6 strata at stage 1 have a single sampling unit (strata Drenthe), so their variance cannot be estimated. Expected two units or more in "
        'each. Merge strata, or name a policy: lonely = "certainty", "adjust" or "average".'
    )
    elsewhere = declared(frame, "error", domain=(frame["region"] != "Drenthe").to_numpy())
    assert np.isfinite(wwm.raw(elsewhere, "y").table["std_error"]).all()


@pytest.mark.parametrize("name", ["raw", "mean", "total"])
def test_a_sample_of_one_unit_is_refused_without_the_name_of_a_stratum(frame, name):
    survey = wwm.Survey.from_frame(frame.assign(only=1), weight=None, psu="only")
    with pytest.raises(FitError) as caught:
        getattr(wwm, name)(survey, "y" if name == "raw" else "x")
    assert str(caught.value) == (
        "1 of 1 strata at stage 1 have a single sampling unit (the whole sample, since no strata are declared), so their variance cannot be "
        'estimated. Expected two units or more in each. Merge strata, or name a policy: lonely = "certainty", "adjust" or "average".'
    )


def test_a_lonely_stratum_of_a_later_stage_has_the_average_within_its_unit(frame):
    """Two strata of streets in every town; in town 0 one has a single street, so that the other stands for both."""
    frame = frame[frame["region"] != "r5"].assign(street=np.tile(np.arange(5), 20))
    frame["side"] = np.where(frame["street"] < 2, "even", "odd")
    lonely = (frame["town"] == 0) & (frame["street"] == 1)
    survey = wwm.Survey.from_frame(
        frame[~lonely], weight="w", strata=["region", "side"], psu=["town", "street"], fpc=["size", "people"], lonely="average"
    )  # fmt: skip
    rows = frame[~lonely].reset_index(drop=True)
    u = (rows["w"] * rows["x"]).to_numpy()

    def spread(values: pd.Series, size: float) -> float:
        n = len(values)
        return np.nan if n == 1 else (1 - n / size) * n / (n - 1) * ((values - values.mean()) ** 2).sum()

    towns = pd.Series(u).groupby([rows["region"], rows["town"]], observed=True).sum()
    variance = sum(spread(one, 40.0) for _, one in towns.groupby(level=0, observed=True))
    for _, town in rows.groupby("town"):
        parts = [spread(side["w"] * side["x"], 100.0) for _, side in town.groupby("side")]
        variance += 4 / 40 * np.nansum(parts) * len(parts) / np.isfinite(parts).sum()
    np.testing.assert_allclose(wwm.total(survey, "x").table["std_error"][0], variance**0.5, rtol=1e-10)


def test_regions_of_three_towns_are_covered_as_often_as_their_intervals_say():
    """A fiftieth of `python -m benchmarks.designs`: 800 intervals, so that the share is known to 0.8 points; t on 40 units gives 82%."""
    assert 0.925 < next(iter(designs.raw_by_region(40, 7).values())) < 0.98


@pytest.mark.parametrize("name", ["raw", "mean", "total"])
def test_a_domain_has_the_interval_of_the_group_that_it_is(frame, name):
    for region in ("r0", "r5"):
        inside = (frame["region"] == region).to_numpy()
        variable = "y" if name == "raw" else "x"
        of_domain = getattr(wwm, name)(declared(frame, domain=inside), variable).table
        by_group = getattr(wwm, name)(declared(frame), variable, "region").table.query(f"region == '{region}'")
        columns = ["estimate", "std_error", "lower", "upper", "n_effective"]
        np.testing.assert_allclose(of_domain[columns].astype(float), by_group[columns].astype(float), rtol=1e-10)


def test_respondents_counted_together_have_the_same_degrees_of_freedom(frame, counted):
    for design in ({"strata": "region"}, {"strata": "region", "psu": "town"}, {"strata": "region", "fpc": "people"}):
        plain = frame[["y", "region", "town", "people", "first"]].assign(w=1.0)
        survey = wwm.Survey.from_frame(plain, weight="w", lonely="certainty", **design)
        rows, together = wwm.raw(survey, "y", ["first", "region"]), wwm.raw(counted(survey), "y", ["first", "region"])
        assert rows.freedom.df.tolist() == together.freedom.df.tolist()
        assert rows.reasons.tolist() == together.reasons.tolist()


def test_pooled_imputations_start_from_the_groups_degrees_of_freedom(frame):
    """Barnard and Rubin: never more than (v + 1) / (v + 3) v of a complete survey's v."""
    frame = frame[frame["region"] != "r5"].reset_index(drop=True)
    frame["region"] = frame["region"].cat.remove_unused_categories()
    frame.loc[::6, "y"] = None
    done = wwm.impute(declared(frame), 5, seed=1)
    made = wwm.pool([wwm.raw(survey, "y", "region") for survey in done])
    assert (made.table["df"] <= 4 / 6 * 3 + 1e-9).all()
    assert made.freedom.df.tolist() == made.table["df"].tolist()


def waves() -> list[pd.DataFrame]:
    """Two waves of 500, sorted by the answer: in the same order, nearly everybody would have stayed the same."""
    return [pd.DataFrame({"y": answers(np.arange(500) >= 500 - count), "w": np.ones(500)}) for count in (220, 280)]


def test_two_surveys_are_never_paired_by_their_length():
    one, two = (wwm.Survey.from_frame(rows, weight=None) for rows in waves())
    first, second = wwm.raw(one, "y"), wwm.raw(two, "y")
    expected = np.hypot(first.table["std_error"], second.table["std_error"])
    np.testing.assert_allclose(expected, 0.0314, atol=5e-5)
    made = wwm.change_between(first, second)
    np.testing.assert_allclose(made.table["std_error"], expected, rtol=1e-12)
    assert made.influence.shape == (1000, 2)


PAIRED = {
    "domain": lambda s: replace(s, domain=s.domain.copy()),
    "unweighted": lambda s: s.unweighted(),
    "replicates": lambda s: replace(wwm.replicates(s, "JK1"), replicates=None),
}


@pytest.mark.parametrize("name", PAIRED)
def test_one_survey_is_paired_with_itself_whatever_was_done_to_it(name):
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"y": answers(rng.random(80) < 0.4), "w": rng.uniform(0.5, 2, 80), "p": np.arange(80) // 4})
    survey = wwm.Survey.from_frame(rows, weight="w", psu="p")
    one, two = wwm.raw(survey, "y"), wwm.raw(PAIRED[name](survey), "y")
    made = wwm.change_between(one, two).table
    independent = np.hypot(one.table["std_error"], two.table["std_error"])
    assert (made["std_error"] < 0.8 * independent).all()
    if name != "unweighted":
        np.testing.assert_allclose(made["std_error"], 0.0, atol=1e-12)


def test_surveys_that_share_names_of_strata_and_units_are_independent(frame):
    other = frame.assign(y=answers(1 - frame["y"].cat.codes.to_numpy()))
    for kind in (lambda s: s, wwm.replicates):
        one, two = (kind(declared(rows[rows["region"] != "r5"])) for rows in (frame, other))
        first, second = wwm.raw(one, "y"), wwm.raw(two, "y")
        expected = np.hypot(first.table["std_error"], second.table["std_error"])
        np.testing.assert_allclose(wwm.change_between(first, second).table["std_error"], expected, rtol=1e-10)
        fits = [wwm.adjusted(wwm.fit(MODEL, survey)) for survey in (one, two)]
        expected = np.hypot(*(fit.table["std_error"] for fit in fits))
        np.testing.assert_allclose(wwm.change_between(*fits).table["std_error"], expected, rtol=1e-10)


def test_two_surveys_have_satterthwaites_degrees_of_freedom(frame):
    """Equal variances on 3 degrees of freedom each make 6."""
    r0 = frame[frame["region"] == "r0"]
    one, two = (wwm.mean(declared(r0), "x") for _ in range(2))
    made = wwm.change_between(one, two)
    np.testing.assert_allclose(made.df, 6.0)
    np.testing.assert_allclose(made.table["std_error"], np.sqrt(2.0) * one.table["std_error"], rtol=1e-12)


def test_three_waves_share_the_one_in_the_middle():
    """Wave 2 minus wave 1 and wave 3 minus wave 2 have wave 2 in common: their sum is wave 3 minus wave 1."""
    surveys = [wwm.Survey.from_frame(rows, weight=None) for rows in [*waves(), waves()[0]]]
    one, two, three = (wwm.raw(survey, "y") for survey in surveys)
    both = stacked([wwm.change_between(one, two), wwm.change_between(two, three)])
    whole = np.kron(np.ones((1, 2)), np.eye(2))
    expected = wwm.change_between(one, three).covariance
    np.testing.assert_allclose(whole @ both.covariance @ whole.T, expected, atol=1e-15)


def test_a_population_that_is_another_survey_adds_its_own_sampling_once(frame):
    survey = declared(frame)
    other = wwm.Survey.from_frame(frame.assign(x=frame["x"] + 1.0), weight="w")
    fit = wwm.fit(wwm.Model("y ~ region + x"), survey)
    made = wwm.adjusted(fit, "region", over=other)
    assert len(made.contributions.parts) == 2
    assert made.influence.shape == (210, 12)
    fixed = wwm.adjusted(fit, "region", over=other, covariates="fixed")
    assert (made.table["std_error"] > fixed.table["std_error"]).all()
