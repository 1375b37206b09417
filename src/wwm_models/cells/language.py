"""What a formula may say, before any of it is evaluated: names, numbers, arithmetic and the functions listed here.

A formula is text from a file, and patsy evaluates text as Python. So each formula is first parsed here; what is not in the
language, or would compute without end, is refused by name.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from wwm_models.cells import transforms
from wwm_models.errors import ModelError, did_you_mean, listed

FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "log": np.log,
    "log1p": np.log1p,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "ns": transforms.ns,
    "mo": transforms.mo,
}
CODINGS: Final = ("Poly", "Treatment", "Sum", "Diff", "Helmert", "Step")
PATSY_BUILTINS: Final = ("I", "Q", "C", "bs", "cr", "cc", "center", "standardize", "scale")
ALLOWED: Final = (*FUNCTIONS, *PATSY_BUILTINS, *CODINGS)
RESERVED: Final = (*ALLOWED, "Intercept")
MOST_TERMS: Final = 500
MOST_COLUMNS: Final = 100  # of a spline
MOST_CHARACTERS: Final = 10_000
LARGEST: Final = 1e12
HIGHEST_POWER: Final = 100.0
_SPLINES: Final = ("bs", "cr", "cc", "ns")
_NODES: Final = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd, ast.Mod,
    ast.Name, ast.Load, ast.Constant, ast.Call, ast.keyword, ast.MatMult, ast.List, ast.Tuple,
)  # fmt: skip
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True)
class Parsed:
    """A right side as a tree.

    Attributes
    ----------
    text : str
        On one line, with ``**`` for ``^``.
    variables : tuple of str
        In order of appearance.
    places : tuple of (int, int, str)
        Where (in bytes of UTF-8) the formula names which variable, as a name or as ``Q("...")``.
    """

    text: str
    variables: tuple[str, ...]
    places: tuple[tuple[int, int, str], ...]

    def with_safe_names(self) -> tuple[str, dict[str, str]]:
        """The text with other names for variables that are quoted or called as a function; and these names with the variables'."""
        unsafe = {
            name
            for start, end, name in self.places
            if name in RESERVED or self.text.encode()[start:end] != name.encode()
        }
        safe = {name: f"_wwm{number}_" for number, name in enumerate(self.variables) if name in unsafe}
        text = self.text.encode()
        for start, end, name in sorted(self.places, reverse=True):
            text = text[:start] + safe.get(name, name).encode() + text[end:]
        return text.decode(), {other: name for name, other in safe.items()}


