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

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.adjusted import MOST_VALUES, model_groups
from wwm_models.adjust.margins.joint import model_values, refuse_unusable
from wwm_models.adjust.margins.standardise import intervened, margins
from wwm_models.adjust.margins.target import target_population
from wwm_models.cells.monotonic import without_bounds
from wwm_models.checks.groups import TIE_DIGITS
from wwm_models.engines.likelihood import fit as fit_model
from wwm_models.errors import AdjustError, FitError, ModelError
from wwm_models.families import Model
from wwm_models.records import Fit

Array = NDArray[np.float64]
POINTS = (0.1, 0.5, 0.9)  # of a continuous exposure: its tenths and median, so that no extrapolation decides
COLUMNS = ("percentage_points", "against", "group", "category", "proportional", "alternative")


@dataclass(frozen=True, eq=False)
class _Alternative:
    """A fit without parallel slopes, or why there is none."""

    name: str
    fit: Fit | None
    problem: str


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
    others = [_nonproportional(fit), _multinomial(fit)]
    rows = {str(name): _row(fit, str(name), others) for name in fit.cells.patterns.columns}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variable")


def _nonproportional(fit: Fit) -> _Alternative:
    size = fit.design.linear.shape[2]
    terms = tuple(dict.fromkeys(without_bounds(term) for term in fit.design.terms[:size] if term))
    free = replace(fit.model, formula=without_bounds(fit.model.formula), nonproportional=terms)
    return _fitted("nonproportional", fit, free)


def _multinomial(fit: Fit) -> _Alternative:
    grouping = "" if fit.model.thresholds_by is None else f" + Q({fit.model.thresholds_by!r})"
    return _fitted("multinomial", fit, Model(without_bounds(fit.model.formula) + grouping, family="multinomial"))


def _fitted(name: str, fit: Fit, model: Model) -> _Alternative:
    try:
        with np.errstate(invalid="ignore", over="ignore"):  # on the way to a maximum at infinity; the status says so
            other = fit_model(model, fit.survey, vcov="model", aliased="drop" if fit.design.dropped else "error")
    except (FitError, ModelError) as problem:
        return _Alternative(name, None, f"{name}: {problem}")
    if other.status != "ok":
        return _Alternative(name, None, f"{name}: {other.message}")
    return _Alternative(name, other, "")


def _row(fit: Fit, variable: str, others: list[_Alternative]) -> dict[str, object]:
    groups = _groups(fit, variable)
    own = _adjusted(fit, variable, groups)
    row: dict[str, object] = dict.fromkeys(COLUMNS, np.nan)
    problems = [other.problem for other in others if other.fit is None]
    largest = -1.0
    for other in others:
        row[f"against_{other.name}"] = np.nan
        if other.fit is None:
            continue
        try:
            alternative = _adjusted(other.fit, variable, groups)
        except AdjustError as problem:
            problems.append(f"{other.name}: {problem}")
            continue
        apart = np.round(100.0 * np.abs(alternative - own), TIE_DIGITS)
        row[f"against_{other.name}"] = float(apart.max())
        if apart.max() > largest:
            largest = float(apart.max())
            group, category = np.unravel_index(int(apart.argmax()), apart.shape)
            values = (
                largest, other.name, f"{variable}={groups[variable].iloc[group]}", fit.cells.categories[category],
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
