"""What a number is of: outcome, category and group. Claims, studies and the page find numbers by it, and by nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd


class NumberKey(NamedTuple):
    """What a number is of, whatever the order of the variables of its group.

    Attributes
    ----------
    outcome, category : str
        A question, and one of its answers or collapses.
    group : frozenset of (variable, level)
        Empty for everyone.
    """

    outcome: str
    category: str
    group: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, outcome: str, category: str, group: Iterable[tuple[str, str]] = ()) -> NumberKey:
        """The key of a number of a group of levels.

        Examples
        --------
        >>> one = NumberKey.of("wish", "yes", [("age", "old"), ("home", "alone")])
        >>> one == NumberKey.of("wish", "yes", [("home", "alone"), ("age", "old")])
        True
        """
        return cls(outcome, category, frozenset(group))

    @classmethod
    def written(cls, outcome: str, category: str, by: str, group: str) -> NumberKey:
        """The key of a row of a results table, whose group is a text.

        Parameters
        ----------
        outcome, category : str
            As in the table.
        by : str
            Its variables, as ``age;home``.
        group : str
            Their levels, as ``age=old;home=alone``; a level may hold semicolons and equal signs too.

        Examples
        --------
        >>> NumberKey.written("wish", "yes", "home", "home=alone; for now").group
        frozenset({('home', 'alone; for now')})
        """
        names = [name for name in by.split(";") if name]
        found = re.fullmatch(";".join(f"{re.escape(name)}=(.*)" for name in names), group, re.DOTALL)
        if found is not None:
            return cls.of(outcome, category, zip(names, found.groups(), strict=True))
        parts = (part.partition("=") for part in group.split(";") if part)
        return cls.of(outcome, category, ((name, level) for name, _, level in parts))


def keys_of(table: pd.DataFrame, by: Sequence[str]) -> list[NumberKey]:
    """The key of every row of a table with by-variables, ``outcome`` and ``category``."""
    named = [[(name, str(value)) for value in table[name].tolist()] for name in by]
    groups = list(zip(*named, strict=True)) if by else [()] * len(table)
    rows = zip(table["outcome"].tolist(), table["category"].tolist(), groups, strict=True)
    return [NumberKey.of(str(outcome), str(category), group) for outcome, category, group in rows]


def written_keys(table: pd.DataFrame) -> list[NumberKey]:
    """The key of every row of a results table, with ``outcome``, ``category``, ``by`` and ``group`` as texts."""
    columns = (table[name].fillna("").astype(str).tolist() for name in ("outcome", "category", "by", "group"))
    return [NumberKey.written(*row) for row in zip(*columns, strict=True)]
