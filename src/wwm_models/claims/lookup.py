"""Estimates that references can be looked up in, with the joint law of any of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from wwm_models.claims.article import Reference
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.joined_groups import joined
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
    made_of : tuple of (NumberKey, share)
        Of a joined group: the numbers of its levels, and how large each is.
    unadjusted : bool
        Whether it is the raw number, which stands for the adjusted one where nothing is held equal.
    """

    estimate: float
    std_error: float
    lower: float
    upper: float
    source: Estimates
    row: int
    made_of: tuple[tuple[NumberKey, float], ...] = ()
    unadjusted: bool = False

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
    """All estimates of one kind (raw, or adjusted under one estimand), found by reference.

    Attributes
    ----------
    places : mapping of NumberKey to (Estimates, row)
    raw : EstimateIndex or None
        Where the sizes of the levels of joined groups are known from, where these estimates are not raw themselves.
    unadjusted : frozenset of NumberKey
        Where, among adjusted numbers, the raw one stands.
    """

    places: Mapping[NumberKey, tuple[Estimates, int]] = field(default_factory=dict)
    raw: EstimateIndex | None = None
    unadjusted: frozenset[NumberKey] = frozenset()
    _joined: dict[NumberKey, FoundEstimate | None] = field(default_factory=dict)

    def find(self, reference: Reference) -> FoundEstimate | None:
        """The number a reference means, or None where there is none; of a joined group made of the numbers of its levels."""
        place = self.places.get(reference.key)
        if place is not None:
            return _found(*place, unadjusted=reference.key in self.unadjusted)
        if not reference.joined:
            return None
        if reference.key not in self._joined:
            self._joined[reference.key] = self._find_joined(reference)
        return self._joined[reference.key]

    def _find_joined(self, reference: Reference) -> FoundEstimate | None:
        source = (self.raw or self).sized.get((reference.outcome, frozenset(reference.by)))
        if source is None or source.sizes is None:
            return None
        levels = reference.levels
        whole = {name for name, own in levels.items() if set(own) == set(source.table[name].astype(str))}
        if whole:  # all levels of a variable are everyone, as far as it goes
            kept = tuple(one for one in reference.group if one[0] not in whole)
            return self.find(Reference(reference.outcome, reference.category, kept))
        sizes = source.sizes(levels)
        share = dict(
            zip(
                keys_of(sizes.table.assign(category=reference.category), sizes.by), sizes.table["estimate"], strict=True
            )
        )
        places = {key: place for place, (key, size) in enumerate(share.items()) if size > 0}
        parts = [(key, self.places.get(key)) for key in places]
        known = [part for _, part in parts if part is not None and _found(*part) is not None]
        if not known or len(known) < len(parts):
            return None
        group = tuple(sorted(reference.group))
        made = joined(known, sizes, list(places.values()), group)
        of = tuple((key, float(share[key])) for key in places)
        found = _found(made, 0, unadjusted=self.unadjusted.issuperset(places))
        return None if found is None else replace(found, made_of=of)

    @cached_property
    def sized(self) -> dict[tuple[str, frozenset[str]], Estimates]:
        """Raw tables that know how large their groups are, by outcome and variables."""
        every = {id(estimates): estimates for estimates, _ in self.places.values() if estimates.sizes is not None}
        return {(str(one.table["outcome"].iloc[0]), frozenset(one.by)): one for one in every.values()}


def _found(estimates: Estimates, row: int, *, unadjusted: bool = False) -> FoundEstimate | None:
    values = estimates.table.iloc[row]
    if not np.isfinite(values["estimate"]):
        return None
    own = (float(values[name]) for name in ("estimate", "std_error", "lower", "upper"))
    return FoundEstimate(*own, source=estimates, row=row, unadjusted=unadjusted)


def pool_of(every: Iterable[Estimates], raw: EstimateIndex | None = None) -> EstimateIndex:
    """Index estimates by outcome, category and group; a later one replaces an earlier one of the same place.

    Parameters
    ----------
    every : iterable of Estimates
    raw : EstimateIndex, optional
        Of adjusted numbers: the raw ones of the same questions and groups, which know how large groups are that claims join.
    """
    places: dict[NumberKey, tuple[Estimates, int]] = {}
    for estimates in every:
        for row, key in enumerate(keys_of(estimates.table, estimates.by)):
            places[key] = (estimates, row)
    return EstimateIndex(places, raw)


def with_everyone(pool: EstimateIndex, raw: EstimateIndex) -> EstimateIndex:
    """The same adjusted estimates with the raw ones of everyone: of a number without a group nothing is held equal."""
    everyone = {key: place for key, place in raw.places.items() if not key.group}
    return EstimateIndex({**pool.places, **everyone}, raw, frozenset(everyone))


def descriptive(raw: EstimateIndex) -> EstimateIndex:
    """The raw estimates in the place of adjusted ones, of claims that describe the respondents as they are."""
    return EstimateIndex(raw.places, raw, frozenset(raw.places))


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
