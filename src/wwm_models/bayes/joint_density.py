"""The posterior density of several ordered items with one effect per person, and answers drawn from it.

Likelihood (`MarginalLikelihood`): the person effect is integrated out by Gauss-Hermite quadrature. Item j of person i, with centred
predictors x_i:

    P(Y_ij <= k | u_i) = F(cut_jk - x_i b_j - loading_j u_i),   u_i ~ N(0, 1),   F logistic,

    log L = sum_i w_i log integral prod_j p(y_ij | u) phi(u) du.

The nodes of a person are placed once, at the mode and curvature of their integrand under pilot estimates, and stay there, so that
log L is one smooth function with exact derivatives. Items a person did not answer drop out of the product.

With t = exp(x b + loading u), a = exp(-upper cut), b = exp(-lower cut), A = 1 / (1 + a t) and B = 1 / (1 + b t), an answer has
probability (b - a) t A B. Nothing is subtracted, one exponential is needed per item and node, and

    d log p / d log t = m - (1 - A) - (1 - B),   d log p / d upper = a / (b - a) + 1 - A,   d log p / d lower = -b / (b - a) + 1 - B

with m = 1. The highest answer has a = 0. The lowest has probability A, which is b = 0 and m = 0 without the factor b - a; an absent
answer has a = b = 0 and m = 0, so probability one.

Priors (`JointPriors`): mu_p ~ N(0, slopes^2); tau ~ half-normal(spread), written as tau = spread * Q(Phi(v)) with v ~ N(0, 1) and Q the
quantile function of the standard half-normal; log loading ~ N(location, scale^2); and the answers of the person with u = 0 at the
average row have a Dirichlet(alpha) distribution, so that the cuts have the density Dirichlet(pi) prod_k f(cut_k) (the Jacobian of cuts
to probabilities is triangular in the cumulative probabilities).

Posterior (`JointDensity`), with its gradient in unconstrained coordinates, in this order (`JointLayout`): of every item its first cut and
the logarithms of the distances to the next ones; the mean slopes mu (p); one number v per term for the spread tau of its slopes between
items; the items' deviations zeta (J x p); the logarithms of the loadings (J). Slopes are

    b_jp = mu_p + tau^(1 - c) zeta_jp,   zeta_jp ~ N(0, tau^(2c)),

where the centring c of a term, between 0 and 1, only changes the coordinates and not the model: 1 where the data say more of a
slope than the pooling does, 0 where they say less.

Answers drawn from given parameters (`simulated_items`, `simulated_codes`) are for calibration, predictive checks and tests.

References
----------
Betancourt, M. (2019). Ordinal regression. Case study, section 2.2 (induced Dirichlet).
Gelman, A., Hill, J. and Yajima, M. (2012). Why we (usually) don't have to worry about multiple comparisons. Journal of Research on
Educational Effectiveness 5, 189-211. doi:10.1080/19345747.2011.618213
Naylor, J. C. and Smith, A. F. M. (1982). Applications of a method for the efficient computation of posterior distributions.
Applied Statistics 31, 214-225.
Papaspiliopoulos, O., Roberts, G. O. and Skoeld, M. (2007). A general framework for the parametrization of hierarchical models.
Statistical Science 22, 59-73. doi:10.1214/088342307000000014
Rabe-Hesketh, S., Skrondal, A. and Pickles, A. (2005). Maximum likelihood estimation of limited and discrete dependent variable
models with nested random effects. Journal of Econometrics 128, 301-323. doi:10.1016/j.jeconom.2004.08.017
Samejima, F. (1969). Estimation of latent ability using a response pattern of graded scores. Psychometrika monograph 17.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special
from scipy.special import roots_hermite

from wwm_models.bayes.joint_data import ItemParameters, ItemRows, JointPosterior
from wwm_models.errors import DeclarationError
from wwm_models.numerics.arrays import Array, Codes

FEW, MANY, SEVERAL = (
    5,
    7,
    5,
)  # nodes with at least, and with fewer than, five items: errors vary by less than 0.05 between draws


@dataclass(frozen=True, eq=False)
class Nodes:
    """Quadrature nodes of every row: values of the person effect and the logarithms of their weights, both (Q, R)."""

    values: Array
    log_weights: Array


class MarginalLikelihood:
    """The log-likelihood of the items' parameters and its gradient.

    Parameters
    ----------
    rows : ItemRows
    nodes : Nodes
    """

    def __init__(self, rows: ItemRows, nodes: Nodes) -> None:
        self.rows, self.nodes = rows, nodes
        self._predictors = rows.predictors
        self._upper, self._lower = bounds_of(rows)
        self._power = (self._lower < len(rows.cut_item)).astype(np.float64)
        self._widths = _Widths(rows, self._upper, self._lower)

    def by_row(self, parameters: ItemParameters) -> Array:
        """(R,) logarithm of each row's integral, not weighted."""
        integral, _, _, _ = self._integrals(parameters)
        return integral + self._widths.by_row(parameters.cuts)

    def value(self, parameters: ItemParameters) -> float:
        """Weighted log-likelihood."""
        return float(self.rows.weights @ self.by_row(parameters))

    def value_and_gradient(self, parameters: ItemParameters) -> tuple[float, ItemParameters]:
        """Weighted log-likelihood, and its derivatives in the shape of the parameters."""
        weight, lead = self.rows.weights, self._power - 2.0
        integral, share, upper_tail, lower_tail = self._integrals(parameters)
        share *= weight
        upper_tail *= share[:, None, :]
        lower_tail *= share[:, None, :]
        below, above = upper_tail.sum(axis=0), lower_tail.sum(axis=0)
        upper_tail += lower_tail
        person = (share * self.nodes.values).sum(axis=0)
        on_loadings = np.einsum("qjr,qr->j", upper_tail, self.nodes.values) + lead @ person
        on_slopes = (below + above + lead * weight) @ self._predictors
        width, on_cuts = self._widths.value_and_gradient(parameters.cuts)
        size = len(on_cuts) + 1
        on_cuts = on_cuts + np.bincount(self._upper.ravel(), (weight - below).ravel(), minlength=size)[:-1]
        on_cuts += np.bincount(self._lower.ravel(), (weight - above).ravel(), minlength=size)[:-1]
        return float(weight @ integral) + width, ItemParameters(on_cuts, on_slopes, on_loadings)

    def _integrals(self, parameters: ItemParameters) -> tuple[Array, Array, Array, Array]:
        """Each row's log integral without the factors b - a, posterior shares of the nodes (Q, R), and A and B (Q, J, R)."""
        factor = np.append(np.exp(-parameters.cuts), 0.0)
        linear = parameters.slopes @ self._predictors.T
        odds = parameters.loadings[:, None] * self.nodes.values[:, None, :]
        odds += linear
        np.exp(odds, out=odds)
        upper_tail = _inverse_one_plus(factor[self._upper], odds)
        lower_tail = _inverse_one_plus(factor[self._lower], odds)
        np.multiply(upper_tail, lower_tail, out=odds)
        joint = np.log(odds.prod(axis=1))
        joint += (parameters.loadings @ self._power) * self.nodes.values
        joint += self.nodes.log_weights
        highest = joint.max(axis=0)
        joint -= highest
        np.exp(joint, out=joint)
        total = joint.sum(axis=0)
        joint /= total
        integral = highest + np.log(total) + (self._power * linear).sum(axis=0)
        return integral, joint, upper_tail, lower_tail


