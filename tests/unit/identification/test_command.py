"""`wwm bounds`, and bounds.csv of a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.cli.main import main
from wwm_models.identification.bounds import BOUNDS_COLUMNS
from wwm_models.identification.joint_table import Margins, measured_margins, read_margins
from wwm_models.messages import catalogue
from wwm_models.results.atomic_files import read_table
from wwm_models.study.declarations import read_study
from wwm_models.study.model_files import bundled_study
from wwm_models.study.provenance import begin_bounds, bounds_csv
from wwm_models.survey.survey import Survey

AGES = ["18-34", "35-49", "50-64"]

ARTICLE = """
[article]
title = "A short article"
n = { figure_1 = 1530, figure_3 = 1507 }
[[published]]
id = "P01"
outcome = "desired"
category = "at_least_weekly"
group = { age_group = "18-34" }
value = 55
[[published]]
id = "F1"
outcome = "desired"
category = "at_least_weekly"
group = { age_group = "50-64" }
[[claim]]
id = "C01"
kind = "bound"
nl = "Meer dan een kwart van de jongeren wil het."
en = "More than a quarter of the young want it."
at = { outcome = "desired", category = "at_least_weekly", group = { age_group = "18-34" } }
above = 25
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "short"
    folder.mkdir()
    for name in ("codebook.toml", "margins.toml", "desired.toml"):
        shutil.copy(bundled_study("wwm21") / name, folder / name)
    (folder / "article.toml").write_text(ARTICLE, encoding="utf-8")
    return folder


