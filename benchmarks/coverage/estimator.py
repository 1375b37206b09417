"""Fits, standard errors and adjusted probabilities of many samples at once, from their cell counts.

Batches what ``wwm.fit`` and ``wwm.adjusted`` compute for one sample, with the engine's own family, likelihood and Newton; `official`
is the public way, and the run holds both equal on samples of every condition. Samples that a batch cannot finish, or whose
fit has a mark of separation, go the public way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import wwm_models as wwm
from benchmarks.coverage.population import ANSWERS, LEVELS, Truth, set_to, variables_of
from benchmarks.coverage.samples import Samples
from wwm_models.likelihood.likelihood import CellLikelihood, Predictors
from wwm_models.likelihood.maximum import expansions, maximise_many
from wwm_models.numerics.intervals import critical_value, logit_limits
from wwm_models.numerics.links import LINKS

ODD_ETA, ODD_CONDITION = (
    12.0,
    1e6,
)  # stricter than the engine's own marks of separation: whatever is odd goes the public way


@dataclass(frozen=True, eq=False)
class Results:
    """Estimates of R samples: (R, m) arrays of estimates, standard errors and limits.

    Parameters first, then adjusted probabilities by variable, level and answer.
    """

    estimate: np.ndarray
    std_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def names_of_results(truth: Truth) -> list[str]:
    """Names of the m quantities."""
    adjusted = [
        f"{name}={level}: {answer}"
        for name in variables_of(truth.model)
        for level in LEVELS[name]
        for answer in ANSWERS
    ]
    return [*truth.design.names, *adjusted]


def batched(truth: Truth, samples: Samples) -> tuple[Results, np.ndarray]:
    """Results of samples in which every answer was observed, and which samples (R,) they are valid for."""
    size, answers = truth.linear.shape[0], len(ANSWERS)
    n = samples.pattern.shape[1]
    cell = samples.pattern * answers + samples.answer
    counts = _sums(cell, samples.weight, size * answers).reshape(-1, size, answers)
    ordered = counts[:, :, truth.design.order]
    likelihood = CellLikelihood(truth.family, LINKS[truth.model.link], Predictors(truth.linear), ordered[0])
    theta, valid = maximise_many(likelihood, ordered, truth.theta)
    information = expansions(likelihood, ordered, theta).information
    eta = truth.linear.etas(theta)
    log_p = truth.family.log_probabilities(eta.reshape(-1, answers - 1), likelihood.link).reshape(ordered.shape)
    valid = valid & _unsuspicious(eta, log_p, information, counts)
    safe = np.where(valid[:, None, None], information, np.eye(len(truth.theta)))
    bread = np.linalg.inv(safe)
    steps = eta.shape[2]
    scores = truth.family.scores(eta.reshape(-1, steps), likelihood.link, log_p.reshape(-1, answers))
    scores = scores.reshape(-1, size, answers, steps) @ truth.linear.array
    influence = scores.reshape(len(theta), size * answers, -1) @ bread
    variance = _Variance(samples, cell, counts.reshape(len(theta), -1), n)
    squares = np.diagonal(bread, axis1=1, axis2=2) if samples.vcov_kind == "model" else variance(influence)
    adjusted, values = _adjusted(truth, np.exp(log_p), scores, influence, counts, n)
    return _with_limits(theta, np.sqrt(squares), adjusted, np.sqrt(variance(values)), samples.df), valid


def _sums(cell: np.ndarray, weight: np.ndarray, cells: int) -> np.ndarray:
    replicate = np.arange(len(cell))[:, None]
    return np.bincount((replicate * cells + cell).ravel(), weight.ravel(), minlength=len(cell) * cells).reshape(
        -1, cells
    )


def _unsuspicious(eta: np.ndarray, log_p: np.ndarray, information: np.ndarray, counts: np.ndarray) -> np.ndarray:
    seen = counts.sum(axis=2) > 0
    large = (np.abs(eta).max(axis=2) > ODD_ETA) & seen
    fine = np.isfinite(log_p).all(axis=(1, 2)) & ~large.any(axis=1) & np.isfinite(information).all(axis=(1, 2))
    scale = np.sqrt(np.maximum(np.abs(np.diagonal(information, axis1=1, axis2=2)), 1e-300))
    scaled = np.where(
        fine[:, None, None], information / (scale[:, :, None] * scale[:, None, :]), np.eye(scale.shape[1])
    )
    values = np.linalg.eigvalsh(scaled)
    return fine & (values[:, 0] > 0) & (values[:, -1] < ODD_CONDITION * values[:, 0])


class _Variance:
    """Variances (R, m) of estimates from the influence (R, cells, m) of a respondent of each cell."""

    def __init__(self, samples: Samples, cell: np.ndarray, sums: np.ndarray, n: int) -> None:
        self._n, self._sums, self._stratum = n, sums, samples.stratum
        self._design = samples.vcov_kind == "design"
        cells = sums.shape[1]
        if self._design:
            units = len(samples.stratum)
            self._by_unit = _sums(samples.unit * cells + cell, samples.weight, units * cells).reshape(-1, units, cells)
        else:
            self._squares = _sums(cell, samples.weight**2, cells)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        if self._design:
            return self._between_units(self._by_unit @ values)
        total = (self._sums[:, None, :] @ values)[:, 0]
        middle = (self._squares[:, None, :] @ values**2)[:, 0]
        return (middle - total**2 / self._n) * self._n / (self._n - 1.0)

    def _between_units(self, totals: np.ndarray) -> np.ndarray:
        result = np.zeros((len(totals), totals.shape[2]))
        for h in np.unique(self._stratum):
            inside = totals[:, self._stratum == h]
            result += inside.var(axis=1, ddof=1) * inside.shape[1]
        return result


def _adjusted(
    truth: Truth, p: np.ndarray, scores: np.ndarray, influence: np.ndarray, counts: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Adjusted probabilities (R, m) and the influence (R, cells, m) on them, for every level of every variable."""
    moves = [set_to(name, level) for name in variables_of(truth.model) for level in LEVELS[name]]
    share = counts.sum(axis=2) / n
    back = np.argsort(truth.design.order)
    p, scores = p[:, :, back], scores[:, :, back]
    influence = influence.reshape(*p.shape, -1)[:, :, back].reshape(influence.shape)
    weighted = p[:, :, :, None] * scores
    means, values = [], []
    for move in moves:
        own = p[:, move]
        mean = np.einsum("rs,rsk->rk", share, own)
        jacobian = np.einsum("rs,rskp->rkp", share, weighted[:, move])
        spread = np.repeat((own - mean[:, None, :]) / n, p.shape[2], axis=1)
        means.append(mean)
        values.append(influence @ jacobian.transpose(0, 2, 1) + spread)
    return np.concatenate(means, axis=1), np.concatenate(values, axis=2)


