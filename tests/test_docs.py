"""The examples in the pages and the README run, their TOML is TOML, and the reference has every public name with an example."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.public import names_of

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    pytest.param(language, code, id=f"{page.relative_to(ROOT).as_posix()}-{number}")
    for page in PAGES
    if "_build" not in page.parts and page.parent.name != "reference"
    for number, (language, code) in enumerate(
        re.findall(r"```(python|toml)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    )
]
REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
FOLDERS = [name for name, home in names_of("wwm_models")[0].items() if home == "wwm_models"]


@pytest.mark.slow
@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_example_runs(language, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if language == "toml":
        assert tomllib.loads(code)
        return
    _prints_all(code, {"__name__": "example"}, monkeypatch, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.stem, marks=[pytest.mark.slow] * (page.stem == "models")) for page in REFERENCE]
)
def test_the_examples_of_a_page_of_the_reference_run_one_after_another(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "example"}
    for code in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        _prints_all(code, names, monkeypatch, capsys)


def test_the_reference_has_every_public_name_once_with_an_example_below_it():
    shown = []
    for page in REFERENCE:
        parts = re.split(
            r"^\.\. auto(?:function|class):: wwm_models\.(\S+)$", page.read_text("utf-8"), flags=re.MULTILINE
        )
        for name, below in zip(parts[1::2], parts[2::2], strict=True):
            shown.append(name)
            example = re.search(r"```python\n(.*?)```", below, re.DOTALL)
            assert example, name
            assert f"wwm.{name}" in example.group(1), name
    public = [*wwm.__all__, *(f"{folder}.{name}" for folder in FOLDERS for name in getattr(wwm, folder).__all__)]
    assert sorted(shown) == sorted(public)


def _prints_all(code, names, monkeypatch, capsys):
    """Run an example of our own pages, whose output has to fit into a plain terminal: pandas leaves out what does not."""
    monkeypatch.setenv("COLUMNS", "100")
    with pd.option_context("display.max_columns", 0, "display.width", 100):
        exec(compile(code, "example", "exec"), names)
    said = capsys.readouterr().out
    assert said.strip()
    assert " ... " not in said
