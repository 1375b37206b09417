"""Raking, post-stratification and trimming: R's numbers, and what is said where margins cannot be met.

R 4.2, survey 4.1, data(api): `postStratify` and `calibrate(calfun = "raking", bounds = )` on
svydesign(~dnum, ~pw, apiclus1, fpc = ~fpc). Of the joint and single margin, R's `rake` prints a standard error of 22.73071, because
it takes the margins out of the residuals one after the other; `calibrate`, like us, takes them out together: 22.73070.
The numbers that its documentation prints are in tests/reference.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import SurveyError

CASE = Path(__file__).resolve().parents[2] / "reference" / "api_rake"
STYPE = {"E": 4421.0, "H": 755.0, "M": 1018.0}
WIDE = {"No": 1072.0, "Yes": 5122.0}
JOINT = {"E:No": 472.0, "H:No": 334.0, "M:No": 266.0, "E:Yes": 3949.0, "H:Yes": 421.0, "M:Yes": 752.0}


@pytest.fixture(scope="module")
def api() -> wwm.Survey:
    data = pd.read_csv(CASE / "data.csv")
    return wwm.Survey.from_frame(data, weight="pw", psu="dnum", fpc="fpc")


def numbers(survey: wwm.Survey) -> list[float]:
    return [
        number
        for table in (wwm.mean(survey, "api00").table, wwm.total(survey, "enroll").table)
        for number in (table["estimate"].iloc[0], table["std_error"].iloc[0])
    ]


REFERENCES: dict[str, tuple[Callable[[wwm.Survey], wwm.Survey], list[float]]] = {
    "post-stratified": (
        lambda survey: wwm.poststratify(survey, "stype", STYPE),
        [642.310788212, 23.9204864451, 3680892.94512, 406292.636295],
    ),
    "by two variables at once": (
        lambda survey: wwm.poststratify(survey, "stype:sch.wide", JOINT),
        [643.150409775, 22.830028915, 3610219.23663, 380450.340289],
    ),
    "raked within bounds": (
        lambda survey: wwm.rake(survey, {"stype": STYPE, "sch.wide": WIDE}, bounds=(0.7, 1.6)),
        [640.590325328, 23.8862952525, 3663372.46582, 404728.745609],
    ),
    "raked to a joint and a single margin": (
        lambda survey: wwm.rake(survey, {"stype:sch.wide": JOINT, "comp.imp": {"No": 1712.0, "Yes": 4482.0}}),
        [642.608474258, 22.7306997146, 3615674.03229, 367718.300556],
    ),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_calibrated_weights_give_the_numbers_of_r(api: wwm.Survey, name: str):
    """Tolerance: R's iterations stop at 1e-10 of a total."""
    calibrate, expected = REFERENCES[name]
    np.testing.assert_allclose(numbers(calibrate(api)), expected, rtol=1e-9)


def test_bounded_factors_are_those_of_r(api: wwm.Survey):
    raked = wwm.rake(api, {"stype": STYPE, "sch.wide": WIDE}, bounds=(0.7, 1.6))
    factor = pd.Series(raked.weights / api.weights).groupby(api.frame["stype"] + api.frame["sch.wide"]).first()
    expected = {
        "ENo": 1.23858428819,
        "HNo": 1.6,
        "MNo": 1.50111593392,
        "EYes": 0.876925696269,
        "HYes": 1.59147845086,
        "MYes": 1.06279980142,
    }
    np.testing.assert_allclose(factor.loc[list(expected)].to_numpy(), list(expected.values()), rtol=1e-9)


def two_by_two(counts: list[int]) -> wwm.Survey:
    rows = [("a", "x")] * counts[0] + [("a", "y")] * counts[1] + [("b", "x")] * counts[2] + [("b", "y")] * counts[3]
    return wwm.Survey.from_frame(pd.DataFrame(rows, columns=["g", "h"]), weight=None)


def test_margins_that_contradict_each_other_are_named():
    """Nobody of b says y, so at most the 20 of a can make up y's 30."""
    with pytest.raises(SurveyError) as caught:
        wwm.rake(two_by_two([5, 5, 5, 0]), {"g": {"a": 20, "b": 80}, "h": {"x": 70, "y": 30}})
    message = str(caught.value)
    assert message.startswith('Raking did not converge in 200 rounds: margin "')
    assert "They cannot be met together: " in message
    assert "when the others are met" in message
    assert message.endswith("Merge levels. No weights are returned.")


def test_bounds_that_are_too_narrow_are_named():
    with pytest.raises(SurveyError) as caught:
        wwm.rake(two_by_two([5, 5, 5, 5]), {"g": {"a": 4, "b": 16}, "h": {"x": 10, "y": 10}}, bounds=(0.5, 1.5))
    message = str(caught.value)
    assert "with factors kept within 0.5 to 1.5. They cannot be met together: " in message
    assert 'margin "g", level "' in message
    assert message.endswith("Widen the bounds or merge levels. No weights are returned.")


