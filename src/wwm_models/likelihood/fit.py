"""Maximum (pseudo-)likelihood on cells: estimates, status, covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wwm_models.errors import FitError, ModelError, did_you_mean, expect
from wwm_models.likelihood.covariance import covariance
from wwm_models.likelihood.degrees_of_freedom import Freedom, fit_freedom
from wwm_models.likelihood.likelihood import CellLikelihood, JeffreysLikelihood, cell_likelihood
from wwm_models.likelihood.maximum import (
    maximise_on,
    monotone_design,
    pooling_notes,
    replicate_estimates,
    starting_point,
)
from wwm_models.likelihood.refusals import (
    MEETING,
    crossing_message,
    meeting_patterns,
    refuse_separation,
    refuse_tripped,
    suspicious,
)
from wwm_models.likelihood.replicates import replicate_covariance
from wwm_models.likelihood.summary import reported_parameters, summary
from wwm_models.messages import category, listed_as, number, say, variable
from wwm_models.models.cells import Cells, Influence
from wwm_models.models.design import Design, cells_and_design
from wwm_models.models.model import FAMILIES, Model
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.intervals import kish_effective_n
from wwm_models.numerics.links import LINKS
from wwm_models.numerics.newton import Maximum, condition_number
from wwm_models.survey.survey import Survey

if TYPE_CHECKING:
    from wwm_models.likelihood.summary import NamedParameters


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Attributes
    ----------
    model, family, link
        What was fitted: ``models.model.Model``, ``models.family.Family``, ``numerics.links.Link``.
    survey, cells, design : records
        The respondents, their counts by pattern and answer, and the columns of the predictors.
    theta : (p + q,) array
        Estimates in the order of ``design.names``.
    bread : (p + q, p + q) array
        Inverse of the information.
    vcov : DataFrame (q, q)
        Covariance of the reported parameters, of kind `vcov_kind`.
    params : Series, q long
        Reported parameters; a cut point beside an answer without respondents repeats its neighbour or is infinite.
    loglik : float
        Log-likelihood (pseudo log-likelihood on weights with mean one for sampling weights).
    n, n_effective : respondents, and Kish's effective number of them
        Unweighted, and by the sum and the sum of squares of the weights.
    design_df : float
        Degrees of freedom of the design; infinite where there is none.
    converged : bool
        Whether the maximum was found: the gradient is zero there.
    status : str
        "ok", or what is wrong.
    message : str
        What is wrong, in a sentence; empty when nothing is.
    warnings : tuple of str
        What to know before the numbers are used; empty where there is nothing.
    replicate_theta : (R, p + q) array or None
        Estimates under every replicate weight of the survey.
    penalty : str
        "" or "jeffreys": then the estimates are penalised, and every table says so.
    render : function of a Fit
        Writes ``summary()``.
    influence : function of a Fit
        Gives ``theta_influence``.
    """

    model: Any
    family: Any
    link: Any
    survey: Survey
    cells: Cells
    design: Design
    theta: Array
    bread: Array
    theta_vcov: Array
    params: pd.Series
    vcov: pd.DataFrame
    vcov_kind: str
    loglik: float
    n: int
    n_effective: float
    design_df: float
    converged: bool
    status: str
    message: str
    iterations: int
    gradient_norm: float
    condition_number: float
    warnings: tuple[str, ...] = ()
    replicate_theta: Array | None = None
    penalty: str = ""
    render: Callable[[Fit], str] = repr
    influence: Callable[[Fit], Influence] | None = None

    def __repr__(self) -> str:
        """What was fitted, in two lines; the coefficients are in ``summary()``."""
        kind = f"{self.model.family}, {self.model.link}{f', {self.penalty} penalty' if self.penalty else ''}"
        state = self.status if self.status == "ok" else f"{self.status}: {self.message}"
        return (
            f"Fit of {self.model.formula} ({kind}): {state}\n"
            f"{self.n:,} respondents, {len(self.theta)} parameters, log-likelihood {self.loglik:.2f}, {self.vcov_kind} covariance; see .summary()"
        )

    def summary(self) -> str:
        """The fit as text: model, coefficients, design, what was excluded."""
        return self.render(self)

    @cached_property
    def theta_influence(self) -> Influence:
        """What each respondent contributes to theta, under the design its covariance used."""
        assert self.influence is not None
        return self.influence(self)

    @cached_property
    def others(self) -> dict[str, Fit | str]:
        """The same respondents' fits in other forms of the model, or why there are none, as `variants.refitted` made them."""
        return {}

    @property
    def std_errors(self) -> pd.Series:
        """Standard errors of `params`; missing for an infinite parameter."""
        return pd.Series(np.sqrt(np.diag(self.vcov.to_numpy())), index=self.params.index, name="std_error")


VCOV_KINDS = ("auto", "model", "robust", "design", "replicates")
PENALTIES = ("", "jeffreys")


