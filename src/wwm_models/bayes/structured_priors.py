"""Parameters that are made from other coordinates with a prior of their own: increments of one sign, pooled interactions, shrunken slopes.

A block (`PriorBlock`) takes the place of some parameters theta_b. It maps unconstrained coordinates u to theta_b, has the prior density of u,
and pulls derivatives back. It also says in which coordinates t its draws are rotated to the design's covariance, and how curved the
prior is there: the correction of a pseudo-posterior is linear, so it is made where theta_b is nearly linear. Shares that sum to one are made
of numbers that are free: zeta = softmax(y, -sum y), with |d zeta / d y| = m prod zeta (as in PyMC).

`Increments` of a monotonic effect: an ordered predictor with steps 1..L under ``mo(x)`` has increments of one sign, b_l = B zeta_l: B, of
either sign, is the effect of the highest level against the lowest, with the prior of a slope, and zeta ~ Dirichlet(1, .., 1) shares it out over
the steps. Coordinates: B, and y_1 .. y_{L-1} with zeta the softmax of (y, -sum y), for which |d zeta / d y| = L prod zeta_l (Buerkner and
Charpentier 2020).

`PooledInteraction` of two factors: cell effects that sum to zero over both, with one spread for all. With e_ah the interaction of levels a and
h, e = s Q_A Z Q_H' with Z standard normal and Q an orthonormal basis of what sums to zero: every cell has the same variance
s^2 (1 - 1/A) (1 - 1/H), whichever levels are the references. The slopes theta of the interaction's columns are those whose predictor, centred
over both factors, is e; so theta = s B z. The spread s is half-normal: near zero there is no interaction, and the data decide how far cells are
from it. Coordinates: z and log s. They are not centred: interactions are what the data say least of, and a density of theta and s has no
highest point (Gelman, Hill and Yajima 2012).

`Shrinkage` by R2-D2: a prior on how much of the answers the slopes explain, shared out over them. R^2 = W / (W + sigma^2), with sigma the
standard deviation of the latent answer given the predictors, and W the variance of the predictor x b. R^2 is Beta(a, b), and a share phi_j of
W goes to column j,

    b_j ~ N(0, sigma^2 lambda_j / var x_j),   lambda_j = phi_j R^2 / (1 - R^2),   phi ~ Dirichlet(c, .., c).

R^2 is that of uncorrelated columns; columns that go together explain a little more or less. Coordinates: the logit of R^2, so that
log lambda_j = log phi_j + logit R^2; numbers of the simplex; and zeta_j with b_j = zeta_j lambda_j^(1/4) sigma / sd x_j, zeta_j ~
N(0, lambda_j^(1/2)): halfway between slopes that are centred and slopes that are not, which moves best where the data say something
of every slope and much of some (Zhang and others 2022).

References
----------
Buerkner, P.-C. and Charpentier, E. (2020). Modelling monotonic effects of ordinal predictors in Bayesian regression models. British
Journal of Mathematical and Statistical Psychology 73, 420-451. doi:10.1111/bmsp.12195
Gelman, A., Hill, J. and Yajima, M. (2012). Why we (usually) don't have to worry about multiple comparisons. Journal of Research on
Educational Effectiveness 5, 189-211. doi:10.1080/19345747.2011.618213
McKelvey, R. D. and Zavoina, W. (1975). A statistical model for the analysis of ordinal level dependent variables. Journal of
Mathematical Sociology 4, 103-120. (R^2 of the latent answer.)
Yanchenko, E. (2025). Pseudo-R2D2 prior for high-dimensional ordinal regression. arXiv:2502.17491 (R^2 of an ordered answer.)
Zhang, Y. D., Naughton, B. P., Bondell, H. D. and Reich, B. J. (2022). Bayesian regression using a prior on the model fit: the R2-D2
shrinkage prior. JASA 117, 862-874. doi:10.1080/01621459.2020.1825449
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from wwm_models.numerics.arrays import Array


class PriorBlock(Protocol):
    """A group of parameters with coordinates of its own."""

    @property
    def place(self) -> NDArray[np.intp]:
        """(m,) positions of its parameters in theta."""
        ...

    @property
    def size(self) -> int:
        """Number of its coordinates."""
        ...

    def parameters(self, at: Array) -> Array:
        """(..., m) parameters from (..., size) coordinates."""
        ...

    def start(self, parameters: Array) -> Array:
        """(size,) coordinates near these (m,) parameters, where a search for the mode can begin."""
        ...

    def log_density(self, at: Array) -> tuple[float, Array]:
        """Log density of the coordinates at one point, with its constants, and its derivative."""
        ...

    def pulled_back(self, at: Array, slopes: Array) -> Array:
        """(size,) derivative by the coordinates of a function with these (m,) derivatives by the parameters."""
        ...

    def drawn(self, count: int, generator: np.random.Generator) -> Array:
        """(count, size) coordinates drawn from the prior."""
        ...

    def hyper(self, at: Array) -> dict[str, Array]:
        """What the block adds to theta, by name: (s,) arrays from (s, size) coordinates."""
        ...

    def transformed(self, at: Array) -> Array:
        """(s, m) coordinates in which draws are rotated."""
        ...

    def from_transformed(self, transformed: Array) -> Array:
        """(s, m) parameters of rotated coordinates."""
        ...

    def turned_slopes(self, centre: Array) -> Array:
        """(m, m) derivative of the parameters by the rotated coordinates."""
        ...

    def turned_precision(self, at: Array) -> Array:
        """(m, m) curvature of the prior in the rotated coordinates, at the mean of (s, size) draws."""
        ...

    def in_pymc(self, pm: Any, pt: Any) -> Any:
        """The (m,) parameters as variables of the PyMC model that is being made."""
        ...


class Straight:
    """Of a block whose draws are rotated in the parameters themselves."""

    def parameters(self, at: Array) -> Array:
        """(..., m) parameters from (..., size) coordinates: the block's own."""
        raise NotImplementedError

    def transformed(self, at: Array) -> Array:
        """The parameters."""
        return self.parameters(at)

    def from_transformed(self, transformed: Array) -> Array:
        """The parameters."""
        return transformed

    def turned_slopes(self, centre: Array) -> Array:
        """The identity."""
        return np.eye(len(centre))


