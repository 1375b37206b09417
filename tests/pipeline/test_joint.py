"""A run with a joint model: its items stand in the tables beside the models of single outcomes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wwm_models.bayes.joint_sample import sample_joint
from wwm_models.cli.main import main
from wwm_models.errors import DeclarationError
from wwm_models.report.text import Labels
from wwm_models.results.atomic_files import read_table
from wwm_models.results.results import stored_results
from wwm_models.study.joint_model_files import read_joint_model
from wwm_models.study.posteriors import priors_of
from wwm_models.study.run import run_study

JOINT = 'joint = ["wish", "hope", "plan", "view"]\nexposures = ["age_group"]\nadjusters = ["household"]\n'
MORE = ("hope", "plan", "view")
LEVELS = 'levels = [ { id = "low", codes = [1], nl = "laag", en = "low" }, { id = "mid", codes = [2], nl = "midden", en = "mid" }, { id = "high", codes = [3], nl = "hoog", en = "high" } ]'
VARIABLES = "\n".join(f'[variables.{name}]\ncolumn = "{name}"\nkind = "ordered"\n{LEVELS}\n' for name in MORE)


@pytest.fixture
def with_items(small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    book = small / "study" / "codebook.toml"
    book.write_text(book.read_text(encoding="utf-8").replace("[collapses", VARIABLES + "[collapses"), encoding="utf-8")
    frame = pd.read_csv(small / "data.csv")
    rng = np.random.default_rng(1)
    person = 0.8 * frame["wish"].to_numpy() + rng.normal(size=len(frame))
    made = {name: 1 + np.searchsorted([1.0, 2.5], person + rng.logistic(size=len(frame))) for name in MORE}
    frame.assign(**made).to_csv(small / "data.csv", index=False)
    quicker = partial(sample_joint, draws=600, warmup=150)
    monkeypatch.setattr("wwm_models.study.posteriors.sample_joint", lambda *a, **k: quicker(*a, **{**k, "jobs": 1}))
    (small / "study" / "wish_nominal.toml").unlink()
    (small / "study" / "together.toml").write_text(JOINT, encoding="utf-8")
    return small


def run(folder: Path, engine: str) -> int:
    out = ["--out", str(folder / "out"), "--engine", engine]
    return main(["run", str(folder / "study"), "--data", str(folder / "data.csv"), *out])


@pytest.mark.slow
def test_items_of_a_joint_model_are_reported_as_models(with_items: Path):
    assert run(with_items, "likelihood,bayes") == 0
    adjusted = read_table(with_items / "out" / "adjusted.csv")
    wish = adjusted[adjusted["model"] == "together-wish"]
    assert set(wish["method"]) == {"bayes joint"}
    assert wish["estimand"].str.match(r"(overall|household-adjusted|total).*adjusters=").all()
    assert set(adjusted.loc[adjusted["model"] == "together-hope", "category"]) == {"low", "mid", "high"}
    alone = adjusted[(adjusted["model"] == "wish") & adjusted["estimand"].str.startswith("household-adjusted")]
    both = alone.merge(wish, on=["group", "category"], suffixes=("", "_joint"))
    both = both[both["by"] == "age_group"]
    assert len(both) == 12
    assert (both["estimate"] - both["estimate_joint"]).abs().max() < 0.05
    comparison = read_table(with_items / "out" / "comparison.csv")
    beside = comparison[comparison["model"] == "together-wish"]
    assert len(beside) == len(wish)
    key = ["by", "group", "category"]
    shown = beside.merge(wish, on=key)
    assert len(shown) == len(wish)
    np.testing.assert_array_equal(shown["adjusted_bayes"], shown["estimate"])
    np.testing.assert_array_equal(shown["adjusted_bayes_upper"], shown["upper"])
    assert shown["adjusted_likelihood"].isna().all()
    assert (with_items / "out" / "posterior" / "together.nc").is_file()
    contrasts = read_table(with_items / "out" / "contrasts.csv")
    assert len(contrasts[contrasts["model"] == "together-wish"]) == 12
    checks = read_table(with_items / "out" / "diagnostics.csv")
    note = checks[(checks["model"] == "together-wish") & (checks["check"] == "note")]
    assert note["message"].str.contains("not rotated").all()
    for item in ("wish", *MORE):
        own = checks[checks["model"] == f"together-{item}"].set_index("check")
        assert own.loc["loo_respondent", "value"] < -4 * 0.5 * 500  # four answers in three categories: log 3 is 1.1
        assert 0.0 < own.loc["predictive_p:age_group", "value"] < 1.0
        assert 0.0 < own.loc["together_p", "value"] < 1.0
    sayings = Labels(stored_results(with_items / "out")).sayings
    assert [said for said in own["message"].dropna() if said and not sayings.knows(said)] == []


def test_a_model_can_be_left_out_by_name(with_items: Path):
    out, study, data = with_items / "out", with_items / "study", with_items / "data.csv"
    engines = ("likelihood", "bayes")
    run_study(study, data=data, out=out, engines=engines, without=["together"])
    assert set(read_table(out / "adjusted.csv")["model"]) == {"wish"}
    with pytest.raises(DeclarationError, match=r'declares no model "togeter", so it cannot be left out.*"together"'):
        run_study(study, data=data, out=out, engines=engines, without=["togeter"])


def test_without_the_engine_there_is_no_joint_model(with_items: Path):
    assert run(with_items, "likelihood") == 0
    assert set(read_table(with_items / "out" / "adjusted.csv")["model"]) == {"wish"}


def test_a_joint_file_is_read_strictly(tmp_path: Path):
    path = tmp_path / "together.toml"
    path.write_text(JOINT + '[priors]\nslopes = "normal(0, 2)"\nspread = "half_normal(0.2)"\n', encoding="utf-8")
    spec = read_joint_model(path)
    assert spec.predictors == "age_group + household"
    made = priors_of(spec)
    assert (made.slopes, made.spread, made.loading_scale) == (2.0, 0.2, 0.75)
    wrong = {
        'joint = ["wish"]\n': "`joint` names wish. Expected two or more different ordered outcomes.",
        JOINT + 'exposure = ["age"]\n': 'unknown key "exposure".*Did you mean "exposures"?',
        JOINT
        + '[priors]\nspread = "half_norml(1)"\n': 'the prior of spread is .half_norml.1.*Expected half_normal.scale.*Did you mean "half_normal"?',
        JOINT + '[priors]\nspread = "half_normal(-1)"\n': "finite, with a last number above 0",
        JOINT + '[priors]\nslopes = "normal(1, 1)"\n': "Expected a mean of 0",
        JOINT + '[priors]\nloading = "lognormal(0, 1)"\n': 'unknown key "loading".*Did you mean "loadings"?',
        JOINT + 'weights = "svy"\n': "`weights` names",
    }
    for text, message in wrong.items():
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DeclarationError, match=message.replace("?", r"\?")):
            read_joint_model(path)
