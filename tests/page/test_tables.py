"""The made run has the columns of a real one: what the page reads is what a run writes."""

from __future__ import annotations

import pytest

from wwm_models.claims.comparison import COMPARISON_COLUMNS as COMPARISON
from wwm_models.claims.fragility import FRAGILITY_COLUMNS as FRAGILITY
from wwm_models.disclosure.presentation_rules import PRECISION_COLUMNS
from wwm_models.study.diagnostics import DIAGNOSTIC_COLUMNS as DIAGNOSTICS
from wwm_models.study.fits import DECOMPOSITION_COLUMNS as DECOMPOSITION
from wwm_models.study.result_tables import AGREEMENT_COLUMNS as AGREEMENT
from wwm_models.study.robustness import ROBUSTNESS_COLUMNS as ROBUSTNESS

WRITTEN = {
    "comparison": COMPARISON,
    "decomposition": DECOMPOSITION,
    "robustness": ROBUSTNESS,
    "agreement": AGREEMENT,
    "fragility": FRAGILITY,
    "diagnostics": DIAGNOSTICS,
    "precision": ("by", "group", *PRECISION_COLUMNS),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_made_table_has_the_columns_of_a_real_one(make, name):
    columns = set(make().tables[name].columns) - {"study", "data", "model"}
    assert columns == set(WRITTEN[name])
