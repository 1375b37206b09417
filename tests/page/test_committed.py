"""The committed results are what the demo writes, and their page shows all of them.

Tables are compared as numbers: a fit stops where its gradient is below 1e-10 of the log-likelihood, and another machine's
linear algebra rounds otherwise, so the last digits may differ; 1e-6 relative is a thousandth of what any page prints.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wwm_models.store import read_table

COMMITTED = Path(__file__).resolve().parents[2] / "results" / "wwm21-synthetic"
TABLES = (
    "accounting", "agreement", "claims", "comparison", "diagnostics", "estimands", "fragility",
)  # fmt: skip
ROUNDING = ("gradient_norm",)  # checks whose value is rounding itself


def test_the_committed_results_are_small_and_whole():
    kept = {path.relative_to(COMMITTED).as_posix() for path in COMMITTED.rglob("*") if path.is_file()}
    listed = set(json.loads((COMMITTED / "manifest.json").read_text(encoding="utf-8"))["files"])
    assert kept - {"manifest.json"} <= listed
    assert {f"{name}.csv" for name in TABLES} | {"report.html", "labels.json"} <= kept
    assert {f"figures/figure-{at}.{ending}" for at in (1, 2, 3) for ending in ("svg", "png")} <= kept
    stands = [path for path in _kept_by_git() if path.is_file()]
    assert sum(path.stat().st_size for path in stands) < 3_000_000
    assert (COMMITTED / "report.html").stat().st_size < 1_500_000


def _kept_by_git() -> list[Path]:
    """Files of the folder but those that .gitignore leaves out."""
    ignored = [
        line
        for line in (COMMITTED.parents[1] / ".gitignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("results/wwm21-synthetic/")
    ]
    left_out = {path for pattern in ignored for path in COMMITTED.parents[1].glob(pattern)}
    return [path for path in COMMITTED.rglob("*") if path not in left_out and "posterior" not in path.parts]


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_committed_table_is_written_again(demo: Path, name: str):
    kept, made = read_table(COMMITTED / f"{name}.csv"), read_table(demo / f"{name}.csv")
    assert list(kept.columns) == list(made.columns)
    assert len(kept) == len(made)
    if name == "diagnostics":
        assert kept["check"].equals(made["check"])
        kept, made = (table[~table["check"].isin(ROUNDING)] for table in (kept, made))
    for column in kept.columns:
        if pd.api.types.is_numeric_dtype(kept[column]) and pd.api.types.is_numeric_dtype(made[column]):
            np.testing.assert_allclose(made[column], kept[column], rtol=1e-6, atol=1e-9, err_msg=column)
        else:
            pd.testing.assert_series_equal(made[column], kept[column], check_index=False)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["figures", "tables"])
def test_the_committed_drawings_and_tables_are_those_of_the_run(demo: Path, folder: str):
    made = {path.name: path for path in (demo / folder).iterdir()}
    kept = {path.name: path for path in (COMMITTED / folder).iterdir()}
    assert set(kept) == set(made) - ({name for name in made if name.endswith(".docx")} - set(kept))
    for name, path in kept.items():
        if name.endswith((".md", ".tex", ".svg")):
            assert path.read_text(encoding="utf-8") == made[name].read_text(encoding="utf-8"), name
