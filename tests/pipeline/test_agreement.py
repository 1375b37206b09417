"""Two engines, one answer: a run of a model whose prior the data contradict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wwm_models.cli.main import main
from wwm_models.results.atomic_files import read_table

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, study_in: Callable[[Path], Path]) -> dict[str, pd.DataFrame]:
    """agreement, fragility and adjusted of the small study; the prior of its primary model expects hardly any effect."""
    folder = tmp_path_factory.mktemp("agreement")
    study = study_in(folder)
    with (study / "wish.toml").open("a", encoding="utf-8") as stream:
        stream.write('engines = ["likelihood", "bayes"]\n[priors]\nslopes = "normal(0, 0.1)"\n')
    out = folder / "out"
    asked = ["--data", str(folder / "data.csv"), "--out", str(out), "--engine", "likelihood,bayes"]
    assert main(["run", str(study), *asked]) == 0
    return {name: read_table(out / f"{name}.csv") for name in ("agreement", "fragility", "adjusted")}


def test_gaps_are_those_of_the_two_engines(tables):
    """In points, and in the posterior's standard deviations; the limit is the declared one."""
    found, adjusted = tables["agreement"], tables["adjusted"]
    keys = ["model", "estimand", "by", "group", "category"]
    short = adjusted.assign(estimand=adjusted["estimand"].str.split(":").str[0]).fillna({"by": "", "group": ""})
    engines = [short[short["method"].str.startswith(word)].set_index(keys) for word in ("likelihood", "bayes")]
    found = found.fillna({"by": "", "group": "", "cause": ""}).set_index(keys)
    likelihood, bayes = (engine.loc[found.index] for engine in engines)
    gap = 100.0 * (bayes["estimate"] - likelihood["estimate"])
    np.testing.assert_allclose(found["gap_points"], gap, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["gap_sds"], gap / 100.0 / bayes["std_error"], rtol=1e-9)
    beyond = (gap.abs() > found["limit_points"]) | (found["gap_sds"].abs() > found["limit_sds"])
    assert (found["status"] == np.where(beyond, "differ", "agree")).all()
    assert ((found["cause"] != "") == beyond).all()


def test_a_prior_that_the_data_contradict_is_named(tables):
    """Its pull, the posterior's mode minus the maximum of the likelihood, leaves a tenth of a point: draws, and mean for mode."""
    differ = tables["agreement"][tables["agreement"]["status"] == "differ"]
    assert differ["gap_points"].abs().max() > 10.0
    assert set(differ["cause"]) == {"prior"}
    np.testing.assert_allclose(differ["prior_points"], differ["gap_points"], rtol=0, atol=0.15)
    assert differ[["family_points", "weights_points"]].notna().all(axis=None)


def test_the_power_of_the_prior_is_an_axis_of_the_flip_map(tables):
    row = tables["fragility"].set_index(["id", "axis"]).loc[("C1", "power of the prior")]
    assert row["status"] in ("flips", "does not flip")
    assert row["unit"] == "power"
