"""The version is in one place, and the command says it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from wwm_models.cli.main import main

ROOT = Path(__file__).resolve().parents[3]


def test_the_command_says_its_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"wwm {version('wwm-models')}\n"


def test_the_version_is_written_once():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", wanted)
    places = [*(ROOT / "src").rglob("*.py"), ROOT / "CITATION.cff", *(ROOT / "docs").glob("*.py")]
    assert [path.name for path in places if wanted in path.read_text("utf-8")] == []


def test_the_lock_serves_every_python_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in text
    for name in ("pymc", "arviz", "nutpie"):
        found = re.findall(rf"^{name}==(\S+) ; (.*?) \\$", text, re.MULTILINE)
        assert {marker for _, marker in found} == {"python_full_version < '3.12'", "python_full_version >= '3.12'"}, (
            name
        )


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "src" / "wwm_models" / "py.typed").is_file()
