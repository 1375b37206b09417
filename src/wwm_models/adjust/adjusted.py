"""Adjusted probabilities, average slopes and predictions of a fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.replicated import replicated_covariance
from wwm_models.adjust.standardise import Margins, intervened, margins, sampled_influence, target_covariance
from wwm_models.adjust.table import (
    Collapses,
    collapse_matrix,
    group_frame,
    names_of,
    probability_limits,
    probability_table,
)
from wwm_models.adjust.target import Target, target_population
from wwm_models.engines.covariance import covariance
from wwm_models.engines.predictors import predictors_of
from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.numerics import intervals
from wwm_models.records import Estimates, Fit, Influence, Survey

Array = NDArray[np.float64]
MOST_VALUES = 25


def adjusted(
    fit: Fit,
    by: str | Sequence[str] | None = None,
    *,
    over: str | Survey = "sample",
    interval: str = "logit",
    covariates: str = "sampled",
    level: float = 0.95,
    collapses: Collapses | None = None,
) -> Estimates:
    """Adjusted probability of every answer in every group, averaged over a target population.

    Parameters
    ----------
    fit : Fit
    by : str, sequence of str or None
        Variables of the model that are set, level by level, for everyone in the target population.
    over : {"sample", "balanced"} or Survey
        Whom to average over. "balanced": equal weight on every combination of the other factors, numbers at their mean.
    interval : {"logit", "wald"}
    covariates : {"sampled", "fixed"}
        "sampled": the standard error includes that the population averaged over is itself a sample. "fixed": the delta
        method on the fit's covariance, as Stata's margins does by default.
    level : float
        Between 0 and 1.
    collapses : mapping of name to answers, optional
        Unions of answers to report as further categories.

    Returns
    -------
    Estimates

    Raises
    ------
    AdjustError
        If a by-variable is not in the model, the fit is not usable, or an option is unknown.

    References
    ----------
    Graubard, B. I. and Korn, E. L. (1999). Predictive margins with survey data. Biometrics 55, 652-659.
    """
    names = names_of(by)
    refuse_unusable(fit)
    groups = model_groups(fit, names)
    target = target_population(fit, over, [str(name) for name in fit.cells.patterns.columns if name not in names])
    frame = intervened(target, groups)
    result = margins(fit, frame, target.weights, len(groups))
    collapse, categories = collapse_matrix(fit.cells.categories, collapses)
    estimate = (result.probabilities @ collapse.T).ravel()
    joint, contributions = joint_covariance(fit, _collapsed(result, collapse), target, covariates)
    if fit.replicate_theta is not None:
        joint, contributions = (
            replicated_covariance(
                fit,
                frame,
                target,
                len(groups),
                lambda made: (made.probabilities @ collapse.T).ravel(),
                estimate,
                covariates,
            ),
            None,
        )
    std_error = np.sqrt(np.maximum(np.diag(joint), 0.0))
    n, n_effective = (np.repeat(part, len(categories)) for part in group_sizes(fit, groups))
    effective = np.where(n_effective > 0, n_effective, fit.n_effective)
    lower, upper = probability_limits(estimate, std_error, effective, level=level, df=fit.design_df, interval=interval)
    columns = {
        "estimate": estimate,
        "std_error": std_error,
        "lower": lower,
        "upper": upper,
        "count": np.nan,
        "n": n,
        "n_effective": n_effective,
    }
    table = probability_table(
        groups,
        categories,
        columns,
        outcome=fit.cells.outcome,
        level=level,
        method=method_of(fit),
        estimand=estimand_text(fit, names, target),
    )
    return Estimates(table, names, joint, contributions, None, fit.design_df)


def slopes(
    fit: Fit,
    variable: str,
    *,
    interval: str = "wald",
    covariates: str = "sampled",
    level: float = 0.95,
    over: str | Survey = "sample",
) -> Estimates:
    """Average marginal effect of a continuous predictor on the probability of every answer.

    Parameters
    ----------
    fit : Fit
    variable : str
        A number in the model.
    interval : {"wald"}
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
    column = model_column(fit, variable)
    if isinstance(column.dtype, pd.CategoricalDtype):
        raise AdjustError(
            f'"{variable}" has levels, not numbers. Use contrasts(fit, "{variable}") for its differences.'
        )
    target = target_population(fit, over, [str(name) for name in fit.cells.patterns.columns])
    step = 1e-4 * (float(np.std(column.to_numpy(dtype=float))) or 1.0)
    frames = [target.patterns.assign(**{variable: target.patterns[variable] + side * step}) for side in (1.0, -1.0)]
    frame = pd.concat(frames, ignore_index=True)
    both = margins(fit, frame, target.weights, 2)
    size = len(fit.cells.categories)
    difference = np.hstack([np.eye(size), -np.eye(size)]) / (2.0 * step)
    estimate = difference @ both.probabilities.ravel()
    change = Margins(
        estimate[None, :], (difference @ both.jacobian.reshape(2 * size, -1))[None], both.spread @ difference.T
    )
    joint, contributions = joint_covariance(fit, change, target, covariates)
    if fit.replicate_theta is not None:
        joint, contributions = (
            replicated_covariance(
                fit, frame, target, 2, lambda made: difference @ made.probabilities.ravel(), estimate, covariates
            ),
            None,
        )
    std_error = np.sqrt(np.maximum(np.diag(joint), 0.0))
    lower, upper = intervals.wald_limits(estimate, std_error, intervals.critical_value(level, fit.design_df))
    columns = {
        "estimate": estimate,
        "std_error": std_error,
        "lower": lower,
        "upper": upper,
        "count": np.nan,
        "n": fit.n,
        "n_effective": fit.n_effective,
    }
    estimand = f"average slope on {variable}; {estimand_text(fit, (), target)}"
    table = probability_table(
        pd.DataFrame(index=[0]),
        list(fit.cells.categories),
        columns,
        outcome=fit.cells.outcome,
        level=level,
        method=method_of(fit),
        estimand=estimand,
    )
    return Estimates(table, (), joint, contributions, None, fit.design_df)


