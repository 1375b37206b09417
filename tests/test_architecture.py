"""The shape of the code, held by tests: sizes, the drawn tree, and what the command line may import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_a_file_has_at_most_500_lines_and_a_function_50(path: Path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and _code_lines(node) > 50
    ]
    assert long == []


def _code_lines(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring: a contract may be long, an idea may not."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return node.end_lineno - node.lineno + 1 - (first.end_lineno - first.lineno + 1 if documented else 0)


def test_architecture_draws_the_tree_on_disk():
    drawn = re.search(r"```tree\n(.*?)```", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.DOTALL)
    assert drawn is not None
    folders = {line.split()[0].rstrip("/") for line in drawn.group(1).splitlines() if line.strip()}
    package = ROOT / "src" / "wwm_models"
    on_disk = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_dir() and path.name != "__pycache__"
    }
    on_disk |= {path.name for path in package.glob("*.py") if path.name != "__init__.py"}
    assert folders == on_disk


@pytest.mark.parametrize("package", SOURCES, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_every_folder_says_what_is_in_it(package: Path):
    if package.name == "__init__.py":
        assert ast.get_docstring(ast.parse(package.read_text(encoding="utf-8")))


FORMATS = ("formats", "databases")  # their files are called after what they read


def test_no_file_and_no_class_has_a_name_that_another_has():
    files = [path.name for path in SOURCES if not path.name.startswith("__") and path.parent.name not in FORMATS]
    classes = [
        node.name
        for path in SOURCES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    assert [name for name, times in Counter([*files, *classes]).items() if times > 1] == []


def test_help_imports_none_of_the_heavy_libraries():
    heavy = ("numpy", "pandas", "scipy", "patsy", "statsmodels", "jinja2", "pymc", "arviz", "numba")
    code = f"import sys, wwm_models, wwm_models.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


FIT = """
import sys, pandas as pd, wwm_models as wwm
frame = pd.DataFrame({"y": [1, 2, 3] * 30, "g": ["a", "b"] * 45})
wwm.fit
print([name for name in ("scipy.optimize", "scipy.stats", "statsmodels") if name in sys.modules])
survey, model = wwm.Survey.from_frame(frame, weight=None), wwm.Model("y ~ g")
wwm.contrasts(wwm.adjusted(wwm.fit(model, survey), "g"), "g")
heavy = {"pymc", "pytensor", "arviz", "numba", "nutpie", "nutpie._lib", "xarray", "h5netcdf", "joblib", "matplotlib", "altair", "duckdb", "ibis"}
print(sorted(heavy & set(sys.modules)))
wwm.adjusted(wwm.sample(model, survey, seed=1), "g")
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.slow
def test_a_fit_imports_no_sampler_and_sampling_nothing_but_its_library():
    done = subprocess.run([sys.executable, "-c", FIT], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["[]", "[]", "['nutpie._lib']"]


def test_page_tests_wait_for_events_not_for_time_and_never_poll_with_text():
    """The page's policy forbids text as code once a call has returned, so a polled condition holds only where it is true at once."""
    for path in (ROOT / "tests" / "page").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert [word for word in ("wait_for_function", "wait_for_timeout") if word in text] == [], path.name
