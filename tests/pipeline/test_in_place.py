"""A run that counts respondents where their table lies writes the tables of a run that reads the table whole, or says what it leaves out."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyreadstat
import pytest

from wwm_models.cli.main import main
from wwm_models.demo.respondents import quota_respondents
from wwm_models.errors import SurveyError
from wwm_models.results.atomic_files import read_table
from wwm_models.study.declarations import read_study
from wwm_models.study.preparation import asked_variables
from wwm_models.study.run import run_study
from wwm_models.survey.codebook_reader import read_codebook

WWM21 = Path(__file__).parents[2] / "models" / "wwm21"
MODELS = {
    "desired": """
outcome = "desired"
family = "cumulative"
exposures = ["age_group", "household"]
adjusters = ["gender"]
estimands = ["total", "household-adjusted"]
family_of_tests = "all"
population = { gender = { man = 0.5, woman = 0.5 } }
""",
    "before": """
outcome = "before"
family = "multinomial"
exposures = ["household"]
adjusters = ["gender"]
weights = "none"
""",
}
ARTICLE = """
[article]
title = "A small article"
estimand = "household-adjusted"
[[published]]
id = "P1"
outcome = "desired"
category = "never"
group = { age_group = "18-34" }
value = 20
[[claim]]
id = "C1"
kind = "order"
nl = "Ouderen willen vaker bijna dagelijks."
en = "Older people more often want it almost daily."
greater = { outcome = "desired", category = "almost_daily", group = { age_group = "50-64" } }
lesser = { outcome = "desired", category = "almost_daily", group = { age_group = "18-34" } }
[[claim]]
id = "C2"
kind = "order"
nl = "Men wil het vaker dan voorheen."
en = "People want it more often than before."
greater = { outcome = "before", category = "never" }
lesser = { outcome = "desired", category = "never" }
"""
ROUNDING = {"gradient_norm", "convergence", "second_opinion"}  # where an optimiser stops, and how it came there
ONE_BY_ONE = "loo_.*|predictive_p:.*"  # checks that need respondents one by one
INTEGRALS = [
    "p_adjusted",
    "p_max_t",
    "critical",
    "lower_simultaneous",
    "upper_simultaneous",
]  # by points that rounding turns


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic respondents of the article as text, parquet and a DuckDB table; a small study of them; its results."""
    place = tmp_path_factory.mktemp("in_place")
    study = place / "study"
    study.mkdir()
    book = (WWM21 / "codebook.toml").read_text(encoding="utf-8")
    (study / "codebook.toml").write_text(book.replace('strata = ""', 'strata = "opleiding"'), encoding="utf-8")
    for name, text in MODELS.items():
        (study / f"{name}.toml").write_text(text, encoding="utf-8")
    (study / "article.toml").write_text(ARTICLE, encoding="utf-8")
    frame = quota_respondents(1)
    frame.to_csv(place / "data.csv", index=False)
    frame.to_parquet(place / "data.parquet", index=False)
    with duckdb.connect(str(place / "data.duckdb")) as base:
        base.execute("create table answers as select * from read_parquet(?)", [str(place / "data.parquet")])
    run_study(study, data=place / "data.csv", out=place / "whole", lang="en")
    return place


def same_tables(whole: Path, counted: Path, *, unweighted: bool = False) -> None:
    """Every csv table, to 1e-9, but for what is named here."""
    names = sorted(path.name for path in whole.glob("*.csv"))
    assert sorted(path.name for path in counted.glob("*.csv")) == names
    for name in names:
        one, two = read_table(whole / name), read_table(counted / name)
        if name == "diagnostics.csv":
            apart = one["check"].str.fullmatch(ONE_BY_ONE) | one["check"].isin(ROUNDING)
            one, two = one[~apart], two[~apart]
        if name == "fragility.csv" and not unweighted:
            apart = one["axis"] == "trimmed weights"
            one, two = one[~apart], two[~apart]
        integrals = [column for column in INTEGRALS if column in one]
        known, found = (table[integrals].to_numpy(dtype=float) for table in (one, two))
        np.testing.assert_allclose(found, known, rtol=0.0, atol=0.006, err_msg=name)  # see numerics.maximum
        one, two = one.drop(columns=integrals), two.drop(columns=integrals)
        # percentage points that are zero, and differences of probabilities, have no relative error
        pd.testing.assert_frame_equal(two, one, check_exact=False, rtol=1e-9, atol=1e-11, obj=name)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["data.csv", "data.parquet", "connection"])
