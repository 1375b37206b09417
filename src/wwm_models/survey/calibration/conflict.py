"""Why margins cannot be met: the nearest that any weights could come, by a linear programme over the patterns of respondents.

With W_c the weight of pattern c, a raked weight is x_c in [L W_c, U W_c] (0 to infinity without bounds). The programme
minimises the total of the shares of each level that stay unmet; where it is zero the margins agree and only the rounds were
too few, or a pattern would need a weight of zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import listed
from wwm_models.survey.calibration.margins import Codes, Margins

Array = NDArray[np.float64]
_MET: Final = 1e-7  # share of a level that the programme leaves through rounding


def conflict(
    weights: Array,
    codes: Mapping[str, Codes],
    aims: Mapping[str, Array],
    margins: Margins,
    bounds: tuple[float, float] | None,
) -> str:
    """Say which levels cannot be met together, and how near the respondents allow.

    Returns
    -------
    str
        One or two sentences, with what to do.
    """
    from scipy.optimize import linprog  # a quarter of a second that most surveys do not need

    used = weights > 0
    patterns, place = np.unique(np.column_stack(list(codes.values()))[used], axis=0, return_inverse=True)
    sums = np.bincount(place.ravel(), weights[used], minlength=len(patterns))
    rows = np.vstack([np.eye(len(aim))[:, patterns[:, number]] for number, aim in enumerate(aims.values())])
    aim = np.concatenate(list(aims.values()))
    names = [f'margin "{name}", level "{level}"' for name, margin in margins.items() for level in margin]
    low, high = bounds or (0.0, np.inf)
    slack = np.eye(len(aim))
    found: Any = linprog(
        np.concatenate([np.zeros(len(sums)), np.tile(1.0 / np.maximum(aim, 1e-12), 2)]),
        A_eq=np.hstack([rows, slack, -slack]),
        b_eq=aim,
        bounds=[
            *((low * total, high * total if np.isfinite(high) else None) for total in sums),
            *[(0.0, None)] * (2 * len(aim)),
        ],
        method="highs",
    )
    if not found.success:
        return "The margins contradict each other. Merge levels."
    reached = rows @ found.x[: len(sums)]
    short = np.flatnonzero(np.abs(reached - aim) > _MET * np.maximum(aim, 1.0))
    if not len(short):
        return (
            "The margins do agree on the combinations that have respondents, but slowly or only with some weights of zero. Allow more "
            "iterations, or merge levels with few respondents."
        )
    worst = [f"{names[k]} can only reach {reached[k]:g} of {aim[k]:g} when the others are met" for k in short]
    advice = "Merge levels." if bounds is None else "Widen the bounds or merge levels."
    return f"They cannot be met together: {listed(worst, 4)}. {advice}"
