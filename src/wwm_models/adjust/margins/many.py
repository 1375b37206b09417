"""Margins at many parameters at once: posterior draws, or estimates under replicate weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.batch import chunks
from wwm_models.engines.predictors import predictors_of
from wwm_models.errors import AdjustError
from wwm_models.records import Columns, Fitted

Array = NDArray[np.float64]


def many_margins(fit: Fitted, frame: Columns, thetas: Array, shares: Array, what: str) -> Array:
    """Standardised probabilities of K answers in G groups at S parameters, each with its own population.

    Parameters
    ----------
    fit : Fit or Posterior
        Gives the model and the design.
    frame : Columns of G * R rows
        Copies of the target's patterns under G interventions.
    thetas : (S, p) array
    shares : (S, R) array
        Of the patterns; rows sum to one.
    what : str
        "draw" or "replicate", for the message.

    Returns
    -------
    (S, G, K) array

    Raises
    ------
    AdjustError
        If predicted cut points cross in some pattern.
    """
    predictors, order = predictors_of(fit.design, frame), fit.design.order
    every, rows = predictors.linear.shape[0], shares.shape[1]
    result = np.zeros((len(thetas), every // rows, len(fit.cells.categories)))
    for part in chunks(every * len(order), len(thetas)):
        probability = fit.family.probabilities(predictors.eta_of_draws(thetas[part]), fit.link)
        crossed = ~(probability >= 0.0)
        if crossed.any():
            raise AdjustError(
                f"Predicted cut points cross in {int(crossed.any(axis=1).sum())} of {len(probability)} combinations of {what} and pattern, so some "
                "probability would not be positive there. Average over the sample, or make fewer terms nonproportional."
            )
        probability = probability.reshape(-1, every // rows, rows, len(order))
        result[part][:, :, order] = (shares[part, None, None, :] @ probability)[:, :, 0, :]
    return result
