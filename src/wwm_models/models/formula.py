"""From a formula to columns: plain formulas straight from integer codes, everything else by patsy.

A formula is plain (`plain_terms`) when it is made of variable names joined by ``+``, ``:`` and ``*``, and every part of an interaction is a term
too. Then each group enters by indicators of all its levels but the first (treatment coding), as patsy would code it, and a law
holds both equal. Only this file and the functions of `models.formula_language` know patsy.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from patsy import PatsyError
from patsy.build import build_design_matrices
from patsy.eval import EvalEnvironment
from patsy.highlevel import dmatrix

from wwm_models.errors import AdjustError, ModelError, WwmError, listed
from wwm_models.messages import level, listed_as
from wwm_models.models import formula_language as transforms
from wwm_models.models.formula_language import FUNCTIONS, in_plain_words, parsed
from wwm_models.models.linear_map import Columns
from wwm_models.numerics.arrays import Array
from wwm_models.survey.frames import as_read, refuse_infinite, refuse_kind

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
class TreatmentCoding:
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


_WITH: Final = "with"


def combination(column: str) -> str:
    """Say which levels a dummy column stands for.

    Examples
    --------
    >>> combination("PRODID[3]:DAY[2]")
    'PRODID = 3 with DAY = 2'
    """
    parts = [part.partition("[") for part in column.split(":")]
    return listed_as((level(name, value.rstrip("]")) if value else name for name, _, value in parts), f" {_WITH} ")


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
        evaluate = TreatmentCoding(terms, groups)
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
        raise ModelError(f"{found}{in_plain_words(' '.join(str(reason).split()))}. {advice}") from problem


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
