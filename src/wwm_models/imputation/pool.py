"""Estimates of m completed surveys to one, by Rubin's rules with the degrees of freedom of Barnard and Rubin.

`rubin` pools a vector of estimates. With Q_i the estimates and U_i their covariance in completed survey i of m: Q = mean Q_i, U = mean U_i,
B = sum (Q_i - Q)(...)' / (m - 1), T = U + (1 + 1/m) B. Per estimate, with l = (1 + 1/m) B / T and v the degrees of freedom of a complete survey,
1/df = l^2 / (m - 1) + 1 / ((v + 1) / (v + 3) v (1 - l)).

`pool` predicts in each survey, then pools (Miles 2016). Probabilities are pooled as logits, ratios as logarithms, everything else as it is; limits are
made on that scale with Student's t. Posterior draws of the completed surveys are stacked: together they are draws from the posterior that averages
over the missing answers (Gelman et al. 2013). Estimates that are the same in all surveys are returned untouched.

References
----------
Barnard, J. and Rubin, D. B. (1999). Small-sample degrees of freedom with multiple imputation. Biometrika 86, 948-955.
doi:10.1093/biomet/86.4.948
Gelman, A., Carlin, J. B., Stern, H. S., Dunson, D. B., Vehtari, A. and Rubin, D. B. (2013). Bayesian Data Analysis, 3rd ed.,
section 18.2 (stacked draws).
Miles, A. (2016). Obtaining predictions from models fit to multiply imputed data. Sociological Methods and Research 45, 175-185.
doi:10.1177/0049124115610345 (predict, then pool)
Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Wiley, section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import ImputationError, did_you_mean
from wwm_models.estimates.estimates import Estimates
from wwm_models.likelihood.degrees_of_freedom import Freedom
from wwm_models.likelihood.fit import Fit
from wwm_models.messages import say
from wwm_models.models.cells import Influence
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.intervals import central_limits, critical_values, p_values
from wwm_models.numerics.multiplicity import holm


@dataclass(frozen=True, eq=False)
class Pooled:
    """Joined estimates.

    Attributes
    ----------
    estimate : (k,) array
    covariance : (k, k) array
        Total: within and between the completed surveys.
    df : (k,) array
        Degrees of freedom.
    missing_information : (k,) array
        Share of the information that the missing answers take away, 0 to 1.
    """

    estimate: Array
    covariance: Array
    df: Array
    missing_information: Array

    @property
    def std_error(self) -> Array:
        """(k,) standard errors."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def rubin(estimates: Sequence[Array], covariances: Sequence[Array], complete_df: float | Array) -> Pooled:
    """Join the estimates of m completed surveys.

    Parameters
    ----------
    estimates : m arrays of shape (k,)
    covariances : m arrays of shape (k, k)
    complete_df : float or (k,) array
        Degrees of freedom that a complete survey would have, of all numbers or of each; infinite for the normal.

    Returns
    -------
    Pooled

    Examples
    --------
    >>> one = rubin([np.array([1.0]), np.array([2.0])], [np.eye(1), np.eye(1)], float("inf"))
    >>> float(one.estimate[0]), float(one.covariance[0, 0]), round(float(one.df[0]), 3)
    (1.5, 1.75, 5.444)
    """
    m = len(estimates)
    each = np.array(estimates)
    centre = each.mean(axis=0)
    within = np.mean(covariances, axis=0)
    between = (each - centre).T @ (each - centre) / (m - 1)
    total = within + (1.0 + 1.0 / m) * between
    variance = np.diag(total)
    share = np.divide((1.0 + 1.0 / m) * np.diag(between), variance, out=np.zeros(len(centre)), where=variance > 0)
    df = _degrees_of_freedom(share, m, complete_df)
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = share / (1.0 - share)
        information = np.where(share > 0, (rise + 2.0 / (df + 3.0)) / (rise + 1.0), 0.0)
    return Pooled(centre, total, df, np.where(share >= 1.0, 1.0, information))


