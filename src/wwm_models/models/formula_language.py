"""What a formula may say: names, numbers, arithmetic, and functions that patsy lacks.

``ns(x, df=3)`` or ``ns(x, knots=[30, 50])``: natural cubic splines, cubic between knots and straight beyond the outer ones. Knots are learnt from the
respondents of the fit and kept for every later prediction. With knots t_1 < ... < t_k the columns are x and, for j = 1..k-2,
[(x - t_j)_+^3 - (x - t_{k-1})_+^3 (t_k - t_j) / (t_k - t_{k-1}) + (x - t_k)_+^3 (t_{k-1} - t_j) / (t_k - t_{k-1})] / (t_k - t_1)^2.
Together with a constant they span the same functions as splines::ns of R; the first column alone is the straight line.

``C(x, Step)``: one column per level but the first, 1 from that level on; a slope is the difference between a level and the one
before it. ``mo(x)``: the same columns, with slopes that all have one sign (see `models.design`).

A formula is text from a file, and patsy evaluates text as Python. So each formula is first parsed here (`parsed`), before any of it is evaluated;
what is not in the language, or would compute without end, is refused by name.

References
----------
Harrell, F. E. (2015). Regression Modeling Strategies, 2nd ed., section 2.4.5. Springer. doi:10.1007/978-3-319-19425-7
Stone, C. J. and Koo, C.-Y. (1985). Additive splines in statistics. Proceedings of the Statistical Computing Section ASA, 45-48.
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
from patsy.categorical import C
from patsy.contrasts import ContrastMatrix
from patsy.state import stateful_transform

from wwm_models.errors import AnswersError, ModelError, did_you_mean, listed
from wwm_models.messages import number, say, some_of
from wwm_models.numerics.arrays import Array


def natural_spline(x: Array, knots: Array) -> Array:
    """Columns of a natural cubic spline.

    Parameters
    ----------
    x : (n,) array
    knots : (k,) array
        Increasing, 2 or more; the first and last bound the part that bends.

    Returns
    -------
    (n, k - 1) array
        In units of x.

    Examples
    --------
    >>> natural_spline(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0])).tolist()
    [[0.0, 0.0], [1.0, 0.25], [2.0, 1.5]]
    """
    early, last, end = knots[:-2], knots[-2], knots[-1]
    cube = np.maximum(x[:, None] - knots[None, :], 0.0) ** 3
    bent = cube[:, :-2] - cube[:, -2:-1] * (end - early) / (end - last) + cube[:, -1:] * (last - early) / (end - last)
    return np.column_stack([x, bent / (end - knots[0]) ** 2])


def quantile_knots(x: Array, df: int) -> Array:
    """The outer knots at the smallest and largest value, df - 1 inner ones at equally spaced quantiles, as splines::ns.

    Examples
    --------
    >>> quantile_knots(np.arange(5.0), 2).tolist()
    [0.0, 2.0, 4.0]
    """
    return np.quantile(x, np.linspace(0.0, 1.0, df + 1))


class NaturalSpline:
    """Columns of ``ns()``, as a transform that remembers its knots."""

    def __init__(self) -> None:
        self._rows: list[Array] = []
        self._df = 3
        self._inner: Sequence[float] | None = None
        self._knots: Array = np.zeros(0)

    def memorize_chunk(self, x: Any, df: int = 3, knots: Sequence[float] | None = None) -> None:
        """Keep the values that decide where the knots are."""
        self._rows.append(_numbers(x))
        self._df, self._inner = df, knots

    def memorize_finish(self) -> None:
        """Place the knots."""
        values = np.concatenate(self._rows)
        if self._inner is None:
            self._knots = _learnt(values, self._df)
        else:
            self._knots = np.concatenate([[values.min()], np.asarray(self._inner, dtype=np.float64), [values.max()]])
            if not np.all(np.diff(self._knots) > 0):
                raise ModelError(
                    f"ns() has the inner knots {listed(self._inner, 10)}. Expected increasing numbers between the smallest and the "
                    f"largest value ({values.min():g} and {values.max():g})."
                )

    def transform(self, x: Any, df: int = 3, knots: Sequence[float] | None = None) -> Array:  # noqa: ARG002
        """(rows, df) columns."""
        return natural_spline(_numbers(x), self._knots)


def _learnt(values: Array, df: Any) -> Array:
    if not isinstance(df, int) or df < 1:
        raise ModelError(f"ns(df={df!r}): expected a whole number of columns, 1 or more; 3 is usual.")
    knots = quantile_knots(values, df)
    if not np.all(np.diff(knots) > 0):
        raise AnswersError(say("knots_alike", df=df, knots=some_of(number(float(knot), "g") for knot in knots)))
    return knots


def _numbers(x: Any) -> Array:
    try:
        return np.asarray(x, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as problem:
        raise ModelError(
            "ns() was given levels. Expected a number; use the variable itself, or mo() of it."
        ) from problem


class Step:
    """Coding by steps from one level to the next."""

    def code_with_intercept(self, levels: Sequence[Any]) -> ContrastMatrix:
        """A constant, then the steps."""
        steps = self.code_without_intercept(levels)
        names = [f"[{levels[0]}]", *steps.column_suffixes]
        return ContrastMatrix(np.column_stack([np.ones(len(levels)), steps.matrix]), names)

    def code_without_intercept(self, levels: Sequence[Any]) -> ContrastMatrix:
        """Column j is 1 from level j + 1 on."""
        return ContrastMatrix(np.tri(len(levels), k=-1)[:, :-1], [f"[{level}]" for level in levels[1:]])


def mo(x: Any) -> Any:
    """Steps of an ordered predictor."""
    return C(x, Step())


ns = stateful_transform(NaturalSpline)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "log": np.log,
    "log1p": np.log1p,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "ns": ns,
    "mo": mo,
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
    for at, given in enumerate([*node.args, *(keyword.value for keyword in node.keywords)]):
        if name in _SPLINES and at > 0 and isinstance(given, ast.Constant):
            _check_columns(given.value, node, formula)
        yield from _named(given, formula, known, inside=True, coding=name == "C" and at > 0)
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


# what patsy and numpy say, and the same in words of who wrote the formula
_SAID: Final = (
    ("factor contains missing values", "a term has no value for some rows, as log(-1) has none"),
    ("outside the outermost knots", "a value lies outside the outermost knots of a spline"),
    ("did not contain a loop|numpy op|could not convert|unsupported operand|must be a string or a real number|non-numeric type",
     "a function of numbers, or arithmetic, is given a variable with levels"),
    ("patsy.contrasts", "a coding such as Poly stands inside C(), like C(x, Poly)"),
    ("positional argument|unexpected keyword|required argument|multiple values for|item assignment|number of dimensions",
     "a function has other arguments than it takes"),
)  # fmt: skip


def in_plain_words(reason: str) -> str:
    """A complaint of a library in plain words, where they are known; without the names of exceptions otherwise.

    Examples
    --------
    >>> in_plain_words("Error evaluating factor: TypeError: I() takes 1 positional argument but 2 were given")
    'a function has other arguments than it takes'
    """
    for pattern, words in _SAID:
        if re.search(pattern, reason):
            return words
    return re.sub(r"Error (evaluating factor|converting data to categorical): |\b\w+Error: ", "", reason).rstrip(".")