def test_bounds_are_printed_and_written(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "bounds.csv"
    assert main(["bounds", str(study), "--out", str(out), "--lang", "en"]) == 0
    text = capsys.readouterr().out
    assert "Bounds are not estimates." in text
    assert "ASSUMPTION TO REPLACE" in text
    assert "C01  SURVIVES ANY ADJUSTMENT\n     More than a quarter of the young want it." in text
    assert text.rstrip().endswith("1 statement: 1 survives any adjustment")
    table = read_table(out)
    assert tuple(table.columns) == ("study", "data", "model", *BOUNDS_COLUMNS)
    assert set(table["data"]) == {"SYNTHETIC"}
    assert sorted(table["delta"].unique()) == [0.0, 0.02, 0.05, 0.1, 0.2, np.inf]
    printed = table[(table["id"] == "P01") & np.isinf(table["delta"])].iloc[0]
    assert printed[["published_lower", "published_upper"]].tolist() == [0.545, 0.555]
    assert printed["lower"] < 0.545 < 0.555 < printed["upper"]
    assert printed["lower"] <= printed["max_entropy"] <= printed["upper"]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "C01  SURVIVES ANY ADJUSTMENT"),
        ("nl", "C01  BLIJFT BIJ ELKE CORRECTIE OVEREIND"),
        ("de", "C01  HÄLT JEDER BEREINIGUNG STAND"),
    ],
)
def test_the_whole_output_is_in_one_language(study: Path, capsys: pytest.CaptureFixture[str], lang: str, said: str):
    assert main(["bounds", str(study), "--words", "--lang", lang]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert " ".join(said.split()) in text
    others = {name: catalogue(name).messages["bounds_title"] for name in ("en", "nl", "de")}
    assert [name for name, title in others.items() if title in text] == [lang]
    assert ("adjusted from" in text) == (lang == "en")
    assert ("gecorrigeerd van" in text) == (lang == "nl")
    assert "desired" not in text
    assert "at_least_weekly" not in text


def test_sentences_are_assumed_for_once_and_both_are_written(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    second = '[[claim]]\nid = "C02"\nkind = "bound"\nen = "A majority of the old."\nat = { outcome = "desired", category = "at_least_weekly", group = { age_group = "50-64" } }\nabove = 50\n'
    (study / "article.toml").write_text(ARTICLE + second, encoding="utf-8")
    out = tmp_path / "bounds.csv"
    assert main(["bounds", str(study), "--words", "--out", str(out), "--lang", "en"]) == 0
    text = capsys.readouterr().out
    assert "Sentences that are assumed to be true of the raw percentages (2): C01, C02." in text
    assert "C02  CAN BE REVERSED (from the numbers alone: undetermined)" in text
    table = read_table(out)
    own = table[(table["id"] == "C02") & np.isinf(table["delta"])].set_index("assumed")
    assert own["raw"].to_dict() == {"printed numbers": "undetermined", "printed numbers and sentences": "assumed"}
    assert main(["bounds", str(study), "--words", "--without", "C02", "--lang", "en"]) == 0
    assert "(1): C01." in capsys.readouterr().out
    assert main(["bounds", str(study), "--words", "C03"]) == 2
    assert 'The sentences name "C03", which is no claim of the article.' in capsys.readouterr().err


@pytest.mark.slow
def test_the_sentences_of_the_bundled_article_decide_most_of_its_claims():
    """What is undetermined from the printed numbers alone, and is not with the sentences; none is decided the other way round."""
    folder = bundled_study("wwm21")
    found = wwm.bounds(folder / "article.toml", folder / "margins.toml", words=True, deltas=())
    assert found.words is not None
    before, after = (result.claims.set_index("id")["verdict"] for result in (found, found.words))
    decided = before.index[(before == "undetermined") & (after != "undetermined")]
    assert len(decided) >= 15
    assert not ((before == "survives any adjustment") & (after != before)).any()


def test_without_margins_the_command_says_what_is_missing(study: Path, capsys: pytest.CaptureFixture[str]):
    (study / "margins.toml").unlink()
    assert main(["bounds", str(study)]) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert caught.err.startswith(f"wwm: {study / 'margins.toml'}: no such file. Expected the joint distribution")
    assert '[table]\n    "18-34" = {' in caught.err


def test_without_an_article_the_command_says_so(study: Path, capsys: pytest.CaptureFixture[str]):
    (study / "article.toml").unlink()
    assert main(["bounds", str(study)]) == 2
    assert capsys.readouterr().err.startswith(f"wwm: {study / 'article.toml'}: no such file.")


def test_margins_may_stand_elsewhere(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    measured = (study / "margins.toml").read_text(encoding="utf-8").replace('"assumption"', '"measured"')
    elsewhere = tmp_path / "own.toml"
    elsewhere.write_text(measured, encoding="utf-8")
    (study / "margins.toml").unlink()
    assert main(["bounds", str(study), "--margins", str(elsewhere), "--out", str(tmp_path / "own.csv")]) == 0
    assert "Randverdeling: leeftijdsgroep naar huishoudenssamenstelling: gemeten" in capsys.readouterr().out
    assert set(read_table(tmp_path / "own.csv")["data"]) == {"real"}


def test_a_value_that_is_typed_in_later_narrows_the_bounds_and_decides_claims(study: Path, tmp_path: Path):
    typed = ARTICLE.replace('group = { age_group = "50-64" }\n', 'group = { age_group = "50-64" }\nvalue = 70\n', 1)
    assert typed != ARTICLE
    found: list[pd.DataFrame] = []
    for text in (ARTICLE, typed):
        (study / "article.toml").write_text(text, encoding="utf-8")
        assert main(["bounds", str(study), "--out", str(tmp_path / "bounds.csv")]) == 0
        table = read_table(tmp_path / "bounds.csv")
        found.append(table[np.isinf(table["delta"])].set_index("id"))
    before, after = (table["upper"] - table["lower"] for table in found)
    assert (after <= before + 1e-9).all()
    assert before["F1"] > 0.99
    assert after["F1"] < 0.8


def test_a_folder_cannot_be_the_output(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["bounds", str(study), "--out", str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_writes_bounds_of_a_study_with_margins(study: Path, tmp_path: Path):
    data = tmp_path / "data.csv"
    assert main(["simulate", "--seed", "1", "--out", str(data)]) == 0
    run = wwm.run_study(study, data=data, out=tmp_path / "results")
    table = read_table(tmp_path / "results" / "bounds.csv")
    assert run.problems == ()
    assert set(table["study"]) == {"short-synthetic"}
    declared = read_study(study, None, engines=("likelihood",), level=0.95, lang="nl")
    found, problems = begin_bounds(declared, wwm.read_survey(data, declared.codebook))()
    assert problems == []
    pd.testing.assert_series_equal(table["lower"], bounds_csv(found, "short-synthetic")["lower"])
    assert found is not None
    assert found.margins.source.startswith("the respondents' own weighted table")
    assert set(table["data"]) == {"SYNTHETIC"}  # measured, of respondents who are invented


def by_hand(margins: Margins) -> Survey:
    """40 respondents of weight 2 in each cell but three: 4 of 18-34 and single_parent, nobody of 50-64 and single, 20 of no known household."""
    rows = [(age, home) for age in margins.levels("age_group") for home in margins.levels("household")]
    count = {("18-34", "single_parent"): 4, ("50-64", "single"): 0}
    people = [row for row in rows for _ in range(count.get(row, 40))] + [("35-49", None)] * 20 + [(None, "single")] * 12
    frame = pd.DataFrame(people, columns=["age_group", "household"]).assign(w=2.0)
    frame.loc[frame["age_group"] == "50-64", "w"] = 1.0
    for name in ("age_group", "household"):
        frame[name] = pd.Categorical(frame[name], margins.levels(name))
    return wwm.Survey.from_frame(frame, weight="w")


def test_bounds_of_a_run_rest_on_the_respondents_own_weighted_table(study: Path):
    declared = read_margins(study / "margins.toml", study / "codebook.toml")
    survey = by_hand(declared)
    own = measured_margins(declared, survey)
    assert own is not None
    total = 7 * 40 * 2.0 + 3 * 40 * 1.0 + 20 * 2.0 + 12 * 2.0 + 4 * 2.0  # 752
    few = total * 5 / (10 * 40 + 4 + 20 + 12)  # the share of 5 of 436 respondents
    cells = pd.DataFrame(0.0, index=[*AGES, "65-70"], columns=declared.table.columns)
    cells.loc[AGES[:2], declared.levels("household")] = 80.0
    cells.loc["50-64", declared.levels("household")] = 40.0
    cells.loc["50-64", "single"], cells.loc["18-34", "single_parent"] = 0.0, few
    cells.loc["35-49", "unknown"], cells.loc["65-70", "single"] = 40.0, 24.0
    pd.testing.assert_frame_equal(own.table, 100.0 * cells / cells.to_numpy().sum(), check_index_type=False)
    assert (
        own.label
        == "age_group x household: measured (the respondents' own weighted table, cells of fewer than 10 taken as 5)"
    )
    found, problems = begin_bounds(read_study(study, None, engines=("likelihood",), level=0.95, lang="nl"), survey)()
    assert problems == []
    assert found is not None
    pd.testing.assert_frame_equal(found.margins.table, own.table)
    assert set(bounds_csv(found, "x")["data"]) == {"real"}


def test_bounds_of_a_run_rest_on_declared_margins_where_the_respondents_have_no_such_groups(study: Path):
    survey = wwm.Survey.from_frame(pd.DataFrame({"desired": pd.Categorical(["never"] * 20)}), weight=None)
    found, _ = begin_bounds(read_study(study, None, engines=("likelihood",), level=0.95, lang="nl"), survey)()
    assert found is not None
    assert found.margins.status == "assumption"
    assert set(bounds_csv(found, "x")["data"]) == {"SYNTHETIC"}


def test_a_run_goes_on_when_printed_numbers_exclude_each_other(study: Path, tmp_path: Path):
    second = '[[published]]\nid = "P02"\noutcome = "desired"\ncategory = "never"\ngroup = { age_group = "18-34" }\nvalue = 90\n'
    (study / "article.toml").write_text(ARTICLE + second, encoding="utf-8")
    declared = read_study(study, None, engines=("likelihood",), level=0.95, lang="nl")
    found, problems = begin_bounds(declared, by_hand(read_margins(study / "margins.toml", declared.codebook)))()
    assert found is None
    assert problems[0].startswith(
        "No table of desired agrees with the margins and all of these printed numbers: P01: 55%"
    )


def test_a_run_goes_on_without_sentences_that_exclude_each_other(study: Path):
    below = '[[claim]]\nid = "C02"\nkind = "bound"\nen = "Less than a fifth."\nat = { outcome = "desired", category = "at_least_weekly", group = { age_group = "18-34" } }\nbelow = 20\n'
    (study / "article.toml").write_text(ARTICLE + below, encoding="utf-8")
    declared = read_study(study, None, engines=("likelihood",), level=0.95, lang="nl")
    found, problems = begin_bounds(declared, by_hand(read_margins(study / "margins.toml", declared.codebook)))()
    assert found is not None
    assert found.words is None
    assert problems[0].startswith(
        "No table agrees with the margins, the printed numbers and all of these: C02: Less than a fifth.; P01: 55%"
    )


def test_the_bundled_article_has_bounds_within_nothing_and_everything():
    """Every number and claim of the default study has a row, and limits in their order around the maximum-entropy point."""
    folder = bundled_study("wwm21")
    article = wwm.read_article(folder / "article.toml")
    found = wwm.bounds(article, wwm.read_margins(folder / "margins.toml"), deltas=())
    assert found.notes == ()
    table = found.table.set_index("id")
    assert set(table.index) >= {number.id for number in article.published} | {claim.id for claim in article.claims}
    limited = table[table["lower"].notna() & (table["kind"] != "ratio")]
    assert (limited["lower"] <= limited["max_entropy"] + 1e-6).all()
    assert (limited["max_entropy"] <= limited["upper"] + 1e-6).all()
    assert found.claims["id"].tolist() == [claim.id for claim in article.claims]
