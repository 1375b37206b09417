"""Libraries that come with an extra of this package, such as ``wwm-models[word]``: imported where used, and named where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Final

from wwm_models.errors import ExtraError

# module: the library as people know it, and the extra that brings it
LIBRARIES: Final = {
    "duckdb": ("DuckDB", "databases"),
    "ibis": ("Ibis", "databases"),
    "docx": ("python-docx", "word"),
    "dask.distributed": ("Dask", "scale"),
    "pyspark.sql": ("PySpark", "scale"),
}


def extra(module: str, wanted: str) -> ModuleType:
    """A library of an extra.

    Parameters
    ----------
    module : str
        One of `LIBRARIES`.
    wanted : str
        What it is needed for, as the subject of a sentence, such as ``"answers.duckdb"``.

    Raises
    ------
    ExtraError
        If it is not installed.

    Examples
    --------
    >>> extra("docx", "A Word table").__name__
    'docx'
    """
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        raise ExtraError(missing(module, wanted, str(problem))) from None


def missing(module: str, wanted: str, reason: str = "") -> str:
    """The message for a library that is not installed."""
    library, name = LIBRARIES[module]
    found = f" ({reason})" if reason else ""
    return (
        f'{wanted} needs {library}, which is not installed{found}. Expected the extra "{name}" of this package. Install it with '
        f'`pip install "wwm-models[{name}]"`.'
    )
