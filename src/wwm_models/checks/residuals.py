"""Residuals of single respondents that are free of the grid of the answers.

The randomised probability integral transform of answer k of respondent i is U_i = P(Y < k) + V_i P(Y = k), V_i uniform; it is
uniform on (0, 1) where the model is true.

In the cumulative family an answer is an interval of a latent Z = x b + e with e ~ F. The surrogate S_i is a draw of Z given
that interval, and e given it is F^-1(U_i); the residual R_i = S_i - E(S_i) = F^-1(U_i) - E(e) has one law for everybody. The
other families have no latent variable; there the residual is U_i - 1/2, jittering on the probability scale.

References
----------
Czado, C., Gneiting, T. and Held, L. (2009). Predictive model assessment for count data. Biometrics 65, 1254-1261.
doi:10.1111/j.1541-0420.2009.01191.x
Liu, D. and Zhang, H. (2018). Residuals and diagnostics for ordinal regression models: a surrogate approach. JASA 113, 845-854.
doi:10.1080/01621459.2017.1292915
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wwm_models.adjust.margins.joint import refuse_unusable
from wwm_models.checks.groups import answers, probabilities
from wwm_models.numerics.links import LINKS, Link
from wwm_models.records import Fit

Array = NDArray[np.float64]

# Mean of the latent error: minus and plus Euler's constant for the two Gumbel laws; Cauchy's law has none, so its median.
LATENT_MEAN = {"cloglog": -float(np.euler_gamma), "loglog": float(np.euler_gamma)}


def randomised_pit(fit: Fit, seed: int = 1) -> Array:
    """Randomised probability integral transform of every respondent's answer.

    Parameters
    ----------
    fit : Fit
        Of any family; answers are taken in their declared order.
    seed : int
        Of the uniform numbers, one per row of the survey, so that a row's number does not depend on which others are used.

    Returns
    -------
    (n,) array
        Between 0 and 1, uniform where the model is true; missing for rows the fit does not use. A row of a frequency table
        gets one number, however many respondents it stands for.
    """
    return _tails(fit, seed)[0]


def surrogate_residuals(fit: Fit, seed: int = 1) -> Array:
    """Surrogate residual of every respondent, positive where the answer is higher than predicted.

    Parameters
    ----------
    fit : Fit
        Of any family. Cumulative: on the latent scale, in units of the link's F (with a scale part, of each respondent's own
        standard deviation), with mean zero where the model is true (median zero for cauchit). Others: uniform on (-1/2, 1/2).
    seed : int

    Returns
    -------
    (n,) array
        Missing for rows the fit does not use.
    """
    lower, upper = _tails(fit, seed)
    if not fit.family.ordered_cuts:
        return lower - 0.5
    if fit.model.reverse:
        lower, upper = upper, lower
    latent = _quantile(fit.link, lower, upper) - LATENT_MEAN.get(fit.link.name, 0.0)
    return -latent if fit.model.reverse else latent


def _tails(fit: Fit, seed: int) -> tuple[Array, Array]:
    """U and 1 - U, each summed from its own side, so that neither loses digits."""
    refuse_unusable(fit)
    fit.survey.one_by_one("A residual of every respondent")
    cells = fit.cells
    position = np.full(len(cells.categories), -1, dtype=np.intp)
    position[answers(fit)] = np.arange(len(fit.design.order))
    answer = np.where(cells.row_category >= 0, position[cells.row_category], -1)
    used = np.flatnonzero((cells.row_pattern >= 0) & (answer >= 0))
    p = probabilities(fit)
    beyond = np.flip(np.cumsum(np.flip(p, axis=1), axis=1), axis=1) - p
    before = np.cumsum(p, axis=1) - p
    place = (cells.row_pattern[used], answer[used])
    share = np.random.default_rng(seed).uniform(size=len(cells.row_pattern))[used]
    lower, upper = np.full((2, len(cells.row_pattern)), np.nan)
    lower[used] = before[place] + share * p[place]
    upper[used] = beyond[place] + (1.0 - share) * p[place]
    return lower, upper


def _quantile(link: Link, lower: Array, upper: Array) -> Array:
    """F^-1(lower) where upper = 1 - lower, from the smaller of the two: F^-1(u) = -G^-1(1 - u) with G the reflection of F."""
    result = np.full(len(lower), np.nan)
    low, high = lower <= 0.5, lower > 0.5
    result[low] = link.quantile(lower[low])
    result[high] = -LINKS[link.reflection].quantile(upper[high])
    return result