def _inverse_one_plus(factor: Array, odds: Array) -> Array:
    result = factor * odds
    result += 1.0
    return np.divide(1.0, result, out=result)


def bounds_of(rows: ItemRows) -> tuple[Codes, Codes]:
    """Cut points above and below each answer, both (J, R); where there is none, the number of cut points."""
    none = len(rows.cut_item)
    first = np.searchsorted(rows.cut_item, np.arange(len(rows.items)))[:, None]
    steps = np.bincount(rows.cut_item)[:, None]
    upper = np.where((rows.answers >= 0) & (rows.answers < steps), first + rows.answers, none)
    lower = np.where(rows.answers > 0, first + rows.answers - 1, none)
    return upper, lower


class _Widths:
    """The factors b - a of the answers: log(exp(-lower) - exp(-upper)), or -lower for the highest answer."""

    def __init__(self, rows: ItemRows, upper: Codes, lower: Codes) -> None:
        none = len(rows.cut_item)
        self._upper, self._lower, self._none = upper, lower, none
        highest = rows.cut_item != np.append(rows.cut_item[1:], -1)
        middle = np.flatnonzero(~highest)  # the lower cut of each answer that has one on both sides
        weight = np.broadcast_to(rows.weights, lower.shape)
        total = np.bincount(lower.ravel(), weight.ravel(), minlength=none + 1)[:-1].astype(np.float64)
        self._middle, self._middle_weight, self._below_weight = middle, total[middle], total

    def by_row(self, cuts: Array) -> Array:
        """(R,) sum over the items."""
        log_width = np.append(-cuts, 0.0)  # by lower cut
        log_width[self._middle] += np.log(-np.expm1(cuts[self._middle] - cuts[self._middle + 1]))
        return log_width[self._lower].sum(axis=0)

    def value_and_gradient(self, cuts: Array) -> tuple[float, Array]:
        """Weighted sum over rows, and its derivatives with respect to the cuts."""
        gap = cuts[self._middle + 1] - cuts[self._middle]
        value = float(self._middle_weight @ np.log(-np.expm1(-gap)) - self._below_weight @ cuts)
        slope = self._middle_weight / np.expm1(gap)
        gradient = -self._below_weight
        gradient[self._middle] -= slope
        gradient[self._middle + 1] += slope
        return value, gradient


