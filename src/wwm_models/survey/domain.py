"""Whom the study is about: the rows that satisfy the universe, and the count of every row that does not."""

from __future__ import annotations

from collections.abc import Mapping

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
    inside = np.ones(len(without_weight), dtype=bool)
    lines: list[tuple[str, int]] = []

    def leave_out(rows: Flags, reason: str, *, always: bool = True) -> None:
        nonlocal inside
        if always or (inside & rows).any():
            lines.append((reason, int((inside & rows).sum())))
        inside = inside & ~rows

    for condition in codebook.universe.all:
        truth = holds(condition, done)
        leave_out(truth.no, f"not true: {condition.text}")
        leave_out(truth.unknown, f"not known: {condition.text}", always=False)
    for part in codebook.universe.exclude:
        leave_out(holds(part.when, done).yes, part.reason)
    leave_out(without_weight, f"weight {codebook.sampling.weight} is missing", always=False)
    if not inside.any():
        raise SurveyError(_nobody(codebook, lines, len(inside)))
    rows = [("rows in the file", len(inside)), *lines, ("rows in the domain", int(inside.sum()))]
    return inside, pd.DataFrame(rows, columns=["reason", "rows"])


def _nobody(codebook: Codebook, lines: list[tuple[str, int]], total: int) -> str:
    counts = "; ".join(f"{reason}: {rows}" for reason, rows in lines)
    return (
        f"{codebook.path}, [universe]: none of the {total} rows is left ({counts}). Expected some respondents whom the "
        "study is about. Repair the condition that leaves out too many."
    )
