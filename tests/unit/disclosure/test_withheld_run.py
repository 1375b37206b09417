"""What leaves a run of a study in which one model has a level of seven respondents, who all gave one answer."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.cli.main import main
from wwm_models.disclosure.determined import thin_level
from wwm_models.disclosure.presentation_rules import models_together
from wwm_models.results.atomic_files import read_table

LEVELS = {
    "age": ["young", "old"], "region": ["south", "north", "east"], "income": ["low", "high"], "wish": ["never", "weekly", "daily"],
}  # fmt: skip
WHY = thin_level(["region = east"], 10)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("withheld")
    (root / "study").mkdir()
    variables = "".join(
        f'[variables.{name}]\ncolumn = "{name}"\nkind = "{"nominal" if name == "region" else "ordered"}"\nlevels = ['
        + ", ".join(
            f'{{ id = "{level}", codes = [{place}], nl = "{level}", en = "{level}" }}'
            for place, level in enumerate(ids)
        )
        + "]\n"
        for name, ids in LEVELS.items()
    )
    (root / "study" / "codebook.toml").write_text(f'[source]\ntitle = "Seven"\n{variables}', encoding="utf-8")
    model = 'outcome = "wish"\nfamily = "multinomial"\nexposures = ["age"]\nadjusters = [{}]\nprimary = {}\n'
    (root / "study" / "by_region.toml").write_text(model.format('"region", "income"', "true"), encoding="utf-8")
    (root / "study" / "by_income.toml").write_text(model.format('"income"', "false"), encoding="utf-8")
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({name: rng.integers(0, len(ids), 300) for name, ids in LEVELS.items()})
    frame["region"] = np.where(np.arange(300) < 7, 2, rng.integers(0, 2, 300))
    frame.loc[:6, "wish"] = 2
    frame.to_csv(root / "data.csv", index=False)
    printed, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(told):
        ended = main(
            ["run", str(root / "study"), "--data", str(root / "data.csv"), "--out", str(root / "out"), "--lang", "en"]
        )
    (root / "said.json").write_text(json.dumps([ended, printed.getvalue(), told.getvalue()]), encoding="utf-8")
    return root


def test_the_run_says_which_levels_to_merge_and_nothing_of_what_they_answered(run: Path):
    out = run / "out"
    ended, printed, told = json.loads((run / "said.json").read_text(encoding="utf-8"))
    assert ended == 1
    assert f"not usable: by_region: withheld. {WHY}" in told
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["problems"] == [f"by_region: withheld. {WHY}"]
    assert manifest["withheld"] == {"models": ["by_region"], "in_part": []}
    assert list(manifest["equations"]["wish"]) == ["by_income (all exposures)"]
    diagnostics = read_table(out / "diagnostics.csv")
    own = diagnostics[diagnostics["model"] == "by_region"]
    assert own.loc[own["check"] == "disclosure", ["status", "message"]].to_numpy().tolist() == [["withheld", WHY]]
    assert set(own["check"]) <= {"n", "disclosure"}
    page = (out / "report.html").read_text(encoding="utf-8")
    for text in (told, printed, json.dumps(manifest), *own["message"].dropna(), page):
        assert "never occurs" not in text
        assert "wish:daily" not in text


def test_the_other_model_is_published_and_the_withheld_one_has_no_number(run: Path):
    out = run / "out"
    for name in ("adjusted", "coefficients", "contrasts", "decomposition", "robustness", "agreement"):
        table = read_table(out / f"{name}.csv")
        rows = table[table["model"] == "by_region"]
        numbers = rows.select_dtypes("number").drop(columns=["n", "level"], errors="ignore")
        assert numbers.isna().all(axis=None), name
    adjusted = read_table(out / "adjusted.csv")
    assert adjusted.loc[adjusted["model"] == "by_income", "estimate"].notna().all()
    coefficients = read_table(out / "coefficients.csv")
    assert coefficients.loc[coefficients["model"] == "by_income", "estimate"].notna().all()


def test_verify_finds_a_level_that_another_run_publishes_and_this_one_does_not(
    run: Path, capsys: pytest.CaptureFixture[str]
):
    """The same respondents by a study that suppresses nothing: its coefficients tell the seven."""
    open_study = run / "open"
    open_study.mkdir()
    for file in (run / "study").iterdir():
        text = file.read_text(encoding="utf-8").replace(
            'title = "Seven"', 'title = "Seven"\n[survey]\nsuppress_below = 0'
        )
        (open_study / file.name).write_text(text.replace('"multinomial"', '"cumulative"'), encoding="utf-8")
    data = pd.read_csv(run / "data.csv")
    data.loc[:6, "wish"] = [0, 1, 2, 2, 1, 0, 2]
    data.to_csv(run / "mixed.csv", index=False)
    wwm.run_study(open_study, data=run / "mixed.csv", out=run / "shown")
    capsys.readouterr()
    assert main(["verify", str(run / "out"), "--against", str(run / "shown")]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "wish: the equations of by_region (all exposures) tell the answers of region = east, which are too few or suppressed"
    ]


def fits(respondents: int, **levels: int) -> dict:
    return {
        "wish": {
            "m (all exposures)": {
                "respondents": respondents,
                "levels": {name.replace("_", " = "): count for name, count in levels.items()},
            }
        }
    }


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        (fits(900, age_old=52), fits(900, age_old=52), []),
        (fits(900, age_old=52), fits(900, age_old=62), []),
        (
            fits(900, age_old=52), fits(900, age_old=47),
            ["wish, age = old: 52 respondents of m (all exposures) in one run and 47 of m (all exposures) in the other, so that the answers of 5 can be computed"],
        ),
        (
            fits(900, age_old=52), fits(896, age_old=52),
            ["wish: m (all exposures) has 900 respondents in one run and m (all exposures) has 896 in the other, so that the answers of 4 can be computed"],
        ),
        (
            fits(900, age_old=52), fits(900, retired_yes=49),
            ["wish: m (all exposures) has age = old in one run (52) and m (all exposures) has retired = yes in the other (49): if these are nearly the "
             "same respondents, the answers of fewer than 10 can be computed"],
        ),
        (
            fits(900, age_old=8), {},
            ["wish: the equations of m (all exposures) tell the answers of age = old, which are too few or suppressed"],
        ),
    ],
)  # fmt: skip
def test_two_runs_tell_the_difference_of_their_models(here: dict, there: dict, expected: list[str]):
    assert models_together(here, there, {}, 10) == expected


def test_check_foresees_what_a_run_withholds(run: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(run / "study"), "--data", str(run / "data.csv")]) == 1
    assert f"WITHHELD: by_region: {WHY}" in " ".join(capsys.readouterr().out.split())
