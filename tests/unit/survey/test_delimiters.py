"""One error that names the delimiter of a file, and weights that are texts are shown, read whole or in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from wwm_models.errors import SurveyError
from wwm_models.survey.databases.counts import read_counts
from wwm_models.survey.read import read_survey

BOOK = """
[source]
{source}
[survey]
weight = "w"
[variables.x]
column = "x"
kind = "nominal"
levels = [{ id = "a" }, { id = "b" }]
[variables.age]
column = "age"
kind = "number"
"""
Read = Callable[[Path, Path], object]


def in_place(data: str | Path, book: Path) -> object:
    return read_counts(data, book, ["x"])


def refused(read: Read, data: str | Path, folder: Path, source: str = "") -> str:
    (folder / "codebook.toml").write_text(BOOK.replace("{source}", source), encoding="utf-8")
    with pytest.raises(SurveyError) as caught:
        read(data, folder / "codebook.toml")  # pyright: ignore[reportArgumentType]
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("read", [read_survey, in_place])
@pytest.mark.parametrize(
    ("mark", "shown", "cell", "more"),
    [
        (";", '";"', "31", ""),
        (";", '";"', "31,5", ' and `decimal = ","`'),
        ("\t", '"\\t"', "31", ""),
        ("|", '"|"', "31", ""),
    ],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_another_delimiter_is_one_error_that_names_it(
    read: Read, mark: str, shown: str, cell: str, more: str, quote: str, tmp_path: Path
):
    rows = [["x", "age", "w"], ["a", cell, "1"], ["b", "40", "1"]]
    text = "".join(mark.join(f"{quote}{part}{quote}" for part in row) + "\n" for row in rows)
    (tmp_path / "data.csv").write_text(text, encoding="utf-8")
    assert refused(read, tmp_path / "data.csv", tmp_path) == (
        'data.csv: with the delimiter "," the first 3 lines do not have equal columns, two or more; '
        f"with {shown} each has 3. Expected the delimiter of the file. Write `delimiter = {shown}`{more} in [source] of the codebook."
    )


def test_commas_in_a_file_that_is_said_to_have_semicolons(tmp_path: Path):
    (tmp_path / "data.csv").write_text("x,age,w\na,31,1\n", encoding="utf-8")
    said = refused(read_survey, tmp_path / "data.csv", tmp_path, 'delimiter = ";"')
    assert 'with "," each has 3. Expected the delimiter of the file. Write `delimiter = ","` in [source]' in said


def test_a_file_of_one_column_and_commas_between_quotes_are_read(tmp_path: Path):
    book = '[variables.x]\ncolumn = "x"\nkind = "nominal"\nlevels = [{ id = "both", text = ["a;b"] }, { id = "c" }]\n'
    (tmp_path / "codebook.toml").write_text(book, encoding="utf-8")
    (tmp_path / "data.csv").write_text("x\na;b\nc\n", encoding="utf-8")
    assert len(read_survey(tmp_path / "data.csv", tmp_path / "codebook.toml")) == 2


WEIGHTS = {
    "percent": (
        ["93.2%", "1", "93.2%"],
        '"93.2%" in {two}. Expected a number of zero or more for every respondent. Repair the column: numbers only, without signs or units.',
    ),
    "decimal comma": (
        ["0,93", "1", "0,93"],
        '"0,93" in {two}. Expected a number of zero or more for every respondent. Write `decimal = ","` in [source] of the codebook, or save '
        "the file with decimal points.",
    ),
}


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("where", ["file", "file in place", "database"])
def test_weights_that_are_texts_are_shown(where: str, kind: str, tmp_path: Path):
    values, said = WEIGHTS[kind]
    frame = pd.DataFrame({"x": ["a", "b", "a"], "age": [30, 31, 32], "w": values})
    data: str | Path = tmp_path / "data.csv"
    frame.to_csv(data, index=False)
    if where == "database":
        data = f"duckdb://{tmp_path}/data.duckdb#data"
        with duckdb.connect(str(tmp_path / "data.duckdb")) as base:
            base.execute("create table data as select * from frame")
    two = "2 of 3 rows (first rows, counted from 1: 1, 3)" if where == "file" else "2 of 3 rows"
    shown = "data.duckdb#data" if where == "database" else "data.csv"
    found = refused(read_survey if where == "file" else in_place, data, tmp_path).replace("duckdb://", "")
    assert found == f'{shown}: weight "w" is {said.replace("{two}", two)}'


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_a_missing_database_file_is_refused_and_not_made(engine: str, tmp_path: Path):
    said = refused(in_place, f"{engine}://{tmp_path}/none.db#t", tmp_path)
    assert "none.db#t: there is no such file. Expected" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["codebook.toml"]
