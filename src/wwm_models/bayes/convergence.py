"""Whether chains can be trusted: rank-normalised R-hat, bulk and tail effective sample size, Monte Carlo error.

Every quantity is split into half chains. R-hat is the larger of that of the rank-normalised draws and of the folded ones; bulk
ESS is that of the rank-normalised draws, tail ESS the smaller of those of the indicators of the 5% and 95% quantiles. The
autocorrelation time is Geyer's initial monotone sequence.

References
----------
Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Buerkner, P.-C. (2021). Rank-normalization, folding, and localization.
Bayesian Analysis 16, 667-718. doi:10.1214/20-BA1221
Geyer, C. J. (1992). Practical Markov chain Monte Carlo. Statistical Science 7, 473-483.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import fft
from scipy.special import ndtri

from wwm_models.messages import number, say
from wwm_models.numerics.arrays import Array

RHAT_LIMIT = 1.01
ESS_LIMIT = 400.0
COLUMNS = ("quantity", "mean", "sd", "rhat", "ess_bulk", "ess_tail", "mcse", "status")


def health_table(draws: Array, chains: int, names: Sequence[str]) -> pd.DataFrame:
    """One row of diagnostics for every quantity.

    Parameters
    ----------
    draws : (s, m) array
        Chain after chain.
    chains : int
    names : sequence of str, m long

    Returns
    -------
    DataFrame
        With `COLUMNS`; status is "ok" or names the limit that is not met. A quantity that never varies has no diagnostics.
    """
    by_chain = draws.reshape(chains, -1, draws.shape[1])
    halves = split_chains(by_chain)
    ranked = rank_normalised(halves)
    rhat = np.maximum(split_rhat(ranked), split_rhat(rank_normalised(np.abs(halves - np.median(draws, axis=0)))))
    bulk = effective_size(ranked)
    tails = [effective_size((halves <= q).astype(np.float64)) for q in np.quantile(draws, [0.05, 0.95], axis=0)]
    tail = np.minimum(*tails)
    sd = draws.std(axis=0, ddof=1)
    mcse = sd / np.sqrt(effective_size(halves))
    still = sd <= 1e-14 * np.maximum(1.0, np.abs(draws.mean(axis=0)))
    values = {"rhat": rhat, "ess_bulk": bulk, "ess_tail": tail, "mcse": mcse}
    facts = {name: np.where(still, np.nan, value) for name, value in values.items()}
    status = [
        "ok" if quiet else _status(*row) for quiet, row in zip(still, zip(rhat, bulk, tail, strict=True), strict=True)
    ]
    table = {"quantity": list(names), "mean": draws.mean(axis=0), "sd": sd, **facts, "status": status}
    return pd.DataFrame({name: table[name] for name in COLUMNS})


def _status(rhat: float, bulk: float, tail: float) -> str:
    if not rhat <= RHAT_LIMIT:
        return f"R-hat above {RHAT_LIMIT}"
    if not min(bulk, tail) >= ESS_LIMIT:
        return f"effective sample size below {ESS_LIMIT:.0f}"
    return "ok"


def shortfalls(row: Mapping[Any, object], most_error: float = float("inf")) -> list[str]:
    """What a quantity's draws fall short of: the number that failed, and what is allowed.

    Parameters
    ----------
    row : mapping
        A row of `health_table`; nothing is known of a quantity that never varies, so nothing fails.
    most_error : float
        The largest Monte Carlo error that is allowed, in the unit of the quantity.

    Examples
    --------
    >>> shortfalls({"rhat": 1.034, "ess_bulk": 900.0, "ess_tail": 250.0, "mcse": 0.0024}, 0.001)
    ['R-hat 1.034, allowed 1.01', 'effective draws 250, needed 400', 'Monte Carlo error 0.0024, allowed 0.001']
    """
    rhat, bulk, tail, mcse = (float(str(row[name])) for name in ("rhat", "ess_bulk", "ess_tail", "mcse"))
    found: list[str] = []
    if rhat > RHAT_LIMIT:
        found.append(say("rhat_above", value=number(rhat, ".4g"), limit=number(RHAT_LIMIT)))
    if min(bulk, tail) < ESS_LIMIT:
        found.append(say("ess_below", value=number(min(bulk, tail), ".0f"), limit=number(ESS_LIMIT, ".0f")))
    if mcse > most_error:
        found.append(say("mcse_above", value=number(mcse, ".2g"), limit=number(most_error, "g")))
    return found


def split_chains(draws: Array) -> Array:
    """(2 chains, half, m) array; a middle draw of an odd number is left out."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def rank_normalised(draws: Array) -> Array:
    """Normal scores of the ranks over all chains, (r - 3/8) / (s + 1/4)."""
    flat = draws.reshape(-1, draws.shape[2])
    ranks = np.column_stack([average_ranks(column) for column in flat.T])
    return np.asarray(ndtri((ranks - 0.375) / (len(flat) + 0.25))).reshape(draws.shape)


def average_ranks(values: Array) -> Array:
    """Ranks from 1; equal values share their mean rank. As `scipy.stats.rankdata`, whose module takes a second to import.

    Examples
    --------
    >>> average_ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2.0)[place]


def split_rhat(draws: Array) -> Array:
    """(m,) potential scale reduction of (chains, n, m) draws."""
    n = draws.shape[1]
    between = n * draws.mean(axis=1).var(axis=0, ddof=1)
    within = draws.var(axis=1, ddof=1).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt((between / within + n - 1.0) / n)


def effective_size(draws: Array) -> Array:
    """(m,) effective sample sizes of (chains, n, m) draws, at most s log10 s."""
    chains, n, _ = draws.shape
    autocovariance = _autocovariance(draws)
    within = autocovariance[:, 0].mean(axis=0) * n / (n - 1.0)
    total = within * (n - 1.0) / n
    if chains > 1:
        total = total + draws.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1.0 - (within - autocovariance.mean(axis=0)) / total
    rho[0] = 1.0
    size = chains * n
    times = np.array([_autocorrelation_time(column) for column in rho.T])
    return np.minimum(size / np.maximum(times, 1.0 / np.log10(size)), size * np.log10(size))


def _autocovariance(draws: Array) -> Array:
    """(chains, n, m) autocovariances by lag, each divided by n."""
    n = draws.shape[1]
    centred = draws - draws.mean(axis=1, keepdims=True)
    transformed = fft.rfft(centred, n=fft.next_fast_len(2 * n, real=True), axis=1)
    power = (transformed * np.conj(transformed)).real
    return np.asarray(fft.irfft(power, n=fft.next_fast_len(2 * n, real=True), axis=1))[:, :n] / n


def _autocorrelation_time(rho: Array) -> float:
    """Geyer's initial positive, then monotone, sequence of sums of neighbouring autocorrelations."""
    if not np.isfinite(rho).all():
        return float("nan")
    n = len(rho)
    last = 1
    kept = np.zeros(n)
    kept[:2] = rho[:2]
    even, odd = 1.0, rho[1]
    while last < n - 3 and even + odd > 0.0:
        even, odd = rho[last + 1], rho[last + 2]
        if even + odd >= 0.0:
            kept[last + 1], kept[last + 2] = even, odd
        last += 2
    top = last - 2
    if even > 0.0 and top + 1 < n:
        kept[top + 1] = even
    for t in range(1, top - 1, 2):
        if kept[t + 1] + kept[t + 2] > kept[t - 1] + kept[t]:
            kept[t + 1] = kept[t + 2] = (kept[t - 1] + kept[t]) / 2.0
    return float(-1.0 + 2.0 * kept[: top + 1].sum() + kept[top + 1])
