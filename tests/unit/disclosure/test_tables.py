"""What is left of a run's tables around a suppressed number; the precision rule; two runs together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.cli.main import main
from wwm_models.disclosure.presentation_rules import differencing, precision
from wwm_models.disclosure.suppressed_tables import MODEL_BASED, SILENT, Withheld, without_withheld
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.raw import raw
from wwm_models.numerics.intervals import clopper_pearson_limits
from wwm_models.results.atomic_files import read_table
from wwm_models.study.result_tables import FLAT

SMALL = ("wish", "age=young", "yes")


def adjusted_table(estimate: float, method: str) -> pd.DataFrame:
    rows = [
        ("m", "", "age=young", "wish", "yes", estimate, 0.1, 0.1, 0.9, 0.95, np.nan, 200.0, 150.0, method, "adjusted", ""),
        ("m", "", "age=old", "wish", "yes", 0.5, 0.1, 0.4, 0.6, 0.95, np.nan, 200.0, 150.0, method, "adjusted", ""),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["model", *FLAT])


def tables_of(estimate: float, method: str) -> dict[str, pd.DataFrame]:
    adjusted = adjusted_table(estimate, method)
    compared = adjusted[["model", "by", "group", "outcome", "category", "n"]].assign(
        published=0.6, raw=[np.nan, 0.4], raw_lower=[np.nan, 0.3], raw_upper=[np.nan, 0.5], count=[np.nan, 40.0],
        adjusted_likelihood=adjusted["estimate"], adjusted_bayes=adjusted["estimate"], difference=[0.1, 0.1], difference_se=0.05,
    )  # fmt: skip
    contrasts = adjusted.iloc[[1]].assign(contrast="old - young", p_value=0.01, p_adjusted=0.02)
    coefficients = pd.DataFrame(
        [("m", "all", "age[old]", 0.3, 0.1, 0.1, 0.5, 0.95)],
        columns=["model", "estimand", "term", "estimate", "std_error", "lower", "upper", "level"],
    )
    parts = adjusted[["model", "by", "group", "outcome", "category", "level"]].assign(
        part="difference", percentage_points=10.0
    )
    return {
        "adjusted": adjusted,
        "comparison": compared,
        "contrasts": contrasts,
        "coefficients": coefficients,
        "decomposition": parts,
    }


def test_a_model_based_estimate_stays_and_says_what_it_is():
    made = without_withheld(tables_of(0.7, "likelihood"), Withheld({SMALL: 0.6}, 1, 10))
    assert made["adjusted"]["estimate"].tolist() == [0.7, 0.5]
    assert made["adjusted"]["method"].tolist() == [f"likelihood ({MODEL_BASED})", "likelihood"]
    comparison = made["comparison"].iloc[0]
    assert comparison[["raw", "count", "difference", "difference_se"]].isna().all()
    assert comparison[["adjusted_likelihood", "published", "n"]].tolist() == [0.7, 0.6, 200.0]
    assert made["comparison"].iloc[1][["raw", "difference"]].tolist() == [0.4, 0.1]
    assert made["contrasts"]["estimate"].tolist() == [0.5]
    assert made["coefficients"]["estimate"].tolist() == [0.3]
    assert made["decomposition"]["percentage_points"].isna().tolist() == [True, False]


@pytest.mark.parametrize(("estimate", "method"), [(0.6 + 1e-6, "likelihood"), (0.602, "bayes (uncorrected)")])
def test_a_model_that_reproduces_a_suppressed_percentage_is_suppressed_with_all_that_leads_to_it(estimate, method):
    made = without_withheld(tables_of(estimate, method), Withheld({SMALL: 0.6}, 1, 10))
    assert made["adjusted"]["estimate"].isna().all()  # the others are equations about the same cells
    columns = ["adjusted_likelihood", "adjusted_bayes", "difference", "difference_se"]
    assert made["comparison"][columns].isna().all(axis=None)
    assert made["comparison"]["raw"].tolist()[1] == 0.4
    assert made["decomposition"]["percentage_points"].isna().all()
    assert made["contrasts"][["estimate", "p_value", "p_adjusted"]].isna().all(axis=None)
    assert made["coefficients"]["estimate"].isna().all()


def test_nothing_suppressed_leaves_every_table_as_it_is():
    tables = tables_of(0.6, "likelihood")
    for name, table in without_withheld(tables, Withheld({})).items():
        pd.testing.assert_frame_equal(table, tables[name])


def estimates(share: list[float], n: list[float], effective: list[float], df: float = np.inf) -> Estimates:
    table = pd.DataFrame(
        {
            "outcome": "wish",
            "category": [f"k{i}" for i in range(len(n))],
            "estimate": share,
            "n": n,
            "n_effective": effective,
        }
    )
    return Estimates(table, (), np.zeros((len(n), len(n))), None, None, df)


def test_the_precision_rule_case_by_case():
    """Of the report: base, effective base, absolute width, relative width, complement, nobody; a narrow one is presented."""
    cases = [
        (0.5, 29, 29, "imprecise"), (0.5, 60, 29, "imprecise"), (0.5, 40, 40, "imprecise"), (0.05, 60, 60, "imprecise"),
        (0.95, 60, 60, "review"), (0.0, 200, 200, "review"), (0.5, 1500, 1200, "present"), (0.001, 3000, 3000, "present"),
        (np.nan, 6, np.nan, "suppressed"),
    ]  # fmt: skip
    share, n, effective, wanted = (list(column) for column in zip(*cases, strict=True))
    found = precision(estimates(share, n, effective))
    assert found["status"].tolist() == wanted
    known = np.isfinite(share)
    lower, upper = clopper_pearson_limits(np.array(share)[known], np.array(effective, dtype=float)[known], 0.95)
    np.testing.assert_allclose(found["width"][known], upper - lower)
    assert found["reason"].tolist()[0] == "fewer than 30 respondents"
    assert precision(estimates([0.5], [1500.0], [1200.0], df=7.0))["status"].tolist() == ["review"]


def test_two_runs_that_differ_by_a_few_respondents_are_named():
    here = pd.DataFrame(
        {
            "outcome": "wish",
            "by": ["", "age", "age"],
            "group": ["", "age=young", "age=old"],
            "category": "yes",
            "estimate": [0.5, 0.4, 0.6],
            "n": [1530.0, 500.0, 1030.0],
        }
    )
    there = here.assign(n=[1524.0, 500.0, 1020.0], estimate=[0.5, np.nan, 0.6])
    assert differencing(here, there, 10) == [
        "wish, everyone: 1530 respondents in one run and 1524 in the other, so that the answers of 6 can be computed",
        "wish, age=young: yes is suppressed in one run and shown in the other",
    ]
    assert differencing(here, here, 10) == []
    assert differencing(here, there.assign(estimate=0.5), 0) == []


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small study with few old people who live alone, and the same survey without four respondents."""
    root = tmp_path_factory.mktemp("disclosure")
    study = root / "study"
    study.mkdir()
    levels = {"age": ("young", "old"), "home": ("alone", "together"), "wish": ("no", "yes")}
    variables = "".join(
        f'[variables.{name}]\ncolumn = "{name}"\nkind = "ordered"\nlevels = ['
        + ", ".join(
            f'{{ id = "{level}", codes = [{code}], nl = "{level}", en = "{level}" }}'
            for code, level in enumerate(ids, start=1)
        )
        + "]\n"
        for name, ids in levels.items()
    )
    (study / "codebook.toml").write_text(f'[source]\ntitle = "Small"\nid = "id"\n{variables}', encoding="utf-8")
    (study / "wish.toml").write_text(
        'outcome = "wish"\nfamily = "multinomial"\nexposures = ["age", "home"]\ninteractions = ["age:home"]\nestimands = ["home-adjusted", "age-adjusted"]\n', encoding="utf-8"
    )  # fmt: skip
    sizes = {(1, 1): 60, (1, 2): 50, (2, 1): 6, (2, 2): 80}
    rows = [(a, h, 1 + (place % 3 == 0)) for (a, h), n in sizes.items() for place in range(n)]
    frame = pd.DataFrame(rows, columns=list(levels))
    frame.insert(0, "id", np.arange(1, len(frame) + 1))
    frame.to_csv(root / "all.csv", index=False)
    frame.iloc[4:].to_csv(root / "fewer.csv", index=False)
    for name in ("all", "fewer"):
        wwm.run_study(study, data=root / f"{name}.csv", out=root / "results" / name)
    return root / "results" / "all", root / "results" / "fewer"


