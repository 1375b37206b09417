"""Draws of the joint model of all items: where the sampler starts, the coordinates it moves in, chains and their health.

`pilot` is a maximum with spreads by moments, and the curvature there. A joint maximum over slopes and spreads is not a summary of the
posterior: the density of z = deviation / tau favours large spreads. So the spreads are set to the most probable ones given nearly
unpooled slopes, and only the other coordinates are maximised at them. Sampling is exact whatever the pilot finds; it only decides how
long a draw takes.

`sample_joint`: each respondent's marginal likelihood, in which their effect is integrated out, is raised to their weight, and weights sum
to Kish's effective n; likelihood and person effect so carry the same weight (Rabe-Hesketh and Skrondal 2006). The draws are not
rotated to the design-based covariance, and the posterior's notes say so.

References
----------
Rabe-Hesketh, S. and Skrondal, A. (2006). Multilevel modelling of complex survey data. JRSS A 169, 805-827.
doi:10.1111/j.1467-985X.2006.00426.x
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import linalg

from wwm_models.arguments import whole_number
from wwm_models.bayes.convergence import health_table
from wwm_models.bayes.density import Whitened
from wwm_models.bayes.export import joint_inference_data
from wwm_models.bayes.joint_data import ItemParameters, ItemRows, JointPosterior, item_rows, rest_correlations
from wwm_models.bayes.joint_density import JointDensity, JointLayout, JointPriors, MarginalLikelihood, pilot_nodes
from wwm_models.bayes.sample import trouble_with
from wwm_models.bayes.sampler import Chain, CheckpointStore, NamedCheckpoints, Settings, Tell, check_sizes, run_chains
from wwm_models.errors import FitError
from wwm_models.messages import number, say, variable
from wwm_models.models.linear_map import Columns
from wwm_models.numerics.arrays import Array
from wwm_models.parallel import in_processes
from wwm_models.survey.survey import Survey

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
    hessian = curvature(density, centre)
    held = density.layout.is_spread
    hessian[held] = hessian[:, held] = 0.0  # how the rest moves with the spreads is not linear
    hessian[np.ix_(held, held)] = np.diag(width**-2.0)
    return Pilot(density, Whitened(centre, np.asarray(linalg.cholesky(np.linalg.inv(hessian), lower=True))))


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
    curvatures = np.array([loss(found + step) - 2.0 * loss(found) + loss(found - step) for step in steps]) / 0.01
    squares = layout.spreads(found) ** 2
    error = np.bincount(term, np.diag(noise)) / np.bincount(term)
    share = squares / (squares + error)
    return found, np.clip(curvatures, 0.5, None) ** -0.5, np.where(share > INFORMED, share, 0.0)


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


WARMUP = 200
LONGER = 3  # times the draws, where the first ones are too few: spreads between items move slowly
ACCEPT, CAREFUL = (
    0.7,
    0.95,
)  # in 120 dimensions 0.7 gives the most effective draws per gradient; the retry is slower and safer


def sample_joint(
    items: Sequence[str],
    predictors: str,
    survey: Survey,
    *,
    seed: int,
    chains: int = 4,
    draws: int = 1000,
    warmup: int = WARMUP,
    priors: JointPriors | None = None,
    jobs: int = 1,
    progress: Tell | None = None,
    kept: CheckpointStore | None = None,
) -> JointPosterior:
    """Draw from the joint posterior of several ordered items with an effect per person that they share.

    Parameters
    ----------
    items : sequence of str
        Two or more ordered outcomes, all worded in one direction: loadings are positive.
    predictors : str
        Right side of a formula, such as ``"age_group + household"``; the same for every item.
    survey : Survey
        The respondents, with their weights and design.
    seed : int
        Results do not depend on `jobs`.
    chains, draws, warmup : int
        As for `wwm.sample`: at least 2, 100 and 50.
    priors : JointPriors, optional
        Scales of the priors; `JointPriors()` unless given.
    jobs : int
        Processes over chains, 1 or more.
    progress : function of (str, int, int), optional
        Is told what is done, how many steps are done, and of how many.
    kept : CheckpointStore, optional
        Where finished chains are stored and looked up, so that an interrupted run does not draw them again.

    Returns
    -------
    JointPosterior
        Look at ``healthy``.

    Raises
    ------
    ModelError, RankError
        If items or predictors do not fit the survey.
    FitError
        If there are too few chains or draws to judge a posterior by.
    """
    tell = progress or (lambda what, done, total: None)  # noqa: ARG005
    check_sizes(chains, draws, warmup)
    whole_number(jobs, "jobs", FitError, least=1)
    survey.one_by_one("wwm.sample_joint")
    rows = item_rows(items, predictors, survey)
    total = chains * (draws + warmup)
    tell("joint model: finding the mode", 0, total)
    start = pilot(rows, priors or JointPriors())
    settings = Settings(draws, warmup, ACCEPT)
    run = _chains(start, seed, chains, settings, jobs, tell, kept)
    if any(chain.stats["diverging"].any() for chain in run):
        settings = replace(settings, warmup=2 * warmup, target_accept=CAREFUL)
        run = _chains(start, seed, chains, settings, jobs, tell, kept)
    post = assembled(start, run, survey, seed)
    if post.healthy:
        return post
    run = _chains(start, seed, chains, replace(settings, draws=LONGER * draws), jobs, tell, kept)
    return assembled(start, run, survey, seed)


def _chains(
    start: Pilot, seed: int, chains: int, settings: Settings, jobs: int, tell: Tell, kept: CheckpointStore | None
) -> list[Chain]:
    """One chain per seed, in as many processes as asked for."""
    seeds = [int(child.generate_state(1)[0]) for child in np.random.SeedSequence(seed).spawn(chains)]
    places = [None if kept is None else NamedCheckpoints(kept, f"seed-{own}") for own in seeds]
    total = chains * (settings.draws + settings.warmup)
    if jobs == 1:
        found: list[Chain] = []
        for number, (own, place) in enumerate(zip(seeds, places, strict=True)):
            tell("joint model: sampling", total * number // chains, total)
            found += run_chains(start.density, start.space, own, 1, settings, _quiet, place)
        return found
    portable = _portable(start)
    tell("joint model: sampling", 0, total)
    work = (
        (portable.density, portable.space, own, 1, settings, _quiet, place)
        for own, place in zip(seeds, places, strict=True)
    )
    done: list[Chain] = []
    for chain in in_processes(run_chains, work, jobs=jobs):
        done += chain
        tell("joint model: sampling", total * len(done) // chains, total)
    return done


def _quiet(what: str, done: int, total: int) -> None:
    """Chains of the joint model report when they end."""


def _portable(start: Pilot) -> Pilot:
    """The same without the formula's encoder, which other processes do not need."""
    density = start.density
    rows = replace(density.likelihood.rows, build=_no_build)
    likelihood = MarginalLikelihood(rows, density.likelihood.nodes)
    return Pilot(JointDensity(likelihood, density.priors, density.layout.centring), start.space)


