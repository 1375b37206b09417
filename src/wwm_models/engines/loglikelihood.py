"""The log-likelihood of cell counts and its derivatives with respect to the parameters of a design."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.observed import Observed, observed_of
from wwm_models.engines.predictors import Predictors, predictors_of
from wwm_models.families import Family
from wwm_models.numerics.links import Link
from wwm_models.numerics.newton import Expansion
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

    @property
    def batches(self) -> bool:
        """Whether many sets of counts can be maximised at once (`engines.batch`): no scale part, no penalty."""
        return self.predictors.scale is None

    def log_probabilities(self, theta: Array) -> Array:
        """(P, J + 1) array of log p_k."""
        return self.family.log_probabilities(self.predictors.eta(theta), self.link)

    def value(self, theta: Array) -> float:
        """Log-likelihood; minus infinity where a probability of an observed cell is zero or cut points cross."""
        return self._total(self.log_probabilities(theta))

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log-likelihood and its gradient (p,), for methods that need no second derivative."""
        if self._observed is not None:
            value, gradient = self._observed.value_and_gradient(theta)
            if isfinite(value):
                return value, gradient
        log_p, slopes = self.family.with_slopes(self.predictors.eta(theta), self.link, self.counts)
        return self._total(log_p), self.predictors.jacobian(theta).pull(slopes[None, :, None, :])[0, 0]

    def cell_scores(self, theta: Array) -> Array:
        """(P, J + 1, p) array: derivative of log p_k with respect to theta, by pattern and answer."""
        eta = self.predictors.eta(theta)
        log_p = self.family.log_probabilities(eta, self.link)
        return self.predictors.jacobian(theta).through(self.family.scores(eta, self.link, log_p))

    def expansion(self, theta: Array) -> Expansion:
        """Value, gradient (p,) and information (p, p), minus the Hessian; a value of minus infinity comes without the others."""
        log_p, slopes, bends = self.family.expansion(self.predictors.eta(theta), self.link, self.counts)
        value = self._total(log_p)
        if value == -np.inf:
            return Expansion(value, np.zeros(len(theta)), np.zeros((len(theta), len(theta))))
        jacobian = self.predictors.jacobian(theta)
        information = jacobian.quadratic(bends) - self.predictors.second_order(theta, slopes)
        return Expansion(value, jacobian.pull(slopes[None, :, None, :])[0, 0], information)

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Gradient (p,) and information (p, p)."""
        found = self.expansion(theta)
        return found.gradient, found.information

    @cached_property
    def _observed(self) -> Observed | None:
        return observed_of(self.family, self.link, self.predictors.linear, self.counts) if self.batches else None

    def _total(self, log_p: Array) -> float:
        total = float(np.vdot(self.counts.T, log_p.T))  # in the order in which they lie
        if not np.isfinite(total):  # zero times minus infinity is nothing
            total = float(np.sum(self.counts * np.where(self.counts > 0, log_p, 0.0)))
        return total if np.isfinite(total) else -np.inf


def cell_likelihood(family: Family, link: Link, cells: Cells, design: Design) -> CellLikelihood:
    """Put the counts of the cells in the order in which the design's family reads the answers."""
    return CellLikelihood(family, link, predictors_of(design), np.asfortranarray(cells.weights[:, design.order]))
