"""True percentages of the synthetic population, by summation over its patterns: what an estimate comes near."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.survey.twin.declared import DECLARED
from wwm_models.survey.twin.population import FACTORS, OUTSIDE_FIGURES
from wwm_models.survey.twin.truth import Truth, levels_of, probabilities

Floats = NDArray[np.float64]

_EXPOSURES: Final = ("age_group", "household")


def true_adjusted(
    outcome: str,
    by: str | Sequence[str] | None = None,
    *,
    estimand: str = "household-adjusted",
    truth: Truth = DECLARED,
) -> pd.DataFrame:
    """Give the true probability of every answer in every group.

    Parameters
    ----------
    outcome : str
        A question, or the direction of an effect ("relations_direction").
    by : str, list of str or None
        Factors that form the groups; None for everyone.
    estimand : {"household-adjusted", "total", "raw"}
        household-adjusted: `by` is set for everyone aged 18-64, all else as it is. total: `by` is set, the exposures not
        in `by` follow their distribution given `by` and the adjusters; `by` names exposures only. raw: as found in each group; where no group is
        formed by age, those of 65-70 count.
    truth : Truth

    Returns
    -------
    DataFrame
        Columns of `by`, then ``outcome``, ``category``, ``estimate`` (0 to 1) and ``estimand``.

    Raises
    ------
    SurveyError
        If an outcome, a factor or the estimand is not known.

    Examples
    --------
    >>> table = true_adjusted("desired", by="age_group")
    >>> table.groupby("age_group")["estimate"].sum().round(12).unique().tolist()
    [1.0]
    """
    factors = [by] if isinstance(by, str) else list(by or ())
    _check(factors, estimand)
    patterns = truth.patterns
    if estimand != "raw" or "age_group" in factors:
        patterns = patterns[patterns["age_group"] != OUTSIDE_FIGURES]
    groups = [dict(zip(factors, levels, strict=True)) for levels in product(*(_levels(factor) for factor in factors))]
    rows = [_ESTIMANDS[estimand](truth, outcome, patterns, group) for group in groups]
    parts = [
        {**group, "outcome": outcome, "category": category, "estimate": float(estimate), "estimand": estimand}
        for group, row in zip(groups, rows, strict=True)
        for category, estimate in zip(levels_of(truth, outcome), row, strict=True)
    ]
    return pd.DataFrame(parts)


def _levels(factor: str) -> tuple[str, ...]:
    """Give the levels that a figure shows."""
    return tuple(level for level in FACTORS[factor] if level != OUTSIDE_FIGURES)


def _raw(truth: Truth, outcome: str, patterns: pd.DataFrame, group: Mapping[str, str]) -> Floats:
    inside = np.ones(len(patterns), dtype=bool)
    for factor, level in group.items():
        inside &= (patterns[factor] == level).to_numpy()
    found = patterns[inside]
    return np.average(probabilities(truth, outcome, found), axis=0, weights=found["share"].to_numpy())


def _household_adjusted(truth: Truth, outcome: str, patterns: pd.DataFrame, group: Mapping[str, str]) -> Floats:
    return np.average(
        probabilities(truth, outcome, patterns.assign(**group)), axis=0, weights=patterns["share"].to_numpy()
    )


def _total(truth: Truth, outcome: str, patterns: pd.DataFrame, group: Mapping[str, str]) -> Floats:
    """Average over p(adjusters) of the mean within (group, adjusters); the other exposure keeps its law in there."""
    adjusters = [factor for factor in FACTORS if factor not in (*_EXPOSURES, *group)]
    together = patterns.groupby(adjusters, sort=False)
    target = together["share"].transform("sum").to_numpy()
    inside = np.ones(len(patterns), dtype=bool)
    for factor, level in group.items():
        inside &= (patterns[factor] == level).to_numpy()
    found = patterns[inside]
    within = found["share"] / found.groupby(adjusters, sort=False)["share"].transform("sum")
    return np.average(probabilities(truth, outcome, found), axis=0, weights=within.to_numpy() * target[inside])


_ESTIMANDS: Final[Mapping[str, Callable[[Truth, str, pd.DataFrame, Mapping[str, str]], Floats]]] = MappingProxyType(
    {"household-adjusted": _household_adjusted, "total": _total, "raw": _raw}
)


def _check(factors: Sequence[str], estimand: str) -> None:
    groups = list(_EXPOSURES if estimand == "total" else FACTORS)
    for name, known, what in [
        (estimand, list(_ESTIMANDS), "estimand"),
        *((factor, groups, "group") for factor in factors),
    ]:
        if name not in known:
            raise SurveyError(
                f'The synthetic population has no {what} "{name}" here. Known: {listed(known)}.'
                f"{did_you_mean(name, known)} Name one of these."
            )