def test_the_tables_are_those_of_a_run_that_reads_whole(folder: Path, tmp_path: Path, source: str):
    data = f"duckdb://{folder / 'data.duckdb'}#answers" if source == "connection" else folder / source
    run = run_study(folder / "study", data=data, out=tmp_path / "out", lang="en", in_place=True)
    same_tables(folder / "whole", tmp_path / "out")
    held = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert held["settings"]["in_place"] is True
    assert held["respondents"]["variables"] == ["desired", "age_group", "household", "gender", "before"]
    assert held["respondents"]["rows"] < 1500
    assert run.note.startswith("as asked: 4,008 respondents were counted where their table lies, in ")
    whole = json.loads((folder / "whole" / "manifest.json").read_text(encoding="utf-8"))
    assert (whole["settings"]["in_place"], whole["respondents"]) == (False, {"read": "whole"})
    if source == "data.csv":
        assert held["inputs"] == whole["inputs"]


@pytest.mark.slow
def test_a_posterior_of_the_same_counts_has_the_same_draws(small: Path):
    """Without weights a sum is a count, which is the same in any order, and so are the chains."""
    book, model = small / "study" / "codebook.toml", small / "study" / "wish.toml"
    (small / "study" / "wish_nominal.toml").unlink()
    text = book.read_text(encoding="utf-8")
    book.write_text(text.replace('weight = "w"', "").replace('weight_kind = "sampling"', ""), encoding="utf-8")
    model.write_text(model.read_text(encoding="utf-8") + 'engines = ["likelihood", "bayes"]\n', encoding="utf-8")
    for out, in_place in (("whole", False), ("counted", True)):
        run_study(
            small / "study",
            data=small / "data.csv",
            out=small / out,
            engines=("likelihood", "bayes"),
            in_place=in_place,
        )
    same_tables(small / "whole", small / "counted", unweighted=True)
    assert (
        read_table(small / "counted" / "comparison.csv")["adjusted_bayes"].notna().sum() == 24
    )  # 4 answers and collapses, of all and of 5 groups
    checks = read_table(small / "counted" / "diagnostics.csv").set_index("check")
    for name in ("loo_respondent", "predictive_p:age_group", "predictive_p:household"):
        assert "needs respondents one by one" in checks.loc[name, "message"]


def wwm(folder: Path, *arguments: str, data: str = "data.csv", command: str = "run") -> int:
    out = ["--out", str(folder / "out")] if command == "run" else []
    return main([command, str(folder / "study"), "--data", str(folder / data), *out, *arguments])