def pilot_nodes(rows: ItemRows, parameters: ItemParameters, count: int | None = None) -> Nodes:
    """Gauss-Hermite nodes at the mode and curvature of every row's integrand under pilot parameters.

    Parameters
    ----------
    rows : ItemRows
    parameters : ItemParameters
    count : int, optional
        Q; fewer where many items say more of a person.

    Returns
    -------
    Nodes
    """
    upper, lower = bounds_of(rows)
    factor = np.append(np.exp(-parameters.cuts), 0.0)
    power = (lower < len(rows.cut_item)).astype(np.float64)
    linear = parameters.slopes @ rows.predictors.T
    loading = parameters.loadings[:, None]
    mode, precision = np.zeros(len(rows.weights)), np.ones(len(rows.weights))
    for _ in range(25):  # Newton on a log-concave integrand; steps fall below 1e-8 within ten
        odds = np.exp(linear + loading * mode)
        above, below = 1.0 / (1.0 + factor[upper] * odds), 1.0 / (1.0 + factor[lower] * odds)
        gradient = (loading * (power - 2.0 + above + below)).sum(axis=0) - mode
        precision = 1.0 + (loading**2 * (above * (1.0 - above) + below * (1.0 - below))).sum(axis=0)
        mode = mode + np.clip(gradient / precision, -2.0, 2.0)
    enough = FEW if len(rows.items) >= SEVERAL else MANY
    points, weights = roots_hermite(enough if count is None else count)
    scale = np.sqrt(2.0 / precision)
    values = mode + scale * points[:, None]
    log_prior = -0.5 * values**2 - 0.5 * np.log(2.0 * np.pi)
    return Nodes(values, np.log(weights)[:, None] + points[:, None] ** 2 + np.log(scale) + log_prior)


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


class JointLayout:
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
        As in `JointLayout`.
    """

    def __init__(self, likelihood: MarginalLikelihood, priors: JointPriors, centring: Array | None = None) -> None:
        self.likelihood, self.priors = likelihood, priors
        self.layout = JointLayout(likelihood.rows, priors.spread, centring)

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


def simulated_items(
    items: Sequence[str], categories: Sequence[Sequence[str]], truth: ItemParameters, columns: Array, rng: np.random.Generator
) -> pd.DataFrame:  # fmt: skip
    """Answers of people with these predictor columns, each with a standard normal effect of their own.

    Parameters
    ----------
    items : sequence of str
    categories : sequence of sequences of str
        Answers of each item, lowest first; together they have one cut point fewer each.
    truth : ItemParameters
    columns : (n, p) array
    rng : numpy Generator

    Returns
    -------
    DataFrame
        One ordered Categorical per item.
    """
    steps = [len(answers) - 1 for answers in categories]
    codes = simulated_codes(truth, np.repeat(np.arange(len(steps)), steps), columns, rng)
    answered: dict[str, Any] = {
        item: pd.Categorical.from_codes(own, dtype=pd.CategoricalDtype(list(answers), ordered=True))
        for item, own, answers in zip(items, codes, categories, strict=True)
    }
    return pd.DataFrame(answered)


def simulated_codes(
    truth: ItemParameters, cut_item: NDArray[np.intp], columns: Array, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Positions of the answers that people with these (n, p) columns give to each item, (J, n); `cut_item` is the item of each cut point."""
    person = rng.standard_normal(len(columns))
    found = np.empty((len(truth.loadings), len(columns)), dtype=np.intp)
    for j, loading in enumerate(truth.loadings):
        latent = columns @ truth.slopes[j] + loading * person + rng.logistic(size=len(columns))
        found[j] = np.searchsorted(truth.cuts[cut_item == j], latent)
    return found


def log_likelihood_of_rows(post: JointPosterior, chosen: NDArray[np.intp]) -> Array:
    """(s, R) log density of the answers of every unique row at each of these draws."""
    likelihood, drawn = post.density.likelihood, post.draws
    return np.array(
        [likelihood.by_row(ItemParameters(drawn.cuts[s], drawn.slopes[s], drawn.loadings[s])) for s in chosen]
    )
