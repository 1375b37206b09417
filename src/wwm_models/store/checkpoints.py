"""Finished pieces of an unfinished run, kept beside the results folder under a key of everything they depend on.

Pieces that are dear and small may stay in a room of the finished results, where the next run finds them.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.store.reserved import kept_folder
from wwm_models.store.tables import not_written, write_bytes

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
