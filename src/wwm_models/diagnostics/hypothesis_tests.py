"""Tests of parameters of a model: Wald, and likelihood ratio where there is a likelihood.

Wald: W = b' V^-1 b is compared with chi-square(q); under a design with d degrees of freedom F = (d - q + 1) / (d q) W with
F(q, d - q + 1), since V is then estimated from d + strata sampling units and W is close to Hotelling's T squared (Korn and Graubard 1990).

Likelihood ratio (`likelihood_ratio`, Wilks 1938), and when there is no likelihood to take a ratio of (`pseudo_likelihood`; Lumley and Scott 2014).

`refit` is the same response model on other cells or another design, `joint_covariance` the covariance of its parameters.

References
----------
Korn, E. L. and Graubard, B. I. (1990). Simultaneous testing of regression coefficients with complex survey data: use of
Bonferroni t statistics. The American Statistician 44, 270-276. doi:10.1080/00031305.1990.10475737
Lumley, T. and Scott, A. (2014). Tests for regression models fitted to survey data. Australian & New Zealand Journal of
Statistics 56, 1-14. doi:10.1111/anzs.12065
Wald, A. (1943). Tests of statistical hypotheses concerning several parameters when the number of observations is large.
Transactions of the American Mathematical Society 54, 426-482. doi:10.2307/1990256
Wilks, S. S. (1938). The large-sample distribution of the likelihood ratio for testing composite hypotheses. Annals of
Mathematical Statistics 9, 60-62. doi:10.1214/aoms/1177732360
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.estimates.contrasts import HypothesisTest
from wwm_models.estimates.standardise import refuse_unusable
from wwm_models.likelihood.covariance import covariance, joined
from wwm_models.likelihood.fit import Fit
from wwm_models.likelihood.likelihood import CellLikelihood, cell_likelihood
from wwm_models.likelihood.maximum import maximise_on, replicate_estimates, starting_point
from wwm_models.likelihood.refusals import MEETING, meeting_patterns, receding_direction, suspicious
from wwm_models.likelihood.replicates import replicate_covariance
from wwm_models.messages import number, say, sentences
from wwm_models.models.cells import Cells
from wwm_models.models.design import Design
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.newton import inverse_or_none, redundant_columns

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
        A fitted model.
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
    note = sentences(reference_note(fit), unusable_note(joint, fit.design_df))
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
        return say("restrictions_many", count=number(result.df, "g"), df=number(design_df, "g"))
    return say("restrictions_singular")


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


def refit(fit: Fit, cells: Cells, design: Design) -> Fit:
    """Maximise the likelihood of a fit's family and link on other cells and another design.

    Parameters
    ----------
    fit : Fit
        Gives the family, link, survey and kind of covariance.
    cells : Cells
        On the same rows of the survey.
    design : Design

    Returns
    -------
    Fit
        Its ``status`` is "ok", "separated", "crossing" (the likelihood rises until cut points meet in some pattern),
        "singular" or "not converged". A separated fit has the limit of the log-likelihood, which exists, and coefficients that
        mean nothing. Reported parameters are those of `fit`: only ``theta``, ``bread``, ``theta_vcov``, ``replicate_theta``
        and ``loglik`` belong to the new maximum.
    """
    likelihood = cell_likelihood(fit.family, fit.link, cells, design)
    with np.errstate(invalid="ignore", over="ignore"):  # where the maximum is at infinity; the status says so
        found = maximise_on(likelihood, starting_point(fit.family, likelihood, design))
        maximum, theta, bread = found.maximum, found.theta, found.bread
        odd = suspicious(likelihood, theta, maximum)
    status = "ok"
    if odd and receding_direction(fit.family, cells, design) is not None:
        status = "separated"
    elif bread is None or not maximum.converged:
        meeting = meeting_patterns(likelihood, theta, MEETING)
        status = "crossing" if len(meeting) else "singular" if bread is None else "not converged"
    bread = np.full((len(theta), len(theta)), np.nan) if bread is None else bread
    again = replace(
        fit,
        cells=cells,
        design=design,
        theta=theta,
        bread=bread,
        theta_vcov=np.full_like(bread, np.nan),
        replicate_theta=None,
        loglik=maximum.value,
        status=status,
        converged=status == "ok",
    )
    return _with_covariance(again, likelihood) if status == "ok" else again


def joint_covariance(fits: Sequence[Fit]) -> Array:
    """Covariance of the parameters of several refits of one survey, one after the other: by replicates or by influence.

    Parameters
    ----------
    fits : sequence of Fit
        All with status "ok" and the same kind of covariance.

    Returns
    -------
    (p, p) array
        p the number of parameters of all fits together.
    """
    thetas = [one.replicate_theta for one in fits if one.replicate_theta is not None]
    made = fits[0].survey.replicates
    if made is not None and len(thetas) == len(fits):
        return replicate_covariance(np.hstack(thetas), np.concatenate([one.theta for one in fits]), made)
    influence = fits[0].theta_influence
    for one in fits[1:]:
        influence = joined(influence, one.theta_influence)
    return covariance(influence)


def _with_covariance(fit: Fit, likelihood: CellLikelihood) -> Fit:
    if not needs_influence(fit):
        return replace(fit, theta_vcov=fit.bread)
    if fit.vcov_kind == "replicates":
        again = replicate_estimates(likelihood, fit.theta, fit.cells, fit.design, fit.survey)
        fit = replace(fit, replicate_theta=again)
    return replace(fit, theta_vcov=joint_covariance([fit]))
