"""Tables as csv: full precision, no cell that a spreadsheet would run as a formula, no character that a terminal would obey."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd

from wwm_models.errors import ResultsError
from wwm_models.store.estimands import refuse_without_estimand

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# control characters, lone surrogates and marks that turn the direction of what follows: no text that leaves a run holds them
HARMFUL = re.compile(f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff{_TURNING}]")
_ODD_SPACE = re.compile("[\x0b\x0c\x1c-\x1f\x85]")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table so that it appears whole or not at all.

    Text loses its control characters, and what then begins like a spreadsheet formula gets an apostrophe in front; numbers are written as
    they are.

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
    """Read a table of ours: empty cells are missing, no word is.

    Raises
    ------
    ResultsError
        If it is no table, or cannot be read.
    """
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""], encoding="utf-8")
    except (OSError, ValueError) as problem:
        raise ResultsError(
            f"{path} is damaged ({problem}). Expected a table as a run wrote it. Put it back, or run the study again."
        ) from problem


def write_bytes(content: bytes, path: Path) -> None:
    """Write to a temporary file beside `path`, flush it to the disk, and rename it: a link there is replaced, what it points to is not.

    Raises
    ------
    ResultsError
        If it cannot be written; what stood there before is then untouched.
    """
    temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}.tmp")  # a long name stays one that can be written
    try:
        temporary.unlink(missing_ok=True)
        try:
            with temporary.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as problem:
        raise not_written(path, problem) from None


def not_written(path: Path, problem: Exception) -> ResultsError:
    """Give the error of a file or folder that cannot be written."""
    why = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    return ResultsError(
        f"{path} cannot be written: {why}. Expected room on the disk and the right to write there; what was there before is untouched. "
        "Make room, or give another place, and give the same command again: finished models are kept."
    )


def _defused(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = _ODD_SPACE.sub(" ", HARMFUL.sub("", value))
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
