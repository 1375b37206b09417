"""The same respondents in every format give the same Survey; limits hold before anything is read."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from wwm_models.errors import SurveyError
from wwm_models.survey.codebook import Source
from wwm_models.survey.formats import archive as sizes
from wwm_models.survey.formats import archive as unpacking
from wwm_models.survey.formats.registry import FORMATS, read_file
from wwm_models.survey.read import read_survey
from wwm_models.survey.survey import Survey

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("formats", HERE / "formats.py")
assert _spec is not None
assert _spec.loader is not None
formats = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(formats)


def same(one: Survey, two: Survey) -> None:
    """Two surveys with the same rows, answers, reasons, weights, design and domain."""
    pd.testing.assert_frame_equal(one.frame, two.frame)
    pd.testing.assert_frame_equal(one.accounting, two.accounting)
    assert {name: reasons.tolist() for name, reasons in one.missing.items()} == {
        name: reasons.tolist() for name, reasons in two.missing.items()
    }
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.domain, two.domain)
    assert (one.design is None) == (two.design is None)
    if one.design is not None and two.design is not None:
        np.testing.assert_array_equal(one.design.psu, two.design.psu)
        np.testing.assert_array_equal(one.design.strata, two.design.strata)


def survey(path: Path) -> Survey:
    book = path.with_name("codebook.toml")
    text = formats.CODEBOOK
    if path.suffix == ".por":  # the format has capitals only for names
        for name in ("id", "w", "v1", "town", "age"):
            text = text.replace(f'= "{name}"', f'= "{name.upper()}"')
    book.write_text(text, encoding="utf-8")
    return read_survey(path, book)


def refused(path: Path, source: Source | None = None) -> str:
    with pytest.raises(SurveyError) as caught:
        read_file(path, source or Source())
    return str(caught.value).replace(f"{path.parent}/", "")


@pytest.mark.parametrize("ending", formats.WRITERS)
def test_every_format_gives_the_same_survey(tmp_path: Path, ending: str):
    formats.WRITERS[".csv"](tmp_path / "data.csv")
    formats.WRITERS[ending](tmp_path / f"data{ending}")
    found = survey(tmp_path / f"data{ending}")
    same(found, survey(tmp_path / "data.csv"))
    assert found.missing["often"].tolist() == ["", "", "", "don't know", "no answer", "not asked", "", ""]


def test_every_ending_is_tried_here():
    assert set(formats.WRITERS) | {".txt", ".sas7bdat"} == set(FORMATS)


@pytest.mark.parametrize("packing", unpacking.PACKINGS)
@pytest.mark.parametrize("ending", [".csv", ".sav"])
def test_a_compressed_file_is_the_same_file(tmp_path: Path, ending: str, packing: str):
    plain = tmp_path / f"data{ending}"
    formats.WRITERS[ending](plain)
    packed = formats.packed(plain)[packing]
    same(survey(packed), survey(plain))
    assert read_file(packed, Source()).sha256 == unpacking.hash_of(packed)


def test_a_sas_file_that_r_wrote():
    """R 4, haven::write_sas(data.frame(v1 = c(1, 2, 8, NA), t = c("x", "", "é", "z")))."""
    file = read_file(HERE / "files" / "haven.sas7bdat.gz", Source())
    assert [column.name for column in file.columns] == ["v1", "t"]
    np.testing.assert_array_equal(file.columns[0].numbers(), [1, 2, 8, np.nan])
    assert [file.columns[1].cells[place].text for place in file.columns[1].index] == ["x", "", "é", "z"]


def test_what_a_statistical_file_says_of_its_columns(tmp_path: Path):
    formats.WRITERS[".sav"](tmp_path / "data.sav")
    often = read_file(tmp_path / "data.sav", Source()).columns[1]
    assert (often.label, often.measure, often.missing) == ("How often at home?", "ordinal", ((8.0, 9.0),))
    assert dict(often.labels) == formats.LABELS


def test_user_missing_codes_of_the_gss_are_counted_in_every_format(tmp_path: Path, real_data: Path, studies: Path):
    """The real answers, with the don't-knows that the public extract has left out put back in 40 rows."""
    book = studies / "gss2018" / "codebook.toml"
    frame, meta = pyreadstat.read_sav(str(real_data / "gss2018.sav"), user_missing=True)
    same(read_survey(real_data / "gss2018.sav", book), read_survey(real_data / "gss2018.csv", book))
    frame.loc[100:129, "wrkhome"], frame.loc[130:139, "wrkhome"] = 8.0, 9.0
    labels = {
        name: {float(code): text for code, text in found.items()} for name, found in meta.variable_value_labels.items()
    }
    pyreadstat.write_sav(
        frame, str(tmp_path / "gss.sav"), variable_value_labels=labels, missing_ranges=meta.missing_ranges
    )
    pyreadstat.write_dta(frame, str(tmp_path / "gss.dta"), variable_value_labels=labels)
    frame.to_parquet(tmp_path / "gss.parquet")
    frame.to_csv(tmp_path / "gss.csv", index=False)
    with duckdb.connect(str(tmp_path / "gss.duckdb")) as base:
        base.execute("create table gss as select * from frame")
    first = read_survey(tmp_path / "gss.sav", book)
    reasons = first.missing["wrkhome"].tolist()
    assert (reasons.count("don't know"), reasons.count("no answer")) == (30, 10)
    for ending in (".csv", ".dta", ".parquet", ".duckdb"):
        same(read_survey(tmp_path / f"gss{ending}", book), first)