def _no_build(columns: Columns) -> Array:
    raise NotImplementedError(f"A process that samples does not encode rows; it was given {list(columns)}.")


def assembled(start: Pilot, run: list[Chain], survey: Survey, seed: int) -> JointPosterior:
    """The record of a joint posterior from its chains."""
    layout, rows = start.density.layout, start.density.layout.rows
    points = start.space.free(np.concatenate([chain.z for chain in run]))
    parameters = layout.parameters(points)
    _, mean, coordinate, _, _ = layout.split(points)
    spreads = pd.DataFrame(layout.spreads(coordinate), columns=pd.Index(layout.term_names))
    named = _named(layout, parameters, mean, spreads)
    health = health_table(np.column_stack(list(named.values())), len(run), list(named))
    divergences = int(sum(chain.stats["diverging"].sum() for chain in run))
    return JointPosterior(
        survey=survey,
        rows=rows,
        draws=parameters,
        unconstrained=points,
        names=layout.names(),
        mean_slopes=mean,
        spreads=spreads,
        chains=len(run),
        health=health,
        divergences=divergences,
        message=trouble_with(health, divergences),
        notes=notes_on(rows, survey),
        seed=seed,
        density=start.density,
        sample_stats={name: np.array([chain.stats[name] for chain in run]) for name in run[0].stats},
        build_idata=joint_inference_data,
    )


def _named(layout: JointLayout, parameters: ItemParameters, mean: Array, spreads: pd.DataFrame) -> dict[str, Array]:
    rows = layout.rows
    cut_names = layout.names()[: layout.cuts]
    named = {name: parameters.cuts[:, k] for k, name in enumerate(cut_names)}
    named |= {
        f"slope:{item}:{name}": parameters.slopes[:, j, k]
        for j, item in enumerate(rows.items)
        for k, name in enumerate(rows.names)
    }
    named |= {f"loading:{item}": parameters.loadings[:, j] for j, item in enumerate(rows.items)}
    named |= {f"mean:{name}": mean[:, k] for k, name in enumerate(rows.names)}
    return named | {f"spread:{term}": spreads[term].to_numpy() for term in layout.term_names}


def notes_on(rows: ItemRows, survey: Survey) -> tuple[str, ...]:
    """What a reader must know of weights and of items that do not go together."""
    notes: list[str] = []
    if survey.weight_kind == "sampling":
        notes.append(say("weights_raised", effective=number(rows.n_effective, ".0f"), n=rows.n))
    for item, others in zip(rows.items, rest_correlations(rows.answers, rows.weights), strict=True):
        if others < 0.0:
            notes.append(say("item_against", item=variable(item), correlation=number(others, ".2f")))
    return tuple(notes)
