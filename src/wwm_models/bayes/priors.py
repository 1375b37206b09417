"""The prior of one model's parameters: which density each has, its log and its derivative, and how it follows from what is declared.

Slopes are independent. Cut points (intercepts) have one of two laws given the slopes. Independent: ``normal`` and the like;
with ordered cut points these are the order statistics of independent draws. Induced Dirichlet: with eta the predictors of the
anchor row, the weighted mean row of the design, the shares p(eta) are Dirichlet(a, .., a), so the density of the cut points is
Dirichlet(p(eta)) |d p / d eta|. The shares that the prior expects then do not depend on how many answers there are, on the family
or on the link.

Where groups have cut points of their own the law holds for each group, independently, at its own anchor (`anchor_of`), the weighted mean row of
its own respondents. Given the slopes its cut points then have the law they would have in a model of that group alone, so a model in which groups
share nothing is as many models. `blocks_of` says which parameters are made by blocks, and on which scales priors are.

`resolve_prior` goes from declared priors and a design to a `Prior`. Defaults (docs/explanation/priors.md says why): cut points
induced_dirichlet(1) where they are flexible; slopes normal(0, s) with s = 1 for the logit and, for another link, in the same proportion to
its standard deviation; for the adjacent family divided by the standard deviation of a uniform answer in latent units, since its slopes act
at every step; log standard deviations normal(0, 0.5). A slope is per 0/1 step, or per two standard deviations of a number.

References
----------
Betancourt, M. (2019). Ordinal Regression. betanalpha.github.io/assets/case_studies/ordinal_regression.html
Buerkner, P.-C. and Vuorre, M. (2019). Ordinal regression models in psychology: a tutorial. Advances in Methods and Practices
in Psychological Science 2, 77-101. doi:10.1177/2515245918823199
Gelman, A. (2008). Scaling regression inputs by dividing by two standard deviations. Statistics in Medicine 27, 2865-2873.
doi:10.1002/sim.3107
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from wwm_models.bayes.prior_declarations import DeclaredPriors, Density
from wwm_models.bayes.structured_priors import Increments, PooledInteraction, PriorBlock, Shrinkage, zero_sum_basis
from wwm_models.bayes.transforms import crossed, truncation, values_of
from wwm_models.errors import ModelError, did_you_mean, listed
from wwm_models.messages import say
from wwm_models.models.cells import Cells
from wwm_models.models.design import Design
from wwm_models.models.family import Family
from wwm_models.models.model import Model
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.links import Link


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
    blocks : tuple of PriorBlock
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
    blocks: tuple[PriorBlock, ...] = ()

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


def anchor_of(concentration: float, cells: Cells, design: Design) -> Anchor:
    """The anchor of a design with flexible cut points.

    Parameters
    ----------
    concentration : float
        Above 0.
    cells : Cells
    design : Design
    """
    weight = cells.weights.sum(axis=1)
    inside = groups_of_patterns(design) * weight
    shares = inside / inside.sum(axis=1, keepdims=True)
    rows = np.zeros(
        (len(shares), design.array.shape[1], len(design.names))
    )  # a scale part: a standard deviation of one
    rows[:, :, : design.array.shape[2]] = np.tensordot(shares, design.array, axes=1)
    return Anchor(rows, concentration)


def groups_of_patterns(design: Design) -> Array:
    """(G, P) array: 1 where a pattern's predictors rise from the cut points of a group, else 0. Flexible cut points, groups outermost."""
    steps = design.array.shape[1]
    first = np.flatnonzero(design.is_cut)[::steps]
    return (design.array[:, 0, first] != 0.0).astype(np.float64).T


LATENT_SD = MappingProxyType(
    # of each link's distribution; the cauchit has none, its quartiles are nearly the logistic's
    {"logit": np.pi / np.sqrt(3), "probit": 1.0, "cloglog": np.pi / np.sqrt(6), "loglog": np.pi / np.sqrt(6), "cauchit": np.pi / np.sqrt(3)}
)  # fmt: skip


