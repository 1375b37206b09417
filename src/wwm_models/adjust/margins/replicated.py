"""Margins under every replicate weight: the parameters and the population averaged over both change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wwm_models.adjust.margins.many import many_margins
from wwm_models.adjust.margins.target import Target
from wwm_models.errors import AdjustError
from wwm_models.records import Columns, Fit

Array = NDArray[np.float64]


def replicated_margins(fit: Fit, frame: Columns, target: Target, covariates: str) -> Array:
    """Standardised probabilities of K answers in G groups under every replicate weight, (R, G * K).

    Parameters
    ----------
    fit : Fit
        With ``replicate_theta``.
    frame : Columns
        The intervened patterns, G copies of the target's.
    target : Target
    covariates : {"sampled", "fixed"}
        Whether the population averaged over changes with the replicate too.

    Raises
    ------
    AdjustError
        If the target is another survey, whose replicates are not those of the fit, or predicted cut points cross.
    """
    assert fit.replicate_theta is not None
    shares = _shares(fit, target, covariates)
    return many_margins(fit, frame, fit.replicate_theta, shares, "replicate").reshape(len(shares), -1)


def _shares(fit: Fit, target: Target, covariates: str) -> Array:
    """(R, patterns) shares of the target's patterns under every replicate weight."""
    made = fit.survey.replicates
    assert made is not None
    if target.survey is not None and target.survey is not fit.survey:
        raise AdjustError('Replicate weights of two surveys cannot be combined. Use over="sample" or "balanced".')
    if covariates == "fixed" or target.row_pattern is None:
        return np.tile(target.weights, (made.weights.shape[1], 1))
    return np.array([target.shares_under(weights) for weights in made.weights.T])
