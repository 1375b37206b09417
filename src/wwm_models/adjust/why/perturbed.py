"""Adjusted probabilities under changed weights or another response model, from one tabulation: what robustness is made of.

Points only, no standard errors. A perturbation of the weights (none, trimmed, a level or stratum left out) changes the cell
counts and the population averaged over; the design stays. A level without respondents takes its columns with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.adjust.adjusted import model_groups
from wwm_models.adjust.table import Collapses, collapse_matrix
from wwm_models.adjust.why.submodels import Averaged, Whole, averaged, taken_apart
from wwm_models.engines.likelihood import penalised
from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.engines.maximum import maximise_on
from wwm_models.engines.predictors import Predictors
from wwm_models.errors import AdjustError
from wwm_models.numerics.linear import redundant_columns
from wwm_models.records import Fit
from wwm_models.survey.calibration.margins import Margins

Array = NDArray[np.float64]
By = tuple[str, ...]
Place = tuple[str, str, frozenset[tuple[str, str]]]
Points = dict[Place, float]


@dataclass(frozen=True, eq=False)
class Reported:
    """A fit with everything that is reported of it.

    Attributes
    ----------
    whole : Whole
    over : mapping of by-variables to Averaged
    collapse : (M, K) array
    names : list of str
        Answers and collapses, M of them.
    population : str or margins
        Whom they are averaged over.
    """

    whole: Whole
    over: dict[By, Averaged]
    collapse: Array
    names: list[str]
    population: str | Margins = "sample"

    @property
    def fit(self) -> Fit:
        """The fit itself."""
        return self.whole.fit


def reported(
    fit: Fit, sets: Iterable[By], collapses: Collapses | None = None, population: str | Margins = "sample"
) -> Reported:
    """Prepare a fit: by-variables that are not in the model are left out.

    Parameters
    ----------
    fit : Fit
    sets : iterable of tuples of str
    collapses : mapping of name to answers, optional
    population : {"sample", "balanced"} or margins
        Whom to average over; raked again under every perturbation of the weights.
    """
    known = set(fit.cells.columns)
    over = {by: averaged(fit, by, model_groups(fit, by), population) for by in dict.fromkeys(sets) if set(by) <= known}
    collapse, names = collapse_matrix(fit.cells.categories, collapses)
    return Reported(taken_apart(fit), over, collapse, names, population)


def declared_points(made: Reported) -> Points:
    """The adjusted probabilities of the fit as it is, by place."""
    return points_at(made, made.fit.theta)


def points_at(made: Reported, theta: Array) -> Points:
    """The adjusted probabilities at other parameters (p,) of the fit's design."""
    return _points(made, theta, np.ones(len(theta), dtype=bool), made.fit.cells.row_weight)


def reweighted_points(made: Reported, row_weight: Array) -> Points | None:
    """The adjusted probabilities under other weights of the respondents.

    Parameters
    ----------
    made : Reported
    row_weight : (n,) array
        Zero for rows left out; any scale.

    Returns
    -------
    dict of place to probability, or None
        None where the likelihood has no maximum under these weights, or the population's margins cannot be met with them.
    """
    fit, design = made.fit, made.fit.design
    used = (fit.cells.row_pattern >= 0) & (row_weight > 0)
    shape = fit.cells.weights.shape
    cell = fit.cells.row_pattern[used] * shape[1] + fit.cells.row_category[used]
    weight = row_weight[used] * (fit.survey.counts[used].sum() / row_weight[used].sum())
    counts = np.bincount(cell, weight, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)[:, design.order]
    if (counts.sum(axis=0) <= 0).any():
        return None
    seen = counts.sum(axis=1) > 0
    kept = np.ones(len(fit.theta), dtype=bool)
    if not seen.all():
        kept = _estimable(made.whole.likelihood.predictors, seen)
    predictors = restricted(made.whole.likelihood.predictors, kept)
    scale = None if predictors.scale is None else predictors.scale[seen]
    predictors = Predictors(predictors.linear.rows(np.flatnonzero(seen)), scale)
    likelihood = penalised(CellLikelihood(fit.family, fit.link, predictors, counts[seen]), fit.penalty)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # on the way to a maximum at infinity
        found = maximise_on(likelihood, fit.theta[kept])
    if not found.maximum.converged or found.bread is None:
        return None
    try:
        return _points(made, found.theta, kept, np.where(used, row_weight, 0.0))
    except AdjustError:
        return None


