"""Increments of a monotonic effect: one total effect, of either sign, shared out over the steps by a simplex.

An ordered predictor with steps 1..L under ``mo(x)`` has increments of one sign, b_l = B zeta_l: B is the effect of the highest level
against the lowest, with the prior of a slope, and zeta ~ Dirichlet(1, .., 1). Coordinates: B, and y_1 .. y_{L-1} with zeta the softmax of
(y, -sum y), for which |d zeta / d y| = L prod zeta_l.

References
----------
Buerkner, P.-C. and Charpentier, E. (2020). Modelling monotonic effects of ordinal predictors in Bayesian regression models. British
Journal of Mathematical and Statistical Psychology 73, 420-451. doi:10.1111/bmsp.12195
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from wwm_models.engines.bayes.simplex import log_dirichlet, log_shares, numbers_of

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Increments:
    """A monotonic block of L increments; its coordinates are the total effect and L - 1 numbers of the simplex.

    Attributes
    ----------
    term : str
    place : (L,) int array
    mean, scale, df : float
        Of the total effect: normal where df is infinite, else Student's t.
    """

    term: str
    place: NDArray[np.intp]
    mean: float
    scale: float
    df: float

    @property
    def size(self) -> int:
        """L."""
        return len(self.place)

    def parameters(self, at: Array) -> Array:
        """Increments."""
        return at[..., :1] * np.exp(log_shares(at[..., 1:]))

    def start(self, parameters: Array) -> Array:
        """The total, shared out equally."""
        return np.concatenate([[float(parameters.sum())], np.zeros(self.size - 1)])

    def log_density(self, at: Array) -> tuple[float, Array]:
        """That of the total, and Dirichlet(1) of the shares: (L - 1)! L prod zeta."""
        value, slope = self._of_total(float(at[0]))
        more, by_shares = log_dirichlet(log_shares(at[1:]), 1.0)
        return value + more, np.concatenate([[slope], by_shares])

    def pulled_back(self, at: Array, slopes: Array) -> Array:
        """By the total, and by the numbers of the simplex."""
        return self.turned_slopes(at).T @ slopes

    def drawn(self, count: int, generator: np.random.Generator) -> Array:
        """Totals and shares."""
        noise = generator.standard_normal(count)
        if np.isfinite(self.df):
            noise /= np.sqrt(generator.chisquare(self.df, count) / self.df)
        shares = np.log(np.maximum(generator.dirichlet(np.ones(self.size), count), 1e-300))
        return np.column_stack([self.mean + self.scale * noise, numbers_of(shares)])

    def hyper(self, at: Array) -> dict[str, Array]:
        """The total effect."""
        return {f"{self.term}:total": at[..., 0]}

    def turned(self, at: Array) -> Array:
        """The coordinates, in which increments keep their one sign."""
        return at

    def turned_back(self, turned: Array) -> Array:
        """Increments."""
        return self.parameters(turned)

    def turned_slopes(self, centre: Array) -> Array:
        """Derivative of the increments by the coordinates."""
        shares = np.exp(log_shares(centre[1:]))
        by_logit = np.diag(shares) - np.outer(shares, shares)
        return np.column_stack([shares, centre[0] * (by_logit[:, :-1] - by_logit[:, -1:])])

    def turned_precision(self, at: Array) -> Array:
        """Minus the second derivative of the log density at the mean draw; a Student's t by its normal."""
        shares = np.exp(log_shares(at.mean(axis=0)[1:]))
        by_logit = self.size * (np.diag(shares) - np.outer(shares, shares))
        own = by_logit[:, :-1] - by_logit[:, -1:]
        result = np.zeros((self.size, self.size))
        result[0, 0] = self.scale**-2.0
        result[1:, 1:] = own[:-1] - own[-1:]
        return result

    def in_pymc(self, pm: Any, pt: Any) -> Any:  # noqa: ARG002
        """Variables ``<term>_total`` and ``<term>_shares``."""
        total, shares = f"{self.term}_total", f"{self.term}_shares"
        at = {"mu": self.mean, "sigma": self.scale}
        effect = pm.StudentT(total, nu=self.df, **at) if np.isfinite(self.df) else pm.Normal(total, **at)
        return effect * pm.Dirichlet(shares, np.ones(self.size))

    def _of_total(self, total: float) -> tuple[float, float]:
        deviation = (total - self.mean) / self.scale
        if np.isinf(self.df):
            return -0.5 * deviation**2 - 0.5 * np.log(2.0 * np.pi) - np.log(self.scale), -deviation / self.scale
        nu = self.df
        constant = float(gammaln((nu + 1.0) / 2.0) - gammaln(nu / 2.0)) - 0.5 * np.log(nu * np.pi) - np.log(self.scale)
        value = constant - 0.5 * (nu + 1.0) * np.log1p(deviation**2 / nu)
        return value, -(nu + 1.0) * deviation / (nu + deviation**2) / self.scale
