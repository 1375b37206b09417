"""Numbers of two surveys are paired by declared respondents, never by the place of a row.

The right value is that of one frame with both answers in a row, whose change is paired by construction.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.bayes.leave_one_out import Loo, stacking
from wwm_models.errors import AdjustError, FitError, ImputationError, SurveyError
from wwm_models.survey.survey import Survey

N = 60


def panel() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    before = rng.random(N) < 0.4
    after = np.where(rng.random(N) < 0.8, before, ~before)
    return pd.DataFrame(
        {
            "person": np.arange(N) + 100, "stratum": np.arange(N) % 3, "unit": np.arange(N) // 4, "w": 1.0 + np.arange(N) % 4,
            "v": 1.0 + np.arange(N) % 5, "before": answers(before), "after": answers(after), "sex": pd.Categorical(np.where(np.arange(N) % 2, "f", "m")),
        }
    )  # fmt: skip


def answers(yes: object) -> pd.Categorical:
    return pd.Categorical(np.where(np.asarray(yes), "yes", "no"), ["no", "yes"], ordered=True)


def waves(frame: pd.DataFrame, second_weight: str = "w", **design: str) -> tuple[Survey, Survey]:
    """Two files of the same people, the second in another order."""
    one = frame.rename(columns={"before": "y"})
    two = frame.rename(columns={"after": "y"}).sample(frac=1.0, random_state=1)
    first = Survey.from_frame(one, weight="w", respondent="person", **design)  # pyright: ignore[reportArgumentType]
    return first, Survey.from_frame(two, weight=second_weight, respondent="person", **design)  # pyright: ignore[reportArgumentType]


def change(first: Survey, second: Survey, by: str | None = None) -> pd.DataFrame:
    return wwm.change_between(wwm.raw(first, "y", by=by), wwm.raw(second, "y", by=by)).table


@pytest.mark.parametrize("design", [{}, {"psu": "unit"}, {"strata": "stratum"}, {"strata": "stratum", "psu": "unit"}])
@pytest.mark.parametrize("by", [None, "sex"])
def test_two_waves_of_declared_respondents_are_paired(design: dict[str, str], by: str | None) -> None:
    frame = panel()
    if "psu" in design and "strata" in design:
        frame["stratum"] = frame["unit"] % 3
    whole = Survey.from_frame(frame, weight="w", **design)  # pyright: ignore[reportArgumentType]
    right = wwm.change(whole, "before", "after", by=by).table
    found = change(*waves(frame, **design), by=by)
    np.testing.assert_allclose(found["std_error"], right["std_error"], rtol=1e-10)
    np.testing.assert_allclose(found["estimate"], right["estimate"], rtol=1e-10, atol=1e-12)


def test_waves_with_weights_of_their_own_are_paired() -> None:
    frame = panel()
    first, second = waves(frame, "v")
    w, v = frame["w"].to_numpy(), frame["v"].to_numpy()
    before, after = (frame[name].eq("yes").to_numpy() for name in ("before", "after"))
    each = v / v.sum() * (after - v @ after / v.sum()) - w / w.sum() * (before - w @ before / w.sum())
    right = np.sqrt(N / (N - 1) * np.sum((each - each.mean()) ** 2))
    np.testing.assert_allclose(change(first, second)["std_error"], [right, right], rtol=1e-10)


def test_calibrated_waves_are_paired() -> None:
    frame, margin = panel(), {"m": 40.0, "f": 60.0}
    first, second = (wwm.poststratify(survey, "sex", margin) for survey in waves(frame))
    right = wwm.change(wwm.poststratify(Survey.from_frame(frame, weight="w"), "sex", margin), "before", "after").table
    np.testing.assert_allclose(change(first, second)["std_error"], right["std_error"], rtol=1e-10)


def test_surveys_without_declared_or_common_respondents_are_independent() -> None:
    frame = panel()
    first, second = waves(frame)
    errors = [wwm.raw(survey, "y").table["std_error"].to_numpy() for survey in (first, second)]
    independent = np.hypot(*errors)
    others = replace(second, ids=np.array([f"other {one}" for one in range(N)], dtype=object))
    for other in (replace(second, ids=None), others):
        np.testing.assert_allclose(change(first, other)["std_error"], independent, rtol=1e-10)


def test_respondents_who_differ_are_refused() -> None:
    frame = panel()
    first, _ = waves(frame)
    _, second = waves(frame.iloc[10:])
    with pytest.raises(AdjustError) as refused:
        change(first, second)
    assert str(refused.value) == (
        "Two surveys of 50 and 60 declared respondents have 50 in common. Expected the same respondents in both, or none. Put both into one frame "
        "with a row for every respondent and missing answers where somebody was not asked, and compare two of its columns (wwm.change)."
    )


def test_designs_that_differ_are_refused() -> None:
    frame = panel()
    first, _ = waves(frame, psu="unit")
    _, second = waves(frame.assign(unit=np.arange(N) // 3), psu="unit")
    with pytest.raises(AdjustError) as refused:
        change(first, second)
    assert str(refused.value) == (
        "Two surveys of the same 60 declared respondents have other strata, sampling units or population sizes. Expected one design. Declare that "
        "of the first survey in both."
    )


def test_replicates_of_two_files_are_not_paired_by_place() -> None:
    first, second = (wwm.replicates(survey, "JK1") for survey in waves(panel()))
    with pytest.raises(AdjustError, match="different sets of replicate weights, whose columns cannot be paired"):
        change(first, second)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([1, 2, 2, 4], "2 of 4 rows (first rows, counted from 1: 2, 3) share a name with another row"),
        (["1", "1.0", "a", "b"], "2 of 4 rows (first rows, counted from 1: 1, 2) share a name with another row"),
        ([1, None, 3, 4], "1 of 4 rows (first rows, counted from 1: 2) have no name"),
    ],
)
def test_respondents_without_one_name_each_are_refused(values: list[object], what: str) -> None:
    with pytest.raises(SurveyError) as refused:
        Survey.from_frame(pd.DataFrame({"id": values}), weight=None, respondent="id")
    assert str(refused.value) == (
        f'Respondent "id": {what}. Expected a name for every respondent, once. Repair the column, or leave `respondent` out: the survey is then '
        "an independent sample."
    )


def of_loo(survey: Survey) -> Loo:
    ones = np.ones(N)
    return Loo(-1.0, 0.1, 0.0, N, "respondent", np.linspace(-1.0, -0.5, N), ones, ones * 0.1, ones, 0.7, "y", survey)


def test_models_of_two_surveys_are_not_stacked_row_by_row() -> None:
    first, second = waves(panel())
    with pytest.raises(FitError) as refused:
        stacking({"one": of_loo(first), "two": of_loo(second)})
    assert str(refused.value) == (
        '"one" (outcome "y", 60 respondents, by respondent) and "two" (outcome "y", 60 respondents, by respondent) do not predict the same answers. '
        "Expected one survey, outcome and unit. Sample all models from the same survey."
    )
    assert len(stacking({"one": of_loo(first), "two": of_loo(replace(first, weights=first.weights * 2))})) == 2


def others(frame: pd.DataFrame) -> dict[str, Survey]:
    """Surveys that are no completion of the frame's: more people, other weights, other respondents."""
    one = frame.rename(columns={"before": "y"})
    return {
        "more": Survey.from_frame(pd.concat([one, one.head(1)], ignore_index=True), weight="w"),
        "weights": Survey.from_frame(one.assign(w=one["v"]), weight="w"),
        "people": Survey.from_frame(one.assign(person=one["person"] + 1), weight="w", respondent="person"),
    }


