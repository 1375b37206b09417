"""Weights and sampling design from the columns of the file; weights that cannot be meant are errors."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError
from wwm_models.records.sampling import SamplingDesign, sampling_design
from wwm_models.records.survey import checked_weights
from wwm_models.survey.codebook import Codebook
from wwm_models.survey.raw import RawColumn, RawFile, column_named, first_rows, plainly

_CODES: Final = (9, 97, 98, 99, 997, 998, 999, 9997, 9998, 9999)
_MOST_OF_TOTAL: Final = 0.05  # more than this in one respondent is an error until accepted
_TIMES_MEAN: Final = 5.0  # in a sample below 100, equal weights already exceed 5 percent each
_LARGE_WEIGHT: Final = 10.0  # times the mean
_LARGE_EFFECT: Final = 3.0  # Kish, L. (1965): n sum(w^2) / sum(w)^2

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
    try:
        weights = checked_weights(pd.Series(np.where(without, 0.0, values)), sampling.weight)
    except SurveyError as problem:
        raise SurveyError(f"{file.path}: {problem}") from None
    if sampling.weight_kind == "sampling" and not sampling.accept_extreme_weights:
        _refuse_codes(weights, file, codebook)
    return weights, without


def refuse_dominant(weights: Floats, domain: Flags, file: RawFile, codebook: Codebook) -> None:
    """Refuse a respondent who holds more than 5 percent of the weight of the domain, and over five times the mean.

    Not asked of frequency weights, nor where the codebook accepts extreme weights.
    """
    sampling = codebook.sampling
    if sampling.weight_kind != "sampling" or sampling.accept_extreme_weights or not weights[domain].any():
        return
    total, mean = weights[domain].sum(), weights[domain].mean()
    heavy = np.flatnonzero(domain & (weights > _MOST_OF_TOTAL * total) & (weights > _TIMES_MEAN * mean))
    if not len(heavy):
        return
    most = weights[heavy].max()
    raise SurveyError(
        f'{file.path}: weight "{sampling.weight}": {first_rows(heavy, file.rows)} hold more than 5 percent of the '
        f"total weight of the {int(domain.sum())} respondents in the domain; the largest, {most:g}, is "
        f"{most / total:.1%} of it and {most / mean:.1f} times the mean. Expected no respondent to decide the result. "
        f"Repair the weight, declare it in [survey] of {codebook.path} as `weight_missing_codes = "
        f"[{plainly(float(most))}]`, or write `accept_extreme_weights = true`."
    )


def unequal_weights(weights: Floats, domain: Flags, codebook: Codebook) -> tuple[str, ...]:
    """Warn of sampling weights that differ so much that few respondents carry the result.

    That is when the largest is over ten times the mean, or when they more than triple the variance (Kish's design effect).
    """
    sampling = codebook.sampling
    inside = weights[domain] / max(float(weights[domain].max(initial=0.0)), 1e-300)  # huge weights have no square
    if sampling.weight_kind != "sampling" or not inside.any():
        return ()
    found: list[str] = []
    largest = float(inside.max() / inside.mean())
    if largest > _LARGE_WEIGHT:
        heavy = np.flatnonzero(domain)[inside > _LARGE_WEIGHT * inside.mean()]
        found.append(
            f'Weight "{sampling.weight}": {first_rows(heavy, len(weights))} have more than {_LARGE_WEIGHT:g} times the mean weight '
            f"(the largest {largest:.1f} times). Look whether they can be meant, or trim them with wwm.trim."
        )
    effect = len(inside) * float((inside**2).sum()) / float(inside.sum()) ** 2
    if effect > _LARGE_EFFECT:
        found.append(
            f'Weight "{sampling.weight}": the design effect of unequal weights is {effect:.2f}, so {len(inside)} respondents tell as '
            f"much as {len(inside) / effect:.0f} of equal weight. Trim the weights, or rake to fewer margins."
        )
    return tuple(found)


def design_of(file: RawFile, codebook: Codebook) -> SamplingDesign | None:
    """Give strata and sampling units of all rows of the file; None where nothing is declared."""
    sampling = codebook.sampling
    where = f"{codebook.path}, [survey]"
    names = dict.fromkeys((*sampling.strata, *sampling.psu, *sampling.fpc))
    frame = pd.DataFrame({name: _units(column_named(file, name, where)) for name in names})
    try:
        return sampling_design(frame, sampling.strata, sampling.psu, sampling.fpc, sampling.lonely)
    except SurveyError as problem:
        raise SurveyError(f"{file.path}: {problem}") from None


def _refuse_codes(weights: Floats, file: RawFile, codebook: Codebook) -> None:
    """Refuse weights that are exactly a usual missing code, all others being less than a third of it.

    A 9 must occur twice: one respondent of weight 9 is nothing special.
    """
    for code in _CODES:
        rows = np.flatnonzero(weights == code)
        rest = weights[~np.isin(weights, _CODES)]
        if len(rows) < (2 if code == 9 else 1) or not rest.any() or rest.max() >= code / 3:
            continue
        raise SurveyError(
            f'{file.path}: weight "{codebook.sampling.weight}" is {code} in {first_rows(rows, file.rows)}; the '
            f"largest other weight is {rest.max():g}. Expected weights, not codes for a missing weight. If {code} "
            f"means that the weight is missing, write in [survey] of {codebook.path}: `weight_missing_codes = "
            f"[{code}]` (these rows then leave the domain and are counted); if it is a weight, write "
            "`accept_extreme_weights = true`."
        )


def _units(column: RawColumn) -> pd.Series:
    """Give a design column as numbers where all cells are numbers, else as text; empty cells are missing."""
    numbers = column.numbers()
    empty = np.array([not cell.text or cell.user_missing for cell in column.cells])[column.index]
    if not np.isnan(numbers[~empty]).any():
        return pd.Series(numbers)
    texts = np.array([cell.text for cell in column.cells], dtype=object)[column.index]
    texts[empty] = None
    return pd.Series(texts, dtype=object)
