"""Adjusted probabilities of a fit, by groups set for everyone in a target population."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.joint import estimand_text, method_of, model_values, refuse_unusable, standardised
from wwm_models.adjust.margins.sampled import drawn_limits, origin_of, refuse_noisy
from wwm_models.adjust.margins.standardise import intervened
from wwm_models.adjust.margins.target import Over, target_population
from wwm_models.adjust.table import (
    Collapses,
    collapse_matrix,
    group_frame,
    groups_of_patterns,
    names_of,
    places_of,
    probability_limits,
    probability_table,
)
from wwm_models.arguments import confidence_level
from wwm_models.errors import AdjustError
from wwm_models.numerics import intervals
from wwm_models.records import Estimates, Fitted, Posterior, Tabulated

Array = NDArray[np.float64]
MOST_VALUES = 25


def adjusted(
    fit: Fitted,
    by: str | Sequence[str] | None = None,
    *,
    over: Over = "sample",
    interval: str = "logit",
    covariates: str = "sampled",
    level: float = 0.95,
    collapses: Collapses | None = None,
) -> Estimates:
    """Adjusted probability of every answer in every group, averaged over a target population.

    Parameters
    ----------
    fit : Fit or Posterior
    by : str, sequence of str or None
        Variables of the model that are set, level by level, for everyone in the target population.
    over : {"sample", "balanced"}, Survey, mapping of margins, or file of these
        Whom to average over. "balanced": equal weight on every combination of the other factors, numbers at their mean. Margins,
        such as ``{"gender": {"man": 0.49, "woman": 0.51}}``: the sample raked to these shares or counts, which count as known.
    interval : {"logit", "wald"}
        Of a fit; a posterior has equal-tailed credible limits.
    covariates : {"sampled", "fixed"}
        "sampled": the standard error includes that the population averaged over is itself a sample. "fixed": the delta
        method on the fit's covariance, as Stata's margins does by default. For a posterior every draw has its own population,
        by the Bayesian bootstrap, or the sample's.
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
    SurveyError
        If declared margins cannot be met.

    References
    ----------
    Graubard, B. I. and Korn, E. L. (1999). Predictive margins with survey data. Biometrics 55, 652-659.
    """
    confidence_level(level)
    names = names_of(by)
    refuse_unusable(fit)
    groups = model_groups(fit, names)
    target = target_population(fit, over, [name for name in fit.cells.columns if name not in names])
    collapse, categories = collapse_matrix(fit.cells.categories, collapses)
    found = standardised(
        fit, intervened(target, groups), target, np.kron(np.eye(len(groups)), collapse).astype(np.float64), covariates
    )
    n, n_effective = (np.repeat(part, len(categories)) for part in group_sizes(fit, groups))
    effective = np.where(n_effective > 0, n_effective, fit.n_effective)
    if isinstance(fit, Posterior) and found.draws is not None:
        refuse_noisy(fit, found.draws, places_of(fit.cells.outcome, groups, categories))
        lower, upper = drawn_limits(found.draws, level, interval)
    else:
        lower, upper = probability_limits(
            found.estimate, found.std_error, effective, level=level, df=found.freedom.df, interval=interval
        )
    columns = {
        "estimate": found.estimate, "std_error": found.std_error, "lower": lower, "upper": upper,
        "count": np.nan, "n": n, "n_effective": n_effective,
    }  # fmt: skip
    table = probability_table(
        groups,
        categories,
        columns,
        outcome=fit.cells.outcome,
        level=level,
        method=method_of(fit),
        estimand=estimand_text(fit, names, target),
    )
    return found.estimates(table, names, origin_of(fit))


def model_groups(fit: Tabulated, names: tuple[str, ...]) -> pd.DataFrame:
    """Every combination of levels of the by-variables that the fit has seen, one variable at a time."""
    levels: dict[str, object] = {}
    weight = fit.cells.weights.sum(axis=1)
    for name in names:
        column = model_values(fit, name)
        if isinstance(column, pd.Categorical):
            seen = np.bincount(column.codes, weight, minlength=len(column.categories)) > 0
            levels[name] = column.categories if seen.all() else column.categories[seen]
            continue
        values = np.unique(column)
        if len(values) > MOST_VALUES:
            raise AdjustError(
                f'"{name}" is a number with {len(values)} values; at most {MOST_VALUES} can be groups. Use slopes(fit, "{name}"), or cut it into groups.'
            )
        levels[name] = values
    return group_frame(levels)


def group_sizes(fit: Tabulated, groups: pd.DataFrame) -> tuple[Array, Array]:
    """Respondents of the fit in each group: unweighted, and Kish's effective number."""
    cells, count = fit.cells, len(groups)
    place = groups_of_patterns(cells, groups)
    inside = place >= 0
    counts = np.bincount(place[inside], cells.counts.sum(axis=1)[inside], minlength=count).astype(np.float64)
    sums = np.bincount(place[inside], cells.weights.sum(axis=1)[inside], minlength=count).astype(np.float64)
    used = cells.row_pattern >= 0
    squares = np.bincount(cells.row_pattern[used], cells.row_square[used], minlength=len(place))
    of_group = np.bincount(place[inside], squares[inside], minlength=count).astype(np.float64)
    return counts, intervals.kish_effective_n(sums, of_group)
