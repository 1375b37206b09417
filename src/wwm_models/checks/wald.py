"""Wald tests: chi-square, or F with the degrees of freedom of a survey design.

W = b' V^-1 b is compared with chi-square(q); under a design with d degrees of freedom F = (d - q + 1) / (d q) W with
F(q, d - q + 1), since V is then estimated from d + strata sampling units and W is close to Hotelling's T squared.

References
----------
Wald, A. (1943). Tests of statistical hypotheses concerning several parameters when the number of observations is large.
Transactions of the American Mathematical Society 54, 426-482. doi:10.2307/1990256
Korn, E. L. and Graubard, B. I. (1990). Simultaneous testing of regression coefficients with complex survey data: use of
Bonferroni t statistics. The American Statistician 44, 270-276. doi:10.1080/00031305.1990.10475737
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from wwm_models.adjust.margins.joint import refuse_unusable
from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.numerics.linear import inverse_or_none
from wwm_models.records import Fit
from wwm_models.records.tests import HypothesisTest

Array = NDArray[np.float64]
ROW = ("statistic", "df", "df2", "p_value")


@dataclass(frozen=True)
class Wald:
    """One Wald statistic with its reference law; missing where the covariance cannot be inverted."""

    statistic: float
    df: float
    df2: float
    p_value: float

    def row(self) -> dict[str, float]:
        """As a row of a test's table."""
        return {name: getattr(self, name) for name in ROW}


def chi_square(statistic: float, df: float) -> Wald:
    """A chi-square statistic with its p-value; missing without degrees of freedom."""
    p_value = float(stats.chi2.sf(statistic, df)) if df > 0 else np.nan
    return Wald(statistic, df, np.inf, p_value)


def wald(estimate: Array, covariance: Array, design_df: float = np.inf) -> Wald:
    """Test that every element of `estimate` is zero.

    Parameters
    ----------
    estimate : (q,) array
    covariance : (q, q) array
    design_df : float
        Degrees of freedom of the design; infinite for the chi-square.

    Returns
    -------
    Wald
        Missing where `covariance` is singular or the design has fewer than q degrees of freedom.

    Examples
    --------
    >>> wald(np.array([2.0]), np.eye(1)).statistic
    4.0
    >>> wald(np.array([2.0, 1.0]), np.eye(2), 11.0).df2
    10.0
    """
    q = len(estimate)
    inverse = inverse_or_none(covariance) if q else None
    if inverse is None:
        return Wald(np.nan, float(q), np.nan if np.isfinite(design_df) else np.inf, np.nan)
    squared = float(estimate @ inverse @ estimate)
    if np.isinf(design_df):
        return chi_square(squared, float(q))
    df2 = design_df - q + 1.0
    if df2 <= 0:
        return Wald(np.nan, float(q), df2, np.nan)
    statistic = squared / q * df2 / design_df
    return Wald(statistic, float(q), df2, float(stats.f.sf(statistic, q, df2)))


def wald_test(fit: Fit, terms: str | Sequence[str]) -> HypothesisTest:
    """Joint test that all parameters of some terms are zero, and a test per term.

    Parameters
    ----------
    fit : Fit
    terms : str or sequence of str
        Terms of the formula, or names of single parameters.

    Returns
    -------
    HypothesisTest
        F with the design's degrees of freedom where the fit has a design-based covariance, chi-square otherwise.

    Raises
    ------
    AdjustError
        If a name is neither a term nor a parameter, or the fit is not usable.
    """
    refuse_unusable(fit)
    names = [terms] if isinstance(terms, str) else list(terms)
    places = {name: _parameters_of(fit, name) for name in names}
    together = np.unique(np.concatenate(list(places.values()))) if places else np.zeros(0, dtype=np.intp)
    if not len(together):
        raise AdjustError(f"wald_test was given no term. Terms: {listed(_terms(fit), 20)}.")
    rows = {name: _tested(fit, where).row() for name, where in places.items()}
    joint = _tested(fit, together)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("term")
    note = reference_note(fit) + unusable_note(joint, fit.design_df)
    return HypothesisTest(
        f"Wald test of {' + '.join(names)}", joint.statistic, joint.df, joint.p_value, table, note, joint.df2
    )


def reference_note(fit: Fit) -> str:
    """Which covariance and reference law the tests of a fit use."""
    if np.isfinite(fit.design_df):
        return (
            f"Covariance: {fit.vcov_kind}, {fit.design_df:g} degrees of freedom; "
            "F = (d - q + 1) / (d q) W with F(q, d - q + 1)."
        )
    return f"Covariance: {fit.vcov_kind}; chi-square."


def unusable_note(result: Wald, design_df: float) -> str:
    """Why a statistic is missing; empty where it is not."""
    if not np.isnan(result.statistic):
        return ""
    if np.isfinite(design_df) and result.df >= design_df + 1.0:
        return f" Missing: {result.df:g} restrictions cannot be tested with {design_df:g} degrees of freedom of the design."
    return " Missing: the covariance of the restrictions cannot be inverted."


def _tested(fit: Fit, where: NDArray[np.intp]) -> Wald:
    return wald(fit.theta[where], fit.theta_vcov[np.ix_(where, where)], fit.design_df)


def _terms(fit: Fit) -> list[str]:
    return [term for term in dict.fromkeys(fit.design.terms) if term]


def _parameters_of(fit: Fit, name: str) -> NDArray[np.intp]:
    found = np.flatnonzero(np.array(fit.design.terms) == name) if name else np.zeros(0, dtype=np.intp)
    if not len(found):
        found = np.flatnonzero(np.array(fit.design.names) == name)
    if not len(found):
        known = [*_terms(fit), *fit.design.names]
        raise AdjustError(
            f'"{name}" is neither a term nor a parameter of "{fit.model.formula}". '
            f"Terms: {listed(_terms(fit), 20)}.{did_you_mean(name, known)}"
        )
    return found
