"""Maximum (pseudo-)likelihood on cells: estimates, status, covariance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from wwm_models.cells.design import cells_and_design
from wwm_models.engines.covariance import covariance, design_degrees_of_freedom
from wwm_models.engines.loglikelihood import CellLikelihood, cell_likelihood
from wwm_models.engines.predictors import Predictors
from wwm_models.engines.reported import Reported, reported_parameters
from wwm_models.engines.separation import refuse_separation, suspicious
from wwm_models.errors import FitError, did_you_mean
from wwm_models.families import FAMILIES, Family, Model
from wwm_models.numerics.intervals import kish_effective_n
from wwm_models.numerics.linear import condition_number, inverse_or_none
from wwm_models.numerics.links import LINKS
from wwm_models.numerics.newton import Maximum, maximise
from wwm_models.records import Cells, Design, Fit, Influence, Survey

Array = NDArray[np.float64]
VCOV_KINDS = ("auto", "model", "robust", "design")


def fit(model: Model, survey: Survey, *, vcov: str = "auto", aliased: str = "error") -> Fit:
    """Fit a model to a survey by maximum likelihood (pseudo-likelihood under sampling weights).

    Parameters
    ----------
    model : Model
    survey : Survey
    vcov : {"auto", "model", "robust", "design"}
        "auto": design if the survey has one, else robust for sampling weights, else the inverse information.
    aliased : {"error", "drop"}
        What to do with columns that others determine.

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
    kind = vcov_kind(vcov, survey)
    family, link = FAMILIES[model.family], LINKS[model.link]
    cells, design = cells_and_design(model, survey, aliased=aliased)
    likelihood = cell_likelihood(family, link, cells, design)
    maximum, theta = maximise_on(likelihood, starting_point(family, likelihood, design))
    if suspicious(likelihood, theta, maximum):
        refuse_separation(family, cells, design)
    _, information = likelihood.derivatives(theta)
    bread = inverse_or_none(information)
    status, message = _status(maximum, bread)
    bread = np.full_like(information, np.nan) if bread is None else bread
    theta_vcov = _theta_covariance(kind, likelihood, theta, bread, cells, design, survey)
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
        loglik=maximum.value,
        n=cells.n,
        n_effective=_effective_n(cells, survey),
        design_df=design_degrees_of_freedom(survey.design) if kind == "design" else float("inf"),
        converged=status == "ok",
        status=status,
        message=message,
        iterations=maximum.iterations,
        gradient_norm=float(np.max(np.abs(maximum.gradient))),
        condition_number=condition_number(information),
        warnings=_warnings(cells, design, reported, counted=survey.weight_kind != "frequency"),
    )


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
    if asked != "auto":
        return asked
    if survey.design is not None:
        return "design"
    return "robust" if survey.weight_kind == "sampling" else "model"


def starting_point(family: Family, likelihood: CellLikelihood, design: Design) -> Array:
    """Cut points that reproduce the overall shares, slopes zero."""
    counts = likelihood.counts.sum(axis=0)
    cuts = family.cut_sign * family.start(counts / counts.sum(), likelihood.link)
    basis = family.cut_sign * design.array[0][:, design.is_cut[: design.array.shape[2]]]
    theta = np.zeros(len(design.names))
    theta[design.is_cut] = np.linalg.lstsq(basis, cuts, rcond=None)[0]
    return theta


def maximise_on(likelihood: CellLikelihood, start: Array) -> tuple[Maximum, Array]:
    """Maximise in coordinates in which the columns of the design are orthonormal, so that their scales do not matter.

    Returns
    -------
    Maximum
        In the transformed coordinates; its value and status are those of the original.
    (p,) array
        The maximum in the design's own coordinates.
    """
    array, scale = likelihood.predictors.array, likelihood.predictors.scale
    seen = likelihood.counts.sum(axis=1) > 0
    triangle = np.linalg.qr(array[seen].reshape(-1, array.shape[2]), mode="r")
    if scale is not None:
        triangle = block_diag(np.asarray(triangle), np.asarray(np.linalg.qr(scale[seen], mode="r")))
    back = np.linalg.inv(triangle)
    p = array.shape[2]
    predictors = Predictors(array @ back[:p, :p], None if scale is None else scale @ back[p:, p:])
    easy = CellLikelihood(likelihood.family, likelihood.link, predictors, likelihood.counts)
    maximum = maximise(easy.value, easy.derivatives, triangle @ start)
    return maximum, back @ maximum.point


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
    return Influence(values, row_cell, cells.row_weight, survey.design, survey.weight_kind == "frequency")


def _theta_covariance(
    kind: str, likelihood: CellLikelihood, theta: Array, bread: Array, cells: Cells, design: Design, survey: Survey
) -> Array:
    if kind == "model":
        return bread
    influence = score_influence(likelihood, theta, bread, cells, survey, design)
    if kind == "robust":
        influence = Influence(influence.values, influence.row_cell, influence.row_weight, None, influence.frequency)
    return covariance(influence)


def _effective_n(cells: Cells, survey: Survey) -> float:
    if survey.weight_kind == "frequency":
        return float(cells.n)
    return float(kish_effective_n(np.asarray(cells.row_weight.sum()), np.asarray((cells.row_weight**2).sum())))


def _status(maximum: Maximum, bread: Array | None) -> tuple[str, str]:
    if bread is None:
        return "singular", (
            "The information matrix cannot be inverted at the estimate, so there are no standard errors. "
            "Use fewer terms, or merge answers with few respondents."
        )
    if not maximum.converged:
        return "not converged", (
            f"Newton's method stopped after {maximum.iterations} iterations with a largest gradient of "
            f"{np.max(np.abs(maximum.gradient)):.2g}. Use fewer terms, or merge answers with few respondents."
        )
    return "ok", ""


def _warnings(cells: Cells, design: Design, reported: Reported, *, counted: bool) -> tuple[str, ...]:
    """What a reader must know; `counted` says whether a row of weight zero is a respondent (a frequency of zero is not)."""
    found = [
        f'Answer "{cells.categories[k]}" of {cells.outcome}: 0 of {cells.n} rows (with weight); it keeps its place with probability 0.'
        for k in np.setdiff1d(np.arange(len(cells.categories)), design.order)
    ]
    if design.dropped:
        found.append(f"Columns dropped because others determine them: {', '.join(design.dropped)}.")
    zero = int(((cells.row_pattern >= 0) & (cells.row_weight == 0)).sum())
    if zero and counted:
        found.append(f"{zero} of {cells.n} rows used have weight 0; they count in n but not in the estimates.")
    return (*found, *reported.notes)
