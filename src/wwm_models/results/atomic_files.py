"""Files of a results folder as they may be written: by one run at a time, and as csv that is safe to open.

The lock beside a folder ends with the process that holds it (`kept_folder`). Tables of reported numbers are not written unless every row says what
it is of (`refuse_without_estimand`). A csv has full precision, no cell that a spreadsheet would run as a formula, and no character that a
terminal would obey (`write_table`).
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pandas as pd

from wwm_models.errors import AdjustError, ResultsError, listed
from wwm_models.estimates.estimates import Estimand


def kept_folder(out: Path) -> Path:
    """A hidden folder beside the results of a study, for finished pieces of an unfinished run."""
    return out.with_name(f".{out.name}.finished")


@contextmanager
def held_alone(out: Path) -> Generator[None]:
    """Hold a results folder while the block runs.

    The lock is the system's (flock), so that it ends with the process however that ends; its file goes with it. Where a system or
    a disk has no such lock, nothing is held.

    Parameters
    ----------
    out : Path
        The results folder; folders above it are made, and removed if nothing came into them.

    Raises
    ------
    ResultsError
        If another process holds it, or the lock cannot be made.
    """
    lock = out.with_name(f".{out.name}.lock")
    made = [path for path in out.absolute().parents if not path.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        held = _lock(lock, out)
    except OSError as problem:
        raise ResultsError(
            f"{out} cannot be a results folder: {lock.name}: {problem.strerror}. Expected a place where files can be made. Give another --out."
        ) from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(held)
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()


def _lock(lock: Path, out: Path) -> int:
    """Open and lock a file, and give its descriptor; a file that was removed meanwhile is opened again."""
    while True:
        held = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            if not _locked(held):
                raise _busy(held, out)
            if lock.exists() and os.path.samestat(os.fstat(held), lock.stat()):
                os.truncate(held, 0)
                os.write(held, f"{os.getpid()}\n".encode("ascii"))
                return held
        except BaseException:
            os.close(held)
            raise
        os.close(held)


def _locked(held: int) -> bool:
    """Lock a descriptor; False if another process has."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk without locks
        return True
    return True


def _busy(held: int, out: Path) -> ResultsError:
    process = os.read(held, 20).decode("ascii", "replace").strip()
    return ResultsError(
        f"{out} is being written by another run{f' (process {process})' if process else ''}. Expected one run at a time for a results folder. "
        "Wait until it has ended, or give another --out."
    )


WRITTEN_OUT: Final = ("raw", "adjusted", "contrasts")  # exposure, adjusters, population and averaging in every row
NAMED: Final = (
    "comparison",
    "decomposition",
    "families",
    "robustness",
    "agreement",
)  # the name that estimands.csv explains


def refuse_without_estimand(table: pd.DataFrame, name: str) -> None:
    """Refuse a table of numbers of which some do not say what they are of.

    Parameters
    ----------
    table : DataFrame
    name : str
        Of the file, without its ending; other tables than those of reported numbers pass.

    Raises
    ------
    ResultsError
        If there is no column ``estimand``, it is empty in some row, or it does not name exposure, adjusters and population.
    """
    if name not in (*WRITTEN_OUT, *NAMED):
        return
    if "estimand" not in table:
        raise ResultsError(
            f'{name}.csv has no column "estimand", so nobody could tell what its numbers are of. Columns: {listed(table.columns, 30)}. '
            "Give every row its exposure, adjusters and population; nothing is written."
        )
    texts = table["estimand"]
    empty = texts.isna() | (texts.astype(str).str.strip() == "")
    if empty.any():
        raise ResultsError(
            f"{name}.csv has no estimand in {int(empty.sum())} of {len(table)} rows (first rows, counted from 1: "
            f"{listed((i + 1 for i, one in enumerate(empty) if one), 5)}). Give every row its exposure, adjusters and population; "
            "nothing is written."
        )
    for text in texts.unique() if name in WRITTEN_OUT else ():
        try:
            Estimand.parse(str(text))
        except AdjustError as problem:
            raise ResultsError(f"{name}.csv: {problem} Nothing is written.") from None


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
            values = safe[name].astype(object)
            known = {text: _defused(text) for text in {value for value in values if isinstance(value, str)}}
            safe[name] = values.map(lambda value, known=known: known[value] if isinstance(value, str) else value)
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


def _defused(value: str) -> str:
    text = _ODD_SPACE.sub(" ", HARMFUL.sub("", value))
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
