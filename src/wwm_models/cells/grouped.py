"""Cut points by group: every level of a variable has cut points of its own, of the declared structure.

With flexible cut points this is the model in which the variable's effect differs between the cut points; with equidistant or
symmetric ones it is not, since then the groups differ in place and spacing only.

References
----------
Buerkner, P.-C. and Vuorre, M. (2019). Ordinal regression models in psychology: a tutorial. Advances in Methods and Practices in
Psychological Science 2, 77-101. doi:10.1177/2515245918823199
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.cells.formula import Encoder, build_encoder
from wwm_models.errors import AnswersError, ModelError, did_you_mean, listed
from wwm_models.families import Model
from wwm_models.records import Cells

Array = NDArray[np.float64]


def group_encoder(model: Model, cells: Cells, terms: tuple[str, ...]) -> Encoder | None:
    """The encoder of the variable whose levels have cut points of their own; None without one.

    Parameters
    ----------
    model : Model
    cells : Cells
        Tabulated by that variable too.
    terms : tuple of str
        Of the formula.

    Raises
    ------
    ModelError
        If the variable has no levels, or stands in the formula as a term of its own: its cut points hold that effect already.
    AnswersError
        If a level has no respondents.
    """
    name = model.thresholds_by
    if name is None:
        return None
    values = cells.columns[name]
    if not isinstance(values, pd.Categorical):
        raise ModelError(f'thresholds_by = "{name}" is a number. Expected a variable with levels; cut it into groups.')
    if name in terms:
        raise ModelError(
            f'thresholds_by = "{name}" is also in "{model.formula}". Its cut points hold its effect already: leave it out of the formula.'
        )
    held = np.bincount(values.codes, cells.weights.sum(axis=1), minlength=len(values.categories)) > 0
    if not held.all():
        raise AnswersError(
            f"No respondent says where these groups' cut points are: {listed(f'{name}[{level}]' for level in values.categories[~held])}. Every "
            "group of thresholds_by needs respondents. Merge levels, or leave those without respondents undeclared."
        )
    encoder, _ = build_encoder(f"Q({name!r})", {name: values}, len(cells.weights))
    return encoder


def check_group_name(model: Model, known: list[str]) -> tuple[str, ...]:
    """The variable of `thresholds_by` as a tuple of predictors to tabulate by; empty without one."""
    if model.thresholds_by is None:
        return ()
    if model.thresholds_by not in known:
        raise ModelError(
            f'thresholds_by = "{model.thresholds_by}" is not a variable. Known variables: {listed(known, most=30)}.'
            f"{did_you_mean(model.thresholds_by, known)}"
        )
    return (model.thresholds_by,)


def by_group(array: Array, cuts: int, indicators: Array) -> Array:
    """The array with the columns of the cut points repeated for every group, zero outside it.

    Parameters
    ----------
    array : (P, J, p) array
        Its first `cuts` columns are those of the cut points.
    cuts : int
    indicators : (P, G - 1) array
        Of all groups but the first.

    Returns
    -------
    (P, J, p + (G - 1) cuts) array
        Groups outermost.
    """
    inside = np.column_stack([1.0 - indicators.sum(axis=1), indicators])
    repeated = (inside[:, None, :, None] * array[:, :, None, :cuts]).reshape(*array.shape[:2], -1)
    return np.concatenate([repeated, array[:, :, cuts:]], axis=2)
