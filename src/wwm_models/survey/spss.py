"""SPSS files to columns, with value labels and with user-missing values kept as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from wwm_models.errors import SurveyError
from wwm_models.survey.codebook import Source
from wwm_models.survey.raw import Cell, RawColumn, plainly

Labels = Mapping[float | str, str]


def spss_columns(path: Path, data: bytes, source: Source) -> tuple[tuple[RawColumn, ...], int]:
    """Give the columns and the number of rows of an SPSS file.

    Parameters
    ----------
    path : Path
    data : bytes
        Not used: the library reads the file itself.
    source : Source
        Its encoding is used only where the codebook declares one; an SPSS file usually states its own.

    Raises
    ------
    SurveyError
        If the library cannot read the file.
    """
    del data
    import pyreadstat  # 0.1 s, and only for SPSS files

    try:
        frame, meta = pyreadstat.read_sav(
            str(path), user_missing=True, disable_datetime_conversion=True, encoding=source.encoding or None
        )
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError) as problem:
        raise SurveyError(
            f"{path}: the SPSS file cannot be read: {problem}. Expected a whole .sav file. Copy it again, or save it "
            "anew from SPSS; if the text is the trouble, declare `encoding` in [source]."
        ) from None
    frame = cast("pd.DataFrame", frame)
    labels = cast("Mapping[str, Labels]", meta.variable_value_labels)
    ranges = cast("Mapping[str, Sequence[Mapping[str, Any]]]", meta.missing_ranges)
    columns = tuple(
        _column(str(name), frame.iloc[:, place], labels.get(str(name), {}), ranges.get(str(name), ()))
        for place, name in enumerate(frame.columns)
    )
    return columns, len(frame)


def _column(name: str, series: pd.Series, labels: Labels, ranges: Sequence[Mapping[str, Any]]) -> RawColumn:
    """Give the distinct values of a column, each with its label; a system-missing value is an empty cell."""
    index, values = pd.factorize(series, use_na_sentinel=True)
    cells = [_cell(value, labels, ranges) for value in values]
    if (index < 0).any():
        cells.append(Cell(""))
        index = np.where(index < 0, len(cells) - 1, index)
    return RawColumn(name, tuple(cells), index.astype(np.intp), labels)


def _cell(value: object, labels: Labels, ranges: Sequence[Mapping[str, Any]]) -> Cell:
    inside = any(
        part["lo"] <= value <= part["hi"] for part in ranges if isinstance(part["lo"], str) == isinstance(value, str)
    )
    if isinstance(value, str):
        return Cell(value, label=labels.get(value, ""), user_missing=inside)
    number = float(cast("float", value))
    return Cell(plainly(number), number, labels.get(number, ""), inside)
