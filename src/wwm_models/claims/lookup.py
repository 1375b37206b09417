"""Estimates that references can be looked up in, with the joint law of any of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from wwm_models.claims.article import Reference
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.joint_distribution import JointDistribution, joint_distribution
from wwm_models.estimates.number_key import NumberKey, keys_of
from wwm_models.numerics.arrays import Array


@dataclass(frozen=True, eq=False)
class FoundEstimate:
    """One number: where it stands and what it is.

    Attributes
    ----------
    estimate, std_error, lower, upper : float
        In 0..1.
    source : Estimates
        The table it stands in, and in which row.
    row : int
    """

    estimate: float
    std_error: float
    lower: float
    upper: float
    source: Estimates
    row: int

    @property
    def df(self) -> float:
        """Degrees of freedom of its interval."""
        return float(self.source.freedom.df[self.row])

    @property
    def reason(self) -> str:
        """Why it has no standard error or no interval; empty where it has both."""
        return str(self.source.reasons[self.row])

    @property
    def n(self) -> float:
        """Respondents it rests on, unweighted."""
        return float(self.source.table["n"].iloc[self.row])

    @property
    def draws(self) -> Array | None:
        """(s,) posterior draws."""
        return None if self.source.draws is None else self.source.draws[:, self.row]

    @property
    def origin(self) -> str:
        """Which posterior its draws are of; that of a table without a name is the table itself."""
        return self.source.origin or f"table {id(self.source)}"


@dataclass(frozen=True, eq=False)
class EstimateIndex:
    """All estimates of one kind (raw, or adjusted under one estimand), found by reference."""

    places: Mapping[NumberKey, tuple[Estimates, int]] = field(default_factory=dict)

    def find(self, reference: Reference) -> FoundEstimate | None:
        """The number a reference means, or None where there is none."""
        place = self.places.get(reference.key)
        if place is None:
            return None
        estimates, row = place
        values = estimates.table.iloc[row]
        if not np.isfinite(values["estimate"]):
            return None
        own = {name: float(values[name]) for name in ("estimate", "std_error", "lower", "upper")}
        return FoundEstimate(**own, source=estimates, row=row)


def pool_of(every: Iterable[Estimates]) -> EstimateIndex:
    """Index estimates by outcome, category and group; a later one replaces an earlier one of the same place."""
    places: dict[NumberKey, tuple[Estimates, int]] = {}
    for estimates in every:
        for row, key in enumerate(keys_of(estimates.table, estimates.by)):
            places[key] = (estimates, row)
    return EstimateIndex(places)


def joint_covariance(parts: Sequence[FoundEstimate]) -> Array:
    """Covariance of several numbers from the influence or replicates of the same respondents; independent where unknown.

    Parameters
    ----------
    parts : sequence of FoundEstimate

    Returns
    -------
    (m, m) array
    """
    return joint_law(parts, np.eye(len(parts))).covariance


def joint_law(parts: Sequence[FoundEstimate], gradient: Array) -> JointDistribution:
    """Law of the combinations `gradient`, (k, m), of m numbers."""
    terms: dict[int, tuple[Estimates, Array]] = {}
    for place, part in enumerate(parts):
        _, matrix = terms.setdefault(id(part.source), (part.source, np.zeros((len(gradient), len(part.source.table)))))
        matrix[:, part.row] += gradient[:, place]
    return joint_distribution(list(terms.values()))


def error_of(parts: Sequence[FoundEstimate], gradient: Array) -> tuple[float, float]:
    """Standard error and degrees of freedom of one combination, (m,); no standard error where a number in it cannot be estimated."""
    law = joint_law(parts, gradient[None, :])
    return float(law.std_error[0]), float(law.freedom.df[0])


def aligned_draws(parts: Sequence[FoundEstimate]) -> list[Array] | None:
    """Draws of several numbers, row by row of one posterior; those of other posteriors are independent of the first's.

    Returns
    -------
    list of (s,) arrays, or None
        None unless all have draws, equally many.
    """
    drawn = [part.draws for part in parts]
    known = [draws for draws in drawn if draws is not None]
    if len(known) < len(drawn) or len({len(draws) for draws in known}) > 1:
        return None
    origins = list(dict.fromkeys(part.origin for part in parts))
    shift = [origins.index(part.origin) * len(known[0]) // (len(origins) + 1) for part in parts]
    return [np.roll(draws, by) for draws, by in zip(known, shift, strict=True)]
