"""Two runs against each other: what one suppresses and the other shows, groups that differ by a few respondents, and models.

Two percentages of the same group, on 1,530 and on 1,524 respondents, tell the answers of six by subtraction. So do the equations of two models
(see ``determined``): with the same level on a few respondents more, or with another adjuster whose level holds nearly the same respondents. A run
writes down the respondents of every level of every model it publishes; who they are it does not, so levels of other variables that are as large but
for a few are named too. Groups are compared by their names, so two runs with other cut points have to be compared by a person.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

Fits = Mapping[str, Mapping[str, Any]]
Equations = Mapping[str, Fits]
Named = tuple[str, Mapping[str, Any]]
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


def models_together(here: Equations, there: Equations, small: Mapping[str, Collection[str]], below: int) -> list[str]:
    """What the models of two runs give away together; empty if nothing.

    Parameters
    ----------
    here, there : mapping of outcome to mapping of fit to its respondents and those at every level of its terms
        As ``equations`` of a manifest.
    small : mapping of outcome to texts
        Groups that one of the two runs suppresses, such as ``"age = young"``.
    below : int
        Unweighted respondents about whom nothing may be computed; 0 allows everything.

    Returns
    -------
    list of str
        One sentence per group.

    Examples
    --------
    >>> one = {"wish": {"m (all)": {"respondents": 900, "levels": {"age = old": 52}}}}
    >>> two = {"wish": {"m (all)": {"respondents": 900, "levels": {"retired = yes": 49}}}}
    >>> models_together(one, two, {}, 10)
    ['wish: m (all) has age = old in one run (52) and m (all) has retired = yes in the other (49): if these are nearly the same respondents, \
the answers of fewer than 10 can be computed']
    """
    found: dict[str, None] = {}
    for run in (here, there):
        for outcome, fits in run.items():
            for name, fit in fits.items():
                for level, count in fit["levels"].items():
                    if count < below or level in small.get(outcome, ()):
                        found[
                            f"{outcome}: the equations of {name} tell the answers of {level}, which are too few or suppressed"
                        ] = None
    for outcome in set(here) & set(there):
        own = {level for fit in here[outcome].values() for level in fit["levels"]}
        other = {level for fit in there[outcome].values() for level in fit["levels"]}
        for one, two in itertools.product(here[outcome].items(), there[outcome].items()):
            found |= dict.fromkeys(_pair(outcome, one, two, (own, other), below))
    return list(found)


def _pair(outcome: str, one: Named, two: Named, levels: tuple[set[str], set[str]], below: int) -> Iterator[str]:
    """What one fit of either run gives away with one of the other."""
    (name, fit), (named, other) = one, two
    apart = abs(fit["respondents"] - other["respondents"])
    if 0 < apart < below:
        yield (
            f"{outcome}: {name} has {fit['respondents']} respondents in one run and {named} has {other['respondents']} in the other, so that the "
            f"answers of {apart} can be computed"
        )
    for level, count in fit["levels"].items():
        for again, size in other["levels"].items():
            same = level == again
            if same and 0 < abs(count - size) < below:
                yield (
                    f"{outcome}, {level}: {count} respondents of {name} in one run and {size} of {named} in the other, so that the answers of "
                    f"{abs(count - size)} can be computed"
                )
            elif not same and level not in levels[1] and again not in levels[0] and abs(count - size) < below:
                yield (
                    f"{outcome}: {name} has {level} in one run ({count}) and {named} has {again} in the other ({size}): if these are nearly the same "
                    f"respondents, the answers of fewer than {below} can be computed"
                )


def _keyed(table: pd.DataFrame) -> pd.DataFrame:
    found = table[[*KEYS, "estimate", "n"]].copy()
    return found.assign(by=found["by"].fillna(""), group=found["group"].fillna(""))


def _group(row: Mapping[Hashable, object]) -> str:
    return f"{row['outcome']}, {row['group'] or 'everyone'}"
