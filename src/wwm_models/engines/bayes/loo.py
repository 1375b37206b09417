"""Leave-one-out predictive accuracy of a posterior, per respondent or per sampling unit, although the likelihood is on cells.

Respondent i enters the pseudo-posterior as p(y_i | theta)^w_i, with weights that sum to Kish's effective n. Leaving him out
divides the draws' density by that, so with importance ratios r_is = p(y_i | theta_s)^-w_i, Pareto smoothed,

    elpd_i = log sum_s r_is p(y_i | theta_s) / sum_s r_is,      elpd = sum_i v_i elpd_i,

where v are the weights with mean one: the accuracy for the population that they stand for. Its standard error is that of a
weighted total under the sampling design. Ratios use the draws as they were sampled: those rotated to the design are not draws
from a density that has the likelihood as a factor. Respondents of one cell and weight share their value, so each distinct one
is computed once. Without weights this is Vehtari, Gelman and Gabry's PSIS-LOO.

Leaving out a sampling unit g takes r_gs = prod over its respondents; each of them is then predicted without his whole unit.

References
----------
Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC.
Statistics and Computing 27, 1413-1432. doi:10.1007/s11222-016-9696-4
Yao, Y., Vehtari, A., Simpson, D. and Gelman, A. (2018). Using stacking to average Bayesian predictive distributions. Bayesian
Analysis 13, 917-1003. doi:10.1214/17-BA1091
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp

from wwm_models.engines.bayes.health import effective_size, split_chains
from wwm_models.engines.bayes.storage import cell_log_likelihood
from wwm_models.engines.covariance import covariance
from wwm_models.errors import FitError, listed
from wwm_models.numerics.psis import log_sum_exp, smoothed, trusted_shape
from wwm_models.records import Influence, Loo, Posterior, Survey

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
UNITS = ("respondent", "psu")


def loo(post: Posterior, *, unit: str = "respondent") -> Loo:
    """Expected log predictive density by Pareto-smoothed leave-one-out cross-validation.

    Parameters
    ----------
    post : Posterior
    unit : {"respondent", "psu"}
        What is left out at a time; "psu": first-stage sampling units.

    Returns
    -------
    Loo
        Look at ``untrusted``: respondents whose Pareto k is above ``limit``.

    Raises
    ------
    FitError
        If the unit is not known, or the survey has no sampling units.
    """
    if unit not in UNITS:
        raise FitError(f'unit="{unit}" is not known. Expected "respondent" or "psu".')
    if unit == "psu" and post.survey.design is None:
        raise FitError(
            'unit="psu" was asked for, but the survey declares no sampling units. Declare them, or leave out one respondent at a time.'
        )
    post.survey.one_by_one("wwm.loo")
    rows = np.flatnonzero(used_rows(post))
    cell = cell_of(post)[rows]
    power, mean_one = _powers(post, rows)
    log_p = cell_log_likelihood(post).reshape(len(post.uncorrected), -1)
    efficiency = _efficiency(post)
    part = _without_psu if unit == "psu" else _without_respondent
    values, shapes, sizes = part(log_p, cell, power, post, rows, efficiency)
    everybody = (logsumexp(log_p, axis=0) - np.log(len(log_p)))[cell]
    pointwise, weights = np.full(len(post.survey), np.nan), np.zeros(len(post.survey))
    pointwise[rows], weights[rows] = values, mean_one
    elpd, people = float(mean_one @ values), float(mean_one.sum())
    return Loo(
        elpd, _total_error(pointwise, weights, post.survey), float(mean_one @ everybody) - elpd, round(people), unit, pointwise, weights,
        shapes, sizes, trusted_shape(len(log_p)), post.cells.outcome, post.survey,
    )  # fmt: skip


def used_rows(post: Posterior) -> NDArray[np.bool_]:
    """Respondents with a weight whose answer is one of those fitted."""
    return (post.cells.row_pattern >= 0) & (post.cells.row_weight > 0)


def cell_of(post: Posterior) -> Codes:
    """(n,) position of each respondent's cell among patterns x fitted answers; meaningless for those not used."""
    place = np.zeros(len(post.cells.categories), dtype=np.intp)
    place[post.design.order] = np.arange(len(post.design.order))
    return post.cells.row_pattern * len(post.design.order) + place[post.cells.row_category]


def _powers(post: Posterior, rows: Codes) -> tuple[Array, Array]:
    """The power each respondent has in the pseudo-posterior, and his weight in the sum (with a mean of one).

    A frequency weight counts identical respondents: one of them is left out, and all are summed.
    """
    weight = post.cells.row_weight[rows]
    if post.survey.weight_kind == "frequency":
        return np.ones(len(rows)), weight
    return weight * (post.n_effective / weight.sum()), weight * (len(rows) / weight.sum())


def _efficiency(post: Posterior) -> float:
    """Effective draws per draw, on average over the parameters."""
    by_chain = post.uncorrected.reshape(post.chains, -1, post.uncorrected.shape[1])
    sizes = effective_size(split_chains(by_chain))
    return float(np.nanmean(sizes)) / len(post.uncorrected)


