"""One run at a time for a results folder: a lock beside it that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from wwm_models.errors import ResultsError


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
