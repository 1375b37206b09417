"""From a model and a survey to draws of its pseudo-posterior, rotated to the design-based covariance.

`sample` goes through cells, prior, coordinates, chains, correction for the design and health. The correction (`corrected`): a
pseudo-posterior under sampling weights has the covariance of as many independent respondents, H^-1, where a survey has
V = H^-1 J H^-1 with J the design-based covariance of the score. With R1' R1 = V and R2' R2 = H^-1 a draw becomes

    v* = mean + (v - mean) R2^-1 R1

in free coordinates, so that cut points stay ordered. H and J are on the scale of the pseudo-posterior (weights that sum to Kish's
effective n). The curvature of the prior, P, is information that no design touches: it is added to H and to J alike, which is the
published correction when the prior is flat, leaves the draws alone when J = H, and stays defined where data say nothing.

References
----------
Williams, M. R. and Savitsky, T. D. (2021). Uncertainty estimation for pseudo-Bayesian inference under complex sampling.
International Statistical Review 89, 72-107. doi:10.1111/insr.12376
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg

from wwm_models.bayes.convergence import health_table, shortfalls
from wwm_models.bayes.density import (
    BlockedPosterior,
    LogDensity,
    LogPosterior,
    TransformedDraws,
    Whitened,
    curvature,
    whitened,
)
from wwm_models.bayes.export import inference_data
from wwm_models.bayes.posterior import Posterior
from wwm_models.bayes.prior_declarations import read_priors
from wwm_models.bayes.priors import resolve_prior
from wwm_models.bayes.readable import pymc_model
from wwm_models.bayes.sampler import Chain, CheckpointStore, Settings, Tell, check_sizes, run_chains
from wwm_models.bayes.transforms import coordinates_of
from wwm_models.likelihood.covariance import covariance
from wwm_models.likelihood.fit import check_arguments, score_influence, vcov_kind
from wwm_models.likelihood.likelihood import CellLikelihood, cell_likelihood
from wwm_models.likelihood.maximum import replicate_estimates, starting_point
from wwm_models.likelihood.replicates import replicate_covariance
from wwm_models.messages import listed_as, say
from wwm_models.models.cells import Cells
from wwm_models.models.design import Design, cells_and_design
from wwm_models.models.model import FAMILIES, Model
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.intervals import kish_effective_n
from wwm_models.numerics.links import LINKS
from wwm_models.survey.survey import Survey


def corrected(transformed: TransformedDraws, cells: Cells, survey: Survey, design: Design, kind: str) -> Array:
    """Parameters of draws with the covariance that the sampling design gives them.

    Parameters
    ----------
    transformed : TransformedDraws
        Draws in the coordinates in which they are rotated.
    cells, survey, design : records
    kind : {"robust", "design", "replicates"}

    Returns
    -------
    (s, p) array
        In those coordinates they have the same mean.
    """
    target, centre = transformed.plain, transformed.draws.mean(axis=0)
    theta = transformed.parameters(centre)
    free = target.coordinates.free(theta)
    turn = target.coordinates.jacobian(free) @ transformed.slopes
    _, information = target.likelihood.derivatives(theta)
    of_data = turn.T @ information @ turn
    of_prior = transformed.slopes.T @ curvature(target, free) @ transformed.slopes - of_data + transformed.precision
    of_prior = _positive_part(of_prior)
    score = turn.T @ score_covariance(target.likelihood, theta, cells, survey, design, kind) @ turn
    bread = np.asarray(np.linalg.inv(of_data + of_prior), dtype=np.float64)
    return transformed.parameters(
        centre + (transformed.draws - centre) @ rotation(bread, bread @ (score + of_prior) @ bread)
    )


def rotation(sampled: Array, wanted: Array) -> Array:
    """(p, p) matrix A with A' sampled A = wanted: R2^-1 R1 for the triangular roots of both.

    Examples
    --------
    >>> rotation(np.diag([1.0, 4.0]), np.diag([9.0, 4.0])).tolist()
    [[3.0, 0.0], [0.0, 1.0]]
    """
    root_sampled = linalg.cholesky(sampled)
    root_wanted = linalg.cholesky(_positive_part(wanted, smallest=1e-10))
    return np.asarray(linalg.solve_triangular(root_sampled, root_wanted))


def score_covariance(
    likelihood: CellLikelihood, theta: Array, cells: Cells, survey: Survey, design: Design, kind: str
) -> Array:
    """(p, p) covariance of the score of the pseudo-likelihood under the sampling design, J."""
    if kind == "replicates" and survey.replicates is not None:
        again = replicate_estimates(likelihood, theta, cells, design, survey)
        _, information = likelihood.derivatives(theta)
        return information @ replicate_covariance(again, again.mean(axis=0), survey.replicates) @ information
    scale = float(likelihood.counts.sum() / cells.weights.sum())
    influence = score_influence(likelihood, theta, np.eye(len(theta)), cells, survey, design)
    if kind == "robust":
        influence = replace(influence, design=None)
    return scale**2 * covariance(influence)


def _positive_part(matrix: Array, smallest: float = 0.0) -> Array:
    """The matrix with its eigenvalues raised to `smallest` times the largest."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    kept = np.maximum(values, smallest * max(float(values[-1]), 0.0))
    return (vectors * kept) @ vectors.T


