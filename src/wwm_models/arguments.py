"""What a caller may give: one check for every kind of argument that several functions take."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Final, Literal, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import AdjustError, ArgumentError, SurveyError, WwmError, did_you_mean, listed, of_system

SMALLEST_LEVEL: Final = 1e-12  # below it an interval is the estimate, and no text of its level says anything but 0%


def confidence_level(level: object, *, least: float = 0.0) -> float:
    """The level of an interval, a number strictly between `least` and 1.

    Parameters
    ----------
    level : object
        What a caller gave.
    least : float
        0, or 0.5 where both ends of the interval are one-sided limits at this level. 0 stands for 1e-12.

    Raises
    ------
    AdjustError
        If it is not such a number: a percentage, 0, 1, nan, a bool or a text.

    Examples
    --------
    >>> confidence_level(0.95)
    0.95
    """
    number = float(level) if isinstance(level, Real) and not isinstance(level, bool | np.bool_) else float("nan")
    if max(least, SMALLEST_LEVEL) <= number < 1.0 and number > least:
        return number
    least = SMALLEST_LEVEL if least < number < 1.0 else least
    meant = number / 100.0 if 50.0 <= number < 100.0 else 0.0
    advice = f"Did you mean {meant:.6g}?" if meant > least else "Write 0.95 for 95 percent."
    raise AdjustError(
        f"level={short_repr(level)} is not a confidence level. Expected a number above {least:g} and below 1. {advice}"
    )


def one_of(value: object, known: Sequence[str], name: str, error: type[WwmError]) -> str:
    """An option that has a few values.

    Parameters
    ----------
    value : object
        What a caller gave.
    known : sequence of str
    name : str
        Of the argument.
    error : type of WwmError
        Of the stage that refuses.

    Examples
    --------
    >>> one_of("wald", ("logit", "wald"), "interval", AdjustError)
    'wald'
    """
    if isinstance(value, str) and value in known:
        return value
    expected = " or ".join(
        [", ".join(f'"{one}"' for one in known[:-1]), f'"{known[-1]}"'] if len(known) > 1 else [f'"{known[0]}"']
    )
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    raise error(f"{name}={shown} is not known. Expected {expected}.{did_you_mean(str(value), known)}")


def whole_number(value: object, name: str, error: type[WwmError], *, least: int = 0, most: int | None = None) -> int:
    """A whole number within limits: how many, or a seed.

    Parameters
    ----------
    value : object
        What a caller gave; a whole number of numpy is one too, a bool or a fraction is not.
    name : str
        Of the argument.
    error : type of WwmError
        Of the stage that refuses.
    least, most : int
        The limits, both allowed.

    Examples
    --------
    >>> whole_number(np.int64(7), "draws", AdjustError, least=1)
    7
    """
    if (
        isinstance(value, Integral)
        and value is not True
        and value is not False
        and least <= int(value) <= (most or int(value))
    ):
        return int(value)
    limits = f"of {least} or more" if most is None else f"from {least} to {most}"
    raise error(f"{name}={short_repr(value)} is not possible. Expected a whole number {limits}. Give one.")


def finite_number(value: object, what: str, error: type[WwmError]) -> float:
    """A number that is finite, and no text, truth value or complex number.

    Parameters
    ----------
    value : object
        What a caller gave, often as one value of a mapping.
    what : str
        What it is, as the subject of a sentence.
    error : type of WwmError
        Of the stage that refuses.

    Examples
    --------
    >>> finite_number(np.float32(2), 'The score of "yes"', AdjustError)
    2.0
    """
    if not isinstance(value, Real | Decimal) or isinstance(value, bool | np.bool_) or not np.isfinite(float(value)):
        raise error(f"{what} is {short_repr(value)}. Expected a finite number. Give one.")
    return float(value)


def short_repr(value: object, most: int = 60) -> str:
    """What was given as Python writes it, cut off where that is long.

    Examples
    --------
    >>> short_repr("a" * 100, 10)
    "'aaaaaa..."
    """
    if (
        isinstance(value, int) and value.bit_length() > 4 * most
    ):  # Python refuses to write whole numbers of thousands of digits
        return f"a whole number of about {value.bit_length() * 0.30103:.0f} digits"
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def first_rows(rows: NDArray[np.intp], total: int) -> str:
    """Say how many rows, of how many, and which come first.

    Examples
    --------
    >>> first_rows(np.array([1, 3]), 5)
    '2 of 5 rows (first rows, counted from 1: 2, 4)'
    """
    return f"{len(rows)} of {total} rows (first rows, counted from 1: {listed((rows + 1).tolist())})"


def flags_of(values: object, index: pd.Index, name: str) -> NDArray[np.bool_]:
    """One yes or no for every row of a frame.

    Parameters
    ----------
    values : array, list, tuple or Series
        Booleans, or numbers that are all exactly 0 or 1. A Series is taken by its index, whatever its order; everything else by
        position.
    index : Index, n long
        Of the frame.
    name : str
        Of the argument, for messages.

    Returns
    -------
    (n,) bool array

    Raises
    ------
    SurveyError
        If a Series has other labels than the frame, the length is another, or a value is missing or neither yes nor no.

    Examples
    --------
    >>> flags_of(pd.Series([True, False], index=["b", "a"]), pd.Index(["a", "b"]), "domain").tolist()
    [False, True]
    """
    if not isinstance(values, list | tuple | np.ndarray | pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        raise SurveyError(
            f"`{name}` is of type {type(values).__name__}. Expected one boolean for each of the {len(index)} rows of the frame. Give a "
            "boolean array, or a Series with the index of the frame."
        )
    own = _in_order(values, index, name) if isinstance(values, pd.Series) else _by_position(values)
    if own.shape != (len(index),):
        raise SurveyError(
            f"`{name}` has shape {own.shape}, the frame has {len(index)} rows. Expected one boolean for every row. Give an array of that "
            "length, or a Series with the index of the frame."
        )
    if own.dtype == np.bool_:
        return own.copy()
    missing = np.asarray(pd.isna(own), dtype=bool)
    wrong = missing if missing.any() else np.array([not _is_flag(value) for value in own], dtype=bool)
    if wrong.any():
        what = "missing" if missing.any() else listed(dict.fromkeys(short_repr(value) for value in own[wrong]), 3)
        raise SurveyError(
            f"`{name}` is {what} in {first_rows(np.flatnonzero(wrong), len(own))}. Expected True or False for every row. Say what these "
            "rows are, for example with .fillna(False) or a comparison."
        )
    return own.astype(bool)


def _by_position(values: Any) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(values), np.array(None, dtype=object), values.astype(object).data)  # pyright: ignore
    if isinstance(values, np.ndarray):
        return values if values.dtype == np.bool_ else values.astype(object)
    made = np.empty(len(values), dtype=object)
    made[:] = list(values)
    return made.astype(bool) if len(made) and all(isinstance(value, bool | np.bool_) for value in made) else made


def _in_order(values: pd.Series, index: pd.Index, name: str) -> NDArray[Any]:
    """The values of a Series in the order of the frame."""
    if values.index.equals(index):
        return _by_position(values.array)
    lacking = values.index.difference(index)
    if len(values) != len(index) or len(lacking) or not index.is_unique or not values.index.is_unique:
        what = (
            f"{len(lacking)} labels that the frame has not ({listed(lacking)})"
            if len(lacking)
            else f"{len(values)} labels, the frame has {len(index)}"
            if len(values) != len(index)
            else "labels that occur twice, in another order than the frame"
        )
        raise SurveyError(
            f"`{name}` is a Series with {what}. Expected the index of the frame, in any order. Make it from the same frame, or give "
            f"{name}.to_numpy() if its order is that of the frame."
        )
    return _by_position(values.reindex(index).array)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool | np.bool_) or (isinstance(value, Real) and float(value) in (0.0, 1.0))


def numbers_of(column: pd.Series, what: str, error: type[WwmError] = SurveyError) -> NDArray[np.float64]:
    """The values of a column that has to hold numbers, nan where missing.

    Parameters
    ----------
    column : Series, n long
        Of whole or real numbers; not of text, dates, booleans or complex numbers, which only look like them.
    what : str
        Which column, as the subject of a sentence.
    error : type of WwmError
        Of the stage that refuses.

    Examples
    --------
    >>> numbers_of(pd.Series([1, 2.5, None]), "Weight").tolist()
    [1.0, 2.5, nan]
    """
    kind = column.dtype
    if pd.api.types.is_float_dtype(kind) or pd.api.types.is_integer_dtype(kind):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    missing = column.isna().to_numpy()
    number = np.array(
        [isinstance(v, Real | Decimal) and not isinstance(v, bool | np.bool_) for v in column], dtype=bool
    )
    if pd.api.types.is_object_dtype(kind) and (number | missing).all():
        return np.array([np.nan if gone else float(value) for value, gone in zip(column, missing, strict=True)])
    wrong = ~number & ~missing
    first = int(np.argmax(wrong)) if wrong.any() else 0
    raise error(
        f'{what} holds "{column.iloc[first]}" in row {first + 1} (the column is of type {pd.api.types.infer_dtype(column)}). Expected '
        "numbers. Convert the column beforehand, for example with pandas.to_numeric."
    )


P = ParamSpec("P")
R = TypeVar("R")
SCALARS = {bool: "True or False", int: "a whole number", float: "a number", str: "text", type(None): "None"}
# Things to be made, by the name of their parameter: more is a slip of the pen, and would fill the memory before anything is said.
MOST: Final = {
    "draws": 1_000_000, "warmup": 1_000_000, "iterations": 1_000_000, "nodes": 1_000_000, "groups": 1_000_000,
    "chains": 1_000, "m": 1_000, "rounds": 1_000,
}  # fmt: skip
MOST_SEED: Final = 2**63 - 1
FOREIGN = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, np.linalg.LinAlgError)


def checked(function: Callable[P, R], home: str = "wwm_models") -> Callable[P, R]:
    """The function, refusing arguments of other kinds than its annotations declare, in words.

    Numbers, texts and switches are checked before the function runs. Records, lists and mappings are left to the function, which has
    better words for them; where it stumbles over one all the same, what does not fit its annotation is named.

    Parameters
    ----------
    function : function
        Of ours, with annotations.
    home : str
        Where its users find it, for `help`.

    Raises
    ------
    ArgumentError

    Examples
    --------
    >>> @checked
    ... def tenfold(number: float) -> float:
    ...     return 10 * number
    >>> tenfold("2")
    Traceback (most recent call last):
    ...
    wwm_models.errors.ArgumentError: tenfold(number='2') is of type str. Expected a number. See help(wwm_models.tenfold).
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def calling(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            given = dict(signature.bind(*args, **kwargs).arguments)
        except TypeError:  # a name it does not have, or one too few: Python says so
            return function(*args, **kwargs)
        hints = _hints(function)
        for name, value in given.items():
            if name in hints and name != "level" and _only_scalars(hints[name]):
                refuse_misfit(function, name, value, hints[name], home)
        try:
            return function(*args, **kwargs)
        except WwmError:
            raise
        except OSError as problem:
            if problem.filename is None:
                raise
            raise ArgumentError(of_system(problem)) from problem
        except FOREIGN:
            for name, value in given.items():
                if name in hints:
                    refuse_misfit(function, name, value, hints[name], home)
            raise

    return calling


@functools.cache
def _hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Annotations that can be read; names that only a type checker knows are left out."""
    found: dict[str, Any] = {}
    space = getattr(inspect.unwrap(function), "__globals__", {})
    for name, text in inspect.get_annotations(inspect.unwrap(function)).items():
        try:
            found[name] = (
                eval(text, dict(space)) if isinstance(text, str) else text
            )  # our own source, never a caller's text
        except (NameError, TypeError):
            continue
    return {name: hint for name, hint in found.items() if name != "return"}


def refuse_misfit(function: Callable[..., Any], name: str, value: object, hint: Any, home: str = "wwm_models") -> None:
    """Refuse an argument that does not fit its annotation, or a seed that no generator takes.

    Parameters
    ----------
    function : function or class
        Which is called.
    name : str
        Of the parameter.
    value : object
    hint : annotation
        Such as ``int | None``.
    home : str
        Where its users find the function.

    Raises
    ------
    ArgumentError
    """
    if not _fits(value, hint):
        place = f"{function.__name__}({name}={short_repr(value)})"
        kinds = " or ".join(dict.fromkeys(_said(hint)))
        raise ArgumentError(
            f"{place} is of type {type(value).__name__}. Expected {kinds}. See help({home}.{function.__name__})."
        )
    least, most = (0, MOST_SEED) if name == "seed" else (1, MOST.get(name, 0))
    if name in ("seed", *MOST) and isinstance(value, Integral) and not least <= int(value) <= most:
        place = f"{function.__name__}({name}={short_repr(value)})"
        raise ArgumentError(f"{place} is not possible. Expected a whole number from {least} to {most}. Give one.")


def _parts(hint: Any) -> tuple[Any, ...]:
    """The members of a union; a hint alone otherwise."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _only_scalars(hint: Any) -> bool:
    return all(part in SCALARS or part is None for part in _parts(hint))


def _said(hint: Any) -> list[str]:
    """What a hint declares, in words."""
    found: list[str] = []
    for part in _parts(hint):
        origin = typing.get_origin(part) or part
        if part is None or part in SCALARS:
            found.append(SCALARS[type(None) if part is None else part])
        elif origin is Literal:
            found += [repr(value) for value in typing.get_args(part)]
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            found.append("a mapping")
        elif origin in (tuple, list) or (isinstance(origin, type) and issubclass(origin, Sequence)):
            found.append("a list")
        elif origin is np.ndarray:
            found.append("an array")
        else:
            found.append(getattr(origin, "__name__", str(origin)))
    return found


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a kind that a hint declares; hints that say nothing checkable fit everything."""
    parts = _parts(hint)
    if len(parts) > 1:
        return any(_fits(value, part) for part in parts)
    origin, inside = typing.get_origin(hint) or hint, typing.get_args(hint)
    if hint is None or hint is type(None):
        return value is None
    if origin is bool:
        return isinstance(value, bool | np.bool_)
    if origin in (int, float):
        return isinstance(value, Integral if origin is int else Real) and not isinstance(value, bool | np.bool_)
    if origin in (str, Literal):
        return isinstance(value, str)
    if origin is Path:
        return isinstance(value, str | Path)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray | list | tuple | pd.Series)
    if origin in (Any, object) or not isinstance(origin, type):
        return True
    if issubclass(origin, Mapping):
        return isinstance(value, Mapping) and (
            len(inside) < 2 or all(_fits(key, inside[0]) and _fits(one, inside[1]) for key, one in value.items())
        )
    if origin in (tuple, list) or issubclass(origin, Sequence):
        return _fits_list(value, inside)
    return isinstance(value, origin)


def _fits_list(value: Any, inside: tuple[Any, ...]) -> bool:
    fixed = len(inside) > 1 and inside[1] is not Ellipsis
    if isinstance(value, str | bytes) or not isinstance(
        value, tuple | list if fixed else Sequence | np.ndarray | pd.Index | pd.Series
    ):
        return False
    if fixed:
        return len(value) == len(inside) and all(_fits(one, kind) for one, kind in zip(value, inside, strict=True))
    return not inside or all(_fits(one, inside[0]) for one in value)
