"""Estimates that references can be looked up in, with the joint law of any two of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from wwm_models.article.reader import Reference
from wwm_models.engines.covariance import covariance, joined
from wwm_models.records import Estimates, Influence

Array = NDArray[np.float64]
Key = tuple[str, str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Located:
    """One number: where it stands and what it is.

    Attributes
    ----------
    estimate, std_error, lower, upper : float
        In 0..1.
    contributions : Influence or None
        With a single column.
    df : float
    """

    estimate: float
    std_error: float
    lower: float
    upper: float
    contributions: Influence | None
    df: float


@dataclass(frozen=True, eq=False)
class Pool:
    """All estimates of one kind (raw, or adjusted under one estimand), found by reference."""

    places: Mapping[Key, tuple[Estimates, int]] = field(default_factory=dict)

    def find(self, reference: Reference) -> Located | None:
        """The number a reference means, or None where there is none."""
        place = self.places.get(_key(reference.outcome, reference.category, reference.group))
        if place is None:
            return None
        estimates, row = place
        values = estimates.table.iloc[row]
        if not np.isfinite(values["estimate"]):
            return None
        own = estimates.contributions
        if own is not None:
            own = replace(own, values=own.values[:, [row]])
        return Located(
            float(values["estimate"]),
            float(values["std_error"]),
            float(values["lower"]),
            float(values["upper"]),
            own,
            estimates.df,
        )


def pool_of(every: Iterable[Estimates]) -> Pool:
    """Index estimates by outcome, category and group; a later one replaces an earlier one of the same place."""
    places: dict[Key, tuple[Estimates, int]] = {}
    for estimates in every:
        groups = estimates.table[list(estimates.by)].astype(str).to_dict(orient="records")
        pairs = zip(estimates.table["outcome"], estimates.table["category"], groups, strict=True)
        for row, (outcome, category, group) in enumerate(pairs):
            places[_key(str(outcome), str(category), tuple((str(k), str(v)) for k, v in group.items()))] = (
                estimates,
                row,
            )
    return Pool(places)


def joint_covariance(parts: list[Located]) -> Array:
    """Covariance of several numbers from the influence of the same respondents; independent where unknown.

    Parameters
    ----------
    parts : list of Located

    Returns
    -------
    (m, m) array
    """
    known = [part.contributions for part in parts]
    if any(influence is None for influence in known):
        return np.diag([part.std_error**2 for part in parts])
    together = known[0]
    for influence in known[1:]:
        assert together is not None and influence is not None  # noqa: PT018
        together = joined(together, influence)
    assert together is not None
    return covariance(together)


def _key(outcome: str, category: str, group: tuple[tuple[str, str], ...]) -> Key:
    return outcome, category, frozenset(group)
