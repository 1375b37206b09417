"""The page asks to look at a model where a reported number hangs on its form, and names it; nothing else rings."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from wwm_models.records import Results
from wwm_models.report.health import health
from wwm_models.report.labels import Labels

CHECKS = ("proportional_odds_points", "design_effect_of_weights", "predictive_p:age", "prior_sensitivity:age")


def results(moved: float, group: str = "age=old", declared: dict | None = None) -> Results:
    diagnostics = pd.DataFrame(
        {"model": "m", "estimand": "all exposures", "check": CHECKS, "value": 9.0, "status": "look", "message": ""}
    )
    row = {
        "model": "m",
        "estimand": "total",
        "by": "age",
        "group": group,
        "outcome": "y",
        "category": "yes",
        "declared": 0.40,
    }
    robustness = pd.DataFrame(
        [{**row, "nonproportional": 0.40 + moved / 100.0, "multinomial": np.nan, "unweighted": 0.9}]
    )
    comparison = pd.DataFrame(columns=["model", "estimand", "outcome", "category", "group", "published"])
    return Results(
        "s", "S", synthetic=True, lang="en", tables={"diagnostics": diagnostics, "robustness": robustness, "comparison": comparison},
        variables={}, collapses={}, models={"m": MappingProxyType({"nl": "M", "en": "M"})}, declared=declared or {"models": {"m": {}}}, settings={},
    )  # fmt: skip


def within(lower: float, upper: float) -> Results:
    """A number of 40 percent with an interval, which another form of the model puts at 50."""
    made = results(10.0)
    row = made.tables["robustness"].iloc[[0]][["model", "estimand", "outcome", "category", "group"]]
    beside = row.assign(published=np.nan, adjusted_likelihood_lower=lower, adjusted_likelihood_upper=upper)
    return dataclasses.replace(made, tables={**made.tables, "comparison": beside})


CLAIM = {"id": "C", "references": [{"role": "at", "outcome": "y", "category": "yes", "group": {"age": "young"}}]}


@pytest.mark.parametrize(
    ("made", "level"),
    [
        (results(1.9), "ok"),
        (results(-2.1), "look"),
        (results(2.1, declared={"models": {"m": {"tolerance": 3.0}}}), "ok"),
        (results(0.5, declared={"models": {"m": {"tolerance": 0.4}}}), "look"),
        (results(9.0, declared={"models": {"m": {}}, "claims": [CLAIM]}), "ok"),
        (results(9.0, "age=young", {"models": {"m": {}}, "claims": [CLAIM]}), "look"),
        (within(0.28, 0.53), "ok"),
        (within(0.35, 0.45), "look"),
    ],
)
def test_only_a_reported_number_beyond_the_tolerance_rings(made: Results, level: str):
    found = health(Labels(dataclasses.replace(made)))
    assert found.level == level
    assert len(found.models["m"].checks) == len(CHECKS) + (level == "look")
    if level == "look":
        (check,) = found.models["m"].worrying
        assert "percentage points under another model (not parallel)" in check.message.en
        assert "procentpunt onder een ander model (niet evenwijdig)" in check.message.nl
        assert "yes" in check.message.en
