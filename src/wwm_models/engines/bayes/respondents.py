"""What ArviZ needs of respondents one by one: observed answers, answers drawn anew, and log densities; the likelihood itself is on cells.

Respondents stand in the order of their cells, pattern by pattern, so those who answered alike lie together; their rows of the survey are not
told. An answer is its position among the declared ones. Everything is of the draws as they were sampled: those rotated to the design are not
draws from a density that has the likelihood as a factor.

What would be more than `MOST` numbers is thinned to draws that are evenly spaced, and left out below `FEWEST` draws; log densities are either
of all draws or not there, because leave-one-out accuracy needs them all.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.predictors import predictors_of
from wwm_models.records import Posterior

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
MOST = 10_000_000  # numbers: 2,500 respondents under 4,000 draws, 40 MB before compression
FEWEST = 100  # draws, below which a predictive distribution says little
AT_ONCE = 200_000  # log probabilities per block
DIMENSION = "respondent"


def cells_of_respondents(post: Posterior) -> tuple[Codes, Codes]:
    """(n,) pattern, and position among the fitted answers, of every respondent used."""
    counts = post.cells.counts[:, post.design.order]
    pattern, answer = np.nonzero(counts)
    people = np.round(counts[pattern, answer]).astype(np.intp)
    return np.repeat(pattern, people), np.repeat(answer, people)


def fits(post: Posterior) -> bool:
    """Whether the log density of every respondent under every draw is kept."""
    return len(post.uncorrected) * post.n <= MOST


def thinned(chains: int, length: int, people: int) -> Codes | None:
    """Numbers of the draws of each chain under which all respondents are drawn anew; None where that would be too few."""
    within = min(length, MOST // max(1, people * chains))
    return np.linspace(0, length - 1, within).astype(np.intp) if within * chains >= FEWEST else None


def log_probabilities(post: Posterior, theta: Array) -> Array:
    """(s, P, J + 1) log probabilities of the answers with respondents, in the family's order, of (s, p) draws."""
    predictors = predictors_of(post.design)
    rows, answers = len(post.design.array), len(post.design.order)
    found = np.empty((len(theta), rows, answers))
    block = max(1, AT_ONCE // (rows * answers))
    for first in range(0, len(found), block):
        eta = predictors.eta_of_draws(theta[first : first + block])
        found[first : first + block] = post.family.log_probabilities(eta, post.link).reshape(-1, rows, answers)
    return found


def drawn_answers(post: Posterior, log_p: Array, generator: np.random.Generator) -> NDArray[np.int16]:
    """(s, n) positions among the declared answers that the respondents give at (s, P, J + 1) log probabilities."""
    pattern, _ = cells_of_respondents(post)
    found = np.empty((len(log_p), len(pattern)), dtype=np.int16)
    block = max(1, 10 * AT_ONCE // max(1, len(pattern)))
    for first in range(0, len(log_p), block):
        below = np.exp(log_p[first : first + block]).cumsum(axis=2)
        chance = generator.random((len(below), len(pattern)))
        place = sum((chance > below[:, pattern, k]).astype(np.intp) for k in range(below.shape[2] - 1))
        found[first : first + block] = post.design.order[place]
    return found


def respondent_groups(post: Posterior, log_p: Array, prior: Array | None, seed: int) -> dict[str, Any]:
    """The groups ``observed_data``, ``posterior_predictive``, ``prior_predictive`` and ``log_likelihood``, those that fit.

    Parameters
    ----------
    post : Posterior
    log_p : (s, P, J + 1) array
        `log_probabilities` of the draws as they were sampled.
    prior : (s, p) array or None
        Draws from the prior.
    seed : int

    Returns
    -------
    dict of name to xarray Dataset
    """
    import xarray as xr

    pattern, answer = cells_of_respondents(post)
    name, length = variable_name(post.cells.outcome), len(post.draws) // post.chains
    person = {DIMENSION: np.arange(len(pattern))}
    answers = json.dumps(list(map(str, post.cells.categories)), ensure_ascii=False)
    facts = {"answers": answers, "note": "respondents in the order of their cells, answers by their position"}
    dims = ("chain", "draw", DIMENSION)
    found = {
        "observed_data": xr.Dataset({name: ((DIMENSION,), post.design.order[answer].astype(np.int16))}, person, facts)
    }
    within = thinned(post.chains, length, len(pattern))
    if within is not None:
        chosen = (np.arange(post.chains)[:, None] * length + within).ravel()
        drawn = drawn_answers(post, log_p[chosen], np.random.default_rng([seed, 11]))
        by_draw = {"chain": np.arange(post.chains), "draw": within, **person}
        found["posterior_predictive"] = xr.Dataset(
            {name: (dims, drawn.reshape(post.chains, len(within), -1))}, by_draw, facts
        )
    few = None if prior is None else thinned(1, len(prior), len(pattern))
    if prior is not None and few is not None:
        drawn = drawn_answers(post, log_probabilities(post, prior[few]), np.random.default_rng([seed, 12]))
        found["prior_predictive"] = xr.Dataset(
            {name: (dims, drawn[None])}, {"chain": [0], "draw": few, **person}, facts
        )
    if fits(post):
        values = log_p[:, pattern, answer].reshape(post.chains, length, -1)
        by_draw = {"chain": np.arange(post.chains), "draw": np.arange(length), **person}
        found["log_likelihood"] = xr.Dataset({name: (dims, values)}, by_draw, {"note": WEIGHTS})
    return found


WEIGHTS = "log p of each respondent's answer; weights are set aside, wwm.loo is under them"


def variable_name(outcome: str) -> str:
    """The outcome as a variable of a netCDF file, whose names hold no slash and are not those of its dimensions."""
    name = outcome.replace("/", "_")
    return f"{name}_answer" if name in ("chain", "draw", DIMENSION) else name
