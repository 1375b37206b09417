"""One chain of nutpie's No-U-Turn sampler on a Python log density.

`entries` says by which of its entries nutpie is called.

The Python density holds the interpreter's lock, so chains run one after another: two at once are slower than two in turn.

References
----------
Hoffman, M. D. and Gelman, A. (2014). The No-U-Turn sampler. JMLR 15, 1593-1623.
Seyboldt, A. and others (2024). nutpie. github.com/pymc-devs/nutpie
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.entries import Task, draw

Array = NDArray[np.float64]
Density = Callable[[Array], tuple[float, Array]]
LOWEST = -1e300  # an infinite log density would end the sampler; a transition to this one is never accepted


@dataclass(frozen=True)
class Settings:
    """How a chain runs.

    Attributes
    ----------
    draws, warmup : int
    target_accept : float
        Between 0 and 1.
    """

    draws: int
    warmup: int
    target_accept: float


@dataclass(frozen=True, eq=False)
class Chain:
    """Draws after warm-up.

    Attributes
    ----------
    z : (draws, p) array
    stats : mapping of name to (draws,) array
        nutpie's, and ``outside``: whether the trajectory of the draw left the region where the density is positive.
    """

    z: Array
    stats: dict[str, NDArray[Any]]


def run_chain(
    density: Density, start: Array, seed: int, settings: Settings, drawn: Callable[[], None] = lambda: None
) -> Chain:
    """Draw from a density.

    Parameters
    ----------
    density : function of a (p,) array
        Log density and its derivative; minus infinity where it is zero.
    start : (p,) array
    seed : int
    settings : Settings
    drawn : function
        Called once per draw.
    """
    watch = _Watch(density, drawn)
    try:
        z, stats = draw(Task(watch.guarded, watch.report, start, seed, settings))
    except RuntimeError as problem:  # of the sampler, which a density that fails at the start gives no place to begin
        raise watch.failures[0] if watch.failures else problem from None
    if watch.failures:
        raise watch.failures[0]
    return Chain(z, {**stats, "outside": np.array(watch.outside, dtype=bool)[-len(z) :]})


class _Watch:
    """What the sampler calls: the density with a finite value everywhere, and a note of every draw."""

    def __init__(self, density: Density, drawn: Callable[[], None]) -> None:
        self._density, self._drawn = density, drawn
        self._left = False
        self.failures: list[Exception] = []
        self.outside: list[bool] = []

    def guarded(self, z: Array) -> tuple[float, Array]:
        """The density; an exception is kept for the caller, because here it would end the process."""
        try:
            value, gradient = self._density(z)
        except Exception as problem:
            self.failures.append(problem)
            return LOWEST, np.zeros_like(z)
        if not (isfinite(value) and np.isfinite(gradient).all()):
            self._left = True
            return LOWEST, np.zeros_like(z)
        return value, gradient

    def report(self, z: Array) -> dict[str, Array]:
        """Called once per draw, after its trajectory."""
        self.outside.append(self._left)
        self._left = False
        self._drawn()
        return {"z": z.copy()}
