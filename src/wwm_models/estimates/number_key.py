"""What a number is of: outcome, category and group, and how a group is written.

A group may join several levels of a variable. Claims, studies and the page find numbers by `NumberKey`, and by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

import pandas as pd

JOINED: Final = " or "  # between the levels of a joined group, in tables


class JoinedLevels(str):
    """Several levels of a variable as one group. As text it is what tables hold: the levels in the order of the alphabet.

    Attributes
    ----------
    levels : tuple of str

    Examples
    --------
    >>> JoinedLevels(["couple", "children"]), JoinedLevels(["couple", "children"]).levels
    ('children or couple', ('children', 'couple'))
    """

    levels: tuple[str, ...]

    def __new__(cls, levels: Iterable[str]) -> JoinedLevels:
        """Join two or more levels."""
        named = tuple(sorted(levels))
        made = super().__new__(cls, JOINED.join(named))
        made.levels = named
        return made

    def __reduce__(self) -> tuple[type[JoinedLevels], tuple[tuple[str, ...]]]:
        """Travel between processes whole."""
        return JoinedLevels, (self.levels,)


def in_one_order(names: Iterable[str]) -> tuple[str, ...]:
    """Variables that form groups together, the same whatever the order in which a file names them.

    Examples
    --------
    >>> in_one_order(["household", "age"])
    ('age', 'household')
    """
    return tuple(sorted(names))


def variables_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The variables by which a table of numbers is: its columns before ``outcome``.

    Examples
    --------
    >>> variables_of(pd.DataFrame(columns=["age", "outcome", "category"]))
    ('age',)
    """
    return tuple(str(name) for name in table.columns[: list(table.columns).index("outcome")])


def levels_of(level: str) -> tuple[str, ...]:
    """The levels that a group is made of: one, or those that are joined.

    Examples
    --------
    >>> levels_of("couple"), levels_of(JoinedLevels(["couple", "children"]))
    (('couple',), ('children', 'couple'))
    """
    return level.levels if isinstance(level, JoinedLevels) else (level,)


def written_levels(written: str, known: Iterable[str]) -> tuple[str, ...]:
    """The levels of a group as a table names it, in the order in which a variable has them; none where it is no joined group.

    Examples
    --------
    >>> written_levels("children or couple", ["single", "couple", "children"]), written_levels("couple", ["couple"])
    (('couple', 'children'), ())
    """
    levels = list(known)
    if JOINED not in written or written in levels:
        return ()
    one = "|".join(re.escape(level) for level in sorted(levels, key=len, reverse=True))
    if not levels or re.fullmatch(f"(?:{one})(?:{JOINED}(?:{one}))+", written) is None:
        return ()
    found = set(re.findall(f"(?:^|(?<={JOINED}))(?:{one})(?={JOINED}|$)", written))
    return tuple(level for level in levels if level in found)


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
        return cls.of(outcome, category, levels_written(group, [name for name in by.split(";") if name]))


def written_group(levels: Iterable[Sequence[str]]) -> str:
    """A group of (variable, level) as results tables write it; empty for everyone.

    Examples
    --------
    >>> written_group([("age", "old"), ("home", "alone")])
    'age=old;home=alone'
    """
    return ";".join(f"{name}={level}" for name, level in levels)


def levels_written(group: str, names: Collection[str] = ()) -> list[tuple[str, str]]:
    """The (variable, level) of a group that a results table writes, in its order; none for everyone.

    Parameters
    ----------
    group : str
        As `written_group` gives it; a level may hold semicolons and equal signs too.
    names : collection of str
        Variables that it may be of, each once, so that what follows a semicolon without one of them belongs to the level before it;
        empty where they are not known.

    Examples
    --------
    >>> levels_written("age=old;home=alone; a=b", ["age", "home"])
    [('age', 'old'), ('home', 'alone; a=b')]
    """
    found: list[tuple[str, str]] = []
    for piece in group.split(";") if group else ():
        name, mark, level = piece.partition("=")
        begins = bool(mark) and (not names or (name in names and name not in dict(found)))
        if found and not begins:
            found[-1] = found[-1][0], f"{found[-1][1]};{piece}"
        else:
            found.append((name, level))
    return found


def group_text(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """The group of every row of a table with by-variables, as results tables write it; empty without by-variables."""
    columns = [[(name, str(value)) for value in table[name].tolist()] for name in by]
    return [written_group(levels) for levels in zip(*columns, strict=True)] if by else [""] * len(table)


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
