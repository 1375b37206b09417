"""The recoded values of one variable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.records.survey import Variable


@dataclass(frozen=True, eq=False)
class Recoded:
    """One variable for every row of the file.

    Attributes
    ----------
    variable : Variable
    values : (n,) array
        Numbers as they are; answers as their place among the levels, from 0; nan where missing.
    reasons : (n,) array of str
        Why a value is missing; an empty string where it is not.
    """

    variable: Variable
    values: NDArray[np.float64]
    reasons: NDArray[np.object_]

    def column(self) -> pd.Series:
        """Give the values for a frame: floats, or a Categorical that keeps levels nobody has."""
        if self.variable.kind == "number":
            return pd.Series(self.values)
        codes = np.where(np.isnan(self.values), -1, self.values).astype(np.intp)
        levels = pd.Index([level.id for level in self.variable.levels])
        dtype = pd.CategoricalDtype(levels, ordered=self.variable.kind == "ordered")
        return pd.Series(pd.Categorical.from_codes(codes.tolist(), dtype=dtype))
