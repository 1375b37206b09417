"""Columns to variables: answers, numbers, cuts, merges, and what is missing why."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from wwm_models.survey.recode_values import suspicious
from wwm_models.survey.survey import FURTHER, Survey

Reading = Callable[[str | bytes, str], Survey]
OFTEN = """
[variables.often]
column = "often"
kind = "ordered"
missing = [{ codes = [8, 9], text = ["NA"], reason = "do not know" }]
levels = [
  { id = "never", codes = [1], text = ["nooit", "None"], nl = "nooit" },
  { id = "weekly", codes = [2], text = ["wekelijks"], en = "every week" },
  { id = "daily", codes = [3], text = ["dagelijks"] },
]
"""
AGE = """
[variables.age_group]
column = "age"
kind = "ordered"
cut = { breaks = [18, 35, 65], closed = "%s" }
levels = [{ id = "young" }, { id = "old" }]
"""


def test_codes_match_numbers_and_texts_match_to_the_letter(read: Reading):
    survey = read('often\n1\n2.0\ndagelijks\nNone\n9\nNA\n""\n', OFTEN)
    often = survey.frame["often"]
    assert often.cat.categories.tolist() == ["never", "weekly", "daily"]
    assert often.cat.ordered
    assert often.cat.codes.tolist() == [0, 1, 2, 0, -1, -1, -1]
    assert survey.missing["often"].tolist() == ["", "", "", "", "do not know", "do not know", "no answer"]


def test_a_level_without_respondents_keeps_its_place_and_labels_stand_in_for_each_other(read: Reading):
    survey = read("often\n3\n1\n", OFTEN)
    assert survey.frame["often"].cat.categories.tolist() == ["never", "weekly", "daily"]
    labels = [(level.nl, level.en) for level in survey.variables["often"].levels]
    assert labels == [("nooit", "nooit"), ("every week", "every week"), ("daily", "daily")]


@pytest.mark.parametrize("lang", FURTHER)
def test_variables_levels_and_collapses_have_labels_in_further_languages(read: Reading, lang: str):
    book = OFTEN.replace('nl = "nooit"', f'nl = "nooit", {lang} = "label of a level"').replace(
        'kind = "ordered"', f'kind = "ordered"\n{lang} = "label of a variable"'
    )
    book += f'\n[collapses.ever]\nvariable = "often"\nlevels = ["weekly", "daily"]\n{lang} = "label of a collapse"\n'
    survey = read("often\n3\n1\n", book)
    often, ever = survey.variables["often"], survey.collapses["ever"]
    assert [one.label(lang) for one in (often, *often.levels, ever)] == [
        *("label of a variable", "label of a level", "", "", "label of a collapse"),
    ]


@pytest.mark.parametrize("kind", ["answers", "number", "cut"])
def test_a_column_without_data_is_all_missing(read: Reading, kind: str):
    book = {
        "answers": OFTEN.replace('column = "often"', 'position = 2\nempty = "not asked"'),
        "number": '[variables.often]\nposition = 2\nkind = "number"\nempty = "not asked"\n',
        "cut": (AGE % "left")
        .replace("age_group", "often")
        .replace('column = "age"', 'position = 2\nempty = "not asked"'),
    }[kind]
    survey = read("id,often\n1,\n2,\n", book)
    assert survey.frame["often"].isna().all()
    assert survey.missing["often"].tolist() == ["not asked", "not asked"]


@pytest.mark.parametrize(
    ("closed", "codes", "reasons"),
    [
        ("left", [-1, 0, 0, 1, 1, -1, -1], ["outside 18-65", "", "", "", "", "outside 18-65", "no answer"]),
        ("right", [-1, -1, 0, 0, 1, 1, -1], ["outside 18-65", "outside 18-65", "", "", "", "", "no answer"]),
    ],
)
def test_a_cut_closes_at_the_declared_end(read: Reading, closed: str, codes: list[int], reasons: list[str]):
    survey = read('age\n17\n18\n34.9\n35\n64\n65\n""\n', AGE % closed)
    assert survey.frame["age_group"].cat.codes.tolist() == codes
    assert survey.missing["age_group"].tolist() == reasons


def test_age_from_birth_year_and_a_cut_of_another_variable(read: Reading):
    book = '[variables.age]\nposition = 1\nkind = "number"\nbirth_year_in = 2021\nminimum = 16\nmaximum = 90\n'
    survey = read("born\n2003\n1987\n1986\n", book + (AGE % "left").replace('column = "age"', 'from = "age"'))
    assert survey.frame["age"].tolist() == [18, 34, 35]
    assert survey.frame["age_group"].tolist() == ["young", "young", "old"]


def test_merging_keeps_reasons_and_drops_by_name(read: Reading):
    merged = """
    [variables.regular]
    from = "often"
    kind = "nominal"
    drop = ["never"]
    levels = [{ id = "a", merges = ["daily"] }, { id = "b", merges = ["weekly"] }]
    """
    survey = read("often\n1\n2\n3\n9\n", merged + OFTEN)
    assert survey.frame["regular"].cat.codes.tolist() == [-1, 1, 0, -1]
    assert survey.missing["regular"].tolist() == ["left out: never", "", "", "do not know"]


def test_declared_ranges_and_declared_codes_silence_the_suspicion(read: Reading):
    data = "x\n18\n19\n20\n99\n"
    assert read(data, '[variables.x]\ncolumn = "x"\nkind = "number"\nmaximum = 110\n').frame["x"].tolist()[-1] == 99
    missing = '[variables.x]\ncolumn = "x"\nkind = "number"\nmissing = [{ codes = [99], reason = "refused" }]\n'
    assert read(data, missing).missing["x"].tolist() == ["", "", "", "refused"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([1, 2, 3, 98, 99], [98, 99]),
        ([20, 40, 60, 80, 99], []),  # 99 is one usual step from 80
        ([18, 19, 88, 95, 97], []),
        ([0, 1, 2, -1], [-1]),
        ([-20, 0, 5, -9], []),  # -20 is a real negative number
        ([1200.0, 1300.0, 1400.0, 1500.0, 250000.0, 99.0], [99]),
        ([0.5, 1.5, 999.0], [999]),
        ([99, 99], []),
        ([np.nan], []),
    ],
)
def test_what_looks_like_a_missing_code(values: list[float], found: list[float]):
    assert suspicious(np.array(values, dtype=float)).tolist() == found


def test_decimal_comma_semicolon_and_byte_order_mark(read: Reading):
    book = '[source]\ndelimiter = ";"\ndecimal = ","\n[variables.x]\ncolumn = "x"\nkind = "number"\n'
    assert read("\ufeffx;y\n0,5;1\n1,25;2\n", book).frame["x"].tolist() == [0.5, 1.25]


def test_a_question_is_found_by_its_whole_text_over_two_lines(read: Reading):
    book = OFTEN.replace('column = "often"', 'question = "How often?\\nThink of last year."')
    assert read('"How often?\nThink of last year."\n1\n', book).frame["often"].tolist() == ["never"]


def test_a_declared_encoding_is_used(read: Reading):
    book = '[source]\nencoding = "cp1252"\n[variables.y]\ncolumn = "y"\nkind = "nominal"\nlevels = [{ id = "één" }, { id = "twee" }]\n'
    assert read("y\néén\ntwee\n".encode("cp1252"), book).frame["y"].tolist() == ["één", "twee"]


def test_answers_are_categorical_and_numbers_are_floats(read: Reading):
    survey = read("often,x\n1,2\n,3\n", OFTEN + '[variables.x]\ncolumn = "x"\nkind = "number"\n')
    assert isinstance(survey.frame["often"].dtype, pd.CategoricalDtype)
    assert survey.frame["x"].dtype == np.float64
