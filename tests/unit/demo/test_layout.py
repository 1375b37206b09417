"""The synthetic file is the file the codebook describes, and the package's own reader agrees with this folder's."""

import numpy as np
import pytest
from twin_evaluate import STUDY, VARIABLES, domain

from wwm_models.demo.respondents import ANSWER_COLUMNS, COLUMNS, quota_respondents
from wwm_models.demo.truth import FACTORS, FORMS
from wwm_models.survey.read import read_survey

RAW = quota_respondents(1)
DECLARED_COLUMNS = {name: part for name, part in VARIABLES.items() if "column" in part}


def test_every_declared_column_is_in_the_file_and_the_other_way_round():
    declared = {part["column"] for part in DECLARED_COLUMNS.values()} | {"note", "respondent", "weegfactor"}
    assert declared == set(COLUMNS) == set(RAW.columns)


@pytest.mark.parametrize(
    "name", [name for name, part in DECLARED_COLUMNS.items() if "levels" in part and "cut" not in part]
)
def test_every_code_in_the_file_is_declared_and_every_level_occurs(name):
    part = DECLARED_COLUMNS[name]
    known = {code for level in part["levels"] for code in level["codes"]}
    missing = {code for gap in part.get("missing", []) for code in gap["codes"]}
    found = set(RAW[part["column"]].dropna().astype(int))
    assert known <= found <= known | missing


def test_levels_have_the_order_and_the_names_of_the_codebook():
    for outcome, column in ANSWER_COLUMNS.items():
        declared = VARIABLES[outcome]
        assert declared["column"] == column
        form = "direction" if f"{outcome}_direction" in VARIABLES else "cumulative"
        assert tuple(level["id"] for level in declared["levels"]) == FORMS[form].levels
        assert [level["codes"] for level in declared["levels"]] == [[k] for k in range(1, 6)]
    for factor in ("gender", "education", "employment"):
        assert tuple(level["id"] for level in VARIABLES[factor]["levels"]) == FACTORS[factor]


def test_questions_about_home_work_are_empty_outside_the_domain():
    outside = RAW[RAW["kan_thuiswerken"].fillna(2) != 1]
    assert len(outside) == 4008 - 1530
    assert outside[list(ANSWER_COLUMNS.values())].isna().all(axis=None)
    assert RAW.loc[RAW["betaald_werk"] == 2, ["kan_thuiswerken", "arbeidsrelatie"]].isna().all(axis=None)


def test_the_packages_reader_finds_the_same_respondents(tmp_path):
    path = tmp_path / "synthetic.csv"
    RAW.to_csv(path, index=False)
    survey = read_survey(path, codebook=STUDY / "codebook.toml")
    ours = domain(RAW)
    assert (len(survey), int(survey.domain.sum())) == (4008, 1530)
    np.testing.assert_allclose(survey.weights[survey.domain], ours["weight"])
    frame = survey.frame[survey.domain]
    for name in (
        "age_group",
        "household",
        "gender",
        "education",
        "employment",
        "desired",
        "before",
        "promotion_direction",
    ):
        assert frame[name].astype(object).where(frame[name].notna(), None).tolist() == [
            None if value != value else value for value in ours[name]
        ]
    assert int(frame["household"].notna().sum()) == 1507
