"""Cut points that meet or cross: predicted probabilities that would be zero or negative, and in which patterns.

A family with ordered cut points and slopes that differ between them has parameters at which F(eta_k) < F(eta_{k-1}) for some
predictors. In a pattern that holds such an answer the likelihood forbids it, and the best fit may lie where cut points meet; in a pattern
that does not hold it the likelihood does not notice.

References
----------
McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed., section 5.2.4. Chapman and Hall.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.errors import listed

Array = NDArray[np.float64]

MEETING = 1e-4  # cut points closer than this give an answer a probability below 3e-5: nobody can have given it


def meeting_patterns(likelihood: CellLikelihood, theta: Array, closer_than: float) -> NDArray[np.intp]:
    """Patterns with respondents in which neighbouring cut points are no further apart than this.

    Parameters
    ----------
    likelihood : CellLikelihood
    theta : (p,) array
    closer_than : float
        0 for cut points that cross; `MEETING` where the fit did not converge.

    Returns
    -------
    int array
        Positions of the patterns; empty for families whose cut points need no order.
    """
    if not likelihood.family.ordered_cuts or likelihood.counts.shape[1] < 3:
        return np.zeros(0, dtype=np.intp)
    gaps = np.diff(likelihood.predictors.eta(theta), axis=1).min(axis=1)
    return np.flatnonzero((likelihood.counts.sum(axis=1) > 0) & (gaps <= closer_than))


def crossing_message(patterns: pd.DataFrame, where: NDArray[np.intp]) -> str:
    """What is wrong with a fit whose cut points meet in these patterns."""
    return (
        f"Predicted cut points meet or cross in {len(where)} of {len(patterns)} predictor patterns of the data, where some "
        f"probability would not be positive: {listed(described_patterns(patterns.iloc[where]), 3)}. "
        "Make fewer terms nonproportional, or use another family."
    )


def described_patterns(patterns: pd.DataFrame) -> list[str]:
    """The first three patterns of a frame in words.

    Examples
    --------
    >>> described_patterns(pd.DataFrame({"age": ["18-34"], "x": [2.0]}))
    ['age = 18-34, x = 2']
    """
    rows = patterns.head(3).to_dict(orient="records")
    return [", ".join(f"{name} = {_text(value)}" for name, value in row.items()) for row in rows]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
