"""R2-D2: a prior on how much of the answers the slopes explain, shared out over them.

R^2 = W / (W + sigma^2), with sigma the standard deviation of the latent answer given the predictors, and W the variance of the
predictor x b. R^2 is Beta(a, b), and a share phi_j of W goes to column j,

    b_j ~ N(0, sigma^2 lambda_j / var x_j),   lambda_j = phi_j R^2 / (1 - R^2),   phi ~ Dirichlet(c, .., c).

R^2 is that of uncorrelated columns; columns that go together explain a little more or less. Coordinates: the logit of R^2, so that
log lambda_j = log phi_j + logit R^2; numbers of the simplex; and zeta_j with b_j = zeta_j lambda_j^(1/4) sigma / sd x_j, zeta_j ~
N(0, lambda_j^(1/2)): halfway between slopes that are centred and slopes that are not, which moves best where the data say something
of every slope and much of some.

References
----------
Zhang, Y. D., Naughton, B. P., Bondell, H. D. and Reich, B. J. (2022). Bayesian regression using a prior on the model fit: the R2-D2
shrinkage prior. JASA 117, 862-874. doi:10.1080/01621459.2020.1825449
Yanchenko, E. (2025). Pseudo-R2D2 prior for high-dimensional ordinal regression. arXiv:2502.17491 (R^2 of an ordered answer.)
McKelvey, R. D. and Zavoina, W. (1975). A statistical model for the analysis of ordinal level dependent variables. Journal of
Mathematical Sociology 4, 103-120. (R^2 of the latent answer.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from wwm_models.engines.bayes.blocks import Straight
from wwm_models.engines.bayes.simplex import by_numbers, log_dirichlet, log_shares, numbers_of

Array = NDArray[np.float64]
CENTRING = 0.5


@dataclass(frozen=True, eq=False)
class Shrinkage(Straight):
    """An R2-D2 block of m slopes; its coordinates are m values zeta, m - 1 numbers of the shares and the logit of R^2.

    Attributes
    ----------
    place : (m,) int array
    unit : (m,) array
        Sigma over the standard deviation of the column.
    a, b : float
        Of the beta prior of R^2.
    concentration : float
        Of the Dirichlet prior of the shares.
    """

    place: NDArray[np.intp]
    unit: Array
    a: float
    b: float
    concentration: float

    @property
    def size(self) -> int:
        """2 m."""
        return 2 * len(self.place)

    def parameters(self, at: Array) -> Array:
        """Slopes."""
        zeta, log_variance = self._split(at)
        return zeta * self._scale(log_variance)

    def start(self, parameters: Array) -> Array:
        """Every slope one standard deviation of its own from zero."""
        log_variance = np.log(np.maximum((parameters / self.unit) ** 2, 0.01))
        zeta = parameters / self._scale(log_variance)
        return np.concatenate([zeta, numbers_of(log_variance), [np.log(np.exp(log_variance).sum())]])

    def log_density(self, at: Array) -> tuple[float, Array]:
        """Normal zeta given their variances, Dirichlet shares, beta R^2."""
        m, logit = len(self.place), float(at[-1])
        zeta, log_variance = self._split(at)
        standard = zeta * np.exp(-CENTRING * log_variance)
        squares = zeta * standard
        value, by_shares = log_dirichlet(log_variance - logit, self.concentration)
        value -= 0.5 * float((squares + CENTRING * log_variance).sum()) + 0.5 * m * np.log(2.0 * np.pi)
        value += self.a * logit - (self.a + self.b) * float(np.logaddexp(0.0, logit))
        value += float(gammaln(self.a + self.b) - gammaln(self.a) - gammaln(self.b))
        by_variance = self._by_variance(0.5 * CENTRING * (squares - 1.0), log_variance - logit)
        by_variance[:-1] += by_shares
        by_variance[-1] += self.a - (self.a + self.b) / (1.0 + np.exp(-logit))
        return value, np.concatenate([-standard, by_variance])

    def pulled_back(self, at: Array, slopes: Array) -> Array:
        """By zeta, by the shares and by the logit."""
        zeta, log_variance = self._split(at)
        by_zeta = slopes * self._scale(log_variance)
        each = 0.5 * (1.0 - CENTRING) * by_zeta * zeta
        return np.concatenate([by_zeta, self._by_variance(each, log_variance - at[-1])])

    def drawn(self, count: int, generator: np.random.Generator) -> Array:
        """R^2 and shares first, then zeta."""
        m = len(self.place)
        explained = np.clip(generator.beta(self.a, self.b, (count, 1)), 1e-300, 1.0 - 1e-16)
        logit = np.log(explained) - np.log1p(-explained)
        shares = np.log(np.maximum(generator.dirichlet(np.full(m, self.concentration), count), 1e-300))
        zeta = generator.standard_normal((count, m)) * np.exp(0.5 * CENTRING * (shares + logit))
        return np.hstack([zeta, numbers_of(shares), logit])

    def hyper(self, at: Array) -> dict[str, Array]:
        """R^2 of the slopes: the share of the latent variance that uncorrelated columns would explain."""
        return {"R2": 1.0 / (1.0 + np.exp(-at[..., -1]))}

    def turned_precision(self, at: Array) -> Array:
        """Mean precision of the slopes given their variances."""
        _, log_variance = self._split(at)
        return np.diag((self.unit**-2.0 * np.exp(-log_variance)).mean(axis=0))

    def in_pymc(self, pm: Any, pt: Any) -> Any:
        """Variables ``R2``, ``shares`` and ``slopes_zeta``."""
        m = len(self.place)
        explained = pm.Beta("R2", self.a, self.b)
        shares = pm.Dirichlet("shares", np.full(m, self.concentration))
        variance = shares * explained / (1.0 - explained)
        zeta = pm.Normal("slopes_zeta", sigma=variance ** (0.5 * CENTRING), shape=m)
        return zeta * pt.as_tensor(self.unit) * variance ** (0.5 * (1.0 - CENTRING))

    def _split(self, at: Array) -> tuple[Array, Array]:
        m = len(self.place)
        return at[..., :m], log_shares(at[..., m:-1]) + at[..., -1:]

    def _scale(self, log_variance: Array) -> Array:
        return self.unit * np.exp(0.5 * (1.0 - CENTRING) * log_variance)

    def _by_variance(self, slopes: Array, logarithms: Array) -> Array:
        """Derivative by the numbers and the logit of a function with these derivatives by the log variances."""
        total = float(slopes.sum())
        return np.append(by_numbers(slopes - total * np.exp(logarithms)), total)