def test_a_run_suppresses_small_cells_their_partners_and_a_saturated_model(runs: tuple[Path, Path]):
    raw_table = read_table(runs[0] / "raw.csv")
    joint = raw_table[raw_table["by"] == "age;home"]
    assert joint["estimate"].isna().all()
    assert sorted(joint["n"].unique()) == [6, 50, 60, 80]
    assert raw_table[raw_table["by"] != "age;home"]["estimate"].notna().all()
    adjusted = read_table(runs[0] / "adjusted.csv")
    assert adjusted[adjusted["by"] == "age;home"]["estimate"].isna().all()  # y ~ age * home reproduces every cell
    assert adjusted["estimate"].isna().all()  # with the totals, those of an age alone would solve for the 6
    assert set(adjusted["method"]) == {f"likelihood ({SILENT})"}
    assert read_table(runs[0] / "coefficients.csv")["estimate"].isna().all()
    diagnostics = read_table(runs[0] / "diagnostics.csv")
    assert set(diagnostics.loc[diagnostics["value"].notna(), "check"]) == {"n"}
    comparison = read_table(runs[0] / "comparison.csv")
    hidden = comparison[comparison["by"] == "age;home"]
    assert hidden[["raw", "difference", "count", "adjusted_likelihood"]].isna().all(axis=None)
    checked = read_table(runs[0] / "precision.csv")
    assert checked.loc[checked["by"] == "age;home", "status"].eq("suppressed").all()
    assert json.loads((runs[0] / "manifest.json").read_text(encoding="utf-8"))["disclosure"] == {
        "suppress_below": 10, "primary": 2, "complementary": 6,
    }  # fmt: skip


def test_verify_against_another_run_names_what_both_give_away(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
):
    assert main(["verify", str(runs[0]), "--against", str(runs[1])]) == 1
    assert (
        "wish, everyone: 196 respondents in one run and 192 in the other, so that the answers of 4 can be computed"
        in capsys.readouterr().out
    )
    assert main(["verify", str(runs[0]), "--against", str(runs[0])]) == 0
    assert f"Nothing can be computed from it together with {runs[0]}." in capsys.readouterr().out
    assert main(["verify", str(runs[0]), "--against", str(runs[0].parent / "nowhere")]) == 2


def test_raw_bases_are_what_the_attack_takes_them_to_be(frame: pd.DataFrame):
    """Cells of unknown level included: the published base of every group is the sum of its cells."""
    from wwm_models.disclosure.suppression import published

    frame = frame.assign(household=frame["household"].where(np.arange(len(frame)) % 9 > 0))
    survey = wwm.Survey.from_frame(frame, weight="w")
    raws = {"y": {by: raw(survey, "y", by or None) for by in ((), ("age",), ("age", "household"))}}
    question = published(survey, raws)[0]
    for item in question.items:
        row = raws["y"][item.by].table.iloc[item.row]
        assert (question.base(item), question.count(item)) == (row["n"], row["count"])
