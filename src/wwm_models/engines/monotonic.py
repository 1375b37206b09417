"""The maximum of the likelihood when the increments of an ordered predictor must not differ in sign.

For each direction (all increments at least zero, or at most zero) the maximum satisfies: free increments have their sign and a
gradient of zero, increments at zero have a gradient that does not point into the permitted side. An active set method starts
with all increments at zero, frees the one along which the likelihood rises most, maximises over the free ones, and returns to zero
any that would change sign. Where the log-likelihood is concave this ends at the one maximum; the better direction is kept.

Levels whose increment is zero are pooled: the fit is then the ordinary fit of the design in which they are one level, and its
standard errors are those of that design. They are conditional on the pooling, which is part of the estimate: close to a zero
increment the law of the estimate is not normal, and intervals of the neighbouring increments are too short.

References
----------
Lawson, C. L. and Hanson, R. J. (1974). Solving Least Squares Problems, chapter 23. Prentice-Hall. doi:10.1137/1.9781611971217
Silvapulle, M. J. and Sen, P. K. (2005). Constrained Statistical Inference, chapter 4. Wiley. doi:10.1002/9781118165614
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.loglikelihood import cell_likelihood
from wwm_models.engines.maximum import maximise_on, starting_point
from wwm_models.errors import FitError
from wwm_models.families import Family
from wwm_models.numerics.links import Link
from wwm_models.records import Cells, Design

Array = NDArray[np.float64]

MOST_TERMS = 6  # two directions for each term: 64 maximisations under signs
RISE = 1e-8  # of the log-likelihood per respondent and unit of an increment: below it nothing is gained by freeing it


@dataclass(frozen=True)
class _Search:
    """The model whose increments are bounded."""

    family: Family
    link: Link
    cells: Cells
    design: Design

    def maximum(self, pooled: frozenset[str]) -> tuple[float, dict[str, float]]:
        """Value and parameters by name, where these increments are zero."""
        design = self.reduced(pooled)
        likelihood = cell_likelihood(self.family, self.link, self.cells, design)
        with np.errstate(invalid="ignore", over="ignore"):  # on the way to a maximum at infinity
            found = maximise_on(likelihood, starting_point(self.family, likelihood, design))
        return found.maximum.value, dict(zip(design.names, found.theta.tolist(), strict=True))

    def gradient(self, values: Mapping[str, float]) -> dict[str, float]:
        """Derivative of the log-likelihood by every parameter, the pooled increments too."""
        likelihood = cell_likelihood(self.family, self.link, self.cells, self.design)
        theta = np.array([values.get(name, 0.0) for name in self.design.names])
        return dict(zip(self.design.names, likelihood.derivatives(theta)[0].tolist(), strict=True))

    def reduced(self, pooled: frozenset[str]) -> Design:
        """The design without these increments, in the order of the design."""
        assert self.design.without is not None
        return self.design.without(tuple(name for name in self.design.names if name in pooled))


def monotone_design(family: Family, link: Link, cells: Cells, design: Design, *, penalised: bool) -> Design:
    """The design in which the increments that monotony fixes at zero are left out; the design itself without monotonic terms.

    Parameters
    ----------
    family, link, cells, design
    penalised : bool
        A penalty has no version under signs.

    Raises
    ------
    FitError
        If a penalty is asked for, or there are too many monotonic terms.
    """
    if not design.monotone:
        return design
    if penalised:
        raise FitError("A penalised fit has no version for mo(): use C(x, Step), or leave the penalty out.")
    if len(design.monotone) > MOST_TERMS:
        raise FitError(
            f"The formula has {len(design.monotone)} mo() terms; at most {MOST_TERMS} can be searched for their directions. "
            "Use the variables themselves for the others."
        )
    search = _Search(family, link, cells, design)
    _, free = search.maximum(frozenset())
    if all(_one_sign([free[name] for name in names]) for names in design.monotone):
        return design
    found = [
        _active_set(search, {name: sign for names, sign in zip(design.monotone, signs, strict=True) for name in names})
        for signs in itertools.product((1.0, -1.0), repeat=len(design.monotone))
    ]
    return search.reduced(max(found, key=lambda one: one[0])[1])


def pooling_notes(design: Design) -> list[str]:
    """What a reader must know of the increments of a monotonic fit; empty without any."""
    if not design.monotone and not design.pooled:
        return []
    if not design.pooled:
        return ["Monotonic terms: no increment is at its bound, so the fit is that without the bound."]
    return [
        f"Monotonic terms: fixed at zero because they would turn the direction: {', '.join(design.pooled)}. Standard errors and tests "
        "take this pooling of levels as given, so they are too small near it."
    ]


def _one_sign(values: list[float]) -> bool:
    return all(np.isfinite(values)) and (min(values) >= 0.0 or max(values) <= 0.0)


def _active_set(search: _Search, signs: Mapping[str, float]) -> tuple[float, frozenset[str]]:
    """Value of the maximum under these signs, and the increments that are zero there."""
    pooled = frozenset(signs)
    value, values = search.maximum(pooled)
    for _ in range(3 * len(signs) ** 2 + 3):  # each round raises the likelihood; cycles are impossible but for rounding
        gradient = search.gradient(values)
        rising = {name: signs[name] * gradient[name] for name in pooled}
        if not rising or max(rising.values()) <= RISE * max(float(search.cells.weights.sum()), 1.0):
            break
        pooled -= {max(rising, key=lambda name: rising[name])}
        value, values, pooled = _inside(search, signs, values, pooled)
    return value, pooled


def _inside(
    search: _Search, signs: Mapping[str, float], old: Mapping[str, float], pooled: frozenset[str]
) -> tuple[float, dict[str, float], frozenset[str]]:
    """Maximise over the free increments, going back to zero with those that would leave their side first."""
    while True:
        value, new = search.maximum(pooled)
        outside = [name for name in signs if name not in pooled and signs[name] * new[name] <= 0.0]
        if not outside:
            return value, new, pooled
        steps = {name: old.get(name, 0.0) / (old.get(name, 0.0) - new[name]) if new[name] else 1.0 for name in outside}
        length = min(steps.values())
        old = {name: old.get(name, 0.0) + length * (new[name] - old.get(name, 0.0)) for name in new}
        pooled |= {name for name in outside if steps[name] <= length}
