"""The article's use: the household of 23 of the 1,530 is not known (figure 3 rests on 1,507), and is completed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import wwm_models as wwm
from wwm_models.demo.respondents import quota_respondents
from wwm_models.errors import DeclarationError, ImputationError
from wwm_models.results.folder import Checkpoints
from wwm_models.study import imputed
from wwm_models.study.declarations import Declared
from wwm_models.study.fits import ModelResult, Work, run_model
from wwm_models.study.imputed import run_declared
from wwm_models.study.model_files import ModelSpec, bundled_study, read_model
from wwm_models.study.run import copy_posteriors, finished_models
from wwm_models.study.stored_results import result_from, stored_form

FOLDER = bundled_study("wwm21")
Pair = tuple[ModelSpec, wwm.Survey]


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The variant's file with three completed surveys instead of twenty, and SYNTHETIC respondents."""
    data = tmp_path_factory.mktemp("twin") / "data.csv"
    quota_respondents(1).to_csv(data, index=False)
    spec = read_model(FOLDER / "variants" / "desired_by_age_and_household_imputed.toml")
    assert spec.imputation["m"] == 20
    few = replace(spec, imputation={**spec.imputation, "m": 3}, interactions=(), estimands=("total",))
    return few, wwm.read_survey(data, FOLDER / "codebook.toml")


def test_the_1530_are_all_there(declared: Pair):
    spec, survey = declared
    alone = run_model(replace(spec, imputation={}), survey, {}, (), 0.95)
    done = run_declared(spec, survey, {}, (), 0.95)
    assert done.problems == ()
    for before, after in zip(alone.estimates, done.estimates, strict=True):
        if before[1].by != ("household",):
            continue
        assert before[1].table.groupby("category")["n"].sum().unique().tolist() == [1507]
        np.testing.assert_allclose(after[1].table.groupby("category")["n"].sum(), 1530)
        assert np.abs(before[1].table["estimate"] - after[1].table["estimate"]).max() < 0.01
    assert set(done.estimates[-1][1].table["method"]) == {"likelihood, 3 imputations"}
    told = done.diagnostics[done.diagnostics["check"] == "imputed_household"]
    assert told.groupby("estimand")["value"].sum().unique().tolist() == [23.0]
    assert len(done.coefficients) == len(alone.coefficients)


def test_a_pooled_result_survives_an_interrupted_run(declared: Pair):
    spec, survey = declared
    done = run_declared(spec, survey, {}, (), 0.95)
    again = result_from(stored_form(done), survey)
    np.testing.assert_array_equal(again.estimates[-1][1].table["estimate"], done.estimates[-1][1].table["estimate"])


def test_what_is_not_in_the_model_is_not_completed(tmp_path: Path):
    path = tmp_path / "m.toml"
    model = 'outcome = "y"\nfamily = "cumulative"\nexposures = ["age"]\n'
    path.write_text(f'{model}[imputation]\nm = 3\nvariables = ["partner"]\n', encoding="utf-8")
    with pytest.raises(
        DeclarationError, match=r"`variables` is \['partner'\]\. Expected some of the model's variables: y, age\."
    ):
        read_model(path)
    path.write_text('outcome = "y"\nfamily = "cumulative"\nimputation = 20\n', encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"`imputation` is 20\. Expected a table\."):
        read_model(path)


@pytest.mark.slow
def test_posteriors_of_completed_surveys_are_stacked(declared: Pair, tmp_path: Path):
    """Each completed survey has a posterior of its own; their draws together are the posterior that averages over the 23."""
    spec, survey = declared
    small = replace(
        spec, exposures=("household",), adjusters=(), engines=("likelihood", "bayes"), contrasts="none",
        imputation={**spec.imputation, "m": 2},
    )  # fmt: skip
    kept = Checkpoints(tmp_path / "out", "key")
    article = wwm.read_article(FOLDER / "article.toml")
    work = Work(survey, article, {}, ("likelihood", "bayes"), 1, 0.95, kept)
    (done,) = finished_models([small], work, lambda what, made, total: None)
    assert done.problems == ()
    pairs = {
        by: {
            "bayes" if found.draws is not None else "likelihood": found for _, found in done.estimates if found.by == by
        }
        for by in ((), ("household",))
    }
    bayes, likelihood = pairs["household",]["bayes"], pairs["household",]["likelihood"]
    assert set(bayes.table["method"].str.rsplit(",", n=1).str[1]) == {" 2 imputations"}
    np.testing.assert_allclose(bayes.table.groupby("category")["n"].sum(), 1530)
    assert np.abs(bayes.table["estimate"] - likelihood.table["estimate"]).max() < 0.02
    half = len(bayes.draws) // 2
    apart = np.abs(bayes.draws[:half].mean(axis=0) - bayes.draws[half:].mean(axis=0))
    assert 1e-5 < apart.max() < 0.05  # two surveys, not one chain read twice
    np.testing.assert_allclose(bayes.draws.mean(axis=0), bayes.table["estimate"])
    assert [len(values) for values in done.log_priors.values()] == [2 * half]
    assert set(done.log_priors) == {bayes.origin}
    copy_posteriors(kept, Declared("s", tmp_path, tmp_path, (small,), article), ("bayes",), tmp_path)
    assert len(list((tmp_path / "posterior").glob("*.nc"))) == 2


@pytest.mark.parametrize(("broken", "left"), [({1}, 2), ({0, 1}, 1)])
def test_one_completed_survey_that_fails_costs_itself(
    declared: Pair, monkeypatch: pytest.MonkeyPatch, broken: set[int], left: int
):
    """The others are pooled; of one alone nothing can be."""
    spec, survey = declared
    calls = iter(range(10))

    def failing(*given: object) -> ModelResult:
        if next(calls) in broken:
            raise RuntimeError("planted")
        return run_model(*given)

    monkeypatch.setattr(imputed, "run_model", failing)
    if left < 2:
        with pytest.raises(ImputationError) as caught:
            run_declared(spec, survey, {}, (), 0.95)
        assert str(caught.value).startswith(
            "1 of 3 completed surveys gave results. Expected 2 or more, since what is pooled is also how they differ. The first reason: "
            f"{spec.name}, completed survey 1 of 3: {spec.name} (all exposures): failed. RuntimeError"
        )
        return
    done = run_declared(spec, survey, {}, (), 0.95)
    assert set(done.estimates[-1][1].table["method"]) == {"likelihood, 2 imputations"}
    (problem,) = done.problems
    assert problem.startswith(
        f"{spec.name}, completed survey 2 of 3: {spec.name} (all exposures): failed. RuntimeError"
    )
