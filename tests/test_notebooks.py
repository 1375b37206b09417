"""Every notebook runs from top to bottom on the results of a small run, and holds no output."""

from __future__ import annotations

import shutil
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

import wwm_models as wwm
from wwm_models.demo.respondents import quota_respondents

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
KEPT = ("codebook.toml", "causal.toml", "desired.toml", "before.toml")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two models of the article's study, one with a posterior."""
    folder = tmp_path_factory.mktemp("notebooks")
    study = folder / "wwm21"
    study.mkdir()
    for name in KEPT:
        shutil.copy(ROOT / "models" / "wwm21" / name, study / name)
    quota_respondents(1, 1530).to_csv(folder / "data.csv", index=False)
    wwm.run_study(study, data=folder / "data.csv", out=folder / "results", engines=("likelihood", "bayes"), seed=1)
    return folder / "results"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, run, monkeypatch):
    monkeypatch.setenv("WWM_RUN", str(run))
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = jupytext.read(path)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=str(ROOT / "notebooks"))
    done = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any(cell.outputs for cell in done)


def test_there_are_five_and_each_explains_itself():
    assert len(NOTEBOOKS) == 5
    for path in NOTEBOOKS:
        first = next(cell for cell in jupytext.read(path).cells if cell.cell_type == "markdown")
        assert first.source.startswith("# ")
