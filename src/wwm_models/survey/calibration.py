"""Calibrated weights: linear calibration, trimming and raking, remembered step by step so that variances and replicates can follow.

Linear calibration (`calibrate`, the generalised regression estimator): weights nearest in squared distance that reach known totals (Deville
and Saerndal 1992).

`trim`: the largest (and smallest) weights are cut off, and what that takes is given back to the others in equal parts (Potter 1990).

`rake` to population margins. Without bounds (iterative proportional fitting, Deming and Stephan 1940) each weight is multiplied by
``aim / sum`` of its level, margin by margin, until all are met. With bounds L <= g <= U on the factors g_i, the weights nearest to the old ones
in the same (Kullback-Leibler) distance have ``g_i = min(U, max(L, exp(x_i' b)))`` with x_i the dummies of the margins; b maximises the concave
``t' b - sum_i w_i Phi(x_i' b)``, Phi' = g, t the population counts (the dual; Deville, Saerndal and Sautory 1993). Cutting off the factors of
the iterative method instead would meet the margins, if at all, with weights that depend on the order of the margins.

References
----------
Deming, W. E. and Stephan, F. F. (1940). On a least squares adjustment of a sampled frequency table when the expected
marginal totals are known. Annals of Mathematical Statistics 11, 427-444.
Deville, J.-C. and Saerndal, C.-E. (1992). Calibration estimators in survey sampling. JASA 87, 376-382.
doi:10.1080/01621459.1992.10475217
Deville, J.-C., Saerndal, C.-E. and Sautory, O. (1993). Generalized raking procedures in survey sampling. JASA 88,
1013-1020. doi:10.1080/01621459.1993.10476369
Potter, F. J. (1990). A study of procedures to identify and trim extreme sampling weights. Proceedings of the Section on Survey
Research Methods, American Statistical Association, 225-230.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from wwm_models.arguments import finite_number, numbers_of
from wwm_models.errors import SurveyError, expect, listed
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.numerics.newton import Expansion, maximise
from wwm_models.survey.population_margins import Margins, coded, codes_of, conflict, read_weighting_margins
from wwm_models.survey.sampling_design import Calibration, column_of, respondents_as_units
from wwm_models.survey.survey import Survey

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


INTERCEPT = "(Intercept)"


def calibrate(survey: Survey, totals: Mapping[str, float | Mapping[str, float]]) -> Survey:
    """The survey with weights that reproduce known population totals, changed as little as possible in squared distance.

    Parameters
    ----------
    survey : Survey
        The respondents, with their weights and design.
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
            aims += [
                finite_number(value, f'The total of "{name}" = "{level}"', SurveyError) for level, value in aim.items()
            ]
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
        aims.append(finite_number(aim, f'The total of "{name}"', SurveyError))
        names.append(name)
    return np.column_stack(parts), np.array(aims), names


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


Bounds = tuple[float, float]
_RIDGE = 1e-10  # of the information per person; moves the path to the maximum, not the maximum