def _degrees_of_freedom(share: Array, m: int, complete_df: float | Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        of_drawing = share**2 / (m - 1.0)
        complete = np.broadcast_to(np.asarray(complete_df, dtype=np.float64), share.shape)
        weight = np.where(np.isinf(complete), np.inf, (complete + 1.0) / (complete + 3.0) * complete)
        of_sample = 1.0 / (weight * (1.0 - share))
        return 1.0 / (of_drawing + of_sample)


@dataclass(frozen=True)
class PoolingScale:
    """A scale to pool on: there, back, and the derivative of the way there; `inside` says where it is defined."""

    there: Callable[[Array], Array]
    back: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    inside: Callable[[Array], NDArray[np.bool_]]


SCALES: Final[dict[str, PoolingScale]] = {
    "logit": PoolingScale(
        lambda p: np.log(p) - np.log1p(-p),
        lambda x: np.exp(-np.logaddexp(0.0, -x)),
        lambda p: 1.0 / (p * (1.0 - p)),
        lambda p: (p > 0.0) & (p < 1.0),
    ),
    "log": PoolingScale(np.log, np.exp, lambda r: 1.0 / r, lambda r: r > 0.0),
    "identity": PoolingScale(lambda x: x, lambda x: x, np.ones_like, np.isfinite),
}
_VALUES: Final = ("estimate", "std_error", "lower", "upper")
_AVERAGED: Final = ("count", "n", "n_effective")


def pool(estimates: Iterable[Estimates], *, scale: str = "auto") -> Estimates:
    """Join the estimates of completed surveys by Rubin's rules, or stack their posterior draws.

    Parameters
    ----------
    estimates : iterable of Estimates
        One for each completed survey, all made the same way.
    scale : {"auto", "logit", "log", "identity"}
        "auto": logit for probabilities, log for ratios, else identity.

    Returns
    -------
    Estimates
        With two more columns: ``df`` (Barnard and Rubin) and ``missing_information`` (0 to 1); for draws neither.

    Raises
    ------
    ImputationError
        If there are fewer than two, or they are not of the same quantities.

    Examples
    --------
    >>> from wwm_models.estimates.raw import raw
    >>> from wwm_models.imputation.impute import impute
    >>> y = pd.Categorical(["no", "yes", None, "yes"] * 20, ["no", "yes"], ordered=True)
    >>> from wwm_models.survey.survey import Survey
    >>> done = impute(Survey.from_frame(pd.DataFrame({"y": y}), weight=None), 5)
    >>> pool([raw(survey, "y") for survey in done]).table["n"].tolist()
    [80.0, 80.0]
    """
    each = list(estimates)
    _check_alike(each)
    first = each[0]
    if first.draws is not None:
        return _stacked(each)
    if all(_same(first, other) for other in each[1:]):
        return first
    name = _scale_of(first) if scale == "auto" else scale
    if name not in SCALES:
        raise ImputationError(
            f'scale="{name}" is not known. Expected one of: auto, {", ".join(SCALES)}.{did_you_mean(name, SCALES)}'
        )
    return _pooled(each, SCALES[name])


def pool_parameters(fits: Sequence[Fit], level: float) -> pd.DataFrame:
    """The reported parameters of fits on completed surveys, joined by Rubin's rules.

    Parameters
    ----------
    fits : sequence of Fit
        Of one model.
    level : float
        Of the limits, between 0 and 1.

    Returns
    -------
    DataFrame
        ``term``, ``estimate``, ``std_error``, ``lower``, ``upper``, ``level``, ``df``, ``missing_information``.

    Raises
    ------
    ImputationError
        If the fits have different parameters.
    """
    terms = [str(term) for term in fits[0].params.index]
    if any([str(term) for term in other.params.index] != terms for other in fits):
        raise ImputationError(say("pool_parameters_differ"))
    found = rubin(
        [one.params.to_numpy() for one in fits],
        [one.vcov.to_numpy() for one in fits],
        min(one.design_df for one in fits),
    )
    half = critical_values(level, found.df) * found.std_error
    return pd.DataFrame(
        {
            "term": terms, "estimate": found.estimate, "std_error": found.std_error, "lower": found.estimate - half,
            "upper": found.estimate + half, "level": level, "df": found.df, "missing_information": found.missing_information,
        }
    )  # fmt: skip


def _check_alike(each: Sequence[Estimates]) -> None:
    if len(each) < 2:
        raise ImputationError(f"{len(each)} estimates to pool. Expected one for each of two or more completed surveys.")
    first = each[0]
    for other in each[1:]:
        keys = [*first.by, "outcome", "category", *(["contrast"] if "contrast" in first.table else [])]
        alike = other.by == first.by and len(other.table) == len(first.table) and set(keys) <= set(other.table.columns)
        if not alike or not first.table[keys].astype(str).equals(other.table[keys].astype(str)):
            raise ImputationError(say("pool_groups_differ"))
        if not _same_people(first.contributions, other.contributions):
            raise ImputationError(
                "The estimates to pool are of different surveys: their respondents or weights differ. Expected completions of one survey, whose "
                "respondents are the same people with the same weights. Pool estimates of wwm.impute(survey), or of one file completed several "
                "times elsewhere; numbers of two surveys are compared with wwm.change_between."
            )
        if (other.draws is None) != (first.draws is None):
            raise ImputationError("Some estimates have posterior draws and others do not. Pool those of one engine.")


def _same_people(one: Influence | None, other: Influence | None) -> bool:
    """Whether two estimates can be of completions of one survey: by identity, else by declared respondents, else by rows and weights."""
    if one is None or other is None or one.source == other.source:
        return True
    if one.ids is not None and other.ids is not None:
        return set(one.ids.tolist()) == set(other.ids.tolist())
    weights = [np.sort(each.row_weight) for each in (one, other)]
    return len(weights[0]) == len(weights[1]) and np.allclose(*weights, rtol=1e-9, atol=0.0)


def _same(one: Estimates, two: Estimates) -> bool:
    return all(
        np.array_equal(one.table[name].to_numpy(dtype=float), two.table[name].to_numpy(dtype=float), equal_nan=True)
        for name in (*_VALUES, "n")
    )


def _scale_of(found: Estimates) -> str:
    if "contrast" in found.table:
        ratio = found.table["contrast"].astype(str).str.contains(" / ", regex=False)
        return "log" if bool(ratio.all()) else "identity"
    values = found.table["estimate"].to_numpy(dtype=float)
    known = values[np.isfinite(values)]
    shares = bool((found.table["category"].astype(str) != "").all())
    return "logit" if shares and bool(np.all((known >= 0) & (known <= 1))) else "identity"


def _pooled(each: Sequence[Estimates], scale: PoolingScale) -> Estimates:
    """Rubin's rules on a scale, and back to the estimates' own."""
    first = each[0]
    values = np.array([one.table["estimate"].to_numpy(dtype=float) for one in each])
    usable = np.logical_and.reduce(scale.inside(values), axis=0)
    moved: list[Array] = []
    covariances: list[Array] = []
    for value, one in zip(values, each, strict=True):
        slope = np.where(usable, scale.slope(np.where(usable, value, 0.5)), 1.0)
        moved.append(np.where(usable, scale.there(np.where(usable, value, 0.5)), value))
        covariances.append(np.nan_to_num(one.covariance) * np.outer(slope, slope))
    free = _freedom(each)
    found = rubin(moved, covariances, free.df)
    estimate = np.where(usable, scale.back(np.where(usable, found.estimate, 0.0)), found.estimate)
    back = np.where(usable, 1.0 / scale.slope(np.where(usable, estimate, 0.5)), 1.0)
    covariance = found.covariance * np.outer(back, back)
    table = _table(each, found, estimate, free.std_error(covariance), usable, scale)
    pooled = Freedom(np.where(free.df > 0, found.df, 0.0), free.reasons)
    return Estimates(table, first.by, covariance, None, None, pooled.smallest, freedom=pooled)


def _freedom(each: Sequence[Estimates]) -> Freedom:
    """What a complete survey would have: the least of the completed ones."""
    reasons = each[0].reasons
    for one in each[1:]:
        reasons = np.where(reasons == "", one.reasons, reasons)
    return Freedom(np.min([one.freedom.df for one in each], axis=0), reasons)


def _table(
    each: Sequence[Estimates],
    found: Pooled,
    estimate: Array,
    std_error: Array,
    usable: NDArray[np.bool_],
    scale: PoolingScale,
) -> pd.DataFrame:
    """The first table with pooled numbers; where an estimate is 0 or 1, its limits are the averages of the surveys' own."""
    table = each[0].table
    unknown = np.isnan(_average(each, "std_error")) | np.isnan(std_error)
    half = critical_values(float(table["level"].iloc[0]), found.df) * found.std_error
    limits = {
        name: np.where(usable, scale.back(np.where(usable, found.estimate + sign * half, 0.0)), _average(each, name))
        for name, sign in (("lower", -1.0), ("upper", 1.0))
    }
    new: dict[str, Any] = {"estimate": estimate, "std_error": np.where(unknown, np.nan, std_error)}
    new |= {name: np.where(unknown, np.nan, values) for name, values in limits.items()}
    new |= {name: _average(each, name) for name in _AVERAGED}
    new["method"] = [f"{method}, {len(each)} imputations" for method in table["method"]]
    if "p_value" in table:
        zero = np.divide(found.estimate, found.std_error, out=np.zeros_like(estimate), where=found.std_error > 0)
        p_value = np.where(unknown, np.nan, p_values(zero, found.df))
        new |= {"p_value": p_value, "p_adjusted": holm(p_value)}
    return table.assign(**new, df=found.df, missing_information=found.missing_information)


def _average(each: Sequence[Estimates], name: str) -> Array:
    return np.mean([one.table[name].to_numpy(dtype=float) for one in each], axis=0)


def _stacked(each: Sequence[Estimates]) -> Estimates:
    """Draws of all completed surveys together; mean, standard deviation and quantiles of them."""
    first = each[0]
    draws = np.concatenate([one.draws for one in each if one.draws is not None])
    level = float(first.table["level"].iloc[0])
    lower, upper = central_limits(draws, level)
    table = first.table.assign(
        estimate=draws.mean(axis=0), std_error=draws.std(axis=0, ddof=1), lower=lower, upper=upper,
        **{name: _average(each, name) for name in _AVERAGED},
        method=[f"{method}, {len(each)} imputations" for method in first.table["method"]],
    )  # fmt: skip
    origin = "+".join(
        one.origin for one in each
    )  # the same surveys pooled in the same order belong together row by row
    joint = np.cov(draws, rowvar=False).reshape(len(table), -1)
    return Estimates(table, first.by, joint, None, draws, first.df, origin=origin)
