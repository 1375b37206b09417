"""A results folder that is replaced in one step, and the finished pieces of an unfinished run beside it.

A killed run leaves the former folder or a complete new one (`new_results`). Finished pieces are kept under a key of everything they depend on
(`Checkpoints`); pieces that are dear and small may stay in a room of the finished results, where the next run finds them.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import ResultsError
from wwm_models.results.atomic_files import held_alone, kept_folder, not_written, write_bytes
from wwm_models.results.results import foreign_files

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


Stored = tuple[dict[str, Any], dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class Checkpoints:
    """Where the finished pieces of one results folder are kept.

    Attributes
    ----------
    out : Path
        The results folder.
    key : str
        Hash of what a piece depends on, such as data, declarations, settings and versions; one stored under another key is not used.
    room : str
        The room of the results folder where pieces of a finished run lie; "" for none.
    """

    out: Path
    key: str
    room: str = ""

    @property
    def folder(self) -> Path:
        """A hidden folder beside the results."""
        return kept_folder(self.out) / self.room

    def load(self, name: str) -> Stored | None:
        """What `save` stored under this name and key, in this run or in the finished one that it replaces, or None."""
        found = _read(self.folder / f"{name}.npz", self.key)
        if found is None and self.room:
            found = _read(self.out / self.room / f"{name}.npz", self.key)
            if found is not None:
                self.save(name, *found)  # the former results go when this run is done
        return found

    def save(self, name: str, content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store JSON content and plain arrays under a name; whole or not at all.

        Raises
        ------
        ResultsError
            If that cannot be done.
        """
        stored = json.dumps({"key": self.key, "content": content}).encode("utf-8")
        facts = np.frombuffer(stored, dtype=np.uint8)
        sha256 = np.frombuffer(_sha256({"facts": facts, **arrays}).encode("ascii"), dtype=np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{"facts": facts, "sha256": sha256, **dict(arrays)})
        path = self.folder / f"{name}.npz"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)  # whatever made it: this folder is removed after the run
        except OSError as problem:
            raise not_written(self.folder, problem) from None
        write_bytes(buffer.getvalue(), path)

    def damaged(self) -> list[str]:
        """One sentence for each finished piece that cannot be used as it is; it is made again."""
        return [
            f"{path.relative_to(self.out.parent)} is damaged; what it held is made again"
            for path in sorted(kept_folder(self.out).rglob("*.npz"))
            if _opened(path) is None
        ]

    def clear(self) -> None:
        """Remove what is kept, once the results folder is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _read(path: Path, key: str) -> Stored | None:
    """What a file holds under a key, or None: a damaged one, or one of other inputs, is as good as none."""
    found = _opened(path)
    return found[1:] if found is not None and found[0] == key else None


def _opened(path: Path) -> tuple[str, dict[str, Any], dict[str, NDArray[Any]]] | None:
    """Key, content and arrays of a file, or None unless every byte is as it was stored."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        if bytes(arrays.pop("sha256").tobytes()).decode("ascii") != _sha256(arrays):
            return None
        facts = json.loads(bytes(arrays.pop("facts").tobytes()).decode("utf-8"))
        return facts["key"], facts["content"], arrays
    except Exception:  # zipfile, zlib, numpy and json raise a dozen kinds on damaged bytes
        return None


def _sha256(arrays: Mapping[str, NDArray[Any]]) -> str:
    """The sha256 of arrays with their names, types and shapes, independent of their order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {values.dtype.str} {arrays[name].shape} ".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def key_of(parts: Mapping[str, Any]) -> str:
    """A hash of JSON-able facts, independent of their order.

    Examples
    --------
    >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("utf-8")).hexdigest()
