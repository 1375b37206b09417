"""Quantities made of several probabilities: mean scores, ratios of two answers, superiority, average slopes, and single predictions.

Superiority is gamma = P(Y1 > Y2) + P(Y1 = Y2) / 2 for a respondent of each of two groups: 1/2 when neither answers higher (Agresti and Kateri
2017). `slopes` are of a continuous predictor; `predict` is for single rows.

References
----------
Agresti, A. and Kateri, M. (2017). Ordinal probability effect measures for group comparisons in multinomial cumulative link
models. Biometrics 73, 214-219. doi:10.1111/biom.12565
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import finite_number
from wwm_models.bayes.posterior import Fitted, Posterior
from wwm_models.errors import AdjustError, did_you_mean, expect, group_in_words, listed
from wwm_models.estimates.adjusted import adjusted
from wwm_models.estimates.estimates import Estimand, Estimates, names_of, probability_table
from wwm_models.estimates.joint_distribution import JointDistribution, compared_rows, inference, joint_distribution
from wwm_models.estimates.standardise import (
    estimand_text,
    intervened,
    method_of,
    model_values,
    refuse_crossing,
    refuse_unusable,
    standardised,
)
from wwm_models.estimates.standardise_draws import drawn_limits, origin_of, sampled_predictions
from wwm_models.estimates.target import Over, target_population
from wwm_models.likelihood.likelihood import predictors_of
from wwm_models.numerics import intervals
from wwm_models.numerics.arrays import Array
from wwm_models.survey.frames import ESTIMATE_COLUMNS, plain_frame

SUM_TO_ONE = 1e-8  # of a group's answers; collapses among them would make it more


@dataclass(frozen=True, eq=False)
class _AnswerTable:
    """Estimates with the place of every answer of every group: rows (G, K)."""

    estimates: Estimates
    groups: pd.DataFrame
    categories: list[str]
    rows: NDArray[np.intp]


def mean_score(
    source: Fitted | Estimates,
    scores: Mapping[str, float],
    by: str | Sequence[str] | None = None,
    *,
    level: float = 0.95,
) -> Estimates:
    """Mean of scores given to the answers, in every group.

    Parameters
    ----------
    source : Fit, Posterior or Estimates
        A fit (its adjusted probabilities by `by` are used), or estimates of all answers without collapses.
    scores : mapping of answer to number
        Every answer needs one.
    by : str, sequence of str or None
        For a fit; estimates have their own.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        One row per group, category "mean score", in the unit of the scores, with Wald intervals.

    Raises
    ------
    AdjustError
        If an answer has no score, or a score no answer.

    Examples
    --------
    >>> import wwm_models as wwm
    >>> frame = pd.DataFrame({"y": pd.Categorical(["no", "yes", "yes", "no"], ["no", "yes"], ordered=True)})
    >>> share = wwm.raw(wwm.Survey.from_frame(frame, weight=None), "y")
    >>> float(mean_score(share, {"no": 0, "yes": 10}).table["estimate"].iloc[0])
    5.0
    """
    found = _answers(source, by, level)
    scores = {str(name): value for name, value in scores.items()}
    for name in (*scores, *found.categories):
        if name not in scores or name not in found.categories:
            others = list(scores) if name not in scores else found.categories
            raise AdjustError(
                f'"{name}" has {"no score" if name not in scores else "a score but is not an answer"}. Answers: '
                f"{listed(found.categories, 30)}.{did_you_mean(name, others)} Give every answer a score."
            )
    values = np.array([finite_number(scores[name], f'The score of "{name}"', AdjustError) for name in found.categories])
    matrix = np.zeros((len(found.rows), len(found.estimates.table)))
    matrix[np.arange(len(found.rows))[:, None], found.rows] = values
    return _made(found, matrix @ _values(found.estimates), matrix, "mean", "mean score", level)


def answer_ratio(
    source: Fitted | Estimates,
    numerator: str,
    denominator: str,
    by: str | Sequence[str] | None = None,
    *,
    level: float = 0.95,
) -> Estimates:
    """How many times as common one answer is as another, in every group; intervals on the log scale.

    Parameters
    ----------
    source : Fit, Posterior or Estimates
        What the numbers are made from.
    numerator, denominator : str
        Answers, or collapses that the estimates hold.
    by : str, sequence of str or None
        Variables whose groups get numbers of their own; None for everyone together.
    level : float
        Of the intervals, above 0 and below 1.

    Raises
    ------
    AdjustError
        If an answer is not there.
    """
    estimates = source if isinstance(source, Estimates) else adjusted(source, by, level=level)
    known = [str(name) for name in dict.fromkeys(estimates.table["category"])]
    for name in (numerator, denominator):
        if name not in known:
            raise AdjustError(
                f'"{name}" is not an answer of these estimates. Answers: {listed(known, 30)}.{did_you_mean(name, known)}'
            )
    if numerator == denominator:
        raise AdjustError(
            f'"{numerator}" is both numerator and denominator. Expected two different answers. Name another.'
        )
    found = _placed(estimates, [numerator, denominator])
    p = _values(estimates)[found.rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = p[:, 0] / p[:, 1]
        matrix = np.zeros((len(p), len(estimates.table)))
        matrix[np.arange(len(p)), found.rows[:, 0]] = np.nan_to_num(1.0 / p[:, 1], posinf=0.0)
        matrix[np.arange(len(p)), found.rows[:, 1]] = np.nan_to_num(-p[:, 0] / p[:, 1] ** 2, neginf=0.0)
    draws = None
    if estimates.draws is not None:
        draws = estimates.draws[:, found.rows[:, 0]] / estimates.draws[:, found.rows[:, 1]]
    return _made(found, ratio, matrix, "ratio", f"{numerator}:{denominator}", level, draws)


def superiority(
    source: Fitted | Estimates,
    by: str | Sequence[str],
    *,
    reference: str | None = None,
    pairwise: bool = False,
    level: float = 0.95,
) -> Estimates:
    """P(Y1 > Y2) + P(Y1 = Y2) / 2: how often a respondent of one group gives the higher answer.

    Parameters
    ----------
    source : Fit, Posterior or Estimates
        A fit (its adjusted probabilities are used), or estimates of all answers, lowest first.
    by : str or sequence of str
        The first variable's levels are compared; the others stay fixed.
    reference : str, optional
        Level to compare the others with; the first unless given.
    pairwise : bool
        Compare every pair of groups instead of all with the reference.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        One row per pair, 1/2 where neither is higher, with logit intervals and the p-value of 1/2.

    Raises
    ------
    AdjustError
        If the answers of a group do not sum to one.

    Examples
    --------
    >>> import wwm_models as wwm
    >>> frame = pd.DataFrame({"y": [1, 2, 2, 3], "g": ["a", "a", "b", "b"]})
    >>> share = wwm.raw(wwm.Survey.from_frame(frame, weight=None), "y", "g")
    >>> float(superiority(share, "g").table["estimate"].iloc[0])
    0.875
    """
    names = names_of(by)
    if not names:
        raise AdjustError("superiority() was given no variable. Name the one whose groups are compared.")
    found = _answers(source, names, level)
    one, two = compared_rows(
        found.groups.assign(category=""), found.estimates.by, names[0], reference, pairwise=pairwise
    )
    size = len(found.categories)
    above = np.tril(np.ones((size, size)), -1) + 0.5 * np.eye(size)
    p = _values(found.estimates)[found.rows]
    gamma = np.einsum("gk,kl,gl->g", p[one], above, p[two])
    matrix = np.zeros((len(one), len(found.estimates.table)))
    pair = np.arange(len(one))[:, None]
    np.add.at(matrix, (pair, found.rows[one]), p[two] @ above.T)
    np.add.at(matrix, (pair, found.rows[two]), p[one] @ above)
    draws = None
    if found.estimates.draws is not None:
        drawn = found.estimates.draws[:, found.rows]
        draws = np.einsum("sgk,kl,sgl->sg", drawn[:, one], above, drawn[:, two])
    label = [f"{a} over {b}" for a, b in zip(found.groups[names[0]].iloc[one], found.groups[names[0]].iloc[two], strict=True)]  # fmt: skip
    groups = found.groups.iloc[one].reset_index(drop=True).assign(**{names[0]: label})
    compared = replace(found, groups=groups, rows=found.rows[one])
    made = _made(compared, gamma, matrix, "probability", "superiority", level, draws)
    return replace(made, table=made.table.assign(contrast=label))


def _answers(source: Fitted | Estimates, by: str | Sequence[str] | None, level: float) -> _AnswerTable:
    estimates = source if isinstance(source, Estimates) else adjusted(source, by, level=level)
    found = _placed(estimates, [str(name) for name in dict.fromkeys(estimates.table["category"])])
    total = _values(estimates)[found.rows].sum(axis=1)
    if (np.abs(total - 1.0) > SUM_TO_ONE).any():
        worst = int(np.argmax(np.nan_to_num(np.abs(total - 1.0))))
        raise AdjustError(_not_one(found, worst, float(total[worst])))
    return found


def _not_one(found: _AnswerTable, row: int, total: float) -> str:
    """What to say of a group whose answers do not sum to one, by the likeliest reason."""
    group = group_in_words(found.groups.iloc[row].items())
    if "missing_information" in found.estimates.table:
        return (
            f"The answers of {group} sum to {total:.6g}, because every percentage was pooled by itself over the completed surveys. Expected answers "
            'that sum to 1. Pool them with wwm.pool(..., scale="identity"), or make this number for every completed survey and pool those.'
        )
    if total > 1.0:
        return (
            f"The answers of {group} sum to {total:.6g}: some are counted twice, as collapses do. Expected every answer once, so a sum of 1. Make "
            "the estimates without `collapses`."
        )
    return f"The answers of {group} sum to {total:.6g}: some are not there. Expected every answer once, so a sum of 1. Give the estimates of all answers."


def _placed(estimates: Estimates, categories: list[str]) -> _AnswerTable:
    table = estimates.table
    keys = list(table[[*estimates.by, "category"]].itertuples(index=False, name=None))
    place = {key: row for row, key in enumerate(keys)}
    groups = table[list(estimates.by)].drop_duplicates() if estimates.by else table[[]].iloc[:1]
    rows = [[place[(*group, name)] for name in categories] for group in groups.itertuples(index=False, name=None)]
    return _AnswerTable(estimates, groups.reset_index(drop=True), categories, np.array(rows, dtype=np.intp))


def _values(estimates: Estimates) -> Array:
    return estimates.table["estimate"].to_numpy(dtype=float)


def _made(
    found: _AnswerTable, estimate: Array, matrix: Array, kind: str, name: str, level: float, draws: Array | None = None
) -> Estimates:
    """One row per group from combinations of the answers' rows."""
    source = found.estimates
    law = joint_distribution([(source, matrix)])
    if draws is not None:
        law = JointDistribution(np.atleast_2d(np.cov(draws, rowvar=False)), None, None, draws, law.freedom)
    table = source.table.iloc[found.rows[:, 0]][list(ESTIMATE_COLUMNS)].reset_index(drop=True)
    own = [Estimand.parse(text) for text in table["estimand"]]
    texts = [replace(one, quantity=f"{name} of {one.quantity}".removesuffix(" of ")).text for one in own]
    table = pd.concat([found.groups, table], axis=1).assign(category=name, count=np.nan, estimand=texts)
    columns = inference(estimate, law, kind, level)
    if kind == "mean":
        columns = {key: value for key, value in columns.items() if not key.startswith("p_")}
    return law.estimates(table.assign(**columns), source.by, source.origin)