def test_user_missing_values_of_a_portable_file_are_kept(tmp_path: Path):
    """A record "8" after the variable declares 8 missing; the library cannot write one, so it is put in here."""
    pyreadstat.write_por(pd.DataFrame({"V1": [1.0, 2, 8]}), str(tmp_path / "plain.por"))
    plain = (tmp_path / "plain.por").read_bytes().replace(b"\r\n", b"")
    declared = plain.replace(b"V15/8/2/5/8/2/F", b"V15/8/2/5/8/2/88/F").replace(b"ZZZ", b"", 1)
    lines = [declared[place : place + 80] for place in range(0, len(declared), 80)]
    (tmp_path / "data.por").write_bytes(b"\r\n".join(lines) + b"\r\n")
    (column,) = read_file(tmp_path / "data.por", Source()).columns
    assert [(cell.number, cell.user_missing) for cell in column.cells] == [(1, False), (2, False), (8, True)]


def test_the_unlabelled_code_of_the_gss_is_an_error_until_declared(tmp_path: Path, real_data: Path, studies: Path):
    text = (studies / "gss2018" / "codebook.toml").read_text(encoding="utf-8")
    declared = 'missing = [{ codes = [4], reason = "code 4, which the file does not explain" }]\n'
    assert declared in text
    (tmp_path / "codebook.toml").write_text(text.replace(declared, ""), encoding="utf-8")
    with pytest.raises(SurveyError, match=r"4 in marcohab \(n = \d+\) has no label, in \d+ of 2348 rows"):
        read_survey(real_data / "gss2018.sav", tmp_path / "codebook.toml")


def test_parquet_types_become_the_cells_of_a_text_file(tmp_path: Path):
    table = pa.table(
        {
            "yes": pa.array([True, None, False]),
            "day": pa.array(["2021-05-04", None, "2021-05-25"]).cast(pa.date32()),
            "answer": pa.array(["a", "", None]).dictionary_encode(),
            "count": pa.array([1, 2, None], pa.int32()),
            "share": pa.array([0.5, float("nan"), None]),
        }
    )
    pq.write_table(table, tmp_path / "data.parquet")
    columns = read_file(tmp_path / "data.parquet", Source()).columns
    texts = {column.name: [column.cells[place].text for place in column.index] for column in columns}
    assert texts == {
        "yes": ["true", "", "false"],
        "day": ["2021-05-04", "", "2021-05-25"],
        "answer": ["a", "", ""],
        "count": ["1", "2", ""],
        "share": ["0.5", "", ""],
    }


def test_a_nested_column_is_refused(tmp_path: Path):
    pq.write_table(pa.table({"x": [[1, 2], [3]]}), tmp_path / "data.parquet")
    assert refused(tmp_path / "data.parquet").startswith(
        'data.parquet: column "x" holds list<element: int64>, several values in a cell.'
    )