@pytest.fixture
def nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table is too large for this machine."""
    monkeypatch.setattr("wwm_models.survey.formats.archive.BYTES_PER_CELL", 10**12)


@pytest.mark.usefixtures("nothing_fits")
def test_a_table_that_does_not_fit_is_counted_and_that_is_told(small: Path, capsys: pytest.CaptureFixture[str]):
    assert wwm(small) == 0
    said = capsys.readouterr().err
    assert "data.csv is too large to read whole: counting its respondents in place" in said
    assert "the limit is" in said
    assert "600 respondents were counted where their table lies, in 18 ways of answering." in said
    held = json.loads((small / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert held["settings"]["in_place"] is True
    assert held["respondents"]["why"].endswith("(half of what is free on this machine)")


@pytest.mark.usefixtures("nothing_fits")
def test_a_file_that_neither_fits_nor_can_be_counted_is_refused(small: Path, capsys: pytest.CaptureFixture[str]):
    pyreadstat.write_sav(pd.read_csv(small / "data.csv"), str(small / "data.sav"))
    assert wwm(small, data="data.sav") == 2
    assert "Expected a file that fits." in capsys.readouterr().err
    assert wwm(small, "--in-place", data="data.sav") == 2
    assert 'files of type ".sav" cannot be counted in place' in capsys.readouterr().err


@pytest.mark.parametrize("pattern", ["", "*.parquet"])
def test_several_files_are_counted_as_one_table(small: Path, capsys: pytest.CaptureFixture[str], pattern: str):
    frame = pd.read_csv(small / "data.csv")
    (small / "parts").mkdir()
    for number in range(2):
        frame[number::2].to_parquet(small / "parts" / f"{number}.parquet", index=False)
    assert wwm(small, data=str(small / "parts" / pattern)) == 0
    said = capsys.readouterr().err
    assert f"{pattern or 'parts'} is several files, which are not read whole: 600 respondents were counted" in said
    raw = read_table(small / "out" / "raw.csv")
    assert raw.loc[raw["by"].isna(), "n"].unique().tolist() == [600]


@pytest.mark.parametrize("asked", [True, False])
def test_what_needs_respondents_one_by_one_is_refused_before_anything_is_counted(
    small: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, asked: bool
):
    if not asked:
        request.getfixturevalue("nothing_fits")
    monkeypatch.setattr("wwm_models.study.preparation.counts_of", lambda *_: pytest.fail("counted"))
    model = small / "study" / "wish.toml"
    model.write_text(
        model.read_text(encoding="utf-8") + '[imputation]\nm = 2\nvariables = ["household"]\n', encoding="utf-8"
    )
    together = small / "study" / "together.toml"
    together.write_text('joint = ["wish", "household"]\nexposures = ["age_group"]\n', encoding="utf-8")
    with pytest.raises(SurveyError) as caught:
        run_study(
            small / "study", data=small / "data.csv", out=small / "out", engines=("likelihood", "bayes"), in_place=asked
        )
    head, because, tail = str(caught.value).partition("where their table lies")
    assert head == (
        f"{model} completes missing answers ([imputation]), {together} gives every respondent an effect (joint), which needs respondents "
        "one by one, but those of data.csv are counted "
    )
    assert because
    assert tail.startswith(". Expected" if asked else f" ({small / 'data.csv'}: 601 rows x 5 columns")
    assert tail.endswith(
        "Expected models of answers alone. Leave the model out of the folder; or read the table, or a sample of it, whole."
    )
    assert not (small / "out").exists()


def test_a_study_asks_for_every_variable_that_its_models_name_and_no_other(small: Path):
    book = small / "study" / "codebook.toml"
    more = "".join(
        f'[variables.{name}]\ncolumn = "home_{name}"\nkind = "nominal"\nlevels = [{{ id = "1" }}, {{ id = "2" }}]\nmissing = [{{ codes = [9], reason = "x" }}]\n'
        for name in ("a", "b", "c", "d", "unused")
    )
    book.write_text(book.read_text(encoding="utf-8") + more, encoding="utf-8")
    (small / "study" / "wish_nominal.toml").unlink()
    (small / "study" / "wish.toml").write_text(
        'outcome = "wish"\nfamily = "cumulative"\nexposures = ["age_group"]\nadjusters = ["a"]\nscale = "~ b"\nthresholds_by = "c"\n'
        '[population."d:a"]\n"1:1" = 1\n"2:2" = 1\n',
        encoding="utf-8",
    )
    declared = read_study(small / "study", None, engines=("likelihood",), level=0.95, lang="en")
    found = asked_variables(declared, list(read_codebook(declared.codebook).variables))
    assert sorted(found) == ["a", "age_group", "b", "c", "d", "wish"]


def _without_contents(said: str) -> list[str]:
    """Lines without the column of what the file has, which is known where it is read whole."""
    return [line[:66].rstrip() if line.startswith("    ") else line for line in said.splitlines()]


def test_check_counts_in_place_what_it_counts_in_rows(small: Path, capsys: pytest.CaptureFixture[str]):
    data = pd.read_csv(small / "data.csv")
    data.loc[::50, "home"] = 9
    data.loc[::60, "w"] = 0.0
    data.to_csv(small / "data.csv", index=False)
    assert wwm(small, command="check") == 0
    whole = _without_contents(capsys.readouterr().out)
    assert wwm(small, "--in-place", command="check") == 0
    counted = _without_contents(capsys.readouterr().out)
    told = {line.strip().split(":")[0] for line in counted if line not in whole}
    assert told == {"counted in place", "Weights  sampling", "Variables that the models ask for, in the domain"}
    assert [line for line in whole if line not in counted] == [
        line for line in whole if line.startswith(("Weights", "Variables"))
    ]
    assert f"Weights  sampling: mean {data['w'].mean():.3g}, 10 zero" in counted
    assert any(line.split() == ["missing:", "unknown", "12"] for line in counted)


def test_check_of_a_codebook_alone_cannot_count_in_place(small: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("wish", "wish_nominal"):
        (small / "study" / f"{name}.toml").unlink()
    assert wwm(small, "--in-place", command="check") == 2
    assert (
        "holds no model, so nothing says by which variables respondents are to be counted in place"
        in capsys.readouterr().err
    )
