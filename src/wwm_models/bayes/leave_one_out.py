"""Expected log predictive density of a posterior, left out one respondent or sampling unit at a time, although the likelihood is on cells.

Respondent i enters the pseudo-posterior as p(y_i | theta)^w_i, with weights that sum to Kish's effective n. Leaving them out
divides the draws' density by that, so with importance ratios r_is = p(y_i | theta_s)^-w_i, Pareto smoothed,

    elpd_i = log sum_s r_is p(y_i | theta_s) / sum_s r_is,      elpd = sum_i v_i elpd_i,

where v are the weights with mean one: the accuracy for the population that they stand for. Its standard error is that of a
weighted total under the sampling design. Ratios use the draws as they were sampled: those rotated to the design are not draws
from a density that has the likelihood as a factor. Respondents of one cell and weight share their value, so each distinct one
is computed once. Without weights this is Vehtari, Gelman and Gabry's PSIS-LOO. Leaving out a sampling unit g takes r_gs = prod over
its respondents; each of them is then predicted without their whole unit. `stacking` weighs models by their elpd_i.

`loo_items`: of the joint model a respondent is left out with all their answers, their own effect integrated out,

    log p(y_i | theta) = log integral prod_j p(y_ij | theta, u) phi(u) du,

which the density computes by quadrature. Given the items' parameters respondents are independent, so the formulas above hold with this as the
density of one observation; the conditional density given their effect would reward an effect that their own answers have estimated (Merkle,
Furr and Rabe-Hesketh 2019). The sum is of all answers of a respondent: it is not comparable to models of one item.

References
----------
Merkle, E. C., Furr, D. and Rabe-Hesketh, S. (2019). Bayesian comparison of latent variable models: conditional versus marginal
likelihoods. Psychometrika 84, 802-829. doi:10.1007/s11336-019-09679-0
Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC.
Statistics and Computing 27, 1413-1432. doi:10.1007/s11222-016-9696-4
Yao, Y., Vehtari, A., Simpson, D. and Gelman, A. (2018). Using stacking to average Bayesian predictive distributions. Bayesian
Analysis 13, 917-1003. doi:10.1214/17-BA1091
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp

from wwm_models.bayes.convergence import effective_size, split_chains
from wwm_models.bayes.export import cell_log_likelihood
from wwm_models.bayes.joint_data import JointPosterior
from wwm_models.bayes.joint_density import log_likelihood_of_rows
from wwm_models.bayes.posterior import Posterior
from wwm_models.errors import FitError, expect, listed
from wwm_models.likelihood.covariance import covariance
from wwm_models.messages import number, say
from wwm_models.models.cells import Influence
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.numerics.psis import log_sum_exp, smoothed, trusted_shape
from wwm_models.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class Loo:
    """Cross-validated predictive accuracy.

    Attributes
    ----------
    elpd : float
        Sum over respondents of normalised weights (mean one) x log predictive density; higher is better.
    std_error : float
        Under the sampling design of the survey.
    p_loo : float
        Effective number of parameters: the same sum of log densities with everybody left in, minus `elpd`.
    n : int
        Units left out, one at a time.
    unit : {"respondent", "psu"}
        What is left out at a time.
    pointwise : (n,) array
        Log predictive density of each respondent of the survey; missing for those not used.
    weights : (n,) array
        Normalised weights; 0 for respondents not used.
    pareto_k : (units,) array
        Of each unique unit; a k above `limit` means that its prediction cannot be trusted.
    unit_rows : (units,) array
        Respondents in each unit.
    limit : float
        Pareto k above which a unit is too influential for the approximation, 0.7 or less.
    outcome : str
        The question that is predicted.
    survey : Survey
        The respondents, with their weights and design.
    """

    elpd: float
    std_error: float
    p_loo: float
    n: int
    unit: str
    pointwise: Array
    weights: Array
    pareto_k: Array
    unit_rows: Array
    limit: float
    outcome: str
    survey: Survey

    @property
    def untrusted(self) -> int:
        """Respondents whose prediction cannot be trusted."""
        return round(float(self.unit_rows[~(self.pareto_k <= self.limit)].sum()))

    @property
    def message(self) -> str:
        """What is wrong, in a sentence; empty when nothing is."""
        if not self.untrusted:
            return ""
        largest = number(float(self.pareto_k.max()), ".2f")
        return say("pareto", bad=self.untrusted, n=self.n, limit=number(self.limit, ".2f"), largest=largest)

    @property
    def table(self) -> pd.DataFrame:
        """The numbers as rows: quantity and value."""
        rows = {
            f"elpd, left out by {self.unit}": self.elpd,
            "std_error": self.std_error,
            "p_loo": self.p_loo,
            "largest Pareto k": float(self.pareto_k.max()),
            "respondents above the limit of k": float(self.untrusted),
        }
        return pd.DataFrame({"quantity": list(rows), "value": list(rows.values())})

    def __repr__(self) -> str:
        return (
            f"Loo of {self.outcome}, left out by {self.unit}: elpd {self.elpd:.1f} (standard error {self.std_error:.1f}), p_loo {self.p_loo:.1f}\n"
            f"{self.n:,} respondents, {self.untrusted} of them with a Pareto k above {self.limit:.2f}; see .table"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html()


UNITS = ("respondent", "psu")


@dataclass(frozen=True, eq=False)
class Pointwise:
    """Log densities of respondents' answers under draws as they were sampled.

    Attributes
    ----------
    survey : Survey
    outcome : str
    log_p : (s, C) array
        Of every cell: respondents of one cell have the same.
    rows : (m,) int array
        Respondents of the survey who are used.
    cell, weight : (m,) arrays
        Of each of them.
    n_effective : float
        Sum of the powers that respondents have in the pseudo-posterior.
    efficiency : float
        Effective draws per draw.
    """

    survey: Survey
    outcome: str
    log_p: Array
    rows: Codes
    cell: Codes
    weight: Array
    n_effective: float
    efficiency: float

    @property
    def counted(self) -> bool:
        """Whether a weight counts identical respondents: one of them is left out, and all are summed."""
        return self.survey.weight_kind == "frequency"

    @property
    def power(self) -> Array:
        """(m,) power of each respondent in the pseudo-posterior."""
        return np.ones(len(self.rows)) if self.counted else self.weight * (self.n_effective / self.weight.sum())

    @property
    def mean_one(self) -> Array:
        """(m,) weight of each respondent in the sum, with a mean of one."""
        return self.weight if self.counted else self.weight * (len(self.rows) / self.weight.sum())


def loo(post: Posterior, *, unit: str = "respondent") -> Loo:
    """Expected log predictive density by Pareto-smoothed leave-one-out cross-validation.

    Parameters
    ----------
    post : Posterior
        Draws from the posterior.
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
    expect(post, (Posterior,), "The first argument of loo", FitError)
    check_unit(unit, post.survey)
    post.survey.one_by_one("wwm.loo")
    rows = np.flatnonzero(used_rows(post))
    log_p = cell_log_likelihood(post).reshape(len(post.uncorrected), -1)
    by_chain = post.uncorrected.reshape(post.chains, -1, post.uncorrected.shape[1])
    known = Pointwise(
        post.survey, post.cells.outcome, log_p, rows, cell_of(post)[rows], post.cells.row_weight[rows], post.n_effective, efficiency(by_chain)
    )  # fmt: skip
    return left_out(known, unit)


