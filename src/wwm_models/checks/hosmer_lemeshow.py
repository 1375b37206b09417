"""The Hosmer-Lemeshow test for ordered answers, and its version for survey designs.

Independent respondents: groups of the predicted score against K answers, X2 = sum (O - E)^2 / E with
(g - 2)(K - 1) + (K - 2) degrees of freedom; (g - 2)(K - 1) where the answers have no order.

Sampling weights or a design: M_g = sum_i w_i 1(i in g) (s(y_i) - E s), the residual of the answers' score in each group, has
the covariance of `group_residuals`, in which the estimation of theta counts.
The sum over all groups is (nearly) fixed by the fit; the other g - 1 contrasts are tested by a Wald test, with the F of
Archer and Lemeshow: F = (d - g + 2) / (d (g - 1)) W on (g - 1, d - g + 2). With two answers it is their mean residual test.

References
----------
Fagerland, M. W. and Hosmer, D. W. (2013). A goodness-of-fit test for the proportional odds regression model. Statistics in
Medicine 32, 2235-2249. doi:10.1002/sim.5645
Fagerland, M. W., Hosmer, D. W. and Bofin, A. M. (2008). Multinomial goodness-of-fit tests for logistic regression models.
Statistics in Medicine 27, 4238-4253. doi:10.1002/sim.3202
Archer, K. J. and Lemeshow, S. (2006). Goodness-of-fit test for a logistic regression model fitted using survey sample data.
Stata Journal 6, 97-105. doi:10.1177/1536867X0600600106
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.joint import refuse_unusable
from wwm_models.checks.group_residuals import residual_covariance
from wwm_models.checks.groups import answer_scores, answers, compare, probabilities, score_groups
from wwm_models.checks.ratio import pseudo_likelihood
from wwm_models.checks.wald import chi_square, reference_note, unusable_note, wald
from wwm_models.records import Fit
from wwm_models.records.tests import HypothesisTest

Array = NDArray[np.float64]
Places = NDArray[np.intp]


def hosmer_lemeshow(fit: Fit, groups: int = 10) -> HypothesisTest:
    """Test of fit by observed and expected answers in groups of the predicted score.

    Parameters
    ----------
    fit : Fit
        Of any family.
    groups : int
        Groups asked for, 3 or more; respondents with equal predictions stay together, which can leave fewer.

    Returns
    -------
    HypothesisTest
        The table has observed and expected counts of every answer and the contribution of every group.

    Raises
    ------
    AdjustError
        If fewer than three groups can be made.
    """
    refuse_unusable(fit)
    group = score_groups(fit, groups)
    return _design_based(fit, group) if pseudo_likelihood(fit) else _independent(fit, group, groups)


def _independent(fit: Fit, group: Places, asked: int) -> HypothesisTest:
    comparison = compare(fit, group)
    made, count = comparison.observed.shape
    df = (made - 2) * (count - 1) + (count - 2 if fit.family.ordered_answers else 0)
    result = chi_square(float(comparison.pearson.sum()), float(df))
    table = _counts(fit, group).assign(statistic=comparison.pearson)
    fewer = " Equal predictions left fewer groups than asked for, which makes the test conservative; see pearson(fit)."
    note = (
        f"{made} groups of predicted scores; df = {_df_formula(fit)}.{fewer if made < asked else ''}{comparison.sparse}"
    )
    return HypothesisTest("Hosmer-Lemeshow test of fit", result.statistic, result.df, result.p_value, table, note)


def _df_formula(fit: Fit) -> str:
    return "(g - 2)(K - 1) + (K - 2)" if fit.family.ordered_answers else "(g - 2)(K - 1)"


def _design_based(fit: Fit, group: Places) -> HypothesisTest:
    joint = residual_covariance(fit, group, answer_scores(fit)[:, None])
    comparison = compare(fit, group)
    residual = (comparison.observed - comparison.expected) @ answer_scores(fit)
    share = comparison.observed.sum(axis=1) / comparison.observed.sum()
    contrast = (np.eye(len(residual)) - share[:, None])[:-1]
    result = wald(contrast @ residual, contrast @ joint @ contrast.T, fit.design_df)
    mean = residual / comparison.observed.sum(axis=1)
    error = np.sqrt(np.maximum(np.diag(joint), 0.0)) / comparison.observed.sum(axis=1)
    table = _counts(fit, group).assign(mean_residual=mean, std_error=error)
    note = (
        f"{len(residual)} groups; mean residuals of the answers' score after Archer and Lemeshow (2006), with the estimation "
        f"of the parameters in their covariance, because {pseudo_likelihood(fit)}. {reference_note(fit)}"
    ) + unusable_note(result, fit.design_df)
    name = "Hosmer-Lemeshow test of fit (design-based)"
    return HypothesisTest(name, result.statistic, result.df, result.p_value, table, note, result.df2)


def _counts(fit: Fit, group: Places) -> pd.DataFrame:
    comparison = compare(fit, group)
    score = probabilities(fit) @ answer_scores(fit)
    weight = fit.cells.weights.sum(axis=1)
    inside = group >= 0
    total = np.bincount(group[inside], weight[inside])
    columns = {
        "n": np.bincount(group[inside], fit.cells.counts.sum(axis=1)[inside]),
        "score": np.bincount(group[inside], (weight * score)[inside]) / total,
    }
    for position, category in enumerate(answers(fit)):
        columns[f"observed:{fit.cells.categories[category]}"] = comparison.observed[:, position]
        columns[f"expected:{fit.cells.categories[category]}"] = comparison.expected[:, position]
    index = pd.Index([f"group {g + 1}" for g in range(len(total))], name="term")
    return pd.DataFrame(columns, index=index)
