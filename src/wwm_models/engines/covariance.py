"""Covariances of estimates from the influence of each respondent: independent, or strata and sampling units.

With u_i the influence of respondent i (a row of zeros outside the domain, so that units without a member of the domain
still count), strata h and first-stage units j, V = sum_h (1 - f_h) n_h / (n_h - 1) sum_j (u_hj - mean_h)(...)'.

References
----------
Binder, D. A. (1983). On the variances of asymptotically normal estimators from complex surveys. International
Statistical Review 51, 279-292. doi:10.2307/1402588
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.stages import number_of_units, staged_covariance
from wwm_models.records import Calibration, Influence, SamplingDesign, summed_squares

Array = NDArray[np.float64]
SAME = 1e-9  # relative: weights that differ by less were scaled in another order


def covariance(influence: Influence) -> Array:
    """Covariance of the m estimates that an influence describes.

    Parameters
    ----------
    influence : Influence

    Returns
    -------
    (m, m) array

    Raises
    ------
    FitError
        If a stratum has a single sampling unit and the policy for that is "error".
    """
    if influence.design is None:
        return _independent(influence)
    rows = influence.expand()
    if influence.design.calibration is not None:
        rows = residuals_of_calibration(rows, influence.row_weight, influence.design.calibration)
    uneven = None if influence.uneven is None else influence.expand_uneven()
    return staged_covariance(rows, influence.design, uneven)


def _independent(influence: Influence) -> Array:
    """N / (n - 1) times the centred sum of squares over respondents, from sums of weights by cell."""
    if influence.uneven is not None and influence.tally is not None:
        rows, uneven, people = influence.expand(), influence.expand_uneven(), influence.tally
        middle = (rows / people.count[:, None]).T @ rows + (uneven * people.excess[:, None]).T @ uneven
        return _centred(middle, rows.sum(axis=0), _rows(influence))
    used = influence.row_cell >= 0
    cell, weight = influence.row_cell[used], influence.row_weight[used]
    size = len(influence.values)
    square = weight if influence.frequency else summed_squares(influence.row_weight, influence.tally)[used]
    squares = np.bincount(cell, square, minlength=size)
    total = np.bincount(cell, weight, minlength=size) @ influence.values
    n = float(weight.sum()) if influence.frequency else _rows(influence)
    held = np.flatnonzero(squares)
    scaled = influence.values[held] * np.sqrt(squares[held])[:, None]
    return _centred(scaled.T @ scaled, total, n)


def _centred(middle: Array, total: Array, n: float) -> Array:
    return (middle - np.outer(total, total) / n) * (n / max(n - 1.0, 1.0))


def _rows(influence: Influence) -> float:
    return float(len(influence.row_cell) if influence.tally is None else influence.tally.count.sum())


def residuals_of_calibration(rows: Array, weight: Array, calibration: Calibration) -> Array:
    """Contributions with the part that calibration has fixed taken out.

    Parameters
    ----------
    rows : (n, m) array
        Weighted contributions.
    weight : (n,) array
        The weights in them, any scale.
    calibration : Calibration

    Returns
    -------
    (n, m) array
        The weight times the residual of the unweighted contribution, regressed on the calibration columns with the weights
        before calibration.

    References
    ----------
    Deville, J.-C. and Saerndal, C.-E. (1992). Calibration estimators in survey sampling. JASA 87, 376-382.
    doi:10.1080/01621459.1992.10475217
    """
    weight = np.where(weight > 0, weight, 0.0)
    plain = np.divide(rows, weight[:, None], out=np.zeros_like(rows), where=weight[:, None] > 0)
    root = np.sqrt(calibration.base_weights)[:, None]
    slopes = np.linalg.lstsq(root * calibration.columns, root * plain, rcond=None)[0]
    return weight[:, None] * (plain - calibration.columns @ slopes)


def design_degrees_of_freedom(design: SamplingDesign | None) -> float:
    """Sampling units minus strata of the full sample; infinite without a design."""
    if design is None:
        return float("inf")
    return float(number_of_units(design) - len(np.unique(design.strata[:, 0])))


def joined(first: Influence, second: Influence) -> Influence:
    """Influence on the estimates of both, for their joint covariance; both must be of one survey.

    Parameters
    ----------
    first, second : Influence
        With m1 and m2 estimates; each scales its own weights, and one may count everybody once where the other weighs.

    Returns
    -------
    Influence
        With m1 + m2 estimates.
    """
    if not _proportional(first, second):
        return _side_by_side(first, second)
    ratio_first, ratio_second, weight = _common_weight(first, second)
    width = len(second.values) + 1
    pair = (first.row_cell + 1) * width + second.row_cell + 1
    distinct, cell = np.unique(pair, return_inverse=True)
    one, two = distinct // width - 1, distinct % width - 1
    left = np.where((one >= 0)[:, None], first.values[one] * ratio_first, 0.0)
    right = np.where((two >= 0)[:, None], second.values[two] * ratio_second, 0.0)
    outside = (first.row_cell < 0) & (second.row_cell < 0)
    return replace(first, values=np.hstack([left, right]), row_cell=np.where(outside, -1, cell), row_weight=weight)


def summed(first: Influence, second: Influence, times: float = 1.0) -> Influence:
    """Influence on ``first + times * second``, estimate by estimate; both must be of one survey and of m estimates."""
    both, size = joined(first, second), first.values.shape[1]

    def added(values: Array) -> Array:
        return np.nan_to_num(values[:, :size]) + times * np.nan_to_num(values[:, size:])

    return replace(both, values=added(both.values), uneven=None if both.uneven is None else added(both.uneven))


def _proportional(first: Influence, second: Influence) -> bool:
    """Whether the weights of both are the same but for their scale."""
    if first.uneven is not None or second.uneven is not None:
        return False
    both = (first.row_weight > 0) & (second.row_weight > 0)
    if not both.any() or first.frequency or second.frequency:
        return True
    one, two = first.row_weight[both], second.row_weight[both]
    return bool(np.allclose(one * (two.sum() / one.sum()), two, rtol=SAME, atol=0.0))


def _side_by_side(first: Influence, second: Influence) -> Influence:
    """Influence by row, where both weigh the rows in different ways."""
    outside = (first.row_cell < 0) & (second.row_cell < 0)
    rows = np.hstack([first.expand(), second.expand()])
    cell, weight = np.where(outside, -1, np.arange(len(rows))), np.where(outside, 0.0, 1.0)
    if first.tally is None or second.tally is None:
        return replace(first, values=rows, row_cell=cell, row_weight=weight)
    tally = max(first.tally, second.tally, key=lambda one: float(one.excess.sum()))
    design = None if first.design is None else replace(first.design, tally=tally)
    uneven = np.hstack([first.expand_uneven(), second.expand_uneven()])
    return Influence(rows, cell, weight, design, frequency=False, tally=tally, uneven=uneven)


def _common_weight(first: Influence, second: Influence) -> tuple[float, float, Array]:
    """Scales that turn both weights into one: they differ by a constant where both use a row."""
    both = (first.row_weight > 0) & (second.row_weight > 0)
    ratio = float(first.row_weight[both].sum() / second.row_weight[both].sum()) if both.any() else 1.0
    return 1.0, 1.0 / ratio, np.where(first.row_weight > 0, first.row_weight, second.row_weight * ratio)
