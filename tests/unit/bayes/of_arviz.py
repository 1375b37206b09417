"""What the installed ArviZ says, 0 or 1: the two generations have other names and arguments for the same numbers."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # ArviZ 0 announces its successor at import
    import arviz as az

ARVIZ_0 = int(az.__version__.split(".")[0]) < 1


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Leave-one-out accuracy: (n,) of each respondent, and of all; the standard error is of n - 1."""

    pointwise: np.ndarray
    pareto_k: np.ndarray
    elpd: float
    p_loo: float
    std_error: float


@contextmanager
def tails_rounded_up() -> Iterator[None]:
    """Pareto tails of ceil(min(s / 5, 3 sqrt(s / efficiency))) draws, as in the paper's own package and in ArviZ 0.

    ArviZ 1 rounds down, and in power-scaling ("both" tails) has an efficiency where ArviZ 0 has 1.
    """
    if ARVIZ_0:
        yield
        return
    numbers = importlib.import_module("arviz_stats.base.diagnostics")._DiagnosticsBase

    def size(draws: int, efficiency: float, tail: str) -> int:
        return int(np.ceil(min(draws / 5, 3 * np.sqrt(draws / (1.0 if tail == "both" else efficiency)))))

    with patch.object(numbers, "_get_ps_tails", staticmethod(size)):
        yield


def open_file(path: object) -> Any:
    """A saved posterior as ArviZ opens it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ArviZ on its own libraries
        return az.from_netcdf(path)


def group_names(data: Any) -> set[str]:
    """Names of the groups, of an InferenceData or a DataTree."""
    return set(data.groups()) if callable(data.groups) else {name.strip("/") for name in data.groups} - {""}


def from_groups(**groups: dict[str, np.ndarray]) -> Any:
    """Arrays of (chains, draws, ...) by variable and group."""
    if ARVIZ_0:
        known = {name: values for name, values in groups.items() if name != "log_prior"}
        data = az.from_dict(**known)
        if "log_prior" in groups:
            data.add_groups({"log_prior": az.convert_to_dataset(groups["log_prior"])})
        return data
    return az.from_dict(groups)


def loo(data: Any) -> LeftOut:
    """``az.loo`` by respondent."""
    with warnings.catch_warnings(), tails_rounded_up():
        warnings.simplefilter("ignore")  # of Pareto shapes, which are compared
        found = az.loo(data, pointwise=True)
    named = ("loo_i", "elpd_loo", "p_loo") if ARVIZ_0 else ("elpd_i", "elpd", "p")
    each, elpd, p_loo = (getattr(found, name) for name in named)
    n = each.size
    error = float(found.se) * (np.sqrt(n / (n - 1)) if ARVIZ_0 else 1.0)  # ArviZ 0 divides by n
    return LeftOut(each.to_numpy(), found.pareto_k.to_numpy(), float(elpd), float(p_loo), error)


def smoothed(log_ratios: np.ndarray, efficiency: float) -> tuple[np.ndarray, float]:
    """Pareto-smoothed log weights, and the shape of their tail."""
    if ARVIZ_0:
        weights, shape = az.psislw(log_ratios.copy(), reff=efficiency)
    else:
        statistics = importlib.import_module("arviz_stats.base").array_stats
        with tails_rounded_up():
            weights, shape = statistics.psislw(-log_ratios, r_eff=efficiency)  # of minus the log ratios
    return np.asarray(weights), float(shape)


def power_scaling(data: Any, component: str) -> np.ndarray:
    """Sensitivity of every parameter to a component, "prior" or "likelihood"."""
    with tails_rounded_up():
        found = (
            az.psens(data, component=component)
            if ARVIZ_0
            else az.psense(data, group=component, alphas=(1 / 1.01, 1.01))
        )
    return found["theta"].to_numpy()
