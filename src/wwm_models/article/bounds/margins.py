"""margins.toml: how the two exposures of an article go together, which the printed percentages do not say.

A table of shares with the reported levels of one exposure as rows and those of the other as columns. Two more things belong
in it because they are in the percentages: the column of those whose other exposure is not known (they count in figures by
the first exposure and in totals), and rows that no figure shows (they count in totals and in figures by the other exposure).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pandas as pd

DELTAS = (0.0, 0.02, 0.05, 0.10, 0.20)


@dataclass(frozen=True, eq=False)
class Margins:
    """The declared joint distribution of two exposures, and the answers of the outcomes.

    Attributes
    ----------
    rows, columns : str
        The two exposures.
    table : DataFrame
        Non-negative, any scale; the index holds levels of `rows`, the columns those of `columns`.
    outside : tuple of str
        Rows that no figure by `rows` shows.
    unknown : str
        The column of those whose level is not known; empty without one.
    answers : mapping of outcome to its answers
    collapses : mapping of outcome to mapping of name to answers
    status : {"assumption", "measured"}
    source : str
    unit : {"percent", "respondents"}
    base, known : str
        Names of the article's n that everyone, and everyone whose column is known, are counted in.
    deltas : tuple of float
        Limits on the interaction, on the probability scale, at which bounds are made besides the unlimited ones.
    """

    rows: str
    columns: str
    table: pd.DataFrame
    outside: tuple[str, ...] = ()
    unknown: str = ""
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    collapses: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: MappingProxyType({}))
    status: str = "assumption"
    source: str = ""
    unit: str = "percent"
    base: str = ""
    known: str = ""
    deltas: tuple[float, ...] = DELTAS

    def levels(self, name: str) -> list[str]:
        """The reported levels of one of the two exposures."""
        if name == self.rows:
            return [str(level) for level in self.table.index if level not in self.outside]
        return [str(level) for level in self.table.columns if level != self.unknown]

    @property
    def label(self) -> str:
        """What the bounds rest on, in a phrase."""
        what = "ASSUMPTION TO REPLACE" if self.status == "assumption" else "measured"
        return f"{self.rows} x {self.columns}: {what}{f' ({self.source})' if self.source else ''}"
