"""Changes under which every adjusted number is computed again: other weights, other response models, other populations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from wwm_models.adjust.why.perturbed import (
    Place,
    Points,
    Reported,
    declared_points,
    reported,
    reweighted_points,
    trimmed,
    without_level,
    without_stratum,
)
from wwm_models.engines.variants import FORMS, refitted
from wwm_models.records import Fit

CAPS = (5.0, 4.0, 3.0, 2.5, 2.0, 1.75, 1.5, 1.25)  # times the mean weight; then no weights at all
COUNTED = "weights of respondents who were counted together cannot be cut off one by one"
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

    made: Reported

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

    Nothing for surveys without sampling weights, nor for respondents who were counted together, whose own weights are not known.
    """
    weighted = [one for one in made if one.fit.survey.weight_kind == "sampling"]
    if not weighted or counted_together(weighted):
        return ()
    caps = [
        Scenario(cap, f"weights cut off at {cap:g} times their mean", _together(weighted, _trimmed_at(cap)))
        for cap in CAPS
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


def _points_of(made: Reported, other: Fit | None) -> Points | None:
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


def absent_shares(made: Sequence[Varied]) -> dict[Place, float]:
    """Share of each group's weight, within the domain, that the fit does not use."""
    found: dict[Place, float] = {}
    for one in made:
        survey, used = one.fit.survey, one.fit.cells.row_pattern >= 0
        shares: dict[frozenset[tuple[str, str]], float] = {}
        for place in one.declared:
            if place[2] not in shares:
                group = survey.domain.copy()
                for name, level in place[2]:
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
    return Scenario(share, f"without {name} = {level}", kept)


def _without_stratum(made: Sequence[Varied], code: int) -> Scenario:
    points = _together(made, lambda one: reweighted_points(one.made, without_stratum(one.fit, code)))
    share = max(_share_left_out(one.fit, without_stratum(one.fit, code)) for one in made)
    return Scenario(share, f"without stratum {code + 1}", points)


def _share_left_out(fit: Fit, weights: np.ndarray) -> float:
    people = fit.survey.counts
    return 1.0 - float(people[weights > 0].sum()) / float(people[fit.cells.row_weight > 0].sum())
