"""Likelihood ratio tests, and when there is no likelihood to take a ratio of.

References
----------
Wilks, S. S. (1938). The large-sample distribution of the likelihood ratio for testing composite hypotheses. Annals of
Mathematical Statistics 9, 60-62. doi:10.1214/aoms/1177732360
Lumley, T. and Scott, A. (2014). Tests for regression models fitted to survey data. Australian & New Zealand Journal of
Statistics 56, 1-14. doi:10.1111/anzs.12065
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.joint import refuse_unusable
from wwm_models.checks.wald import chi_square
from wwm_models.errors import AdjustError
from wwm_models.numerics.linear import redundant_columns
from wwm_models.records import Fit
from wwm_models.records.tests import HypothesisTest

Array = NDArray[np.float64]


def pseudo_likelihood(fit: Fit) -> str:
    """Why a fit's log-likelihood is not one of independent respondents; empty when it is.

    Returns
    -------
    str
        A clause that can follow "because".
    """
    if fit.survey.weight_kind == "sampling":
        return "the fit uses sampling weights, so what is maximised is a pseudo-likelihood, not the probability of the sample"
    if fit.survey.design is not None or fit.survey.replicates is not None:
        return "the sample has a design (strata, sampling units or replicates), so its respondents are not independent"
    return ""


def needs_influence(fit: Fit) -> bool:
    """Whether covariances must come from respondents' influence and not from the model."""
    return fit.vcov_kind != "model" or bool(pseudo_likelihood(fit))


def refuse_pseudo_likelihood(fit: Fit, test: str, instead: str) -> None:
    """Raise with the reason where a test needs independent respondents."""
    reason = pseudo_likelihood(fit)
    if reason:
        raise AdjustError(f"{test} is refused because {reason}: its statistic is not chi-square. Use {instead}.")


def refuse_penalised(fit: Fit, test: str) -> None:
    """Raise where a test compares maxima of the likelihood and the fit is not one."""
    if fit.penalty:
        raise AdjustError(
            f"{test} compares maxima of the likelihood; this fit is {fit.penalty}-penalised and is none. Use wald_test, "
            "hosmer_lemeshow or pearson."
        )


def refuse_monotone(fit: Fit, test: str) -> None:
    """Raise where a test compares maxima and one of them is under the signs of a monotonic term."""
    if fit.design.monotone or fit.design.pooled:
        raise AdjustError(
            f'{test} is refused because "{fit.model.formula}" has mo() terms: a maximum under signs has a mixture of chi-square '
            "laws (chi-bar-square). Fit the model with C(x, Step) in place of mo(x)."
        )


def likelihood_ratio(small: Fit, big: Fit) -> HypothesisTest:
    """Likelihood ratio test of a fit inside a larger one.

    Parameters
    ----------
    small, big : Fit
        Of one family and link, on the same rows; every predictor of `small` is a linear combination of those of `big`.

    Returns
    -------
    HypothesisTest
        ``2 (loglik_big - loglik_small)`` with chi-square of the difference in number of parameters.

    Raises
    ------
    AdjustError
        If the likelihood is a pseudo-likelihood, the rows differ, or `small` is not inside `big`.
    """
    for one in (small, big):
        refuse_unusable(one)
        refuse_penalised(one, "A likelihood ratio test")
        refuse_monotone(one, "A likelihood ratio test")
        refuse_pseudo_likelihood(one, "A likelihood ratio test", "wald_test on the larger fit")
    _refuse_other_rows(small, big)
    _refuse_not_nested(small, big)
    result = chi_square(max(2.0 * (big.loglik - small.loglik), 0.0), float(len(big.theta) - len(small.theta)))
    added = [term for term in dict.fromkeys(big.design.terms) if term not in small.design.terms]
    row = {**result.row(), "loglik_small": small.loglik, "loglik_big": big.loglik}
    table = pd.DataFrame([row], index=pd.Index([" + ".join(added) or "structure"], name="term"))
    return HypothesisTest("Likelihood ratio test", result.statistic, result.df, result.p_value, table)


def _refuse_other_rows(small: Fit, big: Fit) -> None:
    one, two = small.cells, big.cells
    same = (
        one.outcome == two.outcome
        and one.categories == two.categories
        and len(one.row_pattern) == len(two.row_pattern)
        and bool(np.all((one.row_pattern >= 0) == (two.row_pattern >= 0)))
        and bool(np.all(one.row_category == two.row_category))
        and np.allclose(one.row_weight, two.row_weight)
    )
    if not same:
        raise AdjustError(
            f'The fits do not use the same answers: "{small.model.formula}" has {one.n} respondents of "{one.outcome}", '
            f'"{big.model.formula}" has {two.n} of "{two.outcome}". Fit both on the rows that are complete for the larger one.'
        )


def _refuse_not_nested(small: Fit, big: Fit) -> None:
    if (small.family.name, small.link.name) != (big.family.name, big.link.name):
        raise AdjustError(
            f"A {small.family.name} {small.link.name} fit is not inside a {big.family.name} {big.link.name} fit. "
            "Compare fits of one family and link."
        )
    used = small.cells.row_pattern >= 0
    pairs = np.unique(np.column_stack([small.cells.row_pattern[used], big.cells.row_pattern[used]]), axis=0)
    linear = np.array_equal(small.design.order, big.design.order) and _inside(
        small.design.array[pairs[:, 0]], big.design.array[pairs[:, 1]]
    )
    spread = small.design.scale is None or (
        big.design.scale is not None and _inside(small.design.scale[pairs[:, 0]], big.design.scale[pairs[:, 1]])
    )
    if not (linear and spread and len(small.theta) < len(big.theta)):
        raise AdjustError(
            f'"{small.model.formula}" ({len(small.theta)} parameters) is not inside "{big.model.formula}" '
            f"({len(big.theta)} parameters). Give first the smaller fit, whose predictors all belong to the larger one."
        )


def _inside(small: Array, big: Array) -> bool:
    """Whether every column of the first is a linear combination of those of the second."""
    left, right = small.reshape(-1, small.shape[-1]), big.reshape(-1, big.shape[-1])
    width = right.shape[1]
    return len([j for j in redundant_columns(np.hstack([right, left])) if j >= width]) == left.shape[1]