def test_several_sheets_need_a_name(tmp_path: Path):
    book = openpyxl.Workbook()
    book.active.append(["x"])
    book.active.append([1])
    book.create_sheet("Notes")
    book.save(tmp_path / "data.xlsx")
    assert refused(tmp_path / "data.xlsx") == (
        'data.xlsx: there are 2 sheets; the file holds Sheet, Notes. Expected one to read. Write `table = "Sheet"` in [source] '
        "of the codebook."
    )
    assert refused(tmp_path / "data.xlsx", Source(table="Sheets")) == (
        'data.xlsx: there is no sheet "Sheets"; the file holds Sheet, Notes. Did you mean "Sheet"? Expected one to read. Write '
        '`table = "Sheet"` in [source] of the codebook.'
    )
    assert read_file(tmp_path / "data.xlsx", Source(table="Sheet")).rows == 1


def test_cells_beside_the_header_are_refused(tmp_path: Path):
    book = openpyxl.Workbook()
    for row in (["x", "y"], [1, 2], [1, None, 3]):
        book.active.append(row)
    book.save(tmp_path / "data.xlsx")
    assert refused(tmp_path / "data.xlsx") == (
        "data.xlsx: 1 of 2 rows have values to the right of the 2 columns of the header (rows, counted from 1 below it: 2). "
        "Expected a name above every column. Add the name or remove the values."
    )


def test_a_view_in_a_database_cannot_read_other_files(tmp_path: Path):
    (tmp_path / "secret.csv").write_text("x\n1\n", encoding="utf-8")
    with duckdb.connect(str(tmp_path / "data.duckdb")) as base:
        base.execute(f"create view v as select * from read_csv('{tmp_path}/secret.csv')")
    assert "disabled by configuration" in refused(tmp_path / "data.duckdb")


@pytest.mark.parametrize("ending", [".xlsx", ".csv.zip"])
def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path, ending: str):
    path = tmp_path / f"data{ending}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(40 << 20))
    assert "unpack to 41,943,040 or more. Expected at most 200 times as many" in refused(path)


def test_a_gzip_bomb_is_refused_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unpacking, "FREE_BYTES", 1 << 16)
    monkeypatch.setattr(unpacking, "CHUNK", 1 << 14)
    plain = tmp_path / "data.csv"
    plain.write_bytes(b"x\n" + b"1\n" * (1 << 20))
    message = refused(formats.packed(plain)[".gz"])
    assert "such a file is not a survey. Unpack it yourself if you trust it." in message
    assert int(message.split("unpack to ")[1].split(" or more")[0].replace(",", "")) < 1 << 21


def test_an_archive_of_two_files_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("a.csv", "x\n1\n")
        archive.writestr("../b.csv", "x\n1\n")
    assert refused(tmp_path / "data.zip") == (
        "data.zip: the archive holds 2 files: a.csv, ../b.csv. Expected one data file. Unpack it and give the file you mean."
    )


@pytest.mark.parametrize("ending", [".csv", ".sav", ".dta", ".parquet", ".duckdb", ".xlsx"])
def test_a_file_that_does_not_fit_is_refused_with_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
):
    path = tmp_path / f"data{ending}"
    formats.WRITERS[ending](path)
    monkeypatch.setattr(sizes, "free_memory", lambda: 100.0)
    message = refused(path)
    assert "of memory; the limit is 0.01 MB (half of what is free on this machine)." in message
    rows = {".csv": "9 rows x 5 columns", ".xlsx": "rows x 1 columns"}  # both are guesses beforehand
    assert rows.get(ending, "8 rows x 5 columns") in message
    assert message.endswith("or, if the memory is there, write `memory_gb = 1` in [source].")
    assert read_file(path, Source(memory_gb=1.0)).rows == 8


def test_text_is_read_piece_by_piece(tmp_path: Path):
    """Expected rows come from the head of the file; blank lines at the end are no rows, those between are ragged ones."""
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + "1,2\n" * 5000 + "\n\r\n\n", encoding="utf-8-sig")
    file = read_file(path, Source())
    assert (file.rows, file.columns[0].name) == (5000, "x")
    path.write_text("x,y\n1,2\n\n3,4\n", encoding="utf-8")
    assert "row 2 has 0" in refused(path)
