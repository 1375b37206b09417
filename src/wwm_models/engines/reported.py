"""Parameters as they are reported: also those of cut points beside an answer that nobody gave."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.records import Cells, Design

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reported:
    """Parameters by their public names.

    Attributes
    ----------
    params : Series
    vcov : DataFrame
        Missing for an infinite parameter.
    notes : tuple of str
    """

    params: pd.Series
    vcov: pd.DataFrame
    notes: tuple[str, ...] = ()


def reported_parameters(theta: Array, theta_vcov: Array, cells: Cells, design: Design, *, reverse: bool) -> Reported:
    """Give every cut point its place.

    An increment that a monotonic term has pooled is zero, without a standard error.
    An empty answer in the middle makes its two cut points equal; an empty first or last answer puts its cut point at
    minus or plus infinity. Intercepts of a multinomial model have no such order; an empty answer has no parameters.

    Parameters
    ----------
    theta, theta_vcov : (p,) and (p, p) arrays
    cells, design : records
    reverse : bool
        Whether the answers are read backwards.
    """
    found = _fitted_parameters(theta, theta_vcov, cells, design, reverse=reverse)
    if not design.pooled:
        return found
    names = [*found.params.index, *design.pooled]
    params = found.params.reindex(names, fill_value=0.0)
    return Reported(params, found.vcov.reindex(index=names, columns=names), found.notes)


def _fitted_parameters(theta: Array, theta_vcov: Array, cells: Cells, design: Design, *, reverse: bool) -> Reported:
    used = list(design.order)
    expected = [f"{cells.categories[a]}|{cells.categories[b]}" for a, b in itertools.pairwise(used)]
    flexible = list(design.names[: len(expected)]) == expected
    if len(used) == len(cells.categories) or not flexible:
        return _named(theta, theta_vcov, list(design.names), np.eye(len(theta)), {})
    every = list(range(len(cells.categories)))[:: -1 if reverse else 1]
    names: list[str] = []
    source: list[int | None] = []
    infinite: dict[str, float] = {}
    for position in range(len(every) - 1):
        name = f"{cells.categories[every[position]]}|{cells.categories[every[position + 1]]}"
        passed = sum(answer in used for answer in every[: position + 1])
        names.append(name)
        inside = 0 < passed < len(used)
        source.append(passed - 1 if inside else None)
        if not inside:
            infinite[name] = -np.inf if passed == 0 else np.inf
    slopes = range(len(expected), len(theta))
    rows = [*source, *slopes]
    spread = np.zeros((len(rows), len(theta)))
    for row, column in enumerate(rows):
        if column is not None:
            spread[row, column] = 1.0
    return _named(theta, theta_vcov, [*names, *(design.names[j] for j in slopes)], spread, infinite)


def _named(theta: Array, theta_vcov: Array, names: list[str], spread: Array, infinite: dict[str, float]) -> Reported:
    index = pd.Index(names, dtype=object)
    params = pd.Series(spread @ theta, index=index, name="estimate")
    vcov = pd.DataFrame(spread @ theta_vcov @ spread.T, index=index, columns=index)
    for name, value in infinite.items():
        params[name] = value
        vcov.loc[name, :] = np.nan
        vcov.loc[:, name] = np.nan
    return Reported(params, vcov)
