"""Accounting, weights, design, and the first look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wwm_models.errors import DeclarationError, SurveyError
from wwm_models.survey.overview import overview
from wwm_models.survey.read import read_survey
from wwm_models.survey.survey import Survey

Reading = Callable[[str | bytes, str], Survey]
WORKERS = """
[universe]
all = ["work == 'yes'", "home == 'yes'"]
exclude = [{ when = "hours > 100", reason = "more than 100 hours a week" }]
[survey]
weight = "w"
weight_missing_codes = [99]
suppress_below = 5
[variables.work]
column = "work"
kind = "nominal"
levels = [{ id = "no" }, { id = "yes" }]
[variables.home]
column = "home"
kind = "nominal"
levels = [{ id = "no" }, { id = "yes" }, { id = "sometimes" }]
[variables.hours]
column = "hours"
kind = "number"
[collapses.at_all]
variable = "home"
levels = ["yes", "sometimes"]
"""
DATA = (
    "work,home,hours,w\n"
    "yes,yes,40,1\n"
    "no,,,2\n"  # outside
    ",yes,40,1\n"  # work not known
    "yes,no,40,1\n"  # outside
    "yes,,40,1\n"  # home not known
    "yes,yes,120,1\n"  # bad record
    "yes,yes,40,99\n"  # weight missing
    "yes,yes,,3\n"
    "yes,yes,32,0\n"
)


def test_every_row_is_accounted_for(read: Reading):
    survey = read(DATA, WORKERS)
    assert survey.accounting.to_numpy().tolist() == [
        ["rows in the file", 9],
        ["not true: work == 'yes'", 1],
        ["not known: work == 'yes'", 1],
        ["not true: home == 'yes'", 1],
        ["not known: home == 'yes'", 1],
        ["more than 100 hours a week", 1],
        ["weight w is missing", 1],
        ["rows in the domain", 3],
    ]
    assert survey.domain.tolist() == [True, *[False] * 6, True, True]
    assert survey.weights.tolist() == [1, 2, 1, 1, 1, 1, 0, 3, 0]
    assert (survey.weight_kind, survey.suppress_below, survey.synthetic) == ("sampling", 5, False)
    assert survey.collapses["at_all"].levels == ("yes", "sometimes")


def test_the_first_look_counts_the_domain(read: Reading):
    tables = overview(read(DATA, WORKERS))
    assert tables.answers.to_numpy().tolist()[:2] == [["work", "no", 0, 0.0], ["work", "yes", 3, 1.0]]
    hours = tables.answers[tables.answers["variable"] == "hours"]
    assert hours[["answer", "count"]].to_numpy().tolist() == [["32 to 40", 2]]
    assert tables.missing.to_numpy().tolist() == [["hours", "no answer", 1]]
    weights = tables.weights.iloc[0].to_dict()
    # weights 1, 3, 0: sum 4, squares 10, so 16 / 10 respondents and 3 * 10 / 16
    expected = {
        "n": 3,
        "minimum": 0,
        "maximum": 3,
        "mean": 4 / 3,
        "zero": 1,
        "design_effect": 1.875,
        "n_effective": 1.6,
    }
    assert weights == pytest.approx(expected, rel=1e-12)


def test_shares_are_weighted_and_counts_are_not(read: Reading):
    book = '[survey]\nweight = "w"\n[variables.y]\ncolumn = "y"\nkind = "nominal"\nlevels = [{ id = "no" }, { id = "yes" }]\n'
    answers = overview(read('y,w\nno,3\nyes,1\nyes,0\n"",5\n', book)).answers
    assert answers.to_numpy().tolist() == [["y", "no", 1, 0.75], ["y", "yes", 2, 0.25]]


def test_the_design_keeps_rows_outside_the_domain(read: Reading):
    book = """
    [universe]
    all = ["y == 'yes'"]
    [survey]
    strata = "s"
    psu = ["p"]
    lonely = "adjust"
    [variables.y]
    column = "y"
    kind = "nominal"
    levels = [{ id = "no" }, { id = "yes" }]
    """
    survey = read("y,s,p\nyes,a,1\nno,a,2\nyes,b,1\nno,b,1.0\n", book)
    assert survey.design is not None
    assert survey.design.strata[:, 0].tolist() == [0, 0, 1, 1]
    assert len(np.unique(survey.design.psu[:, 0])) == 3  # PSU 1 of stratum b is not PSU 1 of stratum a
    assert survey.design.lonely == "adjust"
    assert survey.domain.tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("weights", "line"),
    [
        ([1.0] * 30 + [99.0], "accept_extreme_weights = true"),
        ([1.0] * 30 + [99.0], 'weight_kind = "frequency"'),
        ([40.0] * 30 + [99.0], ""),  # others are not below a third of 99
        ([1.0] * 200 + [9.0], ""),  # one 9 is nothing special, and 4 percent of the total
    ],
)
def test_weights_that_are_accepted(read: Reading, weights: list[float], line: str):
    data = "y,w\n" + "".join(f"{'yes' if row % 2 else 'no'},{weight}\n" for row, weight in enumerate(weights))
    book = f'[survey]\nweight = "w"\n{line}\n[variables.y]\ncolumn = "y"\nkind = "nominal"\nlevels = [{{ id = "no" }}, {{ id = "yes" }}]\n'
    assert read(data, book).weights.tolist() == weights


def test_rows_that_say_synthetic_make_a_synthetic_survey(read: Reading):
    book = '[variables.y]\ncolumn = "y"\nkind = "nominal"\nlevels = [{ id = "no" }, { id = "yes" }]\n'
    assert read("note,y\nSYNTHETIC,no\nSYNTHETIC,yes\n", book).synthetic
    assert not read("note,y\n,no\n,yes\n", book).synthetic
    assert read("y\nno\n", "[source]\nsynthetic = true\n" + book).synthetic


def test_a_file_of_another_type_and_an_absent_file(tmp_path: Path):
    book = tmp_path / "codebook.toml"
    book.write_text('[variables.x]\ncolumn = "x"\nkind = "number"\n', encoding="utf-8")
    (tmp_path / "data.xls").write_bytes(b"PK")
    (tmp_path / "other.csv").write_text("x\n1\n", encoding="utf-8")
    for name, expected in (
        (
            "data.xls",
            'data.xls: files of type ".xls" cannot be read. Expected one of .csv, .tsv, .txt, .sav, .zsav, .por, .dta, .sas7bdat, .xlsx, .parquet, .duckdb, also followed by .gz, .bz2, .xz, .zip. Save the data as '
            "a text file with a header, or as an SPSS file.",
        ),
        (
            "data.csv",
            f"data.csv: there is no such data file. {tmp_path} holds other.csv. Expected a survey file. Repair the path.",
        ),
    ):
        with pytest.raises(SurveyError) as caught:
            read_survey(tmp_path / name, codebook=book)
        assert str(caught.value).replace(f"{tmp_path}/", "") == expected


def test_an_absent_codebook_is_a_declaration_error(tmp_path: Path):
    with pytest.raises(DeclarationError, match="no such file"):
        read_survey(str(tmp_path / "data.csv"), codebook=str(tmp_path / "codebook.toml"))
