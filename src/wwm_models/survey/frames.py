"""Frames that a caller gives: which names their columns may have, and what each kind of value means, decided once.

Names that tables of estimates could not tell from their own are refused by one rule for codebooks, model files and calls: tables have a column
per by-variable beside their own columns, and a row per answer or collapse.

Whole and real numbers are numbers however they are stored (numpy, pandas with missing values, pyarrow, decimals, fractions, sparse, or
Python's own in a column of objects), yes and no are booleans, bytes are texts. A column of anything else is kept, since it may be used
for nothing, and refused where it is used: nobody can say what group a date, a complex number or a list stands for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError, WwmError, listed

ESTIMATE_COLUMNS: Final = (
    "outcome", "category", "estimate", "std_error", "lower", "upper", "level", "count", "n", "n_effective", "method", "estimand",
)  # fmt: skip
RESERVED_COLUMNS: Final = (
    *ESTIMATE_COLUMNS, "contrast", "p_value", "p_adjusted", "part", "percentage_points", "df", "missing_information",
)  # fmt: skip

_DECIMAL: Final = re.compile(r"\+?(-?(?:0|[1-9][0-9]*))(?:\.([0-9]*?)0*)?")


def refuse_column_name(name: str, what: str, error: type[WwmError], where: str = "") -> None:
    """Refuse a name that tables of estimates have as a column.

    Parameters
    ----------
    name : str
    what : str
        What bears it, such as ``"a by-variable"``.
    error : type of WwmError
        Of the stage that refuses.
    where : str
        File and key, with a colon; "" for a call.

    Raises
    ------
    WwmError
        Of the given type.

    Examples
    --------
    >>> refuse_column_name("age", "a by-variable", WwmError)
    """
    if name in RESERVED_COLUMNS:
        raise error(
            f'{where}"{name}" cannot be {what}: tables of estimates have a column of that name. Expected another name than '
            f"{listed(RESERVED_COLUMNS, 30)}. Rename {'it' if 'collapse' in what else 'the variable'}."
        )


def refuse_collapse_name(name: str, taken: Iterable[str], error: type[WwmError], where: str = "") -> None:
    """Refuse a collapse called as an answer of its variable, as another collapse of it, or as a column of tables.

    Parameters
    ----------
    name : str
    taken : iterable of str
        Answers of the variable, and its collapses before this one; names that differ in spaces alone are the same.
    error : type of WwmError
        Of the stage that refuses.
    where : str
        File and key, with a colon; "" for a call.

    Raises
    ------
    WwmError
        Of the given type.

    Examples
    --------
    >>> refuse_collapse_name("often", ["no", "yes"], WwmError)
    """
    known = list(taken)
    if as_read(name) in map(as_read, known):
        raise error(
            f'{where}Collapse "{name}" has the name of an answer or of another collapse. Expected another name than {listed(known, 30)}. Rename it.'
        )
    refuse_column_name(name, "a collapse", error, where)


def as_read(name: object) -> str:
    """A name as a person reads it, the same for names that look the same.

    Without the differences of spaces, of signs that nobody sees (zero-width, soft hyphens), of how accents are coded, and of zeros behind a
    decimal point: 1, "1" and "1.0" are one.

    Examples
    --------
    >>> as_read(1.0), as_read(" 1.50"), as_read("01"), as_read("a\u200b  b")
    ('1', '1.5', '01', 'a b')
    """
    text = unicodedata.normalize("NFC", str(name))
    if not text.isascii():
        text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    text = " ".join(text.split())
    number = _DECIMAL.fullmatch(text)
    return text if number is None else number[1] + (f".{number[2]}" if number[2] else "")


# what pandas.api.types.infer_dtype calls columns that hold texts, numbers, or yes and no
_MEANT: Final = {
    "string", "integer", "floating", "mixed-integer", "mixed-integer-float", "boolean", "decimal", "interval", "empty",
}  # fmt: skip


def plain_frame(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """The frame with numbers as numbers and texts as texts, however they are stored.

    Parameters
    ----------
    frame : DataFrame
    what : str
        Which frame, as the subject of a sentence.

    Returns
    -------
    DataFrame
        With the same index and names.

    Raises
    ------
    SurveyError
        If two columns have the same name to a person's eye, such as 1 and "1".

    Examples
    --------
    >>> from decimal import Decimal
    >>> plain_frame(pd.DataFrame({"x": [Decimal("1.5"), None]}), "The frame")["x"].tolist()
    [1.5, nan]
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(frame.columns, start=1):
        places.setdefault(as_read(name), []).append(place)
    if twice := {name: found for name, found in places.items() if len(found) > 1}:
        name, found = next(iter(twice.items()))
        raise SurveyError(
            f'{what} has {len(found)} columns named "{name}" (positions {listed(found)}, counted from 1). Expected names that occur once. '
            "Rename one of them, or leave it out of the frame."
        )
    changed = {name: made for name in frame.columns if (made := _plain_column(frame[name])) is not None}
    if not changed:
        return frame
    every = {name: changed.get(name, frame[name]) for name in frame.columns}
    return pd.DataFrame(every, index=frame.index, columns=frame.columns)


