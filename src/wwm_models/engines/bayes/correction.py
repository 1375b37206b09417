"""Draws of a pseudo-posterior rotated to the design-based covariance.

A pseudo-posterior under sampling weights has the covariance of as many independent respondents, H^-1, where a survey has
V = H^-1 J H^-1 with J the design-based covariance of the score. With R1' R1 = V and R2' R2 = H^-1 a draw becomes

    v* = mean + (v - mean) R2^-1 R1

in free coordinates, so that cut points stay ordered. H and J are on the scale of the pseudo-posterior (weights that sum to Kish's
effective n). The curvature of the prior, P, is information that no design touches: it is added to H and to J alike, which is the
published correction when the prior is flat, leaves the draws alone when J = H, and stays defined where data say nothing.

References
----------
Williams, M. R. and Savitsky, T. D. (2021). Uncertainty estimation for pseudo-Bayesian inference under complex sampling.
International Statistical Review 89, 72-107. doi:10.1111/insr.12376
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from wwm_models.engines.bayes.target import Turned, curvature
from wwm_models.engines.covariance import covariance
from wwm_models.engines.likelihood import score_influence
from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.engines.maximum import replicate_estimates
from wwm_models.engines.replicates import replicate_covariance
from wwm_models.records import Cells, Design, Survey

Array = NDArray[np.float64]


def corrected(turned: Turned, cells: Cells, survey: Survey, design: Design, kind: str) -> Array:
    """Parameters of draws with the covariance that the sampling design gives them.

    Parameters
    ----------
    turned : Turned
        Draws in the coordinates in which they are rotated.
    cells, survey, design : records
    kind : {"robust", "design", "replicates"}

    Returns
    -------
    (s, p) array
        In those coordinates they have the same mean.
    """
    target, centre = turned.plain, turned.draws.mean(axis=0)
    theta = turned.parameters(centre)
    free = target.coordinates.free(theta)
    turn = target.coordinates.jacobian(free) @ turned.slopes
    _, information = target.likelihood.derivatives(theta)
    of_data = turn.T @ information @ turn
    of_prior = turned.slopes.T @ curvature(target, free) @ turned.slopes - of_data + turned.precision
    of_prior = _positive_part(of_prior)
    score = turn.T @ score_covariance(target.likelihood, theta, cells, survey, design, kind) @ turn
    bread = np.asarray(np.linalg.inv(of_data + of_prior), dtype=np.float64)
    return turned.parameters(centre + (turned.draws - centre) @ rotation(bread, bread @ (score + of_prior) @ bread))


def rotation(sampled: Array, wanted: Array) -> Array:
    """(p, p) matrix A with A' sampled A = wanted: R2^-1 R1 for the triangular roots of both.

    Examples
    --------
    >>> rotation(np.diag([1.0, 4.0]), np.diag([9.0, 4.0])).tolist()
    [[3.0, 0.0], [0.0, 1.0]]
    """
    root_sampled = linalg.cholesky(sampled)
    root_wanted = linalg.cholesky(_positive_part(wanted, smallest=1e-10))
    return np.asarray(linalg.solve_triangular(root_sampled, root_wanted))


def score_covariance(
    likelihood: CellLikelihood, theta: Array, cells: Cells, survey: Survey, design: Design, kind: str
) -> Array:
    """(p, p) covariance of the score of the pseudo-likelihood under the sampling design, J."""
    if kind == "replicates" and survey.replicates is not None:
        again = replicate_estimates(likelihood, theta, cells, design, survey)
        _, information = likelihood.derivatives(theta)
        return information @ replicate_covariance(again, again.mean(axis=0), survey.replicates) @ information
    scale = float(likelihood.counts.sum() / cells.weights.sum())
    influence = score_influence(likelihood, theta, np.eye(len(theta)), cells, survey, design)
    if kind == "robust":
        influence = replace(influence, design=None)
    return scale**2 * covariance(influence)


def _positive_part(matrix: Array, smallest: float = 0.0) -> Array:
    """The matrix with its eigenvalues raised to `smallest` times the largest."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    kept = np.maximum(values, smallest * max(float(values[-1]), 0.0))
    return (vectors * kept) @ vectors.T
