"""What `benchmarks scale` measures, on a table small enough for a test: the sums of a file that is read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.scale.one import main
from benchmarks.scale.tables import FORMULA, VARIABLES, write, write_codebook

import wwm_models as wwm


def test_the_measured_table_is_the_one_that_is_read_whole(tmp_path: Path):
    write(tmp_path / "data.parquet", 5000)
    write_codebook(tmp_path / "codebook.toml")
    found = main(str(tmp_path / "data.parquet"), str(tmp_path / "codebook.toml"))
    survey = wwm.read_survey(tmp_path / "data.parquet", tmp_path / "codebook.toml")
    fit = wwm.fit(wwm.Model(FORMULA), survey)
    assert (found["rows"], found["n"], found["status"]) == (5000, fit.n, "ok")
    assert survey.missing["answer"].tolist().count("no answer") == 5000 - fit.n > 0
    strata = survey.design.strata[:, 0]
    ways = len(set(zip(*(survey.frame[name].astype(str) for name in VARIABLES), strata, strict=True)))
    assert found["groups"] == ways > 1000
    np.testing.assert_allclose(np.sum(found["weights"]), survey.weights.sum(), rtol=1e-12)
    np.testing.assert_allclose(np.sum(found["squares"]), (survey.weights**2).sum(), rtol=1e-12)
    table = wwm.adjusted(fit, "age_group").table
    np.testing.assert_allclose(found["estimate"], table["estimate"], rtol=1e-10)
    np.testing.assert_allclose(found["std_error"], table["std_error"], rtol=1e-9)