def _without_respondent(
    log_p: Array, cell: Codes, power: Array, post: Posterior, rows: Codes, efficiency: float
) -> tuple[Array, Array, Array]:
    """Each respondent's log predictive density, and k and size of every distinct (cell, power)."""
    distinct, number, count = np.unique(np.column_stack([cell, power]), axis=0, return_inverse=True, return_counts=True)
    number = number.ravel()
    values, shapes = np.empty(len(distinct)), np.empty(len(distinct))
    for j, (position, weight) in enumerate(distinct):
        own = log_p[:, int(position)]
        log_weights, shapes[j] = smoothed(-weight * own, efficiency)
        values[j] = log_sum_exp(log_weights + own)
    sizes = count.astype(np.float64)
    if post.survey.weight_kind == "frequency":
        sizes = np.bincount(number, post.cells.row_weight[rows], minlength=len(distinct)).astype(np.float64)
    return values[number], shapes, sizes


def _without_psu(
    log_p: Array, cell: Codes, power: Array, post: Posterior, rows: Codes, efficiency: float
) -> tuple[Array, Array, Array]:
    """Each respondent's log predictive density without his sampling unit, and k and size of every unit."""
    assert post.survey.design is not None
    if post.survey.weight_kind == "frequency":
        power = post.cells.row_weight[rows]
    _, unit = np.unique(post.survey.design.psu[rows, 0], return_inverse=True)
    values, shapes = np.empty(len(rows)), np.empty(int(unit.max()) + 1)
    for g in range(len(shapes)):
        inside = np.flatnonzero(unit == g)
        log_weights, shapes[g] = smoothed(-log_p[:, cell[inside]] @ power[inside], efficiency)
        values[inside] = logsumexp(log_weights[:, None] + log_p[:, cell[inside]], axis=0)
    return values, shapes, np.bincount(unit).astype(np.float64)


def _total_error(pointwise: Array, weights: Array, survey: Survey) -> float:
    """Standard error of sum v_i elpd_i, as n times that of the weighted mean."""
    used = weights > 0
    people = float(weights.sum())
    centred = np.where(used, pointwise - (weights[used] @ pointwise[used]) / people, 0.0)
    influence = Influence(
        centred[:, None], np.where(used, np.arange(len(used)), -1), weights, survey.design, survey.weight_kind == "frequency"
    )  # fmt: skip
    return float(np.sqrt(covariance(influence)[0, 0]))


def stacking(models: Mapping[str, Loo]) -> pd.DataFrame:
    """Models of one outcome compared: accuracy, difference from the best, and weights of a mixture of their predictions.

    The stacking weights maximise sum_i v_i log sum_m a_m exp(elpd_im) over the simplex.

    Parameters
    ----------
    models : mapping of name to Loo
        Of the same respondents and outcome.

    Returns
    -------
    DataFrame
        Best first, one row per model: elpd, std_error, difference, difference_se (paired, under the design), p_loo,
        untrusted, weight.

    Raises
    ------
    FitError
        If the models are not of the same respondents and outcome, or were left out in different units.
    """
    _check_same(models)
    ordered = sorted(models, key=lambda name: -models[name].elpd)
    first = models[ordered[0]]
    used = first.weights > 0
    densities = np.column_stack([models[name].pointwise[used] for name in ordered])
    weight = _stacked(densities, first.weights[used])
    rows = [
        {
            "model": name, "elpd": models[name].elpd, "std_error": models[name].std_error, "difference": models[name].elpd - first.elpd,
            "difference_se": _total_error(models[name].pointwise - first.pointwise, first.weights, first.survey),
            "p_loo": models[name].p_loo, "untrusted": models[name].untrusted, "weight": share,
        }
        for name, share in zip(ordered, weight, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _stacked(densities: Array, weights: Array) -> Array:
    """The mixture weights: a concave problem, by EM from equal shares, then to the end by SLSQP."""
    likelihood = np.exp(densities - densities.max(axis=1, keepdims=True))
    share = np.full(densities.shape[1], 1.0 / densities.shape[1])
    weights = weights / weights.sum()

    def loss(a: Array) -> tuple[float, Array]:
        mixture = likelihood @ a
        return -float(weights @ np.log(mixture)), -(weights / mixture) @ likelihood

    for _ in range(200):
        share = share * -loss(share)[1]
    from scipy import optimize  # a quarter of a second that a posterior does not need

    found = optimize.minimize(
        loss, share, jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * len(share), options={"ftol": 1e-14, "maxiter": 500},
        constraints={"type": "eq", "fun": lambda a: a.sum() - 1.0, "jac": np.ones_like},
    )  # fmt: skip
    best = np.clip(found.x, 0.0, None) if found.fun <= loss(share)[0] else share
    return best / best.sum()


def _check_same(models: Mapping[str, Loo]) -> None:
    if len(models) < 2:
        raise FitError(
            f"Stacking was given {len(models)} model(s): {listed(models)}. Expected two or more of the same outcome."
        )
    first_name, first = next(iter(models.items()))
    for name, other in models.items():
        same = np.array_equal(first.weights > 0, other.weights > 0) and first.outcome == other.outcome
        if not same or first.unit != other.unit:
            raise FitError(
                f'"{first_name}" (outcome "{first.outcome}", {first.n} respondents, by {first.unit}) and "{name}" (outcome "{other.outcome}", {other.n} '
                f"respondents, by {other.unit}) do not predict the same answers. Use the same outcome, rows and unit for all models."
            )
