"""Averages of predicted probabilities over a target population, with their derivatives and influence.

P_k(g) = sum_r w_r p_k(x_r, g), where g sets the by-variables for everybody. Respondent i of the sample moves it by
w_i [p_k(x_i, g) - P_k(g)] / sum(w)  +  (dP_k(g) / d theta)' H^-1 w_i s_i: once as a member of the population averaged over,
once through the coefficients. Both parts together carry their covariance too.

References
----------
Graubard, B. I. and Korn, E. L. (1999). Predictive margins with survey data. Biometrics 55, 652-659.
doi:10.1111/j.0006-341X.1999.00652.x
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.target import Target
from wwm_models.cells.plain import Grouped, as_frame
from wwm_models.engines.covariance import summed
from wwm_models.engines.crossing import described_patterns
from wwm_models.engines.predictors import predictors_of
from wwm_models.errors import AdjustError, listed
from wwm_models.records import Columns, Fit, Influence

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Margins:
    """Standardised probabilities of K answers in G groups.

    Attributes
    ----------
    probabilities : (G, K) array
    jacobian : (G, K, p) array
        Derivatives with respect to theta.
    spread : (R, G * K) array
        Each target pattern's own probability minus the average.
    """

    probabilities: Array
    jacobian: Array
    spread: Array


def intervened(target: Target, groups: pd.DataFrame) -> Columns:
    """Every target pattern under every group's setting: G x R rows, groups outermost."""
    rows, count = len(target.weights), len(groups)
    columns = {name: _tiled(values, count) for name, values in target.columns.items()}
    columns |= {str(name): _repeated(groups[name].array, rows) for name in groups.columns}
    return columns or pd.DataFrame(index=range(rows * count))


def margins(fit: Fit, frame: Columns, weights: Array, count: int) -> Margins:
    """Average the predictions on `frame`, which stacks `count` copies of the target patterns.

    Parameters
    ----------
    fit : Fit
    frame : Columns of G * R rows
    weights : (R,) array
        Shares of the patterns.
    count : int
        G.

    Raises
    ------
    AdjustError
        If predicted cut points cross in some pattern.
    """
    rows, answers = len(weights), len(fit.cells.categories)
    predictors = predictors_of(fit.design, frame)
    eta, linear = predictors.eta(fit.theta), predictors.jacobian(fit.theta)
    log_p = fit.family.log_probabilities(eta, fit.link)
    refuse_crossing(log_p, frame)
    probability = np.exp(log_p)
    scores = fit.family.scores(eta, fit.link, log_p)
    weighted = (np.tile(weights, count)[:, None] * probability)[:, :, None] * scores
    jacobian = np.zeros((count, answers, len(fit.theta)))
    jacobian[:, fit.design.order] = linear.pull(weighted.reshape(count, rows, *weighted.shape[1:]))
    own = np.zeros((count, rows, answers))
    own[:, :, fit.design.order] = probability.reshape(count, rows, -1)
    average = weights @ own
    spread = (own - average[:, None, :]).transpose(1, 0, 2).reshape(rows, -1)
    return Margins(average, jacobian, spread)


def sampled_influence(fit: Fit, jacobian: Array, spread: Array, target: Target) -> Influence:
    """Influence of the sample's respondents on m estimates, through the parameters and as members of the target.

    Parameters
    ----------
    fit : Fit
    jacobian : (m, p) array
    spread : (R, m) array
    target : Target
        A declared population has no part of its own; another survey's respondents have theirs, paired with those of the fit where they
        are the same.
    """
    influence = fit.theta_influence.occupied
    values = influence.values @ jacobian.T
    if target.raking is not None:
        own = target.raking.unexplained(spread[target.raking_pattern]) / float(fit.cells.row_weight.sum())
        members = replace(influence, values=own, row_cell=target.raking.row)
        return summed(replace(influence, values=values), members)
    if target.survey is fit.survey and target.row_pattern is not None:
        pattern_of = np.zeros(len(values), dtype=np.intp)
        used = influence.row_cell >= 0
        pattern_of[influence.row_cell[used]] = target.row_pattern[used]
        values += (spread / float(fit.cells.row_weight.sum()))[pattern_of]
        return replace(influence, values=values)
    own, others = replace(influence, values=values), _target_influence(target, spread)
    return own if others is None else summed(own, others)


def _target_influence(target: Target, spread: Array) -> Influence | None:
    """Contributions of the target's respondents, where it is a sample."""
    if target.survey is None or target.row_pattern is None or target.row_weight is None:
        return None
    weight = target.row_weight / target.row_weight.sum()
    return Influence.of(target.survey, spread, target.row_pattern, weight)


def refuse_crossing(log_p: Array, frame: Columns) -> None:
    """Raise with the patterns in which predicted cut points cross."""
    wrong = np.asarray(~np.isfinite(log_p).all(axis=1), dtype=bool)
    if wrong.any():
        rows = as_frame(frame).loc[wrong]
        raise AdjustError(
            f"Predicted cut points cross in {int(wrong.sum())} of {len(wrong)} predictor patterns, so some probability would not be "
            f"positive there: {listed(described_patterns(rows), 3)}. Make fewer terms nonproportional, or use another family."
        )


def _tiled(values: Any, count: int) -> Any:
    if isinstance(values, Grouped):
        return Grouped(np.tile(values.codes, count), values.levels)
    return np.tile(np.asarray(values), count)


def _repeated(values: Any, count: int) -> Any:
    if isinstance(values, pd.Categorical):
        return Grouped(np.repeat(values.codes, count), tuple(values.categories))
    return np.repeat(np.asarray(values), count)
