"""Where a command may write."""

from __future__ import annotations

from pathlib import Path

from wwm_models.errors import ResultsError


def csv_file(name: str) -> Path:
    """A path that a file can be written to.

    Raises
    ------
    ResultsError
    """
    path = Path(name)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ResultsError(
            f"{path} cannot be written: it is a folder, or its folder does not exist. Give the path of a csv file."
        )
    return path