def restricted(predictors: Predictors, kept: NDArray[np.bool_]) -> Predictors:
    """The predictors with some of the parameters."""
    linear, spreading = np.split(kept, [predictors.linear.shape[2]])
    scale = None if predictors.scale is None or not spreading.any() else predictors.scale[:, spreading]
    return Predictors(predictors.linear.only(linear), scale)


def trimmed(row_weight: Array, cap: float) -> Array:
    """Weights cut off at `cap` times their mean; what is cut off goes to the others in proportion.

    Parameters
    ----------
    row_weight : (n,) array
    cap : float
        Above 1; a cap of 1 would make all weights equal.

    References
    ----------
    Potter, F. (1990). A study of procedures to identify and trim extreme sampling weights. Proceedings of the ASA Section on
    Survey Research Methods, 225-230.

    Examples
    --------
    >>> trimmed(np.array([1.0, 1.0, 4.0]), 1.5).round(3).tolist()
    [1.5, 1.5, 3.0]
    """
    used = row_weight > 0
    limit = cap * float(row_weight[used].mean())
    over = row_weight > limit
    if not over.any() or not (used & ~over).any():
        return row_weight
    below = used & ~over
    spare = float((row_weight[over] - limit).sum())
    factor = 1.0 + spare / float(row_weight[below].sum())
    return np.where(over, limit, np.where(below, np.minimum(row_weight * factor, limit), 0.0))


def without_level(fit: Fit, variable: str, level: str) -> Array:
    """(n,) weights of the rows used, zero for those with this level."""
    column = fit.cells.patterns[variable].astype(str).to_numpy() == level
    inside = fit.cells.row_pattern >= 0
    gone = np.zeros(len(inside), dtype=bool)
    gone[inside] = column[fit.cells.row_pattern[inside]]
    return np.where(gone, 0.0, fit.cells.row_weight)


def without_stratum(fit: Fit, stratum: int) -> Array:
    """(n,) weights of the rows used, zero for those of this first-stage stratum."""
    assert fit.survey.design is not None
    return np.where(fit.survey.design.strata[:, 0] == stratum, 0.0, fit.cells.row_weight)


def _estimable(predictors: Predictors, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which parameters the patterns that are left can tell apart, first come first kept."""
    array = predictors.linear.array[seen]
    gone = redundant_columns(array.reshape(-1, array.shape[2]))
    kept = ~np.isin(np.arange(array.shape[2]), gone)
    own = np.zeros(0, dtype=bool)
    if predictors.scale is not None:
        constant = np.column_stack([np.ones(int(seen.sum())), predictors.scale[seen]])
        lost = [j - 1 for j in redundant_columns(constant)]
        own = ~np.isin(np.arange(predictors.scale.shape[1]), lost)
    return np.concatenate([kept, own])


def _points(made: Reported, theta: Array, kept: NDArray[np.bool_], row_weight: Array) -> Points:
    fit, found = made.fit, Points()
    for by, over in made.over.items():
        target, count = over.target, len(over.groups)
        weights = target.shares_under(row_weight)
        log_p = fit.family.log_probabilities(restricted(over.predictors, kept).eta(theta), fit.link)
        probability = np.zeros((count, len(weights), len(fit.cells.categories)))
        probability[:, :, fit.design.order] = np.exp(log_p).reshape(count, len(weights), -1)
        shares = weights @ probability @ made.collapse.T
        found |= _placed(fit.cells.outcome, by, over, made.names, shares)
    return found


def _placed(outcome: str, by: By, over: Averaged, names: Sequence[str], shares: Array) -> Points:
    named = [[(name, str(value)) for value in over.groups[name].tolist()] for name in by]
    groups = [frozenset(group) for group in zip(*named, strict=True)] if by else [frozenset[tuple[str, str]]()]
    return {
        (outcome, name, group): share
        for group, row in zip(groups, shares.tolist(), strict=True)
        for name, share in zip(names, row, strict=True)
    }
