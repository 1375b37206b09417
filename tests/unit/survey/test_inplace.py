"""The codebook as expressions of an engine: cell for cell what the reader of files makes of it, and the same words for what is wrong."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wwm_models as wwm
from wwm_models.errors import SurveyError, WwmError
from wwm_models.survey.formats.archive import hash_of

FIRST_ROWS = re.compile(r" \(first rows, counted from 1: [^)]*\)")


def written(folder: Path, table: pa.Table, codebook: str) -> tuple[Path, Path]:
    pq.write_table(table, folder / "data.parquet")
    (folder / "codebook.toml").write_text(codebook, encoding="utf-8")
    return folder / "data.parquet", folder / "codebook.toml"


def outcome(asked: Callable[[], wwm.Survey]) -> wwm.Survey | str:
    """A survey, or the words with which it is refused."""
    try:
        return asked()
    except WwmError as problem:
        return FIRST_ROWS.sub("", str(problem))


def counts(survey: wwm.Survey, names: list[str]) -> dict[tuple[str, ...], tuple[float, float]]:
    """Respondents and weight for every value or reason, in the domain."""
    keys = [survey.frame[name].astype(str).where(survey.missing[name] == "", survey.missing[name]) for name in names]
    table = pd.DataFrame({**dict(enumerate(keys)), "n": survey.counts, "w": survey.weights})[survey.domain]
    summed = table.groupby(list(range(len(names))), dropna=False)[["n", "w"]].sum()
    found = summed.reset_index().itertuples(index=False, name=None)
    return {tuple(row[:-2]): (row[-2], round(row[-1], 9)) for row in found}


def parts(told: wwm.Survey | str) -> list[str]:
    """Words with their lists in one order: a table has no first row, so what is most frequent is told first."""
    assert isinstance(told, str)
    if told.count(' rows; "') == 0:
        return [told]
    head, listed = told.split("know: " if "know: " in told else "holds ", 1)
    return [head, *sorted(re.findall(r'"[^"]*" in \d+ of \d+ rows|and \d+ more', listed))]


def same(data: Path, book: Path, names: list[str]) -> wwm.Survey | str:
    """Both paths give the same groups, or the same words."""
    whole, counted = outcome(lambda: wwm.read_survey(data, book)), outcome(lambda: wwm.read_counts(data, book, names))
    if isinstance(whole, str) or isinstance(counted, str):
        assert parts(counted) == parts(whole)
        return whole
    assert counts(counted, names) == counts(whole, names)
    pd.testing.assert_frame_equal(counted.accounting, whole.accounting)
    assert [FIRST_ROWS.sub("", text) for text in counted.warnings] == [
        FIRST_ROWS.sub("", text) for text in whole.warnings
    ]
    return counted


ANSWERS = """
[variables.v]
column = "v"
kind = "ordered"
empty = "skipped"
missing = [{ codes = [8, 9.5], text = ["8 ", "refused"], reason = "refused" }, { codes = [-1], reason = "not asked" }]
levels = [{ id = "low", codes = [1, 2], text = ["low", "1.0", "true"] }, { id = "high", codes = [3.5], text = ["high", " high", "2020-01-31"] }]
"""
NUMBERS = """
[variables.v]
column = "v"
kind = "number"
minimum = -5
missing = [{ codes = [99], text = ["none"], reason = "none" }]
[variables.cut]
from = "v"
kind = "ordered"
cut = { breaks = [0, 10, 20], closed = "right" }
levels = [{ id = "a" }, { id = "b" }]
[variables.birth]
column = "v"
kind = "ordered"
birth_year_in = 20
missing = [{ codes = [99], text = ["none"], reason = "none" }]
cut = { breaks = [0, 10, 20] }
levels = [{ id = "young" }, { id = "old" }]
"""
TEXTS = [
    "",
    "1",
    "1.0",
    " 1",
    "2",
    "+2.",
    ".5e1",
    "3.5",
    "8",
    "8 ",
    "9.5",
    "-1",
    "low",
    "high",
    " high",
    "refused",
    "true",
    "1_0",
    "nan",
    "inf",
    "1e400",
    "é",
]
CELLS = {
    "texts": st.lists(st.sampled_from([*TEXTS, None]), min_size=1, max_size=8).map(lambda cells: pa.array(cells, pa.string())),
    "numbers": st.lists(st.sampled_from([1.0, 2.0, 3.5, 8.0, 9.5, -1.0, 7.0, float("nan"), float("inf"), 0.1, None]), min_size=1, max_size=8).map(lambda cells: pa.array(cells, pa.float64())),
    "whole numbers": st.lists(st.sampled_from([1, 2, 8, -1, 3, None]), min_size=1, max_size=8).map(lambda cells: pa.array(cells, pa.int16())),
    "truths": st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=4).map(lambda cells: pa.array(cells, pa.bool_())),
    "dates": st.lists(st.sampled_from(["2020-01-31", "2020-02-01", None]), min_size=1, max_size=4).map(lambda cells: pa.array(cells, pa.string()).cast(pa.date32())),
    "money": st.lists(st.sampled_from(["1.00", "3.50", "9.50", "7.25", None]), min_size=1, max_size=5).map(lambda cells: pa.array(cells, pa.string()).cast(pa.decimal128(6, 2))),
}  # fmt: skip


@pytest.mark.parametrize("kind", CELLS)
def test_answers_are_those_of_the_reader(tmp_path_factory: pytest.TempPathFactory, kind: str):
    @given(cells=CELLS[kind])
    @settings(max_examples=15)
    def check(cells: pa.Array) -> None:
        same(*written(tmp_path_factory.mktemp("answers"), pa.table({"v": cells}), ANSWERS), ["v"])

    check()


@pytest.mark.slow
@given(
    numbers=st.lists(
        st.sampled_from(["0", "5", "10", "12.5", "20", "-3", "-7", "99", "none", "", "x", "17", "21", "1e9"]),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=15)
def test_numbers_and_cuts_are_those_of_the_reader(tmp_path_factory: pytest.TempPathFactory, numbers: list[str]):
    folder = tmp_path_factory.mktemp("numbers")
    same(*written(folder, pa.table({"v": numbers}), NUMBERS), ["v", "cut", "birth"])


RULES = """
[universe]
all = ["b != 'no' or m > 2", "a is known"]
exclude = [{ when = "m == 4 and b == 'yes'", reason = "four" }]
[survey]
weight = "w"
weight_missing_codes = [99]
accept_extreme_weights = true
[variables.a]
column = "a"
kind = "nominal"
levels = [{ id = "x" }, { id = "y" }, { id = "z" }]
[variables.b]
column = "b"
kind = "nominal"
missing = [{ text = ["?"], reason = "unsure" }]
levels = [{ id = "no" }, { id = "yes" }]
[variables.m]
column = "n"
kind = "number"
maximum = 9
[variables.made]
kind = "ordered"
otherwise = "neither"
rules = [
  { when = "b == 'yes' and m >= 3", id = "first" },
  { when = "not (a in ['x', 'y']) or m < 1", id = "second" },
  { when = "a == 'y' and b is known", id = "third" },
]
levels = [{ id = "first" }, { id = "second" }, { id = "third" }]
[variables.less]
from = "made"
kind = "ordered"
drop = ["third"]
levels = [{ id = "f", merges = ["first"] }, { id = "s", merges = ["second"] }]
[variables.least]
from = "less"
kind = "ordered"
drop = ["f"]
levels = [{ id = "only", merges = ["s"] }, { id = "never", merges = [] }]
"""


@pytest.mark.slow
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["x", "y", "z", None]), st.sampled_from(["no", "yes", "?", None]),
            st.sampled_from([0.0, 1, 2, 3, 4, None]), st.sampled_from([0.0, 1, 2.5, 99]),
        ),
        min_size=1, max_size=12,
    )
)  # fmt: skip
@settings(max_examples=15)
def test_rules_universe_and_weights_are_those_of_the_reader(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]
):
    columns = dict(zip("abnw", map(list, zip(*rows, strict=True)), strict=True))
    table = pa.table({"a": pa.array(columns["a"], pa.string()), "b": pa.array(columns["b"], pa.string()), "n": pa.array(columns["n"], pa.float64()), "w": columns["w"]})  # fmt: skip
    same(*written(tmp_path_factory.mktemp("rules"), table, RULES), ["a", "made", "less", "least"])


WEIGHTED = """
[source]
id = "id"
[survey]
weight = "w"
weight_kind = "sampling"
strata = "s"
[variables.v]
column = "v"
kind = "ordered"
levels = [{ id = "low", codes = [1] }, { id = "high", codes = [2] }]
"""


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("w", [1.0, None] * 20, "missing or not a finite number"),
        ("w", [1.0, -1.0] * 20, "negative"),
        ("w", [0.0] * 40, "so nobody counts"),
        ("w", [1.0] * 39 + [99.0], "is 99 in 1 of 40 rows"),
        ("w", [1.0] * 39 + [60.0], "hold more than 5 percent"),
        ("id", [1.0, 1.0, 1.0, *range(2, 39)], "1 id in more than one row: 1 (3 times)"),
        ("id", [None, *range(2, 41)], "is empty in 1 of 40 rows"),
        ("s", [None] * 3 + [1.0] * 37, "3 of 40 rows are missing"),
        ("v", [1.0, 2.0, 5.0, 7.0] * 10, "has 2 answers that the codebook does not know"),
        ("who", ["SYNTHETIC"] + [""] * 39, "says SYNTHETIC in 1 of 40 rows"),
        ("who", ["SYNTHETIC"] * 40, ""),
        ("w", [1.0] * 150 + [7.0], ""),
        ("w", [0.5] * 150 + [9.0], ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_the_same_words(tmp_path: Path, column: str, values: list[Any], words: str):
    rows = len(values)
    columns: dict[str, Any] = {"id": list(range(rows)), "w": [1.0] * rows, "s": [1.0, 2.0] * (rows // 2) + [1.0] * (rows % 2), "v": [1.0, 2.0] * (rows // 2) + [1.0] * (rows % 2)}  # fmt: skip
    found = same(*written(tmp_path, pa.table({**columns, column: values}), WEIGHTED), ["v"])
    assert (words in found) if isinstance(found, str) else not words
    if not isinstance(found, str):
        assert found.synthetic == (column == "who")


@pytest.mark.parametrize("odd", [0.5, 1.2, 2.999])
def test_a_frequency_is_a_whole_number_of_respondents(tmp_path: Path, odd: float):
    counts = [2.0] * 38 + [odd, odd]
    table = pa.table({"id": range(40), "w": counts, "s": [1.0, 2.0] * 20, "v": [1.0, 2.0] * 20})
    found = same(*written(tmp_path, table, WEIGHTED.replace('"sampling"', '"frequency"')), ["v"])
    frame = pd.DataFrame({"v": pd.Categorical(["low", "high"] * 20, ordered=True), "w": counts})
    with pytest.raises(SurveyError) as caught:
        wwm.Survey.from_frame(frame, weight="w", weight_kind="frequency")
    told = (
        f'Weight "w" is no whole number in 2 of 40 rows (first rows, counted from 1: 39, 40); one is {odd:g}. Expected how many respondents each '
        'row stands for, since weight_kind is "frequency". Repair the column, or write weight_kind = "sampling" if these are weights of single '
        "respondents."
    )
    assert str(caught.value) == told
    assert isinstance(found, str)
    assert 'Weight "w" is no whole number in 2 of 40 rows' in found
    assert found.endswith(told[told.index("; one is") :])
    assert len(wwm.Survey.from_frame(frame.assign(w=frame["w"].round(1)), weight="w", weight_kind="sampling")) == 40


def test_a_question_asked_as_a_header_twice_and_a_text_with_commas(tmp_path: Path):
    """Names keep their spaces, a name that occurs twice is found by its position, and decimals may be commas."""
    (tmp_path / "data.csv").write_text(
        'how often? ;x;x;w\n"never; or less";1,5;3;0,5\noften;2;4;1\n;1.5;3;1\n', encoding="utf-8"
    )
    (tmp_path / "codebook.toml").write_text(
        '[source]\ndelimiter = ";"\ndecimal = ","\n[survey]\nweight = "w"\naccept_extreme_weights = true\n[variables.often]\nquestion = "how often? "\nkind = "ordered"\n'
        'levels = [{ id = "never", text = ["never; or less"] }, { id = "often" }]\n[variables.x]\nposition = 3\nkind = "number"\nmaximum = 9\n',
        encoding="utf-8",
    )
    found = same(tmp_path / "data.csv", tmp_path / "codebook.toml", ["often", "x"])
    assert isinstance(found, wwm.Survey)
    assert found.missing["often"].tolist().count("no answer") == 1
    assert found.weights.sum() == 2.5


def test_too_many_ways_of_answering_are_told_by_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wwm_models.survey.databases.counts.MOST_GROUPS", 4)
    data, book = written(
        tmp_path,
        pa.table({"u": [1, 2, 1, 2, 3], "v": [1.5, 2.5, 3.5, 4.25, None], "s": ["a", "a", "a", "a", "b"]}),
        '[survey]\nstrata = "s"\n[variables.u]\ncolumn = "u"\nkind = "nominal"\nlevels = [{ id = "1" }, { id = "2" }, { id = "3" }]\n'
        '[variables.v]\ncolumn = "v"\nkind = "number"\n',
    )
    assert outcome(lambda: wwm.read_counts(data, book, ["u", "v"])) == (
        f"{data}: respondents answer in more than 4 ways, by v (4 answers), u (3 answers), s (2 answers). Expected groups of respondents "
        "who gave the same answers. Leave out a variable that has many answers (in a run: the models that name it), or cut a number into levels."
    )


def test_a_counted_survey_is_known_by_what_was_counted(tmp_path: Path):
    """What of a table reaches a result changes its fingerprint; the order of its rows, and a column nobody asked for, do not."""
    frame = pd.DataFrame(
        {"v": [1, 2, 2, 1], "w": [0.1, 0.2, 0.3, 0.4], "s": ["a", "a", "b", "b"], "other": [1, 2, 3, 4]}
    )
    book = (
        '[survey]\nweight = "w"\nstrata = "s"\naccept_extreme_weights = true\n'
        '[variables.v]\ncolumn = "v"\nkind = "nominal"\nlevels = [{ id = "1" }, { id = "2" }]\n'
    )
    (tmp_path / "codebook.toml").write_text(book, encoding="utf-8")

    def fingerprint(changed: pd.DataFrame, name: str) -> str:
        with duckdb.connect(str(tmp_path / name)) as base:
            base.execute("create table answers as select * from changed")
        assert len(changed) == 4
        return wwm.read_counts(f"duckdb://{tmp_path / name}#answers", tmp_path / "codebook.toml", ["v"]).sha256

    known = fingerprint(frame, "one.duckdb")
    assert re.fullmatch("[0-9a-f]{64}", known)
    assert fingerprint(frame[::-1].assign(other=0), "two.duckdb") == known
    for number, (name, value) in enumerate({"v": 2, "w": 0.11, "s": "b"}.items()):
        changed = frame.copy()
        changed.loc[0, name] = value
        assert fingerprint(changed, f"changed{number}.duckdb") != known, name


def test_many_doubtful_contents_are_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wwm_models.survey.databases.validation.MOST_CONTENTS", 3)
    data, book = written(
        tmp_path, pa.table({"v": [1.5, 2.5, 3.5, 99.0]}), '[variables.v]\ncolumn = "v"\nkind = "number"\n'
    )
    with pytest.raises(
        SurveyError, match=r"more than 3 distinct contents.*If these are real numbers, write `minimum` and `maximum`\."
    ):
        wwm.read_counts(data, book, ["v"])


def test_a_table_that_changes_while_it_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from wwm_models.survey.databases import counts as counted

    monkeypatch.setattr(counted, "validate_table", lambda table: False)
    data, book = written(
        tmp_path,
        pa.table({"v": [1.0, 2.0, 7.0]}),
        WEIGHTED.split("[variables.v]")[0].split("[source]")[0] + "[variables.v]" + WEIGHTED.split("[variables.v]")[1],
    )
    with pytest.raises(SurveyError, match="has answers that were not there a moment ago"):
        wwm.read_counts(data, book, ["v"])


@pytest.mark.parametrize(("locked", "words"), [(True, ""), (False, "the file has SHA-256")])
def test_the_lock_holds_for_files(tmp_path: Path, locked: bool, words: str):
    data, book = written(tmp_path, pa.table({"v": [1.0, 2.0]}), "")
    own = hash_of(data)
    book.write_text(
        f'[source]\nsha256 = "{own if locked else "0" * 64}"\n[variables.v]\n' + WEIGHTED.split("[variables.v]\n")[1],
        encoding="utf-8",
    )
    found = outcome(lambda: wwm.read_counts(data, book, ["v"]))
    assert (words in found) if isinstance(found, str) else found.sha256 == own
    refused = outcome(lambda: wwm.read_counts(tmp_path, book, ["v"]))
    assert isinstance(refused, str)
    assert "this is no single file with a SHA-256" in refused


def test_messages_of_the_door(tmp_path: Path):
    data, book = written(
        tmp_path,
        pa.table({"v": pa.array([1, 2], pa.timestamp("s"))}),
        WEIGHTED.replace('id = "id"', "").split("[survey]")[0] + "[variables.v]" + WEIGHTED.split("[variables.v]")[1],
    )
    assert (
        outcome(lambda: wwm.read_counts(data, book, ["u"])) == f'{book}: "u" is not a declared variable. Declared: v.'
    )
    assert outcome(lambda: wwm.read_counts(data, book, ["v"])) == (
        f'{data}: column "v" holds values of type timestamp(6). Expected texts, numbers, dates or true and false. Make it one of these in '
        "the database, or read the table whole with wwm.read_survey."
    )
    pq.write_table(pa.table({"v": pa.array([], pa.float64())}), data)
    assert (
        outcome(lambda: wwm.read_counts(data, book, ["v"]))
        == f"{data}: the table has no rows. Expected at least one respondent. Name another table."
    )


def test_designs_are_those_of_the_reader(tmp_path: Path):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "v": rng.integers(1, 3, 300),
            "g": rng.integers(1, 3, 300),
            "w": rng.uniform(0.5, 2, 300),
            "s": rng.choice(["north", "south"], 300),
            "u": rng.integers(1, 9, 300),
            "size": 40.0,
        }
    )
    with duckdb.connect(str(tmp_path / "data.duckdb")) as base:
        base.execute("create table answers as select * from frame")
        assert len(frame)
    levels = 'kind = "ordered"\nlevels = [{ id = "low", codes = [1] }, { id = "high", codes = [2] }]\n'
    for declared in ('strata = "s"', 'strata = "s"\npsu = "u"', 'strata = "s"\npsu = "u"\nfpc = "size"', 'psu = "u"'):
        (tmp_path / "codebook.toml").write_text(
            f'[survey]\nweight = "w"\n{declared}\n[variables.v]\ncolumn = "v"\n{levels}[variables.g]\ncolumn = "g"\n{levels}', encoding="utf-8"
        )  # fmt: skip
        whole = wwm.read_survey(tmp_path / "data.duckdb", tmp_path / "codebook.toml")
        counted = wwm.read_counts(tmp_path / "data.duckdb", tmp_path / "codebook.toml", ["v", "g"])
        one, two = (wwm.fit(wwm.Model("v ~ g"), survey) for survey in (whole, counted))
        assert (two.vcov_kind, two.design_df) == ("design", one.design_df)
        np.testing.assert_allclose(two.std_errors, one.std_errors, rtol=1e-9)
        assert len(counted) <= 2 * 2 * 2 * (9 if "psu" in declared else 1)


def test_an_engine_without_nan_and_without_trying_to_cast(tmp_path: Path):
    """SQLite, through Ibis: codes in texts, cut numbers, a stratum as text."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "v": rng.choice(["1", "2.0", " 3.5", "8", "low", None], 200), "n": rng.integers(1, 60, 200).astype(float),
            "w": rng.uniform(0.5, 1.5, 200), "s": rng.choice(["north", "south"], 200),
        }
    )  # fmt: skip
    connection = sqlite3.connect(tmp_path / "data.db")
    frame.to_sql("answers", connection, index=False)
    connection.close()
    (tmp_path / "codebook.toml").write_text(
        '[survey]\nweight = "w"\nstrata = "s"\n[variables.v]\ncolumn = "v"\nkind = "ordered"\nmissing = [{ codes = [8], reason = "refused" }]\n'
        'levels = [{ id = "low", codes = [1, 2], text = ["low"] }, { id = "high", codes = [3.5] }]\n[variables.m]\ncolumn = "n"\nkind = "ordered"\n'
        'cut = { breaks = [0, 20, 40, 60] }\nlevels = [{ id = "a" }, { id = "b" }, { id = "c" }]\n',
        encoding="utf-8",
    )
    address = f"sqlite://{tmp_path}/data.db#answers"
    whole = wwm.read_survey(address, tmp_path / "codebook.toml")
    counted = wwm.read_counts(address, tmp_path / "codebook.toml", ["v", "m"])
    assert counts(counted, ["v", "m"]) == counts(whole, ["v", "m"])
    one, two = (wwm.fit(wwm.Model("v ~ m"), survey) for survey in (whole, counted))
    np.testing.assert_allclose(two.std_errors, one.std_errors, rtol=1e-9)
