"""Input that no model can use: one paragraph that says what, where and what to do; exit code 2; no results folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from wwm_models.cli.main import main

Change = Callable[[Path], None]


def data(**columns: object) -> Change:
    """Set columns of the data file to new values."""

    def change(folder: Path) -> None:
        table = pd.read_csv(folder / "data.csv")
        for name, value in columns.items():
            table[name] = value(table) if callable(value) else value
        table.to_csv(folder / "data.csv", index=False)

    return change


def replaced(name: str, old: str, new: str) -> Change:
    """Replace a text in a file of the study."""

    def change(folder: Path) -> None:
        path = folder / "study" / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def removed(folder: Path) -> None:
    (folder / "data.csv").unlink()


def latin(folder: Path) -> None:
    (folder / "data.csv").write_bytes((folder / "data.csv").read_bytes() + "601,1,30,1,caf\xe9\n".encode("latin-1"))


def at(row: int, column: str, value: object) -> Change:
    """Set one cell."""

    def change(folder: Path) -> None:
        table = pd.read_csv(folder / "data.csv").astype({column: object})
        table.loc[row, column] = value
        table.to_csv(folder / "data.csv", index=False)

    return change


CASES: dict[str, tuple[Change, list[str]]] = {
    "missing file": (removed, ["data.csv", "there is no such data file"]),
    "wrong encoding": (latin, ["data.csv", "0xe9", "row 601", "cp1252"]),
    "absent column": (replaced("codebook.toml", 'column = "wish"', 'column = "wich"'), ['"wich"', '"wish"']),
    "undeclared code": (at(3, "wish", 7), ["wish", "7", "1 of 600"]),
    "all missing": (data(wish=lambda table: pd.Series([None] * len(table))), ["wish", "all 600 rows"]),
    "one answer": (data(wish=3), ["wish", 'are "often"', "600"]),
    "negative weight": (at(0, "w", -1), ["w", "negative", "1 of 600"]),
    "missing weight": (at(0, "w", None), ["w", "missing", "1 of 600"]),
    "zero weights": (data(w=0), ["w", "zero", "600"]),
    "weight codes": (data(w=lambda table: table["w"].where(table.index > 9, 99)), ["w", "99", "10"]),
    "duplicate ids": (at(1, "id", 1), ["id", "1"]),
    "unknown variable": (
        replaced("wish.toml", "estimands", 'adjusters = ["houshold"]\nestimands'),
        ['"houshold"', 'Did you mean "household"?'],
    ),
    "toml syntax": (replaced("wish.toml", 'outcome = "wish"', "outcome = wish"), ["wish.toml", "line 1"]),
    "unknown estimand": (
        replaced("wish.toml", "household-adjusted", "houshold-adjusted"),
        ["houshold-adjusted", "household-adjusted"],
    ),
    "unknown key": (replaced("wish.toml", "exposures", "exposure"), ["wish.toml", '"exposure"', '"exposures"']),
    "code in a formula": (
        replaced("wish.toml", "estimands", "adjusters = [\"__import__('os').system('true')\"]\nestimands"),
        ["wish.toml", "__import__"],
    ),
    "unknown family": (replaced("wish.toml", "cumulative", "cumulativ"), ['"cumulativ"', '"cumulative"']),
    "claim on an unknown answer": (replaced("article.toml", '"often"', '"offen"'), ['"offen"', '"often"']),
}


@pytest.mark.parametrize("name", CASES)
def test_one_paragraph_exit_code_2_and_no_results(name: str, small: Path, capsys: pytest.CaptureFixture[str]):
    change, expected = CASES[name]
    change(small)
    code = main(["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(small / "out")])
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2, said
    assert said.startswith("wwm: ")
    for part in expected:
        assert part in said
    assert not (small / "out").exists()
    assert len(said) > 60


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("data.csv", "is not a plain folder"),
        ("data.csv/x", "Not a directory"),
        ("/proc/x", "cannot be a results folder"),
        ("study", "no manifest.json"),
    ],
)
def test_a_place_without_room_for_results_is_refused_before_anything_is_read(
    out: str, said: str, small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def read(*_: object, **__: object) -> None:
        raise AssertionError("the survey was read first")

    monkeypatch.setattr("wwm_models.study.run.respondents", read)
    before = sorted(small.rglob("*"))
    assert main(["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(small / out)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Give another --out." in error
    assert sorted(small.rglob("*")) == before


def test_an_unknown_study_is_told_which_ones_ship(small: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["run", "wwm2l", "--data", str(small / "data.csv"), "--out", str(small / "out")]) == 2
    said = capsys.readouterr().err
    assert 'Did you mean "wwm21"?' in said
    assert "ships with the package: " in said
    assert "wwm21." in said.split("package: ")[1]


def test_every_known_key_is_named_once(small: Path, capsys: pytest.CaptureFixture[str]):
    replaced("wish.toml", "exposures", "exposure")(small)
    assert main(["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(small / "out")]) == 2
    keys = capsys.readouterr().err.split("Known keys: ")[1].split(".")[0].split(", ")
    assert len(keys) == len(set(keys)) > 20


def test_white_space_and_capitals_in_an_answer_do_not_count(small: Path, capsys: pytest.CaptureFixture[str]):
    table = pd.read_csv(small / "data.csv")
    table["wish"] = table["wish"].map({1: "never", 2: "some", 3: "often"})
    table.loc[4, "wish"] = "Often "
    table.to_csv(small / "data.csv", index=False)
    codebook = (small / "study" / "codebook.toml").read_text(encoding="utf-8")
    for code, text in ((1, "never"), (2, "some"), (3, "often")):
        codebook = codebook.replace(f'id = "{text}", codes = [{code}]', f'id = "{text}", text = ["{text}"]')
    (small / "study" / "codebook.toml").write_text(codebook, encoding="utf-8")
    assert main(["check", str(small / "study"), "--data", str(small / "data.csv")]) == 0
    assert '"often", "Often "' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--out", "", "wwm: --out is empty, or holds a zero byte. Expected a folder for the results. Name one, or leave --out away.\n"),
        ("--engine", "likelihood,,bayes", 'wwm: --engine "likelihood,,bayes" names none, or leaves one out. Expected likelihood, or likelihood,bayes. Write one of these.\n'),
        ("--engine", "", 'wwm: --engine "" names none, or leaves one out. Expected likelihood, or likelihood,bayes. Write one of these.\n'),
    ],
)  # fmt: skip
def test_an_empty_option_is_refused(
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    words: str,
):
    monkeypatch.chdir(small)
    given = {"--data": "data.csv", "--out": "out", option: value}
    assert main(["run", "study", *[part for pair in given.items() for part in pair]]) == 2
    assert capsys.readouterr().err.endswith(words)
    assert not (small / "results").exists()
    assert not (small / "out").exists()
