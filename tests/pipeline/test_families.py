"""Families of comparisons that model files declare: their adjusted p-values in contrasts.csv and families.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wwm_models.cli.main import main
from wwm_models.numerics.multiplicity import holm
from wwm_models.results.atomic_files import read_table

KEYS = ["model", "estimand", "by", "group", "category", "contrast"]


def contrasts_and_families(small: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    out = small / "out"
    assert main(["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(out)]) == 0
    contrasts = read_table(out / "contrasts.csv")
    names = contrasts["estimand"].str.partition(": ")[0]
    return contrasts.assign(estimand=names).set_index(KEYS).sort_index(), read_table(out / "families.csv")


@pytest.mark.slow
def test_p_values_are_adjusted_within_the_declared_family(small: Path):
    """Both models in one family: the largest |t| over six differences of ages, of which the answers' sums leave four free."""
    for path in (small / "study").glob("wish*.toml"):
        path.write_text(path.read_text(encoding="utf-8") + 'family_of_tests = "figure-1"\n', encoding="utf-8")
    contrasts, families = contrasts_and_families(small)
    assert set(families["family"]) == {"figure-1"}
    assert len(families) == len(contrasts)
    np.testing.assert_allclose(
        contrasts["p_adjusted"], families.set_index(KEYS).loc[contrasts.index, "p_max_t"], rtol=1e-12
    )
    assert (contrasts["p_adjusted"] >= contrasts["p_value"] * (1.0 - 1e-9)).all()
    single = families.groupby(["estimand", "by", "model"]).size()
    assert (
        families.groupby(["estimand", "by"])["comparisons"].first() == single.groupby(["estimand", "by"]).sum()
    ).all()


def test_without_a_family_each_table_is_one(small: Path):
    contrasts, families = contrasts_and_families(small)
    assert families.empty
    for _, table in contrasts.groupby(["model", "estimand", "by"]):
        np.testing.assert_allclose(table["p_adjusted"], holm(table["p_value"].to_numpy()), rtol=1e-9)
