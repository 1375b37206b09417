"""A results folder that is replaced in one step, so that a killed run leaves the former one or a complete new one."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from wwm_models.errors import ResultsError
from wwm_models.store.manifest import foreign_files
from wwm_models.store.reserved import held_alone, kept_folder
from wwm_models.store.tables import not_written

_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h
_AT_FDCWD = -100


@contextmanager
def reserved(out: Path) -> Generator[None]:
    """Hold a results folder for one run: a second one that asks for it is refused, and what a killed one left is removed.

    Parameters
    ----------
    out : Path
        The results folder; may exist.

    Raises
    ------
    ResultsError
        As `check_place`, or if another run holds it.
    """
    check_place(out)
    with held_alone(out):
        _remove_left_over(out)
        yield


@contextmanager
def new_results(out: Path) -> Generator[Path]:
    """Give an empty folder beside `out`; when the block ends without an error it takes the place of `out`.

    Parameters
    ----------
    out : Path
        The results folder; may exist, and is `reserved`.

    Raises
    ------
    ResultsError
        If `out` is a file, a folder that holds something other than results, or something cannot be written; what stood there
        before is then untouched.
    """
    _refuse_foreign(out)
    fresh: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=_prefix(out), dir=out.parent))
        fresh.chmod(0o777 & ~_umask())  # as a folder that nobody made private
        yield fresh
        _flush_folder(fresh)
        _put_in_place(fresh, out)
    except OSError as problem:
        raise not_written(out, problem) from None
    finally:
        if fresh is not None:
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
        with tempfile.TemporaryDirectory(prefix=_prefix(out), dir=above):
            pass
    except OSError as problem:
        raise ResultsError(
            f"{out} cannot be a results folder: {problem.strerror}. Expected a place where folders can be made. "
            "Give another --out."
        ) from None


def _refuse_foreign(out: Path) -> None:
    if out.name in ("", ".."):
        raise ResultsError(
            f"{out} names no folder of its own. Expected a folder that may be replaced as a whole. Give another --out."
        )
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ResultsError(
            f"{out} is not a plain folder. Expected a folder, or nothing there: what a link points to is never replaced. Give another --out."
        )
    kept = kept_folder(out)
    if kept.is_symlink() or (kept.exists() and not kept.is_dir()) or any(path.is_symlink() for path in kept.rglob("*")):
        raise ResultsError(
            f"{kept} is a link or a file, or holds a link. Expected a plain folder, in which finished models are kept. "
            "Remove it. Give another --out."
        )
    if out.is_dir() and (said := foreign_files(out)):
        raise ResultsError(
            f"{out} exists and {said}. Expected an empty folder, or the results of a run and nothing else. Move what is yours "
            "elsewhere. Give another --out."
        )


def _prefix(out: Path) -> str:
    return f".{out.name}.new-"


def _remove_left_over(out: Path) -> None:
    """Remove what killed runs of this folder left beside it; names are compared whole, never as a pattern."""
    left_over = re.compile(re.escape(_prefix(out)) + "[a-z0-9_]+")
    for path in out.absolute().parent.iterdir():
        if left_over.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


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
    former = Path(tempfile.mkdtemp(prefix=_prefix(out), dir=out.parent)) / "former"
    out.rename(former)
    try:
        fresh.rename(out)
    except OSError:
        former.rename(out)
        raise
    finally:
        shutil.rmtree(former.parent, ignore_errors=True)


def _flush_folder(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
