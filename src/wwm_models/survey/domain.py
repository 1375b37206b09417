"""Whom the study is about: the rows that satisfy the universe, and the count of every row that does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import SurveyError
from wwm_models.survey.codebook import Codebook
from wwm_models.survey.recode import holds
from wwm_models.survey.recoded import Recoded

Flags = NDArray[np.bool_]


def domain_of(codebook: Codebook, done: Mapping[str, Recoded], without_weight: Flags) -> tuple[Flags, pd.DataFrame]:
    """Give the rows of the domain and the accounting.

    Parameters
    ----------
    codebook : Codebook
    done : mapping of name to Recoded
    without_weight : (n,) bool array
        Rows whose weight is a declared missing code.

    Returns
    -------
    domain : (n,) bool array
    accounting : DataFrame
        ``reason`` and ``rows``: the rows in the file; then, in the order of the codebook, the rows each condition
        leaves out of those still there (separately those of whom it is not known), the exclusions, and missing
        weights; last the rows in the domain. The lines between the first and the last add up to their difference.

    Raises
    ------
    SurveyError
        If no row is left.
    """
    way = np.zeros(len(without_weight), dtype=np.intp)
    for number, rows in enumerate(_leaving(codebook, done, without_weight), start=1):
        way[(way == 0) & rows] = number
    return way == 0, accounting_of(np.bincount(way, minlength=len(ways_out(codebook)) + 1), codebook)


@dataclass(frozen=True)
class WayOut:
    """A reason to leave the domain; `always` says whether it is told even if nobody left for it."""

    reason: str
    always: bool = True


def ways_out(codebook: Codebook) -> tuple[WayOut, ...]:
    """Give the reasons in the order in which they are asked: a row leaves for the first that holds."""
    conditions = [
        way
        for condition in codebook.universe.all
        for way in (WayOut(f"not true: {condition.text}"), WayOut(f"not known: {condition.text}", always=False))
    ]
    excluded = [WayOut(part.reason) for part in codebook.universe.exclude]
    return (*conditions, *excluded, WayOut(f"weight {codebook.sampling.weight} is missing", always=False))


def accounting_of(counts: Sequence[int] | NDArray[np.intp], codebook: Codebook) -> pd.DataFrame:
    """Give the accounting from the rows that stay (first) and those that leave by each of the `ways_out`.

    Raises
    ------
    SurveyError
        If nobody stays.
    """
    total = int(sum(counts))
    lines = [
        (way.reason, int(count))
        for way, count in zip(ways_out(codebook), counts[1:], strict=True)
        if way.always or count
    ]
    if not counts[0]:
        raise SurveyError(_nobody(codebook, lines, total))
    rows = [("rows in the file", total), *lines, ("rows in the domain", int(counts[0]))]
    return pd.DataFrame(rows, columns=["reason", "rows"])


def _leaving(codebook: Codebook, done: Mapping[str, Recoded], without_weight: Flags) -> Iterator[Flags]:
    """The rows for which each of the `ways_out` holds."""
    for condition in codebook.universe.all:
        truth = holds(condition, done)
        yield truth.no
        yield truth.unknown
    for part in codebook.universe.exclude:
        yield holds(part.when, done).yes
    yield without_weight


def _nobody(codebook: Codebook, lines: list[tuple[str, int]], total: int) -> str:
    counts = "; ".join(f"{reason}: {rows}" for reason, rows in lines)
    return (
        f"{codebook.path}, [universe]: none of the {total} rows is left ({counts}). Expected some respondents whom the "
        "study is about. Repair the condition that leaves out too many."
    )
