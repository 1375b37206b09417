"""Residuals of groups of respondents, with the covariance that respondents' influence or replicates give them.

M_gm = sum_i w_i 1(i in g) (s_m(y_i) - E s_m), for scores s_m of the answers, has the influence
w_i [1(i in g) (s_m(y_i) - E s_m)] - (sum_{j in g} w_j dE_jm/d theta)' IF_i(theta), so the estimation of theta counts.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.covariance import covariance
from wwm_models.engines.loglikelihood import CellLikelihood, cell_likelihood
from wwm_models.engines.maximum import replicate_counts
from wwm_models.engines.replicates import replicate_covariance
from wwm_models.records import Fit, Influence

Array = NDArray[np.float64]
Places = NDArray[np.intp]


def residual_covariance(fit: Fit, group: Places, scores: Array) -> Array:
    """Covariance of the residuals of every group and score.

    Parameters
    ----------
    fit : Fit
    group : (P,) int array
        Group of each pattern; -1 for none.
    scores : (K, m) array
        Of the answers with respondents, in the declared order.

    Returns
    -------
    (G * m, G * m) array
        Groups outermost.
    """
    own_order = scores[np.argsort(np.argsort(fit.design.order))]
    if fit.survey.replicates is None or fit.replicate_theta is None:
        return covariance(_influence(fit, group, own_order))
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    every = chain.from_iterable(replicate_counts(fit.cells, fit.design, fit.survey.replicates))
    again = [
        _residuals(group, own_order, replace(likelihood, counts=counts), theta)
        for counts, theta in zip(every, fit.replicate_theta, strict=True)
    ]
    full = _residuals(group, own_order, likelihood, fit.theta)
    return replicate_covariance(np.array(again), full, fit.survey.replicates)


def _residuals(group: Places, scores: Array, likelihood: CellLikelihood, theta: Array) -> Array:
    """(G * m,) sums of ``s(y) - E s`` by group."""
    expected = np.exp(likelihood.log_probabilities(theta)) @ scores
    own = likelihood.counts @ scores - likelihood.counts.sum(axis=1)[:, None] * expected
    return (_inside(group).T @ own).ravel()


def _influence(fit: Fit, group: Places, scores: Array) -> Influence:
    """Influence of every respondent on the residuals."""
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    p = np.exp(likelihood.log_probabilities(fit.theta))
    slopes = np.einsum("rk,km,rkp->rmp", p, scores, np.nan_to_num(likelihood.cell_scores(fit.theta)), optimize=True)
    inside = _inside(group)
    size, count = inside.shape[1], scores.shape[1]
    moved = np.tensordot(inside * likelihood.counts.sum(axis=1)[:, None], slopes, axes=(0, 0)).reshape(size * count, -1)
    gaps = scores[None, :, :] - (p @ scores)[:, None, :]
    own = (inside[:, None, :, None] * gaps[:, :, None, :]).reshape(-1, size * count)
    influence = fit.theta_influence
    return replace(influence, values=own - influence.values @ moved.T)


def _inside(group: Places) -> Array:
    return (group[:, None] == np.arange(group.max() + 1)).astype(np.float64)
