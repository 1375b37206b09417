"""Coverage of pooled intervals where a fifth of the answers is missing at random: 2,000 surveys, committed figures.

Every survey has 600 weighted respondents with a nominal group g, a number z and an ordinal answer y. g and y are missing more often
where z is high: at random given z, about one in five each. The true adjusted probabilities are those of the population
the surveys are drawn from. Beside them stand the intervals of the same surveys before anything was missing: where both cover too seldom it is
the draw of the surveys, where only the pooled ones do it is the imputation. Run with ``python -m benchmarks.imputation``.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import wwm_models as wwm

GROUPS, ANSWERS = ["a", "b", "c"], ["low", "middle", "high"]
CUTS, GROUP_EFFECT, Z_EFFECT = np.array([-0.8, 0.9]), np.array([0.0, 0.6, -0.5]), 0.5
MODEL = wwm.Model("y ~ g + z")
Array = NDArray[np.float64]


def people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Respondents without missing answers; z takes nine values, the weight depends on the group."""
    z = rng.integers(-4, 5, n) / 2.0
    g = (rng.random(n)[:, None] > np.cumsum(group_probabilities(z), axis=1)[:, :-1]).sum(axis=1)
    eta = GROUP_EFFECT[g] + Z_EFFECT * z
    y = (rng.random(n)[:, None] > 1.0 / (1.0 + np.exp(-(CUTS[None, :] - eta[:, None])))).sum(axis=1)
    return pd.DataFrame(
        {
            "g": pd.Categorical.from_codes(g.tolist(), categories=GROUPS),
            "z": z,
            "y": pd.Categorical.from_codes(y.tolist(), categories=ANSWERS, ordered=True),
            "w": np.exp(0.3 * rng.standard_normal(n)),
        }
    )


def group_probabilities(z: Array) -> Array:
    """P(g | z): the third group grows with z."""
    odds = np.column_stack([np.ones(len(z)), np.exp(0.1 * z), np.exp(-0.2 + 0.4 * z)])
    return odds / odds.sum(axis=1, keepdims=True)


def truth() -> Array:
    """Adjusted probability of every answer in every group, over the population's z."""
    z = np.arange(-4, 5) / 2.0
    eta = GROUP_EFFECT[:, None] + Z_EFFECT * z[None, :]
    below = 1.0 / (1.0 + np.exp(-(CUTS[None, None, :] - eta[:, :, None])))
    edges = np.concatenate([np.zeros((3, 9, 1)), below, np.ones((3, 9, 1))], axis=2)
    return np.diff(edges, axis=2).mean(axis=1).ravel()


def with_holes(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A fifth of g and of y missing, more often where z is high."""
    chance = 1.0 / (1.0 + np.exp(1.55 - 0.6 * frame["z"].to_numpy()))
    holes = {name: frame[name].where(rng.random(len(frame)) >= chance) for name in ("g", "y")}
    return frame.assign(**holes)


@dataclass(frozen=True)
class Simulated:
    """One survey: whether each interval holds the truth, pooled and before anything was missing; estimates; share missing."""

    pooled: NDArray[np.bool_]
    whole: NDArray[np.bool_]
    estimate: Array
    cases: Array
    missing: float


def covered(seed: int, n: int = 600, m: int = 5, rounds: int = 3) -> Simulated:
    """Simulate one survey."""
    rng = np.random.default_rng(seed)
    full = people(n, rng)
    frame = with_holes(full, rng)
    survey = wwm.Survey.from_frame(frame, weight="w")
    done = wwm.impute(survey, m, seed=seed, variables=["g", "y"], predictors=["z"], rounds=rounds)
    table = wwm.pool([wwm.adjusted(wwm.fit(MODEL, one), by="g") for one in done]).table
    cases = wwm.adjusted(wwm.fit(MODEL, survey), by="g").table["estimate"].to_numpy()
    before = wwm.adjusted(wwm.fit(MODEL, wwm.Survey.from_frame(full, weight="w")), by="g").table
    missing = float(frame[["g", "y"]].isna().to_numpy().mean())
    return Simulated(holds(table), holds(before), table["estimate"].to_numpy(), cases, missing)


def holds(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which intervals hold the truth."""
    right = truth()
    return (table["lower"].to_numpy() <= right) & (right <= table["upper"].to_numpy())


def main(replicates: int) -> None:
    """Simulate and write the figures, also in between."""
    started = time.perf_counter()
    found: list[Simulated] = []
    path = Path(__file__).parent / "results" / "imputation.md"
    for seed in range(1, replicates + 1):
        found.append(covered(seed))
        if seed % 50 == 0 or seed == replicates:
            path.write_text(figures(found), encoding="utf-8")
            print(f"{seed} of {replicates}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)


def figures(found: list[Simulated]) -> str:
    """The table of coverage and bias."""
    inside, whole = (np.array([getattr(one, name) for one in found]) for name in ("pooled", "whole"))
    coverage, right = inside.mean(axis=0), truth()
    bias = np.mean([one.estimate for one in found], axis=0) - right
    cases = np.mean([one.cases for one in found], axis=0) - right
    lines = [
        "# Multiple imputation: coverage of 95% intervals",
        "",
        f"{len(found)} surveys of 600 weighted respondents, {100 * np.mean([one.missing for one in found]):.0f}% of the group and of the "
        "answer missing at random given z; 5 imputations, 3 rounds; `python -m benchmarks.imputation`.",
        f"Monte Carlo error of a coverage: {100 * np.sqrt(0.95 * 0.05 / len(found)):.1f} points.",
        "",
        "| adjusted probability | truth | bias (points) | bias of complete cases | coverage (%) | coverage with nothing missing (%) |",
        "|---|---|---|---|---|---|",
    ]
    names = [f"{group}, {answer}" for group in GROUPS for answer in ANSWERS]
    lines += [
        f"| {name} | {t:.4f} | {100 * b:+.2f} | {100 * c:+.2f} | {100 * share:.1f} | {100 * other:.1f} |"
        for name, t, b, c, share, other in zip(names, right, bias, cases, coverage, whole.mean(axis=0), strict=True)
    ]
    lines += [
        "",
        f"All: {100 * inside.mean():.1f}% (lowest {100 * coverage.min():.1f}, highest {100 * coverage.max():.1f}).",
        "",
        "By 500 surveys, lowest and highest of the nine: "
        + "; ".join(
            f"{100 * part.mean(axis=0).min():.1f} to {100 * part.mean(axis=0).max():.1f} "
            f"(with nothing missing {100 * same.mean(axis=0).min():.1f} to {100 * same.mean(axis=0).max():.1f})"
            for part, same in zip(in_parts(inside), in_parts(whole), strict=True)
        )
        + ".",
    ]
    return "\n".join(lines) + "\n"


def in_parts(rows: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The surveys in parts of 500, in the order of their seeds."""
    return [rows[first : first + 500] for first in range(0, len(rows), 500)]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
