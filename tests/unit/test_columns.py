"""What columns of a frame mean: numbers however they are stored, texts however they look, and refusals of everything else."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import wwm_models as wwm
from wwm_models.errors import AdjustError, AnswersError, ImputationError, ModelError, SurveyError, WwmError
from wwm_models.likelihood.fit import Fit
from wwm_models.survey.survey import Survey

N = 40
PLACE = np.arange(N) % 4
NUMBERS: dict[str, Any] = {
    "objects": list(PLACE),
    "decimals": [Decimal(int(value)) for value in PLACE],
    "fractions": [Fraction(int(value)) for value in PLACE],
    "Int64": pd.array(PLACE, dtype="Int64"),
    "Float64": pd.array(PLACE.astype(float), dtype="Float64"),
    "sparse": pd.arrays.SparseArray(PLACE.astype(float)),
    "arrow whole": pd.array(PLACE, dtype=pd.ArrowDtype(pa.int64())),
    "arrow real": pd.array(PLACE.astype(float), dtype=pd.ArrowDtype(pa.float64())),
    "arrow decimal": pd.array([Decimal(int(v)) for v in PLACE], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    "small": PLACE.astype(np.uint8),
    "half": PLACE.astype(np.float16),
}  # fmt: skip
TEXTS: dict[str, Any] = {
    "string": pd.array([f"t{value}" for value in PLACE], dtype="string"),
    "arrow": pd.array([f"t{value}" for value in PLACE], dtype=pd.ArrowDtype(pa.string())),
    "dictionary": pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array([f"t{v}" for v in PLACE]).dictionary_encode()])),
    "bytes": [f"t{value}".encode() for value in PLACE],
    "numpy": [np.str_(f"t{value}") for value in PLACE],
}  # fmt: skip
DAY = datetime.date(2020, 1, 1)
ODD: dict[str, tuple[Any, str]] = {
    "datetime": (pd.Timestamp(DAY) + pd.to_timedelta(PLACE, "D"), '"2020-01-01 00:00:00" in row 1 (of type Timestamp)'),
    "date": ([DAY + datetime.timedelta(days=int(v)) for v in PLACE], '"2020-01-01" in row 1 (of type date)'),
    "time": ([datetime.time(1 + v) for v in PLACE], '"01:00:00" in row 1 (of type time)'),
    "timedelta": (pd.to_timedelta(PLACE, "D"), '"0 days 00:00:00" in row 1 (of type Timedelta)'),
    "period": (pd.PeriodIndex.from_ordinals(PLACE.astype("int64"), freq="M"), '"1970-01" in row 1 (of type Period)'),
    "complex": (PLACE + 1j, '"1j" in row 1 (of type complex128)'),
    "complex objects": ([complex(v) for v in PLACE], '"0j" in row 1 (of type complex)'),
    "complex groups": (pd.Categorical(PLACE + 1j), '"1j" among its levels (of type complex128)'),
    "lists": ([[int(v)] for v in PLACE], '"[0]" in row 1 (of type list)'),
}  # fmt: skip
ADVICE = (
    "Expected numbers, texts, or yes and no. Make numbers of it, such as years since a day, or groups: a pandas "
    "Categorical."
)


def frame_with(values: Any) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"y": pd.Categorical(rng.choice(["a", "b", "c"], N), ["a", "b", "c"], ordered=True), "g": ["u", "v"] * 20}
    )
    frame["x"] = pd.Series(values, dtype=object if isinstance(values, list) else None)
    return frame


def survey_of(values: Any, **design: Any) -> Survey:
    return Survey.from_frame(frame_with(values), **({"weight": None} | design))


def numbers_of(survey: Survey) -> list[Any]:
    """The variable x as predictor, outcome, group, mean, target population, calibration variable."""
    fitted: Fit = wwm.fit(wwm.Model("y ~ x + g"), survey)
    return [
        fitted.params.index.tolist(), fitted.params.tolist(), wwm.raw(survey, "x").table["category"].tolist(), wwm.mean(survey, "x").table["estimate"].tolist(),
        wwm.raw(survey, "y", by="x").table["x"].astype(str).tolist(), wwm.adjusted(fitted, "g", over=survey).table["estimate"].tolist(),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_are_numbers_however_they_are_stored(kind: str) -> None:
    plain, stored = survey_of(PLACE), survey_of(NUMBERS[kind])
    assert numbers_of(stored) == numbers_of(plain)
    assert wwm.calibrate(stored, {"x": 70.0}).weights.tolist() == wwm.calibrate(plain, {"x": 70.0}).weights.tolist()
    assert Survey.from_frame(frame_with(NUMBERS[kind]), weight="x").weights.tolist() == PLACE.tolist()


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_are_texts_however_they_are_stored(kind: str) -> None:
    plain, stored = (
        wwm.raw(survey_of(values), "y", by="x").table for values in ([f"t{value}" for value in PLACE], TEXTS[kind])
    )
    assert (
        stored["x"].astype(str).tolist()
        == plain["x"].astype(str).tolist()
        == [f"t{v}" for v in range(4) for _ in range(3)]
    )
    assert stored["estimate"].tolist() == plain["estimate"].tolist()


def test_yes_and_no_with_missing_answers_is_what_it_is_without() -> None:
    values = [True, False, None, True] * 10
    assert wwm.mean(survey_of(values), "x").table["estimate"].tolist() == [2 / 3]
    assert wwm.raw(survey_of(values), "x").table["category"].tolist() == ["0", "1"]


USES: dict[str, tuple[Callable[[Survey], object], str]] = {
    "predictor": (lambda s: wwm.fit(wwm.Model("y ~ x"), s), "Predictor"),
    "group of raw": (lambda s: wwm.raw(s, "y", by="x"), "Predictor"),
    "outcome": (lambda s: wwm.raw(s, "x"), "Outcome"),
    "outcome of a model": (lambda s: wwm.fit(wwm.Model("x ~ g", family="multinomial"), s), "Outcome"),
    "mean": (lambda s: wwm.mean(s, "x"), "Variable"),
    "total": (lambda s: wwm.total(s, "x"), "Variable"),
    "group of a mean": (lambda s: wwm.mean(s, "y", by="x"), "Group"),
    "margin": (lambda s: wwm.rake(s, {"x": {"1": 1.0}}), "Margin"),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("use", USES)
def test_what_is_neither_number_nor_text_is_refused_where_it_is_used(use: str, kind: str) -> None:
    values, shown = ODD[kind]
    call, what = USES[use]
    with pytest.raises(WwmError) as refused:
        call(survey_of(values))
    assert str(refused.value) == f'{what} "x" holds {shown}. {ADVICE}'


@pytest.mark.parametrize("kind", ODD)
def test_it_is_no_weight_and_nothing_to_impute_from(kind: str) -> None:
    with pytest.raises(SurveyError, match='Weight "x" holds '):
        survey_of(ODD[kind][0], weight="x")
    frame = frame_with(ODD[kind][0])
    frame.loc[3, "y"] = None
    with pytest.raises(ImputationError) as refused:
        wwm.impute(Survey.from_frame(frame, weight=None), 2, seed=1)
    assert str(refused.value) == f'Variable "x" holds {ODD[kind][1]}. {ADVICE}'


def test_days_may_be_strata_and_lists_may_not() -> None:
    assert len(wwm.raw(survey_of(ODD["date"][0], strata="x"), "y").table) == 3
    for kind in ("lists", "complex objects"):
        with pytest.raises(SurveyError) as refused:
            survey_of(ODD[kind][0], strata="x")
        assert str(refused.value) == f'Design column "x" holds {ODD[kind][1]}. {ADVICE}'


@pytest.mark.parametrize(
    ("one", "two"),
    [("1", "1.0"), (1, "1"), ("\u00e9", "e\u0301"), ("a b", "a\u00a0b"), ("ab", "a\u200bb"), ("1.5", "1.50")],
)
@pytest.mark.parametrize("use", [*USES, "strata"])
def test_levels_that_look_the_same_are_refused(use: str, one: object, two: object) -> None:
    values = [one, two, "x", "z"] * 10
    call = (lambda: survey_of(values, strata="x")) if use == "strata" else lambda: USES[use][0](survey_of(values))
    with pytest.raises(WwmError) as refused:
        call()
    shown = [f"{first!r} ({type(first).__name__}) and {then!r} (str)" for first, then in ((one, two), (two, one))]
    assert str(refused.value) in [
        f'"x" has the levels {pair}, which are the same text but for spaces, signs that nobody sees, the coding of accents, or zeros behind a decimal '
        "point. Expected levels with different names. Make them one level, or give them names of their own."
        for pair in shown
    ]


def test_two_columns_of_one_name_are_refused() -> None:
    frame = frame_with(PLACE)
    for other in (pd.concat([frame, frame[["x"]]], axis=1), frame.assign(**{"x ": 1})):
        with pytest.raises(SurveyError) as refused:
            Survey.from_frame(other, weight=None)
        assert str(refused.value) == (
            'The frame has 2 columns named "x" (positions 3, 4, counted from 1). Expected names that occur once. Rename one of them, or leave it out '
            "of the frame."
        )


def test_endless_numbers_have_no_mean() -> None:
    with pytest.raises(AdjustError) as refused:
        wwm.mean(survey_of([1.0, np.inf, 2.0, 3.0] * 10), "x")
    assert str(refused.value) == (
        'Variable "x": 10 of 40 rows are infinite (first rows, counted from 1: 2, 6, 10, 14, 18 and 5 more). Expected finite numbers. Repair them or '
        "declare them missing."
    )


@pytest.mark.parametrize("values", [["s0", "s1"] * 20, pd.Categorical(["low", "high"] * 20), pd.cut(PLACE, [-1, 1, 3])])
def test_groups_do_not_pass_for_a_number_in_another_survey(values: Any) -> None:
    fitted = wwm.fit(wwm.Model("y ~ x + g"), survey_of(PLACE))
    with pytest.raises(ModelError) as refused:
        wwm.adjusted(fitted, "g", over=survey_of(values))
    first = sorted(map(str, set(values)))[0]
    assert str(refused.value) == (
        f'"x" holds "{first}", and the fit took it for a number. Expected numbers. Give the variable as it was fitted, or fit the model on groups.'
    )


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 2.0],
        ["1", "2.0"],
        [b"1", b"2"],
        pd.Categorical([1, 2]),
        pd.array([1, 2], dtype="Int64"),
        [Decimal(1), Decimal(2)],
    ],
)
def test_predictions_take_numbers_however_they_are_written(values: Any) -> None:
    fitted = wwm.fit(wwm.Model("y ~ x + g"), survey_of(PLACE))
    right = wwm.predict(fitted, pd.DataFrame({"x": [1.0, 2.0], "g": ["u", "v"]}))
    pd.testing.assert_frame_equal(wwm.predict(fitted, pd.DataFrame({"x": values, "g": ["u", " v"]})), right)


@pytest.mark.parametrize(
    "values", [pd.to_datetime(["2020-01-01", "2021-01-01"]), [1j, 2j], [[1], [2]], [1.0, np.inf], ["u", "v"]]
)
def test_predictions_refuse_what_is_no_number(values: Any) -> None:
    fitted = wwm.fit(wwm.Model("y ~ x + g"), survey_of(PLACE))
    with pytest.raises(ModelError, match='"x"'):
        wwm.predict(fitted, pd.DataFrame({"x": values, "g": ["u", "v"]}))


def test_levels_refused_in_an_outcome_name_the_stage() -> None:
    with pytest.raises(AnswersError):
        wwm.raw(survey_of(ODD["date"][0]), "x")