def fit(
    model: Model, survey: Survey, *, vcov: str = "auto", aliased: str = "error", penalty: str = "", scheduler: str = ""
) -> Fit:
    """Fit a model to a survey by maximum likelihood (pseudo-likelihood under sampling weights).

    Parameters
    ----------
    model : Model
        What is fitted, and to which outcome.
    survey : Survey
        The respondents, with their weights and design.
    vcov : {"auto", "model", "robust", "design", "replicates"}
        "auto": replicates or design if the survey has them, else robust for sampling weights, else the inverse information.
    aliased : {"error", "drop"}
        What to do with columns that others determine.
    penalty : {"", "jeffreys"}
        "jeffreys": a penalised fit, finite also where answers are separated; every table of it says so. Its covariance is the
        inverse information, times n over Kish's effective n: an answer that nobody gave has no influence, so a sandwich would
        understate what is not known.
    scheduler : str
        Address of a Dask scheduler whose workers share the replicate weights; "": this process.

    Returns
    -------
    Fit
        Look at ``status``: only "ok" is a maximum with an invertible information.

    Raises
    ------
    ModelError
        If the model does not fit the survey's variables.
    RankError
        If columns are redundant and `aliased` is "error".
    SeparationError
        If a coefficient is infinite.

    Examples
    --------
    >>> import pandas as pd
    >>> answers = pd.Categorical(["no", "maybe", "yes", "no", "yes", "maybe"], ["no", "maybe", "yes"], ordered=True)
    >>> survey = Survey.from_frame(pd.DataFrame({"y": answers, "x": [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]}), weight=None)
    >>> round(fit(Model("y ~ x"), survey).loglik, 3)
    -6.592
    """
    check_arguments("fit", model, survey)
    kind = "model" if penalty and vcov == "auto" else vcov_kind(vcov, survey)
    family, link = FAMILIES[model.family], LINKS[model.link]
    cells, design = _cells_and_design(model, survey, aliased, penalty)
    likelihood = penalised(cell_likelihood(family, link, cells, design), penalty)
    found = maximise_on(likelihood, starting_point(family, likelihood, design))
    maximum, theta = found.maximum, found.theta
    if not penalty and suspicious(likelihood, theta, maximum):
        refuse_separation(family, cells, design, survey)
    status, message = _status(likelihood, theta, maximum, found.bread, cells)
    bread = np.full_like(found.information, np.nan) if found.bread is None else found.bread
    if status == "ok":
        refuse_tripped(likelihood, found, cells, design, penalised=bool(penalty))
    again = replicate_estimates(likelihood, theta, cells, design, survey, scheduler) if kind == "replicates" else None
    effective = float(kish_effective_n(np.asarray(cells.row_weight.sum()), np.asarray(cells.row_square.sum())))
    inflation, free = cells.n / effective if penalty else 1.0, fit_freedom(kind, survey, cells, 1)
    theta_vcov = _theta_covariance(kind, likelihood, theta, bread, cells, design, survey, again, inflation)
    reported = reported_parameters(theta, theta_vcov, cells, design, reverse=model.reverse)
    return Fit(
        model=model,
        family=family,
        link=link,
        survey=survey,
        cells=cells,
        design=design,
        theta=theta,
        bread=bread,
        theta_vcov=theta_vcov,
        params=reported.params,
        vcov=reported.vcov,
        vcov_kind=kind,
        loglik=CellLikelihood.value(likelihood, theta) if penalty else maximum.value,
        n=cells.n,
        n_effective=effective,
        design_df=float(free.df[0]),
        converged=status == "ok",
        status=status,
        message=message,
        iterations=maximum.iterations,
        gradient_norm=float(np.max(np.abs(found.gradient))),
        condition_number=condition_number(found.information),
        warnings=_warnings(survey, cells, design, reported, free),
        replicate_theta=again,
        penalty=penalty,
        render=summary,
        influence=theta_influence,
    )


def check_arguments(name: str, model: Model, survey: Survey) -> None:
    """Refuse anything else than a model and a survey, in this order."""
    expect(model, (Model,), f"The first argument of {name}", ModelError)
    expect(survey, (Survey,), f"The second argument of {name}", ModelError)


def vcov_kind(asked: str, survey: Survey) -> str:
    """Resolve "auto", and refuse what the survey cannot give."""
    if asked not in VCOV_KINDS:
        raise FitError(
            f'vcov="{asked}" is not known. Expected one of: {", ".join(VCOV_KINDS)}.{did_you_mean(asked, VCOV_KINDS)}'
        )
    if asked == "design" and survey.design is None:
        raise FitError(
            'vcov="design" was asked for, but the survey declares no strata or sampling units. Declare them, or use "robust".'
        )
    if asked == "replicates" and survey.replicates is None:
        raise FitError(
            'vcov="replicates" was asked for, but the survey has no replicate weights. Make them with wwm.replicates(survey).'
        )
    if asked != "auto":
        return asked
    if survey.replicates is not None:
        return "replicates"
    if survey.design is not None:
        return "design"
    return "robust" if survey.weight_kind == "sampling" else "model"


