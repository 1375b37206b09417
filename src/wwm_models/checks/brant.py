"""Brant's test of proportional odds: whether the binary fits at every cut point share their slopes.

For cut k = 1..K-1, z_k = 1(Y <= k) gets a binary fit F(a_k - x b_k) with the link of the ordinal fit; under the cumulative
model every one of them is consistent for the same slopes, whatever the link. With h_k = f / (F (1 - F)) and
A_k = sum n h_k f_k x x', the estimates of cuts k < l have covariance A_k^-1 C_kl A_l^-1,
C_kl = sum n h_k h_l F_k (1 - F_l) x x', because cov(z_k, z_l) = F_k (1 - F_l); the block (l, k) is the *transpose* of the
block (k, l). Under sampling weights or a design the covariance is that of the respondents' joint influence on all fits, or of their replicates.

References
----------
Brant, R. (1990). Assessing proportionality in the proportional odds model for ordinal logistic regression. Biometrics 46,
1171-1178. doi:10.2307/2532457
Long, J. S. and Freese, J. (2014). Regression Models for Categorical Dependent Variables Using Stata, 3rd ed., section 7.16.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag

from wwm_models.adjust.margins.joint import refuse_unusable
from wwm_models.checks.ratio import needs_influence
from wwm_models.checks.refit import joint_covariance, refit
from wwm_models.checks.wald import ROW, Wald, unusable_note, wald
from wwm_models.errors import AdjustError
from wwm_models.records import Dense, Design, Fit
from wwm_models.records.tests import HypothesisTest

Array = NDArray[np.float64]
Places = NDArray[np.intp]


def brant(fit: Fit) -> HypothesisTest:
    """Brant's test that slopes do not differ between cut points: all together, per term and per column.

    Parameters
    ----------
    fit : Fit
        Of a family with ordered cut points, with three answers or more. Terms that the fit lets vary already are in the
        binary fits but are not tested.

    Returns
    -------
    HypothesisTest
        ``df = q (K - 2)`` for q parallel columns. The table has a row per term, then a row per column of terms with several
        columns or another name; ``part`` says which. Missing, with a note, where a binary fit is separated.

    Raises
    ------
    AdjustError
        If the model has no parallel slopes to compare.
    """
    refuse_unusable(fit)
    _refuse_without_cuts(fit)
    binary = [_binary_fit(fit, k) for k in range(len(fit.design.order) - 1)]
    parts = _parts(fit)
    separated = [k for k, one in enumerate(binary) if one.status != "ok"]
    if separated:
        return _missing(fit, binary, parts, separated[0])
    joint = _joint_covariance(fit, binary)
    slopes = np.concatenate([one.theta for one in binary])
    results = {
        name: _equal_slopes(binary, slopes, joint, columns, fit.design_df) for name, (_, columns) in parts.items()
    }
    every = np.arange(len(_parallel(fit)))
    omnibus = _equal_slopes(binary, slopes, joint, every, fit.design_df)
    rows = [{"part": part, **results[name].row()} for name, (part, _) in parts.items()]
    table = pd.DataFrame(rows, index=pd.Index(list(parts), name="term"))
    note = _note(fit) + unusable_note(omnibus, fit.design_df)
    return HypothesisTest(
        "Brant test of parallel slopes", omnibus.statistic, omnibus.df, omnibus.p_value, table, note, omnibus.df2
    )


def _refuse_without_cuts(fit: Fit) -> None:
    if not fit.family.ordered_cuts:
        raise AdjustError(
            f"Brant's test compares the cut points of a cumulative model; the {fit.family.name} family has none. "
            "Use nominal_test."
        )
    if len(fit.design.order) < 3:
        raise AdjustError(
            f'"{fit.cells.outcome}" has {len(fit.design.order)} answers with respondents, so one cut point and 0 degrees of '
            "freedom: there is nothing to compare. Brant's test needs three answers or more."
        )
    if fit.design.scale is not None:
        raise AdjustError("Brant's test has no version for a model with a scale part. Use nominal_test.")
    if not len(_parallel(fit)):
        raise AdjustError(f'"{fit.model.formula}" has no parallel slopes, so there is nothing to test.')


def _parallel(fit: Fit) -> Places:
    """Parameters whose column enters every predictor."""
    everywhere = np.any(fit.design.array != 0, axis=0).all(axis=0)
    return np.flatnonzero(everywhere & ~fit.design.is_cut)


def _parts(fit: Fit) -> dict[str, tuple[str, Places]]:
    """Rows of the table: positions among the parallel columns by term, then by column."""
    parallel = _parallel(fit)
    terms = np.array([fit.design.terms[j] for j in parallel])
    parts = {term: ("term", np.flatnonzero(terms == term)) for term in dict.fromkeys(terms.tolist())}
    for position, j in enumerate(parallel):
        parts.setdefault(fit.design.names[j], ("column", np.array([position])))
    return parts


def _binary_fit(fit: Fit, k: int) -> Fit:
    """The fit of ``Y <= k`` in the order in which the family reads the answers."""
    design, cells = fit.design, fit.cells
    below = np.zeros(len(cells.categories), dtype=bool)
    below[design.order[: k + 1]] = True
    answer = np.where(cells.row_category >= 0, np.where(below[cells.row_category], 0, 1), -1)

    def two(table: Array) -> Array:
        return np.column_stack([table[:, below].sum(axis=1), table[:, ~below].sum(axis=1)])

    binary = replace(
        cells, categories=("below", "above"), weights=two(cells.weights), counts=two(cells.counts), row_category=answer
    )
    parallel = _parallel(fit)
    own = np.setdiff1d(np.flatnonzero(np.any(design.array[:, k] != 0, axis=0) & ~design.is_cut), parallel)
    columns = np.concatenate([parallel, own])
    cuts = fit.family.cut_sign * _groups_of_cuts(fit)
    array = np.concatenate([cuts[:, None, :], design.array[:, k : k + 1, columns]], axis=2)
    return refit(fit, binary, _design_of(design, array, columns))


def _groups_of_cuts(fit: Fit) -> Array:
    """(P, G) indicators of the groups of patterns that have cut points of their own; one group unless declared."""
    nonzero = np.any(fit.design.array[:, :, fit.design.is_cut[: fit.design.array.shape[2]]] != 0, axis=1)
    group = np.unique(nonzero, axis=0, return_inverse=True)[1].reshape(-1)
    return np.eye(int(group.max()) + 1)[group]


def _design_of(design: Design, array: Array, columns: Places) -> Design:
    cuts = array.shape[2] - len(columns)
    return Design(
        linear=Dense(array),
        names=(*(f"below|above:{group + 1}" for group in range(cuts)), *(design.names[j] for j in columns)),
        is_cut=np.arange(array.shape[2]) < cuts,
        terms=(*([""] * cuts), *(design.terms[j] for j in columns)),
        order=np.arange(2),
        build=design.build,
    )


def _joint_covariance(fit: Fit, binary: list[Fit]) -> Array:
    return joint_covariance(binary) if needs_influence(fit) else _model_covariance(fit, binary)


def _model_covariance(fit: Fit, binary: list[Fit]) -> Array:
    """Blocks A_k^-1 C_kl A_l^-1 from the probabilities of the binary fits."""
    size = fit.cells.weights[:, fit.design.order].sum(axis=1)
    columns = [one.design.array[:, 0] for one in binary]
    eta = [x @ one.theta for x, one in zip(columns, binary, strict=True)]
    below, above = [np.exp(fit.link.log_cdf(e)) for e in eta], [np.exp(fit.link.log_sf(e)) for e in eta]
    ratio = [np.exp(fit.link.log_pdf(e) - fit.link.log_cdf(e) - fit.link.log_sf(e)) for e in eta]

    def middle(k: int, later: int) -> Array:
        spread = size * ratio[k] * ratio[later] * below[k] * above[later]
        return (columns[k] * spread[:, None]).T @ columns[later]

    steps = range(len(binary))
    inner = [[middle(k, j) if k <= j else middle(j, k).T for j in steps] for k in steps]
    outer = block_diag(*(np.linalg.inv(inner[k][k]) for k in steps))
    return outer @ np.block(inner) @ outer


def _equal_slopes(binary: list[Fit], slopes: Array, joint: Array, columns: Places, design_df: float) -> Wald:
    """Test b_k - b_1 = 0, k = 2..K-1, for these parallel columns; every fit has its cuts first, then the parallel ones."""
    cuts = int(binary[0].design.is_cut.sum())
    starts = np.cumsum([0, *(len(one.theta) for one in binary)])[:-1]
    contrast = np.zeros((len(columns) * (len(binary) - 1), len(slopes)))
    for k in range(1, len(binary)):
        rows = (k - 1) * len(columns) + np.arange(len(columns))
        contrast[rows, starts[k] + cuts + columns] = 1.0
        contrast[rows, starts[0] + cuts + columns] = -1.0
    return wald(contrast @ slopes, contrast @ joint @ contrast.T, design_df)


def _missing(fit: Fit, binary: list[Fit], parts: dict[str, tuple[str, Places]], first: int) -> HypothesisTest:
    steps = len(binary) - 1
    rows = [{"part": part, **dict.fromkeys(ROW, np.nan), "df": len(where) * steps} for part, where in parts.values()]
    low, high = (fit.cells.categories[fit.design.order[first + step]] for step in (0, 1))
    note = (
        f'The binary fit at the cut "{low}|{high}" is {binary[first].status}, so its slopes have no covariance. Merge answers '
        "or levels, or use nominal_test."
    )
    table = pd.DataFrame(rows, index=pd.Index(list(parts), name="term"))
    return HypothesisTest(
        "Brant test of parallel slopes", np.nan, float(len(_parallel(fit)) * steps), np.nan, table, note
    )


def _note(fit: Fit) -> str:
    if np.isfinite(fit.design_df):
        return (
            f"Joint covariance of the binary fits: {fit.vcov_kind}; "
            f"F = (d - q + 1) / (d q) W with d = {fit.design_df:g}."
        )
    if needs_influence(fit):
        return "Joint covariance of the binary fits from respondents' influence (robust); chi-square."
    return "Joint covariance of the binary fits from the model; chi-square."
