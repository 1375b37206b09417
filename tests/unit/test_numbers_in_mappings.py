"""A number that stands in a mapping (scores, totals, shifts, margins) is held to the same as one that is an argument."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import WwmError

FRAME = pd.DataFrame(
    {
        "y": pd.Categorical(["no", "some", "yes", "yes"] * 20, ["no", "some", "yes"], ordered=True),
        "g": pd.Categorical(["a", "b"] * 40),
        "h": pd.Categorical((["p", "q", "r"] * 27)[:80]),
        "z": [0.0, 1.0, 1.0, 0.0, 1.0] * 16,
    }
)
SURVEY = wwm.Survey.from_frame(FRAME, weight=None)
GAPS = wwm.Survey.from_frame(
    FRAME.assign(y=FRAME["y"].where(FRAME.index > 6), h=FRAME["h"].where(FRAME.index < 70)), weight=None
)
FIT = wwm.fit(wwm.Model("y ~ g + z"), SURVEY)
CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a score": (lambda one: wwm.mean_score(wwm.raw(SURVEY, "y"), {"no": 0, "some": one, "yes": 2}), 'The score of "some" is {}. Expected a finite number. Give one.'),
    "a score of a model": (lambda one: wwm.mean_score(FIT, {"no": 0, "some": 1, "yes": one}, "g"), 'The score of "yes" is {}. Expected a finite number. Give one.'),
    "a total": (lambda one: wwm.survey.calibrate(SURVEY, {"(Intercept)": one}), 'The total of "(Intercept)" is {}. Expected a finite number. Give one.'),
    "a total of a level": (lambda one: wwm.survey.calibrate(SURVEY, {"g": {"a": 40, "b": one}}), 'The total of "g" = "b" is {}. Expected a finite number. Give one.'),
    "a shift": (lambda one: wwm.impute(GAPS, m=2, seed=1, delta={"y": one}), 'delta of "y" is {}. Expected a finite number. Give one.'),
    "a shift of a level": (lambda one: wwm.impute(GAPS, m=2, seed=1, delta={"h": {"q": one}}), 'delta of "h" = "q" is {}. Expected a finite number. Give one.'),
}  # fmt: skip
WRONG = [float("nan"), float("inf"), "2", True, np.bool_(True), 1j, None]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_what_is_no_finite_number_is_refused(name: str, wrong: Any):
    call, said = CALLS[name]
    with pytest.raises(WwmError) as caught:
        call(wrong)
    assert str(caught.value) == said.format(repr(wrong))


@pytest.mark.parametrize("right", [1, 1.0, np.float32(1), np.int8(1), Decimal(1)], ids=repr)
def test_every_kind_of_number_is_one(right: Any):
    scored = wwm.mean_score(wwm.raw(SURVEY, "y"), {"no": 0, "some": right, "yes": 2})
    assert scored.table["estimate"].tolist() == [1.25]


@pytest.mark.parametrize("wrong", [True, "5"], ids=repr)
def test_a_share_of_a_population_is_a_number(wrong: Any):
    with pytest.raises(WwmError, match='The margin of "g" holds something that is no number'):
        wwm.adjusted(FIT, "z", over={"g": {"a": 5, "b": wrong}})


def test_an_endless_margin_is_none():
    with pytest.raises(WwmError) as caught:
        wwm.equivalence(wwm.contrasts(wwm.raw(SURVEY, "y", "g"), "g"), margin=float("inf"))
    assert (
        str(caught.value) == "margin=inf. Expected the largest difference that counts as none, above 0, such as 0.05."
    )


def test_shifts_of_levels_that_are_numbers_may_be_given_by_number():
    coded = FRAME["h"].cat.rename_categories([1, 2, 3])
    survey = wwm.Survey.from_frame(FRAME.assign(h=coded.where(FRAME.index < 40)), weight=None)
    given = [wwm.impute(survey, m=2, seed=1, delta={"h": {key: 30.0}}).surveys[0].frame["h"] for key in (2, "2")]
    assert given[0].astype(str).tolist() == given[1].astype(str).tolist()
    assert given[0].astype(str).tolist()[40:] == ["2"] * 40


def test_an_unknown_score_is_not_its_own_nearest_name():
    with pytest.raises(WwmError) as caught:
        wwm.mean_score(wwm.raw(SURVEY, "y"), {"no": 0, "some": 1, "yes": 2, "yess": 3})
    assert str(caught.value) == (
        '"yess" has a score but is not an answer. Answers: no, some, yes. Did you mean "yes"? Give every answer a score.'
    )
