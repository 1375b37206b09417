"""Averages of predicted probabilities over a target population, with their derivatives and influence.

P_k(g) = sum_r w_r p_k(x_r, g), where g sets the by-variables for everybody. Respondent i of the sample moves it by
w_i [p_k(x_i, g) - P_k(g)] / sum(w)  +  (dP_k(g) / d theta)' H^-1 w_i s_i: once as a member of the population averaged over,
once through the coefficients. Both parts together carry their covariance too. Under every replicate weight both change (`replicated_margins`).

`standardised` is what all adjusted numbers share: their joint covariance, the model's predictors, and the words of their estimand.

References
----------
Graubard, B. I. and Korn, E. L. (1999). Predictive margins with survey data. Biometrics 55, 652-659.
doi:10.1111/j.0006-341X.1999.00652.x
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from wwm_models.bayes.posterior import Fitted, Posterior
from wwm_models.errors import AdjustError, did_you_mean, expect, listed
from wwm_models.estimates.estimates import Estimand, Estimates
from wwm_models.estimates.standardise_draws import many_margins, sampled_margins
from wwm_models.estimates.target import Target
from wwm_models.likelihood.covariance import covariance, summed
from wwm_models.likelihood.degrees_of_freedom import Freedom, endless, fit_freedom, freedom
from wwm_models.likelihood.fit import Fit
from wwm_models.likelihood.likelihood import predictors_of
from wwm_models.likelihood.refusals import described_patterns
from wwm_models.likelihood.replicates import replicate_deviations
from wwm_models.messages import listed_as, say
from wwm_models.models.cells import Influence
from wwm_models.models.design import Tabulated
from wwm_models.models.formula import Grouped, as_frame
from wwm_models.models.linear_map import Columns
from wwm_models.numerics.arrays import Array


@dataclass(frozen=True, eq=False)
class PredictiveMargins:
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


def margins(fit: Fit, frame: Columns, weights: Array, count: int) -> PredictiveMargins:
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
    jacobian[:, fit.design.order] = linear.transpose_apply(weighted.reshape(count, rows, *weighted.shape[1:]))
    own = np.zeros((count, rows, answers))
    own[:, :, fit.design.order] = probability.reshape(count, rows, -1)
    average = weights @ own
    spread = (own - average[:, None, :]).transpose(1, 0, 2).reshape(rows, -1)
    return PredictiveMargins(average, jacobian, spread)


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
        described = listed_as(described_patterns(rows))
        raise AdjustError(say("cuts_cross", count=int(wrong.sum()), total=len(wrong), patterns=described))


def _tiled(values: Any, count: int) -> Any:
    if isinstance(values, Grouped):
        return Grouped(np.tile(values.codes, count), values.levels)
    return np.tile(np.asarray(values), count)


def _repeated(values: Any, count: int) -> Any:
    if isinstance(values, pd.Categorical):
        return Grouped(np.repeat(values.codes, count), tuple(values.categories))
    return np.repeat(np.asarray(values), count)


def replicated_margins(fit: Fit, frame: Columns, target: Target, covariates: str) -> Array:
    """Standardised probabilities of K answers in G groups under every replicate weight, (R, G * K).

    Parameters
    ----------
    fit : Fit
        With ``replicate_theta``.
    frame : Columns
        The intervened patterns, G copies of the target's.
    target : Target
    covariates : {"sampled", "fixed"}
        Whether the population averaged over changes with the replicate too.

    Raises
    ------
    AdjustError
        If the target is another survey, whose replicates are not those of the fit, or predicted cut points cross.
    """
    assert fit.replicate_theta is not None
    shares = _shares(fit, target, covariates)
    return many_margins(fit, frame, fit.replicate_theta, shares, "replicate").reshape(len(shares), -1)


def _shares(fit: Fit, target: Target, covariates: str) -> Array:
    """(R, patterns) shares of the target's patterns under every replicate weight."""
    made = fit.survey.replicates
    assert made is not None
    if target.survey is not None and target.survey is not fit.survey:
        raise AdjustError('Replicate weights of two surveys cannot be combined. Use over="sample" or "balanced".')
    if covariates == "fixed" or target.row_pattern is None:
        return np.tile(target.weights, (made.weights.shape[1], 1))
    return np.array([target.shares_under(weights) for weights in made.weights.T])


def method_of(fit: Fitted) -> str:
    """The word of the ``method`` column; a penalised fit says so in every table."""
    if isinstance(fit, Posterior):
        return fit.method
    return f"likelihood ({fit.penalty}-penalised)" if fit.penalty else "likelihood"


def refuse_unusable(fit: Fitted) -> None:
    """Refuse to estimate from anything else than a fit, a fit that is not a maximum, or chains that cannot be trusted."""
    expect(fit, (Fit, Posterior), "What to estimate from", AdjustError)
    if fit.status != "ok":
        key = "posterior_unusable" if isinstance(fit, Posterior) else "fit_unusable"
        raise AdjustError(say(key, formula=fit.model.formula, status=fit.status, message=fit.message))


