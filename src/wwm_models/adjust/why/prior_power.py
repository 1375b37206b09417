"""Posterior summaries under a prior raised to a power, by importance weights of the draws; nothing is sampled again.

The posterior under prior^alpha has density proportional to prior^(alpha - 1) times the posterior's: alpha = 1 is the prior as
declared, 0 no prior at all, above 1 a sharper one.

References
----------
Kallioinen, N., Paananen, T., Buerkner, P.-C. and Vehtari, A. (2024). Detecting and diagnosing prior and likelihood sensitivity
with power-scaling. Statistics and Computing 34, 57. doi:10.1007/s11222-023-10366-5
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wwm_models.records import Posterior

Array = NDArray[np.float64]
FEWEST = 100.0  # effective draws: the Monte Carlo error of a mean is then a tenth of a posterior standard deviation


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
