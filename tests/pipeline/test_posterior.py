"""A run with the posterior engine: tables, file, diagnostics, exit codes, kept chains."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pandas as pd
import pytest

from wwm_models.cli.main import main
from wwm_models.results.atomic_files import read_table

ASKED = 'engines = ["likelihood", "bayes"]\n'


def run(folder: Path) -> int:
    out = ["--out", str(folder / "out"), "--engine", "likelihood,bayes"]
    return main(["run", str(folder / "study"), "--data", str(folder / "data.csv"), *out])


def ask_for_posterior(folder: Path, more: str = "") -> None:
    path = folder / "study" / "wish.toml"
    path.write_text(path.read_text(encoding="utf-8") + ASKED + more, encoding="utf-8")


def test_a_posterior_without_the_fit_it_is_made_of_is_a_problem_that_says_so(
    small: Path, capsys: pytest.CaptureFixture[str]
):
    path = small / "study" / "wish.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"total", "household-adjusted"', '"total"'), encoding="utf-8"
    )
    ask_for_posterior(small)
    assert run(small) == 1
    said = capsys.readouterr().err
    assert "not usable: wish (all exposures (bayes)): failed. A posterior is made of" in said
    assert 'Add "household-adjusted" to estimands' in said
    checks = read_table(small / "out" / "diagnostics.csv")
    own = checks[(checks["model"] == "wish") & (checks["estimand"] == "all exposures (bayes)")]
    assert own["status"].tolist() == ["failed"]


def test_a_run_that_is_to_sample_what_no_file_asks_for_says_so(small: Path, capsys: pytest.CaptureFixture[str]):
    assert run(small) == 1
    assert "not usable: posterior: no model file asks for one" in capsys.readouterr().err
    problems = json.loads((small / "out" / "manifest.json").read_text(encoding="utf-8"))["problems"]
    assert [text.split(",")[0] for text in problems] == ["posterior: no model file asks for one"]


def test_a_file_that_asks_for_what_the_run_does_not_sample(small: Path, capsys: pytest.CaptureFixture[str]):
    where = ["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(small / "out")]
    assert main(where) == 0
    assert "Not sampled" not in capsys.readouterr().err
    ask_for_posterior(small)
    assert main(where) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == (
        "Not sampled: the posterior of wish, for which the model file asks. Add --engine likelihood,bayes to have it."
    )


@pytest.mark.slow
def test_a_posterior_stands_beside_the_likelihood(small: Path):
    ask_for_posterior(small)
    assert run(small) == 0
    adjusted = read_table(small / "out" / "adjusted.csv")
    rows = adjusted[adjusted["model"] == "wish"]
    assert set(rows["method"]) == {"likelihood", "bayes (design-corrected)"}
    key = ["by", "group", "category"]
    both = rows[rows["method"] == "likelihood"].merge(
        rows[rows["method"] != "likelihood"], on=key, suffixes=("", "_bayes")
    )
    both = both[both["estimand"] == both["estimand_bayes"]]
    assert len(both) == 24  # overall, three ages and two households, of three answers and a collapse
    gap = (both["estimate"] - both["estimate_bayes"]).abs().max()
    assert gap < 0.01  # the default priors move a percentage on 600 respondents by less than a point
    checks = read_table(small / "out" / "diagnostics.csv")
    checks = checks[checks["estimand"] == "all exposures (bayes)"].set_index("check")
    assert (checks.loc[["posterior", "rhat", "ess_bulk", "ess_tail", "divergences"], "status"] == "ok").all()
    assert set(checks.index) >= {"loo_respondent", "predictive_p:age_group", "prior_sensitivity:household"}
    assert -1.2 * 600 < checks.loc["loo_respondent", "value"] < -0.8 * 600  # three answers; log 3 is 1.1
    assert 0.0 < checks.loc["predictive_p:age_group", "value"] < 1.0
    assert 0.0 < checks.loc["prior_sensitivity:age_group", "value"] < 0.05
    assert (small / "out" / "posterior" / "wish.nc").is_file()
    assert not (small / "out" / "posterior" / "wish_nominal.nc").exists()
    assert main(["verify", str(small / "out")]) == 0


@pytest.mark.slow
def test_an_unhealthy_posterior_is_withheld_and_the_run_says_so(small: Path, monkeypatch: pytest.MonkeyPatch):
    module = importlib.import_module("wwm_models.bayes.sample")
    honest = module.health_table

    def never_mixed(*rest):
        return honest(*rest).assign(rhat=1.2, status="R-hat above 1.01")

    monkeypatch.setattr(module, "health_table", never_mixed)
    ask_for_posterior(small)
    assert run(small) == 1
    adjusted = read_table(small / "out" / "adjusted.csv")
    assert set(adjusted["method"]) == {"likelihood"}
    checks = read_table(small / "out" / "diagnostics.csv").set_index("check")
    assert checks.loc["posterior", "status"] == "unhealthy"
    assert "R-hat 1.2, allowed 1.01" in checks.loc["posterior", "message"]


def test_a_prior_that_is_not_one_is_refused_before_anything_runs(small: Path, capsys: pytest.CaptureFixture[str]):
    ask_for_posterior(small, '[priors]\nslopes = "normal(0)"\n')
    assert run(small) == 2
    assert "wish.toml, [priors]" in capsys.readouterr().err
    assert not (small / "out").exists()


@pytest.mark.slow
def test_a_second_run_of_the_same_posterior_does_not_draw_again(small: Path, monkeypatch: pytest.MonkeyPatch):
    ask_for_posterior(small)
    assert run(small) == 0
    first = read_table(small / "out" / "adjusted.csv")
    module = importlib.import_module("wwm_models.bayes.sampler")
    drawn: list[int] = []
    honest = module.run_chain

    def counted(density, start, seed, *rest):
        drawn.append(seed)
        return honest(density, start, seed, *rest)

    monkeypatch.setattr(module, "run_chain", counted)
    assert run(small) == 0
    assert drawn == []
    pd.testing.assert_frame_equal(first, read_table(small / "out" / "adjusted.csv"))
    assert main(["verify", str(small / "out")]) == 0
    data = small / "data.csv"
    data.write_text("\n".join(data.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    assert run(small) == 0
    assert len(drawn) >= 4, "the chains of other respondents were used"
