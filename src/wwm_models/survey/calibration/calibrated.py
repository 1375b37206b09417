"""A survey with new weights that remembers what they were calibrated to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.records import Calibration, SamplingDesign, Survey

Array = NDArray[np.float64]


def with_weights(survey: Survey, weights: Array, columns: Array, again: Callable[[Array], Array]) -> Survey:
    """Set the weights, remember what they were calibrated to, and calibrate every replicate the same way.

    Parameters
    ----------
    survey : Survey
    weights : (n,) array
    columns : (n, q) array
        What the weights were calibrated to.
    again : function of (n,) weights -> (n,) weights
    """
    n = len(survey)
    design = survey.design or SamplingDesign(np.zeros((n, 1), dtype=np.intp), np.arange(n, dtype=np.intp)[:, None])
    design = replace(design, calibration=Calibration(columns, survey.weights))
    made = survey.replicates
    if made is not None:
        made = replace(made, weights=np.column_stack([again(column) for column in made.weights.T]))
    return replace(survey, weights=weights, weight_kind="sampling", design=design, replicates=made)
