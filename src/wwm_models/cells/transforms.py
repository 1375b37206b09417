"""Functions of the formula language that patsy lacks: natural splines, and steps between the levels of an ordered predictor.

``ns(x, df=3)`` or ``ns(x, knots=[30, 50])``: natural cubic splines (see `numerics.splines`). Knots are learnt from the
respondents of the fit and kept for every later prediction.

``C(x, Step)``: one column per level but the first, 1 from that level on; a slope is the difference between a level and the one
before it. ``mo(x)``: the same columns, with slopes that all have one sign (see `cells.monotonic`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from patsy.categorical import C
from patsy.contrasts import ContrastMatrix
from patsy.state import stateful_transform

from wwm_models.errors import AnswersError, ModelError, listed
from wwm_models.numerics.splines import natural_spline, quantile_knots

Array = NDArray[np.float64]


class NaturalSpline:
    """Columns of ``ns()``, as a transform that remembers its knots."""

    def __init__(self) -> None:
        self._rows: list[Array] = []
        self._df = 3
        self._inner: Sequence[float] | None = None
        self._knots: Array = np.zeros(0)

    def memorize_chunk(self, x: Any, df: int = 3, knots: Sequence[float] | None = None) -> None:
        """Keep the values that decide where the knots are."""
        self._rows.append(_numbers(x))
        self._df, self._inner = df, knots

    def memorize_finish(self) -> None:
        """Place the knots."""
        values = np.concatenate(self._rows)
        if self._inner is None:
            self._knots = _learnt(values, self._df)
        else:
            self._knots = np.concatenate([[values.min()], np.asarray(self._inner, dtype=np.float64), [values.max()]])
            if not np.all(np.diff(self._knots) > 0):
                raise ModelError(
                    f"ns() has the inner knots {listed(self._inner, 10)}. Expected increasing numbers between the smallest and the "
                    f"largest value ({values.min():g} and {values.max():g})."
                )

    def transform(self, x: Any, df: int = 3, knots: Sequence[float] | None = None) -> Array:  # noqa: ARG002
        """(rows, df) columns."""
        return natural_spline(_numbers(x), self._knots)


def _learnt(values: Array, df: Any) -> Array:
    if not isinstance(df, int) or df < 1:
        raise ModelError(f"ns(df={df!r}): expected a whole number of columns, 1 or more; 3 is usual.")
    knots = quantile_knots(values, df)
    if not np.all(np.diff(knots) > 0):
        raise AnswersError(
            f"ns(df={df}) would put two knots at one value ({listed(f'{knot:g}' for knot in knots)}), because too many respondents share "
            "it. Use a smaller df, or give the inner knots: ns(x, knots=[...])."
        )
    return knots


def _numbers(x: Any) -> Array:
    try:
        return np.asarray(x, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as problem:
        raise ModelError(
            "ns() was given levels. Expected a number; use the variable itself, or mo() of it."
        ) from problem


class Step:
    """Coding by steps from one level to the next."""

    def code_with_intercept(self, levels: Sequence[Any]) -> ContrastMatrix:
        """A constant, then the steps."""
        steps = self.code_without_intercept(levels)
        names = [f"[{levels[0]}]", *steps.column_suffixes]
        return ContrastMatrix(np.column_stack([np.ones(len(levels)), steps.matrix]), names)

    def code_without_intercept(self, levels: Sequence[Any]) -> ContrastMatrix:
        """Column j is 1 from level j + 1 on."""
        return ContrastMatrix(np.tri(len(levels), k=-1)[:, :-1], [f"[{level}]" for level in levels[1:]])


def mo(x: Any) -> Any:
    """Steps of an ordered predictor."""
    return C(x, Step())


ns = stateful_transform(NaturalSpline)
