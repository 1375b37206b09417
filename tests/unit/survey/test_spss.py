"""SPSS files: labels, codes and declared missing values must agree with the codebook."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from wwm_models.errors import SurveyError
from wwm_models.survey.codebook import Source
from wwm_models.survey.codebook_reader import read_codebook
from wwm_models.survey.formats.registry import read_file
from wwm_models.survey.read import read_survey, unlike_labels
from wwm_models.survey.survey import Survey

LABELS = {1.0: "never", 2.0: "weekly", 3.0: "daily", 8.0: "don't know"}
VALUES = [1.0, 2.0, 3.0, 8.0, 9.0, np.nan]
BOTH = '{ id = "n", codes = [1], text = ["never"] }, { id = "w", codes = [2], text = ["weekly"] }, { id = "d", codes = [3], text = ["daily"] }'
TEXT = '{ id = "n", text = ["never"] }, { id = "w", text = ["weekly"] }, { id = "d", text = ["daily"] }'
CODES = '{ id = "n", codes = [1] }, { id = "w", codes = [2] }, { id = "d", codes = [3] }'


def spss(folder: Path, levels: str, values: list[float] = VALUES, more: str = "") -> Survey:
    path, book = folder / "data.sav", folder / "codebook.toml"
    pyreadstat.write_sav(
        pd.DataFrame({"v1": values}),
        str(path),
        variable_value_labels={"v1": LABELS},
        missing_ranges={"v1": [{"lo": 8, "hi": 9}]},
    )
    book.write_text(
        f'[variables.often]\ncolumn = "v1"\nkind = "ordered"\nlevels = [{levels}]\n{more}', encoding="utf-8"
    )
    return read_survey(path, codebook=book)


def refused(folder: Path, levels: str, values: list[float] = VALUES) -> str:
    with pytest.raises(SurveyError) as caught:
        spss(folder, levels, values)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("levels", [BOTH, TEXT, CODES])
def test_codes_and_labels_lead_to_the_same_answers(tmp_path: Path, levels: str):
    survey = spss(tmp_path, levels)
    assert survey.frame["often"].cat.codes.tolist() == [0, 1, 2, -1, -1, -1]
    assert survey.missing["often"].tolist() == [
        "",
        "",
        "",
        "don't know",
        "declared missing in the file (9)",
        "no answer",
    ]


def test_the_codebook_goes_before_the_missing_values_of_the_file(tmp_path: Path):
    survey = spss(tmp_path, BOTH, more='missing = [{ codes = [8, 9], reason = "no opinion" }]\n')
    assert survey.missing["often"].tolist()[3:5] == ["no opinion", "no opinion"]
    answered = spss(tmp_path, BOTH + ', { id = "dk", codes = [8] }')
    assert answered.frame["often"].cat.codes.tolist() == [0, 1, 2, 3, -1, -1]


def test_a_label_that_is_not_the_declared_text(tmp_path: Path):
    levels = BOTH.replace('"weekly"]', '"every week"]').replace('"daily"]', '"Every day", "often"]')
    assert refused(tmp_path, levels) == (
        'data.sav: the labels of "v1" are other texts than those of codebook.toml, [variables.often]: 2 is "weekly" in the file and "w", read as '
        '"every week", in the codebook, 3 is "daily" in the file and "d", read as "Every day" or "often", in the codebook. Expected the same text '
        'in both. Where the code is right, write `text = ["weekly"]` for "w", `text = ["daily"]` for "d"; where the label is right, repair '
        "`codes`."
    )


def test_a_label_in_one_level_and_its_code_in_another(tmp_path: Path):
    levels = '{ id = "n", codes = [1, 2] }, { id = "w", text = ["weekly"] }, { id = "d", codes = [3] }'
    assert refused(tmp_path, levels) == (
        'data.sav: the labels of "v1" stand for other answers than in codebook.toml, [variables.often]: 2 is "weekly" in the file and "n" in '
        'the codebook. Expected each value to mean the same in both. Write `codes = [2]` for "w"; where the label in the file is wrong, write '
        "it as `text` of the level that the value is."
    )


NAMES = '{ id = "never", codes = [%d] }, { id = "w", codes = [%d], nl = "Wekelijks", en = "Weekly" }, { id = "a_day", codes = [%d], nl = "(Daily)" }'


def test_a_scale_that_is_read_upside_down_is_refused_without_text_too(tmp_path: Path):
    assert refused(tmp_path, NAMES % (3, 2, 1)) == (
        'data.sav: the labels of "v1" run the other way round than codebook.toml, [variables.often]: 1 is "never" in the file and "a_day" in the '
        'codebook, 3 is "daily" in the file and "never" in the codebook. Expected each value to mean the same in both. Write `codes = [1]` for '
        '"never", `codes = [3]` for "a_day"; where the label in the file is wrong, write it as `text` of the level that the value is.'
    )
    assert spss(tmp_path, NAMES % (1, 2, 3)).frame["often"].cat.codes.tolist() == [0, 1, 2, -1, -1, -1]


def test_a_scale_that_is_read_out_of_order_is_refused(tmp_path: Path):
    assert refused(tmp_path, NAMES % (2, 3, 1)) == (
        'data.sav: the labels of "v1" stand for other answers than in codebook.toml, [variables.often]: 1 is "never" in the file and "a_day" in the '
        'codebook, 2 is "weekly" in the file and "never" in the codebook, 3 is "daily" in the file and "w" in the codebook. Expected each value '
        'to mean the same in both. Write `codes = [1]` for "never", `codes = [2]` for "w", `codes = [3]` for "a_day"; where the label in the file '
        "is wrong, write it as `text` of the level that the value is."
    )


def test_an_answer_that_is_declared_missing_under_another_code_is_refused(tmp_path: Path):
    with pytest.raises(SurveyError) as caught:
        spss(tmp_path, NAMES % (8, 2, 3), more='missing = [{ codes = [1], reason = "no answer" }]\n')
    assert str(caught.value).startswith(
        f'{tmp_path}/data.sav: the labels of "v1" stand for other answers than in {tmp_path}/codebook.toml, [variables.often]: '
        '1 is "never" in the file and no answer (no answer) in the codebook. '
    )


def test_a_wrong_label_in_the_file_is_accepted_as_text(tmp_path: Path):
    levels = NAMES.replace('codes = [%d] }, { id = "w"', 'codes = [%d], text = ["daily"] }, { id = "w"', 1)
    levels = levels.replace('nl = "(Daily)"', 'nl = "(Daily)", text = ["never"]')
    assert spss(tmp_path, levels % (3, 2, 1)).frame["often"].cat.codes.tolist() == [2, 1, 0, -1, -1, -1]


def test_labels_that_are_no_name_of_an_answer_are_shown(tmp_path: Path):
    spss(tmp_path, '{ id = "seldom", codes = [1] }, { id = "weekly", codes = [2] }, { id = "d", codes = [3] }')
    book = read_codebook(tmp_path / "codebook.toml")
    said = unlike_labels(read_file(tmp_path / "data.sav", book.source), book)
    assert [text.replace(f"{tmp_path}/", "") for text in said] == [
        'data.sav: labels of "v1" that are no name of an answer in codebook.toml, [variables.often]: 1 "never" is read as "seldom", 3 "daily" is '
        'read as "d". Expected words that the codebook has too. Look whether each is read rightly; if so, write the label as `text` of its level.'
    ]


@pytest.mark.parametrize("levels", [BOTH, TEXT, CODES])
def test_a_code_without_a_label(tmp_path: Path, levels: str):
    message = refused(tmp_path, levels, [1.0, 2.0, 4.0, 4.0])
    assert message.startswith(
        'data.sav: variable "often" (column "v1") has 1 answer that the codebook does not know: 4 in v1 (n = 2) has no label, '
        "in 2 of 4 rows (first rows, counted from 1: 3, 4). Expected "
    )
    assert message.endswith(
        "Add it to the level it belongs to, or leave it out for a reason: in codebook.toml, [variables.often], write "
        '`missing = [ { codes = [4], reason = "..." } ]`.'
    )


@pytest.mark.parametrize("levels", [BOTH, TEXT])
def test_a_label_with_other_capitals_or_white_space_is_that_answer(tmp_path: Path, levels: str):
    survey = spss(tmp_path, levels.replace("weekly", " WeeKly ").replace("daily", "Daily"))
    assert survey.frame["often"].cat.codes.tolist() == [0, 1, 2, -1, -1, -1]


def test_a_damaged_file(tmp_path: Path):
    (tmp_path / "data.sav").write_bytes(b"$FL2 cut off")
    (tmp_path / "codebook.toml").write_text('[variables.x]\ncolumn = "x"\nkind = "number"\n', encoding="utf-8")
    with pytest.raises(SurveyError, match=r"the SPSS file cannot be read: .* Expected a whole \.sav file"):
        read_survey(tmp_path / "data.sav", codebook=tmp_path / "codebook.toml")


def test_an_answer_that_the_file_declares_missing_is_used_with_a_word(tmp_path: Path):
    survey = spss(tmp_path, BOTH + ', { id = "dk", codes = [8] }, { id = "na", codes = [9] }')
    assert survey.frame["often"].cat.codes.tolist() == [0, 1, 2, 3, 4, -1]
    assert [said.replace(f"{tmp_path}/", "") for said in survey.warnings] == [
        'data.sav: the file declares missing in "v1" what codebook.toml, [variables.often] has as an answer: 8 ("don\'t know") in 1 of 6 rows '
        '(first rows, counted from 1: 4) as "dk", "9" in 1 of 6 rows (first rows, counted from 1: 5) as "na". Expected a content to be an '
        "answer or missing in both. The codebook was followed: where the file is right, move the level to `missing`."
    ]
    assert spss(tmp_path, BOTH).warnings == ()


@pytest.mark.parametrize("first", [8.0, np.nan])
@pytest.mark.parametrize("spans", [[8, 9], [{"lo": 8, "hi": 99}], [{"lo": 8, "hi": 8}, {"lo": 99, "hi": 99}]])
def test_system_and_user_missing_values_in_any_order(first: float, spans: list[object], tmp_path: Path):
    values = [first, 1.0, 2.0, np.nan, 8.0, 2.0, np.nan, 99.0, 3.0]
    pyreadstat.write_sav(pd.DataFrame({"v1": values}), str(tmp_path / "x.sav"), missing_ranges={"v1": spans})
    (column,) = read_file(tmp_path / "x.sav", Source()).columns
    found = [column.cells[place] for place in column.index]
    np.testing.assert_array_equal([cell.number for cell in found], values)
    assert [cell.user_missing for cell in found] == [
        value == 8 or (value == 99 and spans != [8, 9]) for value in values
    ]
