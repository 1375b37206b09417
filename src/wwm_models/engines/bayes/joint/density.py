"""The joint model's posterior density in unconstrained coordinates, with its gradient.

Coordinates, in this order: of every item its first cut and the logarithms of the distances to the next ones; the mean slopes mu
(p); one number v per term for the spread tau of its slopes between items; the items' deviations zeta (J x p); the logarithms of
the loadings (J). Slopes are

    b_jp = mu_p + tau^(1 - c) zeta_jp,   zeta_jp ~ N(0, tau^(2c)),

where the centring c of a term, between 0 and 1, only changes the coordinates and not the model: 1 where the data say more of a
slope than the pooling does, 0 where they say less.

Priors: mu_p ~ N(0, slopes^2); tau ~ half-normal(spread), written as tau = spread * Q(Phi(v)) with v ~ N(0, 1) and Q the quantile
function of the standard half-normal; log loading ~ N(location, scale^2); and the answers of the person with u = 0 at the average
row have a Dirichlet(alpha) distribution, so that the cuts have the density Dirichlet(pi) prod_k f(cut_k) (the Jacobian of cuts to
probabilities is triangular in the cumulative probabilities).

References
----------
Betancourt, M. (2019). Ordinal regression. Case study, section 2.2 (induced Dirichlet).
Gelman, A., Hill, J. and Yajima, M. (2012). Why we (usually) don't have to worry about multiple comparisons. Journal of Research on
Educational Effectiveness 5, 189-211. doi:10.1080/19345747.2011.618213
Papaspiliopoulos, O., Roberts, G. O. and Skoeld, M. (2007). A general framework for the parametrization of hierarchical models.
Statistical Science 22, 59-73. doi:10.1214/088342307000000014
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from wwm_models.engines.bayes.joint.likelihood import MarginalLikelihood
from wwm_models.errors import DeclarationError
from wwm_models.records.joint import ItemParameters, ItemRows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class JointPriors:
    """Prior scales; defaults are weakly informative on the log-odds scale of 0/1 predictors.

    Attributes
    ----------
    slopes : float
        Standard deviation of the mean slopes.
    spread : float
        Scale of the half-normal prior of the standard deviation of slopes between items.
    loading_location, loading_scale : float
        Of the normal prior of the logarithm of the loadings; (0, 0.75) puts 95% between 0.23 and 4.3.
    cutpoints : float
        Concentration alpha of the Dirichlet prior of the answers at the average row.
    """

    slopes: float = 1.0
    spread: float = 0.5
    loading_location: float = 0.0
    loading_scale: float = 0.75
    cutpoints: float = 1.0

    def __post_init__(self) -> None:
        for name in ("slopes", "spread", "loading_scale", "cutpoints"):
            value = getattr(self, name)
            if not 0.0 < value < float("inf"):
                raise DeclarationError(
                    f"JointPriors({name}={value!r}) is not a scale. Expected a finite number above 0. Leave it out for the default."
                )
        if not abs(self.loading_location) < float("inf"):
            raise DeclarationError(
                f"JointPriors(loading_location={self.loading_location!r}) is not a place. Expected a finite number. Leave it out for 0."
            )


class Layout:
    """Where each coordinate stands, and the map to parameters and back.

    Parameters
    ----------
    rows : ItemRows
    spread : float
        Scale of the prior of the spreads.
    centring : (terms,) array, optional
        Between 0 and 1; 0 for every term unless given.
    """

    def __init__(self, rows: ItemRows, spread: float, centring: Array | None = None) -> None:
        self.rows, self.spread = rows, spread
        self.items, self.slopes, self.cuts = len(rows.items), len(rows.names), len(rows.cut_item)
        self.term_names = tuple(dict.fromkeys(rows.terms))
        self.term = np.array([self.term_names.index(term) for term in rows.terms], dtype=np.intp)
        self.centring = np.zeros(len(self.term_names)) if centring is None else centring
        self.first = np.searchsorted(rows.cut_item, np.arange(self.items))
        self.is_first = np.zeros(self.cuts, dtype=bool)
        self.is_first[self.first] = True
        sizes = (self.cuts, self.slopes, len(self.term_names), self.items * self.slopes, self.items)
        self._ends = np.cumsum(sizes)
        self.size = int(self._ends[-1])
        self.is_spread = np.zeros(self.size, dtype=bool)
        self.is_spread[self._ends[1] : self._ends[2]] = True

    def split(self, point: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Cut coordinates, mu, v, zeta (J, p) and log loadings; leading axes are kept."""
        cuts, mean, spread, deviation, log_loading = np.split(point, self._ends[:-1], axis=-1)
        return cuts, mean, spread, deviation.reshape(*point.shape[:-1], self.items, self.slopes), log_loading

    def parameters(self, point: Array) -> ItemParameters:
        """The items' parameters at points (..., d)."""
        cuts, mean, spread, deviation, log_loading = self.split(point)
        scale = (self.spreads(spread) ** (1.0 - self.centring))[..., None, self.term]
        return ItemParameters(self._ordered(cuts), mean[..., None, :] + scale * deviation, np.exp(log_loading))

    def spreads(self, coordinate: Array) -> Array:
        """Tau at v: the quantile of the half-normal; below -5, where that loses digits, its linear start."""
        inner = -special.ndtri(special.ndtr(-np.maximum(coordinate, -5.0)) / 2.0)
        return self.spread * np.where(coordinate > -5.0, inner, np.sqrt(np.pi / 2.0) * special.ndtr(coordinate))

    def spread_slopes(self, coordinate: Array, spreads: Array) -> Array:
        """Derivative of log tau with respect to v."""
        ratio = np.exp(0.5 * (spreads / self.spread) ** 2 - 0.5 * coordinate**2) / 2.0
        return self.spread * ratio / spreads

    def coordinate(self, spreads: Array) -> Array:
        """The v of given spreads, the inverse of `spreads`."""
        return -special.ndtri(2.0 * special.ndtr(-spreads / self.spread))

    def point(self, parameters: ItemParameters, spreads: Array) -> Array:
        """Coordinates of parameters whose slopes are split into their mean over items and the rest."""
        gaps = np.diff(parameters.cuts, prepend=0.0)
        cuts = np.where(self.is_first, parameters.cuts, np.log(np.where(self.is_first, 1.0, np.maximum(gaps, 1e-3))))
        mean = parameters.slopes.mean(axis=0)
        deviation = (parameters.slopes - mean) / (spreads ** (1.0 - self.centring))[self.term]
        return np.concatenate([cuts, mean, self.coordinate(spreads), deviation.ravel(), np.log(parameters.loadings)])

    def names(self) -> tuple[str, ...]:
        """One name per coordinate."""
        rows = self.rows
        cuts = [f"cut:{rows.items[j]}:{k - self.first[j] + 1}" for k, j in enumerate(rows.cut_item)]
        return (
            *cuts, *(f"mean:{name}" for name in rows.names), *(f"spread:{term}" for term in self.term_names),
            *(f"deviation:{item}:{name}" for item in rows.items for name in rows.names), *(f"log loading:{item}" for item in rows.items),
        )  # fmt: skip

    def _ordered(self, coordinates: Array) -> Array:
        steps = np.where(self.is_first, coordinates, np.exp(np.where(self.is_first, 0.0, coordinates)))
        parts = np.split(steps, self.first[1:], axis=-1)
        return np.concatenate([np.cumsum(part, axis=-1) for part in parts], axis=-1)


