"""Expected log predictive density of a model, left out one respondent or sampling unit at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.records.survey import Survey

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Loo:
    """Cross-validated predictive accuracy.

    Attributes
    ----------
    elpd : float
        Sum over respondents of normalised weights (mean one) x log predictive density; higher is better.
    std_error : float
        Under the sampling design of the survey.
    p_loo : float
        Effective number of parameters: the same sum of log densities with everybody left in, minus `elpd`.
    n : int
    unit : {"respondent", "psu"}
        What is left out at a time.
    pointwise : (n,) array
        Log predictive density of each respondent of the survey; missing for those not used.
    weights : (n,) array
        Normalised weights; 0 for respondents not used.
    pareto_k : (units,) array
        Of each unique unit; a k above `limit` means that its prediction cannot be trusted.
    unit_rows : (units,) array
        Respondents in each unit.
    limit : float
    outcome : str
    survey : Survey
    """

    elpd: float
    std_error: float
    p_loo: float
    n: int
    unit: str
    pointwise: Array
    weights: Array
    pareto_k: Array
    unit_rows: Array
    limit: float
    outcome: str
    survey: Survey

    @property
    def untrusted(self) -> int:
        """Respondents whose prediction cannot be trusted."""
        return round(float(self.unit_rows[~(self.pareto_k <= self.limit)].sum()))

    @property
    def message(self) -> str:
        """What is wrong, in a sentence; empty when nothing is."""
        if not self.untrusted:
            return ""
        return (
            f"{self.untrusted} of {self.n} respondents have a Pareto k above {self.limit:.2f} (largest {self.pareto_k.max():.2f}), so elpd cannot be trusted. "
            "Sample more draws, use fewer terms, or refit without these respondents."
        )

    @property
    def table(self) -> pd.DataFrame:
        """The numbers as rows: quantity and value."""
        rows = {
            f"elpd, left out by {self.unit}": self.elpd,
            "std_error": self.std_error,
            "p_loo": self.p_loo,
            "largest Pareto k": float(self.pareto_k.max()),
            "respondents above the limit of k": float(self.untrusted),
        }
        return pd.DataFrame({"quantity": list(rows), "value": list(rows.values())})

    def __repr__(self) -> str:
        return (
            f"Loo of {self.outcome}, left out by {self.unit}: elpd {self.elpd:.1f} (standard error {self.std_error:.1f}), p_loo {self.p_loo:.1f}\n"
            f"{self.n:,} respondents, {self.untrusted} of them with a Pareto k above {self.limit:.2f}; see .table"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html()
