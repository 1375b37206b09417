"""Margins under every replicate weight: the parameters and the population averaged over both change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.adjust.standardise import Margins, margins
from wwm_models.adjust.target import Target
from wwm_models.engines.replicates import replicate_deviations
from wwm_models.errors import AdjustError
from wwm_models.records import Columns, Fit

Array = NDArray[np.float64]


def replicated_deviations(
    fit: Fit,
    frame: Columns,
    target: Target,
    count: int,
    estimate_of: Callable[[Margins], Array],
    full: Array,
    covariates: str,
) -> Array:
    """Deviations of estimates made of margins under every replicate weight, (R, m): their cross-product is the covariance.

    Parameters
    ----------
    fit : Fit
        With ``replicate_theta``.
    frame : Columns
        The intervened patterns, `count` copies of the target's.
    target : Target
    count : int
    estimate_of : function of Margins -> (m,) array
    full : (m,) array
        The estimates under the full weight.
    covariates : {"sampled", "fixed"}
        Whether the population averaged over changes with the replicate too.

    Raises
    ------
    AdjustError
        If the target is another survey, whose replicates are not those of the fit.
    """
    made = fit.survey.replicates
    assert made is not None
    assert fit.replicate_theta is not None
    if target.survey is not None and target.survey is not fit.survey:
        raise AdjustError('Replicate weights of two surveys cannot be combined. Use over="sample" or "balanced".')
    again = []
    for theta, weights in zip(fit.replicate_theta, made.weights.T, strict=True):
        shares = target.weights
        if covariates == "sampled" and target.row_pattern is not None:
            used = target.row_pattern >= 0
            shares = np.bincount(target.row_pattern[used], weights[used], minlength=len(target.weights))
            shares = shares / shares.sum()
        again.append(estimate_of(margins(replace(fit, theta=theta), frame, shares, count)))
    return replicate_deviations(np.array(again), full, made)