def _with_limits(
    theta: np.ndarray, theta_error: np.ndarray, adjusted: np.ndarray, adjusted_error: np.ndarray, df: float
) -> Results:
    critical = critical_value(0.95, df)
    with np.errstate(all="ignore"):  # samples that are not valid
        lower, upper = logit_limits(adjusted, adjusted_error, critical)
    return Results(
        np.hstack([theta, adjusted]),
        np.hstack([theta_error, adjusted_error]),
        np.hstack([theta - critical * theta_error, lower]),
        np.hstack([theta + critical * theta_error, upper]),
    )


def official(truth: Truth, survey: wwm.Survey, penalty: str = "") -> Results:
    """The same results of one sample by the public functions, one row; raises what they raise."""
    fit = wwm.fit(truth.model, survey, penalty=penalty)
    if fit.status != "ok":
        raise wwm.errors.FitError(fit.status)
    tables = [wwm.adjusted(fit, name).table for name in variables_of(truth.model)]
    critical = critical_value(0.95, fit.design_df)
    names = list(truth.design.names)  # an answer that nobody gave can take its own slopes with it
    theta, error = (part.reindex(names).to_numpy() for part in (fit.params, fit.std_errors))
    columns = {
        name: np.concatenate([table[name].to_numpy() for table in tables])
        for name in ("estimate", "std_error", "lower", "upper")
    }
    return Results(
        np.concatenate([theta, columns["estimate"]])[None, :],
        np.concatenate([error, columns["std_error"]])[None, :],
        np.concatenate([theta - critical * error, columns["lower"]])[None, :],
        np.concatenate([theta + critical * error, columns["upper"]])[None, :],
    )
