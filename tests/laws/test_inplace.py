"""Counting respondents in place is reading them: the same n, sums, estimates and standard errors on every declared study."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.demo.respondents import quota_respondents
from wwm_models.study.model_files import ModelSpec, read_models
from wwm_models.survey.sampling_design import summed_squares

STUDIES = Path(__file__).parents[2] / "models"
SUMS = 1e-12  # of hundreds of weights in another order
ERRORS = 1e-9  # variances are differences of such sums
REAL = {"nsw2020": "nsw_rws/2020_rws.csv", "nsw2021": "nsw_rws/2021_rws.csv", "gss2018": "gss2018.csv"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A data file of every study for which there is one here."""
    from os import environ

    folder = tmp_path_factory.mktemp("studies")
    quota_respondents(1).to_csv(folder / "wwm21.csv", index=False)
    real = Path(environ.get("WWM_DATA") or STUDIES.parents[1] / "shared" / "data")
    found = {study: real / name for study, name in REAL.items() if (real / name).is_file()}
    return {"wwm21": folder / "wwm21.csv", **found}


@pytest.fixture(params=[path.name for path in sorted(STUDIES.iterdir()) if (path / "codebook.toml").is_file()])
def study(request: pytest.FixtureRequest, files: dict[str, Path]) -> tuple[Path, Path]:
    """The folder of a study and its data file."""
    if request.param not in files:
        pytest.skip(f"no data of {request.param} here: set WWM_DATA")
    return STUDIES / request.param, files[request.param]


def specs_of(folder: Path) -> list[ModelSpec]:
    """One model for each of the first four outcomes."""
    return list({spec.outcome: spec for spec in read_models(folder)}.values())[:4]


def names_of(spec: ModelSpec) -> list[str]:
    return list(dict.fromkeys([spec.outcome, *spec.exposures, *spec.adjusters]))


def as_duckdb(data: Path, path: Path) -> str:
    """The columns of a text file as pandas guesses their types, as a table."""
    frame = pd.read_csv(data, encoding="utf-8-sig", keep_default_na=False, na_values=[""], low_memory=False)
    with duckdb.connect(str(path)) as base:
        base.execute("create table answers as select * from frame")
        assert len(frame)
    return f"duckdb://{path}#answers"


def sums(survey: wwm.Survey, names: list[str]) -> pd.DataFrame:
    """Respondents, weights and squared weights of every way of answering in the domain, missing values by their reason."""
    keys = {
        name: survey.frame[name].astype(object).where(survey.missing[name] == "", survey.missing[name]).astype(str)
        for name in names
    }
    squares = summed_squares(survey.weights, survey.tally)
    rows = pd.DataFrame({**keys, "n": survey.counts, "w": survey.weights, "ww": squares})
    return rows[survey.domain].groupby(names, observed=True)[["n", "w", "ww"]].sum()


def same_sums(one: wwm.Survey, two: wwm.Survey, names: list[str]) -> None:
    pd.testing.assert_frame_equal(two.accounting, one.accounting)
    known, found = sums(one, names), sums(two, names)
    pd.testing.assert_index_equal(found.index, known.index)
    np.testing.assert_array_equal(found["n"], known["n"])
    np.testing.assert_allclose(found[["w", "ww"]], known[["w", "ww"]], rtol=SUMS)
    assert (two.warnings == ()) == (one.warnings == ())
    assert (two.synthetic, two.weight_kind, two.title) == (one.synthetic, one.weight_kind, one.title)


def same_estimates(one: wwm.Survey, two: wwm.Survey, spec: ModelSpec) -> None:
    formula = f"{spec.outcome} ~ {' + '.join(names_of(spec)[1:])}"
    first, second = (fitted(wwm.Model(formula, family=spec.family), survey) for survey in (one, two))
    assert (second.n, second.cells.excluded, second.design_df) == (first.n, first.cells.excluded, first.design_df)
    np.testing.assert_allclose(second.params, first.params, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(second.std_errors, first.std_errors, rtol=ERRORS)
    tables = [
        [
            wwm.raw(survey, spec.outcome, spec.exposures[0]),
            *([] if fit.status != "ok" else [wwm.adjusted(fit, spec.exposures[0])]),
        ]
        for survey, fit in ((one, first), (two, second))
    ]
    for known, found in zip(*tables, strict=True):
        for name in ("estimate", "std_error", "lower", "upper", "n"):
            np.testing.assert_allclose(found.table[name], known.table[name], rtol=ERRORS, atol=1e-14, err_msg=name)


def fitted(model: wwm.Model, survey: wwm.Survey) -> wwm.Fit:
    """A fit, penalised where answers are separated."""
    try:
        return wwm.fit(model, survey)
    except wwm.errors.SeparationError:
        return wwm.fit(model, survey, penalty="jeffreys")


@pytest.mark.slow
def test_every_model_of_every_study(study: tuple[Path, Path], tmp_path: Path):
    folder, data = study
    book = folder / "codebook.toml"
    whole = wwm.read_survey(data, book)
    table = as_duckdb(data, tmp_path / "study.duckdb")
    for place, spec in enumerate(specs_of(folder)):
        names = names_of(spec)
        for source in (data, table) if place == 0 else (table,):
            counted = wwm.read_counts(source, book, names)
            same_sums(whole, counted, names)
            same_estimates(whole, counted, spec)
