"""Simulation-based calibration of the posterior engine: parameters from the prior, answers from the parameters, ranks in the posterior.

If sampler, density and prior are right, the rank of the true value among L independent posterior draws is uniform on 0 .. L, for
every test quantity. Ranks of N data sets are compared with uniform ones by the simultaneous bands of their ECDF.

References
----------
Talts, S. and others (2018). Validating Bayesian inference algorithms with simulation-based calibration. arXiv:1804.06788
Modrak, M. and others (2023). Simulation-based calibration checking for Bayesian computation: the choice of test quantities shapes
sensitivity. Bayesian Analysis. doi:10.1214/23-BA1404
Saeilynoja, T., Buerkner, P.-C. and Vehtari, A. (2022). Graphical test for discrete uniformity and its applications in goodness of fit
evaluation and multiple sample comparison. Statistics and Computing 32. doi:10.1007/s11222-022-10090-6
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

import wwm_models as wwm
from wwm_models.bayes.density import prior_draws, whitened
from wwm_models.bayes.sample import Problem, posterior_problem
from wwm_models.bayes.sampler import Settings, run_chain
from wwm_models.bayes.structured_priors import PriorBlock
from wwm_models.bayes.transforms import Coordinates
from wwm_models.likelihood.likelihood import CellLikelihood
from wwm_models.likelihood.maximum import starting_point

Array = NDArray[np.float64]
ANSWERS, RANKS = list("wxyz"), 49


@dataclass(frozen=True)
class Case:
    """A model of four answers by crossed factors, and how it is sampled.

    Attributes
    ----------
    options, priors : mappings
        Of the model.
    formula : str
    factors : mapping of name to its number of levels
    per_group : int
        Respondents of each combination of levels.
    thin, warmup : int
        Draws per rank, so that ranks are of nearly independent draws, and draws before the first.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    priors: Mapping[str, Any] = field(default_factory=dict)
    formula: str = "y ~ g"
    factors: Mapping[str, int] = field(default_factory=lambda: {"g": 3})
    per_group: int = 30
    thin: int = 2
    warmup: int = 75


CURVED = {"per_group": 10, "thin": 6, "warmup": 300}  # priors with coordinates of their own
MODELS = {
    "cumulative": Case(),
    "partial": Case({"nonproportional": ("g",)}),
    "adjacent": Case({"family": "adjacent"}),
    "continuation": Case({"family": "continuation"}),
    "stopping": Case({"family": "stopping"}),
    "multinomial": Case({"family": "multinomial"}),
    "by group": Case({"thresholds_by": "h"}, factors={"g": 3, "h": 2}),
    "r2d2": Case({}, {"slopes": "r2d2(0.4, 3, 1)"}, "y ~ g + h + k", {"g": 3, "h": 2, "k": 2}, **CURVED),
    "monotonic": Case({}, {}, "y ~ mo(g) + h", {"g": 4, "h": 2}, **CURVED),
    "pooled": Case({}, {"terms": {"g:h": "zero_sum(0.5)"}}, "y ~ g * h", {"g": 3, "h": 3}, **CURVED),
}


@dataclass(frozen=True)
class JacobianTwice(Coordinates):
    """A deliberate error that leaves the density proper: the log Jacobian is added twice."""

    def log_jacobian(self, free: Array) -> float:
        return 2.0 * super().log_jacobian(free)

    def pulled_back(self, free: Array, gradient: Array) -> Array:
        result = super().pulled_back(free, gradient)
        result[1 : self.ordered] += 1.0
        return result


class Remembered:
    """A block of a prior that keeps what it has drawn."""

    def __init__(self, block: PriorBlock) -> None:
        self.block, self.last = block, np.empty((0, block.size))

    def drawn(self, count: int, generator: np.random.Generator) -> Array:
        self.last = self.block.drawn(count, generator)
        return self.last

    def __getattr__(self, name: str) -> Any:
        return getattr(self.block, name)


def problem_of(name: str, *, right: bool = True) -> Problem:
    """The posterior of a case; its counts are replaced by simulated ones."""
    case = MODELS[name]
    levels = [list("abcdef"[:count]) for count in case.factors.values()]
    rows = pd.DataFrame(itertools.product(*levels, ANSWERS), columns=[*case.factors, "y"])
    kinds = {factor: pd.CategoricalDtype(own, ordered=True) for factor, own in zip(case.factors, levels, strict=True)}
    frame = rows.astype({**kinds, "y": pd.CategoricalDtype(ANSWERS, ordered=True)})
    model, survey = wwm.Model(case.formula, **case.options), wwm.Survey.from_frame(frame, weight=None)
    problem = posterior_problem(model, survey, priors=case.priors)
    if right:
        return problem
    return replace(
        problem, target=replace(problem.target, coordinates=JacobianTwice(problem.target.coordinates.ordered))
    )


