"""Reference posteriors: long runs of every family on the wine data, kept as summaries with their evidence.

A summary is not an outside truth: it says what this density's posterior is, to four digits, so that a later sampler, prior or
coordinate that changes it is seen. That the density is the right one rests on PyMC (`agreement`), on importance sampling
(tests/unit/bayes/test_exact.py) and on calibration (benchmarks/sbc).

References
----------
Magnusson, M. and others (2024). posteriordb: Testing, benchmarking and developing Bayesian inference algorithms. arXiv:2407.04967
Randall, J. H. (1989). The analysis of sensory data by generalised linear model. Biometrical Journal 31, 781-793. (The wine data.)
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import wwm_models as wwm
from wwm_models.bayes.convergence import effective_size, health_table, split_chains

Array = NDArray[np.float64]
ROOT = Path(__file__).parents[2]
WINE = ROOT / "tests" / "reference" / "wine_clm_po" / "data.csv"
KEPT = ROOT / "tests" / "reference" / "posteriors"
FORMULA = "rating ~ temp + contact"
MODELS: dict[str, dict[str, Any]] = {
    "cumulative": {},
    "partial": {"nonproportional": ("contact",)},
    "scale": {"scale": "~ temp"},
    "adjacent": {"family": "adjacent"},
    "stopping": {"family": "stopping"},
    "continuation": {"family": "continuation"},
    "multinomial": {"family": "multinomial"},
}
SHARES = (0.05, 0.5, 0.95)


def wine() -> wwm.Survey:
    """The 72 ratings of bitterness, on five levels."""
    frame = pd.read_csv(WINE)
    answers = pd.Categorical(frame["rating"].astype(str), list("12345"), ordered=True)
    named = {name: pd.Categorical(frame[name]) for name in ("temp", "contact")}
    return wwm.Survey.from_frame(pd.DataFrame({"rating": answers, **named}), weight=None)


def model_of(name: str) -> wwm.Model:
    """The model of a reference."""
    return wwm.Model(FORMULA, **MODELS[name])


def error_of_mean(draws: Array, chains: int) -> Array:
    """Monte Carlo standard error of the mean of (s, m) draws."""
    sizes = effective_size(split_chains(draws.reshape(chains, -1, draws.shape[1])))
    return draws.std(axis=0, ddof=1) / np.sqrt(sizes)


def summary(draws: Array, chains: int, names: list[str]) -> list[dict[str, float | str]]:
    """One record per parameter: mean and standard deviation with their Monte Carlo errors, quantiles, R-hat and effective sizes."""
    health = health_table(draws, chains, names)
    sd = draws.std(axis=0, ddof=1)
    error_of_sd = error_of_mean((draws - draws.mean(axis=0)) ** 2, chains) / (2.0 * sd)
    quantiles = np.quantile(draws, SHARES, axis=0)
    return [
        {
            "parameter": name, "mean": draws[:, j].mean(), "mcse_mean": health["mcse"].iloc[j], "sd": sd[j], "mcse_sd": error_of_sd[j],
            **{f"q{100 * share:g}": quantiles[i, j] for i, share in enumerate(SHARES)},
            "rhat": health["rhat"].iloc[j], "ess_bulk": health["ess_bulk"].iloc[j], "ess_tail": health["ess_tail"].iloc[j],
        }
        for j, name in enumerate(names)
    ]  # fmt: skip


def kept(name: str) -> dict[str, Any]:
    """A stored reference."""
    found: dict[str, Any] = json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))
    return found


def data_mark() -> str:
    """The sha256 of the data file."""
    return hashlib.sha256(WINE.read_bytes()).hexdigest()
