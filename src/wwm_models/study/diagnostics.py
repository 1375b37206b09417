"""What diagnostics.csv says of a fit: its numbers, its assumptions with the size of their violation, and a second opinion."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from wwm_models.checks import brant, po_size
from wwm_models.checks.second_opinion import second_opinion
from wwm_models.checks.weights import weights_matter
from wwm_models.engines.freedom import fit_freedom
from wwm_models.errors import WwmError
from wwm_models.records import Fit
from wwm_models.stages import Stages, Whole

COLUMNS = ("estimand", "check", "value", "status", "message")
AGREES = 1e-5  # of statsmodels' estimates, whose optimiser stops at a gradient of 1e-8
Row = tuple[str, float, str, str]


def diagnostics(fit: Fit, estimand: str, name: str = "", stages: Stages | None = None) -> pd.DataFrame:
    """Rows of diagnostics.csv for one fit.

    Parameters
    ----------
    fit : Fit
    estimand : str
        Which of the model's fits this is.
    name : str
        Of the model, for what is wrong with a check.
    stages : Stages, optional
        Every check is one. Without it none may fail.

    Returns
    -------
    DataFrame
        With `COLUMNS`; status is "ok", "look" (something to read), "info", or what is wrong.
    """
    rows = _numbers(fit)
    if fit.status == "ok":
        each = stages or Whole()
        for check, made in (
            ("weights", _weights),
            ("proportional odds", _proportional_odds),
            ("second opinion", _second_opinion),
        ):
            rows += each.attempt(f"{name} ({estimand}), {check}", partial(made, fit), otherwise=[])
    rows += [("warning", np.nan, "look", text) for text in fit.warnings]
    return pd.DataFrame([(estimand, *row) for row in rows], columns=pd.Index(COLUMNS))


def failure(estimand: str, status: str, message: str) -> pd.DataFrame:
    """The single row of a fit that does not exist."""
    return pd.DataFrame([(estimand, "convergence", np.nan, status, message)], columns=pd.Index(COLUMNS))


def _numbers(fit: Fit) -> list[Row]:
    free = fit_freedom(fit.vcov_kind, fit.survey, fit.cells, 1)
    return [
        ("convergence", float(fit.iterations), fit.status, fit.message),
        ("gradient_norm", fit.gradient_norm, "ok" if fit.gradient_norm < 1e-4 else "look", ""),
        ("condition_number", fit.condition_number, "ok" if fit.condition_number < 1e8 else "look", ""),
        (
            "loglik",
            fit.loglik,
            "info",
            f"{fit.vcov_kind} covariance" + (f", {fit.penalty} penalty" if fit.penalty else ""),
        ),
        ("n", float(fit.n), "info", ""),
        ("n_effective", fit.n_effective, "info", "Kish"),
        ("design_df", fit.design_df, "info" if fit.design_df > 0 else "look", str(free.reasons[0])),
    ]


def _weights(fit: Fit) -> list[Row]:
    if fit.survey.weight_kind != "sampling":
        return []
    deff = fit.n / fit.n_effective
    rows: list[Row] = [("design_effect_of_weights", deff, "ok" if deff <= 3 else "look", "Kish: n over effective n")]
    try:
        test = weights_matter(fit)
    except WwmError:
        return rows
    return [
        *rows,
        (
            "weights_matter_p",
            test.p_value,
            "info",
            f"{test.law} = {test.statistic:.2f}: weighted against unweighted slopes",
        ),
    ]


def _proportional_odds(fit: Fit) -> list[Row]:
    """Brant's test, and always beside it how many percentage points the assumption costs."""
    parallel = (
        fit.family.ordered_cuts and fit.family.parallel and len(fit.design.order) > 2 and not fit.design.is_cut.all()
    )
    if not parallel or fit.penalty or fit.model.scale is not None:
        return []
    try:
        test, size = brant(fit), po_size(fit)
    except WwmError as problem:
        return [("proportional_odds_p", np.nan, "info", str(problem))]
    if size["percentage_points"].isna().all():
        return [("proportional_odds_p", test.p_value, "info", test.note)]
    worst = size.iloc[int(np.nanargmax(size["percentage_points"].to_numpy(dtype=float)))]
    where = f"largest change of an adjusted percentage without it: {worst['group']}, {worst['category']} ({worst['against']})"
    return [
        ("proportional_odds_p", test.p_value, "info", f"Brant, {test.law} = {test.statistic:.2f}"),
        (
            "proportional_odds_points",
            float(worst["percentage_points"]),
            "ok" if worst["percentage_points"] < 3 else "look",
            where,
        ),
    ]


def _second_opinion(fit: Fit) -> list[Row]:
    try:
        difference = second_opinion(fit)
    except WwmError as problem:
        return [("second_opinion", np.nan, "info", str(problem))]
    if difference is None:
        return []
    status = "ok" if difference < AGREES else "look"
    return [("second_opinion", difference, status, "largest difference from statsmodels' estimates")]