class JointDensity:
    """Logarithm of likelihood times prior, up to a constant, in the coordinates of a layout.

    Parameters
    ----------
    likelihood : MarginalLikelihood
    priors : JointPriors
    centring : (terms,) array, optional
        As in `Layout`.
    """

    def __init__(self, likelihood: MarginalLikelihood, priors: JointPriors, centring: Array | None = None) -> None:
        self.likelihood, self.priors = likelihood, priors
        self.layout = Layout(likelihood.rows, priors.spread, centring)

    def value_and_gradient(self, point: Array) -> tuple[float, Array]:
        """The log density at a point (d,) and its gradient (d,); minus infinity where numbers overflow."""
        with np.errstate(all="ignore"):
            value, gradient = self._evaluated(point)
        return (value, gradient) if np.isfinite(value) else (-np.inf, np.zeros_like(point))

    def _evaluated(self, point: Array) -> tuple[float, Array]:
        layout = self.layout
        cuts, mean, coordinate, deviation, log_loading = layout.split(point)
        parameters = layout.parameters(point)
        value, slopes = self.likelihood.value_and_gradient(parameters)
        dirichlet, on_cuts = _induced_dirichlet(parameters.cuts, layout.first, self.priors.cutpoints)
        spreads = layout.spreads(coordinate)
        scale = (spreads ** (1.0 - layout.centring))[layout.term]
        pooling, on_deviation, on_log_spread = self._pooling(deviation, spreads)
        along = np.bincount(layout.term, (slopes.slopes * deviation).sum(axis=0) * scale, minlength=len(spreads))
        on_spread = (on_log_spread + (1.0 - layout.centring) * along) * layout.spread_slopes(coordinate, spreads)
        standard = (log_loading - self.priors.loading_location) / self.priors.loading_scale
        prior = (
            dirichlet + cuts[~layout.is_first].sum() - 0.5 * (mean @ mean) / self.priors.slopes**2 - 0.5 * (coordinate @ coordinate)
            + pooling - 0.5 * (standard @ standard)
        )  # fmt: skip
        gradient = np.concatenate(
            [
                self._cut_gradient(cuts, slopes.cuts + on_cuts) + ~layout.is_first,
                slopes.slopes.sum(axis=0) - mean / self.priors.slopes**2, on_spread - coordinate,
                (slopes.slopes * scale + on_deviation).ravel(), slopes.loadings * parameters.loadings - standard / self.priors.loading_scale,
            ]
        )  # fmt: skip
        return value + float(prior), gradient

    def _pooling(self, deviation: Array, spreads: Array) -> tuple[float, Array, Array]:
        """Log density of zeta ~ N(0, tau^(2c)), and its derivatives with respect to zeta and to log tau."""
        centring, term = self.layout.centring, self.layout.term
        precision = (spreads ** (-2.0 * centring))[term]
        squares = np.bincount(term, (deviation**2).sum(axis=0) * precision, minlength=len(spreads))
        count = self.layout.items * np.bincount(term, minlength=len(spreads))
        value = -0.5 * squares.sum() - (centring * count) @ np.log(spreads)
        return float(value), -deviation * precision, centring * (squares - count)

    def _cut_gradient(self, cuts: Array, on_cuts: Array) -> Array:
        """Derivatives with respect to the first cut and log distances: each moves all later cuts of its item."""
        layout = self.layout
        later = np.concatenate([part[::-1].cumsum()[::-1] for part in np.split(on_cuts, layout.first[1:])])
        return np.where(layout.is_first, later, later * np.exp(np.where(layout.is_first, 0.0, cuts)))


