"""A run from file to folder: the contract's files, columns, verdicts, and that nothing is half done."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import wwm_models
from wwm_models.cli.main import main
from wwm_models.results.atomic_files import read_table
from wwm_models.results.results import verify_results

ESTIMATES = [
    "by",
    "group",
    "outcome",
    "category",
    "estimate",
    "std_error",
    "lower",
    "upper",
    "level",
    "count",
    "n",
    "n_effective",
    "method",
    "estimand",
]
CONTRACT = {
    "accounting": ["study", "data", "model", "reason", "rows"],
    "raw": ["study", "data", *ESTIMATES, "reason"],
    "adjusted": ["study", "data", "model", *ESTIMATES, "reason"],
    "contrasts": ["study", "data", "model", *ESTIMATES, "contrast", "p_value", "p_adjusted", "reason"],
    "comparison": [
        *[
            "study",
            "data",
            "model",
            "estimand",
            "outcome",
            "category",
            "by",
            "group",
            "published",
            "published_lower",
            "published_upper",
            "raw",
            "raw_lower",
            "raw_upper",
        ],
        *["adjusted_likelihood", "adjusted_likelihood_lower", "adjusted_likelihood_upper"],
        *[
            "adjusted_bayes",
            "adjusted_bayes_lower",
            "adjusted_bayes_upper",
            "difference",
            "difference_se",
            "count",
            "n",
        ],
    ],
    "claims": [
        "study",
        "data",
        "id",
        "statement",
        "where",
        "kind",
        "estimand",
        "published",
        "raw_verdict",
        "likelihood_verdict",
        "bayes_probability",
        "verdict",
        "reason",
    ],
    "changes": [
        *[
            "study",
            "data",
            "model",
            "figure",
            "estimand",
            "before",
            "before_category",
            "after",
            "after_category",
            "by",
            "group",
        ],
        *[
            "raw",
            "raw_lower",
            "raw_upper",
            "adjusted_likelihood",
            "adjusted_likelihood_lower",
            "adjusted_likelihood_upper",
        ],
        *["adjusted_bayes", "adjusted_bayes_lower", "adjusted_bayes_upper", "level", "n"],
    ],
    "coefficients": ["study", "data", "model", "estimand", "term", "estimate", "std_error", "lower", "upper", "level"],
    "diagnostics": ["study", "data", "model", "estimand", "check", "value", "status", "message"],
    "decomposition": [
        *["study", "data", "model", "estimand", "by", "group", "outcome", "category", "part", "percentage_points"],
        *["std_error", "lower", "upper", "level"],
    ],
    "estimands": [
        *["study", "data", "model", "estimand", "by", "exposure", "adjusters", "population", "averaging", "text", "nl"],
        "en",
    ],
    "families": [
        *["study", "data", "model", "family", "estimand", "by", "group", "outcome", "category", "contrast", "estimate"],
        *["std_error", "level", "lower_simultaneous", "upper_simultaneous", "p_value", "p_max_t", "p_holm", "critical"],
        "comparisons",
    ],
    "robustness": [
        *["study", "data", "model", "estimand", "by", "group", "outcome", "category", "declared", "nonproportional"],
        *["multinomial", "unweighted", "exposure_only", "other_exposures", "bayes", "largest_gap_points", "against"],
        *["nonproportional_se", "multinomial_se", "df"],
    ],
    "agreement": [
        *["study", "data", "model", "estimand", "by", "group", "outcome", "category", "likelihood", "bayes"],
        *["gap_points", "gap_sds", "limit_points", "limit_sds", "status", "cause", "prior_points", "family_points"],
        "weights_points",
    ],
    "fragility": ["study", "data", "id", "axis", "change", "unit", "status", "detail", "stands"],
}


def run(small: Path, *more: str) -> int:
    return main(["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(small / "out"), *more])


def test_every_file_of_the_contract_with_its_columns(ran: Path):
    for name, columns in CONTRACT.items():
        assert read_table(ran / "out" / f"{name}.csv").columns.to_list() == columns, name
    assert (ran / "out" / "report.html").is_file()
    manifest = json.loads((ran / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["models"] == {
        "wish": {"status": "ok", "problems": []},
        "wish_nominal": {"status": "ok", "problems": []},
    }
    assert manifest["data_file"] == "data.csv"
    assert manifest["inputs"]["data.csv"] == hashlib.sha256((ran / "data.csv").read_bytes()).hexdigest()
    assert verify_results(ran / "out") == []


def test_a_run_of_a_table_in_a_database(finished: Path):
    frame = pd.read_csv(finished / "data.csv")
    with duckdb.connect(str(finished / "data.db")) as base:
        base.execute("create table answers as select * from frame")
        assert len(frame)
    address = f"duckdb://{finished}/data.db#answers"
    assert main(["run", str(finished / "study"), "--data", address, "--out", str(finished / "there")]) == 0
    for name in ("raw", "adjusted", "accounting", "comparison"):
        pd.testing.assert_frame_equal(
            read_table(finished / "there" / f"{name}.csv"), read_table(finished / "out" / f"{name}.csv")
        )
    manifest = json.loads((finished / "there" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data_file"] == address
    assert len(manifest["inputs"][address]) == 64


def test_raw_counts_are_those_of_the_file(ran: Path):
    data = pd.read_csv(ran / "data.csv")
    table = read_table(ran / "out" / "raw.csv")
    older = table[(table["group"] == "age_group=50-64") & (table["category"] == "often")].iloc[0]
    rows = data[data["age"] >= 50]
    assert (older["count"], older["n"]) == ((rows["wish"] == 3).sum(), len(rows))
    np.testing.assert_allclose(older["estimate"], np.average(rows["wish"] == 3, weights=rows["w"]), rtol=1e-12)


def test_published_stands_in_the_same_row_as_raw_and_adjusted(ran: Path):
    table = read_table(ran / "out" / "comparison.csv")
    printed = table[table["published"].notna()]
    assert set(printed["category"]) == {"at_least_some"}
    assert set(printed["group"]) == {"age_group=50-64"}
    np.testing.assert_allclose(
        printed[["published", "published_lower", "published_upper"]], [[0.8, 0.795, 0.805]] * len(printed)
    )
    assert printed[["raw", "adjusted_likelihood", "difference", "difference_se"]].notna().all(axis=None)


def test_the_decomposition_adds_up_to_the_difference_of_the_comparison(ran: Path):
    keys = ["model", "estimand", "group", "category"]
    parts = read_table(ran / "out" / "decomposition.csv").fillna({"group": ""})
    whole = read_table(ran / "out" / "comparison.csv").fillna({"group": ""}).set_index(keys)
    sums = parts[parts["part"] != "difference"].groupby(keys)["percentage_points"].sum()
    total = parts[parts["part"] == "difference"].set_index(keys)
    assert len(total) == len(whole) > 40
    np.testing.assert_allclose(sums[total.index], total["percentage_points"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(total["percentage_points"], 100 * whole["difference"][total.index], rtol=0, atol=1e-9)
    np.testing.assert_allclose(total["std_error"], 100 * whole["difference_se"][total.index], rtol=1e-6, atol=1e-9)


def test_claims_are_printed_with_their_rules(small: Path, capsys: pytest.CaptureFixture[str]):
    run(small, "--level", "0.9")
    capsys.readouterr()
    assert main(["claims", str(small / "out")]) == 0
    said = capsys.readouterr().out
    assert "C1  HOLDS (raw: holds, adjusted: holds)" in said
    assert "a one-sided 10% test puts the difference above its margin" in said
    assert "bound" not in said


@pytest.fixture(scope="module")
def with_margin(tmp_path_factory: pytest.TempPathFactory, study_in: Callable[[Path], Path]) -> Path:
    """The results of a study whose claim has a margin of five points."""
    folder = tmp_path_factory.mktemp("margin")
    article = study_in(folder) / "article.toml"
    article.write_text(article.read_text().replace("[[claim]]", "[[claim]]\nmargin = 5\nmargin_by = 'ours'"))
    run(folder)
    return folder / "out"


@pytest.mark.parametrize(
    ("lang", "head", "criterion", "rule", "last"),
    [
        ("en", "C1  HOLDS (raw: holds, adjusted: holds)", "is more than 5 percentage points above", "a one-sided 5% test", "1 statement: 1 holds"),
        ("nl", "C1  HOUDT STAND (ruw: houdt stand, gecorrigeerd: houdt stand)", "is meer dan 5 procentpunt hoger dan", "een eenzijdige toets van 5%", "1 uitspraak: 1 houdt stand"),
    ],
)  # fmt: skip
def test_claims_say_their_criterion_in_one_language(
    with_margin: Path, capsys: pytest.CaptureFixture[str], lang: str, head: str, criterion: str, rule: str, last: str
):
    capsys.readouterr()
    assert main(["claims", str(with_margin), "--lang", lang]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(part in said for part in (" ".join(head.split()), criterion, rule, last))
    other = {"en": ("ruw", "klopt"), "nl": ("raw", "holds", "adjusted")}[lang]
    assert not any(word in said.split() for word in other)


def test_a_true_order_holds(ran: Path):
    claims = read_table(ran / "out" / "claims.csv")
    assert claims[["id", "raw_verdict", "likelihood_verdict", "verdict"]].to_numpy().tolist() == [
        ["C1", "holds", "holds", "holds"]
    ]


def test_a_model_that_separates_gets_a_status_and_the_others_finish(small: Path, capsys: pytest.CaptureFixture[str]):
    data = pd.read_csv(small / "data.csv")
    data[(data["home"] != 1) | (data["wish"] != 1)].to_csv(small / "data.csv", index=False)
    assert run(small) == 1
    diagnostics = read_table(small / "out" / "diagnostics.csv")
    status = diagnostics[diagnostics["check"] == "convergence"].groupby("model")["status"].agg(set).to_dict()
    assert status["wish"] == {"ok"}
    assert "separated" in status["wish_nominal"]
    assert 'never" never occurs where household = alone' in capsys.readouterr().err
    assert set(read_table(small / "out" / "adjusted.csv")["model"]) >= {"wish"}


def test_small_groups_are_not_published(small: Path):
    data = pd.read_csv(small / "data.csv")
    older = data.index[(data["age"] >= 50)]
    data.drop(older[9:]).to_csv(small / "data.csv", index=False)
    run(small)
    raw = read_table(small / "out" / "raw.csv")
    hidden = raw[raw["group"] == "age_group=50-64"]
    assert hidden[["estimate", "lower", "upper", "count"]].isna().all(axis=None)
    assert (hidden["n"] == 9).all()


def test_wrong_input_leaves_the_results_untouched(finished: Path, capsys: pytest.CaptureFixture[str]):
    before = (finished / "out" / "manifest.json").read_bytes()
    (finished / "study" / "wish.toml").write_text('outcome = "wish"\nfamilly = "cumulative"\n', encoding="utf-8")
    capsys.readouterr()
    assert run(finished) == 2
    said = capsys.readouterr().err
    assert 'unknown key "familly"' in said
    assert 'Did you mean "family"?' in said
    assert (finished / "out" / "manifest.json").read_bytes() == before


def test_a_folder_that_is_not_results_is_left_alone(small: Path, capsys: pytest.CaptureFixture[str]):
    (small / "out").mkdir()
    (small / "out" / "thesis.txt").write_text("mine", encoding="utf-8")
    assert run(small) == 2
    assert "is not a results folder and is left alone" in capsys.readouterr().err
    assert (small / "out" / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_verify_names_a_changed_and_a_missing_file(finished: Path, capsys: pytest.CaptureFixture[str]):
    with (finished / "out" / "raw.csv").open("a", encoding="utf-8") as stream:
        stream.write("one line more\n")
    (finished / "out" / "claims.csv").unlink()
    capsys.readouterr()
    assert main(["verify", str(finished / "out")]) == 1
    assert capsys.readouterr().out.splitlines() == ["claims.csv is missing", "raw.csv has changed since it was written"]


def test_the_same_inputs_give_the_same_tables(finished: Path):
    first = {path.name: path.read_bytes() for path in (finished / "out").glob("*.csv")}
    run(finished)
    assert {path.name: path.read_bytes() for path in (finished / "out").glob("*.csv")} == first


def test_finished_models_of_an_interrupted_run_are_used(ran: Path, small: Path, monkeypatch: pytest.MonkeyPatch):
    from wwm_models.study import run as running

    original = running.run_declared

    def dies_at_second(spec, *rest):
        if spec.name == "wish_nominal":
            raise KeyboardInterrupt
        return original(spec, *rest)

    monkeypatch.setattr(running, "run_declared", dies_at_second)
    assert run(small) == 130
    assert not (small / "out").exists()
    assert main(["verify", str(small / "out")]) == 2

    def only_second(spec, *rest):
        assert spec.name == "wish_nominal", "the first model was finished before"
        return original(spec, *rest)

    monkeypatch.setattr(running, "run_declared", only_second)
    assert run(small) == 0
    tables = sorted(path.name for path in (ran / "out").glob("*.csv"))
    assert tables == sorted(path.name for path in (small / "out").glob("*.csv"))
    for name in tables:
        pd.testing.assert_frame_equal(read_table(small / "out" / name), read_table(ran / "out" / name))
    assert not list(small.glob(".out*"))


MOMENTS = {  # changes of the folder in this order, the last of which does not happen any more; and whether the results are new ones then
    "nothing is written": ([" "], False),
    "a model is kept": (["finished/"], False),
    "half the tables are written": (["comparison.csv"], False),
    "the page is written": (["report.html"], False),
    "all but the manifest is written": (["manifest.json"], False),
    "the former results are removed": (["os.rename .*manifest.json", "os.remove raw.csv$"], True),
}


@pytest.mark.slow
def test_sigkill_at_any_moment_leaves_the_former_results_or_new_ones(finished: Path):
    out = finished / "out"
    place = ["--data", str(finished / "data.csv"), "--out", str(out), "--level", "0.9"]
    command = [
        sys.executable,
        str(Path(__file__).with_name("killed_runs.py")),
        str(finished),
        "run",
        str(finished / "study"),
        *place,
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as runs:
        assert runs.stdin is not None
        assert runs.stdout is not None
        for moment, (changes, new) in MOMENTS.items():
            print(json.dumps(changes), file=runs.stdin, flush=True)
            assert runs.stdout.readline() == "-9\n", moment
            assert verify_results(out) == [], moment
            assert (level_of(out) == 0.9) == new, moment
        print("[]", file=runs.stdin, flush=True)
        assert runs.stdout.readline() == "0\n"
    assert verify_results(out) == []
    assert level_of(out) == 0.9
    assert not list(finished.glob(".out*"))


def level_of(out: Path) -> float:
    return json.loads((out / "manifest.json").read_text(encoding="utf-8"))["settings"]["level"]


@pytest.mark.slow
def test_one_file_adds_a_language(finished: Path):
    """In a copy of the package: figures, tables and page of a run in a fourth language."""
    package = Path(wwm_models.__file__).parent
    shutil.copytree(package, finished / "src" / "wwm_models", ignore=shutil.ignore_patterns("__pycache__"))
    texts = finished / "src" / "wwm_models" / "report" / "texts"
    written = (texts / "en.toml").read_text(encoding="utf-8")
    for english, frisian in (("English", "Frysk"), ("adjusted", "korrizjearre"), ("adjusted %", "korrizjearre %")):
        assert f' = "{english}"\n' in written
        written = written.replace(f' = "{english}"\n', f' = "{frisian}"\n')
    (texts / "fy.toml").write_text(
        written.replace('decimal = "."', 'decimal = ","').replace('thousands = ","', 'thousands = "."'),
        encoding="utf-8",
    )
    folder = finished / "out"
    code = (
        f"import sys; sys.path.insert(0, {str(finished / 'src')!r}); from wwm_models.cli.main import main; import wwm_models; "
        f"assert wwm_models.__file__.startswith({str(finished)!r}); sys.exit(main(['report', {str(folder)!r}, '--lang', 'fy']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=finished, check=False)
    assert done.returncode == 0, done.stderr
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert '<html lang="fy">' in page
    assert 'value="fy" checked aria-label="Frysk"' in page
    assert '<span class="fy" lang="fy">korrizjearre</span>' in page
    assert "korrizjearre %" in (folder / "tables" / "figure-1--age_group.md").read_text(encoding="utf-8")
