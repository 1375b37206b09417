"""Arguments of the frame's length, and columns that have to hold numbers: by which rule they are taken, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import SurveyError

FRAME = pd.DataFrame(
    {"y": pd.Categorical(["no", "yes", "yes", "no"], ["no", "yes"], ordered=True), "w": [1.0, 2.0, 1.0, 1.0]},
    index=["a", "b", "c", "d"],
)
INSIDE = [True, True, False, False]


def domain_of(given: Any, frame: pd.DataFrame = FRAME) -> list[bool]:
    return wwm.Survey.from_frame(frame, weight=None, domain=given).domain.tolist()


@pytest.mark.parametrize(
    "given",
    [
        INSIDE,
        tuple(INSIDE),
        np.array(INSIDE),
        np.array([1, 1, 0, 0]),
        [1.0, 1.0, 0.0, 0.0],
        pd.array(INSIDE, dtype="boolean"),
        pd.Series(INSIDE, index=FRAME.index),
        pd.Series(INSIDE, index=FRAME.index, dtype="boolean"),
        pd.Series(INSIDE, index=FRAME.index, dtype=object),
        pd.Series(INSIDE[::-1], index=FRAME.index[::-1]),
        pd.Series([1, 0, 0, 1], index=["b", "c", "d", "a"]),
        np.ma.MaskedArray(INSIDE, mask=False),
    ],
    ids=lambda given: f"{type(given).__name__} {getattr(given, 'dtype', '')}",
)
def test_a_series_goes_by_its_index_and_the_rest_by_position(given: Any):
    assert domain_of(given) == INSIDE


def test_a_mask_of_a_sorted_frame_keeps_its_people():
    frame = pd.DataFrame({"y": ["no", "yes"] * 50, "woman": [True] * 51 + [False] * 49})
    women = frame.sample(frac=1.0, random_state=1)["woman"]
    survey = wwm.Survey.from_frame(frame, weight=None, domain=women)
    assert survey.frame["woman"][survey.domain].all()
    assert survey.domain.sum() == 51


WHAT = "Say what these rows are, for example with .fillna(False) or a comparison."
OTHER = "Expected the index of the frame, in any order. Make it from the same frame, or give domain.to_numpy() if its order is that of the frame."
LONG = "Expected one boolean for every row. Give an array of that length, or a Series with the index of the frame."
REFUSED: list[tuple[Any, str]] = [
    (
        [True, None, False, np.nan],
        f"`domain` is missing in 2 of 4 rows (first rows, counted from 1: 2, 4). Expected True or False for every row. {WHAT}",
    ),
    (
        pd.array([True, None, False, False], dtype="boolean"),
        f"`domain` is missing in 1 of 4 rows (first rows, counted from 1: 2). Expected True or False for every row. {WHAT}",
    ),
    (
        np.ma.MaskedArray(INSIDE, mask=[True, False, False, False]),
        f"`domain` is missing in 1 of 4 rows (first rows, counted from 1: 1). Expected True or False for every row. {WHAT}",
    ),
    (
        ["True", "False", "0", "1"],
        f"`domain` is 'True', 'False', '0' and 1 more in 4 of 4 rows (first rows, counted from 1: 1, 2, 3, 4). Expected True or False for every row. {WHAT}",
    ),
    (
        [0, 1, 2, 0],
        f"`domain` is 2 in 1 of 4 rows (first rows, counted from 1: 3). Expected True or False for every row. {WHAT}",
    ),
    (
        pd.Series(INSIDE),
        f"`domain` is a Series with 4 labels that the frame has not (0, 1, 2, 3). {OTHER}",
    ),
    (
        pd.Series(INSIDE[:3], index=list("abc")),
        f"`domain` is a Series with 3 labels, the frame has 4. {OTHER}",
    ),
    (
        pd.Series(INSIDE, index=list("abca")),
        f"`domain` is a Series with labels that occur twice, in another order than the frame. {OTHER}",
    ),
    ([True, False], f"`domain` has shape (2,), the frame has 4 rows. {LONG}"),
    (np.array([INSIDE]), f"`domain` has shape (1, 4), the frame has 4 rows. {LONG}"),
    (
        "y",
        "`domain` is of type str. Expected one boolean for each of the 4 rows of the frame. Give a boolean array, or a Series with the "
        "index of the frame.",
    ),
]


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_neither_yes_nor_no_is_refused(given: Any, message: str):
    with pytest.raises(SurveyError) as caught:
        domain_of(given)
    assert str(caught.value) == message


def test_labels_that_occur_twice_are_taken_in_the_order_of_the_frame():
    frame = FRAME.set_axis(["a", "a", "b", "b"])
    assert domain_of(pd.Series(INSIDE, index=frame.index), frame) == INSIDE


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 1, 1],
        pd.array([1, 2, 1, 1], dtype="Int64"),
        pd.array([1.0, 2.0, 1.0, 1.0], dtype="Float32"),
        [Decimal(1), Decimal(2), 1, 1.0],
    ],
)
def test_numbers_of_every_kind_are_weights(values: Any):
    assert wwm.Survey.from_frame(FRAME.assign(w=values), weight="w").weights.tolist() == [1.0, 2.0, 1.0, 1.0]


CONVERT = "Expected numbers. Convert the column beforehand, for example with pandas.to_numeric."


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["1", "2", "1", "1"], '"1" in row 1 (the column is of type string)'),
        ([True, False, True, True], '"True" in row 1 (the column is of type boolean)'),
        ([1.0, True, 1.0, 1.0], '"True" in row 2 (the column is of type mixed)'),
        (pd.to_datetime(["2020-01-01"] * 4), '"2020-01-01 00:00:00" in row 1 (the column is of type datetime64)'),
        (pd.to_timedelta([1, 2, 3, 4], unit="D"), '"1 days 00:00:00" in row 1 (the column is of type timedelta64)'),
        (np.array([1 + 1j] * 4), '"(1+1j)" in row 1 (the column is of type complex)'),
        (pd.Categorical([1, 2, 1, 1]), '"1" in row 1 (the column is of type categorical)'),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.parametrize("argument", ["weight", "fpc"])
def test_what_only_looks_like_numbers_is_refused(values: Any, shown: str, argument: str):
    options = {"weight": None, argument: "w"}
    with pytest.raises(SurveyError) as caught:
        wwm.Survey.from_frame(FRAME.assign(w=values), **options)
    name = {"weight": 'Weight "w"', "fpc": 'Population size "w"'}[argument]
    assert str(caught.value) == f"{name} holds {shown}. {CONVERT}"


def many(weights: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"y": [1, 2] * (len(weights) // 2), "w": weights})


MEANT = "Leave these rows out of the domain or repair the weight; if it is meant, give accept_extreme_weights=True."


def test_a_respondent_who_decides_the_result_is_refused_as_the_command_line_does():
    frame = many([1.0] * 99 + [1e9])
    with pytest.raises(SurveyError) as caught:
        wwm.Survey.from_frame(frame, weight="w")
    assert str(caught.value) == (
        'Weight "w": 1 of 100 rows (first rows, counted from 1: 100) hold more than 5 percent of the total weight of the 100 respondents in '
        "the domain; the largest, 1e+09, is 100.0% of it and 100.0 times the mean. Expected no respondent to decide the result. "
        + MEANT
    )
    accepted = wwm.Survey.from_frame(frame, weight="w", accept_extreme_weights=True)
    assert accepted.weights.max() == 1e9
    assert [text[:60] for text in accepted.warnings] == [
        'Weight "w": 1 of 100 rows (first rows, counted from 1: 100) ',
        'Weight "w": the design effect of unequal weights is 100.00, ',
    ]
    assert wwm.Survey.from_frame(frame, weight="w", domain=np.arange(100) < 99).warnings == ()
    assert wwm.Survey.from_frame(frame, weight="w", weight_kind="frequency").warnings == ()


def test_a_code_for_a_missing_weight_is_refused_as_the_command_line_does():
    with pytest.raises(SurveyError) as caught:
        wwm.Survey.from_frame(many([1.5] * 900 + [999.0] * 100), weight="w")
    assert str(caught.value) == (
        'Weight "w" is 999 in 100 of 1000 rows (first rows, counted from 1: 901, 902, 903, 904, 905 and 95 more); the largest other weight '
        "is 1.5. Expected weights, not codes for a missing weight. " + MEANT
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"weight_kind": "freqency"},
            'weight_kind="freqency" is not known. Expected "sampling" or "frequency". Did you mean "frequency"?',
        ),
        ({"lonely": None}, 'lonely=None is not known. Expected "error", "certainty", "average" or "adjust".'),
        ({"strata": "s"}, 'The frame has no column "s". It has 2 columns: y, w.'),
    ],
)
def test_options_of_a_survey(options: dict[str, Any], message: str):
    with pytest.raises(SurveyError) as caught:
        wwm.Survey.from_frame(FRAME, weight="w", **options)
    assert str(caught.value) == message
