"""Tables that a connection string names: the same survey as the file, closed to everything else, no password shown."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
import pyreadstat
import pytest

import wwm_models as wwm
from wwm_models.errors import ExtraError, SurveyError
from wwm_models.survey.codebook import Source
from wwm_models.survey.databases.connections import opened
from wwm_models.survey.formats.columnar import data_name, is_address
from wwm_models.survey.formats.registry import read_file

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("formats", HERE / "formats.py")
assert _spec is not None
assert _spec.loader is not None
formats = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(formats)


def refused(data: str | Path, source: Source | None = None) -> str:
    with pytest.raises(SurveyError) as caught:
        read_file(data, source or Source())
    return str(caught.value)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A DuckDB file with two tables: the survey of the other tests, and one of another schema."""
    path = tmp_path / "survey.duckdb"
    frame = formats.FRAME
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table answers as select * from frame")
        connection.execute("create schema other")
        connection.execute("create table other.answers as select * from frame limit 3")
        assert len(frame)
    return path


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "codebook.toml"
    path.write_text(formats.CODEBOOK, encoding="utf-8")
    return path


def same(one: wwm.Survey, two: wwm.Survey) -> None:
    pd.testing.assert_frame_equal(one.frame, two.frame)
    pd.testing.assert_frame_equal(one.accounting, two.accounting)
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.domain, two.domain)
    assert {name: reasons.tolist() for name, reasons in one.missing.items()} == {
        name: reasons.tolist() for name, reasons in two.missing.items()
    }


def test_a_table_in_duckdb_is_the_file_it_was_made_of(tmp_path: Path, base: Path, book: Path):
    formats.WRITERS[".csv"](tmp_path / "data.csv")
    found = wwm.read_survey(f"duckdb://{base}#answers", book)
    same(found, wwm.read_survey(tmp_path / "data.csv", book))
    assert found.missing["often"].tolist() == ["", "", "", "don't know", "no answer", "not asked", "", ""]
    assert read_file(f"duckdb://{base}#other.answers", Source()).rows == 3


def test_the_codebook_may_name_the_table(base: Path):
    assert read_file(f"duckdb://{base}", Source(table="other.answers")).rows == 3


def test_an_engine_that_ibis_connects_to(tmp_path: Path, book: Path):
    formats.WRITERS[".csv"](tmp_path / "data.csv")
    connection = sqlite3.connect(tmp_path / "survey.db")
    formats.FRAME.to_sql("answers", connection, index=False)
    connection.close()
    same(wwm.read_survey(f"sqlite://{tmp_path}/survey.db", book), wwm.read_survey(tmp_path / "data.csv", book))


def test_the_general_social_survey_from_a_table_counts_the_reasons(tmp_path: Path, real_data: Path, studies: Path):
    """40 answers are replaced by the codes that the public extract has left out."""
    codebook = studies / "gss2018" / "codebook.toml"
    frame, meta = pyreadstat.read_sav(str(real_data / "gss2018.sav"), user_missing=True)
    frame.loc[100:129, "wrkhome"], frame.loc[130:139, "wrkhome"] = 8.0, 9.0
    labels = {
        name: {float(code): text for code, text in found.items()} for name, found in meta.variable_value_labels.items()
    }
    pyreadstat.write_sav(
        frame, str(tmp_path / "gss.sav"), variable_value_labels=labels, missing_ranges=meta.missing_ranges
    )
    with duckdb.connect(str(tmp_path / "gss.db")) as connection:
        connection.execute("create table gss as select * from frame")
    found = wwm.read_survey(f"duckdb://{tmp_path}/gss.db#gss", codebook)
    same(found, wwm.read_survey(tmp_path / "gss.sav", codebook))
    reasons = found.missing["wrkhome"].tolist()
    assert (reasons.count("don't know"), reasons.count("no answer")) == (30, 10)


def test_a_password_is_never_shown(base: Path, monkeypatch: pytest.MonkeyPatch):
    address = "postgres://me:secret@nowhere/survey?token=secret2#answers"
    assert is_address(address)
    assert not is_address(base)
    assert data_name(address) == "postgres://me:***@nowhere/survey?token=***#answers"
    assert data_name(str(base)) == "survey.duckdb"

    def connect(url: str) -> None:
        raise OSError(f"could not reach {url}")

    monkeypatch.setattr("ibis.connect", connect)
    message = refused(address)
    assert "could not reach postgres://me:***@nowhere/survey?token=***. Expected" in message
    assert "secret" not in message


def test_the_hash_of_a_table_is_of_its_contents_in_any_order(base: Path):
    first = read_file(f"duckdb://{base}#answers", Source()).sha256
    with duckdb.connect(str(base)) as connection:
        connection.execute("create table turned as select * from answers order by id desc")
        connection.execute("create table changed as select * replace (id + 1 as id) from answers")
    assert read_file(f"duckdb://{base}#turned", Source(sha256=first)).sha256 == first
    message = refused(f"duckdb://{base}#changed", Source(sha256=first))
    assert message.startswith(f"duckdb://{base}#changed: the contents of the table have SHA-256 ")
    assert f"the codebook is locked to {first}." in message


