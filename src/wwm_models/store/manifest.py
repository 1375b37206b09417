"""The manifest: inputs, settings, versions and the sha256 of every file, written last; and its verification."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wwm_models.errors import ResultsError, listed
from wwm_models.store.tables import write_bytes

NAME = "manifest.json"


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Write manifest.json with `content` and the sha256 of every other file of the folder."""
    files = {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME
    }
    text = json.dumps({**content, "files": files}, indent=2, ensure_ascii=False, sort_keys=False)
    write_bytes((text + "\n").encode("utf-8"), folder / NAME)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a results folder.

    Raises
    ------
    ResultsError
        If there is none, or it is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        raise ResultsError(
            f"{folder} holds no {NAME}: no run has finished there. Give a folder that `wwm run` or `wwm demo` wrote."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise ResultsError(f"{path} is damaged ({problem}). Run the study again.") from problem
    if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
        raise ResultsError(f"{path} is damaged: it lists no files. Run the study again.")
    return content


def verify_results(folder: Path) -> list[str]:
    """What differs between a results folder and its manifest; empty when every file is as it was written.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of str
        One sentence per difference.

    Raises
    ------
    ResultsError
        If there is no readable manifest.
    """
    recorded = read_manifest(folder)["files"]
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {NAME}
    found = [f"{name} is missing" for name in sorted(set(recorded) - present)]
    found += [f"{name} is not in the manifest" for name in sorted(present - set(recorded))]
    found += [
        f"{name} has changed since it was written"
        for name in sorted(present & set(recorded))
        if file_sha256(folder / name) != recorded[name]
    ]
    return found


def unfinished(out: Path) -> str:
    """A sentence about an interrupted run of this folder, or an empty string."""
    kept = sorted(out.parent.glob(f".{out.name}.finished/*.npz"))
    if not kept:
        return ""
    return f"An interrupted run left {len(kept)} finished models ({listed(path.stem for path in kept)}); the next run of the same inputs uses them."
