"""What is in a survey before anything is fitted: answers, missing values by reason, and weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.survey.sampling_design import summed_squares
from wwm_models.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class Overview:
    """Tables for a first look. All but `accounting` and `weights` count the rows of the domain.

    Attributes
    ----------
    accounting : DataFrame
        ``reason``, ``rows``.
    answers : DataFrame
        ``variable``, ``answer``, ``count`` (unweighted) and ``share`` (weighted, of those with an answer, 0 to 1; nan
        for numbers). A level nobody has keeps its line.
    missing : DataFrame
        ``variable``, ``reason``, ``count``.
    weights : DataFrame
        One line: ``n``, ``minimum``, ``maximum``, ``mean``, ``zero``, ``design_effect`` (Kish, 1 or more) and
        ``n_effective`` of the domain. Of respondents with different weights who are grouped the smallest and largest are nan.
    """

    accounting: pd.DataFrame
    answers: pd.DataFrame
    missing: pd.DataFrame
    weights: pd.DataFrame


def overview(survey: Survey) -> Overview:
    """Give the tables of a first look at a survey.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    Overview

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley. Design effect of unequal weights: ``n sum(w^2) / sum(w)^2``.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": pd.Categorical(["no", "yes", "yes"], ["no", "yes"], ordered=True)})
    >>> overview(Survey.from_frame(frame, weight=None)).weights["n_effective"].tolist()
    [3.0]
    """
    answers = [line for name in survey.frame for line in _answers(survey, str(name))]
    missing = [line for name in survey.missing for line in _missing(survey, name)]
    return Overview(
        accounting=survey.accounting,
        answers=pd.DataFrame(answers, columns=["variable", "answer", "count", "share"]),
        missing=pd.DataFrame(missing, columns=["variable", "reason", "count"]),
        weights=_weights(survey),
    )


def _missing(survey: Survey, name: str) -> list[tuple[str, str, int]]:
    """Give a line per reason why a variable is missing."""
    reasons, number = np.unique(survey.missing[name][survey.domain].astype(str), return_inverse=True)
    people = np.bincount(number, survey.counts[survey.domain])
    return [(name, str(reason), round(float(count))) for reason, count in zip(reasons, people, strict=True) if reason]


def _answers(survey: Survey, name: str) -> list[tuple[str, str, int, float]]:
    """Give the lines of one variable."""
    column, weights = survey.frame[name][survey.domain], survey.weights[survey.domain]
    people = survey.counts[survey.domain]
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return [_span(name, np.asarray(column, dtype=np.float64), people)]
    codes = np.asarray(column.cat.codes)
    total = weights[codes >= 0].sum()
    lines: list[tuple[str, str, int, float]] = []
    for place, answer in enumerate(column.cat.categories):
        share = float(weights[codes == place].sum() / total) if total else float("nan")
        lines.append((name, str(answer), round(float(people[codes == place].sum())), share))
    return lines


def _span(name: str, values: NDArray[np.float64], people: NDArray[np.float64]) -> tuple[str, str, int, float]:
    """Give the one line of a number."""
    known = values[~np.isnan(values)]
    span = f"{known.min():g} to {known.max():g}" if len(known) else "no values"
    return name, span, round(float(people[~np.isnan(values)].sum())), float("nan")


def _weights(survey: Survey) -> pd.DataFrame:
    inside, apart = survey.domain, survey.tally is not None and not survey.tally.alike
    weights, people = survey.weights[inside], survey.respondents(inside)
    own = survey.own_weights[inside & (survey.counts > 0)]
    total, squares = weights.sum(), summed_squares(survey.weights, survey.tally)[inside].sum()
    effective = float(total**2 / squares) if squares else 0.0
    return pd.DataFrame(
        {
            "n": [people],
            "minimum": [np.nan if apart else own.min(initial=np.inf)],
            "maximum": [np.nan if apart else own.max(initial=0.0)],
            "mean": [weights.sum() / people if people else float("nan")],
            "zero": [survey.respondents(inside & (survey.weights == 0))],
            "design_effect": [people / effective if effective else float("nan")],
            "n_effective": [effective],
        }
    )