def quantities(likelihood: CellLikelihood, theta: Array, added: Mapping[str, Array]) -> Array:
    """(s, q) test quantities: parameters, what their prior adds, log-likelihood, and probability of the highest answer in the last group."""
    log_p = likelihood.family.log_probabilities(likelihood.predictors.eta_of_draws(theta), likelihood.link)
    log_p = log_p.reshape(len(theta), *likelihood.counts.shape)
    loglik = np.einsum("spk,pk->s", np.where(likelihood.counts > 0, log_p, 0.0), likelihood.counts)
    return np.column_stack([theta, *added.values(), loglik, np.exp(log_p[:, -1, -1])])


def quantity_names(problem: Problem) -> list[str]:
    last = ", ".join(f"{name} = {value}" for name, value in problem.cells.patterns.iloc[-1].items())
    added = [name for block in problem.target.prior.blocks for name in block.hyper(np.zeros((1, block.size)))]
    return [*problem.design.names, *added, "log-likelihood", f"P(z | {last})"]


def truth_of(problem: Problem, generator: np.random.Generator) -> tuple[Array, dict[str, Array]]:
    """(1, p) parameters drawn from the prior, and what the prior adds to them."""
    blocks = tuple(Remembered(block) for block in problem.target.prior.blocks)
    theta = prior_draws(replace(problem.target.prior, blocks=blocks), problem.design, 1, generator)
    added: dict[str, Array] = {}
    for block in blocks:
        added |= block.hyper(block.last)
    return theta, added


def rank_of_truth(problem: Problem, case: Case, seed: int) -> Array:
    """(q,) ranks of the true quantities of one simulated data set among RANKS draws."""
    generator = np.random.default_rng(seed)
    target = problem.target
    truth, added = truth_of(problem, generator)
    shares = np.exp(target.likelihood.log_probabilities(truth[0]))
    counts = np.array([generator.multinomial(case.per_group, row / row.sum()) for row in shares]).astype(np.float64)
    likelihood = replace(target.likelihood, counts=counts)
    posterior = replace(problem, target=replace(target, likelihood=likelihood)).density
    easy = replace(likelihood, counts=counts + 0.5)
    space = whitened(posterior, posterior.start(starting_point(likelihood.family, easy, problem.design)))

    def density(z: Array) -> tuple[float, Array]:
        value, gradient = posterior.value_and_gradient(space.free(z))
        return value, space.root.T @ gradient

    start = generator.standard_normal(len(space.mode))
    while not np.isfinite(density(start)[0]):
        start /= 2.0
    settings = Settings(case.thin * RANKS, case.warmup, 0.8)
    chain = run_chain(density, start, int(generator.integers(2**31)), settings)
    draws = posterior.parameters(space.free(chain.z[:: case.thin]))
    return (quantities(likelihood, *draws) < quantities(likelihood, truth, added)).sum(axis=0)


def ranks_of(
    name: str, datasets: int, *, per_group: int | None = None, seed: int = 1, right: bool = True
) -> pd.DataFrame:
    """One row per data set, one column per test quantity."""
    problem, case = problem_of(name, right=right), MODELS[name]
    case = case if per_group is None else replace(case, per_group=per_group)
    found = [rank_of_truth(problem, case, 10_000 * seed + number) for number in range(datasets)]
    return pd.DataFrame(found, columns=quantity_names(problem))


def smallest_tail(ranks: Array) -> float:
    """The smallest two-sided binomial tail probability of the ECDF over all ranks: small where it leaves its band."""
    points = np.arange(RANKS + 1)
    counts = np.searchsorted(np.sort(ranks), points, side="right")[:-1]
    uniform = (points[:-1] + 1.0) / (RANKS + 1.0)
    below, above = stats.binom.cdf(counts, len(ranks), uniform), stats.binom.sf(counts - 1, len(ranks), uniform)
    return float(2.0 * np.minimum(below, above).min())


def uniform_tails(datasets: int, *, repeats: int = 2000, seed: int = 3) -> Array:
    """`smallest_tail` of uniform ranks: its law, by simulation."""
    generator = np.random.default_rng(seed)
    return np.sort([smallest_tail(generator.integers(0, RANKS + 1, datasets)) for _ in range(repeats)])


def calibration(ranks: pd.DataFrame, tails: Array) -> pd.DataFrame:
    """The p-value of uniform ranks for every test quantity: the simultaneous band at level 1 - p just touches the ECDF."""
    p = [
        float((1 + np.searchsorted(tails, smallest_tail(ranks[name].to_numpy()), side="right")) / (1 + len(tails)))
        for name in ranks
    ]
    return pd.DataFrame({"quantity": list(ranks), "datasets": len(ranks), "p_value": p})
