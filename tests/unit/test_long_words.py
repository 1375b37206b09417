"""What somebody gave is never quoted at a length that hides the message."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models import errors
from wwm_models.cli.main import main
from wwm_models.errors import WwmError

LONG = "x" * 5000
SURVEY = wwm.Survey.from_frame(pd.DataFrame({"y": pd.Categorical(["a", "b"] * 20)}), weight=None)
CALLS: dict[str, Callable[[], Any]] = {
    "raw": lambda: wwm.raw(SURVEY, LONG),
    "a by-variable": lambda: wwm.raw(SURVEY, "y", LONG),
    "a family": lambda: wwm.Model("y ~ 1", family=LONG),
    "a link": lambda: wwm.Model("y ~ 1", link=LONG),
    "rake": lambda: wwm.rake(SURVEY, {LONG: {"a": 1.0}}),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_cuts_what_it_was_given(name: str):
    with pytest.raises(WwmError) as caught:
        CALLS[name]()
    assert "x" * 300 not in str(caught.value)


BOOK = '[variables.y]\ncolumn = "y"\nkind = "nominal"\nlevels = [{ id = "a" }, { id = "b" }]\n'
READERS: dict[str, Callable[[Path, str], Any]] = {
    "read_survey, data": lambda book, name: wwm.read_survey(name, codebook=book),
    "read_survey, codebook": lambda book, name: wwm.read_survey(book, codebook=name),
    "read_counts": lambda book, name: wwm.read_counts(name, book, ["y"]),
    "read_article": lambda book, name: wwm.read_article(Path(name)),
    "read_article, a text": lambda book, name: wwm.read_article(name),  # type: ignore[arg-type]
    "read_margins": lambda book, name: wwm.read_margins(Path(name)),
    "read_weighting_margins": lambda book, name: wwm.read_weighting_margins(Path(name)),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_name_that_no_system_takes_is_refused_in_words(name: str, tmp_path: Path):
    book = tmp_path / "codebook.toml"
    book.write_text(BOOK, encoding="utf-8")
    with pytest.raises(WwmError) as caught:
        READERS[name](book, LONG)
    assert "x" * 300 not in str(caught.value)
    assert "... (500" in str(caught.value)
    assert "Expected" in str(caught.value)


@pytest.mark.parametrize("option", ["--data", "--out", "--codebook", "--engine"])
def test_the_command_line_cuts_what_it_was_given(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    study = tmp_path / "study"
    study.mkdir()
    given = {"--data": str(tmp_path / "none.csv"), "--out": str(tmp_path / "out"), option: LONG}
    assert main(["run", str(study), *(part for pair in given.items() for part in pair)]) == 2
    said = capsys.readouterr().err
    assert "x" * 300 not in said
    assert len(said) < 1500


def test_every_error_is_cut_in_the_same_way_and_can_be_sent_to_other_processes():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WwmError)]
    for kind in kinds:
        found = kind(f'"{LONG}" is not known. Expected another.')
        assert str(found) == f'"{"x" * 200}... (5000 characters)" is not known. Expected another.'
        assert str(pickle.loads(pickle.dumps(found))) == str(found)
    assert str(WwmError("/a/path/of/" + "x" * 250)) == "/a/path/of/" + "x" * 250