def _induced_dirichlet(cuts: Array, first: NDArray[np.intp], alpha: float) -> tuple[float, Array]:
    """Log density of the cuts of all items when the answers at zero are Dirichlet(alpha), and its gradient."""
    upper_log, lower_log = -np.logaddexp(0.0, -cuts), -np.logaddexp(0.0, cuts)  # log F, log (1 - F)
    upper, lower = np.exp(upper_log), np.exp(lower_log)
    value = float((upper_log + lower_log).sum())
    gradient = lower - upper
    if alpha != 1.0:
        ends = np.append(first[1:], len(cuts))
        value += (alpha - 1.0) * float(upper_log[first].sum() + lower_log[ends - 1].sum())
        gradient[first] += (alpha - 1.0) * lower[first]
        gradient[ends - 1] -= (alpha - 1.0) * upper[ends - 1]
        middle = np.setdiff1d(np.arange(len(cuts)), ends - 1)
        gap = cuts[middle + 1] - cuts[middle]
        # log(F(d) - F(c)) = log F(d) + log(1 - F(c)) + log(1 - exp(c - d)) for the logistic F
        value += (alpha - 1.0) * float((upper_log[middle + 1] + lower_log[middle] + np.log(-np.expm1(-gap))).sum())
        slope = (alpha - 1.0) / np.expm1(gap)
        gradient[middle] += -(alpha - 1.0) * upper[middle] - slope
        gradient[middle + 1] += (alpha - 1.0) * lower[middle + 1] + slope
    return value, gradient
