"""What is completed, from what: the variables with missing answers, their predictors, and integer codes.

Every variable is an array of codes and a small table of what each code contributes to a linear predictor: dummies for answers
(the first level left out), one standardised column for a number. A number with at most 30 different values can be completed, as
an ordered answer with these values; others can predict but not be completed. The log of the weight and the stratum are
predictors too, because imputations that ignore the design are not proper under it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import finite_number
from wwm_models.errors import ImputationError, did_you_mean, listed
from wwm_models.numerics.arrays import Codes
from wwm_models.survey.frames import refuse_infinite, refuse_kind
from wwm_models.survey.survey import Survey

MOST_VALUES: Final = 30
MOST_STRATA: Final = 20


@dataclass(frozen=True, eq=False)
class CodedColumn:
    """A variable as codes.

    Attributes
    ----------
    codes : (n,) int array
        -1 where missing.
    levels : Index or array
        Categories, or different numbers in order.
    block : (levels, columns) array
        What each code adds to the row of a design.
    """

    codes: Codes
    levels: Any
    block: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class IncompleteVariable:
    """A variable to complete.

    Attributes
    ----------
    name : str
    family : {"cumulative", "multinomial"}
    levels : Index or array
    missing : (n,) bool array
        Rows of the domain to complete.
    predictors : tuple of str
        Names of columns.
    """

    name: str
    family: str
    levels: Any
    missing: NDArray[np.bool_]
    predictors: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """Targets from the fewest missing answers to the most, and the columns they stand in."""

    targets: tuple[IncompleteVariable, ...]
    columns: Mapping[str, CodedColumn]


def plan_of(survey: Survey, variables: Sequence[str] | None, predictors: Sequence[str] | None) -> Plan:
    """Give the plan for a survey.

    Raises
    ------
    ImputationError
        If a name is unknown, or a number to complete has too many different values.
    """
    names = [str(name) for name in survey.frame.columns]
    _check_names(names, [*(variables or ()), *(predictors or ())])
    absent = {name: survey.frame[name].isna().to_numpy() & survey.domain for name in names}
    chosen = [name for name in (variables if variables is not None else names) if absent[name].any()]
    used = list(dict.fromkeys([*chosen, *(predictors if predictors is not None else names)]))
    for name in used:
        refuse_kind(survey.frame[name], name, "Variable", ImputationError)
        if _number(survey.frame[name]):
            refuse_infinite(survey.frame[name].to_numpy(dtype=np.float64), name, "Variable", ImputationError)
    for name in chosen:
        _check_values(survey.frame[name], name)
    columns = {name: column_of(survey.frame[name]) for name in used} | _design_columns(survey)
    varying = [
        name
        for name, column in columns.items()
        if len(np.unique(column.codes[survey.domain & (column.codes >= 0)])) > 1
    ]
    targets = [
        IncompleteVariable(
            name=name,
            family="multinomial" if _nominal(survey.frame[name]) else "cumulative",
            levels=columns[name].levels,
            missing=absent[name],
            predictors=tuple(other for other in varying if other != name),
        )
        for name in chosen
    ]
    return Plan(tuple(sorted(targets, key=lambda target: int(target.missing.sum()))), columns)


def answers_of(survey: Survey) -> list[str]:
    """Give the names of all variables but a column of frequencies: how many gave the same answers says nothing of one of them."""
    names = [str(name) for name in survey.frame.columns]
    if survey.tally is None:
        return names
    numbers = {
        name: pd.to_numeric(survey.frame[name], errors="coerce") for name in names if _number(survey.frame[name])
    }
    return [name for name in names if name not in numbers or not np.array_equal(numbers[name], survey.counts)]


def _number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not isinstance(column.dtype, pd.CategoricalDtype)


def column_of(series: pd.Series) -> CodedColumn:
    """Give the codes of a variable, and what each contributes to a predictor."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels, codes = series.cat.categories, series.cat.codes.to_numpy().astype(np.intp)
    else:
        codes, levels = pd.factorize(series, sort=True)
        codes = codes.astype(np.intp)
        if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
            values = np.asarray(levels, dtype=np.float64)
            spread = values[codes[codes >= 0]]
            scale = float(spread.std()) if len(spread) else 0.0
            return CodedColumn(
                codes, levels, ((values - (spread.mean() if len(spread) else 0.0)) / (scale or 1.0))[:, None]
            )
    return CodedColumn(codes, levels, np.eye(len(levels))[:, 1:])


