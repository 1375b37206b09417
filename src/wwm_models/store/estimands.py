"""Tables of reported numbers are not written unless every row says what it is of."""

from __future__ import annotations

from typing import Final

import pandas as pd

from wwm_models.errors import AdjustError, ResultsError, listed
from wwm_models.records import Estimand

WRITTEN_OUT: Final = ("raw", "adjusted", "contrasts")  # exposure, adjusters, population and averaging in every row
NAMED: Final = (
    "comparison",
    "decomposition",
    "families",
    "robustness",
    "agreement",
)  # the name that estimands.csv explains


def refuse_without_estimand(table: pd.DataFrame, name: str) -> None:
    """Refuse a table of numbers of which some do not say what they are of.

    Parameters
    ----------
    table : DataFrame
    name : str
        Of the file, without its ending; other tables than those of reported numbers pass.

    Raises
    ------
    ResultsError
        If there is no column ``estimand``, it is empty in some row, or it does not name exposure, adjusters and population.
    """
    if name not in (*WRITTEN_OUT, *NAMED):
        return
    if "estimand" not in table:
        raise ResultsError(
            f'{name}.csv has no column "estimand", so nobody could tell what its numbers are of. Columns: {listed(table.columns, 30)}. '
            "Give every row its exposure, adjusters and population; nothing is written."
        )
    texts = table["estimand"]
    empty = texts.isna() | (texts.astype(str).str.strip() == "")
    if empty.any():
        raise ResultsError(
            f"{name}.csv has no estimand in {int(empty.sum())} of {len(table)} rows (first rows, counted from 1: "
            f"{listed((i + 1 for i, one in enumerate(empty) if one), 5)}). Give every row its exposure, adjusters and population; "
            "nothing is written."
        )
    for text in texts.unique() if name in WRITTEN_OUT else ():
        try:
            Estimand.parse(str(text))
        except AdjustError as problem:
            raise ResultsError(f"{name}.csv: {problem} Nothing is written.") from None
