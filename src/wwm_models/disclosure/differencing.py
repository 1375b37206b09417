"""Two runs against each other: what one suppresses and the other shows, and groups that differ by a few respondents.

Two percentages of the same group, on 1,530 and on 1,524 respondents, tell the answers of six by subtraction. Groups are compared by
their names, so two runs with other cut points have to be compared by a person.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd

KEYS = ("outcome", "by", "group", "category")


def differencing(here: pd.DataFrame, there: pd.DataFrame, below: int) -> list[str]:
    """What two published tables of raw percentages give away together; empty if nothing.

    Parameters
    ----------
    here, there : DataFrame
        raw.csv of two runs.
    below : int
        Unweighted respondents about whom nothing may be computed; 0 allows everything.

    Returns
    -------
    list of str
        One sentence per group.

    Examples
    --------
    >>> row = {"outcome": "wish", "by": "", "group": "", "category": "yes", "estimate": 0.6, "n": 1530.0}
    >>> differencing(pd.DataFrame([row]), pd.DataFrame([{**row, "n": 1524.0}]), 10)
    ['wish, everyone: 1530 respondents in one run and 1524 in the other, so that the answers of 6 can be computed']
    """
    both = _keyed(here).merge(_keyed(there), on=list(KEYS), suffixes=("_here", "_there"))
    both = both[(both["n_here"] > 0) & (both["n_there"] > 0)]
    shown_here, shown_there = both["estimate_here"].notna(), both["estimate_there"].notna()
    gap = (both["n_here"] - both["n_there"]).abs()
    few = both[shown_here & shown_there & (gap > 0) & (gap < below)]
    found = [
        f"{_group(row)}: {row['n_here']:.0f} respondents in one run and {row['n_there']:.0f} in the other, so that the answers of "
        f"{abs(row['n_here'] - row['n_there']):.0f} can be computed"
        for row in few.drop_duplicates(["outcome", "by", "group"]).to_dict("records")
    ]
    torn = both[(shown_here != shown_there) & (gap < below)]
    return found + [
        f"{_group(row)}: {row['category']} is suppressed in one run and shown in the other"
        for row in torn.to_dict("records")
    ]


def _keyed(table: pd.DataFrame) -> pd.DataFrame:
    found = table[[*KEYS, "estimate", "n"]].copy()
    return found.assign(by=found["by"].fillna(""), group=found["group"].fillna(""))


def _group(row: Mapping[Hashable, object]) -> str:
    return f"{row['outcome']}, {row['group'] or 'everyone'}"
