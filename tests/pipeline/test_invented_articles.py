"""Two public surveys with an invented article of three true and three false statements each; skipped without the data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wwm_models.results.atomic_files import read_table
from wwm_models.study.run import run_study

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
CLAIM = '[[claim]]\nid = "{id}"\nkind = "{kind}"\nnl = "Verzonnen."\nen = "Invented."\n{rest}\n'


def number(outcome: str, category: str, group: str = "") -> str:
    return f'{{ outcome = "{outcome}", category = "{category}", group = {{ {group} }} }}'


def order(id_: str, greater: str, lesser: str) -> str:
    return CLAIM.format(id=id_, kind="order", rest=f"greater = {greater}\nlesser = {lesser}")


def bound(id_: str, at: str, side: str) -> str:
    return CLAIM.format(id=id_, kind="bound", rest=f"at = {at}\n{side}")


OLD, YOUNG = 'age_group = "50-64"', 'age_group = "18-34"'
SINGLE, COUPLE, FAMILY = (f'household = "{name}"' for name in ("single", "couple_no_children", "couple_children"))
STUDIES = {
    "gss2018": (
        "gss2018.sav",
        ["satjob1"],
        [
            order("T1", number("satjob1", "very", OLD), number("satjob1", "very", YOUNG)),
            order("T2", number("satjob1", "very", COUPLE), number("satjob1", "very", SINGLE)),
            bound("T3", number("satjob1", "not_at_all"), "below = 10"),
            order("F1", number("satjob1", "very", YOUNG), number("satjob1", "very", OLD)),
            order("F2", number("satjob1", "very", SINGLE), number("satjob1", "very", FAMILY)),
            bound("F3", number("satjob1", "not_too", OLD), "above = 25"),
        ],
    ),
    "nsw2021": (
        "nsw_rws/2021_rws.csv",
        ["productivity", "desired_4"],
        [
            bound("T1", number("productivity", "positive"), "above = 50"),
            order("T2", number("productivity", "positive", FAMILY), number("productivity", "positive", SINGLE)),
            bound("T3", number("productivity", "negative"), "below = 25"),
            bound("F1", number("productivity", "negative", 'age_group = "35-49"'), "above = 30"),
            order("F2", number("productivity", "positive", SINGLE), number("productivity", "positive", FAMILY)),
            bound("F3", number("desired_4", "from_20_to_80", SINGLE), "below = 50"),
        ],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_no_verdict_is_wrongly_certain_and_four_are_right(study: str, tmp_path: Path):
    file, models, claims = STUDIES[study]
    if not (SHARED / file).is_file():
        pytest.skip(f"{file} is not beside the checkout")
    folder = tmp_path / study
    folder.mkdir()
    for name in ("codebook", *models):
        shutil.copy(ROOT / "models" / study / f"{name}.toml", folder)
    head = '[article]\ntitle = "Invented"\nestimand = "household-adjusted"\n'
    (folder / "article.toml").write_text(head + "".join(claims), encoding="utf-8")
    run_study(folder, data=SHARED / file, out=tmp_path / "out")
    verdicts = read_table(tmp_path / "out" / "claims.csv").set_index("id")["verdict"]
    assert not [name for name in verdicts.index if verdicts[name] == ("reverses" if name[0] == "T" else "holds")]
    right = [name for name in verdicts.index if verdicts[name] == ("holds" if name[0] == "T" else "reverses")]
    assert len(right) >= 4