def penalised(likelihood: CellLikelihood, penalty: str) -> CellLikelihood:
    """The likelihood itself, or with the penalty of that name."""
    if penalty not in PENALTIES:
        raise FitError(
            f'penalty="{penalty}" is not known. Expected "jeffreys" or "".{did_you_mean(penalty, PENALTIES)}'
        )
    if not penalty:
        return likelihood
    return JeffreysLikelihood(likelihood.family, likelihood.link, likelihood.predictors, likelihood.counts)


def score_influence(
    likelihood: CellLikelihood, theta: Array, bread: Array, cells: Cells, survey: Survey, design: Design
) -> Influence:
    """Influence of every respondent on theta: ``bread @ score``, by pattern and answer of the design's order."""
    scores = likelihood.cell_scores(theta)
    scores = np.where(np.isfinite(scores), scores, 0.0)
    position = np.full(len(cells.categories), -1, dtype=np.intp)
    position[design.order] = np.arange(len(design.order))
    answer = np.where(cells.row_category >= 0, position[cells.row_category], -1)
    used = (cells.row_pattern >= 0) & (answer >= 0)
    row_cell = np.where(used, cells.row_pattern * len(design.order) + answer, -1)
    values = scores.reshape(-1, len(theta)) @ bread
    return Influence.of(survey, values, row_cell, cells.row_weight)


def theta_influence(fit: Fit) -> Influence:
    """Influence of every respondent on the parameters of a fit, under the design its covariance used."""
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    influence = score_influence(likelihood, fit.theta, fit.bread, fit.cells, fit.survey, fit.design)
    return replace(influence, design=fit.survey.design if fit.vcov_kind == "design" else None)


def _theta_covariance(
    kind: str, likelihood: CellLikelihood, theta: Array, bread: Array, cells: Cells, design: Design, survey: Survey,
    again: Array | None, inflation: float,
) -> Array:  # fmt: skip
    if kind == "model":
        return bread * inflation
    if not fit_freedom(kind, survey, cells, 1).estimable.all():
        return np.full_like(bread, np.nan)
    if again is not None and survey.replicates is not None:
        return replicate_covariance(again, theta, survey.replicates)
    influence = score_influence(likelihood, theta, bread, cells, survey, design)
    if kind == "robust":
        influence = replace(influence, design=None)
    return covariance(influence)


def _cells_and_design(model: Model, survey: Survey, aliased: str, penalty: str) -> tuple[Cells, Design]:
    """Cells and design, without the increments that monotonic terms fix at zero."""
    cells, design = cells_and_design(model, survey, aliased=aliased)
    family, link = FAMILIES[model.family], LINKS[model.link]
    return cells, monotone_design(family, link, cells, design, penalised=bool(penalty))


def _status(
    likelihood: CellLikelihood, theta: Array, maximum: Maximum, bread: Array | None, cells: Cells
) -> tuple[str, str]:
    """What is wrong with a maximum, and a sentence about it; "ok" and nothing where it is one."""
    failed = bread is None or not maximum.converged
    meeting = meeting_patterns(likelihood, theta, MEETING if failed else 0.0)
    if len(meeting):
        return "crossing", crossing_message(cells.patterns, meeting)
    if bread is None:
        return "singular", (
            "The information matrix cannot be inverted at the estimate, so there are no standard errors. "
            "Use fewer terms, or merge answers with few respondents."
        )
    if not maximum.converged:
        return "not converged", (
            say(
                "newton_stopped",
                iterations=maximum.iterations,
                gradient=number(np.max(np.abs(maximum.gradient)), ".2g"),
            )
        )
    return "ok", ""


def _warnings(
    survey: Survey, cells: Cells, design: Design, reported: NamedParameters, free: Freedom
) -> tuple[str, ...]:
    """What a reader must know."""
    found = [say("standard_errors", reason=str(reason)) for reason in free.reasons if reason]
    found += [
        say(
            "answer_without",
            answer=category(cells.outcome, cells.categories[k]),
            outcome=variable(cells.outcome),
            rows=cells.n,
        )
        for k in np.setdiff1d(np.arange(len(cells.categories)), design.order)
    ]
    if design.dropped:
        found.append(say("columns_dropped", names=listed_as(design.dropped)))
    found += pooling_notes(design)
    without = (cells.row_pattern >= 0) & (cells.row_weight == 0)
    zero = round(float(without.sum() if cells.tally is None else cells.tally.count[without].sum()))
    if zero:
        found.append(say("rows_without_weight", count=zero, rows=cells.n))
    return (*survey.warnings, *found, *reported.notes)