WARMUP = 150  # in whitened coordinates only the step size is left to learn
ACCEPT = 0.6  # in whitened coordinates three gradients a draw then do; a higher target takes twice as many for as many effective draws
CURVED = 0.8  # where a prior has coordinates of its own, whose posterior is not nearly normal
CAREFUL = 0.95  # target acceptance of the one retry after a divergence


@dataclass(frozen=True, eq=False)
class Problem:
    """A posterior density with what it is made from."""

    model: Model
    survey: Survey
    cells: Cells
    design: Design
    target: LogPosterior
    n_effective: float

    @property
    def density(self) -> LogDensity:
        """What is sampled: the target, with the coordinates of its prior's blocks where it has any."""
        return BlockedPosterior(self.target, self.target.prior.blocks) if self.target.prior.blocks else self.target


def sample(
    model: Model,
    survey: Survey,
    *,
    seed: int,
    chains: int = 4,
    draws: int = 1000,
    warmup: int = WARMUP,
    priors: Mapping[str, Any] | None = None,
    aliased: str = "error",
    progress: Tell | None = None,
    kept: CheckpointStore | None = None,
) -> Posterior:
    """Draw from the posterior of a model by the No-U-Turn sampler.

    Parameters
    ----------
    model : Model
        What is fitted, and to which outcome.
    survey : Survey
        Sampling weights make a pseudo-posterior whose weights sum to Kish's effective n; draws are then rotated to the
        design-based covariance. Both sets of draws are kept.
    seed : int
        Of the random numbers: the same seed gives the same result; from 0.
    chains, draws, warmup : int
        Chains, draws per chain that are kept, and draws per chain that are not.
    priors : mapping, optional
        As ``[priors]`` in a model file: ``slopes``, ``cutpoints``, ``scale``, ``predictors``, ``terms``.
    aliased : {"error", "drop"}
        What to do with columns that others determine.
    progress : function of (str, int, int), optional
        Is told what is being done, how many draws are finished, and how many there are.
    kept : CheckpointStore, optional
        Where finished chains are stored and looked up, so that an interrupted run does not draw them again.

    Returns
    -------
    Posterior
        Look at ``healthy``.

    Raises
    ------
    ModelError, RankError, DeclarationError
        If the model or the priors do not fit the survey's variables.
    FitError
        If the posterior has no mode, which a proper prior prevents.

    References
    ----------
    Hoffman, M. D. and Gelman, A. (2014). The No-U-Turn sampler. JMLR 15, 1593-1623.
    Savitsky, T. D. and Toth, D. (2016). Bayesian estimation under informative sampling. Electronic Journal of Statistics 10,
    1677-1708. doi:10.1214/16-EJS1153

    Examples
    --------
    >>> answers = pd.Categorical(["no", "maybe", "yes"] * 20, ["no", "maybe", "yes"], ordered=True)
    >>> survey = Survey.from_frame(pd.DataFrame({"y": answers}), weight=None)
    >>> posterior = sample(Model("y ~ 1"), survey, seed=1)
    >>> posterior.healthy, posterior.draws.shape
    (True, (4000, 2))
    """
    check_arguments("sample", model, survey)
    check_sizes(chains, draws, warmup)
    tell = progress or (lambda what, done, total: None)  # noqa: ARG005
    problem = posterior_problem(model, survey, priors=priors, aliased=aliased)
    started = time.perf_counter()
    tell("finding the mode", 0, chains * (draws + warmup))
    start = starting_point(FAMILIES[model.family], problem.target.likelihood, problem.design)
    space = whitened(problem.density, problem.density.start(start))
    settings = Settings(draws, warmup, CURVED if problem.target.prior.blocks else ACCEPT)
    run = run_chains(problem.density, space, seed, chains, settings, tell, kept, partial(_diverged, problem.target))
    if _diverged(problem.target, run[-1]):
        settings = Settings(draws, 2 * warmup, CAREFUL)
        run = run_chains(problem.density, space, seed, chains, settings, tell, kept)
    facts = {
        "seed": seed, "warmup": settings.warmup, "target_accept": settings.target_accept, "seconds": time.perf_counter() - started,
    }  # fmt: skip
    return assembled(problem, space, run, facts)