BAD: dict[str, tuple[dict[str, dict[str, float]], str]] = {
    "nobody": (
        {"g": {"a": 10, "b": 10, "c": 5}, "h": {"x": 15, "y": 10}},
        'Margin "g", level "c": the population has 5, the sample has 0. No weight can reach that. Merge the level with another; '
        "no weights are returned.",
    ),
    "negative": (
        {"g": {"a": -1, "b": 10}},
        'Margin "g", level "a": the population count is -1. Expected a number of zero or more. Repair it; no weights are returned.',
    ),
    "none": ({}, "There are no margins. Expected at least one variable with population counts. Give them."),
    "unknown": (
        {"gg": {"a": 1}},
        'The frame has no column "gg". It has 2 columns: g, h. Did you mean "g"?',
    ),
    "empty": (
        {"g": {"a": 0, "b": 0}},
        'Margin "g": the counts add up to nothing. Expected population counts per level. Fill them in; no weights are returned.',
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_impossible_margins_are_refused(name: str):
    margins, expected = BAD[name]
    with pytest.raises(SurveyError) as caught:
        wwm.rake(two_by_two([5, 5, 5, 5]), margins)
    assert str(caught.value) == expected


def test_margins_from_a_file(tmp_path: Path):
    (tmp_path / "m.csv").write_text("variable,level,count\ng,a,40\ng,b,60\nh,x,50\nh,y,50\n", encoding="utf-8")
    (tmp_path / "m.toml").write_text(
        '[population]\nsource = "a register"\nsize = 100\n[margins.g]\na = 0.4\nb = 0.6\n[margins.h]\nx = 0.5\ny = 0.501\n',
        encoding="utf-8",
    )
    survey = two_by_two([5, 5, 5, 5])
    expected = wwm.rake(survey, {"g": {"a": 40, "b": 60}, "h": {"x": 50, "y": 50}}).weights
    np.testing.assert_allclose(wwm.rake(survey, tmp_path / "m.csv").weights, expected, rtol=1e-12)
    np.testing.assert_allclose(wwm.rake(survey, tmp_path / "m.toml").weights, expected, rtol=2e-3)
    (tmp_path / "m.toml").write_text("[population]\nsize = 100\n[margins.g]\na = 0.4\nb = 0.5\n", encoding="utf-8")
    with pytest.raises(SurveyError, match=r"g: the shares add up to 0\.9\. Expected shares"):
        wwm.read_weighting_margins(tmp_path / "m.toml")


def test_the_template_of_the_study_has_no_figures(studies: Path):
    with pytest.raises(SurveyError, match="no margin holds a figure"):
        wwm.read_weighting_margins(studies / "wwm21" / "weighting-margins.toml")


def test_trimming_keeps_the_sum_and_the_limits():
    """As R's trimWeights(design, upper = 6): the excess of 6 goes in equal parts to the four others."""
    survey = wwm.Survey.from_frame(pd.DataFrame({"w": [1.0, 2.0, 3.0, 12.0, 2.0]}), weight="w")
    once = wwm.trim(survey, upper=6.0)
    np.testing.assert_allclose(once.weights, [2.5, 3.5, 4.5, 6.0, 3.5])
    twice = wwm.trim(survey, upper=4.2)
    assert twice.weights.max() <= 4.2 + 1e-12
    np.testing.assert_allclose(twice.weights.sum(), 20.0)
    np.testing.assert_array_equal(survey.weights, [1.0, 2.0, 3.0, 12.0, 2.0])


def test_limits_that_cannot_hold_the_mean_and_calibrated_weights():
    survey = two_by_two([5, 5, 5, 5])
    with pytest.raises(SurveyError, match=r"The limits 0 to 0\.5 do not hold the mean weight, 1, between them"):
        wwm.trim(survey, upper=0.5)
    with pytest.raises(SurveyError, match="These weights were calibrated to margins, which trimming would break"):
        wwm.trim(wwm.rake(survey, {"g": {"a": 12, "b": 8}}), upper=3.0)


def test_a_replicate_weight_is_trimmed_by_the_same_factor():
    survey = wwm.replicates(wwm.Survey.from_frame(pd.DataFrame({"w": [1.0, 1.0, 1.0, 5.0]}), weight="w"), "JK1")
    trimmed = wwm.trim(survey, upper=3.5)
    assert trimmed.replicates is not None
    assert survey.replicates is not None
    factor = trimmed.weights / survey.weights
    np.testing.assert_allclose(trimmed.replicates.weights, survey.replicates.weights * factor[:, None])
