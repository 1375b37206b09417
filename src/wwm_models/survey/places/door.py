"""The door: a path or a connection string to a table that can be asked."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from wwm_models.errors import SurveyError, WwmError
from wwm_models.survey.codebook import Source
from wwm_models.survey.places import duck
from wwm_models.survey.places.address import is_address, read_address, without_secrets
from wwm_models.survey.places.connected import connected_place
from wwm_models.survey.places.place import Place


def countable(data: str | Path) -> bool:
    """Say whether respondents can be counted where they lie: in a database, or a file that is read piece by piece."""
    return is_address(data) or duck.countable(Path(data))


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

    def told(problem: Exception) -> SurveyError:
        return SurveyError(
            f"{without_secrets(str(data))}: the table cannot be read where it lies: {_first_line(problem)}. Expected a table "
            "that may be read, of numbers and texts. Repair the connection string or the table."
        )

    def ask(question: Any) -> Any:
        try:
            return place.ask(question)
        except Exception as problem:  # every engine has errors of its own
            raise told(problem) from None

    with contextlib.ExitStack() as stack:
        try:
            if is_address(data):
                address = read_address(str(data))
                opening = (duck.duckdb_place if address.engine == "duckdb" else connected_place)(address, source)
            else:
                opening = duck.file_place(Path(data), source)
            place = stack.enter_context(opening)
        except WwmError:
            raise
        except Exception as problem:
            raise told(problem) from None
        yield replace(place, ask=ask)


def _first_line(problem: Exception) -> str:
    lines = without_secrets(str(problem)).strip().splitlines()
    return (lines[0].rstrip(".") if lines else type(problem).__name__)[:300]
