"""``python -m benchmarks.references [NAME ...]``: draw the reference posteriors anew (10 chains of 20,000) and store their summaries.

``python -m benchmarks.references agreement``: PyMC's own sampler, and nutpie's, on `to_pymc()` against them.
"""

from __future__ import annotations

import json
import platform
import sys
import time
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd

import wwm_models as wwm
from benchmarks.references import KEPT, MODELS, data_mark, error_of_mean, kept, model_of, summary, wine

CHAINS, DRAWS, WARMUP, SEED = 10, 20_000, 1000, 20_211_125
PACKAGES = ("numpy", "scipy", "nutpie")


def draw(name: str) -> None:
    """Draw one reference and write its file."""
    started = time.perf_counter()
    post = wwm.sample(model_of(name), wine(), seed=SEED, chains=CHAINS, draws=DRAWS, warmup=WARMUP)
    rows = summary(post.draws, CHAINS, list(post.design.names))
    evidence = {
        "healthy": post.healthy, "divergences": post.divergences, "largest_rhat": max(row["rhat"] for row in rows),
        "smallest_ess_bulk": min(row["ess_bulk"] for row in rows), "smallest_ess_tail": min(row["ess_tail"] for row in rows),
    }  # fmt: skip
    content = {
        "name": name, "formula": post.model.formula, "options": MODELS[name], "data": "tests/reference/wine_clm_po/data.csv",
        "data_sha256": data_mark(), "priors": dict(post.priors), "chains": CHAINS, "draws_per_chain": DRAWS, "warmup": WARMUP, "seed": SEED,
        "versions": {"python": platform.python_version(), **{each: version(each) for each in PACKAGES}}, "evidence": evidence,
        "parameters": rows,
    }  # fmt: skip
    KEPT.mkdir(exist_ok=True)
    text = json.dumps(_rounded(content), indent=1)
    (KEPT / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(name, evidence, f"{time.perf_counter() - started:.0f} s", flush=True)


def _rounded(value):
    """Floats to seven digits, two more than their Monte Carlo error leaves."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(each) for each in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def agreement(names: list[str]) -> None:
    """Write results/references.md: the largest distance of PyMC's and nutpie's means and standard deviations, in Monte Carlo errors."""
    warnings.simplefilter("ignore")
    import nutpie
    import pymc as pm

    lines = [
        "# `to_pymc()` sampled by others, against the reference posteriors",
        "",
        "`python -m benchmarks.references agreement`: 4 chains of 1000 draws (PyMC) and of 2000 (nutpie) on the wine data; distances in Monte Carlo",
        "standard errors of both runs together, the largest over the parameters.",
        "",
        "| model | parameters | PyMC: mean | PyMC: sd | nutpie: mean | nutpie: sd |",
        "|---|---|---|---|---|---|",
    ]
    for name in names:
        with wwm.sample(model_of(name), wine(), seed=1, draws=100, chains=2, warmup=50).to_pymc() as model:
            runs = [
                pm.sample(1000, chains=4, cores=1, progressbar=False, random_seed=1),
                nutpie.sample(
                    nutpie.compile_pymc_model(model), draws=2000, chains=4, cores=1, seed=1, progress_bar=False
                ),
            ]
        found = [distance(name, run.posterior["theta"].to_numpy()) for run in runs]
        lines.append(
            f"| {name} | {found[0][2]} | " + " | ".join(f"{mean:.2f} | {sd:.2f}" for mean, sd, _ in found) + " |"
        )
        print(lines[-1], flush=True)
    (KEPT.parents[2] / "benchmarks" / "results" / "references.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def distance(name: str, theta: np.ndarray) -> tuple[float, float, int]:
    """Largest distance of mean and standard deviation from the reference, in Monte Carlo errors, and how many parameters."""
    chains = len(theta)
    draws = theta.reshape(-1, theta.shape[2])
    rows, own = pd.DataFrame(kept(name)["parameters"]), pd.DataFrame(summary(draws, chains, ["?"] * draws.shape[1]))
    by_mean = np.abs(own["mean"] - rows["mean"]) / np.hypot(error_of_mean(draws, chains), rows["mcse_mean"])
    by_sd = np.abs(own["sd"] - rows["sd"]) / np.hypot(own["mcse_sd"], rows["mcse_sd"])
    return float(by_mean.max()), float(by_sd.max()), len(rows)


if __name__ == "__main__":
    asked = sys.argv[1:]
    if asked[:1] == ["agreement"]:
        agreement(asked[1:] or list(MODELS))
    else:
        for each in asked or MODELS:
            draw(each)
