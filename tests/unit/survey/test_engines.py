"""What is asked of a table can be said in the SQL of every engine that has numbers, texts and patterns; not only of those at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from ibis.backends.sql import compilers

import wwm_models as wwm
from wwm_models.survey.databases import counts as counted
from wwm_models.survey.databases.connections import opened
from wwm_models.survey.formats.columnar import OpenTable

ENGINES = (
    "Athena", "BigQuery", "ClickHouse", "DataFusion", "Databricks", "DuckDB", "Impala", "Materialize", "MySQL", "Oracle", "Postgres",
    "RisingWave", "Snowflake", "Trino",
)  # fmt: skip
BOOK = """
[source]
id = "id"
[survey]
weight = "w"
strata = "s"
weight_missing_codes = [-1]
[universe]
all = ["age >= 18"]
exclude = [{ when = "town == 'far'", reason = "too far" }]
[variables.age]
column = "born"
kind = "number"
birth_year_in = 2021
minimum = 0
maximum = 120
[variables.group]
from = "age"
kind = "ordered"
cut = { breaks = [18, 50, 100] }
levels = [{ id = "young" }, { id = "old" }]
[variables.town]
column = "town"
kind = "nominal"
levels = [{ id = "near", codes = [1] }, { id = "far", text = ["far"] }]
missing = [{ codes = [9], reason = "unknown" }]
[variables.paid]
column = "paid"
kind = "nominal"
levels = [{ id = "yes", text = ["true"] }, { id = "no", text = ["false"] }]
[variables.day]
column = "day"
kind = "nominal"
levels = [{ id = "first", text = ["2021-01-01"] }, { id = "second", text = ["2021-01-02"] }]
[variables.kind]
kind = "nominal"
rules = [{ when = "paid == 'yes' and age > 40", id = "a" }, { when = "town == 'near' or paid == 'no'", id = "b" }]
levels = [{ id = "a" }, { id = "b" }]
[variables.renamed]
from = "kind"
kind = "nominal"
levels = [{ id = "one", merges = ["a"] }, { id = "other", merges = ["b"] }]
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every question that counting asks of a table with columns of all kinds."""
    frame = pd.DataFrame(
        {
            "id": range(6), "w": [1.0, 2.0, -1.0, 1.5, 1.0, 1.0], "s": list("aabbab"), "born": [1950, 1980, 1990, 2000, 2010, 1960],
            "town": ["1", "far", "9", "1", "1", None], "paid": pd.array([True, False, None, True, False, True], dtype="boolean"),
            "day": pd.to_datetime(["2021-01-01"] * 3 + ["2021-01-02"] * 3).date,
        }
    )  # fmt: skip
    frame.to_parquet(tmp_path / "data.parquet", index=False)
    (tmp_path / "codebook.toml").write_text(BOOK, encoding="utf-8")
    questions: list[Any] = []

    @contextmanager
    def listening(*where: Any) -> Iterator[OpenTable]:
        with opened(*where) as place:
            yield replace(place, ask=lambda question: (questions.append(question), place.ask(question))[1])

    monkeypatch.setattr(counted, "opened", listening)
    names = ["age", "group", "town", "paid", "day", "kind", "renamed"]
    survey = wwm.read_counts(tmp_path / "data.parquet", tmp_path / "codebook.toml", names)
    assert survey.counts.sum() == 6
    return questions


@pytest.mark.parametrize("engine", ENGINES)
def test_every_question_is_a_query_of_the_engine(asked: list[Any], engine: str):
    compiler = getattr(compilers, f"{engine}Compiler")()
    for question in asked:
        sql = compiler.to_sqlglot(question.unbind()).sql(compiler.dialect)
        assert "SELECT" in sql
    assert len(asked) >= 4


def test_no_truth_is_taken_for_a_number(asked: list[Any]):
    """PostgreSQL refuses to cast one to a bigint."""
    casts = [node for question in asked for node in question.op().find(ibis.expr.operations.Cast)]
    assert casts
    assert not [str(node.arg) for node in casts if node.arg.dtype.is_boolean()]