def _plain_column(column: pd.Series) -> pd.Series | None:
    """The column as it is meant; None where it is already."""
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype) or (isinstance(kind, np.dtype) and kind.kind in "biufmMc"):
        return None
    if isinstance(kind, pd.SparseDtype):
        return column.sparse.to_dense()
    if isinstance(kind, pd.ArrowDtype):
        known = column.astype(object)
        made = _plain_column(known)
        return known if made is None else made
    found = pd.api.types.infer_dtype(column, skipna=True)
    if pd.api.types.is_bool_dtype(kind) or found == "boolean":
        made = column.astype(object).astype("boolean")
        return made if made.isna().any() else made.astype(bool)
    if found in ("integer", "floating", "mixed-integer-float", "decimal") or (
        found == "mixed" and _all_numbers(column)
    ):
        return _numbers(column)
    if found == "bytes":
        return column.map(lambda value: value.decode("utf-8", errors="backslashreplace"), na_action="ignore")
    return None


def _numbers(column: pd.Series) -> pd.Series:
    missing = column.isna().to_numpy(dtype=bool)
    values = [np.nan if gone else float(value) for value, gone in zip(column, missing, strict=True)]
    made = np.array(values, dtype=np.float64)
    whole = not missing.any() and pd.api.types.infer_dtype(column) == "integer"
    return pd.Series(made.astype(np.int64) if whole and (np.abs(made) < 2**53).all() else made, index=column.index, name=column.name)  # fmt: skip


def _all_numbers(column: pd.Series) -> bool:
    return all(_number(value) for value in column[column.notna()])


def _number(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def refuse_kind(column: Any, name: str, what: str, error: type[WwmError]) -> None:
    """Refuse a column of what is neither text nor number nor yes and no: dates, times, complex numbers, lists.

    Parameters
    ----------
    column : Series, or its values
        A Categorical says itself that its values are groups; only complex numbers among its levels are refused.
    name : str
        Of the column.
    what : str
        What it is used as, such as ``"Predictor"``.
    error : type of WwmError
        Of the stage that refuses.

    Examples
    --------
    >>> refuse_kind(pd.Series(["a", "b"]), "x", "Predictor", WwmError)
    """
    grouped = isinstance(column.dtype, pd.CategoricalDtype)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return
    values = pd.Series(column.cat.categories if isinstance(column, pd.Series) else column.categories) if grouped else pd.Series(column)  # fmt: skip
    found = pd.api.types.infer_dtype(values, skipna=True)
    if found in _MEANT or (grouped and found != "complex"):
        return
    odd = (pd.notna(values) if found != "mixed" else values.map(_odd)).to_numpy(dtype=bool)
    if not odd.any():
        return
    first = int(np.argmax(odd))
    where = "among its levels" if grouped else f"in row {first + 1}"
    raise error(
        f'{what} "{name}" holds "{values.iloc[first]}" {where} (of type {type(values.iloc[first]).__name__}). Expected numbers, texts, or yes '
        "and no. Make numbers of it, such as years since a day, or groups: a pandas Categorical."
    )


def _odd(value: Any) -> bool:
    known = isinstance(value, str | bool | np.bool_ | Real | Decimal | pd.Interval)
    return not known and not (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def refuse_infinite(values: NDArray[np.float64], name: str, what: str, error: type[WwmError]) -> None:
    """Refuse numbers without an end.

    Parameters
    ----------
    values : (n,) array
        Missing ones are left to the caller.
    name : str
        Of the column.
    what : str
        What it is used as, such as ``"Predictor"``.
    error : type of WwmError
        Of the stage that refuses.

    Examples
    --------
    >>> refuse_infinite(np.array([1.0, np.nan]), "x", "Predictor", WwmError)
    """
    infinite = np.isinf(values)
    if infinite.any():
        raise error(
            f'{what} "{name}": {int(infinite.sum())} of {len(values)} rows are infinite (first rows, counted from 1: '
            f"{listed((np.flatnonzero(infinite) + 1).tolist())}). Expected finite numbers. Repair them or declare them missing."
        )


def refuse_alike(levels: Any, name: str, error: type[WwmError], where: str = "") -> None:
    """Refuse levels that read the same (`as_read`): tables could not tell them apart.

    Parameters
    ----------
    levels : array or Index
        Distinct levels; an array of numbers cannot have any.
    name : str
        Of the column.
    error : type of WwmError
        Of the stage that refuses.
    where : str
        File and table with ": " behind it.

    Examples
    --------
    >>> refuse_alike(np.array(["1", "2"], dtype=object), "x", WwmError)
    """
    if isinstance(levels, np.ndarray) and levels.dtype != object:
        return
    first: dict[str, object] = {}
    for level in levels:
        other = first.setdefault(as_read(level), level)
        if other is not level:
            raise error(
                f'{where}"{name}" has the levels {other!r} ({type(other).__name__}) and {level!r} ({type(level).__name__}), which are the same text but '
                "for spaces, signs that nobody sees, the coding of accents, or zeros behind a decimal point. Expected levels with different "
                "names. Make them one level, or give them names of their own."
            )
