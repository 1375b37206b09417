"""Conditions of the codebook as expressions of the engine, whose own logic of nulls is the three-valued one of ``rules``."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from wwm_models.records.survey import Variable
from wwm_models.survey.rules import KNOWN, ORDERS, Comparison, Condition, Joined

_COMPARE: Final[dict[str, Callable[[Any, list[float]], Any]]] = {
    **ORDERS,
    "in": lambda x, v: x.isin(v),
    "not in": lambda x, v: ~x.isin(v),
}


def truth_expression(condition: Condition, variables: Mapping[str, Variable], values: Mapping[str, Any]) -> Any:
    """Give an expression that is true, false, or null where it is not known.

    Parameters
    ----------
    condition : Condition
        Already checked.
    variables : mapping of name to Variable
    values : mapping of name to expression
        Numbers as they are; answers as their place among the levels, from 0; null where missing.
    """
    return _truth(condition.tree, variables, values)


def _truth(node: Comparison | Joined, variables: Mapping[str, Variable], values: Mapping[str, Any]) -> Any:
    if isinstance(node, Comparison):
        return _compared(node, variables[node.variable], values[node.variable])
    parts = [_truth(part, variables, values) for part in node.parts]
    if node.word == "not":
        return ~parts[0]
    return functools.reduce(operator.and_ if node.word == "and" else operator.or_, parts)


def _compared(part: Comparison, variable: Variable, value: Any) -> Any:
    if part.operator == KNOWN:
        return value.notnull()
    levels = [level.id for level in variable.levels]
    return _COMPARE[part.operator](value, [levels.index(v) if isinstance(v, str) else v for v in part.values])
