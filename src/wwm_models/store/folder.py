"""A results folder that is replaced in one step, so that a killed run leaves the former one or a complete new one."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from wwm_models.errors import ResultsError
from wwm_models.store.tables import read_table

_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h
_AT_FDCWD = -100


@contextmanager
def new_results(out: Path) -> Generator[Path]:
    """Give an empty folder beside `out`; when the block ends without an error it takes the place of `out`.

    Parameters
    ----------
    out : Path
        The results folder; may exist.

    Raises
    ------
    ResultsError
        If `out` is a file, or a folder that holds something other than results.
    """
    _refuse_foreign(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    for left_over in out.parent.glob(f".{out.name}.new-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh = out.with_name(f".{out.name}.new-{os.getpid()}")
    fresh.mkdir()
    try:
        yield fresh
        _flush_folder(fresh)
        _put_in_place(fresh, out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_place(out: Path) -> None:
    """Refuse a results folder that could not be written, before the work whose results it is to hold.

    Parameters
    ----------
    out : Path
        The results folder; may exist. Nothing is left behind.

    Raises
    ------
    ResultsError
        If `out` is a file, a folder that holds something other than results, or lies where no folder can be made.
    """
    try:
        _refuse_foreign(out)
        above = next(path for path in out.absolute().parents if path.exists())
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.new-", dir=above):
            pass
    except OSError as problem:
        raise ResultsError(
            f"{out} cannot be a results folder: {problem.strerror}. Expected a place where folders can be made. "
            "Give another --out."
        ) from None


def read_results(folder: Path, name: str) -> pd.DataFrame:
    """One table of a results folder, or an error that says what is there."""
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise ResultsError(
            f"{folder} holds no {name}.csv, so it is not the results of a finished run. Give a folder that `wwm run` or `wwm demo` wrote."
        )
    return read_table(path)


def _refuse_foreign(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ResultsError(f"{out} is not a plain folder. Give another --out.")
    if out.is_dir() and any(out.iterdir()) and not (out / "manifest.json").is_file():
        raise ResultsError(
            f"{out} exists and holds files, but no manifest.json, so it is not a results folder and is left alone. Give another --out."
        )


def _put_in_place(fresh: Path, out: Path) -> None:
    """Swap the two folders in one system call where the system can; the former one is then removed by the caller."""
    if not out.exists():
        fresh.rename(out)
        return
    if sys.platform.startswith("linux"):
        library = ctypes.CDLL(None, use_errno=True)
        if hasattr(library, "renameat2"):
            failed = library.renameat2(_AT_FDCWD, os.fsencode(fresh), _AT_FDCWD, os.fsencode(out), _EXCHANGE)
            if failed == 0:
                return
    former = out.with_name(f".{out.name}.former-{os.getpid()}")
    out.rename(former)
    fresh.rename(out)
    shutil.rmtree(former, ignore_errors=True)


def _flush_folder(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
