"""Partially pooled interaction of two factors: cell effects that sum to zero over both, with one spread for all.

With e_ah the interaction of levels a and h, zero-summed over a and over h, e = s Q_A Z Q_H' with Z standard normal and Q an orthonormal
basis of what sums to zero: every cell has the same variance s^2 (1 - 1/A) (1 - 1/H), whichever levels are the references. The slopes
theta of the interaction's columns are those whose predictor, centred over both factors, is e; so theta = s B z. The spread s is
half-normal: near zero there is no interaction, and the data decide how far cells are from it.

Coordinates: z and log s. They are not centred: interactions are what the data say least of, and a density of theta and s has no
highest point.

References
----------
Gelman, A., Hill, J. and Yajima, M. (2012). Why we (usually) don't have to worry about multiple comparisons. Journal of Research on
Educational Effectiveness 5, 189-211. doi:10.1080/19345747.2011.618213
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.blocks import Straight

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pooled(Straight):
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
