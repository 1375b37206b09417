"""The formula language; only this file and its functions in `transforms` know patsy.

A formula is text from a file, and patsy evaluates text as Python. So each formula is first parsed here, and only names,
numbers, arithmetic and the functions listed in `FUNCTIONS` pass.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from patsy import PatsyError
from patsy.build import build_design_matrices
from patsy.eval import EvalEnvironment
from patsy.highlevel import dmatrix

from wwm_models.cells import transforms
from wwm_models.cells.plain import Grouped, PlainColumns, as_frame, grouped_as, plain_terms
from wwm_models.errors import AdjustError, ModelError, did_you_mean, listed
from wwm_models.records import Columns

Array = NDArray[np.float64]
_TOLERANCE = 1e-7  # of a dropped column, relative to its size

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "log": np.log,
    "log1p": np.log1p,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "ns": transforms.ns,
    "mo": transforms.mo,
    "Step": transforms.Step,
}
PATSY_BUILTINS = (
    "I",
    "Q",
    "C",
    "bs",
    "cr",
    "cc",
    "center",
    "standardize",
    "scale",
    "Poly",
    "Treatment",
    "Sum",
    "Diff",
    "Helmert",
)
LEARNING = ("ns", "bs", "cr", "cc", "center", "standardize", "scale")
_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd, ast.Mod,
    ast.Name, ast.Load, ast.Constant, ast.Call, ast.keyword, ast.BitOr, ast.List, ast.Tuple,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Encoder:
    """What is needed to turn any frame of the same variables into the same columns.

    Attributes
    ----------
    right_side : str
    variables : tuple of str
        Predictors in the order of the survey's frame.
    names : tuple of str
        Column names without the intercept and without patsy's ``T.``.
    terms : tuple of str
        The formula term of each column.
    levels : mapping of variable to its categories
    evaluate : function of (columns by name, rows) -> (rows, columns) array
    kept : (columns,) int array
        Columns kept after redundant ones were dropped on request.
    aliased : Aliased or None
        The columns that were dropped.
    """

    right_side: str
    variables: tuple[str, ...]
    names: tuple[str, ...]
    terms: tuple[str, ...]
    levels: Mapping[str, tuple[Any, ...]]
    evaluate: Callable[[Mapping[str, Any], int], Array]
    kept: NDArray[np.intp]
    aliased: Aliased | None = None


@dataclass(frozen=True, eq=False)
class Aliased:
    """Columns that were dropped because others determined them in the fit, and how.

    Other rows have a number only where the same holds of them: else it hangs on a coefficient that was never estimated.

    Attributes
    ----------
    names : tuple of str
        Of the d dropped columns.
    dropped, basis : (d,), (b,) int arrays
        Places of the dropped columns and of those that determine them.
    relation : (1 + groups + b, d) array
        The dropped columns are ``[1, beside, basis] @ relation``, with `beside` the columns of cut points by group.
    """

    names: tuple[str, ...]
    dropped: NDArray[np.intp]
    basis: NDArray[np.intp]
    relation: Array

    def refuse_others(self, every: Array, beside: Array | None) -> None:
        """Raise for rows (rows, columns) in which the dropped columns are not what the others say.

        Raises
        ------
        AdjustError
            With the levels whose coefficient was not estimated.
        """
        known = np.column_stack([np.ones(len(every)), *([] if beside is None else [beside]), every[:, self.basis]])
        gap = np.abs(every[:, self.dropped] - known @ self.relation)
        wrong = np.asarray(gap > _TOLERANCE * (1.0 + np.abs(every[:, self.dropped])))
        if wrong.any():
            shown = [combination(name) for name, own in zip(self.names, wrong.T, strict=True) if own.any()]
            raise AdjustError(
                f"{int(wrong.any(axis=1).sum())} of {len(every)} rows or patterns have {listed(shown)}, which the fit has no coefficient of: the "
                'other columns determined it there, so it was dropped (aliased="drop"). Expected only what the respondents of the fit had. '
                "Leave these groups or rows out, or merge the levels with others and fit again."
            )


def combination(column: str) -> str:
    """Say which levels a dummy column stands for.

    Examples
    --------
    >>> combination("PRODID[3]:DAY[2]")
    'PRODID = 3 with DAY = 2'
    """
    return " with ".join(part.replace("[", " = ").rstrip("]") for part in column.split(":"))


def formula_variables(formula: str, known: list[str]) -> tuple[str, ...]:
    """Names of the variables that the right side of a formula uses, in order of appearance.

    Parameters
    ----------
    formula : str
        Anything left of a tilde is skipped.
    known : list of str
        Variables there are.

    Raises
    ------
    ModelError
        If the formula is not a formula, names an unknown variable, or would call anything outside the allowed functions.

    Examples
    --------
    >>> formula_variables("y ~ age * C(region) + log(income)", ["y", "age", "region", "income"])
    ('age', 'region', 'income')
    """
    return _variables(formula, tuple(known))


@lru_cache(maxsize=64)
def _variables(formula: str, known: tuple[str, ...]) -> tuple[str, ...]:
    right_side = formula.split("~")[-1].strip()
    try:
        tree = ast.parse(right_side.replace(":", "|").replace("^", "**"), mode="eval")
    except (SyntaxError, ValueError) as problem:
        raise ModelError(
            f'The formula "{formula}" cannot be read: {problem.args[0]}. Expected terms joined by + * : or -.'
        ) from problem
    found: list[str] = []
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        _refuse_code(node, formula)
        if isinstance(node, ast.Name) and id(node) not in called and node.id not in (*PATSY_BUILTINS, "Step"):
            found.append(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Q":
            found.extend(str(arg.value) for arg in node.args if isinstance(arg, ast.Constant))
    for name in found:
        if name not in known:
            raise ModelError(
                f'The formula "{formula}" uses "{name}", which is not a variable. '
                f"Known variables: {listed(known, most=30)}.{did_you_mean(name, known)}"
            )
    return tuple(sorted(dict.fromkeys(found), key=lambda name: _position(right_side, name)))


def _position(text: str, name: str) -> int:
    found = re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text)
    return found.start() if found else len(text)


def _refuse_code(node: ast.AST, formula: str) -> None:
    allowed = [*FUNCTIONS, *PATSY_BUILTINS]
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in allowed):
        raise ModelError(
            f'The formula "{formula}" calls `{ast.unparse(node.func)}`. Formulas may call only {listed(allowed, most=30)}. '
            "Compute the variable beforehand, in the codebook or the frame."
        )
    if not isinstance(node, _NODES):
        what = ast.unparse(node) if hasattr(node, "lineno") else type(node).__name__
        raise ModelError(
            f'The formula "{formula}" contains `{what}`, which is not part of the formula language. '
            "Expected names, numbers, + - * : ** / and the allowed functions."
        )


def build_encoder(right_side: str, columns: Mapping[str, Any], rows: int) -> tuple[Encoder, Array]:
    """Give the encoder of a right side and its columns on these rows.

    Parameters
    ----------
    right_side : str
        Already checked by `formula_variables`.
    columns : mapping of predictor to its values
        Complete, a Categorical where they are groups.
    rows : int

    Returns
    -------
    Encoder
    (rows, columns) array
        Without the intercept, which the cut points take.
    """
    groups = {name: tuple(values.categories) for name, values in columns.items() if isinstance(values, pd.Categorical)}
    terms = plain_terms(right_side, tuple(groups))
    if terms is None:
        named, evaluate, matrix = _by_patsy(right_side, pd.DataFrame(dict(columns), index=range(rows)))
    else:
        evaluate = PlainColumns(terms, groups)
        named = evaluate.names()
        matrix = evaluate(
            {name: Grouped(v.codes, groups[name]) if name in groups else v for name, v in columns.items()}, rows
        )
    encoder = Encoder(
        right_side=right_side,
        variables=tuple(columns),
        names=tuple(name for name, _ in named),
        terms=tuple(term for _, term in named),
        levels=groups,
        evaluate=evaluate,
        kept=np.arange(len(named)),
    )
    return encoder, matrix


def _by_patsy(
    right_side: str, frame: pd.DataFrame
) -> tuple[list[tuple[str, str]], Callable[[Mapping[str, Any], int], Array], Array]:
    """Names with terms, the function that replays the columns, and the columns on `frame`."""
    try:
        matrix: Any = dmatrix(right_side, frame, eval_env=_environment(), NA_action="raise")
    except PatsyError as problem:
        if isinstance(problem.__cause__, ModelError):
            raise problem.__cause__ from problem
        raise ModelError(
            f'The formula "{right_side}" cannot be built: {problem.message}. Check its terms.'
        ) from problem
    info = matrix.design_info
    if "Intercept" not in info.column_names:
        raise ModelError(
            f'The formula "{right_side}" removes the intercept. Cut points are the intercepts here; leave out "0 +" and "- 1".'
        )
    terms = {name: term for term, where in info.term_name_slices.items() for name in info.column_names[where]}
    named = [(readable_name(name), readable_name(terms[name])) for name in info.column_names if name != "Intercept"]

    def evaluate(columns: Mapping[str, Any], rows: int) -> Array:
        # without predictors only an index says how many rows there are
        data: Any = as_frame(columns) if columns else pd.DataFrame(index=range(rows))
        (again,) = build_design_matrices([info], data, NA_action="raise")
        return _without_intercept(again)

    return named, evaluate, _without_intercept(matrix)


def encode(encoder: Encoder, columns: Columns, beside: Array | None = None) -> Array:
    """Give the encoder's columns for other rows; levels keep the coding of the fit.

    Parameters
    ----------
    encoder : Encoder
    columns : DataFrame, or mapping of names to columns
        Holds every variable of the encoder; groups as text, or categorical with any order.
    beside : (rows, groups - 1) array, optional
        Columns of cut points by group.

    Returns
    -------
    (rows, columns) array

    Raises
    ------
    ModelError
        If a variable is absent or holds a level that the fit has not seen.
    AdjustError
        If a row needs a coefficient that was dropped.
    """
    rows = (
        len(columns)
        if isinstance(columns, pd.DataFrame)
        else max((len(getattr(values, "codes", values)) for values in columns.values()), default=1)
    )
    recoded: dict[str, Any] = {}
    for name in encoder.variables:
        if name not in columns:
            raise ModelError(
                f'The frame lacks "{name}", which the model uses. Expected columns: {listed(encoder.variables, 30)}.'
            )
        values = columns[name].array if isinstance(columns, pd.DataFrame) else columns[name]
        missing = int((values.codes < 0).sum() if hasattr(values, "codes") else pd.isna(values).sum())
        if missing:
            raise ModelError(f'"{name}" is missing in {missing} of {rows} rows. Give complete rows.')
        recoded[name] = grouped_as(values, encoder.levels[name], name) if name in encoder.levels else values
    every = encoder.evaluate(recoded, rows)
    if encoder.aliased is not None:
        encoder.aliased.refuse_others(every, beside)
    return every[:, encoder.kept]


def learns_from_rows(right_side: str) -> bool:
    """Whether the formula has a term whose columns depend on the distribution of the data (splines, centring)."""
    return any(re.search(rf"\b{name}\s*\(", right_side) for name in LEARNING)


def readable_name(name: str) -> str:
    """Patsy's name without the mark of treatment coding and without Q().

    Examples
    --------
    >>> readable_name("age_group[T.35-49]:Q('avg.ed')")
    'age_group[35-49]:avg.ed'
    """
    return re.sub(r"Q\(['\"]([^'\"]*)['\"]\)", r"\1", name.replace("[T.", "["))


def _environment() -> Any:
    return EvalEnvironment([dict(FUNCTIONS)])


def _without_intercept(matrix: Any) -> Array:
    return np.delete(np.asarray(matrix, dtype=np.float64), matrix.design_info.column_names.index("Intercept"), axis=1)
