"""Adjusted probabilities under changed weights, other response models and other populations: what robustness is made of.

Points only, no standard errors, from one tabulation (`reported`, `points_at`). A perturbation of the weights (none, trimmed, a level or stratum left
out) changes the cell counts and the population averaged over; the design stays. A level without respondents takes its columns with it. `Scenario`
and what follows are the changes under which every adjusted number is computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import AdjustError
from wwm_models.estimates.adjusted import model_groups
from wwm_models.estimates.decomposition import Averaged, Submodels, averaged, submodel_setup
from wwm_models.estimates.estimates import Collapses, collapse_matrix
from wwm_models.estimates.number_key import NumberKey
from wwm_models.likelihood.fit import Fit, penalised
from wwm_models.likelihood.likelihood import CellLikelihood, Predictors
from wwm_models.likelihood.maximum import maximise_on
from wwm_models.likelihood.variants import FORMS, refitted
from wwm_models.messages import level as level_of
from wwm_models.messages import number, say
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.newton import redundant_columns
from wwm_models.survey.population_margins import Margins

By = tuple[str, ...]
Points = dict[NumberKey, float]


@dataclass(frozen=True, eq=False)
class ReportedFit:
    """A fit with everything that is reported of it.

    Attributes
    ----------
    whole : Submodels
    over : mapping of by-variables to Averaged
    collapse : (M, K) array
    names : list of str
        Answers and collapses, M of them.
    population : str or margins
        Whom they are averaged over.
    """

    whole: Submodels
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
) -> ReportedFit:
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
    return ReportedFit(submodel_setup(fit), over, collapse, names, population)


def declared_points(made: ReportedFit) -> Points:
    """The adjusted probabilities of the fit as it is, by place."""
    return points_at(made, made.fit.theta)


def points_at(made: ReportedFit, theta: Array) -> Points:
    """The adjusted probabilities at other parameters (p,) of the fit's design."""
    return _points(made, theta, np.ones(len(theta), dtype=bool), made.fit.cells.row_weight)


