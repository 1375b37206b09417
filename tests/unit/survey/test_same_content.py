"""What is the same to a person is the same in every reader: days, numbers written as text, labels that are other numbers, names of columns."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from wwm_models import read_survey
from wwm_models.errors import DeclarationError, SurveyError
from wwm_models.survey.codebook import Source
from wwm_models.survey.codebook_reader import read_codebook
from wwm_models.survey.databases.counts import read_counts
from wwm_models.survey.draft import draft_codebook
from wwm_models.survey.formats.registry import read_file

DAYS = [datetime.date(2020, 1, 2), datetime.date(1950, 3, 4), None, datetime.date(2020, 1, 2)]
NUMBERS = [1.0, 2.0, 9.0, 1.0]
FORMATS = ("csv", "tsv", "xlsx", "sav", "dta", "parquet", "duckdb")


def written(folder: Path, ending: str, name: str, values: list[Any]) -> Path:
    """A file of one column, as the usual program of its format writes it."""
    path, frame = folder / f"data.{ending}", pd.DataFrame({name: pd.Series(values, dtype=object)})
    if ending in ("csv", "tsv"):
        frame.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
    elif ending == "xlsx":
        book = openpyxl.Workbook()
        for value in [name, *values]:
            book.worksheets[0].append([value])
        book.save(path)
    elif ending in ("sav", "dta"):
        numeric = all(isinstance(value, float) for value in values)
        (pyreadstat.write_sav if ending == "sav" else pyreadstat.write_dta)(
            frame.astype(float) if numeric else frame, str(path)
        )
    elif ending == "parquet":
        pq.write_table(pa.table({name: pa.array(values)}), path)
    else:
        duckdb = pytest.importorskip("duckdb")
        with duckdb.connect(str(path)) as base:
            base.register("given", pa.table({name: pa.array(values)}))
            base.execute("create table t as select * from given")
    return path


def codebook(folder: Path, text: str) -> Path:
    path = folder / "codebook.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("ending", FORMATS)
def test_a_day_is_the_same_text_in_every_format(ending: str, tmp_path: Path) -> None:
    path = written(tmp_path, ending, "day", DAYS)
    declared = '[variables.day]\ncolumn = "day"\nkind = "nominal"\nlevels = [ { id = "old", text = ["1950-03-04"] }, { id = "new", text = ["2020-01-02"] } ]\n'
    survey = read_survey(path, codebook=codebook(tmp_path, declared))
    assert survey.frame["day"].astype(object).where(survey.frame["day"].notna(), None).tolist() == [
        "new",
        "old",
        None,
        "new",
    ]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_day_is_no_number_in_any_format(ending: str, tmp_path: Path) -> None:
    path = written(tmp_path, ending, "day", DAYS)
    with pytest.raises(SurveyError) as refused:
        read_survey(path, codebook=codebook(tmp_path, '[variables.day]\ncolumn = "day"\nkind = "number"\n'))
    assert str(refused.value) == (
        f'{path}: variable "day" (column "day") holds "2020-01-02" in 2 of 4 rows (first rows, counted from 1: 1, 4); "1950-03-04" in 1 of 4 rows (first '
        f"rows, counted from 1: 2). Expected numbers. If it is no number, write in {tmp_path / 'codebook.toml'}, [variables.day]: "
        '`missing = [ { text = ["2020-01-02"], reason = "..." } ]`; else repair the file.'
    )


@pytest.mark.parametrize(
    ("written_as", "text"),
    [("%tm", "2020m3"), ("%tq", "2020q1"), ("%th", "2020h1"), ("%tc", "2020-03-01"), ("%td", "2020-03-01")],
)
def test_stata_periods_are_texts(written_as: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.dta"
    pd.DataFrame({"m": pd.to_datetime(["2020-03-01", "2020-03-01"])}).to_stata(
        path, convert_dates={"m": written_as[1:]}, write_index=False
    )
    declared = f'[variables.m]\ncolumn = "m"\nkind = "nominal"\nlevels = [ {{ id = "then", text = ["{text}"] }}, {{ id = "later", text = ["later"] }} ]\n'
    assert read_survey(path, codebook=codebook(tmp_path, declared)).frame["m"].tolist() == ["then", "then"]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("values", [NUMBERS, ["1.0", "2", "9.0", "1"]], ids=["numbers", "texts"])
@pytest.mark.parametrize("said", ['text = ["{0}"]', 'text = ["{0}.0"]', "codes = [{0}]", "codes = [{0}.0]"])
def test_a_number_is_itself_however_it_is_written(ending: str, values: list[Any], said: str, tmp_path: Path) -> None:
    path = written(tmp_path, ending, "x", values)
    levels = ", ".join(f"{{ id = '{name}', {said.format(code)} }}" for name, code in (("one", 1), ("two", 2)))
    missing = f"missing = [ {{ {said.format(9)}, reason = 'refused' }} ]"
    declared = f'[variables.x]\ncolumn = "x"\nkind = "nominal"\nlevels = [ {levels} ]\n{missing}\n[variables.amount]\ncolumn = "x"\nkind = "number"\n{missing}\n'
    survey = read_survey(path, codebook=codebook(tmp_path, declared))
    assert survey.missing["x"].tolist() == survey.missing["amount"].tolist() == ["", "", "refused", ""]
    assert survey.frame["x"].dropna().tolist() == ["one", "two", "one"]
    np.testing.assert_array_equal(survey.frame["amount"], [1.0, 2.0, np.nan, 1.0])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("codes", [True, False])
def test_a_label_that_is_another_code_is_the_label(order: tuple[int, int], codes: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.sav"
    pyreadstat.write_sav(
        pd.DataFrame({"children": [1.0, 2.0, 2.0]}), str(path), variable_value_labels={"children": {1: "0", 2: "1"}}
    )
    parts = [
        f'{{ id = "{label} children", text = ["{label}"]{f", codes = [{label + 1}]" if codes else ""} }}'
        for label in order
    ]
    declared = f'[variables.children]\ncolumn = "children"\nkind = "nominal"\nlevels = [ {", ".join(parts)} ]\n'
    assert read_survey(path, codebook=codebook(tmp_path, declared)).frame["children"].tolist() == [
        "0 children",
        "1 children",
        "1 children",
    ]


def test_two_texts_of_one_number_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "csv", "x", ["1", "2"])
    declared = '[variables.x]\ncolumn = "x"\nkind = "nominal"\nlevels = [ { id = "a", text = ["1"] }, { id = "b", text = ["1.0"] } ]\n'
    with pytest.raises(DeclarationError) as refused:
        read_survey(path, codebook=codebook(tmp_path, declared))
    assert str(refused.value) == (
        f"{tmp_path / 'codebook.toml'}, [variables.x]: texts of one number that are declared twice: 1. Expected each to mean one thing. Remove one."
    )


ANSWERS = ["Zeer  Negatief ", "zeer negatief", " POSITIEF", "\u00c9\u00e9n", "Weet\u00a0niet"]
WRITTEN = (
    '[variables.x]\ncolumn = "x"\nkind = "nominal"\nmissing = [{ text = ["weet niet"], reason = "unknown" }]\nlevels = '
    '[ { id = "low", text = ["zeer negatief"] }, { id = "high", text = ["positief"] }, { id = "one", text = ["\u00e9\u00e9n"] } ]\n'
)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_text_is_itself_in_any_capitals_and_white_space(ending: str, tmp_path: Path) -> None:
    path = written(tmp_path, ending, "x", ANSWERS)
    survey = read_survey(path, codebook=codebook(tmp_path, WRITTEN))
    assert survey.frame["x"].cat.codes.tolist() == [0, 0, 1, 2, -1]
    assert survey.missing["x"].tolist() == ["", "", "", "", "unknown"]


@pytest.mark.parametrize("ending", ["parquet", "duckdb"])
def test_a_text_is_itself_where_it_is_counted_in_place(ending: str, tmp_path: Path) -> None:
    pytest.importorskip("ibis")
    path = written(tmp_path, ending, "x", ANSWERS)
    survey = read_counts(path, codebook(tmp_path, WRITTEN), ["x"])
    counted = dict(zip(survey.frame["x"].astype(object).fillna("missing"), survey.counts.tolist(), strict=True))
    assert counted == {"low": 2.0, "high": 1.0, "one": 1.0, "missing": 1.0}
    assert set(survey.missing["x"]) == {"", "unknown"}


def test_a_text_that_the_engine_cannot_compare_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("ibis")
    path = written(tmp_path, "parquet", "x", ["zeer\u2003negatief", "positief"])
    with pytest.raises(SurveyError) as refused:
        read_counts(path, codebook(tmp_path, WRITTEN), ["x"])
    assert str(refused.value) == (
        f'{path}: texts of "x" that differ in capitals or white space from those in {tmp_path / "codebook.toml"}, [variables.x]: '
        "'zeer\\u2003negatief'. Expected texts that the database can compare, which may know no capitals beyond those of English. Write them as "
        "`text` as the table has them, or read the table whole with wwm.read_survey."
    )


@pytest.mark.parametrize(
    ("what", "levels"),
    [
        ("texts", '{ id = "a", text = ["Ja"] }, { id = "b", text = ["ja "] }'),
        ("texts", '{ id = "Ja" }, { id = "b", text = ["ja "] }'),
        ("level ids", '{ id = "Ja", codes = [1] }, { id = "ja", codes = [2] }'),
    ],
)
def test_answers_that_differ_only_in_capitals_are_refused_where_the_codebook_is_read(
    what: str, levels: str, tmp_path: Path
) -> None:
    path = codebook(tmp_path, f'[variables.x]\ncolumn = "x"\nkind = "nominal"\nlevels = [ {levels} ]\n')
    with pytest.raises(DeclarationError) as refused:
        read_codebook(path)
    other = "'ja '" if what == "texts" else "'ja'"
    assert str(refused.value) == (
        f"{path}, [variables.x]: {what} of two answers that differ only in capitals or white space: 'Ja' and {other}. Expected answers with "
        "words of their own, since those of a file are compared without these. Make them one answer, or tell them apart by `codes`."
    )


def test_a_draft_has_one_answer_for_texts_that_differ_only_in_capitals(tmp_path: Path) -> None:
    path = written(tmp_path, "csv", "x", ["Ja", "ja ", "nee", "JA"])
    draft = draft_codebook(read_file(path, Source()), Source())
    assert 'text = ["JA", "Ja", "ja "]' in draft
    assert read_survey(path, codebook=codebook(tmp_path, draft)).frame["x"].nunique() == 2


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "parquet"])
def test_two_columns_of_one_name_are_refused_in_every_format(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"data.{ending}"
    rows = [["x", "z", "x"], [1.0, 2.0, 3.0], [2.0, 2.0, 1.0]]
    if ending == "xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.worksheets[0].append(row)
        book.save(path)
    elif ending == "parquet":
        pq.write_table(
            pa.table([pa.array(column[1:]) for column in zip(*rows, strict=True)], names=["x", "z", "x"]), path
        )
    else:
        path.write_text("\n".join(("," if ending == "csv" else "\t").join(map(str, row)) for row in rows) + "\n")
    with pytest.raises(SurveyError) as refused:
        read_survey(path, codebook=codebook(tmp_path, '[variables.x]\ncolumn = "x"\nkind = "number"\n'))
    assert str(refused.value) == (
        f'{path}: 2 columns are named "x" (positions 1, 3), and {tmp_path / "codebook.toml"}, [variables.x] names that column. Expected names that occur '
        "once. Rename one of them in the file, or, for a variable, say which is meant with `position = 1`."
    )
