"""A survey with calibrated weights that remembers every step, so that variances and replicates can follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import SurveyError
from wwm_models.records import Calibration, Survey
from wwm_models.records.sampling import respondents_as_units

Array = NDArray[np.float64]
Step = Callable[[Array], Array]


def calibrated(survey: Survey, columns: Array, step: Step) -> Survey:
    """Calibrate the weights and every replicate of them, and remember how.

    Parameters
    ----------
    survey : Survey
        Its weights may have been calibrated before; a frequency goes on as the tally of the new weights.
    columns : (n, q) array
        What the weights are calibrated to.
    step : function of (n,) weights -> (n,) weights

    Returns
    -------
    Survey
        With sampling weights and a design, in which respondents are the sampling units where none were declared.

    Raises
    ------
    SurveyError
        If the weights, or those of a replicate, cannot be calibrated.
    """
    weights = step(survey.weights)
    design = survey.design or respondents_as_units(len(survey))
    done = Calibration(columns, survey.weights, weights, step)
    design, made = replace(design, calibrations=(*design.calibrations, done)), survey.replicates
    if made is not None:
        made = replace(made, weights=calibrated_again(made.weights, step))
    return replace(survey, weights=weights, weight_kind="sampling", design=design, replicates=made)


def calibrated_again(weights: Array, step: Step) -> Array:
    """(n, R) replicate weights, each calibrated.

    Raises
    ------
    SurveyError
        If one of them cannot be.
    """
    found = np.empty_like(weights)
    for number, column in enumerate(weights.T):
        try:
            found[:, number] = step(column)
        except SurveyError as problem:
            raise SurveyError(
                f"Replicate {number + 1} of {weights.shape[1]} cannot be calibrated as the weights were. {problem} Every replicate needs "
                "respondents at every level that the population has."
            ) from None
    return found