def reweighted_points(made: ReportedFit, row_weight: Array) -> Points | None:
    """The adjusted probabilities under other weights of the respondents.

    Parameters
    ----------
    made : ReportedFit
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
    weight = row_weight[used] * (fit.survey.counts[used].sum() / row_weight[used].sum())
    counts = (
        np.bincount(fit.cells.row_cell[used], weight, minlength=shape[0] * shape[1])
        .reshape(shape)
        .astype(np.float64)[:, design.order]
    )
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


def _points(made: ReportedFit, theta: Array, kept: NDArray[np.bool_], row_weight: Array) -> Points:
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
    groups = list(zip(*named, strict=True)) if by else [()]
    return {
        NumberKey.of(outcome, name, group): share
        for group, row in zip(groups, shares.tolist(), strict=True)
        for name, share in zip(names, row, strict=True)
    }


CAPS = (5.0, 4.0, 3.0, 2.5, 2.0, 1.75, 1.5, 1.25)  # times the mean weight; then no weights at all
COUNTED = "weights of respondents who are grouped cannot be cut off one by one"
MOST_STRATA = 40  # more would be a refit each for changes that are small


@dataclass(frozen=True, eq=False)
class Scenario:
    """One change and what it makes of every number: places that it cannot give keep their declared value."""

    change: float
    detail: str
    points: Points


@dataclass(frozen=True, eq=False)
class Varied:
    """What is reported of a fit, and the same under other models and without weights: each computed once, when it is asked for."""

    made: ReportedFit

    @property
    def fit(self) -> Fit:
        """The fit itself."""
        return self.made.fit

    @cached_property
    def declared(self) -> Points:
        """As declared."""
        return declared_points(self.made)

    @cached_property
    def forms(self) -> dict[str, Fit]:
        """The fit in the other forms of its model; without those that it has not, or that have no maximum."""
        made = {form: refitted(self.fit, form) for form in FORMS}
        return {form: one for form, one in made.items() if not isinstance(one, str)}

    @cached_property
    def nonproportional(self) -> Points | None:
        """With a slope per cut point for every term; None where the model has no such form, or no maximum in it."""
        return _points_of(self.made, self.forms.get("nonproportional"))

    @cached_property
    def multinomial(self) -> Points | None:
        """Under the multinomial model, likewise."""
        return _points_of(self.made, self.forms.get("multinomial"))

    @cached_property
    def unweighted(self) -> Points | None:
        """With every respondent counting once; None where none has a sampling weight."""
        if self.fit.survey.weight_kind != "sampling":
            return None
        return reweighted_points(self.made, np.where(self.fit.cells.row_weight > 0, self.fit.survey.counts, 0.0))


def declared_together(made: Sequence[Varied]) -> Points:
    """Every number as declared."""
    return _together(made, lambda one: one.declared)


def trims(made: Sequence[Varied]) -> tuple[Scenario, ...]:
    """Weights cut off at ever lower caps, then no weights at all.

    Nothing for surveys without sampling weights, nor for respondents who are grouped, whose own weights are not known.
    """
    weighted = [one for one in made if one.fit.survey.weight_kind == "sampling"]
    if not weighted or counted_together(weighted):
        return ()
    caps = [
        Scenario(cap, say("weights_cut", times=number(cap, "g")), _together(weighted, _trimmed_at(cap))) for cap in CAPS
    ]
    return (*caps, Scenario(1.0, "no weights", _together(weighted, lambda one: one.unweighted)))


def counted_together(made: Sequence[Varied]) -> bool:
    """Whether rows stand for several respondents with sampling weights of their own."""
    return any(one.fit.survey.tally is not None and one.fit.survey.weight_kind == "sampling" for one in made)


def families(made: Sequence[Varied]) -> tuple[Scenario, ...]:
    """Parallel slopes relaxed: first a slope per cut point for every term, then the multinomial model."""
    found = [
        Scenario(1.0, "a slope per cut point for every term", _together(made, lambda one: one.nonproportional)),
        Scenario(2.0, "multinomial", _together(made, lambda one: one.multinomial)),
    ]
    return tuple(one for one in found if one.points)


def _points_of(made: ReportedFit, other: Fit | None) -> Points | None:
    """What is reported of a fit, at another fit of the same respondents."""
    if other is None:
        return None
    fit = made.fit
    members = {
        name: [category for category, inside in zip(fit.cells.categories, row, strict=True) if inside]
        for name, row in zip(made.names, made.collapse, strict=True)
        if name not in fit.cells.categories
    }
    found = declared_points(reported(other, made.over, members, made.population))
    return found if all(np.isfinite(value) for value in found.values()) else None


def domains(made: Sequence[Varied]) -> tuple[Scenario, ...]:
    """Each level of each predictor, and each stratum, left out in turn; the smallest share of respondents first."""
    levels = dict.fromkeys(
        (name, str(level))
        for one in made
        for name in one.fit.cells.columns
        if isinstance(one.fit.cells.patterns[name].dtype, pd.CategoricalDtype)
        for level in one.fit.cells.patterns[name].unique()
    )
    found = [_without_level(made, name, level) for name, level in levels]
    design = made[0].fit.survey.design if made else None
    strata = np.unique(design.strata[:, 0]) if design is not None else np.zeros(0, dtype=int)
    if 1 < len(strata) <= MOST_STRATA:
        found += [_without_stratum(made, int(code)) for code in strata]
    return tuple(sorted((one for one in found if one.points), key=lambda one: one.change))


def absent_shares(made: Sequence[Varied]) -> dict[NumberKey, float]:
    """Share of each group's weight, within the domain, that the fit does not use."""
    found: dict[NumberKey, float] = {}
    for one in made:
        survey, used = one.fit.survey, one.fit.cells.row_pattern >= 0
        shares: dict[frozenset[tuple[str, str]], float] = {}
        for place in one.declared:
            if place.group not in shares:
                group = survey.domain.copy()
                for name, level in place.group:
                    group &= (survey.frame[name].astype(str) == level).to_numpy()
                total = float(survey.weights[group].sum())
                shares[place[2]] = float(survey.weights[group & ~used].sum()) / total if total > 0 else 0.0
            found[place] = shares[place[2]]
    return found


def _together(made: Sequence[Varied], points_of: Callable[[Varied], Points | None]) -> Points:
    found = Points()
    for one in made:
        found |= points_of(one) or {}
    return found


def _trimmed_at(cap: float) -> Callable[[Varied], Points | None]:
    return lambda one: reweighted_points(one.made, trimmed(one.fit.cells.row_weight, cap))


def _without_level(made: Sequence[Varied], name: str, level: str) -> Scenario:
    """Numbers of the group that is left out stay as they are."""
    having = [one for one in made if name in one.fit.cells.columns]
    points = _together(having, lambda one: reweighted_points(one.made, without_level(one.fit, name, level)))
    kept = {place: value for place, value in points.items() if (name, level) not in place[2]}
    share = max(_share_left_out(one.fit, without_level(one.fit, name, level)) for one in having)
    return Scenario(share, say("without_level", level=level_of(name, level)), kept)


def _without_stratum(made: Sequence[Varied], code: int) -> Scenario:
    points = _together(made, lambda one: reweighted_points(one.made, without_stratum(one.fit, code)))
    share = max(_share_left_out(one.fit, without_stratum(one.fit, code)) for one in made)
    return Scenario(share, say("without_stratum", number=code + 1), points)


def _share_left_out(fit: Fit, weights: np.ndarray) -> float:
    people = fit.survey.counts
    return 1.0 - float(people[weights > 0].sum()) / float(people[fit.cells.row_weight > 0].sum())
