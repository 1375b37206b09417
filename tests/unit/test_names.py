"""Names that collide as text or with a column of our tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import AdjustError, AnswersError

FRAME = pd.DataFrame({"y": [1, 2, 3, 3] * 30, "g": list("ab") * 60, "u": np.arange(120) // 10})


@pytest.mark.parametrize("pair", [(1, "1"), (True, "True"), ("a", "a "), ("a  b", "a b")], ids=repr)
def test_levels_that_are_the_same_text_are_refused(pair: tuple[Any, Any]):
    levels = pd.Categorical.from_codes([0, 1] * 60, list(pair), ordered=True)
    survey = wwm.Survey.from_frame(FRAME.assign(g=levels), weight=None)
    for call in (
        lambda: wwm.raw(survey, "y", "g"),
        lambda: wwm.raw(survey, "g"),
        lambda: wwm.fit(wwm.Model("y ~ g"), survey),
        lambda: wwm.fit(wwm.Model("g ~ y"), survey),
    ):
        with pytest.raises(AnswersError, match=r"which are the same text but for spaces"):
            call()


@pytest.mark.parametrize("name", ["outcome", "category", "level", "n", "count", "method", "contrast", "p_value"])
def test_a_by_variable_has_no_name_of_a_column(name: str):
    survey = wwm.Survey.from_frame(FRAME.rename(columns={"g": name}), weight=None)
    fit = wwm.fit(wwm.Model(f"y ~ {name}"), survey)
    for call in (
        lambda: wwm.raw(survey, "y", name),
        lambda: wwm.adjusted(fit, name),
        lambda: wwm.mean(survey, "u", [name]),
    ):
        with pytest.raises(AdjustError) as caught:
            call()
        assert str(caught.value).startswith(
            f'"{name}" cannot be a by-variable: tables of estimates have a column of that name. Expected another name than outcome, category, '
        )


@pytest.mark.parametrize("by", [3, {"g": 1}, [["g"]], ["g", "g"], [None]], ids=repr)
def test_by_names_variables(by: Any):
    with pytest.raises(AdjustError, match=r"^by="):
        wwm.raw(wwm.Survey.from_frame(FRAME, weight=None), "y", by)


def test_a_collapse_has_a_name_of_its_own():
    with pytest.raises(AdjustError) as caught:
        wwm.raw(wwm.Survey.from_frame(FRAME, weight=None), "y", collapses={"2": ["1", "2"]})
    assert str(caught.value) == (
        'Collapse "2" has the name of an answer or of another collapse. Expected another name than 1, 2, 3. Rename it.'
    )


def test_scores_may_be_given_by_number():
    shares = wwm.raw(wwm.Survey.from_frame(FRAME, weight=None), "y")
    assert wwm.mean_score(shares, {1: 1, 2: 2, 3: 3}).table["estimate"].tolist() == [2.25]