def blocks_of(
    densities: list[Density], mean: Array, scale: Array, df: Array, proper: NDArray[np.bool_], of: tuple[Family, Link, Cells, Design]
) -> tuple[tuple[PriorBlock, ...], NDArray[np.bool_]]:  # fmt: skip
    """The blocks of monotonic terms and of shrunken slopes, and which parameters keep a density of their own."""
    family, link, cells, design = of
    proper, blocks, monotone = proper.copy(), list[PriorBlock](), np.zeros(len(proper), dtype=bool)
    for names in design.monotone:
        place = np.array([design.names.index(name) for name in names], dtype=np.intp)
        first, monotone[place] = int(place[0]), True
        if densities[first].name in ("r2d2", "flat"):
            raise ModelError(
                f'The monotonic term "{design.terms[first]}" has the prior {densities[first]}; the total effect of mo() needs a density of its own. '
                f'Declare terms = {{ "{design.terms[first]}" = "normal(0, 1)" }}.'
            )
        if len(place) > 1:
            blocks.append(
                Increments(design.terms[first], place, float(mean[first]), float(scale[first]), float(df[first]))
            )
            proper[place] = False
    for term in dict.fromkeys(design.terms):
        place = np.flatnonzero([each == term for each in design.terms])
        if densities[int(place[0])].name == "zero_sum":
            blocks.append(_pooled(term, densities[int(place[0])], place, family, cells, design))
            proper[place] = False
    shrunken = np.array([density.name == "r2d2" for density in densities]) & ~design.is_cut & ~monotone
    if shrunken.any():
        place = np.flatnonzero(shrunken)
        _check_shrunken(design, densities[int(place[0])])
        blocks.append(_shrinkage(densities[int(place[0])], place, family, link, cells, design))
    return tuple(blocks), proper


def _shrinkage(
    density: Density, place: NDArray[np.intp], family: Family, link: Link, cells: Cells, design: Design
) -> Shrinkage:
    """R2-D2 on these slopes: sigma is the latent standard deviation in units of a slope of this family."""
    centre, precision, concentration = density.arguments
    sigma = LATENT_SD["logit"] * default_slope_scale(family, link, len(design.order))
    unit = sigma / np.array([spread_of(column, cells) for column in columns_of(design)[:, place].T])
    return Shrinkage(place, unit, centre * precision, (1.0 - centre) * precision, concentration)


def _pooled(
    term: str, density: Density, place: NDArray[np.intp], family: Family, cells: Cells, design: Design
) -> PooledInteraction:
    """Zero-sum pooling of an interaction of two factors."""
    factors = [each for each in term.split(":") if each in cells.patterns.columns]
    levels = [values_of(cells, name) for name in factors]
    whole = len(factors) == 2 and len(place) == (len(levels[0]) - 1) * (len(levels[1]) - 1)
    if ":" not in term or not whole or any(not hasattr(cells.patterns[name], "cat") for name in factors):
        raise ModelError(
            f'priors.terms gives "{term}" the prior {density}, which is for the interaction of two factors that are in the model themselves, with '
            'slopes that answers share, such as "age_group:household". Use "normal(mean, scale)".'
        )
    columns = family.slope_sign * design.build(crossed(factors, cells)).array[:, 0, place]
    return PooledInteraction(term, place, zero_sum_basis(columns, len(levels[0]), len(levels[1])), density.arguments[0])


def _check_shrunken(design: Design, density: Density) -> None:
    slopes = design.array[:, :, ~design.is_cut[: design.array.shape[2]]]
    if (slopes == slopes[:, :1]).all():
        return
    raise ModelError(
        f'`slopes = "{density}"` is about the share of one latent answer that slopes explain; here slopes belong to single answers. '
        'Use "normal(mean, scale)" or "student_t(df, mean, scale)".'
    )


def default_slope_scale(family: Family, link: Link, answers: int) -> float:
    """Standard deviation of the default prior of a slope.

    Examples
    --------
    >>> from wwm_models.models.model import FAMILIES
    >>> from wwm_models.numerics.links import LINKS
    >>> default_slope_scale(FAMILIES["cumulative"], LINKS["logit"], 5)
    1.0
    """
    scale = LATENT_SD[link.name] / LATENT_SD["logit"]
    if family.slopes_per_step:
        scale /= LATENT_SD["logit"] * np.sqrt((answers**2 - 1) / 12.0)
    return float(scale)


def columns_of(design: Design) -> Array:
    """(P, p) values of the predictor that each slope belongs to."""
    columns = np.abs(design.array).max(axis=1) * np.sign(design.array.sum(axis=1))
    return columns if design.scale is None else np.hstack([columns, design.scale])


def spread_of(values: Array, cells: Cells) -> float:
    """Weighted standard deviation over the patterns."""
    weight = cells.weights.sum(axis=1) / cells.weights.sum()
    return float(np.sqrt(weight @ (values - weight @ values) ** 2))


CUT_SCALE = 2.5  # of structured cut points: wide against any latent distribution, narrow against separation


