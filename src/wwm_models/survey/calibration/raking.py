"""Raking to population margins: iterative proportional fitting, or within bounds by its dual.

Without bounds each weight is multiplied by ``aim / sum`` of its level, margin by margin, until all are met. With bounds
L <= g <= U on the factors g_i, the weights nearest to the old ones in the same (Kullback-Leibler) distance have
``g_i = min(U, max(L, exp(x_i' b)))`` with x_i the dummies of the margins; b maximises the concave
``t' b - sum_i w_i Phi(x_i' b)``, Phi' = g, t the population counts. Cutting off the factors of the iterative method instead
would meet the margins, if at all, with weights that depend on the order of the margins.

References
----------
Deming, W. E. and Stephan, F. F. (1940). On a least squares adjustment of a sampled frequency table when the expected
marginal totals are known. Annals of Mathematical Statistics 11, 427-444.
Deville, J.-C., Saerndal, C.-E. and Sautory, O. (1993). Generalized raking procedures in survey sampling. JASA 88,
1013-1020. doi:10.1080/01621459.1993.10476369
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import SurveyError, expect
from wwm_models.numerics.newton import Expansion, maximise
from wwm_models.records import Survey
from wwm_models.survey.calibration.calibrated import calibrated
from wwm_models.survey.calibration.conflict import conflict
from wwm_models.survey.calibration.margins import Codes, Margins, coded, read_weighting_margins

Array = NDArray[np.float64]
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
    margins : mapping of variable to mapping of level to population count, or a file of these
        All margins must add up to the same population size. "age_group:gender" is a margin of combinations ("18-34:man").
    bounds : (lowest, highest), optional
        Of the factor by which a weight may change.
    tolerance : float
        Largest relative deviation from a margin.
    iterations : int

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
    variable : str
        Or a combination, such as "age_group:gender" with levels "18-34:man".
    counts : mapping of level to population count

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
