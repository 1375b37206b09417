"""Jeffreys-penalised likelihood: finite estimates where answers are separated, with less bias in small cells.

The penalised log-likelihood is l(theta) + log det E(theta) / 2 with E the expected information; it tends to minus infinity as
fitted probabilities tend to 0 or 1, so its maximum is finite. It equals Firth's bias reduction in models with a canonical link.

References
----------
Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika 80, 27-38. doi:10.1093/biomet/80.1.27
Kosmidis, I. and Firth, D. (2021). Jeffreys-prior penalty, finiteness and shrinkage in binomial-response generalized linear
models. Biometrika 108, 71-82. doi:10.1093/biomet/asaa052
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.numerics.newton import Expansion

Array = NDArray[np.float64]
STEP = 1e-5  # of the central difference of log det E, in coordinates where the columns of the design have length one; its error is of order 1e-10


@dataclass(frozen=True, eq=False)
class JeffreysLikelihood(CellLikelihood):
    """The likelihood of cells with Jeffreys' penalty."""

    @property
    def batches(self) -> bool:
        """Never: the penalty has no batched form."""
        return False

    def value(self, theta: Array) -> float:
        """Penalised log-likelihood; minus infinity where it is not defined."""
        likelihood = super().value(theta)
        return likelihood + self.penalty(theta) if np.isfinite(likelihood) else -np.inf

    def penalty(self, theta: Array) -> float:
        """Half the log determinant of the expected information; minus infinity where it is singular."""
        sign, log_determinant = np.linalg.slogdet(self.expected_information(theta))
        return 0.5 * float(log_determinant) if sign > 0 else -np.inf

    def expected_information(self, theta: Array) -> Array:
        """Sum over patterns of n J' (sum_k p_k s_k s_k') J, with s the scores with respect to eta."""
        eta = self.predictors.eta(theta)
        log_p = self.family.log_probabilities(eta, self.link)
        scores = self.family.scores(eta, self.link, log_p)
        weight = self.counts.sum(axis=1)[:, None] * np.exp(log_p)
        inner = np.einsum("rk,rki,rkj->rij", weight, scores, scores, optimize=True)
        return self.predictors.jacobian(theta).quadratic(inner)

    def expansion(self, theta: Array) -> Expansion:
        """Penalised value and gradient, with the information of the likelihood alone."""
        plain = super().expansion(theta)
        if not np.isfinite(plain.value):
            return plain
        shifts = STEP * np.eye(len(theta))
        slope = [(self.penalty(theta + shift) - self.penalty(theta - shift)) / (2.0 * STEP) for shift in shifts]
        return Expansion(plain.value + self.penalty(theta), plain.gradient + np.array(slope), plain.information)
