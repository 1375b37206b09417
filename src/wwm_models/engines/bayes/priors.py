"""The prior of one model's parameters: which density each has, its log and its derivative.

Slopes are independent. Cut points (intercepts) have one of two laws given the slopes. Independent: ``normal`` and the like;
with ordered cut points these are the order statistics of independent draws. Induced Dirichlet: with eta the predictors of the
anchor row, the weighted mean row of the design, the shares p(eta) are Dirichlet(a, .., a), so the density of the cut points is
Dirichlet(p(eta)) |d p / d eta|. The shares that the prior expects then do not depend on how many answers there are, on the family
or on the link. Where groups have cut points of their own the law holds for each group, independently, at its own mean row.

References
----------
Betancourt, M. (2019). Ordinal Regression. betanalpha.github.io/assets/case_studies/ordinal_regression.html
Buerkner, P.-C. and Vuorre, M. (2019). Ordinal regression models in psychology: a tutorial. Advances in Methods and Practices
in Psychological Science 2, 77-101. doi:10.1177/2515245918823199
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from wwm_models.engines.bayes.blocks import Block
from wwm_models.families import Family
from wwm_models.numerics.links import Link

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Anchor:
    """Cut points whose shares at the mean row are Dirichlet, for each of G groups with cut points of their own.

    Attributes
    ----------
    rows : (G, J, p) array
        The mean row of each group: eta = rows @ theta.
    concentration : float
    """

    rows: Array
    concentration: float


@dataclass(frozen=True, eq=False)
class Prior:
    """Densities of the p parameters of a design.

    Attributes
    ----------
    family, link
    mean, scale : (p,) arrays
        Of the independent parameters.
    df : (p,) array
        Degrees of freedom of Student's t; infinite for a normal.
    proper : (p,) bool array
        False for a flat (improper) density, and for cut points under an anchor.
    anchor : Anchor or None
    log_orders : float
        Log of the number of orders of exchangeable cut points that must increase; 0 otherwise.
    gaps : (m, p) array
        Distances of neighbouring predictors that must be positive: the prior is truncated to ``gaps @ theta > 0``.
    texts : mapping of parameter or group to the density in words
    blocks : tuple of Block
        Priors of parameters that are made from coordinates of their own; ``proper`` is False for these.
    """

    family: Family
    link: Link
    mean: Array
    scale: Array
    df: Array
    proper: NDArray[np.bool_]
    anchor: Anchor | None
    log_orders: float
    gaps: Array
    texts: Mapping[str, str]
    blocks: tuple[Block, ...] = ()

    @cached_property
    def constant(self) -> float:
        """Log of what does not depend on the parameters."""
        constant = float(np.sum(_log_constant(self.scale, self.df)[self.proper])) + self.log_orders
        if self.anchor is not None:
            groups, steps, _ = self.anchor.rows.shape
            answers, each = steps + 1, self.anchor.concentration
            constant += groups * float(gammaln(answers * each) - answers * gammaln(each))
        return constant

    @cached_property
    def all_normal(self) -> bool:
        """Whether no parameter has a Student's t."""
        return bool(np.isinf(self.df).all())

    def allowed(self, theta: Array) -> NDArray[np.bool_]:
        """Whether (..., p) parameters lie in the region to which the prior is truncated."""
        return np.asarray((theta @ self.gaps.T > 0.0).all(axis=-1))

    def log_density(self, theta: Array) -> tuple[float, Array]:
        """Log density at one point (up to the share of the truncated region) and its derivative, without that of blocks."""
        if len(self.gaps) and not self.allowed(theta):
            return -np.inf, np.zeros_like(theta)
        value, gradient = self._independent(theta)
        if self.anchor is not None:
            more, slope = self._anchored(theta, self.anchor)
            value, gradient = value + more, gradient + slope
        return value + self.constant, gradient

    def log_values(self, thetas: Array) -> Array:
        """(s,) log densities, as the first of `log_density`, at (s, p) points of the allowed region."""
        value = self._log_kernel((thetas - self.mean) / self.scale) @ self.proper
        weight = 0.0 if self.anchor is None else self.anchor.concentration - 1.0
        for row in () if self.anchor is None else self.anchor.rows:
            etas = thetas @ row.T
            value = value + self.family.shares_jacobian(etas, self.link)[0]
            if weight != 0.0:
                value = value + weight * self.family.log_probabilities(etas, self.link).sum(axis=1)
        return np.asarray(value + self.constant)

    def _log_kernel(self, deviation: Array) -> Array:
        square = deviation * deviation
        if self.all_normal:
            return -0.5 * square
        normal = np.isinf(self.df)
        df = np.where(normal, 1.0, self.df)
        return np.where(normal, -0.5 * square, -0.5 * (df + 1.0) * np.log1p(square / df))

    def _independent(self, theta: Array) -> tuple[float, Array]:
        deviation = (theta - self.mean) / self.scale
        value = float(self._log_kernel(deviation) @ self.proper)
        if self.all_normal:
            return value, -deviation / self.scale * self.proper
        normal = np.isinf(self.df)
        df = np.where(normal, 1.0, self.df)
        slope = np.where(normal, -deviation, -(df + 1.0) * deviation / (df + deviation * deviation)) / self.scale
        return value, np.where(self.proper, slope, 0.0)

    def _anchored(self, theta: Array, anchor: Anchor) -> tuple[float, Array]:
        eta = anchor.rows @ theta
        jacobian, slope = self.family.shares_jacobian(eta, self.link)
        value = float(jacobian.sum())
        weight = anchor.concentration - 1.0
        if weight != 0.0:
            log_p = self.family.log_probabilities(eta, self.link)
            value += weight * float(log_p.sum())
            slope = slope + weight * self.family.scores(eta, self.link, log_p).sum(axis=1)
        return value, slope.ravel() @ anchor.rows.reshape(slope.size, -1)


def _log_constant(scale: Array, df: Array) -> Array:
    """Log of the constant of a normal, or of Student's t, with this scale."""
    normal = np.isinf(df)
    nu = np.where(normal, 1.0, df)
    student = gammaln((nu + 1.0) / 2.0) - gammaln(nu / 2.0) - 0.5 * np.log(nu * np.pi)
    return np.where(normal, -0.5 * np.log(2.0 * np.pi), student) - np.log(scale)
