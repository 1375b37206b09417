"""No code for a missing answer hides another, in any reader and where a table is counted in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyreadstat
import pytest

from wwm_models.errors import SurveyError
from wwm_models.survey.databases.counts import read_counts
from wwm_models.survey.read import read_survey
from wwm_models.survey.recode_values import suspicious

AGES = [18, 20, 21, 25, 33, 40, 41, 64]
SCALE = [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (AGES, [-99]),
        (AGES, [-99, -88]),
        (AGES, [-88]),
        (AGES, [-99, -88, -77, -66]),
        (AGES, [-1, -2, -8, -9]),
        (AGES, [97, 98, 99]),
        (AGES, [99, 999]),
        (AGES, [997, 998, 999, 9999]),
        (AGES, [-99, 99, 999]),
        (AGES, [88, 99]),
        (SCALE, [8]),
        (SCALE, [9]),
        (SCALE, [8, 9]),
        (SCALE, [7, 8, 9]),
        (SCALE, [77, 88, 99]),
        (SCALE, [-9, 9, 99]),
        ([0.5, 1.25, 2.75], [99.0, 98.0]),
        ([-3.5, -1.25, 2.75], [-99.0, -98.0]),
    ],
)
def test_every_code_is_held_against_the_other_values_alone(values: list[float], codes: list[float]):
    assert suspicious(np.array([*values, *codes], dtype=float)).tolist() == sorted(map(float, codes))
    for code in codes:
        assert suspicious(np.array([*values, code], dtype=float)).tolist() == [float(code)] or code == 7


@pytest.mark.parametrize(
    "values",
    [range(1, 10), range(11), range(1, 8), range(18, 100), [*range(18, 81), 88], [7, 8, 9], [90, 95, 97, 98, 100], [-3.5, -2.0, 1.5]],
)  # fmt: skip
def test_values_that_follow_each_other_are_values(values: list[float]):
    assert suspicious(np.array(list(values), dtype=float)).tolist() == []


def as_csv(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_csv(folder / "data.csv", index=False)
    return folder / "data.csv"


def as_sav(frame: pd.DataFrame, folder: Path) -> Path:
    pyreadstat.write_sav(frame, str(folder / "data.sav"))
    return folder / "data.sav"


def as_dta(frame: pd.DataFrame, folder: Path) -> Path:
    pyreadstat.write_dta(frame, str(folder / "data.dta"))
    return folder / "data.dta"


def as_xlsx(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_excel(folder / "data.xlsx", index=False)
    return folder / "data.xlsx"


def as_parquet(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_parquet(folder / "data.parquet")
    return folder / "data.parquet"


def as_duckdb(frame: pd.DataFrame, folder: Path) -> Path:  # DuckDB finds it by its name
    with duckdb.connect(str(folder / "data.duckdb")) as base:
        base.execute("create table data as select * from frame")
    return folder / "data.duckdb"


def in_place(data: Path, book: Path) -> object:
    return read_counts(data, book, ["age"])


@pytest.mark.parametrize("read", [read_survey, in_place])
@pytest.mark.parametrize("write", [as_csv, as_sav, as_dta, as_xlsx, as_parquet, as_duckdb])
def test_two_codes_in_a_column_are_both_refused(
    write: Callable[[pd.DataFrame, Path], Path], read: Callable[[Path, Path], object], tmp_path: Path
):
    data = write(pd.DataFrame({"age": [*map(float, AGES), -99.0, -88.0, -88.0]}), tmp_path)
    if read is in_place and data.suffix in (".sav", ".dta", ".xlsx"):
        pytest.skip("read whole")
    book = tmp_path / "codebook.toml"
    book.write_text('[variables.age]\ncolumn = "age"\nkind = "number"\n', encoding="utf-8")
    with pytest.raises(SurveyError) as refused:
        read(data, book)
    said = str(refused.value)
    for code in ("-99", "-88"):
        assert f'"{code}"' in said or f'"{code}.0"' in said
    assert "apart from all other values (18 to 64). Expected no codes for missing answers among the numbers." in said