def model_values(fit: Tabulated, name: str) -> Any:
    """A predictor's values in the patterns (a Categorical or numbers), or an error that names the predictors there are."""
    known = list(fit.cells.columns)
    if name not in known:
        raise AdjustError(
            f'"{name}" is not in the model "{fit.model.formula}", so nothing can be set to its levels. '
            f"Predictors: {listed(known, 30)}.{did_you_mean(name, known)}"
        )
    return fit.cells.columns[name]


@dataclass(frozen=True, eq=False)
class Standardised:
    """Linear combinations of margins: (m,) values, their (m, m) covariance, and the respondents' influence, (R, m) replicates or (s, m) draws."""

    estimate: Array
    covariance: Array
    contributions: Influence | None
    replicated: Array | None = None
    draws: Array | None = None
    freedom: Freedom = field(default_factory=lambda: endless(0))
    replicate_set: str = ""

    @property
    def std_error(self) -> Array:
        """(m,) standard errors."""
        return self.freedom.std_error(self.covariance)

    def estimates(self, table: pd.DataFrame, by: tuple[str, ...], origin: str) -> Estimates:
        """A table of these numbers with their joint law."""
        return Estimates(
            table, by, self.covariance, self.contributions, self.draws, self.freedom.smallest, self.replicated, origin, self.freedom,
            self.replicate_set,
        )  # fmt: skip


def standardised(fit: Fitted, frame: Columns, target: Target, matrix: Array, covariates: str) -> Standardised:
    """Estimates that are linear in the margins of a fit, with their joint covariance.

    Parameters
    ----------
    fit : Fit or Posterior
    frame : Columns of G * R rows
        Copies of the target's patterns under G interventions.
    target : Target
    matrix : (m, G * K) array
        Of the combinations.
    covariates : {"sampled", "fixed"}

    Raises
    ------
    AdjustError
    """
    if covariates not in ("sampled", "fixed"):
        raise AdjustError(f'covariates="{covariates}" is not known. Expected "sampled" or "fixed".')
    if isinstance(fit, Posterior):
        return drawn_estimates(fit, frame, target, matrix, covariates)
    count = matrix.shape[1] // len(fit.cells.categories)
    made = margins(fit, frame, target.weights, count)
    estimate = matrix @ made.probabilities.ravel()
    jacobian = matrix @ made.jacobian.reshape(matrix.shape[1], -1)
    spread = made.spread @ matrix.T
    free = fit_freedom(fit.vcov_kind, fit.survey, fit.cells, len(estimate))
    if fit.replicate_theta is not None:
        assert fit.survey.replicates is not None
        again = replicated_margins(fit, frame, target, covariates) @ matrix.T
        replicated = replicate_deviations(again, estimate, fit.survey.replicates)
        made = replicated.T @ replicated
        return Standardised(estimate, made, None, replicated, None, free, fit.survey.replicates.identity)
    if covariates == "fixed":
        return Standardised(estimate, jacobian @ fit.theta_vcov @ jacobian.T, None, freedom=free)
    if fit.penalty:
        population = covariance(sampled_influence(fit, np.zeros_like(jacobian), spread, target))
        joint = jacobian @ fit.theta_vcov @ jacobian.T + population
        return Standardised(
            estimate, joint, _scaled(sampled_influence(fit, jacobian, spread, target), joint), freedom=free
        )
    contributions = sampled_influence(fit, jacobian, spread, target)
    if contributions.beside:
        free = freedom(contributions)
    return Standardised(estimate, covariance(contributions), contributions, freedom=free)


def _scaled(influence: Influence, joint: Array) -> Influence:
    """Influence with the variances of a penalised fit: what its numbers have in common with others is linearised, their own errors are not."""
    linear = np.diag(covariance(influence))
    ratio = np.divide(np.diag(joint), linear, out=np.zeros(len(joint)), where=linear > 0)
    return replace(influence, values=influence.values * np.sqrt(ratio))


def drawn_estimates(post: Posterior, frame: Columns, target: Target, matrix: Array, covariates: str) -> Standardised:
    """The same of a posterior: every draw is averaged first, and summarised last."""
    draws = sampled_margins(post, frame, target, covariates).reshape(len(post.draws), -1) @ matrix.T
    joint = np.atleast_2d(np.cov(draws, rowvar=False))
    return Standardised(draws.mean(axis=0), joint, None, None, draws, endless(len(matrix)))


def estimand_text(fit: Tabulated, names: tuple[str, ...], target: Target, quantity: str = "") -> str:
    """What the number is of: exposure, adjusters, target population, averaging rule, machine-readable."""
    adjusters = tuple(str(name) for name in fit.cells.columns if name not in names)
    return Estimand(names, adjusters, target.label, quantity=quantity).text
