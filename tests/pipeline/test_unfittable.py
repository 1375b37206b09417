"""A model that the answers do not allow fails alone: the others are finished, `wwm run` and `wwm check` both name it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from wwm_models.cli.main import main
from wwm_models.results.atomic_files import read_table


def command(name: str, small: Path, *more: str) -> int:
    return main([name, str(small / "study"), "--data", str(small / "data.csv"), *more])


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def without_order(small: Path) -> None:
    """The outcome is nominal, which suits one of the two models."""
    rewrite(small / "study" / "codebook.toml", 'column = "wish"\nkind = "ordered"', 'column = "wish"\nkind = "nominal"')


def with_an_empty_level(small: Path) -> None:
    """An exposure of the first model has a level that nobody has; the second has another exposure."""
    together = '{ id = "together", codes = [2], nl = "samen", en = "together" }'
    rewrite(
        small / "study" / "codebook.toml",
        together,
        f'{together}, {{ id = "shared", codes = [3], nl = "gedeeld", en = "shared" }}',
    )
    path = small / "study" / "wish_nominal.toml"
    rewrite(path, '["age_group", "household"]', '["age_group"]')
    rewrite(path, '["total", "household-adjusted"]', '["total"]')


CASES = {
    "no order": (without_order, ["all exposures", "total age_group", "total household"], 'kind = "ordered" in the codebook'),
    "empty level": (with_an_empty_level, ["all exposures", "total household"], "of a study, in its codebook"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_others_are_finished(name: str, small: Path, capsys: pytest.CaptureFixture[str]):
    change, failed, cure = CASES[name]
    change(small)
    assert command("run", small, "--out", str(small / "out")) == 1
    said = capsys.readouterr().err
    assert said.count("not usable: wish (") == len(failed)
    assert cure in said
    checks = read_table(small / "out" / "diagnostics.csv")
    own = checks[(checks["model"] == "wish") & (checks["check"] == "convergence")]
    assert own.loc[own["status"] == "failed", "estimand"].tolist() == failed
    assert own.loc[own["status"] == "failed", "message"].str.contains(cure, regex=False).all()
    adjusted = read_table(small / "out" / "adjusted.csv")
    assert (adjusted["model"] == "wish_nominal").sum() > 10
    models = json.loads((small / "out" / "manifest.json").read_text(encoding="utf-8"))["models"]
    assert {key: value["status"] for key, value in models.items()} == {"wish": "problem", "wish_nominal": "ok"}
    assert (small / "out" / "report.html").is_file()


@pytest.mark.parametrize("name", CASES)
def test_check_names_what_a_run_could_not_fit(name: str, small: Path, capsys: pytest.CaptureFixture[str]):
    change, failed, cure = CASES[name]
    assert command("check", small) == 0
    assert "NOT USABLE" not in capsys.readouterr().out
    change(small)
    assert command("check", small) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("NOT USABLE: wish (") == said.count("cannot be fitted: ") > 0
    for label in failed:
        assert f"wish ({label})" in said
    assert cure in said
    assert "600 rows: wish_nominal" in said
    assert " 0 rows: wish" not in said


def test_an_empty_level_in_every_model_leaves_the_raw_percentages(small: Path, capsys: pytest.CaptureFixture[str]):
    table = pd.read_csv(small / "data.csv")
    table.loc[table["age"] >= 50, "age"] = 40
    table.to_csv(small / "data.csv", index=False)
    assert command("run", small, "--out", str(small / "out")) == 1
    assert "age_group = 50-64: 0 rows" in capsys.readouterr().err
    assert len(read_table(small / "out" / "raw.csv")) > 10


def test_a_term_that_no_survey_allows_is_refused_before_anything_is_fitted(
    small: Path, monkeypatch: pytest.MonkeyPatch
):
    def fitted(*_: object) -> None:
        raise AssertionError("a model was fitted first")

    monkeypatch.setattr("wwm_models.study.run.finished_models", fitted)
    path = small / "study" / "wish_nominal.toml"
    path.write_text(path.read_text(encoding="utf-8") + 'nonproportional = ["gender"]\n', encoding="utf-8")
    assert command("run", small, "--out", str(small / "out")) == 2
