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

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

import wwm_models as wwm
from wwm_models.engines.bayes.coordinates import Coordinates
from wwm_models.engines.bayes.nuts import Settings, run_chain
from wwm_models.engines.bayes.prior_draws import prior_draws
from wwm_models.engines.bayes.sample import Problem, posterior_problem
from wwm_models.engines.bayes.target import LogPosterior, whitened
from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.engines.maximum import starting_point

Array = NDArray[np.float64]
LEVELS, ANSWERS = 3, 4
THIN, RANKS, WARMUP = 2, 49, 75
MODELS = {
    "cumulative": {},
    "partial": {"nonproportional": ("g",)},
    "adjacent": {"family": "adjacent"},
    "continuation": {"family": "continuation"},
    "stopping": {"family": "stopping"},
    "multinomial": {"family": "multinomial"},
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


def problem_of(name: str, *, right: bool = True) -> Problem:
    """The posterior of a model of four answers by a factor of three levels; its counts are replaced by simulated ones."""
    rows = np.arange(LEVELS * ANSWERS)
    frame = pd.DataFrame(
        {
            "g": pd.Categorical.from_codes(rows % LEVELS, ["a", "b", "c"]),
            "y": pd.Categorical.from_codes(rows // LEVELS, list("wxyz"), ordered=True),
        }
    )
    problem = posterior_problem(wwm.Model("y ~ g", **MODELS[name]), wwm.Survey.from_frame(frame, weight=None))
    if right:
        return problem
    return replace(
        problem, target=replace(problem.target, coordinates=JacobianTwice(problem.target.coordinates.ordered))
    )


def quantities(likelihood: CellLikelihood, theta: Array) -> Array:
    """(s, q) test quantities: parameters, the log-likelihood, and the probability of the highest answer in the last group."""
    log_p = likelihood.family.log_probabilities(likelihood.predictors.eta_of_draws(theta), likelihood.link)
    log_p = log_p.reshape(len(theta), *likelihood.counts.shape)
    loglik = np.einsum("spk,pk->s", np.where(likelihood.counts > 0, log_p, 0.0), likelihood.counts)
    return np.column_stack([theta, loglik, np.exp(log_p[:, -1, -1])])


def quantity_names(problem: Problem) -> list[str]:
    return [*problem.design.names, "log-likelihood", "P(z | g = c)"]


def rank_of_truth(problem: Problem, per_group: int, seed: int) -> Array:
    """(q,) ranks of the true quantities of one simulated data set among RANKS draws."""
    generator = np.random.default_rng(seed)
    target = problem.target
    truth = prior_draws(target.prior, problem.design, 1, generator)
    shares = np.exp(target.likelihood.log_probabilities(truth[0]))
    counts = np.array([generator.multinomial(per_group, row / row.sum()) for row in shares]).astype(np.float64)
    likelihood = replace(target.likelihood, counts=counts)
    posterior: LogPosterior = replace(target, likelihood=likelihood)
    easy = replace(likelihood, counts=counts + 0.5)
    space = whitened(posterior, posterior.coordinates.free(starting_point(likelihood.family, easy, problem.design)))

    def density(z: Array) -> tuple[float, Array]:
        value, gradient = posterior.value_and_gradient(space.free(z))
        return value, space.root.T @ gradient

    start = generator.standard_normal(len(space.mode))
    while not np.isfinite(density(start)[0]):
        start /= 2.0
    chain = run_chain(density, start, int(generator.integers(2**31)), Settings(THIN * RANKS, WARMUP, 0.8))
    draws = posterior.coordinates.theta(space.free(chain.z[::THIN]))
    return (quantities(likelihood, draws) < quantities(likelihood, truth)).sum(axis=0)


def ranks_of(name: str, datasets: int, *, per_group: int = 30, seed: int = 1, right: bool = True) -> pd.DataFrame:
    """One row per data set, one column per test quantity."""
    problem = problem_of(name, right=right)
    found = [rank_of_truth(problem, per_group, 10_000 * seed + number) for number in range(datasets)]
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
