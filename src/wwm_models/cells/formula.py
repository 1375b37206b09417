"""From a formula to columns; only this file and its functions in `transforms` know patsy. What a formula may say is in `language`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from patsy import PatsyError
from patsy.build import build_design_matrices
from patsy.eval import EvalEnvironment
from patsy.highlevel import dmatrix

from wwm_models.cells import transforms
from wwm_models.cells.language import FUNCTIONS, parsed
from wwm_models.cells.plain import Grouped, PlainColumns, as_frame, grouped_as, numbers_as, plain_terms
from wwm_models.errors import AdjustError, ModelError, WwmError, listed
from wwm_models.records import Columns

Array = NDArray[np.float64]
_TOLERANCE = 1e-7  # of a dropped column, relative to its size

LEARNING = ("ns", "bs", "cr", "cc", "center", "standardize", "scale")


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
    return parsed(formula, tuple(known)).variables


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
    text, other_names = parsed(right_side, tuple(frame.columns)).with_safe_names()
    aliases = {name: other for other, name in other_names.items()}
    matrix: Any = _computed(
        lambda: dmatrix(text, frame.rename(columns=aliases), eval_env=_environment(), NA_action="raise"),
        f'The formula "{right_side}" cannot be built: ',
        "Check its terms.",
    )
    info = matrix.design_info
    if "Intercept" not in info.column_names:
        raise ModelError(
            f'The formula "{right_side}" removes the intercept. Cut points are the intercepts here; leave out "0 +" and "- 1".'
        )
    terms = {name: term for term, where in info.term_name_slices.items() for name in info.column_names[where]}
    named = [
        (_own_name(name, other_names), _own_name(terms[name], other_names))
        for name in info.column_names
        if name != "Intercept"
    ]

    def evaluate(columns: Mapping[str, Any], rows: int) -> Array:
        # without predictors only an index says how many rows there are
        data: Any = as_frame(columns).rename(columns=aliases) if columns else pd.DataFrame(index=range(rows))
        (again,) = _computed(
            lambda: build_design_matrices([info], data, NA_action="raise"),
            f'The formula "{right_side}" cannot be computed for other rows than those of the fit: ',
            "Expected values for which its terms are defined: bs() between its outermost knots, C() of a number at the numbers of the fit. "
            "Give such rows, or use ns(), which is linear beyond its knots.",
        )
        return _finite(_without_intercept(again), named, right_side)

    return named, evaluate, _finite(_without_intercept(matrix), named, right_side)


def _computed(make: Callable[[], Any], found: str, advice: str) -> Any:
    """What patsy makes of a formula; whatever it or numpy complains of is an error of the formula."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make()
    except Exception as problem:
        own = problem if isinstance(problem, WwmError) else problem.__cause__
        if isinstance(own, WwmError):
            raise own from problem
        reason = problem.message if isinstance(problem, PatsyError) else f"{problem}".strip() or type(problem).__name__
        reason = str(reason).replace(
            "factor contains missing values", "a term has no value for some rows, as log(-1) has none"
        )
        raise ModelError(f"{found}{' '.join(str(reason).split()).rstrip('.')}. {advice}") from problem


def _finite(columns: Array, named: list[tuple[str, str]], right_side: str) -> Array:
    """The columns, all numbers."""
    wrong = np.asarray(~np.isfinite(columns))
    if wrong.any():
        names = [name for (name, _), own in zip(named, wrong.T, strict=True) if own.any()]
        raise ModelError(
            f'The formula "{right_side}" has no finite value of {listed(names)} in {int(wrong.any(axis=1).sum())} of {len(columns)} rows or '
            "patterns. Expected numbers that its terms are defined for: log() above 0, no division by 0. Use another term, or leave these out."
        )
    return columns


def _own_name(name: str, other_names: Mapping[str, str]) -> str:
    """A name of patsy's as the user knows it."""
    shown = readable_name(name)
    for other, variable in other_names.items():
        shown = shown.replace(other, variable)
    return shown


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
        recoded[name] = (
            grouped_as(values, encoder.levels[name], name) if name in encoder.levels else numbers_as(values, name)
        )
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
    return EvalEnvironment([{**FUNCTIONS, "Step": transforms.Step}])


def _without_intercept(matrix: Any) -> Array:
    return np.delete(np.asarray(matrix, dtype=np.float64), matrix.design_info.column_names.index("Intercept"), axis=1)