@pytest.mark.parametrize("name", ["more", "weights", "people"])
def test_surveys_of_different_people_are_not_pooled_as_imputations(name: str) -> None:
    other = others(panel())[name]
    with pytest.raises(ImputationError) as refused:
        wwm.pool([wwm.raw(waves(panel())[0], "y"), wwm.raw(other, "y")])
    assert str(refused.value) == (
        "The estimates to pool are of different surveys: their respondents or weights differ. Expected completions of one survey, whose respondents "
        "are the same people with the same weights. Pool estimates of wwm.impute(survey), or of one file completed several times elsewhere; numbers "
        "of two surveys are compared with wwm.change_between."
    )


@pytest.mark.parametrize("respondent", ["person", None])
def test_files_completed_elsewhere_are_pooled(respondent: str | None) -> None:
    """Three completed files of one survey, as other software writes them: Rubin's mean of the estimates."""
    frame, rng = panel().rename(columns={"before": "y"}), np.random.default_rng(2)
    completed = []
    for _ in range(3):
        one = frame.copy()
        one.loc[rng.choice(N, 8, replace=False), "y"] = "yes"
        completed.append(wwm.raw(Survey.from_frame(one, weight="w", respondent=respondent), "y"))
    found = wwm.pool(completed, scale="identity").table
    np.testing.assert_allclose(
        found["estimate"], np.mean([one.table["estimate"] for one in completed], axis=0), rtol=1e-12
    )
    assert (found["std_error"] > completed[0].table["std_error"].min()).all()


def test_two_files_of_a_panel_are_paired_by_the_codebook(tmp_path: object) -> None:
    from pathlib import Path

    folder, frame = Path(str(tmp_path)), panel()
    levels = 'kind = "ordered"\nlevels = [{ id = "no" }, { id = "yes" }]\n'
    codebook = folder / "codebook.toml"
    codebook.write_text(
        f'[source]\nid = "person"\npanel = true\n[survey]\nweight = "w"\n[variables.y]\ncolumn = "y"\n{levels}'
    )
    frame.rename(columns={"before": "y"}).to_csv(folder / "one.csv", index=False)
    frame.rename(columns={"after": "y"}).sample(frac=1.0, random_state=2).to_csv(folder / "two.csv", index=False)
    first, second = (wwm.read_survey(folder / name, codebook=codebook) for name in ("one.csv", "two.csv"))
    right = wwm.change(Survey.from_frame(frame, weight="w"), "before", "after").table
    np.testing.assert_allclose(change(first, second)["std_error"], right["std_error"], rtol=1e-10)