@lru_cache(maxsize=256)
def parsed(formula: str, known: tuple[str, ...]) -> Parsed:
    """Read the right side of a formula.

    Parameters
    ----------
    formula : str
        Anything left of a tilde is skipped.
    known : tuple of str
        Variables there are. A variable goes before a function of its name, where it is not called.

    Raises
    ------
    ModelError
        If the formula is not a formula, names an unknown variable, would call anything outside the allowed functions, or is too large.
    """
    if len(formula) > MOST_CHARACTERS:
        raise ModelError(
            f'The formula "{formula[:60]}..." has {len(formula):,} characters. Expected {MOST_CHARACTERS:,} at most. Make variables of its parts '
            "beforehand."
        )
    text = _outside_quotes(re.sub(r"\s", " ", formula.split("~")[-1]).strip(), "^", "**")
    _refuse_bars(text, formula)
    try:
        tree = ast.parse(_outside_quotes(text, ":", "@"), mode="eval")
        places = tuple(_named(tree.body, formula, known))
        terms = _terms(tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        reason = problem.args[0] if problem.args and isinstance(problem.args[0], str) else "it is nested too deeply"
        raise ModelError(
            f'The formula "{formula}" cannot be read: {reason}. Expected terms joined by + * : or -.{_to_quote(formula, known)}'
        ) from problem
    if terms > MOST_TERMS:
        raise ModelError(
            f'The formula "{formula}" stands for {terms if terms < LARGEST else "more than 1e12"} terms. Expected {MOST_TERMS} at most. Name the '
            "interactions that are meant."
        )
    first: dict[str, int] = {}
    for start, _, name in sorted(places):
        first.setdefault(name, start)
    return Parsed(text, tuple(first), places)


def _outside_quotes(text: str, old: str, new: str) -> str:
    """Replace in a formula, but not in its quoted names."""
    parts, end = list[str](), 0
    for found in _QUOTED.finditer(text):
        parts += [text[end : found.start()].replace(old, new), found.group()]
        end = found.end()
    return "".join([*parts, text[end:].replace(old, new)])


def _refuse_bars(text: str, formula: str) -> None:
    plain = _QUOTED.sub("", text)
    if "|" in plain:
        found = re.search(r"\([^()|]*\|+[^()|]*\)", plain)
        raise ModelError(
            f'The formula "{formula}" contains `{found.group() if found else "|"}`: effects that vary by group are not part of the formula '
            "language yet. Expected terms joined by + * : or -. Put the group in the formula as a variable; in a posterior its effects can be "
            "pooled by the prior."
        )
    if "@" in plain:
        raise ModelError(
            f'The formula "{formula}" contains `@`, which is not part of the formula language. Expected terms joined by + * : or -.'
        )


def _to_quote(formula: str, known: Sequence[str]) -> str:
    """Advice where the text holds a variable whose name is no name of Python."""
    odd = [name for name in known if not name.isidentifier() and name in formula]
    return f' Write Q("{max(odd, key=len)}") for the variable of that name.' if odd else ""


def _named(node: ast.AST, formula: str, known: tuple[str, ...], *, inside: bool = False, coding: bool = False) -> Iterator[tuple[int, int, str]]:  # fmt: skip
    """Every place where a variable is named; whatever is not in the language is refused on the way."""
    if not isinstance(node, _NODES):
        what = ast.unparse(node) if hasattr(node, "lineno") else type(node).__name__
        raise ModelError(
            f'The formula "{formula}" contains `{what}`, which is not part of the formula language. '
            f"Expected names, numbers, + - * : ** / and the allowed functions.{_to_quote(formula, known)}"
        )
    if isinstance(node, ast.Call):
        yield from _of_call(node, formula, known)
        return
    if isinstance(node, ast.Name):
        if coding and node.id in CODINGS:
            return
        _check_known(node.id, formula, known)
        yield node.col_offset, node.end_col_offset or 0, node.id
        return
    if isinstance(node, ast.Constant):
        _check_constant(node, formula, inside=inside)
    if isinstance(node, ast.BinOp) and inside:
        _check_arithmetic(node, formula)
    for child in ast.iter_child_nodes(node):
        yield from _named(child, formula, known, inside=inside, coding=coding)


def _of_call(node: ast.Call, formula: str, known: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    if not (isinstance(node.func, ast.Name) and node.func.id in ALLOWED):
        raise ModelError(
            f'The formula "{formula}" calls `{ast.unparse(node.func)}`. Formulas may call only {listed(ALLOWED, most=30)}. '
            "Compute the variable beforehand, in the codebook or the frame."
        )
    name = node.func.id
    if name == "Q":
        quoted = node.args[0] if len(node.args) == 1 and not node.keywords else None
        if not isinstance(quoted, ast.Constant) or not isinstance(quoted.value, str):
            raise ModelError(
                f'The formula "{formula}" contains `{ast.unparse(node)}`. Expected Q with the name of one variable in quotes, such as '
                'Q("years of school"). Write it so.'
            )
        _check_known(quoted.value, formula, known)
        yield node.col_offset, node.end_col_offset or 0, quoted.value
        return
    for number, given in enumerate([*node.args, *(keyword.value for keyword in node.keywords)]):
        if name in _SPLINES and number > 0 and isinstance(given, ast.Constant):
            _check_columns(given.value, node, formula)
        yield from _named(given, formula, known, inside=True, coding=name == "C" and number > 0)
    if any(keyword.arg is None for keyword in node.keywords):
        raise ModelError(
            f'The formula "{formula}" contains `{ast.unparse(node)}`, which is not part of the formula language. '
            "Expected names, numbers, + - * : ** / and the allowed functions."
        )


def _check_known(name: str, formula: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ModelError(
            f'The formula "{formula}" uses "{name}", which is not a variable. '
            f"Known variables: {listed(known, most=30)}.{did_you_mean(name, known)}"
        )


def _check_columns(value: object, node: ast.Call, formula: str) -> None:
    if isinstance(value, int | float) and abs(value) > MOST_COLUMNS:
        raise ModelError(
            f'The formula "{formula}" contains `{_shown(node)}`. Expected a spline of at most {MOST_COLUMNS} columns; 3 to 6 are usual. Use a '
            "smaller number."
        )


def _check_constant(node: ast.Constant, formula: str, *, inside: bool) -> None:
    value = node.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        allowed = abs(value) <= LARGEST
    else:
        allowed = inside and (value is None or isinstance(value, str | bool))
    if not allowed:
        raise ModelError(
            f'The formula "{formula}" contains `{_shown(node)}`, which is not part of the formula language. '
            f"Expected names, numbers of at most {LARGEST:g} in size, + - * : ** / and the allowed functions."
        )


def _check_arithmetic(node: ast.BinOp, formula: str) -> None:
    """Refuse arithmetic of texts and lists, and numbers that would be computed without end."""
    parts = (node.left, node.right)
    if any(
        isinstance(one, ast.List | ast.Tuple) or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        for one in parts
    ):
        raise ModelError(
            f'The formula "{formula}" contains `{_shown(node)}`, which is not part of the formula language. '
            "Expected arithmetic of variables and numbers."
        )
    power = _constant(node.right) if isinstance(node.op, ast.Pow) else 0.0
    if not abs(_constant(node)) <= LARGEST or not abs(power) <= HIGHEST_POWER:
        raise ModelError(
            f'The formula "{formula}" contains `{_shown(node)}`, a number or a power that is too large to compute. Expected numbers of at most '
            f"{LARGEST:g} in size and powers of at most {HIGHEST_POWER:g}. Rescale the variable."
        )


def _constant(node: ast.AST) -> float:
    """The value of arithmetic on numbers alone; 0 where a variable takes part, infinite where there is no finite value."""
    if isinstance(node, ast.Constant):
        return float(node.value) if isinstance(node.value, int | float) and abs(node.value) <= LARGEST else math.inf
    if isinstance(node, ast.UnaryOp):
        return _constant(node.operand) * (-1.0 if isinstance(node.op, ast.USub) else 1.0)
    if not isinstance(node, ast.BinOp) or any(isinstance(one, ast.Name | ast.Call) for one in ast.walk(node)):
        return 0.0
    left, right = _constant(node.left), _constant(node.right)
    try:
        made = _ARITHMETIC.get(type(node.op), lambda a, b: math.inf)(left, right)  # noqa: ARG005
    except (OverflowError, ZeroDivisionError, ValueError):
        return math.inf
    return made if isinstance(made, float) else math.inf


_ARITHMETIC: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b,
}


def _terms(node: ast.AST) -> int:
    """How many terms an expression of the formula stands for, at most."""
    if isinstance(node, ast.UnaryOp):
        return _terms(node.operand)
    if not isinstance(node, ast.BinOp):
        return 1
    left = _terms(node.left)
    if isinstance(node.op, ast.Pow):
        power = _constant(node.right)
        return (
            sum(math.comb(left, size) for size in range(1, min(left, int(power)) + 1))
            if power <= HIGHEST_POWER
            else 10**13
        )
    right = _terms(node.right)
    if isinstance(node.op, ast.Mult):
        return left + right + left * right
    if isinstance(node.op, ast.Div):
        return left + left * right
    return left * right if isinstance(node.op, ast.MatMult) else left + right


def _shown(node: ast.AST) -> str:
    try:
        text = ast.unparse(node)
    except ValueError:  # a whole number of thousands of digits
        return "a number"
    return text if len(text) <= 60 else f"{text[:57]}..."
