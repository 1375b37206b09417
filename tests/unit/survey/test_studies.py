"""The declared studies on their real files: counts made by others, from the notes that came with the data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wwm_models.study.model_files import read_models
from wwm_models.survey.codebook_reader import read_codebook
from wwm_models.survey.read import read_survey
from wwm_models.survey.survey import Survey
from wwm_models.toml_tables import read_toml

# Respondents by desired share (none, up to 10, 20-80, 90-100 percent), as the notes beside the files print them.
COUNTS = {
    ("nsw2020", "age_group"): [[17, 22, 228, 40], [31, 36, 345, 95], [39, 51, 355, 99]],
    ("nsw2020", "household"): [[18, 22, 163, 41], [0, 7, 34, 12], [28, 39, 321, 80], [36, 36, 341, 86]],
    ("nsw2021", "age_group"): [[29, 49, 319, 75], [34, 58, 381, 137], [47, 29, 253, 101]],
    ("nsw2021", "household"): [[24, 17, 154, 58], [7, 19, 61, 18], [40, 28, 255, 95], [27, 55, 374, 102]],
}
STUDIES = ("nsw2020", "nsw2021", "gss2018")


@pytest.mark.parametrize(("study", "by"), COUNTS)
def test_counts_of_the_remote_working_survey(real_data: Path, studies: Path, study: str, by: str):
    path = real_data / "nsw_rws" / f"{study.removeprefix('nsw')}_rws.csv"
    frame = read_survey(path, codebook=studies / study / "codebook.toml").frame
    table = pd.crosstab(frame[by], frame["desired_4"], dropna=False).loc[frame[by].cat.categories]
    assert table[frame["desired_4"].cat.categories].to_numpy().tolist() == COUNTS[study, by]


@pytest.fixture(scope="module")
def gss(real_data: Path, studies: Path) -> dict[str, Survey]:
    book = studies / "gss2018" / "codebook.toml"
    return {ending: read_survey(real_data / f"gss2018.{ending}", codebook=book) for ending in ("sav", "csv")}


def test_the_spss_file_and_the_text_file_give_the_same_survey(gss: dict[str, Survey]):
    sav, csv = gss["sav"], gss["csv"]
    pd.testing.assert_frame_equal(sav.frame, csv.frame)
    pd.testing.assert_frame_equal(sav.accounting, csv.accounting)
    for field in ("weights", "domain"):
        np.testing.assert_array_equal(getattr(sav, field), getattr(csv, field))
    assert sav.design is not None
    assert csv.design is not None
    np.testing.assert_array_equal(sav.design.strata, csv.design.strata)
    np.testing.assert_array_equal(sav.design.psu, csv.design.psu)
    assert sav.missing.keys() == csv.missing.keys()
    for name, reasons in sav.missing.items():
        np.testing.assert_array_equal(reasons, csv.missing[name])


def test_the_general_social_survey_has_the_domain_and_shares_of_the_reference(real_data: Path, gss: dict[str, Survey]):
    reference = real_data.parent / "cases" / "gss2018_design" / "reference.json"
    if not reference.is_file():
        pytest.skip("no reference numbers beside the data")
    known = json.loads(reference.read_text(encoding="utf-8"))
    survey = gss["sav"]
    assert survey.domain.sum() == known["n"] == 1116
    assert survey.design is not None
    strata = len(np.unique(survey.design.strata))
    assert len(np.unique(survey.design.psu)) - strata == known["design_df"]
    answers, weights = survey.frame["wrkhome"][survey.domain], survey.weights[survey.domain]
    for level in answers.cat.categories:
        share = weights[(answers == level).to_numpy()].sum() / weights.sum()
        # 13 printed digits
        np.testing.assert_allclose(share, known["overall"]["mean"][f"wrkhome{level}"], rtol=1e-11)


def test_a_code_without_a_label_must_be_declared(real_data: Path, studies: Path, tmp_path: Path):
    from wwm_models.errors import SurveyError

    text = (studies / "gss2018" / "codebook.toml").read_text(encoding="utf-8")
    declared = 'missing = [{ codes = [4], reason = "code 4, which the file does not explain" }]\n'
    assert declared in text
    (tmp_path / "codebook.toml").write_text(text.replace(declared, ""), encoding="utf-8")
    with pytest.raises(SurveyError, match=r"4 in marcohab \(n = 7\) has no label"):
        read_survey(real_data / "gss2018.sav", codebook=tmp_path / "codebook.toml")


@pytest.mark.parametrize("study", STUDIES)
def test_models_speak_of_declared_variables(studies: Path, study: str):
    codebook = read_codebook(studies / study / "codebook.toml")
    variables = {item.variable.name: item.variable for item in codebook.declarations}
    models = read_models(studies / study)
    assert len(models) >= 5
    for model in models:
        assert {model.outcome, *model.exposures, *model.adjusters} <= variables.keys()
        assert variables[model.outcome].kind == "ordered"
    primary = [model.outcome for model in models if model.primary]
    assert len(set(primary)) == len(primary)


@pytest.mark.parametrize("study", STUDIES)
def test_no_article_is_attached(studies: Path, study: str):
    article = read_toml(studies / study / "article.toml")
    assert article.keys() == {"article"}
    assert article["article"]["title"].endswith("(no article attached)")
