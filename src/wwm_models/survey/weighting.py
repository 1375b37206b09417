"""Weights and sampling design from the columns of the file; weights that cannot be meant are errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import first_rows
from wwm_models.errors import SurveyError, listed
from wwm_models.records.doubts import counted_codes
from wwm_models.records.sampling import SamplingDesign, sampling_design
from wwm_models.records.survey import checked_weights
from wwm_models.survey.codebook import Codebook
from wwm_models.survey.doubts import refuse_codes
from wwm_models.survey.raw import RawColumn, RawFile, column_named, number_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def weights_of(file: RawFile, codebook: Codebook) -> tuple[Floats, Flags]:
    """Give the weights, and the rows whose weight is a declared missing code.

    Parameters
    ----------
    file : RawFile
    codebook : Codebook

    Returns
    -------
    weights : (n,) array
        Ones where there is no weight; zero where the weight is a declared missing code.
    without : (n,) bool array
        Rows to leave out of the domain.

    Raises
    ------
    SurveyError
        If a weight is missing, negative or looks like a missing code, or if all are zero.
    """
    sampling = codebook.sampling
    if not sampling.weight:
        return np.ones(file.rows), np.zeros(file.rows, dtype=bool)
    column = column_named(file, sampling.weight, f"{codebook.path}, [survey], `weight`")
    values = column.numbers()
    without = np.isin(values, sampling.weight_missing_codes)
    wrong = [
        place
        for place, cell in enumerate(column.cells)
        if cell.text and np.isnan(cell.number) and not cell.user_missing
    ]
    refuse_texts(file.path, codebook, [(column.cells[place].text, column.where(place)) for place in wrong])
    try:
        weights = checked_weights(pd.Series(np.where(without, 0.0, values)), sampling.weight)
    except SurveyError as problem:
        raise SurveyError(f"{file.path}: {problem}") from None
    if sampling.weight_kind == "sampling" and not sampling.accept_extreme_weights:
        refuse_codes(
            *counted_codes(weights), lambda code: first_rows(np.flatnonzero(weights == code), file.rows), file.path, codebook
        )  # fmt: skip
    return weights, without


def refuse_texts(path: Path | str, codebook: Codebook, texts: Sequence[tuple[str, str]]) -> None:
    """Refuse weights that are texts, and show them.

    Parameters
    ----------
    path, codebook
        For the message.
    texts : sequence of (text, where)
        The distinct ones, and in which rows each stands.
    """
    if not texts:
        return
    commas = all(number_of(text, ",") == number_of(text, ",") for text, _ in texts)
    advice = (
        'Write `decimal = ","` in [source] of the codebook, or save the file with decimal points.'
        if commas
        else "Repair the column: numbers only, without signs or units."
    )
    shown = listed([f'"{text}" in {where}' for text, where in texts])
    raise SurveyError(
        f'{path}: weight "{codebook.sampling.weight}" is {shown}. Expected a number of '
        f"zero or more for every respondent. {advice}"
    )


def design_of(file: RawFile, codebook: Codebook) -> SamplingDesign | None:
    """Give strata and sampling units of all rows of the file; None where nothing is declared."""
    sampling = codebook.sampling
    where = f"{codebook.path}, [survey]"
    names = dict.fromkeys((*sampling.strata, *sampling.psu, *sampling.fpc))
    frame = pd.DataFrame({name: units_of_column(column_named(file, name, where)) for name in names})
    try:
        return sampling_design(frame, sampling.strata, sampling.psu, sampling.fpc, sampling.lonely)
    except SurveyError as problem:
        raise SurveyError(f"{file.path}: {problem}") from None


def units_of_column(column: RawColumn) -> pd.Series:
    """Give a design column as numbers where all cells are numbers, else as text; empty cells are missing."""
    numbers = column.numbers()
    empty = np.array([not cell.text or cell.user_missing for cell in column.cells])[column.index]
    if not np.isnan(numbers[~empty]).any():
        return pd.Series(numbers)
    texts = np.array([cell.text for cell in column.cells], dtype=object)[column.index]
    texts[empty] = None
    return pd.Series(texts, dtype=object)
