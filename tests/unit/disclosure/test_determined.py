"""Which models give a small group away by their equations, and what is said of them; no message names what a few answered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.disclosure.determined import (
    equations_of,
    few_alone,
    few_apart,
    few_between,
    nearly_the_same,
    refused,
    suppressed_beside,
    thin_level,
)
from wwm_models.disclosure.suppressed_tables import Withheld
from wwm_models.errors import AnswersError, SeparationError

FAMILIES = (
    ("cumulative", "logit"),
    ("cumulative", "probit"),
    ("multinomial", "logit"),
    ("adjacent", "logit"),
    ("stopping", "logit"),
)


def respondents(**codes: np.ndarray) -> wwm.Survey:
    """400 respondents with three answers, by variables of which codes below zero are unknown."""
    n = 400
    frame = pd.DataFrame({"y": pd.Categorical.from_codes(np.arange(n) % 3, ["no", "maybe", "yes"], ordered=True)})
    for name, values in codes.items():
        frame[name] = pd.Categorical.from_codes(
            values, [f"{name}{code}" for code in range(values.max() + 1)], ordered=True
        )
    return wwm.Survey.from_frame(frame, weight=None)


def halves(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, 400)


def with_few(codes: np.ndarray, few: int) -> np.ndarray:
    """The same, of whom the first few have a level of their own."""
    return np.where(np.arange(400) < few, 2, codes)


def why(
    survey: wwm.Survey,
    *formulas: str,
    family: str = "cumulative",
    link: str = "logit",
    raws: tuple[tuple[str, ...], ...] = ((),),
) -> dict[str, str]:
    """What is said of models of these formulas, named by them, beside these raw tables."""
    tables = {"y": {by: wwm.raw(survey, "y", by or None) for by in raws}}
    fits = [equations_of(formula, "all", wwm.Model(formula, family=family, link=link), survey) for formula in formulas]
    return dict(refused(fits, tables, Withheld({}, 0, 10), survey, {}).models)


@pytest.mark.parametrize(("family", "link"), FAMILIES)
@pytest.mark.parametrize("formula", ["y ~ a + g", "y ~ g + a", "y ~ C(a, Treatment('a2')) + g", "y ~ a"])
def test_a_level_that_fewer_than_the_threshold_have_withholds_a_model(formula: str, family: str, link: str):
    nine, ten = (respondents(a=with_few(halves(), few), g=halves(2)) for few in (9, 10))
    assert why(nine, formula, family=family, link=link) == {formula: thin_level(["a = a2"], 10)}
    assert why(ten, formula, family=family, link=link) == {}


@pytest.mark.parametrize("formula", ["y ~ a * h", "y ~ a + h + a:h + g", "y ~ g + a:h"])
def test_a_combination_of_an_interaction_withholds_it_and_main_effects_do_not(formula: str):
    a, h = halves(), halves(2)
    few = np.flatnonzero((a == 1) & (h == 0))
    h[few[7:]] = 1
    survey = respondents(a=a, h=h, g=halves(3))
    assert why(survey, formula) == {formula: thin_level(["a = a1, h = h0"], 10)}
    assert why(survey, "y ~ a + h + g") == {}


def test_two_variables_that_differ_by_a_few_are_not_in_one_model_nor_in_two_of_counts():
    a = halves()
    near = a.copy()
    near[np.flatnonzero(a == 0)[:6]] = 1
    survey = respondents(a=a, b=near, g=halves(2))
    assert why(survey, "y ~ a + b") == {"y ~ a + b": nearly_the_same(["a", "b"], 10)}
    two = why(survey, "y ~ a + g", "y ~ b + g", family="multinomial")
    assert two == {"y ~ b + g": few_between("b = b0", "a = a0 of y ~ a + g", 10)}
    assert why(survey, "y ~ b", family="multinomial", raws=((), ("a",))) == {
        "y ~ b": few_between("b = b0", "a = a0", 10)
    }
    assert why(survey, "y ~ a + g", "y ~ b + g") == {}  # scores of cut points differ between patterns and do not cancel


def test_a_few_missing_adjusters_are_told_by_subtraction_where_equations_are_counts():
    survey = respondents(a=halves(), g=np.where(np.arange(400) < 6, -1, halves(2)))
    assert why(survey, "y ~ a + g", family="multinomial") == {"y ~ a + g": few_apart("raw percentages", 10)}
    assert why(survey, "y ~ a + g") == {}
    found = refused(
        [equations_of("m", "all", wwm.Model("y ~ a + g"), survey)],
        {"y": {(): wwm.raw(survey, "y")}},
        Withheld({}),
        survey,
        {},
    )
    assert found.partly == {"m"}  # its multinomial refits are left out
    assert why(survey, "y ~ g", family="multinomial", raws=((), ("g",))) == {}  # the raw table has the same respondents


def test_a_number_that_few_have_is_a_group_too():
    x = np.where(np.arange(400) < 7, 3.0, 0.0)
    survey = respondents(a=halves())
    survey = replace(survey, frame=survey.frame.assign(x=x, age=np.arange(400) % 60 + 20.0))
    assert why(survey, "y ~ a + x") == {"y ~ a + x": nearly_the_same(["a"], 10)}
    assert why(survey, "y ~ a + age") == {}


def test_a_suppressed_group_in_a_small_level_is_found_by_going_through_all_tables():
    """Six of the twenty a1 are h0: with all tables of the twenty at hand, one is left; among 300 nobody finds it."""
    a = (np.arange(400) < 20).astype(int)
    h = np.where(a == 1, np.arange(400) >= 6, halves(2)).astype(int)
    survey = respondents(a=a, h=h, g=halves(3))
    hidden = Withheld({("y", "a=a1;h=h0", "no"): 0.5}, 1, 10)
    fit = equations_of("m", "all", wwm.Model("y ~ a + h + g"), survey)
    assert dict(refused([fit], {}, hidden, survey, {}).models) == {"m": suppressed_beside("y", "a=a1;h=h0", 10)}
    without = equations_of("m", "all", wwm.Model("y ~ a + g"), survey)  # has no pattern of them
    assert not refused([without], {}, hidden, survey, {}).models


def test_nothing_is_withheld_with_a_threshold_of_zero():
    survey = replace(respondents(a=with_few(halves(), 3), g=halves(2)), suppress_below=0)
    assert why(survey, "y ~ a + g") == {}


def test_respondents_without_weight_do_not_fill_a_level():
    survey = respondents(a=with_few(halves(), 12), g=halves(2))
    weights = np.where(np.arange(400) < 5, 0.0, 1.0)
    weighted = wwm.Survey.from_frame(survey.frame.assign(w=weights), weight="w")
    assert why(weighted, "y ~ a + g") == {"y ~ a + g": thin_level(["a = a2"], 10)}


def test_the_sparsest_sum_of_columns_is_the_difference_of_two_groups():
    columns = np.column_stack([np.ones(4), [0, 0, 1, 1], [0, 1, 1, 1]]).astype(float)
    np.testing.assert_array_equal(
        few_alone(columns, np.array([50.0, 5.0, 30.0, 30.0]), 10), [False, True, False, False]
    )
    assert few_alone(columns, np.array([50.0, 15.0, 30.0, 30.0]), 10) is None


@pytest.mark.parametrize("family", ["cumulative", "multinomial"])
def test_a_separation_message_names_no_answer_of_a_few(family: str):
    survey = respondents(a=with_few(halves(), 3), g=halves(2))
    codes = np.where(np.arange(400) < 3, 2, np.arange(400) % 3)
    survey = replace(
        survey, frame=survey.frame.assign(y=pd.Categorical.from_codes(codes, ["no", "maybe", "yes"], ordered=True))
    )
    with pytest.raises(SeparationError) as caught:
        wwm.fit(wwm.Model("y ~ a + g", family=family), survey)
    assert str(caught.value) == (
        f'Outcome "y", {family} family: the answers are separated by a, so these coefficients are infinite. Fewer than 10 respondents have a = a2. '
        'Merge answers or levels, leave the term out, or ask for a penalised fit (penalty = "jeffreys"), which is labelled as such.'
    )


def test_nor_does_the_message_of_a_question_that_a_few_answered_alike():
    codes = np.where(np.arange(400) < 4, 2, -1)
    survey = respondents(a=halves())
    survey = replace(
        survey, frame=survey.frame.assign(y=pd.Categorical.from_codes(codes, ["no", "maybe", "yes"], ordered=True))
    )
    with pytest.raises(AnswersError) as caught:
        wwm.fit(wwm.Model("y ~ a"), survey)
    assert str(caught.value) == (
        'Outcome "y": all fewer than 10 usable rows have the same answer; nothing to model. Choose another outcome or a wider domain.'
    )


def test_of_an_interaction_a_combination_of_few_is_named_without_its_answers():
    a, h = halves(), halves(2)
    few = np.flatnonzero((a == 1) & (h == 0))
    h[few[4:]] = 1
    survey = respondents(a=a, h=h)
    codes = survey.frame["y"].cat.codes.to_numpy().copy()
    codes[few[:4]] = 2
    survey = replace(
        survey, frame=survey.frame.assign(y=pd.Categorical.from_codes(codes, ["no", "maybe", "yes"], ordered=True))
    )
    with pytest.raises(SeparationError) as caught:
        wwm.fit(wwm.Model("y ~ a * h"), survey)
    assert str(caught.value) == (
        'Outcome "y", cumulative family: the answers are separated by a, a:h, so these coefficients are infinite. Fewer than 10 respondents have '
        'a = a1, h = h0. Merge answers or levels, leave the term out, or ask for a penalised fit (penalty = "jeffreys"), which is labelled as such.'
    )
