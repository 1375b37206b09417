"""The log-likelihood of cell counts and its derivatives with respect to the parameters of a design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.predictors import Predictors, predictors_of
from wwm_models.families import Family
from wwm_models.numerics.links import Link
from wwm_models.records import Cells, Design

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CellLikelihood:
    """``sum over patterns r and answers k of counts[r, k] log p_k(eta_r(theta))``.

    Attributes
    ----------
    family, link : the response model
    predictors : Predictors
    counts : (P, J + 1) array
        Weights of the answers in the order the family reads them.
    """

    family: Family
    link: Link
    predictors: Predictors
    counts: Array

    def log_probabilities(self, theta: Array) -> Array:
        """(P, J + 1) array of log p_k."""
        return self.family.log_probabilities(self.predictors.eta(theta), self.link)

    def value(self, theta: Array) -> float:
        """Log-likelihood; minus infinity where a probability of an observed cell is zero or cut points cross."""
        log_p = self.log_probabilities(theta)
        with np.errstate(invalid="ignore"):
            total = float(np.sum(np.where(self.counts > 0, self.counts * log_p, 0.0)))
        return total if np.isfinite(total) else -np.inf

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log-likelihood and its gradient (p,), for methods that need no second derivative."""
        eta = self.predictors.eta(theta)
        log_p = self.family.log_probabilities(eta, self.link)
        with np.errstate(invalid="ignore"):
            value = float(np.sum(np.where(self.counts > 0, self.counts * log_p, 0.0)))
        slopes = self.family.slopes(eta, self.link, log_p, self.counts)
        jacobian = self.predictors.jacobian(theta)
        return value, jacobian.reshape(-1, jacobian.shape[2]).T @ slopes.ravel()

    def cell_scores(self, theta: Array) -> Array:
        """(P, J + 1, p) array: derivative of log p_k with respect to theta, by pattern and answer."""
        eta = self.predictors.eta(theta)
        log_p = self.family.log_probabilities(eta, self.link)
        return self.family.scores(eta, self.link, log_p) @ self.predictors.jacobian(theta)

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Gradient (p,) and information (p, p), minus the Hessian."""
        eta = self.predictors.eta(theta)
        log_p = self.family.log_probabilities(eta, self.link)
        slopes = self.family.slopes(eta, self.link, log_p, self.counts)
        bends = self.family.curvature(eta, self.link, log_p, self.counts)
        jacobian = self.predictors.jacobian(theta)
        flat = jacobian.reshape(-1, jacobian.shape[2])
        information = flat.T @ (bends @ jacobian).reshape(flat.shape) - self.predictors.second_order(theta, slopes)
        return flat.T @ slopes.ravel(), (information + information.T) / 2.0


def cell_likelihood(family: Family, link: Link, cells: Cells, design: Design) -> CellLikelihood:
    """Put the counts of the cells in the order in which the design's family reads the answers."""
    return CellLikelihood(family, link, predictors_of(design), cells.weights[:, design.order])
