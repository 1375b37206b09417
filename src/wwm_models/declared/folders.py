"""Where studies are: folders of the user, and those that ship with the package."""

from __future__ import annotations

import importlib.resources
from pathlib import Path


def bundled_study(name: str) -> Path:
    """Folder of a study that ships with the package: inside the wheel, or beside the source in a checkout.

    Examples
    --------
    >>> (bundled_study("wwm21") / "codebook.toml").is_file()
    True
    """
    inside = Path(str(importlib.resources.files("wwm_models"))) / "studies" / name
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3] / "models" / name


def bundled_names() -> list[str]:
    """Names of the studies that ship with the package.

    Examples
    --------
    >>> "wwm21" in bundled_names()
    True
    """
    return sorted(path.parent.name for path in bundled_study("wwm21").parent.glob("*/codebook.toml"))


def study_folder(name: str) -> Path:
    """The folder of that path, or the study of that name that ships with the package."""
    path = Path(name)
    bundled = bundled_study(path.name)
    return bundled if not path.exists() and bundled.is_dir() else path
