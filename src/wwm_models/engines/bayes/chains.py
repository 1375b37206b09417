"""Chains of a posterior: where each starts, its seed, and finished ones kept for a run that is interrupted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from wwm_models.engines.bayes.nuts import Chain, Density, Settings, run_chain
from wwm_models.engines.bayes.target import Whitened
from wwm_models.errors import FitError

Array = NDArray[np.float64]
Tell = Callable[[str, int, int], None]  # what, draws done, draws in all


class Keeper(Protocol):
    """A place that stores JSON-able facts and arrays by name, such as ``store.Checkpoints``."""

    def load(self, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """What was stored under a name, or None."""
        ...

    def save(self, name: str, content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store under a name."""
        ...


@dataclass(frozen=True)
class Under:
    """A keeper's names with something before them: the chains of one model, or of one seed."""

    kept: Keeper
    prefix: str

    def load(self, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
        """As `Keeper.load`."""
        return self.kept.load(f"{self.prefix}.{name}")

    def save(self, name: str, content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """As `Keeper.save`."""
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
    kept: Keeper | None = None,
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


def _kept_chain(kept: Keeper, name: str, facts: dict[str, Any]) -> Chain | None:
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
