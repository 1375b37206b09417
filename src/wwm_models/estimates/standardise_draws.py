"""Averages over a target population at many parameters at once: posterior draws, or estimates under replicate weights.

Every draw is averaged over the population first, and summarised last. P_k(g) of draw s is sum_r w_rs p_k(x_r, g; theta_s). With
``covariates="sampled"`` the shares w_rs of the patterns are drawn too: by the Bayesian bootstrap (Rubin 1981), in which the respondents of a pattern
together weigh Gamma((sum w)^2 / sum w^2) times sum w^2 / sum w (Dirichlet shares when weights are equal; the first two moments otherwise), or under
a sampling design by the rescaled bootstrap of its first-stage units (Rao, Wu and Yue 1992).

References
----------
Rao, J. N. K., Wu, C. F. J. and Yue, K. (1992). Some recent work on resampling methods for complex surveys. Survey Methodology
18, 209-217.
Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics 9, 130-134. doi:10.1214/aos/1176345338
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from wwm_models.bayes.convergence import ESS_LIMIT, health_table, shortfalls
from wwm_models.bayes.posterior import Drawn, Fitted, Posterior
from wwm_models.errors import AdjustError
from wwm_models.estimates.target import Target
from wwm_models.likelihood.likelihood import predictors_of
from wwm_models.likelihood.maximum import chunks
from wwm_models.likelihood.replicates import bootstrap_multipliers, bootstrap_units
from wwm_models.messages import listed_as, say
from wwm_models.models.linear_map import Columns
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.intervals import central_limits
from wwm_models.survey.sampling_design import summed_squares
from wwm_models.survey.survey import Survey


def many_margins(fit: Fitted, frame: Columns, thetas: Array, shares: Array, what: str) -> Array:
    """Standardised probabilities of K answers in G groups at S parameters, each with its own population.

    Parameters
    ----------
    fit : Fit or Posterior
        Gives the model and the design.
    frame : Columns of G * R rows
        Copies of the target's patterns under G interventions.
    thetas : (S, p) array
    shares : (S, R) array
        Of the patterns; rows sum to one.
    what : str
        "draw" or "replicate", for the message.

    Returns
    -------
    (S, G, K) array

    Raises
    ------
    AdjustError
        If predicted cut points cross in some pattern.
    """
    predictors, order = predictors_of(fit.design, frame), fit.design.order
    every, rows = predictors.linear.shape[0], shares.shape[1]
    result = np.zeros((len(thetas), every // rows, len(fit.cells.categories)))
    for part in chunks(every * len(order), len(thetas)):
        probability = fit.family.probabilities(predictors.eta_of_draws(thetas[part]), fit.link)
        crossed = ~(probability >= 0.0)
        if crossed.any():
            count = int(crossed.any(axis=1).sum())
            raise AdjustError(say("cuts_cross_draws", count=count, total=len(probability), what=what))
        probability = probability.reshape(-1, every // rows, rows, len(order))
        result[part][:, :, order] = (shares[part, None, None, :] @ probability)[:, :, 0, :]
    return result


MOST_FACTORS = 50_000_000  # factors of sampling units that are held at a time
PRINTED = 0.001  # a tenth of a percentage point, the last digit that is printed


def drawn_limits(draws: Array, level: float, interval: str = "logit") -> tuple[Array, Array]:
    """Equal-tailed credible limits of (s, m) draws.

    Raises
    ------
    AdjustError
        If `level` is not between 0 and 1, or another kind of interval was asked for.
    """
    if interval != "logit":
        raise AdjustError(
            f'interval="{interval}" is for a fit. A posterior has equal-tailed credible limits; leave `interval` out.'
        )
    return central_limits(draws, level)


def origin_of(fit: Fitted) -> str:
    """The mark of a posterior's draws; empty for a fit, whose respondents' influence tells what belongs together."""
    return fit.origin if isinstance(fit, Posterior) else ""


def sampled_margins(post: Posterior, frame: Columns, target: Target, covariates: str) -> Array:
    """Standardised probabilities of every draw.

    Parameters
    ----------
    post : Posterior
    frame : Columns of G * R rows
        Copies of the target's patterns under G interventions.
    target : Target
    covariates : {"sampled", "fixed"}

    Returns
    -------
    (s, G, K) array

    Raises
    ------
    AdjustError
        If cut points cross in some pattern, or an option is unknown.
    """
    if covariates not in ("sampled", "fixed"):
        raise AdjustError(f'covariates="{covariates}" is not known. Expected "sampled" or "fixed".')
    size, rows = len(post.draws), len(target.weights)
    shares = np.broadcast_to(target.weights, (size, rows))
    if covariates == "sampled" and target.row_pattern is not None:
        shares = sampled_shares(target, post, int(post.settings.get("seed", 1)))
    return many_margins(post, frame, post.draws, shares, "draw")


def sampled_shares(target: Target, post: Drawn, seed: int) -> Array:
    """(s, R) shares of the target's patterns, each row summing to one.

    Shares of the fit's own sample are drawn for its full patterns, so that numbers by other variables have the same population;
    where the population has declared margins, every draw is raked to them.
    """
    assert target.row_pattern is not None
    assert target.row_weight is not None
    assert target.survey is not None
    own, raking = target.survey is post.survey, target.raking
    rows = raking.row if raking is not None else post.cells.row_pattern if own else target.row_pattern
    used = rows >= 0
    pattern = rows[used]
    size = int(rows.max()) + 1 if own else len(target.weights)
    made = _bootstrapped(
        target.survey, used, pattern, target.row_weight, size, len(post.draws), np.random.default_rng([seed, 1981])
    )
    if raking is not None:
        made = np.array([raking.raked(each) for each in made])
    if own:
        group = np.zeros(size, dtype=np.intp)
        group[pattern] = target.row_pattern[used]
        made = np.array([np.bincount(group, each, minlength=len(target.weights)) for each in made])
    return made / made.sum(axis=1, keepdims=True)


def _bootstrapped(
    survey: Survey, used: NDArray[np.bool_], pattern: NDArray[np.intp], row_weight: Array, size: int, draws: int, generator: np.random.Generator,
) -> Array:  # fmt: skip
    """(draws, size) bootstrap sums of weights by pattern."""
    weight = row_weight[used]
    if survey.design is not None:
        unit = bootstrap_units(survey.design)
        units = int(unit.max()) + 1
        held = sparse.csr_array((weight, (pattern, unit[used])), shape=(size, units))
        sizes = [part.stop - part.start for part in chunks(units, draws, MOST_FACTORS)]
        return np.vstack([np.asarray(held @ bootstrap_multipliers(survey.design, n, generator)).T for n in sizes])
    sums = np.bincount(pattern, weight, minlength=size).astype(np.float64)
    squares = np.bincount(pattern, summed_squares(row_weight, survey.tally)[used], minlength=size)
    positive = sums > 0
    made = np.zeros((draws, size))
    spread = squares[positive] / sums[positive]
    made[:, positive] = generator.gamma(sums[positive] / spread, spread, (draws, int(positive.sum())))
    return made


def refuse_noisy(post: Posterior, draws: Array, names: list[str]) -> None:
    """Refuse to report probabilities whose own chains have not mixed, or whose Monte Carlo error would show in print.

    Parameters
    ----------
    post : Posterior
    draws : (s, m) array
    names : list of str, m long

    Raises
    ------
    AdjustError
    """
    if post.method == "prior":
        return
    health = health_table(draws, post.chains, names)
    failed = {str(row["quantity"]): found for row in health.to_dict("records") if (found := shortfalls(row, PRINTED))}
    if failed:
        worst = [
            say("shortfalls_of", quantity=name, shortfalls=listed_as(found, " and ")) for name, found in failed.items()
        ]
        more = [say("and_more", count=len(worst) - 3)] if len(worst) > 3 else []
        each = len(draws) // post.chains
        raise AdjustError(
            say(
                "draws_fail", bad=len(failed), n=len(health), which=listed_as([listed_as(worst[:3]), *more], " "),
                wanted=_wanted(health, each), draws=each,
            )
        )  # fmt: skip


def _wanted(health: pd.DataFrame, draws: int) -> str:
    """How many draws per chain would do: a Monte Carlo error shrinks with the root of their number, an effective number grows with it."""
    error, size = health["mcse"].max() / PRINTED, ESS_LIMIT / health[["ess_bulk", "ess_tail"]].min().min()
    times = np.nanmax([error**2, size, 1.0])
    return say("about", count=100 * int(np.ceil(times * draws / 100.0))) if times > 1.0 else str(2 * draws)


def sampled_predictions(post: Posterior, frame: pd.DataFrame) -> Array:
    """(rows, K) posterior mean probabilities of rows of predictors."""
    predictors = predictors_of(post.design, frame)
    total = np.zeros((len(frame), len(post.cells.categories)))
    for part in chunks(len(frame) * len(post.design.order), len(post.draws)):
        probability = post.family.probabilities(predictors.eta_of_draws(post.draws[part]), post.link)
        if not (probability >= 0.0).all():
            raise AdjustError(say("cuts_cross_rows"))
        total[:, post.design.order] += probability.reshape(-1, len(frame), len(post.design.order)).sum(axis=0)
    return total / len(post.draws)