def slopes(
    fit: Fitted,
    variable: str,
    *,
    interval: str = "wald",
    covariates: str = "sampled",
    level: float = 0.95,
    over: Over = "sample",
) -> Estimates:
    """Average marginal effect of a continuous predictor on the probability of every answer.

    Parameters
    ----------
    fit : Fit or Posterior
        A fitted model.
    variable : str
        A number in the model.
    interval : {"wald"}
        Scale on which intervals are made: as they are.
    covariates, level, over
        As for `adjusted`.

    Returns
    -------
    Estimates
        Change of each probability per unit of the variable; the changes sum to zero.

    Raises
    ------
    AdjustError
        If the variable is not a number of the model.

    Notes
    -----
    The derivative is a central difference over 1e-4 standard deviations of the variable; its error is of the order 1e-8.
    """
    refuse_unusable(fit)
    if interval != "wald":
        raise AdjustError(f'interval="{interval}": a slope is not a probability. Expected "wald".')
    column = model_values(fit, variable)
    if isinstance(column, pd.Categorical):
        raise AdjustError(
            f'"{variable}" has levels, not numbers. Use contrasts(fit, "{variable}") for its differences.'
        )
    target = target_population(fit, over, list(fit.cells.columns))
    step = 1e-4 * (float(np.std(np.asarray(column, dtype=float))) or 1.0)
    both = intervened(target, pd.DataFrame(index=range(2)))
    moved = np.repeat([step, -step], len(target.weights))
    frame = {**both, variable: both[variable] + moved}
    size = len(fit.cells.categories)
    difference = np.concatenate([np.eye(size), -np.eye(size)], axis=1)
    found = standardised(fit, frame, target, (difference / (2.0 * step)).astype(np.float64), covariates)
    lower, upper = intervals.wald_limits(
        found.estimate, found.std_error, intervals.critical_values(level, found.freedom.df)
    )
    if found.draws is not None:
        lower, upper = drawn_limits(found.draws, level)
    columns = {
        "estimate": found.estimate, "std_error": found.std_error, "lower": lower, "upper": upper,
        "count": np.nan, "n": fit.n, "n_effective": fit.n_effective,
    }  # fmt: skip
    estimand = estimand_text(fit, (), target, f"average slope on {variable}")
    table = probability_table(
        pd.DataFrame(index=[0]),
        list(fit.cells.categories),
        columns,
        outcome=fit.cells.outcome,
        level=level,
        method=method_of(fit),
        estimand=estimand,
    )
    return found.estimates(table, (), origin_of(fit))


