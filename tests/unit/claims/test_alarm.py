"""The page asks to look at a model where a reported number hangs on its form, and names it; nothing else rings."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from wwm_models.report.health import health
from wwm_models.report.text import Labels
from wwm_models.results.results import Results

CHECKS = (
    "proportional_odds_points",
    "design_effect_of_weights",
    "predictive_p:age",
    "prior_sensitivity:age",
    "warning",
    "design_df",
)


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


def erring(moved: float, error: float, df: float = np.inf, copies: int = 1, level: float = 0.95) -> Results:
    """A move with a standard error in percentage points, among as many of the like."""
    made = results(moved)
    row = made.tables["robustness"].iloc[[0]].assign(nonproportional_se=error / 100.0, multinomial_se=np.nan, df=df)
    others = [row.assign(group=f"age={at}", nonproportional=0.40) for at in range(1, copies)]
    return dataclasses.replace(
        made, tables={**made.tables, "robustness": pd.concat([row, *others])}, settings={"level": level}
    )


def flipping(axis: str, status: str, verdict: str, primary: bool = True) -> Results:
    """A claim with a verdict, and what another form of the model does to it."""
    made = results(0.1, declared={"models": {"m": {"outcome": "y", "primary": primary}}, "claims": [CLAIM]})
    claims = pd.DataFrame([{"id": "C", "likelihood_verdict": verdict}])
    fragility = pd.DataFrame([{"id": "C", "axis": axis, "status": status, "detail": "multinomial"}])
    return dataclasses.replace(made, tables={**made.tables, "claims": claims, "fragility": fragility})


CLAIM = {"id": "C", "references": [{"role": "at", "outcome": "y", "category": "yes", "group": {"age": "young"}}]}


# The two-sided 5% point of the normal is 1.96, of Student's t with 4 degrees of freedom 2.776, and of the normal for one of 50 numbers 3.291.
@pytest.mark.parametrize(
    ("made", "level"),
    [
        (erring(5.0, 1.5), "look"),  # 5 - 1.96 x 1.5 = 2.06
        (erring(5.0, 1.55), "ok"),  # 1.96
        (erring(-5.0, 1.5), "look"),
        (erring(5.0, 1.5, df=4.0), "ok"),  # 0.84
        (erring(8.0, 2.0, df=4.0), "look"),  # 2.45
        (erring(5.0, 1.5, copies=50), "ok"),  # 0.06
        (erring(8.0, 1.5, copies=50), "look"),  # 3.06
        (erring(5.0, 1.5, level=0.99), "ok"),  # 5 - 2.576 x 1.5 = 1.14
        (erring(5.0, 0.0), "look"),
        (erring(5.0, 1.0, df=0.0), "ok"),  # no degrees of freedom: nothing is known of the move
        (flipping("parallel slopes relaxed", "flips", "holds"), "look"),
        (flipping("parallel slopes relaxed", "flips", "reverses"), "look"),
        (flipping("parallel slopes relaxed", "flips", "undecided"), "ok"),
        (flipping("parallel slopes relaxed", "does not flip", "holds"), "ok"),
        (flipping("trimmed weights", "flips", "holds"), "ok"),
        (flipping("parallel slopes relaxed", "flips", "holds", primary=False), "ok"),
    ],
)  # fmt: skip
def test_a_move_rings_beyond_its_own_error_and_a_lost_verdict_does(made: Results, level: str):
    assert health(Labels(made)).level == level


def test_what_rings_is_named_in_words():
    (move,) = health(Labels(erring(5.0, 1.5))).models["m"].worrying
    assert move.message.of("en").endswith(
        " moves 5.0 percentage points under another model (not parallel), and at least 2.1 when chance in all numbers together is allowed for; "
        "the study allows 2"
    )
    assert move.message.of("nl").endswith(
        " verschuift 5,0 procentpunt onder een ander model (niet evenwijdig), en zeker 2,1 als met toeval in alle getallen samen rekening wordt "
        "gehouden; de studie laat 2 toe"
    )
    (lost,) = health(Labels(flipping("parallel slopes relaxed", "flips", "holds"))).models["m"].worrying
    assert lost.message.of("en") == (
        "C (holds) loses that verdict under another model (multinomial): its estimates then lie on the other side of the border"
    )
    assert lost.message.of("nl") == (
        "C (houdt stand) verliest dat oordeel onder een ander model (multinomiaal): de schattingen liggen dan aan de andere kant van de grens"
    )


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
        assert "percentage points under another model (not parallel)" in check.message.of("en")
        assert "procentpunt onder een ander model (niet evenwijdig)" in check.message.of("nl")
        assert "yes" in check.message.of("en")
