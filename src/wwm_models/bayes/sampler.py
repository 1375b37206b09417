"""Chains of nutpie's No-U-Turn sampler on a Python log density: how nutpie is called, one chain, and all chains of a posterior.

nutpie is called in two ways that give the same draws: its compiled library alone (`draw_directly`), and its public interface
(`draw_publicly`). `import nutpie` also imports arviz and numba, which takes longer than a whole posterior does. So the library is loaded alone,
under its own name (`import nutpie` later finds it), and called as nutpie's `from_pyfunc` and `sample` call it. Those calls are not public, so
every one has the signatures that this file was written for in `SIGNATURES`. A library with another is used through the public interface, and so
is one whose package was imported already, since that then costs nothing.

The Python density holds the interpreter's lock, so chains (`run_chains`) run one after another: two at once are slower than two in turn.
Each has its start and its seed; finished ones are kept for a run that is interrupted.

References
----------
Hoffman, M. D. and Gelman, A. (2014). The No-U-Turn sampler. JMLR 15, 1593-1623.
Seyboldt, A. and others (2024). nutpie. github.com/pymc-devs/nutpie
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.machinery import PathFinder
from math import isfinite
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from wwm_models.bayes.density import Whitened
from wwm_models.errors import FitError
from wwm_models.numerics.arrays import Array

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


Tell = Callable[[str, int, int], None]  # what, draws done, draws in all


class CheckpointStore(Protocol):
    """A place that stores JSON-able facts and arrays by name, such as ``results.folder.Checkpoints``."""

    def load(self, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """What was stored under a name, or None."""
        ...

    def save(self, name: str, content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store under a name."""
        ...


@dataclass(frozen=True)
class NamedCheckpoints:
    """A keeper's names with something before them: the chains of one model, or of one seed."""

    kept: CheckpointStore
    prefix: str

    def load(self, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """As `CheckpointStore.load`."""
        return self.kept.load(f"{self.prefix}.{name}")

    def save(self, name: str, content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """As `CheckpointStore.save`."""
        self.kept.save(f"{self.prefix}.{name}", content, arrays)


class Smooth(Protocol):
    """What can be sampled: a log density with its gradient."""

    def value_and_gradient(self, free: Array, /) -> tuple[float, Array]:
        """Log density at (p,) free coordinates and its derivative."""
        ...


def check_sizes(chains: int, draws: int, warmup: int) -> None:
    """Refuse chains that no posterior can be judged by, before any time is spent on them.

    Raises
    ------
    FitError

    Examples
    --------
    >>> check_sizes(4, 1000, 150)
    """
    if chains < 2 or draws < 100 or warmup < 50:
        raise FitError(
            f"chains={chains}, draws={draws}, warmup={warmup}: too few to judge a posterior by. Expected at least 2 chains, 100 draws and 50 warm-up "
            "draws; the defaults are 4, 1000 and 150."
        )


def run_chains(
    target: Smooth,
    space: Whitened,
    seed: int,
    chains: int,
    settings: Settings,
    tell: Tell,
    kept: CheckpointStore | None = None,
    useless: Callable[[Chain], bool] = lambda _: False,
) -> list[Chain]:
    """Chains one after another, each from its own point around the mode and with its own seed; the first useless one is the last.

    A chain depends on its number, not on how many there are, so whoever asks for more of them is given the kept ones first.
    """
    root = space.root

    def density(z: Array) -> tuple[float, Array]:
        value, gradient = target.value_and_gradient(space.free(z))
        return value, root.T @ gradient

    done = [0]
    total = chains * (settings.draws + settings.warmup)

    def drawn() -> None:
        done[0] += 1
        if done[0] % 100 == 0:
            tell("sampling", done[0], total)

    found: list[Chain] = []
    # the matrices are small: two threads on one product cost more in waiting than they save
    with threadpool_limits(limits=1, user_api="blas"):
        facts = {**asdict(settings), "seed": seed, "density": "" if kept is None else _mark(target, space)}
        for number, seeds in enumerate(np.random.SeedSequence(seed).spawn(chains)):
            # a second try with other settings stands beside the first: whoever resumes goes through both
            name = f"chain-{number}-{settings.draws}-{settings.warmup}-{settings.target_accept:g}"
            chain = None if kept is None else _kept_chain(kept, name, facts)
            if chain is None:
                generator = np.random.default_rng(seeds)
                start = _start(density, generator, len(root))
                chain = run_chain(density, start, int(generator.integers(2**31)), settings, drawn)
                if kept is not None:
                    kept.save(name, facts, {"z": chain.z, **chain.stats})
            found.append(chain)
            if useless(chain):
                break
    return found


def _kept_chain(kept: CheckpointStore, name: str, facts: dict[str, Any]) -> Chain | None:
    """A chain of the same density, seed and settings that was finished before."""
    stored = kept.load(name)
    if stored is None or stored[0] != facts:
        return None
    arrays = dict(stored[1])
    return Chain(arrays.pop("z"), arrays)


def _mark(target: Smooth, space: Whitened) -> str:
    """What identifies a density and its coordinates: mode and root, and value and slope one step away from the mode."""
    value, slope = target.value_and_gradient(space.free(np.ones(len(space.root))))
    parts = (space.mode, space.root, np.array([value]), slope)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def _start(density: Density, generator: np.random.Generator, size: int) -> Array:
    """A point twice as far from the mode as a draw is, or nearer where that is outside the allowed region."""
    point = 2.0 * generator.standard_normal(size)
    while not np.isfinite(density(point)[0]):
        point /= 2.0
    return point