def check_unit(unit: str, survey: Survey) -> None:
    """Refuse what cannot be left out."""
    if unit not in UNITS:
        raise FitError(f'unit="{unit}" is not known. Expected "respondent" or "psu".')
    if unit == "psu" and survey.design is None:
        raise FitError(
            'unit="psu" was asked for, but the survey declares no sampling units. Declare them, or leave out one respondent at a time.'
        )


def left_out(known: Pointwise, unit: str) -> Loo:
    """Leave out respondents or sampling units in turn."""
    part = _without_psu if unit == "psu" else _without_respondent
    values, shapes, sizes = part(known)
    everybody = (logsumexp(known.log_p, axis=0) - np.log(len(known.log_p)))[known.cell]
    size, mean_one = len(known.survey), known.mean_one
    pointwise, weights = np.full(size, np.nan), np.zeros(size)
    pointwise[known.rows], weights[known.rows] = values, mean_one
    elpd, people = float(mean_one @ values), float(mean_one.sum())
    return Loo(
        elpd, _total_error(pointwise, weights, known.survey), float(mean_one @ everybody) - elpd, round(people), unit, pointwise, weights,
        shapes, sizes, trusted_shape(len(known.log_p)), known.outcome, known.survey,
    )  # fmt: skip


def used_rows(post: Posterior) -> NDArray[np.bool_]:
    """Respondents with a weight whose answer is one of those fitted."""
    return (post.cells.row_pattern >= 0) & (post.cells.row_weight > 0)


def cell_of(post: Posterior) -> Codes:
    """(n,) position of each respondent's cell among patterns x fitted answers; meaningless for those not used."""
    place = np.zeros(len(post.cells.categories), dtype=np.intp)
    place[post.design.order] = np.arange(len(post.design.order))
    return post.cells.row_pattern * len(post.design.order) + place[post.cells.row_category]


def efficiency(by_chain: Array) -> float:
    """Effective draws per draw of (chains, s, p) draws, on average over the parameters."""
    return float(np.nanmean(effective_size(split_chains(by_chain)))) / (by_chain.shape[0] * by_chain.shape[1])


