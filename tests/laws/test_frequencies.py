"""A frequency of five is five respondents, whatever is done to the weights: the rows written out give the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.bayes.sample import posterior_problem
from wwm_models.diagnostics.specification import weights_matter
from wwm_models.disclosure.presentation_rules import precision
from wwm_models.errors import SurveyError
from wwm_models.survey.overview import overview

Array = np.ndarray[Any, np.dtype[np.float64]]
Changed = Callable[[wwm.Survey], wwm.Survey]
MARGINS = {"g": {"a": 100.0, "b": 200.0, "c": 200.0}, "h": {"x": 200.0, "y": 300.0}}
MODEL = wwm.Model("y ~ g + h")
KEYS = ["g", "h", "y", "z", "s"]

CHANGES: dict[str, Changed] = {
    "as it is": lambda survey: survey,
    "raked": lambda survey: wwm.rake(survey, MARGINS),
    "raked within bounds": lambda survey: wwm.rake(survey, MARGINS, bounds=(0.3, 3.0)),
    "calibrated": lambda survey: wwm.calibrate(survey, {"(Intercept)": 500.0, "z": 260.0}),
    "twice": lambda survey: wwm.poststratify(wwm.rake(survey, MARGINS), "h", {"x": 100.0, "y": 400.0}),
    "trimmed": lambda survey: wwm.trim(survey, upper=1.5),
    "raked, then everybody once": lambda survey: wwm.rake(survey, MARGINS).unweighted(),
    "replicated": lambda survey: wwm.replicates(survey, "JKn"),
    "replicated, then raked": lambda survey: wwm.rake(wwm.replicates(survey, "JKn"), MARGINS),
    "raked, then replicated": lambda survey: wwm.replicates(wwm.rake(survey, MARGINS), "JKn"),
}


def columns(table: pd.DataFrame) -> Array:
    return table.select_dtypes("number").to_numpy(dtype=float)


ASKED: dict[str, Callable[[wwm.Survey], Any]] = {
    "raw": lambda survey: columns(wwm.raw(survey, "y", "g").table),
    "mean": lambda survey: columns(wwm.mean(survey, "z", "h").table),
    "total": lambda survey: columns(wwm.total(survey, "y").table),
    "fit": lambda survey: wwm.fit(MODEL, survey).vcov.to_numpy(),
    "sizes": lambda survey: [getattr(wwm.fit(MODEL, survey), name) for name in ("n", "n_effective", "design_df")],
    "adjusted": lambda survey: columns(wwm.adjusted(wwm.fit(MODEL, survey), "g").table),
    "decompose": lambda survey: columns(wwm.decompose(MODEL, survey, "g")),
    "precision": lambda survey: columns(precision(wwm.raw(survey, "y", "g"))),
    "overview": lambda survey: columns(overview(survey).weights),
    "posterior": lambda survey: posterior_problem(MODEL, survey).n_effective,
}


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"g": pd.Categorical(rng.choice(["a", "b", "c"], 500)), "h": pd.Categorical(rng.choice(["x", "y"], 500))}
    )
    answers = ["no", "maybe", "yes"]
    frame["y"] = pd.Categorical(rng.choice(answers, 500, p=[0.3, 0.3, 0.4]), answers, ordered=True)
    return frame.assign(z=rng.integers(0, 2, 500).astype(float), s=np.arange(500) % 2)


def counted(people: pd.DataFrame) -> pd.DataFrame:
    return people.groupby(KEYS, observed=True, dropna=False).size().reset_index(name="f")


@pytest.fixture(scope="module", params=[None, "s"], ids=["no strata", "strata"])
def pair(request: pytest.FixtureRequest, people: pd.DataFrame) -> tuple[wwm.Survey, wwm.Survey]:
    strata = request.param
    return (
        wwm.Survey.from_frame(people, weight=None, strata=strata),
        wwm.Survey.from_frame(counted(people), weight="f", weight_kind="frequency", strata=strata),
    )


@pytest.mark.parametrize("change", CHANGES)
def test_rows_written_out_give_the_same(pair: tuple[wwm.Survey, wwm.Survey], change: str):
    one, two = (CHANGES[change](survey) for survey in pair)
    for name, asked in ASKED.items():
        # sums of 500 numbers in another order; Newton's maximum
        np.testing.assert_allclose(asked(two), asked(one), rtol=1e-8, atol=1e-12, err_msg=name)
    if one.weight_kind == "sampling":
        statistics = [weights_matter(wwm.fit(MODEL, survey)).statistic for survey in (one, two)]
        np.testing.assert_allclose(statistics[1], statistics[0], rtol=1e-6)


def test_ten_and_ninety_people_stay_ten_and_ninety():
    frame = pd.DataFrame({"y": pd.Categorical(["no", "yes"], ordered=True), "f": [10.0, 90.0]})
    survey = wwm.Survey.from_frame(frame, weight="f", weight_kind="frequency")
    assert wwm.trim(survey, upper=60.0).weights.tolist() == [10.0, 90.0]


def test_a_frequency_of_zero_is_nobody(people: pd.DataFrame):
    table = counted(people)
    with_nobody = pd.concat([table, table.iloc[:3].assign(f=0)], ignore_index=True)
    one, two = (wwm.Survey.from_frame(rows, weight="f", weight_kind="frequency") for rows in (table, with_nobody))
    for change in ("as it is", "raked", "raked, then replicated"):
        for name in ("raw", "mean", "fit", "sizes", "overview"):
            known, found = (ASKED[name](CHANGES[change](survey)) for survey in (one, two))
            np.testing.assert_allclose(found, known, rtol=1e-9, err_msg=name)


def test_half_samples_and_bootstraps_take_single_people():
    """Two strata of two people: a row of two is one unit in every half sample; the bootstrap draws people."""
    rows = pd.DataFrame({"s": [0, 0, 1], "x": [1.0, 4.0, 2.0], "f": [1.0, 1.0, 2.0]})
    survey = wwm.Survey.from_frame(rows, weight="f", weight_kind="frequency", strata="s")
    written = wwm.Survey.from_frame(rows.loc[[0, 1, 2, 2]].reset_index(drop=True), weight=None, strata="s")
    for kind in ("BRR", "Fay"):
        errors = [wwm.mean(wwm.replicates(on, kind), "x").table["std_error"] for on in (survey, written)]
        np.testing.assert_allclose(errors[0], errors[1], rtol=1e-12)
    many = wwm.Survey.from_frame(rows.assign(f=[30.0, 20.0, 50.0]), weight="f", weight_kind="frequency", strata="s")
    drawn = wwm.mean(wwm.replicates(many, "bootstrap", draws=4000), "x").table["std_error"]
    np.testing.assert_allclose(drawn, wwm.mean(many, "x").table["std_error"], rtol=0.05)  # 1.1% of Monte Carlo error


@pytest.mark.parametrize("change", ["as it is", "raked"])
def test_every_person_of_a_row_gets_an_answer_of_their_own(people: pd.DataFrame, change: str):
    """20 completed surveys: the Monte Carlo error of a pooled share is about .002, of a standard error 6%."""
    gone = people.assign(y=people["y"].where(np.random.default_rng(2).random(500) > 0.2))
    pooled: list[pd.DataFrame] = []
    for survey in (
        wwm.Survey.from_frame(gone, weight=None),
        wwm.Survey.from_frame(counted(gone), weight="f", weight_kind="frequency"),
    ):
        done = wwm.impute(CHANGES[change](survey), 20, seed=3)
        assert done.counts["rows"].tolist() == [int(gone["y"].isna().sum())]
        assert all(each.respondents(each.domain) == 500 for each in done.surveys)
        pooled.append(wwm.pool([wwm.raw(each, "y") for each in done.surveys]).table)
    np.testing.assert_allclose(pooled[1]["estimate"], pooled[0]["estimate"], atol=0.01)
    np.testing.assert_allclose(pooled[1]["std_error"], pooled[0]["std_error"], rtol=0.2)
    assert pooled[1]["n"].tolist() == [500.0] * 3


def test_what_cannot_be_written_out_is_refused(people: pd.DataFrame):
    gone = counted(people.assign(y=people["y"].where(np.arange(500) % 5 != 0)))
    survey = wwm.Survey.from_frame(gone, weight="f", weight_kind="frequency")
    with pytest.raises(SurveyError) as caught:
        wwm.impute(wwm.replicates(survey))
    assert str(caught.value).endswith("Expected a survey without replicates. Impute first, then make the replicates.")
    parts = replace(survey, weights=survey.weights + 0.5)
    with pytest.raises(SurveyError) as caught:
        wwm.impute(parts)
    assert str(caught.value).endswith(
        "so they cannot be written out one by one. Expected whole numbers of respondents. Repair the frequencies."
    )
