"""Names that tables of estimates could not tell from their own: one rule for codebooks, model files and calls.

Tables have a column per by-variable beside their own columns, and a row per answer or collapse.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from wwm_models.errors import WwmError, listed

ESTIMATE_COLUMNS: Final = (
    "outcome", "category", "estimate", "std_error", "lower", "upper", "level", "count", "n", "n_effective", "method", "estimand",
)  # fmt: skip
RESERVED_COLUMNS: Final = (
    *ESTIMATE_COLUMNS, "contrast", "p_value", "p_adjusted", "part", "percentage_points", "df", "missing_information",
)  # fmt: skip


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
    if _plain(name) in map(_plain, known):
        raise error(
            f'{where}Collapse "{name}" has the name of an answer or of another collapse. Expected another name than {listed(known, 30)}. Rename it.'
        )
    refuse_column_name(name, "a collapse", error, where)


def _plain(name: str) -> str:
    return " ".join(str(name).split())
