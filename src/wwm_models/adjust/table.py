"""Arrays of estimates to the tidy table every caller reads: one shape for raw, adjusted, contrasts and slopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import shortened
from wwm_models.errors import AdjustError, did_you_mean, group_in_words, listed
from wwm_models.numerics import intervals
from wwm_models.records import ESTIMATE_COLUMNS, Cells
from wwm_models.records.naming import refuse_collapse_name, refuse_column_name

Array = NDArray[np.float64]
Collapses = Mapping[str, Sequence[str]]


def names_of(by: str | Sequence[str] | None) -> tuple[str, ...]:
    """`by` as a tuple of names: a name, several, or none.

    Examples
    --------
    >>> names_of("age"), names_of(None), names_of(["age", "sex"])
    (('age',), (), ('age', 'sex'))
    """
    if by is None:
        return ()
    given: object = by
    names: tuple[Any, ...] = (given,)
    if not isinstance(given, str | Mapping) and isinstance(given, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        names = tuple(cast("Iterable[object]", given))
    if not all(isinstance(name, str) for name in names):
        raise AdjustError(
            f"by={shortened(by)} names no variables. Expected a name, or a list of names. Write them as texts."
        )
    if len(set(names)) < len(names):
        raise AdjustError(f"by={shortened(by)} names a variable twice. Expected each once. Leave the second out.")
    for name in names:
        refuse_column_name(name, "a by-variable", AdjustError)
    return names


def group_frame(levels: Mapping[str, Any]) -> pd.DataFrame:
    """Every combination of the levels of several variables, the last varying fastest; one row for no variable.

    Parameters
    ----------
    levels : mapping of variable to its levels
        A pandas Index of categories, or numbers.
    """
    sizes = [len(values) for values in levels.values()]
    count = int(np.prod(sizes))
    places = np.indices(sizes).reshape(len(sizes), count)
    columns = {
        name: pd.Categorical.from_codes(place, categories=values)
        if isinstance(values, pd.Index)
        else np.asarray(values)[place]
        for (name, values), place in zip(levels.items(), places, strict=True)
    }
    return pd.DataFrame(columns, index=range(count))


def places_of(outcome: str, groups: pd.DataFrame, categories: Sequence[str]) -> list[str]:
    """Every number of a table in words, answers varying fastest, as the ledger names them.

    Examples
    --------
    >>> places_of("desired", pd.DataFrame({"age": ["18-34"]}), ["never", "daily"])
    ['desired = never (age 18-34)', 'desired = daily (age 18-34)']
    """
    named = [group_in_words(row.items()) for row in groups.to_dict("records")]
    return [f"{outcome} = {category} ({name})" for name in named for category in categories]


def groups_of_patterns(cells: Cells, groups: pd.DataFrame) -> NDArray[np.intp]:
    """Row of `groups` (made by `group_frame`) to which each pattern belongs, -1 where none: (P,) array."""
    place = np.zeros(len(cells.weights), dtype=np.intp)
    outside = np.zeros(len(place), dtype=bool)
    for name in groups.columns:
        wanted, values = groups[name].array, cells.columns[str(name)]
        if isinstance(wanted, pd.Categorical):
            texts = {str(level): position for position, level in enumerate(wanted.categories)}
            position = np.array([texts.get(str(level), -1) for level in values.categories], dtype=np.intp)[values.codes]
            size = len(wanted.categories)
        else:
            sorted_values = np.unique(np.asarray(wanted))
            position = np.searchsorted(sorted_values, values)
            size = len(sorted_values)
        outside |= position < 0
        place = place * size + position
    return np.where(outside, -1, place)


def collapse_matrix(categories: Sequence[str], collapses: Collapses | None) -> tuple[Array, list[str]]:
    """Rows that give each answer and each declared collapse of answers.

    Returns
    -------
    (K + collapses, K) array of zeros and ones
    list of str
        Names of the rows.

    Raises
    ------
    AdjustError
        If a collapse names an answer that is not there.
    """
    rows, names = [np.eye(len(categories))], list(categories)
    for name, members in (collapses or {}).items():
        refuse_collapse_name(name, names, AdjustError)
        for member in members:
            if member not in categories:
                raise AdjustError(
                    f'Collapse "{name}" names the answer "{member}", which is not there. Answers: {listed(categories, 30)}.'
                    f"{did_you_mean(member, categories)}"
                )
        rows.append(np.array([[float(category in members) for category in categories]]))
        names.append(name)
    return np.concatenate(rows), names


def probability_limits(
    estimate: Array, std_error: Array, n_effective: Array, *, level: float, df: Array, interval: str
) -> tuple[Array, Array]:
    """Limits by the named method; an estimate of 0 or 1 gets Korn-Graubard limits unless "wald" was asked for.

    Without degrees of freedom, (m,), there are none.

    Raises
    ------
    AdjustError
        If `interval` is not "logit" or "wald", or `level` is not between 0 and 1.
    """
    if interval not in ("logit", "wald"):
        raise AdjustError(
            f'interval="{interval}" is not known. Expected "logit" or "wald".{did_you_mean(interval, ["logit", "wald"])}'
        )
    critical = intervals.critical_values(level, df)
    if interval == "wald":
        return intervals.wald_limits(estimate, std_error, critical)
    lower, upper = intervals.logit_limits(estimate, std_error, critical)
    edge = ((estimate <= 0.0) | (estimate >= 1.0)) & (df > 0)
    if edge.any():
        exact = intervals.clopper_pearson_limits(estimate, np.maximum(n_effective, 1e-9), level)
        lower, upper = np.where(edge, exact[0], lower), np.where(edge, exact[1], upper)
    return lower, upper


def probability_table(
    groups: pd.DataFrame,
    names: Sequence[str],
    columns: Mapping[str, Any],
    *,
    outcome: str,
    level: float,
    method: str,
    estimand: str,
) -> pd.DataFrame:
    """Assemble the table of G groups x answers, answers varying fastest.

    Parameters
    ----------
    groups : DataFrame, G rows
    names : sequence of str
        Answers and collapses, M of them.
    columns : mapping
        ``estimate, std_error, lower, upper, count, n, n_effective``, each (G * M,).
    outcome, level, method, estimand
    """
    rows = np.repeat(np.arange(len(groups)), len(names))
    constant = {"outcome": outcome, "category": np.tile(np.array(names, dtype=object), len(groups)), "level": level}
    values = {**columns, **constant, "method": method, "estimand": estimand}
    by = {str(name): groups[name].array[rows] for name in groups.columns}
    return pd.DataFrame({**by, **{column: values[column] for column in ESTIMATE_COLUMNS}}, index=range(len(rows)))