def resolve_prior(
    declared: DeclaredPriors, model: Model, family: Family, link: Link, cells: Cells, design: Design
) -> Prior:
    """Give every parameter its density.

    Parameters
    ----------
    declared : DeclaredPriors
    model, family, link, cells, design

    Raises
    ------
    ModelError
        If a declared density does not suit the model, or names a term that is not there.
    """
    _check_terms(declared, design)
    densities = [_density_of(j, declared, family, link, design) for j in range(len(design.names))]
    cut = declared.cutpoints or _default_cuts(model)
    _check_cuts(cut, model, family)
    anchor = anchor_of(cut.arguments[0], cells, design) if cut.name == "induced_dirichlet" else None
    densities = [cut if is_cut else density for density, is_cut in zip(densities, design.is_cut, strict=True)]
    mean, scale, df, proper = (np.array(part) for part in zip(*(_numbers(d) for d in densities), strict=True))
    proper = proper.astype(bool)
    units = np.where(design.is_cut, 1.0, _units(declared, cells, design))
    blocks, proper = blocks_of(densities, mean / units, scale / units, df, proper, (family, link, cells, design))
    exchangeable = (
        cut.name in ("ordered_normal", "student_t") and family.ordered_cuts and model.thresholds == "flexible"
    )
    return Prior(
        family=family,
        link=link,
        mean=mean.astype(np.float64) / units,
        scale=scale.astype(np.float64) / units,
        df=df.astype(np.float64),
        proper=proper,
        anchor=anchor,
        log_orders=_log_orders(design) if exchangeable else 0.0,
        gaps=truncation(model, family, cells, design),
        texts=_texts(declared, cut, densities, design),
        blocks=blocks,
    )


def _log_orders(design: Design) -> float:
    """Log of the number of orders of the flexible cut points of every group."""
    steps = len(design.order) - 1
    return float(design.is_cut.sum()) / steps * float(gammaln(steps + 1.0))


def _check_terms(declared: DeclaredPriors, design: Design) -> None:
    terms = [term for term in dict.fromkeys(design.terms) if term]
    for term in declared.terms:
        if term not in terms:
            raise ModelError(
                f'priors.terms names "{term}", which is not a term of the model. Terms: {listed(terms, 20)}.{did_you_mean(term, terms)}'
            )


def _check_cuts(cut: Density, model: Model, family: Family) -> None:
    if cut.name == "induced_dirichlet" and model.thresholds != "flexible":
        raise ModelError(
            f'`cutpoints = "{cut}"` needs flexible cut points; the model has thresholds = "{model.thresholds}". '
            'Use "normal(mean, scale)" for its parameters.'
        )
    if cut.name == "ordered_normal" and (not family.ordered_cuts or model.thresholds != "flexible"):
        raise ModelError(
            f'`cutpoints = "{cut}"` is for flexible cut points that must increase; here family = "{family.name}", '
            f'thresholds = "{model.thresholds}". Use "normal(mean, scale)".'
        )
    if cut.name == "normal" and family.ordered_cuts and model.thresholds == "flexible":
        raise ModelError(
            f'`cutpoints = "{cut}"`: cut points of the {family.name} family must increase. Use "ordered_normal(mean, scale)".'
        )


def _default_cuts(model: Model) -> Density:
    if model.thresholds == "flexible":
        return Density("induced_dirichlet", (1.0,))
    return Density("normal", (0.0, CUT_SCALE))


def _density_of(j: int, declared: DeclaredPriors, family: Family, link: Link, design: Design) -> Density:
    term = design.terms[j]
    if term in declared.terms:
        return declared.terms[term]
    if term.startswith("scale:"):
        return declared.scale or Density("normal", (0.0, 0.5))
    return declared.slopes or Density("normal", (0.0, default_slope_scale(family, link, len(design.order))))


def _numbers(density: Density) -> tuple[float, float, float, bool]:
    """Mean, scale, degrees of freedom, proper."""
    if density.name in ("normal", "ordered_normal"):
        return density.arguments[0], density.arguments[1], np.inf, True
    if density.name == "student_t":
        return density.arguments[1], density.arguments[2], density.arguments[0], True
    return 0.0, 1.0, np.inf, False


def _units(declared: DeclaredPriors, cells: Cells, design: Design) -> Array:
    """What a slope's prior is per: one for indicators, two weighted standard deviations for numbers."""
    units = np.ones(len(design.names))
    if declared.predictors == "as_is":
        return units
    columns = columns_of(design)
    for j in np.flatnonzero(~design.is_cut):
        if not np.isin(columns[:, j], (-1.0, 0.0, 1.0)).all():
            units[j] = 2.0 * spread_of(columns[:, j], cells)
    return units


def _texts(
    declared: DeclaredPriors, cut: Density, densities: list[Density], design: Design
) -> MappingProxyType[str, str]:
    """Densities by group of parameters, as they are printed."""
    found = {"cutpoints": str(cut)}
    for density, term in zip(densities, design.terms, strict=True):
        if term:
            key = "prior_per_unit" if declared.predictors == "as_is" else "prior_per_step"
            found[term] = say(key, density=str(density))
    return MappingProxyType(found)
