"""The door: a path or a connection string to a table that can be asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wwm_models.errors import SurveyError, WwmError
from wwm_models.survey.codebook import Source
from wwm_models.survey.places.address import is_address, read_address, without_secrets


@dataclass(frozen=True, eq=False)
class Place:
    """A table where it lies.

    Attributes
    ----------
    shown : str
        Its path or connection string, without a password; for messages.
    table : Ibis table expression
    ask : function of an Ibis table expression
        Gives its rows as an Arrow table: what is asked must be small.
    """

    shown: str
    table: Any
    ask: Callable[[Any], Any]


@contextlib.contextmanager
def opened(data: str | Path, source: Source) -> Generator[Place]:
    """Open the table at a path or a connection string, for reading only.

    Parameters
    ----------
    data : str or Path
        A connection string, or a parquet, DuckDB or delimited text file.
    source : Source
        Table, delimiter, encoding and most memory.

    Raises
    ------
    SurveyError
        If it cannot be opened, or a question about it cannot be answered.
    """
    from wwm_models.survey.places.connected import connected_place
    from wwm_models.survey.places.duck import duckdb_place, file_place

    try:
        if not is_address(data):
            with file_place(Path(data), source) as place:
                yield place
            return
        address = read_address(str(data))
        with (duckdb_place if address.engine == "duckdb" else connected_place)(address, source) as place:
            yield place
    except WwmError:
        raise
    except Exception as problem:  # every engine has errors of its own
        raise SurveyError(
            f"{without_secrets(str(data))}: the table cannot be read where it lies: {_first_line(problem)}. Expected a table "
            "that may be read, of numbers and texts. Repair the connection string or the table."
        ) from None


def _first_line(problem: Exception) -> str:
    lines = without_secrets(str(problem)).strip().splitlines()
    return (lines[0].rstrip(".") if lines else type(problem).__name__)[:300]
