"""A table where it lies, as every engine gives it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Place:
    """A table where it lies.

    Attributes
    ----------
    shown : str
        Its path or connection string, without a password; for messages.
    table : Ibis table expression
    headers : tuple of str
        Names of its columns as the file has them, which may repeat.
    ask : function of an Ibis table expression
        Gives its rows as an Arrow table: what is asked must be small.
    nan : bool
        Whether numbers of the engine may be "not a number", which here is an empty cell.
    """

    shown: str
    table: Any
    headers: tuple[str, ...]
    ask: Callable[[Any], Any]
    nan: bool = True


@contextlib.contextmanager
def one_by_one() -> Generator[None]:
    """Have tables in tables written as they are: Ibis would write a column that others are made of once for each of them."""
    import ibis

    before = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = False
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = before
