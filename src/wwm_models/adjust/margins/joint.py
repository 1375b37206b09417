"""What all adjusted numbers share: their joint covariance, the model's predictors, and the words of their estimand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.replicated import replicated_margins
from wwm_models.adjust.margins.sampled import sampled_margins
from wwm_models.adjust.margins.standardise import margins, sampled_influence
from wwm_models.adjust.margins.target import Target
from wwm_models.engines.covariance import covariance
from wwm_models.engines.freedom import fit_freedom, freedom
from wwm_models.engines.replicates import replicate_deviations
from wwm_models.errors import AdjustError, did_you_mean, expect, listed
from wwm_models.records import Columns, Estimand, Estimates, Fit, Fitted, Influence, Posterior, Tabulated
from wwm_models.records.estimates import Freedom, endless

Array = NDArray[np.float64]


def method_of(fit: Fitted) -> str:
    """The word of the ``method`` column; a penalised fit says so in every table."""
    if isinstance(fit, Posterior):
        return fit.method
    return f"likelihood ({fit.penalty}-penalised)" if fit.penalty else "likelihood"


def refuse_unusable(fit: Fitted) -> None:
    """Refuse to estimate from anything else than a fit, a fit that is not a maximum, or chains that cannot be trusted."""
    expect(fit, (Fit, Posterior), "What to estimate from", AdjustError)
    if fit.status != "ok":
        what = "posterior" if isinstance(fit, Posterior) else "fit"
        raise AdjustError(
            f'The {what} of "{fit.model.formula}" is {fit.status}: {fit.message} No probabilities are given from it.'
        )


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
