"""The size of a departure from parallel slopes, in percentage points of adjusted probabilities.

With many respondents a test rejects parallel slopes that change no sentence of an article; with few it keeps slopes that do.
So the same adjusted probabilities are computed from the fit, from the fit with a slope per cut point for every term, and from
the multinomial model, which assumes no order at all; their largest difference is what the assumption can matter.

References
----------
Fullerton, A. S. and Xu, J. (2012). The proportional odds with partial proportionality constraints model for ordinal response
variables. Social Science Research 41, 182-198. doi:10.1016/j.ssresearch.2011.09.003
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.adjusted import MOST_VALUES, model_groups
from wwm_models.adjust.margins.joint import model_values, refuse_unusable
from wwm_models.adjust.margins.standardise import intervened, margins
from wwm_models.adjust.margins.target import target_population
from wwm_models.checks.groups import TIE_DIGITS
from wwm_models.engines.variants import FORMS, refitted
from wwm_models.errors import AdjustError
from wwm_models.records import Fit

Array = NDArray[np.float64]
POINTS = (0.1, 0.5, 0.9)  # of a continuous exposure: its tenths and median, so that no extrapolation decides
COLUMNS = ("percentage_points", "against", "group", "category", "proportional", "alternative")


def po_size(fit: Fit) -> pd.DataFrame:
    """Largest difference in adjusted probabilities between a fit and fits without parallel slopes, by exposure.

    Parameters
    ----------
    fit : Fit
        Of a family with parallel slopes.

    Returns
    -------
    DataFrame indexed by variable
        ``percentage_points`` (0 to 100), ``against`` (the alternative where the largest difference occurs), ``group`` and
        ``category`` (its cell), ``proportional`` and ``alternative`` (the two probabilities), and the largest difference
        ``against_nonproportional`` and ``against_multinomial`` in percentage points, missing where that fit could not be
        used; ``note`` says why. A largest difference of noisy estimates is above zero also where slopes are parallel.

    Raises
    ------
    AdjustError
        If the model has no parallel slopes.
    """
    refuse_unusable(fit)
    if not fit.family.parallel or len(fit.design.order) < 3 or not any(fit.design.terms):
        raise AdjustError(
            f'"{fit.model.formula}" ({fit.family.name} family, {len(fit.design.order)} answers with respondents) assumes no '
            "parallel slopes, so that assumption has no size."
        )
    others = {form: refitted(fit, form) for form in FORMS}
    rows = {str(name): _row(fit, str(name), others) for name in fit.cells.patterns.columns}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variable")


def _row(fit: Fit, variable: str, others: Mapping[str, Fit | str]) -> dict[str, object]:
    groups = _groups(fit, variable)
    own = _adjusted(fit, variable, groups)
    row: dict[str, object] = dict.fromkeys(COLUMNS, np.nan)
    problems = [f"{name}: {other}" for name, other in others.items() if isinstance(other, str)]
    largest = -1.0
    for name, other in others.items():
        row[f"against_{name}"] = np.nan
        if isinstance(other, str):
            continue
        try:
            alternative = _adjusted(other, variable, groups)
        except AdjustError as problem:
            problems.append(f"{name}: {problem}")
            continue
        apart = np.round(100.0 * np.abs(alternative - own), TIE_DIGITS)
        row[f"against_{name}"] = float(apart.max())
        if apart.max() > largest:
            largest = float(apart.max())
            group, category = np.unravel_index(int(apart.argmax()), apart.shape)
            values = (
                largest, name, f"{variable}={groups[variable].iloc[group]}", fit.cells.categories[category],
                float(own[group, category]), float(alternative[group, category]),
            )  # fmt: skip
            row.update(zip(COLUMNS, values, strict=True))
    return {**row, "note": " ".join(problems)}


def _groups(fit: Fit, variable: str) -> pd.DataFrame:
    """Levels of a variable; of a number with many values, its tenths and median."""
    values = model_values(fit, variable)
    if isinstance(values, pd.Categorical) or len(np.unique(values)) <= MOST_VALUES:
        return model_groups(fit, (variable,))
    order = np.argsort(values)
    reached = np.cumsum(fit.cells.weights.sum(axis=1)[order])
    at = np.searchsorted(reached, np.array(POINTS) * reached[-1])
    return pd.DataFrame({variable: np.asarray(values)[order][at]})


def _adjusted(fit: Fit, variable: str, groups: pd.DataFrame) -> Array:
    """(G, K) adjusted probabilities."""
    free = [str(name) for name in fit.cells.patterns.columns if name != variable]
    target = target_population(fit, "sample", free)
    return margins(fit, intervened(target, groups), target.weights, len(groups)).probabilities