def predict(fit: Fitted, frame: pd.DataFrame) -> pd.DataFrame:
    """Probability of every answer for each row of a frame of predictors.

    Parameters
    ----------
    fit : Fit or Posterior
        A fitted model.
    frame : DataFrame
        Complete on the model's predictors; levels as text or categorical, in any order.

    Returns
    -------
    DataFrame
        One column per declared answer; rows sum to one. Of a posterior: the mean over its draws.

    Raises
    ------
    AdjustError
        If predicted cut points cross in some row.
    """
    refuse_unusable(fit)
    expect(frame, (pd.DataFrame,), "The second argument of predict", AdjustError)
    frame = plain_frame(frame, "The frame")
    if isinstance(fit, Posterior):
        return pd.DataFrame(sampled_predictions(fit, frame), columns=pd.Index(fit.cells.categories), index=frame.index)
    log_p = fit.family.log_probabilities(predictors_of(fit.design, frame).eta(fit.theta), fit.link)
    refuse_crossing(log_p, frame.loc[:, list(fit.cells.columns)].reset_index(drop=True))
    full = np.zeros((len(frame), len(fit.cells.categories)))
    full[:, fit.design.order] = np.exp(log_p)
    return pd.DataFrame(full, columns=pd.Index(fit.cells.categories), index=frame.index)
