"""Two ways into nutpie that give the same draws: its compiled library alone, and its public interface.

`import nutpie` also imports arviz and numba, which takes longer than a whole posterior does. So the library is loaded alone, under its own
name (`import nutpie` later finds it), and called as nutpie's `from_pyfunc` and `sample` call it. Those calls are not public, so every one has
the signatures that this file was written for in `SIGNATURES`. A library with another is used through the public interface, and so is one whose
package was imported already, since that then costs nothing.

References
----------
Seyboldt, A. and others (2024). nutpie. github.com/pymc-devs/nutpie
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import PathFinder
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wwm_models.errors import FitError

Array = NDArray[np.float64]
STATS = ("diverging", "energy", "logp", "n_steps", "depth", "step_size_bar", "mean_tree_accept")
# what the last arguments of PySampler.from_pyfunc are, by its signature: nutpie 0.16.8 has one, 0.16.11 a callback and its rate before it
CALLBACKS: dict[str, tuple[Any, ...]] = {
    "(settings, cores, model, progress_type, store)": (),
    "(settings, cores, model, progress_type, extra_callback, extra_callback_rate, store)": (None, 100),
}
SIGNATURES: dict[str, tuple[str, ...]] = {
    "PyModel": (
        "(make_logp_func, make_expand_func, variables, ndim, dim_sizes, coords, *, init_point_func=None, transform_adapter=None)",
    ),
    "PyVariable.new_variables": ("($cls, names, item_types, shapes, dim_sizes, dims)",),
    "PyNutsSettings.Diag": ("(seed=None)",),
    "PySampler.from_pyfunc": tuple(CALLBACKS),
    "PySampler.wait": ("($self, timeout_seconds=None)",),
    "PySampler.abort": ("($self)",),
    "PySampler.take_results": ("($self)",),
    "PyTrace.get_arrow_trace": ("($self)",),
    "ProgressType.none": ("()",),
    "PyStorage.arrow": ("()",),
}


class Length(Protocol):
    """How long a chain is."""

    @property
    def draws(self) -> int:
        """Draws that are kept."""
        ...

    @property
    def warmup(self) -> int:
        """Draws before them."""
        ...

    @property
    def target_accept(self) -> float:
        """Between 0 and 1."""
        ...


@dataclass(frozen=True, eq=False)
class Task:
    """One chain to be drawn.

    Attributes
    ----------
    density : function of a (p,) array
        A finite log density and its (p,) derivative.
    report : function of a (p,) array
        Called once per draw.
    start : (p,) array
    seed : int
    settings : Length
    """

    density: Callable[[Array], tuple[float, Array]]
    report: Callable[[Array], dict[str, Array]]
    start: Array
    seed: int
    settings: Length


Drawn = tuple[Array, dict[str, NDArray[Any]]]  # (draws, p), and the statistics by name


def draw(task: Task) -> Drawn:
    """Draws after warm-up, by the entry that is quick where it can be trusted.

    Parameters
    ----------
    task : Task

    Returns
    -------
    (draws, p) array, mapping of name to (draws,) array

    Raises
    ------
    FitError
        If nutpie is not installed.
    """
    if "nutpie" in sys.modules:
        return draw_publicly(task)
    library = compiled_library()
    return draw_publicly(task) if changed(library) else draw_directly(task, library)


def compiled_library() -> Any:
    """Nutpie's compiled module, without the package around it."""
    if "nutpie._lib" not in sys.modules:
        package = importlib.util.find_spec("nutpie")
        places = None if package is None else package.submodule_search_locations
        found = None if places is None else PathFinder.find_spec("nutpie._lib", list(places))
        if found is None or found.loader is None:
            raise FitError(
                "Posteriors need the sampler nutpie, which is not installed. Expected nutpie 0.16.8 or later beside this package. "
                'Install it with `pip install "nutpie>=0.16.8,<0.17"`.'
            )
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        sys.modules["nutpie._lib"] = module
    return sys.modules["nutpie._lib"]


def changed(library: Any) -> list[str]:
    """Names of calls whose signature is not one that `draw_directly` was written for; empty when it can be used."""
    return [name for name, known in SIGNATURES.items() if _signature(library, name) not in known]


def _signature(library: Any, name: str) -> str | None:
    found = library
    for part in name.split("."):
        found = getattr(found, part, None)
    text = getattr(found, "__text_signature__", None)
    return None if text is None else str(text).strip()


def draw_directly(task: Task, library: Any) -> Drawn:
    """Draws by the compiled library alone."""
    size, settings = len(task.start), task.settings
    model = library.PyModel(
        lambda: task.density,
        lambda *_: task.report,
        library.PyVariable.new_variables(["z"], ["float64"], [(size,)], {"axis": size}, {"z": ("axis",)}),
        size,
        dim_sizes={"axis": size},
        coords={},
        init_point_func=lambda _: task.start.copy(),
        transform_adapter=None,
    )
    options = library.PyNutsSettings.Diag(task.seed)
    options.num_tune, options.num_draws, options.num_chains = settings.warmup, settings.draws, 1
    options.target_accept = settings.target_accept
    between = CALLBACKS[str(_signature(library, "PySampler.from_pyfunc"))]
    sampler = library.PySampler.from_pyfunc(
        options, 1, model, library.ProgressType.none(), *between, library.PyStorage.arrow()
    )
    try:
        sampler.wait(None)
    except BaseException:
        sampler.abort()
        raise
    return _from_arrow(sampler.take_results(), size)


def _from_arrow(results: Any, size: int) -> Drawn:
    import pyarrow

    (draws,), (stats,) = results.get_arrow_trace()
    kept = ~np.asarray(stats.column("tuning").to_numpy(), dtype=bool)
    z = pyarrow.array(draws.column("z")).flatten().to_numpy().reshape(-1, size)[kept]
    return z.astype(np.float64), {name: np.asarray(pyarrow.array(stats.column(name)))[kept] for name in STATS}


def draw_publicly(task: Task) -> Drawn:
    """Draws by `nutpie.sample`; imports arviz and numba."""
    nutpie, from_pyfunc = _package()
    size, settings = len(task.start), task.settings
    model = from_pyfunc(
        size, lambda: task.density, lambda *_: task.report, [np.dtype(np.float64)], [(size,)], ["z"],
        coords={"axis": np.arange(size)}, dims={"z": ("axis",)}, make_initial_point_fn=lambda _: task.start.copy(),
    )  # fmt: skip
    sampler = nutpie.sample(
        model, draws=settings.draws, tune=settings.warmup, chains=1, cores=1, seed=task.seed, progress_bar=False,
        save_warmup=False, blocking=False, target_accept=settings.target_accept,
    )  # fmt: skip
    try:
        trace = sampler.wait()
    except BaseException:
        sampler.cancel()
        raise
    stats = {name: np.asarray(trace["sample_stats"][name])[0] for name in STATS}
    return np.asarray(trace["posterior"]["z"], dtype=np.float64)[0], stats


def _package() -> tuple[Any, Callable[..., Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # arviz, which nutpie imports, announces its successor
        nutpie: Any = importlib.import_module("nutpie")
        return nutpie, importlib.import_module("nutpie.compiled_pyfunc").from_pyfunc
