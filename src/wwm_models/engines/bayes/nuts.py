"""One chain of nutpie's No-U-Turn sampler on a Python log density.

The sampler is nutpie's compiled library. Importing the package nutpie would also import arviz, numba and matplotlib, which takes
five seconds and is not needed to draw; so its library is loaded alone, under its own name, and `import nutpie` later finds it.

The Python density holds the interpreter's lock, so chains run one after another: two at once are slower than two in turn.

References
----------
Hoffman, M. D. and Gelman, A. (2014). The No-U-Turn sampler. JMLR 15, 1593-1623.
Seyboldt, A. and others (2024). nutpie. github.com/pymc-devs/nutpie
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import PathFinder
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import FitError

Array = NDArray[np.float64]
Density = Callable[[Array], tuple[float, Array]]
LOWEST = -1e300  # an infinite log density would end the sampler; a transition to this one is never accepted
STATS = ("diverging", "energy", "logp", "n_steps", "depth", "step_size_bar", "mean_tree_accept")


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
    library = _library()
    size = len(start)
    watch = _Watch(density, drawn)
    model = library.PyModel(
        lambda: watch.guarded,
        lambda *_: watch.report,
        library.PyVariable.new_variables(["z"], ["float64"], [(size,)], {"axis": size}, {"z": ("axis",)}),
        size,
        dim_sizes={"axis": size},
        coords={},
        init_point_func=lambda _: start.copy(),
        transform_adapter=None,
    )
    options = library.PyNutsSettings.Diag(seed)
    options.num_tune, options.num_draws, options.num_chains = settings.warmup, settings.draws, 1
    options.target_accept = settings.target_accept
    sampler = library.PySampler.from_pyfunc(options, 1, model, library.ProgressType.none(), library.PyStorage.arrow())
    try:
        sampler.wait(None)
    except BaseException:
        sampler.abort()
        raise
    if watch.failures:
        raise watch.failures[0]
    return _chain(sampler.take_results(), size, watch.outside)


def _library() -> Any:
    """Nutpie's compiled module, without the package around it."""
    if "nutpie._lib" not in sys.modules:
        package = importlib.util.find_spec("nutpie")
        places = None if package is None else package.submodule_search_locations
        found = None if places is None else PathFinder.find_spec("nutpie._lib", list(places))
        if found is None or found.loader is None:
            raise FitError(
                "The sampler nutpie is not installed. Expected nutpie 0.16. Install it with `pip install nutpie`."
            )
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        sys.modules["nutpie._lib"] = module
    return sys.modules["nutpie._lib"]


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


def _chain(results: Any, size: int, outside: list[bool]) -> Chain:
    import pyarrow

    (draws,), (stats,) = results.get_arrow_trace()
    kept = ~np.asarray(stats.column("tuning").to_numpy(), dtype=bool)
    z = pyarrow.array(draws.column("z")).flatten().to_numpy().reshape(-1, size)[kept]
    found = {name: np.asarray(pyarrow.array(stats.column(name)))[kept] for name in STATS}
    return Chain(z.astype(np.float64), {**found, "outside": np.array(outside, dtype=bool)[-len(z) :]})
