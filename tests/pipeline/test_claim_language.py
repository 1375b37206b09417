"""A whole run of an article that uses what claims can say: joined groups, differences of differences, sizes, changes, contradictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.cli.main import main
from wwm_models.results.atomic_files import read_table

CODEBOOK = """
[variables.wish]
column = "wish"
kind = "ordered"
levels = [{ id = "no", nl = "nee" }, { id = "yes", nl = "ja" }]
[variables.before]
column = "before"
kind = "ordered"
levels = [{ id = "no", nl = "nee" }, { id = "yes", nl = "ja" }]
[variables.age]
column = "age"
kind = "ordered"
levels = [{ id = "young", nl = "jong" }, { id = "old", nl = "oud" }]
[variables.home]
column = "home"
kind = "nominal"
levels = [{ id = "single", nl = "alleen" }, { id = "couple", nl = "paar" }, { id = "family", nl = "gezin" }]
"""
MODEL = 'outcome = "{name}"\nfamily = "cumulative"\nexposures = ["age", "home"]\nestimands = ["total", "home-adjusted"]\nprimary = true\n'
OTHERS = '{ home = ["couple", "family"] }'
ARTICLE = f"""
[article]
title = "A"
[[published]]
id = "P1"
outcome = "wish"
category = "yes"
group = {OTHERS}
value = 60
[[claim]]
id = "C1"
kind = "order"
en = "Households of more persons more than singles."
nl = "Huishoudens van meer personen vaker dan alleenwonenden."
greater = {{ outcome = "wish", category = "yes", group = {OTHERS} }}
lesser = {{ outcome = "wish", category = "yes", group = {{ home = "single" }} }}
below = 5
[[claim]]
id = "C2"
kind = "order"
en = "Clearly more."
nl = "Duidelijk vaker."
greater = {{ outcome = "wish", category = "yes", group = {OTHERS} }}
lesser = {{ outcome = "wish", category = "yes", group = {{ home = "single" }} }}
margin = 5
[[claim]]
id = "C3"
kind = "difference_of_differences"
en = "More so among the young."
nl = "Meer bij jongeren."
greater = [{{ outcome = "wish", category = "yes", group = {{ home = ["couple", "family"], age = "young" }} }}, {{ outcome = "wish", category = "yes", group = {{ home = "single", age = "young" }} }}]
lesser = [{{ outcome = "wish", category = "yes", group = {{ home = ["couple", "family"], age = "old" }} }}, {{ outcome = "wish", category = "yes", group = {{ home = "single", age = "old" }} }}]
[[claim]]
id = "C4"
kind = "about"
en = "About half."
nl = "Ongeveer de helft."
at = {{ outcome = "wish", category = "yes", group = {{}} }}
value = 50
tolerance = 10
counted_in = "C2"
[[claim]]
id = "C5"
kind = "equivalence"
en = "Nearly equal."
nl = "Nagenoeg gelijk."
between = [{{ outcome = "wish", category = "yes", group = {{ home = "single" }} }}, {{ outcome = "wish", category = "yes", group = {{}} }}]
margin = 0.1
[[figure]]
id = "figure-3"
kind = "paired"
outcomes = ["before", "wish"]
by = ["home"]
categories = ["yes", "yes"]
en = "Before and wanted"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language")
    rng = np.random.default_rng(9)
    frame = pd.DataFrame(
        {"age": rng.choice(["young", "old"], 600), "home": rng.choice(["single", "couple", "family"], 600)}
    )
    chance = 0.35 + 0.25 * (frame["home"] != "single") + 0.1 * (frame["age"] == "young")
    wish, before = rng.random(600) < chance, rng.random(600) < 0.3
    frame = frame.assign(wish=np.where(wish, "yes", "no"), before=np.where(before, "yes", "no"))
    frame.to_csv(folder / "people.csv", index=False)
    study = folder / "study"
    study.mkdir()
    (study / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    for name in ("wish", "before"):
        (study / f"{name}.toml").write_text(MODEL.format(name=name), encoding="utf-8")
    (study / "article.toml").write_text(ARTICLE, encoding="utf-8")
    wwm.run_study(study, data=folder / "people.csv", out=folder / "out", lang="en")
    return folder  # fmt: skip


def test_every_claim_is_judged_and_says_what_stands_beside_it(folder: Path):
    claims = read_table(folder / "out" / "claims.csv").set_index("id")
    assert claims["verdict"].to_dict() == {
        "C1": "reverses",
        "C2": "holds",
        "C3": "undecided",
        "C4": "reproduced",
        "C5": "reverses",
    }
    assert claims.loc["C1", "reason"].endswith(
        "the article contradicts itself: no numbers agree with both this statement and C2"
    )
    assert claims.loc["C4", "reason"].endswith("counted once, as part of C2")
    assert "the smallest margin that these intervals would have shown is" in claims.loc["C5", "reason"]
    assert "(age young, home couple or family)" in claims.loc["C3", "reason"]
    assert "(90%)" in claims.loc["C2", "reason"]  # fmt: skip


def test_the_joined_group_is_a_row_of_the_comparison(folder: Path):
    """Raw by counting the file."""
    comparison = read_table(folder / "out" / "comparison.csv")
    rows = comparison[(comparison["group"] == "home=couple or family") & (comparison["outcome"] == "wish")]
    frame = pd.read_csv(folder / "people.csv")
    own = frame[frame["home"] != "single"]
    assert len(rows) > 0
    assert rows["raw"].to_list() == pytest.approx([(own["wish"] == "yes").mean()] * len(rows))
    assert set(rows["n"]) == {len(own)}
    assert set(rows["published"]) == {0.6}
    assert rows["adjusted_likelihood"].notna().all()


def test_changes_have_a_table_and_the_page_shows_them(folder: Path):
    changes = read_table(folder / "out" / "changes.csv")
    frame = pd.read_csv(folder / "people.csv")
    moved = (frame["wish"] == "yes").astype(float) - (frame["before"] == "yes")
    assert changes["group"].fillna("").tolist() == ["", "home=single", "home=couple", "home=family"]
    assert changes["raw"].tolist()[0] == pytest.approx(moved.mean())
    known = changes["adjusted_likelihood"].notna().tolist()
    assert known == [False, True, True, True]  # of everyone nothing is adjusted
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    for told in ("Van de ene vraag naar de andere", "From one question to the other", "Von einer Frage zur anderen"):
        assert told in page
    assert 'data-source="changes:0:raw"' in page
    assert "Of the 4 statements in the article" in page


def test_check_names_the_contradiction(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(folder / "study"), "--data", str(folder / "people.csv")]) == 0
    assert "  C1 and C2 contradict each other: no numbers agree with both" in capsys.readouterr().out
