"""Respondents grouped by what a fit predicts for them, with observed and expected answers per group.

The score of a pattern is the expected answer sum_k k p_k (k = 1..K in the declared order), or 1 - p(first answer) where the
order of the answers means nothing. Groups are runs of the sorted scores of about N / g respondents each: the first groups
hold round(N / g), the last one takes the remainder. Patterns with one score stay in one group (the one that holds their
middle). Splitting such a tie by the answers themselves, as some programs do, sorts respondents by what is being tested:
with categorical predictors, where ties are large, low answers fill one group and high answers the next and the statistic
explodes.

References
----------
Fagerland, M. W. and Hosmer, D. W. (2013). A goodness-of-fit test for the proportional odds regression model. Statistics in
Medicine 32, 2235-2249. doi:10.1002/sim.5645
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from wwm_models.arguments import MOST, whole_number
from wwm_models.engines.loglikelihood import cell_likelihood
from wwm_models.errors import AdjustError
from wwm_models.records import Fit

Array = NDArray[np.float64]
Places = NDArray[np.intp]

TIE_DIGITS = 10  # scores closer than 1e-10 are one score: they differ by rounding only


@dataclass(frozen=True, eq=False)
class Comparison:
    """Observed and expected answers of G groups.

    Attributes
    ----------
    observed, expected : (G, K) arrays
        Answers with respondents, in the declared order.
    """

    observed: Array
    expected: Array

    @property
    def pearson(self) -> Array:
        """(G,) array: each group's ``sum (O - E)^2 / E``."""
        return ((self.observed - self.expected) ** 2 / self.expected).sum(axis=1)

    @property
    def deviance(self) -> Array:
        """(G,) array: each group's ``2 sum O log(O / E)``."""
        ratio = np.where(self.observed > 0, self.observed, self.expected) / self.expected
        return 2.0 * (self.observed * np.log(ratio)).sum(axis=1)

    @property
    def sparse(self) -> str:
        """A sentence on small expected counts; empty where at least 80% are 5 or more and all 1 or more (Cochran 1954)."""
        low, tiny = float((self.expected < 5).mean()), float((self.expected < 1).mean())
        if low <= 0.2 and tiny == 0.0:
            return ""
        return (
            f" {low:.0%} of the {self.expected.size} expected counts are below 5 and {tiny:.0%} below 1: the chi-square law "
            "is doubtful."
        )


def probabilities(fit: Fit) -> Array:
    """(P, K) predicted probabilities of the patterns: answers with respondents, in the declared order."""
    log_p = cell_likelihood(fit.family, fit.link, fit.cells, fit.design).log_probabilities(fit.theta)
    return np.exp(log_p)[:, np.argsort(fit.design.order)]


def answers(fit: Fit) -> Places:
    """Positions in the categories of the columns of `probabilities`."""
    return np.sort(fit.design.order)


def answer_scores(fit: Fit) -> Array:
    """(K,) scores of the answers: 1..K, or 0 for the reference answer and 1 for the others without an order."""
    count = len(fit.design.order)
    if fit.family.ordered_answers:
        return np.arange(1.0, count + 1.0)
    return (answers(fit) != fit.design.order[0]).astype(np.float64)


def score_groups(fit: Fit, groups: int) -> Places:
    """Group of each pattern by its expected score, numbered from 0 without gaps.

    Parameters
    ----------
    fit : Fit
    groups : int
        Groups asked for; ties can leave fewer.

    Returns
    -------
    (P,) int array
        -1 for patterns without weight.

    Raises
    ------
    AdjustError
        If fewer than three groups are asked for or can be made.
    """
    whole_number(groups, "groups", AdjustError, least=3, most=MOST["groups"])
    weight = fit.cells.weights.sum(axis=1)
    score = np.round(probabilities(fit) @ answer_scores(fit), TIE_DIGITS)
    distinct, tied = np.unique(score, return_inverse=True)
    size = np.bincount(tied, weight, minlength=len(distinct))
    middle = np.cumsum(size) - size / 2.0
    place = np.minimum(np.floor(middle / group_size(float(weight.sum()), groups)), groups - 1).astype(np.intp)[tied]
    used = weight > 0
    kept, number = np.unique(place[used], return_inverse=True)
    if len(kept) < 3:
        raise AdjustError(
            f'"{fit.model.formula}" predicts {len(np.unique(score[used]))} different scores, which make {len(kept)} groups; '
            "3 or more are needed. Use pearson(fit), which compares patterns."
        )
    result = np.full(len(weight), -1, dtype=np.intp)
    result[used] = number
    return result


def group_size(total: float, groups: int) -> float:
    """Respondents in all groups but the last.

    Examples
    --------
    >>> group_size(613.0, 10)
    61.0
    """
    size = round(total / groups)
    return (
        float(size)
        if size > 0 and np.ceil(total / size) >= groups
        else max(np.floor(total / groups), total / groups / 2.0)
    )


def compare(fit: Fit, group: Places) -> Comparison:
    """Observed and expected answers by group of patterns; patterns in group -1 are left out."""
    inside = group >= 0
    total = int(group.max()) + 1
    observed, expected = np.zeros((2, total, len(fit.design.order)))
    np.add.at(observed, group[inside], fit.cells.weights[:, answers(fit)][inside])
    np.add.at(expected, group[inside], (probabilities(fit) * fit.cells.weights.sum(axis=1)[:, None])[inside])
    return Comparison(observed, expected)


def summary(comparison: Comparison, df: float, names: list[str]) -> pd.DataFrame:
    """Rows Pearson and deviance with their p-values; missing without degrees of freedom."""
    values = [float(comparison.pearson.sum()), float(comparison.deviance.sum())]
    p_values = [float(stats.chi2.sf(value, df)) if df > 0 else np.nan for value in values]
    columns = {"statistic": values, "df": df, "df2": np.inf, "p_value": p_values}
    return pd.DataFrame(columns, index=pd.Index(names, name="term"))
