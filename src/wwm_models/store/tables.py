"""Tables as csv: full precision, and no cell that a spreadsheet would run as a formula."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from wwm_models.store.estimands import refuse_without_estimand

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table so that it appears whole or not at all.

    Text that begins like a spreadsheet formula gets an apostrophe in front; numbers are written as they are.

    Parameters
    ----------
    table : DataFrame
    path : Path

    Raises
    ------
    ResultsError
        If it is a table of reported numbers of which some row does not say what it is of.
    """
    refuse_without_estimand(table, path.stem)
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name].dtype):
            safe[name] = safe[name].astype(object).map(_defused)
    write_bytes(safe.to_csv(index=False, lineterminator="\n").encode("utf-8"), path)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of ours: empty cells are missing, no word is."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""], encoding="utf-8")


def write_bytes(content: bytes, path: Path) -> None:
    """Write to a temporary file beside `path`, flush it to the disk, and rename it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def _defused(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