def log_shares(numbers: Array) -> Array:
    """(..., m) logarithms of shares from (..., m - 1) numbers.

    Examples
    --------
    >>> np.exp(log_shares(np.zeros(2))).round(3).tolist()
    [0.333, 0.333, 0.333]
    """
    logits = np.concatenate([numbers, -numbers.sum(axis=-1, keepdims=True)], axis=-1)
    highest = logits.max(axis=-1, keepdims=True)
    return logits - highest - np.log(np.exp(logits - highest).sum(axis=-1, keepdims=True))


def numbers_of(logarithms: Array) -> Array:
    """(..., m - 1) numbers of (..., m) logarithms of shares, up to a constant."""
    return (logarithms - logarithms.mean(axis=-1, keepdims=True))[..., :-1]


def by_numbers(slopes: Array) -> Array:
    """(..., m - 1) derivative by the numbers from the (..., m) derivative by the logits."""
    return slopes[..., :-1] - slopes[..., -1:]


def log_dirichlet(logarithms: Array, concentration: float) -> tuple[float, Array]:
    """Log density of the numbers whose shares are Dirichlet(concentration, ..), and its derivative by them, at one point."""
    size = len(logarithms)
    value = concentration * float(logarithms.sum()) + float(np.log(size))
    value += float(gammaln(size * concentration) - size * gammaln(concentration))
    return value, by_numbers(concentration * (1.0 - size * np.exp(logarithms)))


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

    def transformed(self, at: Array) -> Array:
        """The coordinates, in which increments keep their one sign."""
        return at

    def from_transformed(self, transformed: Array) -> Array:
        """Increments."""
        return self.parameters(transformed)

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


