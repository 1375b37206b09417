"""A small language of conditions on declared variables, read without ever running it.

A condition compares a variable with a quoted answer, a number or a list of these, and joins comparisons with ``and``,
``or``, ``not`` and parentheses: ``partner == 'no' and (children == 0 or household_size in [1, 2])``. ``partner is known``
is true for everyone who has an answer and false, never unknown, for the others.

Missing values follow three-valued logic (Kleene): a comparison with a missing value is *unknown*; ``and`` is false as
soon as one side is false, ``or`` true as soon as one side is true, and everything else with an unknown side is unknown.
So ``partner == 'no' and children == 0`` is false, not unknown, for somebody with a partner whose children are not known.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import DeclarationError, did_you_mean, listed
from wwm_models.numerics.arrays import Flags

if TYPE_CHECKING:
    from wwm_models.survey.survey import Variable


Value = str | float
Columns = Mapping[str, NDArray[np.float64]]

_OPERATORS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
ORDERS: Final[dict[str, Callable[[Any, Any], Any]]] = {  # of arrays, and of an engine's expressions
    "==": lambda x, v: x == v[0],
    "!=": lambda x, v: x != v[0],
    "<": lambda x, v: x < v[0],
    "<=": lambda x, v: x <= v[0],
    ">": lambda x, v: x > v[0],
    ">=": lambda x, v: x >= v[0],
}
_COMPARE: Final[dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], Flags]]] = {
    **ORDERS,
    "in": lambda x, v: np.isin(x, v),
    "not in": lambda x, v: ~np.isin(x, v),
}
KNOWN: Final = "is known"
_MOST_CHARACTERS: Final = 1000  # keeps the tree shallow enough to walk
_EXPECTED: Final = (
    "Expected comparisons (== != < <= > >= in) of a declared variable with a quoted answer, a number or a list, "
    "joined by and, or, not and parentheses"
)


@dataclass(frozen=True)
class ComparisonCondition:
    """``variable operator values``, for example ``partner == 'no'``."""

    variable: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Joined:
    """Parts joined by "and" or "or"; "not" has one part."""

    word: str
    parts: tuple[ComparisonCondition | Joined, ...]


Node = ComparisonCondition | Joined


@dataclass(frozen=True)
class Condition:
    """A condition as the user wrote it, and as it was understood."""

    text: str
    tree: Node


@dataclass(frozen=True, eq=False)
class SatisfyingRows:
    """Which rows satisfy a condition and which do not; rows in neither are unknown.

    Attributes
    ----------
    yes, no : (n,) bool arrays
        Never both true.
    """

    yes: Flags
    no: Flags

    @property
    def unknown(self) -> Flags:
        """(n,) rows of which nothing can be said."""
        return ~(self.yes | self.no)


def read_condition(text: str, where: str) -> Condition:
    """Give a condition from its text.

    Raises
    ------
    DeclarationError
        If the text is anything else than comparisons and the words that join them.

    Examples
    --------
    >>> read_condition("children > 0", "codebook.toml").tree
    ComparisonCondition(variable='children', operator='>', values=(0.0,))
    """
    if len(text) > _MOST_CHARACTERS:
        raise DeclarationError(
            f"{where}: a condition of {len(text)} characters. Expected at most {_MOST_CHARACTERS}. Make a variable of "
            "a part of it, and use that variable."
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _unreadable(text, where) from None
    return Condition(text, _node(tree, text, where))


def names_in(condition: Condition) -> tuple[str, ...]:
    """Give the variables of a condition, each once, in order."""
    return tuple(dict.fromkeys(part.variable for part in _comparisons(condition.tree)))


def check_condition(condition: Condition, variables: Mapping[str, Variable], where: str) -> None:
    """Refuse unknown variables, answers a variable does not have, and comparisons that mean nothing."""
    for part in _comparisons(condition.tree):
        if part.variable not in variables:
            raise DeclarationError(
                f'{where}: the condition "{condition.text}" uses "{part.variable}", which is not a declared variable. '
                f"Declared: {listed(variables, most=40)}.{did_you_mean(part.variable, variables)} Repair the name, or "
                f"declare [variables.{part.variable}]."
            )
        _check_values(part, variables[part.variable], f'{where}: the condition "{condition.text}"')


def truth_of(condition: Condition, variables: Mapping[str, Variable], columns: Columns) -> SatisfyingRows:
    """Give, for every row, whether the condition holds.

    Parameters
    ----------
    condition : Condition
        Already checked.
    variables : mapping of name to Variable
    columns : mapping of name to (n,) array
        Numbers as they are; answers as their place among the levels, from 0; nan where missing.
    """
    return _truth(condition.tree, variables, columns)


def _node(tree: ast.expr, text: str, where: str) -> Node:
    match tree:
        case ast.BoolOp(op=op, values=parts):
            return Joined("and" if isinstance(op, ast.And) else "or", tuple(_node(part, text, where) for part in parts))
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return Joined("not", (_node(part, text, where),))
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Is()], comparators=[ast.Name(id="known")]):
            return ComparisonCondition(name, KNOWN, ())
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            operator = _OPERATORS[type(op)]
            several = isinstance(right, ast.List | ast.Tuple)
            if several != operator.endswith("in"):
                raise _unreadable(text, where)
            values = right.elts if isinstance(right, ast.List | ast.Tuple) else [right]
            return ComparisonCondition(name, operator, tuple(_value(value, text, where) for value in values))
        case _:
            raise _unreadable(text, where)


def _value(tree: ast.expr, text: str, where: str) -> Value:
    match tree:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if not isinstance(
            value, bool
        ):
            return -float(value)
        case ast.Constant(value=str() as value):
            return value
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return float(value)
        case _:
            raise _unreadable(text, where)


def _unreadable(text: str, where: str) -> DeclarationError:
    return DeclarationError(
        f'{where}: the condition "{text}" cannot be read. {_EXPECTED}, for example "age >= 18 and partner == \'no\'". '
        "Rewrite it in that form."
    )


def _comparisons(node: Node) -> Iterator[ComparisonCondition]:
    if isinstance(node, ComparisonCondition):
        yield node
        return
    for part in node.parts:
        yield from _comparisons(part)


def _check_values(part: ComparisonCondition, variable: Variable, where: str) -> None:
    """Hold the values of a comparison against what the variable can be."""
    name, levels = variable.name, [level.id for level in variable.levels]
    if variable.kind == "nominal" and part.operator in {"<", "<=", ">", ">="}:
        raise DeclarationError(
            f'{where} uses {part.operator} on "{name}", which is nominal. Expected == or != or in for answers '
            "without an "
            'order. Compare otherwise, or declare kind = "ordered".'
        )
    for value in part.values:
        if variable.kind == "number" and isinstance(value, str):
            raise DeclarationError(
                f'{where} compares "{name}" with the text "{value}", and "{name}" is a number. Expected a number. '
                "Remove the quotes, or declare the variable with levels."
            )
        if variable.kind != "number" and value not in levels:
            shown = f'"{value}"' if isinstance(value, str) else f"the number {value:g}"
            raise DeclarationError(
                f'{where} compares "{name}" with {shown}, which is not one of its levels. Expected one of: '
                f"{listed(levels, most=40)}.{did_you_mean(str(value), levels)} Write the id of a level between quotes."
            )


def _truth(node: Node, variables: Mapping[str, Variable], columns: Columns) -> SatisfyingRows:
    if isinstance(node, ComparisonCondition):
        return _compared(node, variables[node.variable], columns[node.variable])
    parts = [_truth(part, variables, columns) for part in node.parts]
    if node.word == "not":
        return SatisfyingRows(parts[0].no, parts[0].yes)
    yes, no = [part.yes for part in parts], [part.no for part in parts]
    if node.word == "and":
        return SatisfyingRows(np.logical_and.reduce(yes), np.logical_or.reduce(no))
    return SatisfyingRows(np.logical_or.reduce(yes), np.logical_and.reduce(no))


def _compared(part: ComparisonCondition, variable: Variable, column: NDArray[np.float64]) -> SatisfyingRows:
    levels = [level.id for level in variable.levels]
    values = np.array(
        [levels.index(value) if isinstance(value, str) else value for value in part.values], dtype=np.float64
    )
    known = ~np.isnan(column)
    if part.operator == KNOWN:
        return SatisfyingRows(known, ~known)
    holds = _COMPARE[part.operator](column, values)
    return SatisfyingRows(known & holds, known & ~holds)
