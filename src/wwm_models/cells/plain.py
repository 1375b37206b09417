"""Columns of plain formulas, straight from integer codes: sums of variables and of their interactions.

A formula is plain when it is made of variable names joined by ``+``, ``:`` and ``*``, and every part of an interaction is a term
too. Then each group enters by indicators of all its levels but the first (treatment coding), as patsy would code it, and a law
holds both equal. Everything else is patsy's.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import ModelError, listed
from wwm_models.records import Columns
from wwm_models.records.columns import refuse_infinite, refuse_kind
from wwm_models.records.naming import as_read

Array = NDArray[np.float64]
Term = tuple[str, ...]
_PLAIN = re.compile(r"[^\W\d]\w*(\s*[:*]\s*[^\W\d]\w*)*|1")


@lru_cache(maxsize=64)
def plain_terms(right_side: str, groups: tuple[str, ...]) -> tuple[Term, ...] | None:
    """Terms of a plain formula in patsy's order, or None where it is not plain.

    Parameters
    ----------
    right_side : str
    groups : tuple of str
        Variables that are categorical.

    Examples
    --------
    >>> plain_terms("a * b + x", ("a", "b"))
    (('a',), ('b',), ('a', 'b'), ('x',))
    >>> plain_terms("a:b", ("a", "b")) is None
    True
    """
    found: dict[frozenset[str], Term] = {}
    for piece in right_side.split("+"):
        if not _PLAIN.fullmatch(piece.strip()) or (":" in piece and "*" in piece):
            return None
        names = tuple(dict.fromkeys(re.findall(r"[^\W\d]\w*", piece)))
        sizes = range(1, len(names) + 1) if "*" in piece else [len(names)]
        for term in itertools.chain.from_iterable(itertools.combinations(names, size) for size in sizes):
            if term:
                found.setdefault(frozenset(term), term)
    for names in found:
        if any(names - {name} and names - {name} not in found for name in names):
            return None
    numeric = list(dict.fromkeys(names - set(groups) for names in found))
    numeric.sort(key=bool)  # purely categorical terms first
    return tuple(sorted(found.values(), key=lambda term: (numeric.index(frozenset(term) - set(groups)), len(term))))


class Grouped(NamedTuple):
    """A group variable: the position of each row's level among `levels`."""

    codes: NDArray[np.integer[Any]]
    levels: tuple[Any, ...]


def grouped_as(values: Any, levels: tuple[Any, ...], name: str) -> Grouped:
    """The values as positions among the fit's levels, matched by how they read (`as_read`)."""
    if isinstance(values, Grouped):
        given = values
    else:
        if not isinstance(values, pd.Categorical):
            refuse_kind(pd.Series(values), name, "Predictor", ModelError)
        grouped = values if isinstance(values, pd.Categorical) else pd.Categorical(values)
        given = Grouped(grouped.codes, tuple(grouped.categories))
    if given.levels == levels:
        return given
    by_text = {as_read(level): code for code, level in enumerate(levels)}
    place = np.array([by_text.get(as_read(level), -1) for level in given.levels], dtype=np.intp)
    codes = place[given.codes]
    if (codes < 0).any():
        unknown = sorted({str(given.levels[code]) for code in given.codes[codes < 0]})
        raise ModelError(
            f'"{name}" has the level {listed(unknown)}, which the fit has not. Its levels: {listed(levels, most=30)}.'
        )
    return Grouped(codes, levels)


def numbers_as(values: Any, name: str) -> Array:
    """The values of a predictor that is a number in the fit; levels that are numbers, or texts of numbers, count as these.

    Raises
    ------
    ModelError
        If one is no number: a position among levels would be taken for one.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        made = values.astype(np.float64, copy=False)
    else:
        grouped = isinstance(values, Grouped | pd.Categorical)
        if not grouped:
            refuse_kind(pd.Series(values), name, "Predictor", ModelError)
        given = values if grouped else pd.Categorical(values)
        levels = given.levels if isinstance(given, Grouped) else given.categories
        made = np.array([*(_number(level, name) for level in levels), np.nan])[given.codes]
    refuse_infinite(made, name, "Predictor", ModelError)
    return made


def _number(level: Any, name: str) -> float:
    try:
        return float(level)
    except (TypeError, ValueError):
        raise ModelError(
            f'"{name}" holds "{level}", and the fit took it for a number. Expected numbers. Give the variable as it was fitted, or fit the '
            "model on groups."
        ) from None


def as_categorical(values: Grouped) -> Any:
    """The values as pandas knows them."""
    return pd.Categorical.from_codes(values.codes, dtype=pd.CategoricalDtype(list(values.levels)))


def as_frame(columns: Columns) -> pd.DataFrame:
    """The columns as a frame, groups as Categoricals."""
    if isinstance(columns, pd.DataFrame):
        return columns
    return pd.DataFrame(
        {name: as_categorical(values) if isinstance(values, Grouped) else values for name, values in columns.items()}
    )


@dataclass(frozen=True)
class PlainColumns:
    """The columns of plain terms.

    Attributes
    ----------
    terms : tuple of tuples of names
    levels : mapping of group to its levels
    """

    terms: tuple[Term, ...]
    levels: Mapping[str, tuple[Any, ...]]

    def names(self) -> list[tuple[str, str]]:
        """Name and term of every column."""
        return [
            (":".join(reversed(parts)), ":".join(term))
            for term in self.terms
            for parts in itertools.product(*(self._labels(name) for name in reversed(term)))
        ]

    def __call__(self, variables: Mapping[str, Any], rows: int) -> Array:
        """(rows, columns) array of these variables: `Grouped` with the fit's levels, or numbers."""
        single = {name: self._single(variables[name]) for name in {name for term in self.terms for name in term}}
        blocks = [self._product([single[name] for name in term], rows) for term in self.terms]
        return np.concatenate([block.T for block in blocks]).T if blocks else np.zeros((rows, 0))

    def _labels(self, name: str) -> list[str]:
        return [f"{name}[{level}]" for level in self.levels[name][1:]] if name in self.levels else [name]

    def _single(self, values: Any) -> Array:
        if not isinstance(values, Grouped):
            return np.asarray(values, dtype=np.float64)[:, None]
        return (values.codes == np.arange(1, len(values.levels))[:, None]).astype(np.float64).T

    def _product(self, parts: list[Array], rows: int) -> Array:
        """All products of columns, those of the first part varying fastest."""
        result = parts[0]
        for part in parts[1:]:
            result = (part[:, :, None] * result[:, None, :]).reshape(rows, -1)
        return result