@dataclass(frozen=True, eq=False)
class PooledInteraction(Straight):
    """An interaction of m columns; its coordinates are m values z and the logarithm of the spread.

    Attributes
    ----------
    term : str
    place : (m,) int array
    basis : (m, m) array
        B: theta of standard normal numbers at a spread of one.
    scale : float
        Of the half-normal prior of the spread.
    """

    term: str
    place: NDArray[np.intp]
    basis: Array
    scale: float

    @property
    def size(self) -> int:
        """M + 1."""
        return len(self.place) + 1

    def parameters(self, at: Array) -> Array:
        """Slopes."""
        return (at[..., :-1] @ self.basis.T) * np.exp(at[..., -1:])

    def start(self, parameters: Array) -> Array:
        """The spread of these slopes, at least a tenth of the prior's."""
        z = np.asarray(np.linalg.solve(self.basis, parameters), dtype=np.float64)
        spread = max(float(np.sqrt(np.mean(z**2))), 0.1 * self.scale)
        return np.append(z / spread, np.log(spread))

    def log_density(self, at: Array) -> tuple[float, Array]:
        """Normal z, half-normal spread."""
        z, log_spread = at[:-1], float(at[-1])
        wide = float(np.exp(2.0 * log_spread)) / self.scale**2
        value = -0.5 * float(z @ z) - 0.5 * len(z) * np.log(2.0 * np.pi)
        value += 0.5 * np.log(2.0 / np.pi) - np.log(self.scale) - 0.5 * wide + log_spread
        return value, np.append(-z, 1.0 - wide)

    def pulled_back(self, at: Array, slopes: Array) -> Array:
        """By z, and by the log spread."""
        by_z = (self.basis.T @ slopes) * np.exp(at[-1])
        return np.append(by_z, float(by_z @ at[:-1]))

    def drawn(self, count: int, generator: np.random.Generator) -> Array:
        """Spreads and z."""
        spread = np.maximum(self.scale * np.abs(generator.standard_normal((count, 1))), 1e-300)
        return np.hstack([generator.standard_normal((count, len(self.place))), np.log(spread)])

    def hyper(self, at: Array) -> dict[str, Array]:
        """The spread of the cell effects."""
        return {f"{self.term}:spread": np.exp(at[..., -1])}

    def turned_precision(self, at: Array) -> Array:
        """Mean precision of the slopes given the spread."""
        precision = np.linalg.inv(self.basis @ self.basis.T) * float(np.exp(-2.0 * at[:, -1]).mean())
        return np.asarray(precision, dtype=np.float64)

    def in_pymc(self, pm: Any, pt: Any) -> Any:
        """Variables ``<term>_spread`` and ``<term>_z``."""
        spread = pm.HalfNormal(f"{self.term}_spread", sigma=self.scale)
        return spread * pt.dot(pt.as_tensor(self.basis), pm.Normal(f"{self.term}_z", shape=len(self.place)))


def zero_sum_basis(columns: Array, first: int, second: int) -> Array:
    """(m, m) slopes of standard normal zero-sum effects.

    Parameters
    ----------
    columns : (A * H, m) array
        The interaction's columns at every combination of levels, the second factor varying fastest; m = (A - 1) (H - 1).
    first, second : int
        A and H.

    Examples
    --------
    >>> zero_sum_basis(np.array([[0.0], [0.0], [0.0], [1.0]]), 2, 2).round(12).tolist()  # e = +-1/2, and e11 - e10 - e01 + e00
    [[2.0]]
    """
    effects = np.kron(_contrasts(first), _contrasts(second))
    centred = np.kron(np.eye(first) - 1.0 / first, np.eye(second) - 1.0 / second) @ columns
    return np.asarray(np.linalg.pinv(centred) @ effects, dtype=np.float64)


def _contrasts(levels: int) -> Array:
    """(L, L - 1) orthonormal columns that sum to zero: level j + 1 against the mean of those before it (Helmert's)."""
    made = np.zeros((levels, levels - 1))
    for j in range(levels - 1):
        made[: j + 1, j], made[j + 1, j] = -1.0, j + 1.0
    return made / np.sqrt((made**2).sum(axis=0))


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
