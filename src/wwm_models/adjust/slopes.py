"""Average slopes of a continuous predictor, and predictions for single rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.joint import estimand_text, method_of, model_values, refuse_unusable, standardised
from wwm_models.adjust.margins.sampled import drawn_limits, origin_of, sampled_predictions
from wwm_models.adjust.margins.standardise import intervened, refuse_crossing
from wwm_models.adjust.margins.target import Over, target_population
from wwm_models.adjust.table import probability_table
from wwm_models.engines.predictors import predictors_of
from wwm_models.errors import AdjustError, expect
from wwm_models.numerics import intervals
from wwm_models.records import Estimates, Fitted, Posterior
from wwm_models.records.columns import plain_frame

Array = NDArray[np.float64]


def slopes(
    fit: Fitted,
    variable: str,
    *,
    interval: str = "wald",
    covariates: str = "sampled",
    level: float = 0.95,
    over: Over = "sample",
) -> Estimates:
    """Average marginal effect of a continuous predictor on the probability of every answer.

    Parameters
    ----------
    fit : Fit or Posterior
    variable : str
        A number in the model.
    interval : {"wald"}
    covariates, level, over
        As for `adjusted`.

    Returns
    -------
    Estimates
        Change of each probability per unit of the variable; the changes sum to zero.

    Raises
    ------
    AdjustError
        If the variable is not a number of the model.

    Notes
    -----
    The derivative is a central difference over 1e-4 standard deviations of the variable; its error is of the order 1e-8.
    """
    refuse_unusable(fit)
    if interval != "wald":
        raise AdjustError(f'interval="{interval}": a slope is not a probability. Expected "wald".')
    column = model_values(fit, variable)
    if isinstance(column, pd.Categorical):
        raise AdjustError(
            f'"{variable}" has levels, not numbers. Use contrasts(fit, "{variable}") for its differences.'
        )
    target = target_population(fit, over, list(fit.cells.columns))
    step = 1e-4 * (float(np.std(np.asarray(column, dtype=float))) or 1.0)
    both = intervened(target, pd.DataFrame(index=range(2)))
    moved = np.repeat([step, -step], len(target.weights))
    frame = {**both, variable: both[variable] + moved}
    size = len(fit.cells.categories)
    difference = np.concatenate([np.eye(size), -np.eye(size)], axis=1)
    found = standardised(fit, frame, target, (difference / (2.0 * step)).astype(np.float64), covariates)
    lower, upper = intervals.wald_limits(
        found.estimate, found.std_error, intervals.critical_values(level, found.freedom.df)
    )
    if found.draws is not None:
        lower, upper = drawn_limits(found.draws, level)
    columns = {
        "estimate": found.estimate, "std_error": found.std_error, "lower": lower, "upper": upper,
        "count": np.nan, "n": fit.n, "n_effective": fit.n_effective,
    }  # fmt: skip
    estimand = estimand_text(fit, (), target, f"average slope on {variable}")
    table = probability_table(
        pd.DataFrame(index=[0]),
        list(fit.cells.categories),
        columns,
        outcome=fit.cells.outcome,
        level=level,
        method=method_of(fit),
        estimand=estimand,
    )
    return found.estimates(table, (), origin_of(fit))


def predict(fit: Fitted, frame: pd.DataFrame) -> pd.DataFrame:
    """Probability of every answer for each row of a frame of predictors.

    Parameters
    ----------
    fit : Fit or Posterior
    frame : DataFrame
        Complete on the model's predictors; levels as text or categorical, in any order.

    Returns
    -------
    DataFrame
        One column per declared answer; rows sum to one. Of a posterior: the mean over its draws.

    Raises
    ------
    AdjustError
        If predicted cut points cross in some row.
    """
    refuse_unusable(fit)
    expect(frame, (pd.DataFrame,), "The second argument of predict", AdjustError)
    frame = plain_frame(frame, "The frame")
    if isinstance(fit, Posterior):
        return pd.DataFrame(sampled_predictions(fit, frame), columns=pd.Index(fit.cells.categories), index=frame.index)
    log_p = fit.family.log_probabilities(predictors_of(fit.design, frame).eta(fit.theta), fit.link)
    refuse_crossing(log_p, frame.loc[:, list(fit.cells.columns)].reset_index(drop=True))
    full = np.zeros((len(frame), len(fit.cells.categories)))
    full[:, fit.design.order] = np.exp(log_p)
    return pd.DataFrame(full, columns=pd.Index(fit.cells.categories), index=frame.index)
