"""The power of the prior: how far numbers move when the prior, or the likelihood, is made stronger or weaker.

The posterior under prior^alpha has density proportional to prior^(alpha - 1) times the posterior's: alpha = 1 is the prior as declared, 0 no prior at
all, above 1 a sharper one. Importance weights of the draws give its summaries (`power_weights`); nothing is sampled again.

`power_scaling` of adjusted percentages: the draws are reweighted to the posterior whose prior (or likelihood) is raised to the power 1 + d and 1 / (1 + d),
by Pareto-smoothed importance weights proportional to density^(power - 1). The sensitivity of a quantity is the mean over both of the cumulative
Jensen-Shannon distance between its distributions, per doubling of the power. Above 0.05 in the prior alone: the prior is strong
or the data say little; above it in both: prior and data disagree.

Under sampling weights the draws as they were sampled are used, and the likelihood is the pseudo-likelihood.

References
----------
Kallioinen, N., Paananen, T., Buerkner, P.-C. and Vehtari, A. (2024). Detecting and diagnosing prior and likelihood sensitivity
with power-scaling. Statistics and Computing 34, 57. doi:10.1007/s11222-023-10366-5
Nguyen, H.-V. and Vreeken, J. (2015). Non-parametric Jensen-Shannon divergence. ECML PKDD, 173-189.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from wwm_models.bayes.export import cell_log_likelihood
from wwm_models.bayes.posterior import Posterior
from wwm_models.errors import FitError, expect
from wwm_models.estimates.adjusted import adjusted
from wwm_models.estimates.estimates import Estimates
from wwm_models.messages import number, say
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.psis import smoothed, trusted_shape

STEP = 0.01  # of the power, up and down, as in the authors' package
LIMIT = 0.05  # the authors' threshold: a normal whose mean moves by 0.3 sd per doubling
FEWEST = 100.0  # effective draws: the Monte Carlo error of a mean is then a tenth of a posterior standard deviation
COLUMNS = ("prior", "likelihood", "diagnosis")


def power_scaling(post: Posterior, by: str | Sequence[str] | None = None) -> pd.DataFrame:
    """Sensitivity of every adjusted percentage to the prior and to the likelihood.

    Parameters
    ----------
    post : Posterior
        Draws from the posterior.
    by : str, sequence of str or None
        Groups of the adjusted percentages, averaged over the sample as it is.

    Returns
    -------
    DataFrame
        The by-variables, ``category, estimate``, then ``prior`` and ``likelihood`` (distance per doubling, 0 or more) and ``diagnosis``:
        "ok", "strong prior or weak data", or "prior and data disagree".

    Raises
    ------
    FitError
        If the prior is flat or the importance weights of a power cannot be trusted.
    AdjustError
        If a by-variable is not in the model.
    """
    expect(post, (Posterior,), "The first argument of power_scaling", FitError)
    return power_scaled(post, [by])[0]


def power_scaled(post: Posterior, several: Sequence[str | Sequence[str] | None]) -> list[pd.DataFrame]:
    """The table of `power_scaling` for each of several groupings; prior and likelihood of the draws are computed once."""
    _refuse_without_power(post)
    prior, likelihood = log_prior(post), log_likelihood(post)
    plain = replace(post, draws=post.uncorrected)
    found = [adjusted(plain, by, covariates="fixed") for by in several]
    return [_table(each, prior, likelihood) for each in found]


def _table(estimates: Estimates, prior: Array, likelihood: Array) -> pd.DataFrame:
    assert estimates.draws is not None
    moved = {
        name: sensitivity(estimates.draws, component, name)
        for name, component in (("prior", prior), ("likelihood", likelihood))
    }
    diagnosis = [_diagnosis(*pair) for pair in zip(moved["prior"], moved["likelihood"], strict=True)]
    return estimates.table[[*estimates.by, "category", "estimate"]].assign(**moved, diagnosis=diagnosis)


def _refuse_without_power(post: Posterior) -> None:
    if not post.prior.proper.any() and post.prior.anchor is None:
        raise FitError(say("power_flat"))
    if post.prior.blocks:
        raise FitError(say("power_blocks"))


def log_prior(post: Posterior) -> Array:
    """(s,) log prior density of the draws as they were sampled; missing where part of the prior is on other coordinates."""
    if post.prior.blocks:
        return np.full(len(post.uncorrected), np.nan)
    return post.prior.log_values(post.uncorrected)


def power_weights(log_density: Array, power: float) -> Array | None:
    """(s,) weights of the draws under the prior to a power, summing to one; None where too few draws carry them.

    Parameters
    ----------
    log_density : (s,) array
        Of the prior at each draw.
    power : float
        0 or more.

    Examples
    --------
    >>> power_weights(np.zeros(400), 0.0).sum().round(12)
    np.float64(1.0)
    """
    exponent = (power - 1.0) * log_density
    weights = np.exp(exponent - exponent.max())
    weights = weights / weights.sum()
    return weights if 1.0 / float((weights**2).sum()) >= FEWEST else None


def log_likelihood(post: Posterior) -> Array:
    """(s,) log (pseudo-)likelihood of the draws as they were sampled."""
    weights = post.cells.weights[:, post.design.order]
    weights = weights * (post.n_effective / weights.sum()) if post.survey.weight_kind == "sampling" else weights
    log_p = cell_log_likelihood(post)
    return np.asarray(np.where(weights > 0, weights * log_p, 0.0).sum(axis=(1, 2)), dtype=np.float64)


def sensitivity(draws: Array, component: Array, name: str = "component") -> Array:
    """Distance per doubling of each quantity when a component of the density is raised to a power.

    Parameters
    ----------
    draws : (s, m) array
    component : (s,) array
        Its log density at every draw.
    name : str
        Of the component, for the message.

    Returns
    -------
    (m,) array
    """
    total = np.zeros(draws.shape[1])
    for power in (1.0 + STEP, 1.0 / (1.0 + STEP)):
        log_weights, shape = smoothed((power - 1.0) * component)
        if shape > trusted_shape(len(component)):
            limit = number(trusted_shape(len(component)), ".2f")
            raise FitError(
                say("power_weights", what=name, power=number(power, ".3f"), shape=number(shape, ".2f"), limit=limit)
            )
        weights = np.exp(log_weights)
        total += [max(cumulative_distance(each, weights), cumulative_distance(-each, weights)) for each in draws.T]
    return total / (2.0 * np.log2(1.0 + STEP))


def cumulative_distance(draws: Array, weights: Array) -> float:
    """Cumulative Jensen-Shannon distance between draws with equal and with other weights, from 0 to 1.

    With P and Q the two distribution functions and M their mean, the divergence of P is integral P log2(P / M) dx +
    (integral Q - P dx) / (2 log 2), and likewise of Q; the distance is the root of their sum over integral P + Q dx.
    """
    order = np.argsort(draws)
    width = np.diff(draws[order])
    one = np.arange(1, len(draws)) / len(draws)
    other = np.maximum(np.cumsum(weights[order])[:-1], 1e-300)
    middle = np.log2((one + other) / 2.0)
    areas = float(width @ one), float(width @ other)
    if sum(areas) <= 0.0:
        return 0.0
    half = 0.5 / np.log(2.0)
    left = float(width @ (one * (np.log2(one) - middle))) + half * (areas[1] - areas[0])
    right = float(width @ (other * (np.log2(other) - middle))) + half * (areas[0] - areas[1])
    return float(np.sqrt((max(left, 0.0) + max(right, 0.0)) / sum(areas)))


def _diagnosis(prior: float, likelihood: float) -> str:
    if prior < LIMIT:
        return "ok"
    return "prior and data disagree" if likelihood >= LIMIT else "strong prior or weak data"
