"""Where the sampler starts and the coordinates it moves in: a pilot maximum, spreads by moments, and the curvature there.

A joint maximum over slopes and spreads is not a summary of the posterior: the density of z = deviation / tau favours large
spreads. So the spreads are set to the most probable ones given nearly unpooled slopes, and only the other coordinates are
maximised at them. Sampling is exact whatever the pilot finds; it only decides how long a draw takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from wwm_models.engines.bayes.joint.density import JointDensity, JointPriors
from wwm_models.engines.bayes.joint.likelihood import MarginalLikelihood, pilot_nodes
from wwm_models.engines.bayes.target import Whitened
from wwm_models.records.joint import ItemParameters, ItemRows

Array = NDArray[np.float64]
UNPOOLED = 1.0  # spread of the first pass: wide on the log-odds scale
INFORMED = (
    0.7  # share of a slope that is not pooling, above which centring helps; below, a spread near zero would be a funnel
)
STEP = 1e-4  # of central differences of the gradient: error of order STEP^2 against rounding of 1e-16 / STEP


@dataclass(frozen=True, eq=False)
class Pilot:
    """The density to sample, and coordinates in which it is nearly standard normal."""

    density: JointDensity
    space: Whitened


def pilot(rows: ItemRows, priors: JointPriors) -> Pilot:
    """Place the nodes, the start and the coordinates.

    Parameters
    ----------
    rows : ItemRows
    priors : JointPriors
    """
    unpooled = np.full(len(set(rows.terms)), min(UNPOOLED, 3.0 * priors.spread))
    first, _, _ = _pass(rows, priors, starting_parameters(rows), unpooled)
    # the nodes now lie about where the second pass finds the maximum
    parameters, density, point = _pass(rows, priors, first, unpooled)
    coordinate, width, centring = _spreads(density, point)
    likelihood = MarginalLikelihood(rows, pilot_nodes(rows, parameters))
    density = JointDensity(likelihood, priors, centring)
    centre = _maximum(density, density.layout.point(parameters, density.layout.spreads(coordinate)))
    bends = curvature(density, centre)
    held = density.layout.is_spread
    bends[held] = bends[:, held] = 0.0  # how the rest moves with the spreads is not linear
    bends[np.ix_(held, held)] = np.diag(width**-2.0)
    return Pilot(density, Whitened(centre, np.asarray(linalg.cholesky(np.linalg.inv(bends), lower=True))))


def _pass(
    rows: ItemRows, priors: JointPriors, parameters: ItemParameters, spreads: Array
) -> tuple[ItemParameters, JointDensity, Array]:
    """The maximum at given spreads with nodes about given parameters, its density and its coordinates."""
    density = JointDensity(MarginalLikelihood(rows, pilot_nodes(rows, parameters)), priors)
    point = _maximum(density, density.layout.point(parameters, spreads))
    return density.layout.parameters(point), density, point


def starting_parameters(rows: ItemRows) -> ItemParameters:
    """Every item's own answer shares, no slopes, loadings of one."""
    cuts: list[Array] = []
    for answers in rows.answers:
        given = answers >= 0
        shares = np.bincount(answers[given], rows.weights[given])
        below = np.cumsum(shares / shares.sum())[:-1]
        cuts.append(1.15 * np.log(below / (1.0 - below)))  # sqrt(1 + 3 / pi^2): a person effect of sd 1 shrinks margins
    return ItemParameters(np.concatenate(cuts), np.zeros((len(rows.items), len(rows.names))), np.ones(len(rows.items)))


def curvature(density: JointDensity, point: Array) -> Array:
    """Minus the Hessian of the log density, by central differences of its gradient: (d, d)."""
    steps = STEP * np.eye(len(point))
    rows = np.array(
        [density.value_and_gradient(point - step)[1] - density.value_and_gradient(point + step)[1] for step in steps]
    ) / (2.0 * STEP)
    return (rows + rows.T) / 2.0


def _maximum(density: JointDensity, start: Array) -> Array:
    """The maximum over everything but the spreads, which stay where they are."""
    held = density.layout.is_spread

    def loss(point: Array) -> tuple[float, Array]:
        value, gradient = density.value_and_gradient(point)
        return -value, np.where(held, 0.0, -gradient)

    from scipy import optimize  # a quarter of a second, which only a joint model needs

    return optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-2}).x


def _spreads(density: JointDensity, point: Array) -> tuple[Array, Array, Array]:
    """Most probable spreads (as v) with their standard deviations when the nearly unpooled slopes are taken as normal, and the centring that suits them.

    The slopes at `point` with their curvature, freed from the pooling they had, are estimates of N(slopes, noise); under the model
    they have covariance noise + slopes^2 11' + tau^2 within a column, which is maximised over the spreads.
    """
    layout, priors = density.layout, density.priors
    estimates, noise = _freed_slopes(density, point)
    same_column = np.tile(np.eye(layout.slopes), (layout.items, layout.items))
    term = np.tile(layout.term, layout.items)

    def loss(coordinate: Array) -> float:
        total = noise + priors.slopes**2 * same_column + np.diag(layout.spreads(coordinate)[term] ** 2)
        lower = np.linalg.cholesky(total)
        standard = linalg.solve_triangular(lower, estimates, lower=True)
        return float(np.log(np.diag(lower)).sum() + 0.5 * standard @ standard + 0.5 * coordinate @ coordinate)

    from scipy import optimize

    found = optimize.minimize(loss, np.full(len(layout.term_names), -0.5), method="L-BFGS-B").x
    steps = 0.1 * np.eye(len(found))
    bends = np.array([loss(found + step) - 2.0 * loss(found) + loss(found - step) for step in steps]) / 0.01
    squares = layout.spreads(found) ** 2
    error = np.bincount(term, np.diag(noise)) / np.bincount(term)
    share = squares / (squares + error)
    return found, np.clip(bends, 0.5, None) ** -0.5, np.where(share > INFORMED, share, 0.0)


def _freed_slopes(density: JointDensity, point: Array) -> tuple[Array, Array]:
    """Slopes (J p,) and their covariance with the prior they had at `point` taken out."""
    layout, priors = density.layout, density.priors
    _, _, coordinate, _, _ = layout.split(point)
    first, free = layout.cuts + layout.slopes, ~layout.is_spread
    scale = (layout.spreads(coordinate) ** (1.0 - layout.centring))[layout.term]
    to_slopes = np.zeros((layout.items * layout.slopes, len(point)))
    same_column = np.tile(np.eye(layout.slopes), (layout.items, 1))
    to_slopes[:, layout.cuts : first] = same_column
    start = first + len(coordinate)
    to_slopes[:, start : start + len(to_slopes)] = np.diag(np.tile(scale, layout.items))
    covariance = to_slopes[:, free] @ np.linalg.solve(curvature(density, point)[free][:, free], to_slopes[:, free].T)
    spread = np.tile(layout.spreads(coordinate)[layout.term], layout.items)
    prior = priors.slopes**2 * same_column @ same_column.T + np.diag(spread**2)
    precision = np.linalg.inv(covariance)
    noise = np.linalg.inv(precision - np.linalg.inv(prior))
    slopes = layout.parameters(point).slopes.ravel()
    return noise @ precision @ slopes, (noise + noise.T) / 2.0
