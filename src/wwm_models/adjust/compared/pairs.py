"""Which rows of a table of estimates are compared with which."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import AdjustError, did_you_mean, listed


def compared_rows(
    table: pd.DataFrame, by: tuple[str, ...], variable: str, reference: str | None, *, pairwise: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the rows compared: the same answer and the same other groups, two levels of the variable.

    Parameters
    ----------
    table : DataFrame
        With the by-variables and ``category``.
    by : tuple of str
    variable : str
        Of `by`.
    reference : str or None
        Level to compare the others with; the first unless given.
    pairwise : bool
        Every level with every earlier one instead.

    Raises
    ------
    AdjustError
        If the variable or the reference is not there, or the variable has one level.
    """
    if variable not in by:
        raise AdjustError(
            f'These estimates are by {listed(by) or "nothing"}, not by "{variable}".{did_you_mean(variable, by)} Name one of those.'
        )
    levels = list(dict.fromkeys(table[variable]))
    if reference is None:
        base = levels[0]
    else:
        named = {str(level): level for level in levels}
        if str(reference) not in named:
            raise AdjustError(
                f'reference "{reference}" is not a level of {variable}. Levels: {listed(levels, 30)}.{did_you_mean(str(reference), named)}'
            )
        base = named[str(reference)]
    chosen = (
        [(b, a) for a, b in itertools.combinations(levels, 2)] if pairwise else [(a, base) for a in levels if a != base]
    )
    rest = [name for name in (*by, "category") if name != variable]
    rows = {key: number for number, key in enumerate(table[[variable, *rest]].itertuples(index=False, name=None))}
    others = list(dict.fromkeys(table[rest].itertuples(index=False, name=None)))
    pairs = [(rows[(a, *other)], rows[(b, *other)]) for a, b in chosen for other in others]
    if not pairs:
        raise AdjustError(f'"{variable}" has a single level ({listed(levels)}); there is nothing to compare.')
    first, second = np.array(pairs, dtype=np.intp).T
    return first, second