def rake(
    survey: Survey,
    margins: Margins | str | Path,
    *,
    bounds: Bounds | None = None,
    tolerance: float = 1e-8,
    iterations: int = 200,
) -> Survey:
    """The survey with weights raked to known margins.

    Parameters
    ----------
    survey : Survey
        The respondents, with their weights and design.
    margins : mapping of variable to mapping of level to population count, or a file of these
        All margins must add up to the same population size. "age_group:gender" is a margin of combinations ("18-34:man").
    bounds : (lowest, highest), optional
        Of the factor by which a weight may change.
    tolerance : float
        Largest relative deviation from a margin.
    iterations : int
        At most so many rounds over all margins, 1 or more.

    Returns
    -------
    Survey
        Its estimates' variances are those of calibrated weights; replicate weights are raked too.

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
    aimed = read_weighting_margins(margins) if isinstance(margins, str | Path) else margins
    expect(survey, (Survey,), "The first argument of rake", SurveyError)
    survey.weights_known("wwm.rake")
    codes, aims = coded(survey, aimed)
    dummies = np.hstack([np.eye(len(aims[name]))[code] for name, code in codes.items()])
    return calibrated(survey, dummies, _Raked(codes, aims, aimed, bounds, tolerance, iterations))


@dataclass(frozen=True, eq=False)
class _Raked:
    """Raking to margins of some rows, whatever their weights."""

    codes: Mapping[str, Codes]
    aims: Mapping[str, Array]
    margins: Margins
    bounds: Bounds | None
    tolerance: float
    iterations: int

    def __call__(self, weights: Array) -> Array:
        codes, aims, bounds = self.codes, self.aims, self.bounds
        new = (
            proportional(weights, codes, aims, tolerance=self.tolerance, iterations=self.iterations)
            if bounds is None
            else _bounded(weights, codes, aims, _checked(bounds), self.iterations)
        )
        deviation, worst = _largest_deviation(new, codes, aims, self.margins)
        if not deviation <= max(self.tolerance, 1e-9):
            raise SurveyError(
                f"Raking did not converge in {self.iterations} rounds: {worst} is still {100 * deviation:.2g}% off"
                f"{'' if bounds is None else f' with factors kept within {bounds[0]:g} to {bounds[1]:g}'}. "
                f"{conflict(weights, codes, aims, self.margins, bounds)} No weights are returned."
            )
        return new


def poststratify(survey: Survey, variable: str, counts: Mapping[str, float]) -> Survey:
    """The survey with weights that reproduce the population count of every level of one variable.

    Parameters
    ----------
    survey : Survey
        The respondents, with their weights and design.
    variable : str
        Or a combination, such as "age_group:gender" with levels "18-34:man".
    counts : mapping of level to population count
        Above 0, one for every level of the variable.

    Returns
    -------
    Survey

    Raises
    ------
    SurveyError
        If a level is not covered, or has a population but no respondents.

    References
    ----------
    Holt, D. and Smith, T. M. F. (1979). Post stratification. JRSS A 142, 33-46.

    Examples
    --------
    >>> import pandas as pd
    >>> survey = Survey.from_frame(pd.DataFrame({"g": ["a", "b", "b"]}), weight=None)
    >>> poststratify(survey, "g", {"a": 10, "b": 10}).weights.tolist()
    [10.0, 5.0, 5.0]
    """
    return rake(survey, {variable: counts})


def proportional(
    weights: Array,
    codes: Mapping[str, Codes],
    aims: Mapping[str, Array],
    *,
    tolerance: float = 1e-8,
    iterations: int = 200,
) -> Array:
    """Multiply weights by margin ratios in turn until every margin is met, or the rounds are over.

    Parameters
    ----------
    weights : (n,) array
    codes : mapping of margin to (n,) int array
        Level of every respondent.
    aims : mapping of margin to (levels,) array
        Population counts, or shares; each margin with the same sum.
    tolerance : float
        Largest relative deviation from a margin, times ten.
    iterations : int

    Returns
    -------
    (n,) array

    Examples
    --------
    >>> proportional(np.ones(3), {"g": np.array([0, 0, 1])}, {"g": np.array([30.0, 70.0])}).tolist()
    [15.0, 15.0, 70.0]
    """
    new = weights
    for _ in range(iterations):
        worst = 0.0
        for name, code in codes.items():
            sums = np.bincount(code, new, minlength=len(aims[name]))
            ratio = np.divide(aims[name], sums, out=np.ones_like(sums), where=sums > 0)
            worst = max(
                worst, float(np.abs(1.0 - np.divide(1.0, ratio, out=np.ones_like(ratio), where=ratio > 0)).max())
            )
            new = new * ratio[code]
        if worst <= tolerance / 10.0:
            break
    return new


def _bounded(
    weights: Array, codes: Mapping[str, Codes], aims: Mapping[str, Array], bounds: Bounds, iterations: int
) -> Array:
    """Weights whose factors are exp(x'b) cut off at the bounds; b by Newton's method on the dual, over unique patterns."""
    stacked = np.column_stack(list(codes.values()))
    patterns, place = np.unique(stacked, axis=0, return_inverse=True)
    sums = np.bincount(place.ravel(), weights, minlength=len(patterns))
    parts = [np.eye(len(aim))[patterns[:, number]] for number, aim in enumerate(aims.values())]
    design = np.hstack([parts[0], *(part[:, 1:] for part in parts[1:])])
    targets = list(aims.values())
    aim = np.concatenate([targets[0], *(part[1:] for part in targets[1:])])
    size = float(aim[: len(targets[0])].sum())
    low, high = bounds
    log_low, log_high = np.log(low) if low > 0 else -np.inf, np.log(high)

    def expand(b: Array) -> Expansion:
        eta = design @ b
        factor = np.exp(np.clip(eta, log_low, log_high))
        beyond = high * np.maximum(eta - log_high, 0.0) + (low * np.minimum(eta - log_low, 0.0) if low > 0 else 0.0)
        inside = (eta > log_low) & (eta < log_high)
        information = (design * (sums * factor * inside)[:, None]).T @ design
        ridge = _RIDGE * np.eye(len(b))  # where all factors are at a bound nothing bends
        value = float(aim @ b - sums @ (factor + beyond)) / size
        return Expansion(value, (aim - design.T @ (sums * factor)) / size, information / size + ridge)

    start = np.zeros(design.shape[1])
    start[: len(targets[0])] = np.clip(np.log(size / sums.sum()), log_low, log_high)
    b = maximise(expand, start, iterations=iterations).point
    return weights * np.exp(np.clip(design @ b, log_low, log_high))[place.ravel()]


def _checked(bounds: Bounds) -> Bounds:
    low, high = bounds
    if not 0.0 <= low < high < np.inf:
        raise SurveyError(
            f"bounds = ({low:g}, {high:g}) are no bounds. Expected a lowest factor of zero or more and a higher, finite highest. Repair them."
        )
    return bounds


def _largest_deviation(
    weights: Array, codes: Mapping[str, Codes], aims: Mapping[str, Array], margins: Margins
) -> tuple[float, str]:
    worst, where = 0.0, ""
    for name, code in codes.items():
        off = np.abs(np.bincount(code, weights, minlength=len(aims[name])) - aims[name]) / np.maximum(
            aims[name], 1e-300
        )
        off = np.where(aims[name] > 0, off, 0.0)
        if not off.max() <= worst:
            worst, where = float(off.max()), f'margin "{name}", level "{list(margins[name])[int(off.argmax())]}",'
    return worst, where
