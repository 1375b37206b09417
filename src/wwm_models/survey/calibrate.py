"""Calibrated weights: linear (GREG) to known totals, and raking to known margins; variances then use residuals.

References
----------
Deville, J.-C. and Saerndal, C.-E. (1992). Calibration estimators in survey sampling. JASA 87, 376-382.
doi:10.1080/01621459.1992.10475217
Deming, W. E. and Stephan, F. F. (1940). On a least squares adjustment of a sampled frequency table when the expected
marginal totals are known. Annals of Mathematical Statistics 11, 427-444.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.records import Calibration, SamplingDesign, Survey
from wwm_models.records.sampling import column_of

Array = NDArray[np.float64]
Margins = Mapping[str, Mapping[str, float]]
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
    columns, aims, names = _columns(survey, totals)
    new = _linear(survey.weights, columns, aims, names)
    return _with_weights(survey, new, columns, lambda weights: _linear(weights, columns, aims, names))


def rake(
    survey: Survey,
    margins: Margins,
    *,
    bounds: tuple[float, float] | None = None,
    tolerance: float = 1e-8,
    iterations: int = 200,
) -> Survey:
    """The survey with weights raked to known margins by iterative proportional fitting.

    Parameters
    ----------
    survey : Survey
    margins : mapping of variable to mapping of level to population count
        All margins must add up to the same population size.
    bounds : (lowest, highest), optional
        Of the factor by which a weight may change; factors are cut off and fitting goes on.
    tolerance : float
        Largest relative deviation from a margin.
    iterations : int

    Returns
    -------
    Survey

    Raises
    ------
    SurveyError
        If a margin is impossible or fitting does not converge; no weights are returned then.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"g": pd.Categorical(["a", "a", "b"]), "w": [1.0, 1.0, 1.0]})
    >>> rake(Survey.from_frame(frame, weight="w"), {"g": {"a": 30, "b": 70}}).weights.tolist()
    [15.0, 15.0, 70.0]
    """
    codes, aims = _margins(survey, margins)
    dummies = np.hstack(
        [(code[:, None] == np.arange(len(aims[name]))).astype(np.float64) for name, code in codes.items()]
    )

    def raked(weights: Array) -> Array:
        return _proportional(weights, codes, aims, margins, bounds, tolerance, iterations)

    return _with_weights(survey, raked(survey.weights), dummies, raked)


def _linear(weights: Array, columns: Array, aims: Array, names: list[str]) -> Array:
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


def _proportional(
    weights: Array, codes: Mapping[str, NDArray[np.intp]], aims: Mapping[str, Array], margins: Margins,
    bounds: tuple[float, float] | None, tolerance: float, iterations: int,
) -> Array:  # fmt: skip
    """Multiply by margin ratios in turn until every margin is met."""
    factor = np.ones(len(weights))
    deviation, worst = np.inf, ""
    for _ in range(iterations):
        for name, code in codes.items():
            sums = np.bincount(code, weights * factor, minlength=len(aims[name]))
            factor = factor * np.divide(aims[name], sums, out=np.ones_like(sums), where=sums > 0)[code]
            if bounds is not None:
                factor = np.clip(factor, *bounds)
        deviation, worst = _largest_deviation(weights * factor, codes, aims, margins)
        if deviation <= tolerance:
            return weights * factor
    raise SurveyError(
        f"Raking did not converge in {iterations} rounds: {worst} is still {100 * deviation:.2g}% off"
        f"{'' if bounds is None else f' with factors kept within {bounds[0]:g} to {bounds[1]:g}'}. The margins may contradict each other "
        "on the combinations that have respondents; widen the bounds or merge levels. No weights are returned."
    )


def _columns(survey: Survey, totals: Mapping[str, float | Mapping[str, float]]) -> tuple[Array, Array, list[str]]:
    parts: list[Array] = []
    aims: list[float] = []
    names: list[str] = []
    for name, aim in totals.items():
        if isinstance(aim, Mapping):
            code = _codes(survey, name, aim)
            parts += [(code == number).astype(np.float64) for number in range(len(aim))]
            aims += [float(value) for value in aim.values()]
            names += [f"{name} = {level}" for level in aim]
            continue
        values = (
            np.ones(len(survey)) if name == INTERCEPT else np.asarray(column_of(survey.frame, name), dtype=np.float64)
        )
        if not np.isfinite(values).all():
            raise SurveyError(
                f'Calibration variable "{name}" is missing in {int((~np.isfinite(values)).sum())} of {len(values)} rows. Impute or drop it.'
            )
        parts.append(values)
        aims.append(float(aim))
        names.append(name)
    return np.column_stack(parts), np.array(aims), names


def _margins(survey: Survey, margins: Margins) -> tuple[dict[str, NDArray[np.intp]], dict[str, Array]]:
    sizes = {name: float(sum(margin.values())) for name, margin in margins.items()}
    if max(sizes.values()) - min(sizes.values()) > 1e-6 * max(sizes.values()):
        raise SurveyError(
            f"The margins add up to different population sizes: {listed(f'{name} {size:g}' for name, size in sizes.items())}. "
            "Give counts of one population; no weights are returned."
        )
    codes = {name: _codes(survey, name, margin) for name, margin in margins.items()}
    aims = {name: np.array(list(margin.values()), dtype=np.float64) for name, margin in margins.items()}
    for name, margin in margins.items():
        have = np.bincount(codes[name], survey.weights, minlength=len(margin))
        for level, aim, weight in zip(margin, aims[name], have, strict=True):
            if aim < 0 or (aim > 0 and weight == 0):
                raise SurveyError(
                    f'Margin "{name}", level "{level}": the population has {aim:g}, the sample has {weight:g}. No weight can reach that. '
                    "Merge the level with another; no weights are returned."
                )
    return codes, aims


def _codes(survey: Survey, name: str, margin: Mapping[str, float]) -> NDArray[np.intp]:
    column = column_of(survey.frame, name)
    levels = [str(level) for level in margin]
    place = {level: number for number, level in enumerate(levels)}
    text = column.astype(object).map(str)
    unknown = sorted({str(value) for value in text[column.notna()].unique()} - set(levels))
    if unknown or column.isna().any():
        found = f"the level {listed(unknown)}" if unknown else f"{int(column.isna().sum())} missing values"
        raise SurveyError(
            f'Margin "{name}" does not cover {found} of the sample. Its levels: {listed(levels, 20)}.'
            f"{did_you_mean(unknown[0], levels) if unknown else ''} Add the level or repair the variable; no weights are returned."
        )
    return np.array([place[value] for value in text], dtype=np.intp)


def _largest_deviation(
    weights: Array, codes: Mapping[str, NDArray[np.intp]], aims: Mapping[str, Array], margins: Margins
) -> tuple[float, str]:
    worst, where = 0.0, ""
    for name, code in codes.items():
        off = np.abs(np.bincount(code, weights, minlength=len(aims[name])) - aims[name]) / np.maximum(
            aims[name], 1e-300
        )
        off = np.where(aims[name] > 0, off, 0.0)
        if off.max() > worst:
            worst, where = float(off.max()), f'margin "{name}", level "{list(margins[name])[int(off.argmax())]}",'
    return worst, where


def _with_weights(survey: Survey, weights: Array, columns: Array, again: Callable[[Array], Array]) -> Survey:
    """Set the weights, remember what they were calibrated to, and calibrate every replicate the same way."""
    n = len(survey)
    design = survey.design or SamplingDesign(np.zeros((n, 1), dtype=np.intp), np.arange(n, dtype=np.intp)[:, None])
    design = replace(design, calibration=Calibration(columns, survey.weights))
    made = survey.replicates
    if made is not None:
        made = replace(made, weights=np.column_stack([again(column) for column in made.weights.T]))
    return replace(survey, weights=weights, weight_kind="sampling", design=design, replicates=made)
