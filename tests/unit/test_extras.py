"""A library that only some uses need is named where it is missing, with what to install; nothing else is needed for the main job."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shutil
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.cli.main import main
from wwm_models.demo.respondents import quota_respondents
from wwm_models.errors import ExtraError
from wwm_models.extras import LIBRARIES, extra

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CODEBOOK = """
[source]
title = "t"
synthetic = true
[survey]
weight = "none"
[variables.g]
column = "g"
kind = "nominal"
nl = "g"
en = "g"
levels = [{ id = "a", text = "a", nl = "a", en = "a" }, { id = "b", text = "b", nl = "b", en = "b" }]
"""
# a module whose distribution has another name
DISTRIBUTIONS = {
    "PIL": "pillow",
    "docx": "python-docx",
    "ibis": "ibis-framework",
    "vl_convert": "vl-convert-python",
}
ABOVE = {"pytensor": "pymc", "h5py": "h5netcdf"}  # comes with a library that is declared


def halted(module: str) -> str:
    return f"import of {module} halted; None in sys.modules"


def message(wanted: str, module: str) -> str:
    library, name = LIBRARIES[module]
    return (
        f'{wanted} needs {library}, which is not installed ({halted(module)}). Expected the extra "{name}" of this package. '
        f'Install it with `pip install "wwm-models[{name}]"`.'
    )


@pytest.mark.parametrize("module", sorted(LIBRARIES))
def test_a_missing_library_is_said_in_three_parts(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraError) as caught:
        extra(module, "This")
    assert str(caught.value) == message("This", module)


@pytest.mark.parametrize(
    ("data", "module", "wanted"),
    [
        ("answers.duckdb", "duckdb", "{path}"),
        ("sqlite:///{folder}/answers.db#answers", "ibis", "sqlite:///{folder}/answers.db#answers"),
    ],
)
def test_reading_without_the_databases_says_so(monkeypatch, tmp_path, data, module, wanted):
    (tmp_path / "codebook.toml").write_text(CODEBOOK, "utf-8")
    (tmp_path / "answers.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 5000)
    monkeypatch.setitem(sys.modules, module, None)
    data = data.format(folder=tmp_path) if "://" in data else tmp_path / data
    with pytest.raises(ExtraError) as caught:
        wwm.read_survey(data, codebook=tmp_path / "codebook.toml")
    assert str(caught.value) == message(wanted.format(path=data, folder=tmp_path), module)


def test_spark_asks_first_for_the_extra_that_brings_ibis_too(monkeypatch, tmp_path):
    (tmp_path / "codebook.toml").write_text(CODEBOOK, "utf-8")
    for module in ("ibis", "pyspark.sql"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraError) as caught:
        wwm.read_survey("spark://local#answers", codebook=tmp_path / "codebook.toml")
    assert str(caught.value) == message("spark://local#answers", "pyspark.sql")


@pytest.mark.parametrize("module", ["duckdb", "ibis"])
def test_counting_in_place_without_the_databases_says_so(monkeypatch, tmp_path, module):
    (tmp_path / "codebook.toml").write_text(CODEBOOK, "utf-8")
    path = tmp_path / "answers.csv"
    pd.DataFrame({"g": ["a", "b"] * 5}).to_csv(path, index=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraError) as caught:
        wwm.read_counts(path, tmp_path / "codebook.toml", ["g"])
    assert str(caught.value) == message(f"{path}, counted in place,", module)


def by_python(study: Path, data: object, out: Path, **options: str) -> str:
    with pytest.raises(ExtraError) as caught:
        wwm.run_study(study, data=data, out=out, **options)
    return str(caught.value)


def by_command(study: Path, data: object, out: Path, **options: str) -> str:
    said = io.StringIO()
    words = [f"--{name}={value}" for name, value in options.items()]
    with contextlib.redirect_stderr(said):
        assert main(["run", str(study), "--data", str(data), "--out", str(out), *words]) == 2
    return said.getvalue().splitlines()[-1].removeprefix("wwm: ")


@pytest.mark.parametrize("door", [by_python, by_command])
@pytest.mark.parametrize(
    ("data", "module", "wanted"),
    [
        ("answers.duckdb", "duckdb", "{data}"),
        ("sqlite:///answers.db#answers", "ibis", "sqlite:///answers.db#answers"),
        ("spark://local#answers", "pyspark.sql", "spark://local#answers"),
        ("answers.csv", "dask.distributed", 'scheduler "tcp://10.0.0.5:8786"'),
    ],
)
def test_a_study_and_the_command_say_it_too(monkeypatch, tmp_path, door, data, module, wanted):
    study = tmp_path / "study"
    study.mkdir()
    for name in ("codebook.toml", "desired.toml"):
        shutil.copy(ROOT / "models" / "wwm21" / name, study / name)
    options = {"scheduler": "tcp://10.0.0.5:8786"} if module == "dask.distributed" else {}
    if "://" not in data:
        data = tmp_path / data
        data.write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 5000)
    if options:
        quota_respondents(1, 1530).to_csv(data, index=False)
    monkeypatch.setitem(sys.modules, module, None)
    found = door(study, data, tmp_path / "out", **options)
    assert found == message(wanted.format(data=data), module)


def requirements() -> dict[str, str]:
    """Distribution: the extra that brings it, or nothing."""
    lists = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    return {
        re.split(r"[\[<>=~ ]", text)[0]: name
        for name in ("databases", "word", "scale", "")
        for text in lists[name]
        if not text.startswith("wwm-models")
    }


def imported() -> set[str]:
    """Modules that the package imports, also by `import_module` and `extra`."""
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module))
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
                "import_module",
                "extra",
            ):
                found |= {each.value for each in node.args[:1] if isinstance(each, ast.Constant)}
    roots = {name.split(".")[0] for name in found}
    return {name for name in roots if name not in sys.stdlib_module_names and name != "wwm_models"}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    used = {ABOVE.get(name, DISTRIBUTIONS.get(name, name)) for name in imported()}
    declared = requirements()
    assert used - set(declared) == set(), "imported, but no dependency"
    assert set(declared) - used - {"h5netcdf"} == set(), (
        "a dependency that nothing imports"
    )  # xarray calls h5netcdf by its name
    assert {name for _, name in LIBRARIES.values()} <= set(PROJECT["optional-dependencies"])


def test_every_dependency_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    lines = [
        line
        for line in text[text.index("\ndependencies") : text.index("\n[project.scripts]")].splitlines()
        if line.startswith('  "')
    ]
    ordinary = lines[: len(PROJECT["dependencies"])]
    assert [line for line in ordinary if not re.search(r'",  # \w', line)] == []


def test_all_holds_every_extra_but_the_developers():
    every = PROJECT["optional-dependencies"]
    assert set(re.findall(r"\w+", every["all"][0].split("[")[1])) == set(every) - {"all", "dev"}
