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
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from wwm_models.store.tables import write_bytes

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
        return self.out.with_name(f".{self.out.name}.finished") / self.room

    def load(self, name: str) -> Stored | None:
        """What `save` stored under this name and key, in this run or in the finished one that it replaces, or None."""
        found = self._read(self.folder / f"{name}.npz")
        if found is None and self.room:
            found = self._read(self.out / self.room / f"{name}.npz")
            if found is not None:
                self.save(name, *found)  # the former results go when this run is done
        return found

    def _read(self, path: Path) -> Stored | None:
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
        except (OSError, ValueError, BadZipFile, KeyError):
            return None
        facts = json.loads(bytes(arrays.pop("facts").tobytes()).decode("utf-8"))
        return (facts["content"], arrays) if facts["key"] == self.key else None

    def save(self, name: str, content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store JSON content and plain arrays under a name; whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = json.dumps({"key": self.key, "content": content}).encode("utf-8")
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{"facts": np.frombuffer(facts, dtype=np.uint8), **dict(arrays)})
        write_bytes(buffer.getvalue(), self.folder / f"{name}.npz")

    def clear(self) -> None:
        """Remove what is kept, once the results folder is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)


def key_of(parts: Mapping[str, Any]) -> str:
    """A hash of JSON-able facts, independent of their order.

    Examples
    --------
    >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("utf-8")).hexdigest()
