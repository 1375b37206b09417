"""Trimmed weights: the largest (and smallest) are cut off, and what that takes is given back to the others in equal parts.

References
----------
Potter, F. J. (1990). A study of procedures to identify and trim extreme sampling weights. Proceedings of the Section on Survey
Research Methods, American Statistical Association, 225-230.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import SurveyError, expect
from wwm_models.records import Survey

Array = NDArray[np.float64]
_ROUNDS: Final = 1000


def trim(survey: Survey, *, lower: float = 0.0, upper: float = float("inf")) -> Survey:
    """The survey with all positive weights within limits and the same sum of weights.

    Parameters
    ----------
    survey : Survey
        Not raked or calibrated: trimming would undo that. Trim first, then rake. Frequencies stay as they are: everybody weighs one.
    lower, upper : float
        Limits on the scale of the weights.

    Returns
    -------
    Survey
        Replicate weights are trimmed by the same factors.

    Raises
    ------
    SurveyError
        If the limits do not hold the mean weight between them, or the survey is calibrated.

    Examples
    --------
    >>> import pandas as pd
    >>> survey = Survey.from_frame(pd.DataFrame({"w": [1.0, 1.0, 1.0, 5.0]}), weight="w")
    >>> trim(survey, upper=3.5).weights.tolist()
    [1.5, 1.5, 1.5, 3.5]
    """
    expect(survey, (Survey,), "The first argument of trim", SurveyError)
    survey.weights_known("wwm.trim")
    if survey.design is not None and survey.design.calibrations:
        raise SurveyError(
            "These weights were calibrated to margins, which trimming would break. Expected weights before calibration. Trim first, then "
            "rake, perhaps with bounds."
        )
    people, used = survey.counts, survey.weights > 0
    mean = float(survey.weights.sum() / people[used].sum())
    if not 0.0 <= lower < mean < upper:
        raise SurveyError(
            f"The limits {lower:g} to {upper:g} do not hold the mean weight, {mean:g}, between them, so the sum of the weights cannot stay "
            "as it is. Expected limits around the mean. Widen them."
        )
    new = survey.weights.copy()
    new[used] = people[used] * _within(survey.own_weights[used], people[used], lower, upper)
    made = survey.replicates
    if made is not None:
        factor = np.divide(new, survey.weights, out=np.zeros_like(new), where=used)
        made = replace(made, weights=made.weights * factor[:, None])
    return replace(survey, weights=new, replicates=made)


def _within(weights: Array, people: Array, lower: float, upper: float) -> Array:
    """Weights of one of the people of each row: cut off, the difference given to those inside, and again while that pushes some over a limit."""
    new = weights
    trimmed = np.zeros(len(weights), dtype=bool)
    for _ in range(_ROUNDS):
        outside = (new < lower) | (new > upper)
        if not outside.any():
            break
        trimmed |= outside
        cut = np.clip(new, lower, upper)
        free = ~trimmed
        if not free.any():
            raise SurveyError(
                f"No weight lies within {lower:g} to {upper:g} after trimming, so nobody can take what is cut off. Widen the limits."
            )
        cut[free] += float(people @ (new - cut)) / people[free].sum()
        new = cut
    return new