def _without_respondent(known: Pointwise) -> tuple[Array, Array, Array]:
    """Each respondent's log predictive density, and k and size of every distinct (cell, power)."""
    alike = np.column_stack([known.cell, known.power])
    distinct, number, count = np.unique(alike, axis=0, return_inverse=True, return_counts=True)
    number = number.ravel()
    values, shapes = np.empty(len(distinct)), np.empty(len(distinct))
    for j, (position, power) in enumerate(distinct):
        own = known.log_p[:, int(position)]
        log_weights, shapes[j] = smoothed(-power * own, known.efficiency)
        values[j] = log_sum_exp(log_weights + own)
    sizes = np.bincount(number, known.weight, minlength=len(distinct)) if known.counted else count
    return values[number], shapes, sizes.astype(np.float64)


def _without_psu(known: Pointwise) -> tuple[Array, Array, Array]:
    """Each respondent's log predictive density without their sampling unit, and k and size of every unit."""
    assert known.survey.design is not None
    power = known.weight if known.counted else known.power
    _, unit = np.unique(known.survey.design.psu[known.rows, 0], return_inverse=True)
    values, shapes = np.empty(len(known.rows)), np.empty(int(unit.max()) + 1)
    for g in range(len(shapes)):
        inside = np.flatnonzero(unit == g)
        own = known.log_p[:, known.cell[inside]]
        log_weights, shapes[g] = smoothed(-own @ power[inside], known.efficiency)
        values[inside] = logsumexp(log_weights[:, None] + own, axis=0)
    return values, shapes, np.bincount(unit).astype(np.float64)


def _total_error(pointwise: Array, weights: Array, survey: Survey) -> float:
    """Standard error of sum v_i elpd_i, as n times that of the weighted mean."""
    used = weights > 0
    people = float(weights.sum())
    centred = np.where(used, pointwise - (weights[used] @ pointwise[used]) / people, 0.0)
    influence = Influence(
        centred[:, None], np.where(used, np.arange(len(used)), -1), weights, survey.design, survey.tally
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
        people = first.survey.identity == other.survey.identity or _same_order(first.survey.ids, other.survey.ids)
        same = people and np.array_equal(first.weights > 0, other.weights > 0) and first.outcome == other.outcome
        if not same or first.unit != other.unit:
            raise FitError(
                f'"{first_name}" (outcome "{first.outcome}", {first.n} respondents, by {first.unit}) and "{name}" (outcome "{other.outcome}", {other.n} '
                f"respondents, by {other.unit}) do not predict the same answers. Expected one survey, outcome and unit. "
                "Sample all models from the same survey."
            )


def _same_order(first: NDArray[np.object_] | None, second: NDArray[np.object_] | None) -> bool:
    """Whether two surveys declare the same respondents in the same rows."""
    return first is not None and second is not None and np.array_equal(first, second)


JOINT_DRAWS = 1000  # a Pareto k of 0.67 is then trusted, and a quadrature per draw takes a second in all


def loo_items(post: JointPosterior, *, unit: str = "respondent", draws: int = JOINT_DRAWS) -> Loo:
    """Expected log predictive density of respondents' answers to all items, by leaving out one at a time.

    Parameters
    ----------
    post : JointPosterior
        Draws from the posterior.
    unit : {"respondent", "psu"}
        What is left out at a time; "psu": first-stage sampling units.
    draws : int
        Draws that are used, evenly spaced within chains; at most all, at least 100.

    Returns
    -------
    Loo
        Look at ``untrusted``: respondents whose Pareto k is above ``limit``.

    Raises
    ------
    FitError
        If the unit is not known, the survey has no sampling units, or the draws are too few.
    """
    check_unit(unit, post.survey)
    if draws < 100:
        raise FitError(f"wwm.loo_items was given draws={draws}; expected 100 or more. Leave it out for {JOINT_DRAWS}.")
    chosen = evenly_spaced(post, draws)
    rows = np.flatnonzero(post.rows.row >= 0)
    by_chain = post.unconstrained[chosen].reshape(post.chains, -1, post.unconstrained.shape[1])
    known = Pointwise(
        post.survey, ", ".join(post.rows.items), log_likelihood_of_rows(post, chosen), rows, post.rows.row[rows], post.rows.row_weight[rows],
        post.rows.n_effective, efficiency(by_chain),
    )  # fmt: skip
    return left_out(known, unit)


def evenly_spaced(post: JointPosterior, draws: int) -> NDArray[np.intp]:
    """Positions of at most so many draws, as many of every chain."""
    length = len(post.unconstrained) // post.chains
    within = np.linspace(0, length - 1, min(-(-draws // post.chains), length)).astype(np.intp)
    return (np.arange(post.chains)[:, None] * length + within).ravel()
