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

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.target import Target
from wwm_models.engines.covariance import covariance
from wwm_models.engines.crossing import described_patterns
from wwm_models.engines.likelihood import score_influence
from wwm_models.engines.loglikelihood import cell_likelihood
from wwm_models.engines.predictors import predictors_of
from wwm_models.errors import AdjustError, listed
from wwm_models.records import Fit, Influence

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


def intervened(target: Target, groups: pd.DataFrame) -> pd.DataFrame:
    """Every target pattern under every group's setting: G x R rows, groups outermost."""
    rows, count = len(target.patterns), len(groups)
    columns = {name: _tile(target.patterns[name], count) for name in target.patterns.columns}
    columns |= {name: _repeat(groups[name], rows) for name in groups.columns}
    return pd.DataFrame(columns, index=range(rows * count))


def margins(fit: Fit, frame: pd.DataFrame, weights: Array, count: int) -> Margins:
    """Average the predictions on `frame`, which stacks `count` copies of the target patterns.

    Parameters
    ----------
    fit : Fit
    frame : DataFrame, G * R rows
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
    eta, array = predictors.eta(fit.theta), predictors.jacobian(fit.theta)
    log_p = fit.family.log_probabilities(eta, fit.link)
    refuse_crossing(log_p, frame)
    probability = np.exp(log_p)
    scores = fit.family.scores(eta, fit.link, log_p)
    steps, size = array.shape[1:]
    weighted = (np.tile(weights, count)[:, None] * probability)[:, :, None] * scores
    stacked = weighted.reshape(count, rows, -1, steps).transpose(0, 2, 1, 3).reshape(count, -1, rows * steps)
    jacobian = np.zeros((count, answers, size))
    jacobian[:, fit.design.order] = stacked @ array.reshape(count, rows * steps, size)
    own = np.zeros((count, rows, answers))
    own[:, :, fit.design.order] = probability.reshape(count, rows, -1)
    average = np.einsum("r,grk->gk", weights, own)
    spread = (own - average[:, None, :]).transpose(1, 0, 2).reshape(rows, -1)
    return Margins(average, jacobian, spread)


def theta_influence(fit: Fit) -> Influence:
    """Influence of every respondent on the parameters of a fit, under the design its covariance used."""
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    influence = score_influence(likelihood, fit.theta, fit.bread, fit.cells, fit.survey, fit.design)
    design = fit.survey.design if fit.vcov_kind == "design" else None
    return Influence(influence.values, influence.row_cell, influence.row_weight, design, influence.frequency)


def sampled_influence(fit: Fit, jacobian: Array, spread: Array, target: Target) -> Influence:
    """Influence of the sample's respondents on m estimates, through the parameters and as members of the target.

    Parameters
    ----------
    fit : Fit
    jacobian : (m, p) array
    spread : (R, m) array
    target : Target
        The sample's own part enters only when the target is the sample.
    """
    influence = theta_influence(fit)
    values = influence.values @ jacobian.T
    if target.survey is fit.survey and target.row_pattern is not None:
        answers = len(fit.design.order)
        pattern_of = np.zeros(len(fit.cells.patterns), dtype=np.intp)
        used = fit.cells.row_pattern >= 0
        pattern_of[fit.cells.row_pattern[used]] = target.row_pattern[used]
        total = float(fit.cells.row_weight.sum())
        values = values + np.repeat(spread[pattern_of] / total, answers, axis=0)
    return Influence(values, influence.row_cell, influence.row_weight, influence.design, influence.frequency)


def target_covariance(target: Target, fit: Fit, spread: Array) -> Array:
    """Covariance from sampling the target's respondents, where they are others than the fit's."""
    size = spread.shape[1]
    if target.survey is None or target.survey is fit.survey or target.row_pattern is None or target.row_weight is None:
        return np.zeros((size, size))
    weight = target.row_weight / target.row_weight.sum()
    frequency = target.survey.weight_kind == "frequency"
    if frequency:
        spread, weight = spread / target.row_weight.sum(), target.row_weight
    return covariance(Influence(spread, target.row_pattern, weight, target.survey.design, frequency))


def refuse_crossing(log_p: Array, frame: pd.DataFrame) -> None:
    """Raise with the patterns in which predicted cut points cross."""
    wrong = np.asarray(~np.isfinite(log_p).all(axis=1), dtype=bool)
    if wrong.any():
        raise AdjustError(
            f"Predicted cut points cross in {int(wrong.sum())} of {len(frame)} predictor patterns, so some probability would not be "
            f"positive there: {listed(described_patterns(frame.loc[wrong]), 3)}. Make fewer terms nonproportional, or use another family."
        )


def _tile(column: pd.Series, count: int) -> object:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(np.tile(column.cat.codes.to_numpy(), count), dtype=column.dtype)
    return np.tile(column.to_numpy(), count)


def _repeat(column: pd.Series, count: int) -> object:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(np.repeat(column.cat.codes.to_numpy(), count), dtype=column.dtype)
    return np.repeat(column.to_numpy(), count)
