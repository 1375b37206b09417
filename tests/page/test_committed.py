"""The committed results are what the demo writes, and their page shows all of them.

Tables are compared as numbers: a fit stops where its gradient is below 1e-10 of the log-likelihood, and another machine's
linear algebra rounds otherwise, so the last digits may differ; 1e-6 relative is a thousandth of what any page prints.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.page import read_back as back

from wwm_models.cli.main import main
from wwm_models.demo.respondents import quota_respondents
from wwm_models.report.figures import comparison_of
from wwm_models.report.numbers import number, text
from wwm_models.report.text import Labels
from wwm_models.results.atomic_files import read_table
from wwm_models.results.results import stored_results
from wwm_models.study.run import run_study

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "results" / "wwm21-synthetic"
KEYS = {
    "accounting": ["model", "reason"], "claims": ["id"], "comparison": ["model", "estimand", "category", "by", "group"],
    "diagnostics": ["model", "estimand", "check"], "estimands": ["model", "estimand", "by"], "fragility": ["id", "axis"],
}  # fmt: skip
# What the posterior has a say in; its draws are compared by themselves, up to their Monte Carlo error.
SAMPLED = ("adjusted_bayes", "adjusted_bayes_lower", "adjusted_bayes_upper", "bayes_probability", "verdict", "reason")
ROUNDING = ("gradient_norm",)  # checks whose value is rounding itself
# Another rounding is another chain. Of s effective draws a mean has the Monte Carlo error sd / sqrt(s), a 2.5% limit of a normal 2.67 times
# that (sqrt(p (1 - p)) / density there); two runs differ by sqrt(2) times as much, and 144 numbers stay within 4.5 of these. The model
# has 5,700 effective draws in the bulk and 2,400 in the tails.
MEANS = 4.5 * np.sqrt(2.0 / 5700)
LIMITS = 4.5 * 2.67 * np.sqrt(2.0 / 2400)


def test_the_committed_results_are_small_and_whole():
    kept = {path.relative_to(COMMITTED).as_posix() for path in COMMITTED.rglob("*") if path.is_file()}
    listed = set(json.loads((COMMITTED / "manifest.json").read_text(encoding="utf-8"))["files"])
    assert kept - {"manifest.json"} <= listed
    assert {f"{name}.csv" for name in KEYS} | {"report.html", "labels.json"} <= kept
    assert {f"figures/figure-{at}.{ending}" for at in (1, 2, 3) for ending in ("svg", "png")} <= kept
    stands = [path for path in _kept_by_git() if path.is_file()]
    # a language more is 110 kB of page, keys of messages 100 kB, direct effects beside totals and bounds with sentences 200 kB
    assert sum(path.stat().st_size for path in stands) < 3_400_000
    assert (COMMITTED / "report.html").stat().st_size < 1_550_000


def _kept_by_git() -> list[Path]:
    """Files of the folder but those that .gitignore leaves out."""
    ignored = [
        line
        for line in (COMMITTED.parents[1] / ".gitignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("results/wwm21-synthetic/")
    ]
    left_out = {path for pattern in ignored for path in COMMITTED.parents[1].glob(pattern)}
    return [path for path in COMMITTED.rglob("*") if path not in left_out and "posterior" not in path.parts]


@pytest.mark.parametrize("command", ["claims", "show"])
def test_what_git_keeps_is_enough_for_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
):
    for path in _kept_by_git():
        if path.is_file():
            (tmp_path / path.relative_to(COMMITTED)).parent.mkdir(exist_ok=True)
            shutil.copy(path, tmp_path / path.relative_to(COMMITTED))
    assert main([command, str(tmp_path)]) == 0
    assert {"claims": "C01  REPRODUCED", "show": "62.0"}[command] in capsys.readouterr().out


def test_a_committed_figure_shows_the_committed_numbers_panel_by_panel():
    """Read from the files that a reader opens, against the csv beside them."""
    study = back.Study(COMMITTED)
    for name, of in back.declared_figures(study).items():
        sheets = back.sheets_of(COMMITTED / "figures", name)
        assert back.check_figure(sheets, study, *of) > 0
        for sheet in sheets:
            back.check_picture(sheet)


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
def test_a_committed_table_is_written_again(demo: Path, name: str):
    """Every row that a run without a sampler writes stands in the committed table."""
    kept, made = read_table(COMMITTED / f"{name}.csv"), read_table(demo / f"{name}.csv")
    assert list(kept.columns) == list(made.columns)
    made = made[~made["check"].isin(ROUNDING)] if name == "diagnostics" else made
    both = made.merge(kept, on=KEYS[name], how="left", indicator=True, suffixes=("", "_kept"))
    assert (both["_merge"] == "both").all()
    assert len(both) == len(made)
    for column in set(made.columns) - {*KEYS[name], *SAMPLED}:
        if pd.api.types.is_numeric_dtype(both[column]) and pd.api.types.is_numeric_dtype(both[f"{column}_kept"]):
            np.testing.assert_allclose(both[column], both[f"{column}_kept"], rtol=1e-6, atol=1e-9, err_msg=column)
        else:
            pd.testing.assert_series_equal(both[column], both[f"{column}_kept"], check_names=False)


@pytest.mark.slow
def test_the_committed_posterior_is_sampled_again(tmp_path: Path):
    """One model, since all take minutes."""
    (tmp_path / "study").mkdir()
    for name in ("codebook.toml", "causal.toml", "desired.toml"):
        shutil.copy(ROOT / "models" / "wwm21" / name, tmp_path / "study" / name)
    quota_respondents(1).to_csv(tmp_path / "data.csv", index=False)
    run = run_study(
        tmp_path / "study", data=tmp_path / "data.csv", out=tmp_path / "run", engines=("likelihood", "bayes"), seed=1
    )
    columns = ["adjusted_bayes", "adjusted_bayes_lower", "adjusted_bayes_upper"]
    made = run.results.tables["comparison"].dropna(subset=columns)
    kept = read_table(COMMITTED / "comparison.csv").fillna({"by": "", "group": ""})
    both = made.merge(kept, on=KEYS["comparison"], suffixes=("", "_kept"))
    assert len(both) == len(made) > 40
    apart = np.abs(both[columns].to_numpy() - both[[f"{column}_kept" for column in columns]].to_numpy())
    sd = (both["adjusted_bayes_upper"] - both["adjusted_bayes_lower"]).to_numpy() / 3.92
    assert (apart[:, 0] < MEANS * sd).all()
    assert (apart[:, 1:] < LIMITS * sd[:, None]).all()


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["figures", "tables"])
def test_the_committed_drawings_and_tables_are_those_of_the_run(demo: Path, folder: str):
    made = {path.name: path for path in (demo / folder).iterdir()}
    kept = {path.name: path for path in (COMMITTED / folder).iterdir()}
    assert {name for name in made if name.endswith((".md", ".tex", ".svg", ".png"))} <= set(kept) <= set(made)
    for name, path in kept.items():
        if name.endswith(".svg"):  # another machine may have other fonts, and so cut labels elsewhere
            assert _written(path) == _written(made[name]) != [], name


def _written(drawing: Path) -> list[str]:
    """The numbers that a drawing writes, and how many marks it has."""
    text = drawing.read_text(encoding="utf-8")
    return [*re.findall(r">([^<>]*\d)</text>", text), str(text.count("<path"))]


def test_nothing_of_everyone_is_adjusted_on_the_page():
    """The study has a diagram, under which nothing is held equal of everyone: what the model makes of the whole is its form."""
    rows = comparison_of(Labels(stored_results(COMMITTED, needed=("comparison",)))).rows
    everyone = [row for row in rows if not text(row, "by")]
    others = [row for row in rows if text(row, "by") and text(row, "estimand") == "total"]
    assert everyone
    assert all(math.isnan(number(row, "adjusted_likelihood")) for row in everyone)
    assert all(math.isnan(number(row, "difference")) for row in everyone)
    assert not any(math.isnan(number(row, "raw")) for row in everyone)
    assert not any(math.isnan(number(row, "adjusted_likelihood")) for row in others)
