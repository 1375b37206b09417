"""What a result came from: hashes of the inputs, settings, versions, status and seconds."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from wwm_models.records import Survey
from wwm_models.store import file_sha256
from wwm_models.store.checkpoints import key_of
from wwm_models.study.declared import Declared
from wwm_models.study.models import ModelResult

PACKAGES = ("wwm-models", "numpy", "scipy", "pandas", "patsy", "pyreadstat", "nutpie")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES}}


def inputs(declared: Declared, name: str, sha256: str) -> dict[str, str]:
    """The sha256 of the data and of every declared file, by file name."""
    return {name: sha256, **{path.name: file_sha256(path) for path in declared.files()}}


def run_key(declared: Declared, name: str, sha256: str, settings: Mapping[str, Any]) -> str:
    """Hash of everything a model's result depends on."""
    return key_of({"inputs": inputs(declared, name, sha256), "settings": dict(settings), "versions": versions()})


def run_manifest(
    declared: Declared,
    name: str,
    survey: Survey,
    settings: Mapping[str, Any],
    results: Sequence[ModelResult],
    started: pd.Timestamp,
) -> dict[str, Any]:
    """The manifest without the list of files; `name` is that of the data."""
    return {
        "study": declared.name,
        "data": "SYNTHETIC" if survey.synthetic else "real",
        "data_file": name,
        "inputs": inputs(declared, name, survey.sha256),
        "settings": dict(settings),
        "versions": versions(),
        "models": {
            result.name: {"status": "problem" if result.problems else "ok", "problems": list(result.problems)}
            for result in results
        },
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((pd.Timestamp.now() - started).total_seconds(), 3),
    }
