"""Linear calibration (the generalised regression estimator): weights nearest in squared distance that reach known totals.

References
----------
Deville, J.-C. and Saerndal, C.-E. (1992). Calibration estimators in survey sampling. JASA 87, 376-382.
doi:10.1080/01621459.1992.10475217
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import numbers_of
from wwm_models.errors import SurveyError, expect, listed
from wwm_models.records import Survey
from wwm_models.records.sampling import column_of
from wwm_models.survey.calibration.calibrated import calibrated
from wwm_models.survey.calibration.margins import codes_of

Array = NDArray[np.float64]
INTERCEPT = "(Intercept)"


def calibrate(survey: Survey, totals: Mapping[str, float | Mapping[str, float]]) -> Survey:
    """The survey with weights that reproduce known population totals, changed as little as possible in squared distance.

    Parameters
    ----------
    survey : Survey
    totals : mapping
        ``"(Intercept)"``: the population size; a number's name: its population total; an answer variable's name: the
        population count of every level.

    Returns
    -------
    Survey
        Its estimates' variances are those of calibrated weights.

    Raises
    ------
    SurveyError
        If a total is impossible, a variable is missing somewhere, or a weight would become negative.

    Examples
    --------
    >>> import pandas as pd
    >>> survey = Survey.from_frame(pd.DataFrame({"x": [1.0, 2.0, 3.0], "w": [1.0, 1.0, 1.0]}), weight="w")
    >>> calibrate(survey, {"(Intercept)": 6.0, "x": 12.0}).weights.round(9).tolist()
    [2.0, 2.0, 2.0]
    """
    expect(survey, (Survey,), "The first argument of calibrate", SurveyError)
    survey.weights_known("wwm.calibrate")
    if not totals:
        raise SurveyError(
            'calibrate was given no totals. Expected the population total of at least one variable. Give them, such as {"(Intercept)": 1000.0}.'
        )
    columns, aims, names = _columns(survey, totals)
    return calibrated(survey, columns, partial(_linear, columns, aims, names))


def _linear(columns: Array, aims: Array, names: list[str], weights: Array) -> Array:
    """Weights nearest to `weights` in squared relative distance that reach the totals."""
    multiplier, *_ = np.linalg.lstsq(columns.T @ (columns * weights[:, None]), aims - columns.T @ weights, rcond=None)
    new = weights * (1.0 + columns @ multiplier)
    missed = np.abs(columns.T @ new - aims) > 1e-6 * (1.0 + np.abs(aims))
    if missed.any():
        raise SurveyError(
            f"Calibration cannot reach the totals of {listed(np.array(names)[missed])}: they contradict each other or nobody has that "
            "level. Repair the totals; no weights are returned."
        )
    if (new < 0).any():
        raise SurveyError(
            f"Linear calibration makes {int((new < 0).sum())} of {len(new)} weights negative (smallest {new.min():.3g}). "
            "Rake instead, or calibrate to fewer totals; no weights are returned."
        )
    return new


def _numbers(survey: Survey, name: str) -> Array:
    """A variable as numbers, yes as 1 and no as 0."""
    column = column_of(survey.frame, name)
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers_of(column, f'Calibration variable "{name}"', SurveyError)


def _columns(survey: Survey, totals: Mapping[str, float | Mapping[str, float]]) -> tuple[Array, Array, list[str]]:
    parts: list[Array] = []
    aims: list[float] = []
    names: list[str] = []
    for name, aim in totals.items():
        if isinstance(aim, Mapping):
            code = codes_of(survey, name, aim)
            parts += [(code == number).astype(np.float64) for number in range(len(aim))]
            aims += [float(value) for value in aim.values()]
            names += [f"{name} = {level}" for level in aim]
            continue
        values = np.ones(len(survey)) if name == INTERCEPT else _numbers(survey, name)
        if not np.isfinite(values).all():
            missing, everybody = (
                survey.respondents(~np.isfinite(values)),
                survey.respondents(np.ones(len(values), dtype=bool)),
            )
            raise SurveyError(
                f'Calibration variable "{name}" is missing in {missing} of {everybody} rows. Impute or drop it.'
            )
        parts.append(values)
        aims.append(float(aim))
        names.append(name)
    return np.column_stack(parts), np.array(aims), names
