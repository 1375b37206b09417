"""Points at which the laws of the families are checked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[np.float64]


def linear_predictors(rows: int, steps: int, *, seed: int = 3) -> Array:
    """Increasing eta, moderate in size: inside the domain of every family."""
    rng = np.random.default_rng(seed)
    gaps = rng.uniform(0.2, 1.2, (rows, steps))
    return gaps.cumsum(axis=1) + rng.uniform(-2.0, 0.5, (rows, 1)) - 0.4 * steps


@pytest.fixture
def eta_at() -> Callable[..., Array]:
    """The function that draws linear predictors."""
    return linear_predictors
