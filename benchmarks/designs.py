"""Coverage of design-based 95% intervals of domains and groups with few sampling units: 2,000 samples a condition, committed figures.

Towns are the sampling units, regions the strata. A town has its own level, so that people of a town are alike; the truth is the mean over
all towns that could have been drawn. One function a condition; each gives the share of samples whose interval holds the truth. Run with
``python -m benchmarks.designs``; the figures go to benchmarks/results/designs.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

import wwm_models as wwm

PEOPLE, SPREAD, MIDDLE = 40, 0.5, 0.3  # of a town; sd and mean of its level, as a logit for answers
SAMPLES, SEED = 2000, 20240613
Array = NDArray[np.float64]


def sample_of(towns: NDArray[np.int_], rng: np.random.Generator) -> pd.DataFrame:
    """Respondents of a sample with so many towns in each region: an answer y and a number x."""
    region = np.repeat(np.repeat(np.arange(len(towns)), towns), PEOPLE)
    town = np.repeat(np.arange(towns.sum()), PEOPLE)
    level = MIDDLE + SPREAD * rng.standard_normal(towns.sum())[town]
    return pd.DataFrame(
        {
            "region": pd.Categorical.from_codes(region, [f"r{number}" for number in range(len(towns))]),
            "town": town,
            "y": pd.Categorical.from_codes(
                (rng.random(len(town)) < special.expit(level)).astype(int), ["no", "yes"], ordered=True
            ),
            "x": level + rng.standard_normal(len(town)),
        }
    )


def share() -> float:
    """The share of "yes" over all towns, by quadrature."""
    points, weights = special.roots_hermitenorm(61)
    return float(weights @ special.expit(MIDDLE + SPREAD * points) / weights.sum())


def held(table: pd.DataFrame, truth: float) -> Array:
    """Whether each interval holds the truth."""
    return ((table["lower"] <= truth) & (truth <= table["upper"])).to_numpy(dtype=float)


def raw_by_region(samples: int, seed: int) -> dict[str, float]:
    """Shares of 20 regions that are strata of 3 towns each."""
    rng, truth = np.random.default_rng(seed), share()
    found: list[Array] = []
    for _ in range(samples):
        survey = wwm.Survey.from_frame(sample_of(np.full(20, 3), rng), weight=None, strata="region", psu="town")
        table = wwm.raw(survey, "y", "region").table
        found.append(held(table[table["category"] == "yes"], truth))
    return {"raw(by=region), 20 regions of 3 towns": float(np.concatenate(found).mean())}


def few_units(samples: int, seed: int) -> dict[str, float]:
    """Shares and means of regions of 2, 3, 4 and 5 towns; a domain that is such a region has the same interval (tests/laws)."""
    rng, units = np.random.default_rng(seed), np.array([2, 3, 4, 5])
    shares, means = list[Array](), list[Array]()
    for _ in range(samples):
        survey = wwm.Survey.from_frame(sample_of(units, rng), weight=None, strata="region", psu="town")
        table = wwm.raw(survey, "y", "region").table
        shares.append(held(table[table["category"] == "yes"], share()))
        means.append(held(wwm.mean(survey, "x", "region").table, MIDDLE))
    return {
        f"{name} of {count} towns": float(value)
        for name, found in (("raw, a region", shares), ("mean, a region", means))
        for count, value in zip(units, np.mean(found, axis=0), strict=True)
    }


WIDE, KNOWN = {"c": {"u": 0.6, "v": 0.4}}, {"e": {"a": 0.3, "b": 0.7}}  # what is known of the population


def answers_of(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Weighted respondents whose answer hangs on c and e; a fifth of the answers is missing, whatever they are."""
    c, e = rng.random(n) < 0.4, rng.random(n) < 0.7
    yes = rng.random(n) < special.expit(-0.8 + 1.6 * c + 1.2 * e)
    y = pd.Categorical.from_codes(np.where(rng.random(n) < 0.2, -1, yes), ["no", "yes"], ordered=True)
    codes = {
        "c": pd.Categorical.from_codes(c.astype(int), ["u", "v"]),
        "e": pd.Categorical.from_codes(e.astype(int), ["a", "b"]),
    }
    return pd.DataFrame({**codes, "y": y, "w": np.exp(0.4 * rng.standard_normal(n))})


def calibrated_with_nonresponse(samples: int, seed: int) -> dict[str, float]:
    """Shares of 300 respondents, 20% without an answer, whose weights were calibrated to what is known of everybody."""
    rng = np.random.default_rng(seed)
    truth = sum(
        p * q * special.expit(-0.8 + 1.6 * (c == "v") + 1.2 * (e == "b"))
        for c, p in WIDE["c"].items()
        for e, q in KNOWN["e"].items()
    )
    found = {name: list[Array]() for name in ("post-stratified", "post-stratified twice", "raked")}
    for _ in range(samples):
        survey = wwm.Survey.from_frame(answers_of(300, rng), weight="w")
        once = wwm.poststratify(survey, "c", WIDE["c"])
        each = (once, wwm.poststratify(once, "e", KNOWN["e"]), wwm.rake(survey, WIDE | KNOWN))
        for name, made in zip(found, each, strict=True):
            table = wwm.raw(made, "y").table
            found[name].append(held(table[table["category"] == "yes"], float(truth)))
    return {f"raw, {name}, 20% without an answer": float(np.mean(values)) for name, values in found.items()}


CONDITIONS: dict[str, Callable[[int, int], dict[str, float]]] = {
    "raw_by_region": raw_by_region,
    "few_units": few_units,
    "calibrated_with_nonresponse": calibrated_with_nonresponse,
}


RESULT = Path(__file__).parent / "results" / "designs.md"


def main(arguments: list[str]) -> None:
    """Write the coverage of every condition, or of those named beside what is there."""
    found = {}
    if arguments and RESULT.exists():
        rows = [
            line.strip("| ").split(" | ")
            for line in RESULT.read_text(encoding="utf-8").splitlines()
            if line.startswith("| ")
        ]
        found = {row[0]: row[1] for row in rows[1:]}
    for name in arguments or CONDITIONS:
        found |= {label: f"{100 * value:.1f}" for label, value in CONDITIONS[name](SAMPLES, SEED).items()}
    lines = [f"| {name} | {value} |" for name, value in found.items()]
    text = "\n".join(
        ["# Coverage of design-based 95% intervals", "", f"{SAMPLES:,} samples each, seed {SEED} (`python -m benchmarks.designs`).", "",
         "| Condition | Coverage (%) |", "|---|---|", *lines, ""]
    )  # fmt: skip
    RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
