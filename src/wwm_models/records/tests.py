"""The outcome of a test of a model's assumptions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False)
class HypothesisTest:
    """A test with the rows it is made of.

    Attributes
    ----------
    name : str
        What was tested and how, in a phrase.
    statistic : float
        Chi-square, or F where `df2` is finite; missing where it cannot be computed.
    df : float
        Degrees of freedom; of the numerator for an F.
    p_value : float
        Between 0 and 1.
    table : DataFrame indexed by term
        At least ``statistic``, ``df``, ``df2`` and ``p_value`` of each part.
    note : str
        Which reference law was used and why; what could not be computed. May be empty.
    df2 : float
        Degrees of freedom of the denominator; infinite for a chi-square.
    """

    name: str
    statistic: float
    df: float
    p_value: float
    table: pd.DataFrame
    note: str = ""
    df2: float = float("inf")

    @property
    def law(self) -> str:
        """The reference law in words.

        Examples
        --------
        >>> HypothesisTest("Wald", 2.5, 3, 0.07, pd.DataFrame(), df2=41.0).law
        'F(3, 41)'
        """
        return f"chi2({self.df:g})" if math.isinf(self.df2) else f"F({self.df:g}, {self.df2:g})"

    @property
    def sentence(self) -> str:
        """The test in one line.

        Examples
        --------
        >>> HypothesisTest("Brant", 10.38801, 4, 0.03436, pd.DataFrame()).sentence
        'Brant: chi2(4) = 10.388, p = 0.0344'
        """
        return f"{self.name}: {self.law} = {self.statistic:.3f}, p = {self.p_value:.3g}"

    def __repr__(self) -> str:
        rows = self.table.to_string(float_format=lambda value: f"{value:.4g}", na_rep="-") if len(self.table) else ""
        return "\n".join(part for part in (self.sentence, rows, self.note) if part)

    def _repr_html_(self) -> str:
        note = f"<p>{_escaped(self.note)}</p>" if self.note else ""
        return f"<p>{_escaped(self.sentence)}</p>{self.table.to_html(float_format='{:.4g}'.format, na_rep='-')}{note}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