def _check_names(known: list[str], names: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ImputationError(
                f'"{name}" is not a variable of this survey. Known: {listed(known, 40)}.{did_you_mean(name, known)} Repair the name.'
            )


def _check_values(column: pd.Series, name: str) -> None:
    if _number(column) and column.nunique() > MOST_VALUES:
        raise ImputationError(
            f'"{name}" is a number with {column.nunique()} different values and {int(column.isna().sum())} missing ones. Expected at '
            f"most {MOST_VALUES} to complete it by an ordered model. Cut it into groups, or leave it out of `variables`."
        )
    if column.nunique() < 2:
        raise ImputationError(
            f'"{name}" has {column.nunique()} different answers where it is known, so nothing can be learnt of the '
            f"{int(column.isna().sum())} that are missing. Leave it out of `variables`."
        )


def _nominal(column: pd.Series) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return not column.cat.ordered and len(column.cat.categories) > 2
    return not pd.api.types.is_numeric_dtype(column.dtype) and column.nunique() > 2


def _design_columns(survey: Survey) -> dict[str, CodedColumn]:
    made: dict[str, CodedColumn] = {}
    inside = survey.own_weights[survey.domain & (survey.weights > 0)]
    if survey.weight_kind == "sampling" and len(np.unique(inside)) > 1:
        made["log of the weight"] = column_of(pd.Series(np.log(np.maximum(survey.own_weights, inside.min()))))
    if survey.design is not None:
        strata = survey.design.strata[:, 0]
        if 1 < len(np.unique(strata[survey.domain])) <= MOST_STRATA:
            made["stratum"] = column_of(pd.Series(pd.Categorical(strata)))
    return made


def shifts_of(delta: Mapping[str, Any] | None, plan: Plan) -> dict[str, NDArray[np.float64]]:
    """Give, for each target, what is added to the log odds of its answers.

    A number moves an ordered answer up (a shift of the cumulative log odds, the same for all cut points); a table of levels
    moves these levels of a nominal answer.

    Returns
    -------
    dict of target name to (1,) or (levels,) array
    """
    found: dict[str, NDArray[np.float64]] = {}
    targets = {target.name: target for target in plan.targets}
    for name, shift in (delta or {}).items():
        if name not in targets:
            raise ImputationError(
                f'delta names "{name}", which is not completed. Completed: {listed(targets) or "nothing"}.{did_you_mean(name, targets)} '
                "Repair the name."
            )
        levels = [str(level) for level in targets[name].levels]
        if targets[name].family == "cumulative":
            if isinstance(shift, Mapping):
                raise ImputationError(
                    f'delta of "{name}": a table of levels. Expected one number: the answers are ordered.'
                )
            found[name] = np.array([finite_number(shift, f'delta of "{name}"', ImputationError)])
            continue
        if not isinstance(shift, Mapping) or not set(map(str, shift)) <= set(levels):
            raise ImputationError(
                f'delta of "{name}" is {shift!r}. Expected a table of some of its levels ({listed(levels, 20)}) with a shift of each.'
            )
        shifts = {str(level): one for level, one in shift.items()}
        found[name] = np.array(
            [
                finite_number(shifts.get(level, 0.0), f'delta of "{name}" = "{level}"', ImputationError)
                for level in levels
            ]
        )
    return found