def predict(fit: Fit, frame: pd.DataFrame) -> pd.DataFrame:
    """Probability of every answer for each row of a frame of predictors.

    Parameters
    ----------
    fit : Fit
    frame : DataFrame
        Complete on the model's predictors; levels as text or categorical, in any order.

    Returns
    -------
    DataFrame
        One column per declared answer; rows sum to one.
    """
    refuse_unusable(fit)
    log_p = fit.family.log_probabilities(predictors_of(fit.design, frame).eta(fit.theta), fit.link)
    full = np.zeros((len(frame), len(fit.cells.categories)))
    full[:, fit.design.order] = np.exp(log_p)
    return pd.DataFrame(full, columns=pd.Index(fit.cells.categories), index=frame.index)


def method_of(fit: Fit) -> str:
    """The word of the ``method`` column; a penalised fit says so in every table."""
    return f"likelihood ({fit.penalty}-penalised)" if fit.penalty else "likelihood"


def refuse_unusable(fit: Fit) -> None:
    """Refuse to estimate from a fit that is not a maximum."""
    if fit.status != "ok":
        raise AdjustError(
            f'The fit of "{fit.model.formula}" is {fit.status}: {fit.message} No probabilities are given from it.'
        )


def model_column(fit: Fit, name: str) -> pd.Series:
    """A predictor's column among the patterns, or an error that names the predictors there are."""
    known = [str(column) for column in fit.cells.patterns.columns]
    if name not in known:
        raise AdjustError(
            f'"{name}" is not in the model "{fit.model.formula}", so nothing can be set to its levels. '
            f"Predictors: {listed(known, 30)}.{did_you_mean(name, known)}"
        )
    return fit.cells.patterns[name]


def model_groups(fit: Fit, names: tuple[str, ...]) -> pd.DataFrame:
    """Every combination of levels of the by-variables that the fit has seen, one variable at a time."""
    levels: dict[str, object] = {}
    weight = fit.cells.weights.sum(axis=1)
    for name in names:
        column = model_column(fit, name)
        if isinstance(column.dtype, pd.CategoricalDtype):
            seen = set(column.cat.codes[weight > 0])
            levels[name] = column.cat.categories[[code for code in range(len(column.cat.categories)) if code in seen]]
            continue
        values = np.unique(column.to_numpy())
        if len(values) > MOST_VALUES:
            raise AdjustError(
                f'"{name}" is a number with {len(values)} values; at most {MOST_VALUES} can be groups. Use slopes(fit, "{name}"), or cut it into groups.'
            )
        levels[name] = values
    return group_frame(levels)


def joint_covariance(fit: Fit, result: Margins, target: Target, covariates: str) -> tuple[Array, Influence | None]:
    """Covariance of all margins, and the influence it comes from."""
    if covariates not in ("sampled", "fixed"):
        raise AdjustError(f'covariates="{covariates}" is not known. Expected "sampled" or "fixed".')
    jacobian = result.jacobian.reshape(-1, result.jacobian.shape[2])
    if fit.penalty and covariates == "sampled":
        population = sampled_influence(fit, np.zeros_like(jacobian), result.spread, target)
        return jacobian @ fit.theta_vcov @ jacobian.T + covariance(population) + target_covariance(
            target, fit, result.spread
        ), None
    contributions = sampled_influence(fit, jacobian, result.spread, target)
    if covariates == "fixed":
        return jacobian @ fit.theta_vcov @ jacobian.T, None
    return covariance(contributions) + target_covariance(target, fit, result.spread), contributions


def group_sizes(fit: Fit, groups: pd.DataFrame) -> tuple[Array, Array]:
    """Respondents of the fit in each group: unweighted, and Kish's effective number."""
    used = fit.cells.row_pattern >= 0
    pattern, weight = fit.cells.row_pattern[used], fit.cells.row_weight[used]
    squares = np.bincount(pattern, weight**2, minlength=len(fit.cells.patterns))
    sums, counts = fit.cells.weights.sum(axis=1), fit.cells.counts.sum(axis=1)
    sizes = np.zeros((2, len(groups)))
    for row, group in enumerate(groups.to_dict("records")):
        inside = np.ones(len(fit.cells.patterns), dtype=bool)
        for name, value in group.items():
            inside &= (fit.cells.patterns[name] == value).to_numpy()
        kish = float(intervals.kish_effective_n(sums[inside].sum(), squares[inside].sum()))
        sizes[:, row] = counts[inside].sum(), counts[inside].sum() if fit.survey.weight_kind == "frequency" else kish
    return sizes[0], sizes[1]


def estimand_text(fit: Fit, names: tuple[str, ...], target: Target) -> str:
    """What the number is of: exposure, adjusters, target population, averaging rule, machine-readable."""
    adjusters = [str(name) for name in fit.cells.patterns.columns if name not in names]
    return f"exposure={'+'.join(names) or 'none'}; adjusters={'+'.join(adjusters) or 'none'}; population={target.label}"


def _collapsed(result: Margins, collapse: Array) -> Margins:
    groups, answers = result.probabilities.shape
    spread = (result.spread.reshape(-1, groups, answers) @ collapse.T).reshape(len(result.spread), -1)
    return Margins(result.probabilities @ collapse.T, np.einsum("mk,gkp->gmp", collapse, result.jacobian), spread)
