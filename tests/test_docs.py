"""The examples in the pages and the README run, and their TOML is TOML."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    pytest.param(language, code, id=f"{page.relative_to(ROOT).as_posix()}-{number}")
    for page in PAGES
    if "_build" not in page.parts
    for number, (language, code) in enumerate(
        re.findall(r"```(python|toml)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_example_runs(language, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if language == "toml":
        assert tomllib.loads(code)
        return
    monkeypatch.setenv("COLUMNS", "100")  # a plain terminal; pandas leaves out what does not fit in it
    with pd.option_context("display.max_columns", 0, "display.width", 100):
        _run(code)
    said = capsys.readouterr().out
    assert said.strip()
    assert " ... " not in said


def _run(code):
    exec(compile(code, "example", "exec"), {"__name__": "example"})  # our own pages
