"""Files whose name says another format than their bytes, and folders: the message names what is there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from wwm_models.errors import SurveyError
from wwm_models.survey.codebook import Source
from wwm_models.survey.databases.counts import read_counts
from wwm_models.survey.formats.archive import refuse_other_format
from wwm_models.survey.formats.registry import FORMATS, read_file

_spec = importlib.util.spec_from_file_location("formats", Path(__file__).parent / "formats.py")
assert _spec is not None
assert _spec.loader is not None
formats = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(formats)


def refused(path: Path) -> str:
    with pytest.raises(SurveyError) as caught:
        read_file(path, Source())
    return str(caught.value)


@pytest.mark.parametrize(
    ("ending", "name"),
    [
        (".sav", "an SPSS file"),
        (".zsav", "a compressed SPSS file"),
        (".dta", "a Stata file"),
        (".xlsx", "an Excel workbook"),
        (".parquet", "a parquet file"),
    ],
)
@pytest.mark.parametrize("given", [".csv", ".txt"])
def test_a_file_named_as_text_is_named_as_what_it_is(tmp_path: Path, ending: str, name: str, given: str):
    formats.WRITERS[ending](tmp_path / f"data{ending}")
    other = (tmp_path / f"data{ending}").rename(tmp_path / f"data{given}")
    said = refused(other)
    assert f'the ending says "{given}"' in said
    assert f"this is {name}" in said
    assert f"Give it the ending {ending}" in said
    assert "byte 0x" not in said


@pytest.mark.parametrize("given", [".sav", ".zsav", ".dta", ".xlsx", ".parquet", ".sas7bdat", ".duckdb"])
def test_text_under_another_name_looks_like_text(tmp_path: Path, given: str):
    formats.WRITERS[".csv"](tmp_path / "data.csv")
    said = refused((tmp_path / "data.csv").rename(tmp_path / f"data{given}"))
    assert "looks like text" in said
    assert "Give it the ending .csv" in said
    assert "Copy it again" not in said


def test_text_that_begins_like_a_parquet_file_is_text(tmp_path: Path):
    (tmp_path / "data.csv").write_text("PAR1,PAR2\n1,2\n", encoding="utf-8")
    assert read_file(tmp_path / "data.csv", Source()).rows == 1


@pytest.mark.parametrize("ending", formats.WRITERS)
def test_no_file_is_refused_under_its_own_name(tmp_path: Path, ending: str):
    assert ending in FORMATS
    formats.WRITERS[ending](tmp_path / f"data{ending}")
    refuse_other_format(Path("data"), tmp_path / f"data{ending}", ending)


def test_a_folder_is_called_a_folder_and_its_data_files_are_listed(tmp_path: Path):
    folder = tmp_path / "extract"
    folder.mkdir()
    assert "extract: this is a folder, with no data file in it." in refused(folder)
    for name in ("b.sav", "a.csv", "c.csv.gz", "notes.md"):
        (folder / name).write_bytes(b"x")
    said = refused(folder)
    assert "this is a folder, with a.csv, b.sav, c.csv.gz." in said
    assert "no such data file" not in said


def test_a_folder_without_parquet_files_is_no_table_to_count(tmp_path: Path):
    (tmp_path / "extract").mkdir()
    (tmp_path / "extract" / "a.csv").write_text("x\n1\n", encoding="utf-8")
    (tmp_path / "codebook.toml").write_text('[variables.x]\ncolumn = "x"\nkind = "number"\n', encoding="utf-8")
    with pytest.raises(SurveyError, match=r"extract: this is a folder without parquet files; it holds a\.csv\."):
        read_counts(tmp_path / "extract", codebook=tmp_path / "codebook.toml", variables=["x"])