def test_a_database_reads_no_other_file(tmp_path: Path, base: Path):
    """A view in a hostile file asks for a text beside it."""
    (tmp_path / "private.csv").write_text("v\nsecret\n", encoding="utf-8")
    with duckdb.connect(str(base)) as connection:
        connection.execute(f"create view spy as select * from read_csv('{tmp_path}/private.csv')")
    assert "file system operations are disabled" in refused(f"duckdb://{base}#spy")
    formats.WRITERS[".parquet"](tmp_path / "data.parquet")
    spy = ibis.table({"v": "string"}, name=f"{tmp_path}/private.csv")
    with opened(tmp_path / "data.parquet", Source()) as place:
        assert place.ask(place.table).num_rows == len(formats.FRAME)
        with pytest.raises(SurveyError, match="file system operations are disabled"):
            place.ask(spy)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "duckdb:///nowhere/survey.duckdb#answers",
            "duckdb:///nowhere/survey.duckdb#answers: there is no such file. Expected duckdb://path#table, an "
            "absolute path after three slashes and a relative one after two. Repair the path.",
        ),
        (
            "sqllite:///nowhere#answers",
            'sqllite:///nowhere#answers: "sqllite" is not an engine that Ibis reaches. Expected one of athena, bigquery, clickhouse, '
            "databricks, datafusion, druid, duckdb, exasol, flink, impala, materialize, mssql, mysql, oracle, polars, postgres, "
            'pyspark, risingwave, singlestoredb, snowflake, spark, sqlite, trino. Did you mean "sqlite"? Repair the part before ://.',
        ),
        (
            "trino://[half#answers",
            "trino://[half#answers: this is not a connection string: Invalid IPv6 URL. Expected engine://where#table, such as "
            "duckdb:///data/survey.duckdb#answers. Repair the part before the #.",
        ),
    ],
)
def test_messages_of_connection_strings(data: str, message: str):
    assert refused(data) == message


def test_a_table_that_is_not_there(base: Path):
    assert refused(f"duckdb://{base}#answer") == (
        f'duckdb://{base}#answer: there is no table "answer"; the file holds answers, other.answers. Did you mean "answers"? Expected '
        'one to read. Write `table = "answers"` in [source] of the codebook.'
    )


def test_an_engine_whose_library_is_absent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(ExtraError) as caught:
        read_file("spark://local#answers", Source())
    assert str(caught.value) == (
        "spark://local#answers needs PySpark, which is not installed (import of pyspark.sql halted; None in sys.modules). "
        'Expected the extra "scale" of this package. Install it with `pip install "wwm-models[scale]"`.'
    )


@pytest.mark.slow
def test_a_parquet_file_that_spark_reads_and_counts(tmp_path: Path, book: Path, with_spark: Callable[..., Any]):
    formats.WRITERS[".csv"](tmp_path / "data.csv")
    formats.WRITERS[".parquet"](tmp_path / "data.parquet")
    known = wwm.read_survey(tmp_path / "data.csv", book)
    counted = wwm.read_counts(tmp_path / "data.parquet", book, ["often", "town"])
    found = with_spark(HERE / "spark_read.py", tmp_path / "data.parquet", book, "often", "town")
    for one, own in ((known, found["read"]), (counted, found["counted"])):
        assert own["weights"] == one.weights.tolist()
        assert own["counts"] == one.counts.tolist()
        assert own["frame"] == json.loads(one.frame.to_json(orient="columns"))
        assert own["missing"] == {name: reasons.tolist() for name, reasons in one.missing.items()}
        assert own["accounting"] == one.accounting["rows"].tolist()


def test_files_that_are_read_piece_by_piece(tmp_path: Path):
    formats.WRITERS[".parquet"](tmp_path / "one.parquet")
    shutil.copy(tmp_path / "one.parquet", tmp_path / "two.parquet")
    for data in (tmp_path, tmp_path / "*.parquet"):
        with opened(data, Source()) as place:
            assert place.ask(place.table.count().as_table()).to_pylist() == [{"CountStar(respondents)": 16}]
    formats.WRITERS[".tsv"](tmp_path / "one.tsv")
    with opened(tmp_path / "one.tsv", Source()) as place:
        assert set(map(str, place.table.schema().types)) == {"string"}
    formats.WRITERS[".sav"](tmp_path / "one.sav")
    with pytest.raises(SurveyError, match=r'files of type ".sav" cannot be counted in place. Expected one of .parquet'):
        opened(tmp_path / "one.sav", Source()).__enter__()
