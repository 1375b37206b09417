"""Names that tables of estimates could not tell from their own: one rule for codebooks, model files and calls.

Tables have a column per by-variable beside their own columns, and a row per answer or collapse.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from wwm_models.errors import WwmError, listed

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
