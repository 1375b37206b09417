"""What diagnostics.csv says of a posterior beyond its chains: predictive accuracy, answers given back, sensitivity to the prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from wwm_models.checks import posterior_predictive
from wwm_models.checks.power_scaling import power_scaled
from wwm_models.engines.bayes import loo
from wwm_models.errors import WwmError
from wwm_models.records import Loo, Posterior
from wwm_models.study.diagnostics import Row

TAIL = 0.025  # of the Bayesian p-value of a discrepancy, on either side
GRID = 200  # draws of the predictive check: its p-value is then within 0.035 of what all draws give


def checks_of(post: Posterior, exposures: Sequence[str]) -> list[Row]:
    """Rows of leave-one-out accuracy, and per exposure of the predictive check and of power-scaling.

    Parameters
    ----------
    post : Posterior
        Healthy.
    exposures : sequence of str

    Returns
    -------
    list of (check, value, status, message)
        A check that cannot be made says why.
    """
    units = ["respondent"] if post.survey.design is None else ["respondent", "psu"]
    rows = [_accuracy(post, unit) for unit in units]
    return [*rows, *(_predicted(post, name) for name in exposures), *_sensitivity(post, exposures)]


def _accuracy(post: Posterior, unit: str) -> Row:
    try:
        return accuracy_row(loo(post, unit=unit))
    except WwmError as problem:
        return f"loo_{unit}", np.nan, "info", str(problem)


def accuracy_row(found: Loo, more: str = "") -> Row:
    """The row of a leave-one-out accuracy, with `more` after its message."""
    what = (
        f"expected log predictive density, left out by {found.unit}; std_error {found.std_error:.1f}, p_loo {found.p_loo:.1f}"
        f"{more}"
    )
    return f"loo_{found.unit}", found.elpd, "look" if found.message else "ok", found.message or what


def _predicted(post: Posterior, name: str) -> Row:
    try:
        found = posterior_predictive(post, name, draws=GRID)
    except WwmError as problem:
        return f"predictive_p:{name}", np.nan, "info", str(problem)
    return shares_row(name, found.table, found.p_value)


def shares_row(name: str, table: pd.DataFrame, p_value: float) -> Row:
    """The row of a predictive check of shares by an exposure."""
    outside = int((table["status"] != "ok").sum())
    what = f"shares of drawn answers against those observed; {outside} of {len(table)} observed shares outside their 95% limits"
    return f"predictive_p:{name}", p_value, tail_status(p_value), what


def tail_status(p_value: float) -> str:
    """Whether a tail probability asks for attention."""
    return "ok" if TAIL <= p_value <= 1.0 - TAIL else "look"


def _sensitivity(post: Posterior, exposures: Sequence[str]) -> list[Row]:
    try:
        tables = power_scaled(post, exposures)
    except WwmError as problem:
        return [(f"prior_sensitivity:{name}", np.nan, "info", str(problem)) for name in exposures]
    return [_worst(name, table) for name, table in zip(exposures, tables, strict=True)]


def _worst(name: str, table: pd.DataFrame) -> Row:
    worst = table.iloc[int(np.argmax(table["prior"].to_numpy()))]
    where = (
        f"{name} {worst[name]}, {worst['category']}: distance per doubling of the prior's power "
        f"({worst['likelihood']:.3f} of the likelihood's); {worst['diagnosis']}"
    )
    return f"prior_sensitivity:{name}", float(worst["prior"]), "ok" if worst["diagnosis"] == "ok" else "look", where