def posterior_problem(
    model: Model, survey: Survey, *, priors: Mapping[str, Any] | None = None, aliased: str = "error"
) -> Problem:
    """The log posterior density of a model on a survey."""
    family, link = FAMILIES[model.family], LINKS[model.link]
    cells, design = cells_and_design(model, survey, aliased=aliased)
    prior = resolve_prior(read_priors(priors), model, family, link, cells, design)
    likelihood = cell_likelihood(family, link, cells, design)
    effective = float(cells.n)
    if survey.weight_kind == "sampling":
        effective = float(kish_effective_n(cells.row_weight.sum(), cells.row_square.sum()))
        likelihood = replace(likelihood, counts=likelihood.counts * (effective / likelihood.counts.sum()))
    coordinates = coordinates_of(model, family, cells, design)
    return Problem(model, survey, cells, design, LogPosterior(likelihood, prior, coordinates), effective)


def assembled(problem: Problem, space: Whitened, run: list[Chain], settings: dict[str, Any]) -> Posterior:
    """The record of a posterior from its chains."""
    target, chains = problem.target, len(run)
    free = space.free(np.concatenate([chain.z for chain in run]))
    uncorrected, hyper = problem.density.parameters(free)
    kind = vcov_kind("auto", problem.survey)
    draws, method = uncorrected, "bayes"
    if kind != "model":
        transformed = problem.density.transformed(free)
        draws = corrected(transformed, problem.cells, problem.survey, problem.design, kind)
        method = "bayes (design-corrected)"
    stats = {name: np.array([chain.stats[name] for chain in run]) for name in run[0].stats}
    health = health_table(np.column_stack([draws, *hyper.values()]), chains, [*problem.design.names, *hyper])
    divergences = int(sum(_divergent(target, chain).sum() for chain in run))
    message = trouble_with(health, divergences)
    return Posterior(
        model=problem.model,
        family=target.likelihood.family,
        link=target.likelihood.link,
        survey=problem.survey,
        cells=problem.cells,
        design=problem.design,
        draws=draws,
        uncorrected=uncorrected,
        chains=chains,
        method=method,
        vcov_kind=kind,
        health=health,
        divergences=divergences,
        status="unhealthy" if message else "ok",
        message=message,
        n=problem.cells.n,
        n_effective=problem.n_effective,
        priors=target.prior.texts,
        prior=target.prior,
        hyper=MappingProxyType(hyper),
        sample_stats=MappingProxyType(stats),
        settings=MappingProxyType(settings),
        build_idata=inference_data,
        build_pymc=pymc_model,
    )


def _diverged(target: LogPosterior, chain: Chain) -> bool:
    return bool(_divergent(target, chain).any())


def _divergent(target: LogPosterior, chain: Chain) -> NDArray[np.bool_]:
    """Draws whose trajectory diverged; one that ended at the boundary of a truncated prior has not, it was turned away."""
    diverging = np.asarray(chain.stats["diverging"], dtype=bool)
    return diverging & ~chain.stats["outside"] if target.truncated else diverging


def trouble_with(health: pd.DataFrame, divergences: int) -> str:
    """What is wrong with chains, in a sentence; empty when nothing is."""
    bad = health[health["status"] != "ok"]
    parts = [say("divergences_remain", count=divergences)] if divergences else []
    if len(bad):
        first = bad.iloc[0].to_dict()
        what = listed_as([str(first["quantity"]), *(shortfalls(first) or [str(first["status"])])])
        parts.append(say("parameters_fail", bad=len(bad), n=len(health), which=what))
    if not parts:
        return ""
    return say("chains_fail", problems=listed_as(parts, " "))
