"""The same response model on other cells or another design, and the covariance of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.checks.ratio import needs_influence
from wwm_models.engines.covariance import covariance, joined
from wwm_models.engines.crossing import MEETING, meeting_patterns
from wwm_models.engines.loglikelihood import CellLikelihood, cell_likelihood
from wwm_models.engines.maximum import maximise_on, replicate_estimates, starting_point
from wwm_models.engines.replicates import replicate_covariance
from wwm_models.engines.separation import receding_direction, suspicious
from wwm_models.records import Cells, Design, Fit

Array = NDArray[np.float64]


def refit(fit: Fit, cells: Cells, design: Design) -> Fit:
    """Maximise the likelihood of a fit's family and link on other cells and another design.

    Parameters
    ----------
    fit : Fit
        Gives the family, link, survey and kind of covariance.
    cells : Cells
        On the same rows of the survey.
    design : Design

    Returns
    -------
    Fit
        Its ``status`` is "ok", "separated", "crossing" (the likelihood rises until cut points meet in some pattern),
        "singular" or "not converged". A separated fit has the limit of the log-likelihood, which exists, and coefficients that
        mean nothing. Reported parameters are those of `fit`: only ``theta``, ``bread``, ``theta_vcov``, ``replicate_theta``
        and ``loglik`` belong to the new maximum.
    """
    likelihood = cell_likelihood(fit.family, fit.link, cells, design)
    with np.errstate(invalid="ignore", over="ignore"):  # where the maximum is at infinity; the status says so
        found = maximise_on(likelihood, starting_point(fit.family, likelihood, design))
        maximum, theta, bread = found.maximum, found.theta, found.bread
        odd = suspicious(likelihood, theta, maximum)
    status = "ok"
    if odd and receding_direction(fit.family, cells, design) is not None:
        status = "separated"
    elif bread is None or not maximum.converged:
        meeting = meeting_patterns(likelihood, theta, MEETING)
        status = "crossing" if len(meeting) else "singular" if bread is None else "not converged"
    bread = np.full((len(theta), len(theta)), np.nan) if bread is None else bread
    again = replace(
        fit,
        cells=cells,
        design=design,
        theta=theta,
        bread=bread,
        theta_vcov=np.full_like(bread, np.nan),
        replicate_theta=None,
        loglik=maximum.value,
        status=status,
        converged=status == "ok",
    )
    return _with_covariance(again, likelihood) if status == "ok" else again


def joint_covariance(fits: Sequence[Fit]) -> Array:
    """Covariance of the parameters of several refits of one survey, one after the other: by replicates or by influence.

    Parameters
    ----------
    fits : sequence of Fit
        All with status "ok" and the same kind of covariance.

    Returns
    -------
    (p, p) array
        p the number of parameters of all fits together.
    """
    thetas = [one.replicate_theta for one in fits if one.replicate_theta is not None]
    made = fits[0].survey.replicates
    if made is not None and len(thetas) == len(fits):
        return replicate_covariance(np.hstack(thetas), np.concatenate([one.theta for one in fits]), made)
    influence = fits[0].theta_influence
    for one in fits[1:]:
        influence = joined(influence, one.theta_influence)
    return covariance(influence)


def _with_covariance(fit: Fit, likelihood: CellLikelihood) -> Fit:
    if not needs_influence(fit):
        return replace(fit, theta_vcov=fit.bread)
    if fit.vcov_kind == "replicates":
        again = replicate_estimates(likelihood, fit.theta, fit.cells, fit.design, fit.survey)
        fit = replace(fit, replicate_theta=again)
    return replace(fit, theta_vcov=joint_covariance([fit]))
