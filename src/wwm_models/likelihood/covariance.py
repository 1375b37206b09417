"""Covariances of estimates from the influence of each respondent: independent, or strata and sampling units.

With u_i the influence of respondent i (a row of zeros outside the domain, so that units without a member of the domain
still count), strata h and first-stage units j, V = sum_h (1 - f_h) n_h / (n_h - 1) sum_j (u_hj - mean_h)(...)'.

References
----------
Binder, D. A. (1983). On the variances of asymptotically normal estimators from complex surveys. International
Statistical Review 51, 279-292. doi:10.2307/1402588
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import AdjustError
from wwm_models.likelihood.multistage import staged_covariance
from wwm_models.models.cells import Influence
from wwm_models.numerics.arrays import Array
from wwm_models.survey.sampling_design import Calibration, SamplingDesign, summed_squares

NOISE = (
    1e-12  # a standard error below this part of the sum of all absolute contributions is what rounding leaves of zero
)
SAME = 1e-9  # relative: weights that differ by less were scaled in another order


def covariance(influence: Influence) -> Array:
    """Covariance of the m estimates that an influence describes.

    Parameters
    ----------
    influence : Influence

    Returns
    -------
    (m, m) array
        A variance that is rounding noise is zero, whoever asks.

    Raises
    ------
    FitError
        If a stratum has a single sampling unit and the policy for that is "error".
    """
    if influence.beside:
        return sum((covariance(one) for one in influence.parts), np.zeros((influence.values.shape[1],) * 2))
    made = resolved(influence)
    joint = _independent(made) if made.design is None else _by_design(made, made.design)
    size = np.bincount(influence.row_cell + 1, np.abs(influence.row_weight), minlength=len(influence.values) + 1)[1:]
    noise = np.diag(joint) <= (NOISE * (size @ np.abs(np.nan_to_num(influence.values)))) ** 2
    return np.where(noise[:, None] | noise[None, :], 0.0, joint)


def _by_design(influence: Influence, design: SamplingDesign) -> Array:
    within_group = None if influence.within_group is None else influence.expand_weight_variance()
    return staged_covariance(influence.expand(), design, within_group, influence.expand_members)


def _independent(influence: Influence) -> Array:
    """N / (n - 1) times the centred sum of squares over respondents, from sums of weights by cell."""
    n = float(len(influence.row_cell) if influence.tally is None else influence.tally.count.sum())
    if influence.within_group is not None and influence.tally is not None:
        rows, within_group, people = influence.expand(), influence.expand_weight_variance(), influence.tally
        middle = (
            people.share(rows).T @ rows + (within_group * people.within_group_weight_variance[:, None]).T @ within_group
        )
        return _centred(middle, rows.sum(axis=0), n)
    used = influence.row_cell >= 0
    cell, size = influence.row_cell[used], len(influence.values)
    squares = np.bincount(cell, summed_squares(influence.row_weight, influence.tally)[used], minlength=size)
    total = np.bincount(cell, influence.row_weight[used], minlength=size) @ influence.values
    held = np.flatnonzero(squares)
    scaled = influence.values[held] * np.sqrt(squares[held])[:, None]
    return _centred(scaled.T @ scaled, total, n)


def _centred(middle: Array, total: Array, n: float) -> Array:
    return (middle - np.outer(total, total) / n) * (n / max(n - 1.0, 1.0))


def resolved(influence: Influence) -> Influence:
    """The same influence by row, where the weights were calibrated: what more of a respondent moves, calibration done again.

    A row outside the estimate moves it too: with more of it the others of its level weigh less.

    Parameters
    ----------
    influence : Influence

    Returns
    -------
    Influence
        With (n, m) values of rows that weigh one, and a design without calibrations; itself where there are none.
    """
    steps = _calibrations(influence)
    if not steps:
        return influence
    rows = residuals_of_calibrations(influence.expand(), steps)
    design = None if influence.design is None else replace(influence.design, calibrations=())
    return replace(
        influence, values=rows, row_cell=np.arange(len(rows)), row_weight=np.ones(len(rows)), design=design,
        members=influence.expand_members(),
    )  # fmt: skip


def residuals_of_calibrations(rows: Array, steps: tuple[Calibration, ...]) -> Array:
    """Contributions with the part that calibration has fixed taken out.

    A step turns weights d into d g. With u the contribution per unit of the weight after it and x its columns, the contribution per
    unit of the weight before it is ``g (u - x' B)``, B the regression of u on x with weights d; and so on, from the last
    step to the first. Of iterated steps (raking) this is the linearisation of Deville and Saerndal, as R's `calibrate` has it.

    Parameters
    ----------
    rows : (n, m) array
        Contributions weighted by the weights after the last step; zeros for rows outside the estimate.
    steps : tuple of Calibration

    Returns
    -------
    (n, m) array
        Contributions weighted by the weights before the first step.

    References
    ----------
    Deville, J.-C. and Saerndal, C.-E. (1992). Calibration estimators in survey sampling. JASA 87, 376-382.
    doi:10.1080/01621459.1992.10475217
    """
    for step in reversed(steps):
        unit = _divided(rows, step.after)
        root = np.sqrt(step.before)[:, None]
        slopes = np.linalg.lstsq(root * step.columns, root * unit, rcond=None)[0]
        rows = step.after[:, None] * (unit - step.columns @ slopes)
    return rows


def _divided(rows: Array, weights: Array) -> Array:
    return np.divide(rows, weights[:, None], out=np.zeros_like(rows), where=weights[:, None] > 0)


def _calibrations(influence: Influence) -> tuple[Calibration, ...]:
    return () if influence.design is None else influence.design.calibrations


def same_respondents(first: Influence, second: Influence) -> bool:
    """Whether two sets of contributions are of the same respondents, row by row.

    Only the same survey says so, whatever its weights, domain or completed answers (`Survey.identity`); equally many rows, strata or
    sampling units of the same name do not.
    """
    return bool(first.source) and first.source == second.source and len(first.row_cell) == len(second.row_cell)


def joined(first: Influence, second: Influence) -> Influence:
    """Influence on the estimates of both, for their joint covariance.

    Parameters
    ----------
    first, second : Influence
        With m1 and m2 estimates; each scales its own weights, and one may count everybody once where the other weighs. Of the same
        respondents, contributions are paired; of other surveys they stand beside each other, as independent samples.

    Returns
    -------
    Influence
        With m1 + m2 estimates.
    """
    m1, m2 = first.values.shape[1], second.values.shape[1]
    left, right = np.eye(m1, m1 + m2).T, np.eye(m1 + m2, m2, -m1)
    parts: list[Influence] = list(first.parts)
    rest: list[Influence] = []
    paired: set[int] = set()
    for other in (_aligned(other, parts) for other in second.parts):
        place = next((i for i, own in enumerate(parts) if same_respondents(own, other)), None)
        if place is None:
            rest.append(_placed(other, right))
        else:
            paired.add(place)
            parts[place] = _paired(parts[place], other)
    own = [part if place in paired else _placed(part, left) for place, part in enumerate(parts)]
    return replace(own[0], beside=(*own[1:], *rest))


def _aligned(other: Influence, parts: Sequence[Influence]) -> Influence:
    """Contributions in the order of the rows of the one among `parts` whose survey declares the same respondents, as if of that survey.

    Raises
    ------
    AdjustError
        If two surveys have some respondents in common and not all, or give them other strata or sampling units.
    """
    for own in parts:
        if own.ids is None or other.ids is None or same_respondents(own, other):
            continue
        common = np.isin(other.ids, own.ids)
        if not common.any():
            continue
        if not common.all() or len(own.ids) != len(other.ids):
            raise AdjustError(
                f"Two surveys of {len(own.ids)} and {len(other.ids)} declared respondents have {int(common.sum())} in common. Expected the same "
                "respondents in both, or none. Put both into one frame with a row for every respondent and missing answers where somebody was not "
                "asked, and compare two of its columns (wwm.change)."
            )
        place = np.argsort(other.ids)[np.argsort(np.argsort(own.ids))]
        design = None if other.design is None else other.design.written_out(place, np.ones(len(place)))
        if not _same_units(own.design, design):
            raise AdjustError(
                f"Two surveys of the same {len(place)} declared respondents have other strata, sampling units or population sizes. Expected one "
                "design. Declare that of the first survey in both."
            )
        return replace(
            other, row_cell=other.row_cell[place], row_weight=other.row_weight[place], design=design, source=own.source, ids=own.ids
        )  # fmt: skip
    return other


def _same_units(first: SamplingDesign | None, second: SamplingDesign | None) -> bool:
    """Whether two designs of the same rows put the same of them together, stage by stage."""
    if first is None or second is None:
        return first is second
    if first.strata.shape != second.strata.shape or (first.fpc is None) != (second.fpc is None):
        return False
    if first.fpc is not None and second.fpc is not None and not np.array_equal(first.fpc, second.fpc):
        return False
    pairs = [
        (a, b)
        for one, two in ((first.strata, second.strata), (first.psu, second.psu))
        for a, b in zip(one.T, two.T, strict=True)
    ]
    sizes = [(len(np.unique(a)), len(np.unique(b)), len(np.unique(np.column_stack([a, b]), axis=0))) for a, b in pairs]
    return all(len(set(size)) == 1 for size in sizes)


def _placed(influence: Influence, matrix: Array) -> Influence:
    """Contributions to some of the estimates as contributions to all: respondents of no domain of the others."""
    every = np.ones(influence.values.shape, dtype=bool) if influence.members is None else influence.members
    return replace(influence, members=every).mapped(matrix)


def _paired(first: Influence, second: Influence) -> Influence:
    """Influence on the estimates of both, which are of the same respondents."""
    if not _proportional(first, second):
        return _side_by_side(resolved(first), resolved(second))
    ratio_first, ratio_second, weight = _common_weight(first, second)
    width = len(second.values) + 1
    pair = (first.row_cell + 1) * width + second.row_cell + 1
    distinct, cell = np.unique(pair, return_inverse=True)
    one, two = distinct // width - 1, distinct % width - 1
    left = np.where((one >= 0)[:, None], first.values[one] * ratio_first, 0.0)
    right = np.where((two >= 0)[:, None], second.values[two] * ratio_second, 0.0)
    inside = np.hstack([_members_of(first, one), _members_of(second, two)])
    outside = (first.row_cell < 0) & (second.row_cell < 0)
    return replace(
        first, values=np.hstack([left, right]), row_cell=np.where(outside, -1, cell), row_weight=weight, members=inside
    )


def _members_of(influence: Influence, cell: NDArray[np.intp]) -> NDArray[np.bool_]:
    """(cells, m) whether cells of a joint influence are in the domains of one of the two."""
    used = np.broadcast_to((cell >= 0)[:, None], (len(cell), influence.values.shape[1]))
    return used if influence.members is None else used & influence.members[cell]


def summed(first: Influence, second: Influence, times: float = 1.0) -> Influence:
    """Influence on ``first + times * second``, estimate by estimate, both of m estimates."""
    size = first.values.shape[1]
    both = joined(first, second)
    if both.beside:
        return both.mapped(np.hstack([np.eye(size), times * np.eye(size)]))

    def added(values: Array) -> Array:
        return np.nan_to_num(values[:, :size]) + times * np.nan_to_num(values[:, size:])

    inside = None if both.members is None else both.members[:, :size] | both.members[:, size:]
    within_group = None if both.within_group is None else added(both.within_group)
    return replace(both, values=added(both.values), within_group=within_group, members=inside)


def _proportional(first: Influence, second: Influence) -> bool:
    """Whether the weights of both are the same but for their scale, and came about in the same way."""
    if (
        first.within_group is not None
        or second.within_group is not None
        or _calibrations(first) != _calibrations(second)
    ):
        return False
    both = (first.row_weight > 0) & (second.row_weight > 0)
    if not both.any():
        return True
    one, two = first.row_weight[both], second.row_weight[both]
    return bool(np.allclose(one * (two.sum() / one.sum()), two, rtol=SAME, atol=0.0))


def _side_by_side(first: Influence, second: Influence) -> Influence:
    """Influence by row, where both weigh the rows in different ways."""
    outside = (first.row_cell < 0) & (second.row_cell < 0)
    rows = np.hstack([first.expand(), second.expand()])
    cell, weight = np.where(outside, -1, np.arange(len(rows))), np.where(outside, 0.0, 1.0)
    inside = np.hstack([first.expand_members(), second.expand_members()])
    if first.tally is None or second.tally is None:
        return replace(first, values=rows, row_cell=cell, row_weight=weight, members=inside)
    tally = max(first.tally, second.tally, key=lambda one: float(one.within_group_weight_variance.sum()))
    design = None if first.design is None else replace(first.design, tally=tally)
    within_group = np.hstack([first.expand_weight_variance(), second.expand_weight_variance()])
    return Influence(rows, cell, weight, design, tally, within_group, inside, first.source)


def _common_weight(first: Influence, second: Influence) -> tuple[float, float, Array]:
    """Scales that turn both weights into one: they differ by a constant where both use a row."""
    both = (first.row_weight > 0) & (second.row_weight > 0)
    ratio = float(first.row_weight[both].sum() / second.row_weight[both].sum()) if both.any() else 1.0
    return 1.0, 1.0 / ratio, np.where(first.row_weight > 0, first.row_weight, second.row_weight * ratio)
