"""Draws from the prior: exact and independent, by rejection where it is truncated.

Slopes are drawn first. Under an anchor the shares are Dirichlet, the predictors of the anchor row follow from them, and the cut
points from the predictors and the slopes; exchangeable cut points that must increase are sorted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.priors import Prior
from wwm_models.errors import FitError, listed
from wwm_models.records import Design

Array = NDArray[np.float64]
MOST_TRIES = 200  # batches; a truncated prior that accepts fewer than one draw in some hundreds says nothing clear


def prior_draws(prior: Prior, design: Design, draws: int, generator: np.random.Generator) -> Array:
    """Draw parameters from their prior.

    Parameters
    ----------
    prior : Prior
    design : Design
    draws : int
    generator : numpy Generator

    Returns
    -------
    (draws, p) array

    Raises
    ------
    FitError
        If some density is flat, or the truncated region is hardly ever met.
    """
    flat = ~prior.proper if prior.anchor is None else ~prior.proper & ~design.is_cut
    for block in prior.blocks:
        flat[block.place] = False
    if flat.any():
        raise FitError(
            f"There are no draws from a flat prior: {listed(np.array(design.names)[flat])}. Declare a density, such as normal(0, 1)."
        )
    kept: list[Array] = []
    for _ in range(MOST_TRIES):
        proposed = _proposed(prior, design, draws, generator)
        kept.append(proposed[prior.allowed(proposed)] if len(prior.gaps) else proposed)
        if sum(map(len, kept)) >= draws:
            return np.concatenate(kept)[:draws]
    raise FitError(
        f"Of {MOST_TRIES * draws} draws from the prior {sum(map(len, kept))} have ordered cut points on every pattern. Declare narrower slopes for the "
        "nonproportional terms, or make fewer terms nonproportional."
    )


def _proposed(prior: Prior, design: Design, draws: int, generator: np.random.Generator) -> Array:
    size = len(prior.mean)
    noise = generator.standard_normal((draws, size))
    heavy = np.isfinite(prior.df)
    if heavy.any():
        df = prior.df[heavy]
        noise[:, heavy] /= np.sqrt(generator.chisquare(df, (draws, len(df))) / df)
    theta = prior.mean + prior.scale * noise
    for block in prior.blocks:
        theta[:, block.place] = block.parameters(block.drawn(draws, generator))
    if prior.anchor is not None:
        groups, steps, _ = prior.anchor.rows.shape
        shares = generator.dirichlet(np.full(steps + 1, prior.anchor.concentration), (draws, groups))
        shares = np.maximum(shares, 1e-300)
        shares = shares / shares.sum(axis=2, keepdims=True)
        wanted = np.array([prior.family.start(each, prior.link) for each in shares.reshape(-1, steps + 1)])
        rows = prior.anchor.rows.reshape(groups * steps, -1)
        rest = theta[:, ~design.is_cut] @ rows[:, ~design.is_cut].T
        theta[:, design.is_cut] = np.linalg.solve(rows[:, design.is_cut], (wanted.reshape(draws, -1) - rest).T).T
    elif prior.log_orders:
        of_groups = theta[:, design.is_cut].reshape(draws, -1, len(design.order) - 1)
        theta[:, design.is_cut] = np.sort(of_groups, axis=2).reshape(draws, -1)
    return theta
