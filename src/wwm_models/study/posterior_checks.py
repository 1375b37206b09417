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
    rows = [row for unit in units for row in _accuracy(post, unit)]
    return [*rows, *(row for name in exposures for row in _predicted(post, name)), *_sensitivity(post, exposures)]


def _accuracy(post: Posterior, unit: str) -> list[Row]:
    try:
        found: Loo = loo(post, unit=unit)
    except WwmError as problem:
        return [(f"loo_{unit}", np.nan, "info", str(problem))]
    what = (
        f"expected log predictive density, left out by {unit}; std_error {found.std_error:.1f}, p_loo {found.p_loo:.1f}"
    )
    return [(f"loo_{unit}", found.elpd, "look" if found.message else "ok", found.message or what)]


def _predicted(post: Posterior, name: str) -> list[Row]:
    check = f"predictive_p:{name}"
    try:
        found = posterior_predictive(post, name, draws=GRID)
    except WwmError as problem:
        return [(check, np.nan, "info", str(problem))]
    outside = int((found.table["status"] != "ok").sum())
    what = f"shares of drawn answers against those observed; {outside} of {len(found.table)} observed shares outside their 95% limits"
    return [(check, found.p_value, "ok" if TAIL <= found.p_value <= 1.0 - TAIL else "look", what)]


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
