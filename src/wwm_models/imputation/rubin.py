"""Rubin's rules with the degrees of freedom of Barnard and Rubin, for a vector of estimates.

With Q_i the estimates and U_i their covariance in completed survey i of m: Q = mean Q_i, U = mean U_i, B = sum (Q_i - Q)(...)' /
(m - 1), T = U + (1 + 1/m) B. Per estimate, with l = (1 + 1/m) B / T and v the degrees of freedom of a complete survey,
1/df = l^2 / (m - 1) + 1 / ((v + 1) / (v + 3) v (1 - l)).

References
----------
Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Wiley, section 3.3.
Barnard, J. and Rubin, D. B. (1999). Small-sample degrees of freedom with multiple imputation. Biometrika 86, 948-955.
doi:10.1093/biomet/86.4.948
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pooled:
    """Joined estimates.

    Attributes
    ----------
    estimate : (k,) array
    covariance : (k, k) array
        Total: within and between the completed surveys.
    df : (k,) array
        Degrees of freedom.
    missing_information : (k,) array
        Share of the information that the missing answers take away, 0 to 1.
    """

    estimate: Array
    covariance: Array
    df: Array
    missing_information: Array

    @property
    def std_error(self) -> Array:
        """(k,) standard errors."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def rubin(estimates: Sequence[Array], covariances: Sequence[Array], complete_df: float | Array) -> Pooled:
    """Join the estimates of m completed surveys.

    Parameters
    ----------
    estimates : m arrays of shape (k,)
    covariances : m arrays of shape (k, k)
    complete_df : float or (k,) array
        Degrees of freedom that a complete survey would have, of all numbers or of each; infinite for the normal.

    Returns
    -------
    Pooled

    Examples
    --------
    >>> one = rubin([np.array([1.0]), np.array([2.0])], [np.eye(1), np.eye(1)], float("inf"))
    >>> float(one.estimate[0]), float(one.covariance[0, 0]), round(float(one.df[0]), 3)
    (1.5, 1.75, 5.444)
    """
    m = len(estimates)
    each = np.array(estimates)
    centre = each.mean(axis=0)
    within = np.mean(covariances, axis=0)
    between = (each - centre).T @ (each - centre) / (m - 1)
    total = within + (1.0 + 1.0 / m) * between
    variance = np.diag(total)
    share = np.divide((1.0 + 1.0 / m) * np.diag(between), variance, out=np.zeros(len(centre)), where=variance > 0)
    df = _degrees_of_freedom(share, m, complete_df)
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = share / (1.0 - share)
        information = np.where(share > 0, (rise + 2.0 / (df + 3.0)) / (rise + 1.0), 0.0)
    return Pooled(centre, total, df, np.where(share >= 1.0, 1.0, information))


def _degrees_of_freedom(share: Array, m: int, complete_df: float | Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        of_drawing = share**2 / (m - 1.0)
        complete = np.broadcast_to(np.asarray(complete_df, dtype=np.float64), share.shape)
        weight = np.where(np.isinf(complete), np.inf, (complete + 1.0) / (complete + 3.0) * complete)
        of_sample = 1.0 / (weight * (1.0 - share))
        return 1.0 / (of_drawing + of_sample)
