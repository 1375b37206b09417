"""``python -m benchmarks.sbc.joint [DATASETS]``: calibration of the joint model of items, as of the families.

Three items of three answers, one two-level group, 120 people; every parameter, the log-likelihood and one adjusted probability are
ranked. Data sets in which some answer is never given are drawn anew: a condition on the data alone leaves ranks uniform.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import wwm_models as wwm
from benchmarks.sbc import RANKS, calibration, uniform_tails
from benchmarks.sbc.__main__ import HERE, append, figure
from wwm_models.bayes.joint_data import ItemParameters, ItemRows, item_rows
from wwm_models.bayes.joint_density import JointPriors, MarginalLikelihood, pilot_nodes, simulated_items
from wwm_models.bayes.joint_sample import pilot
from wwm_models.bayes.sampler import Settings, run_chain
from wwm_models.estimates.adjusted import person_averaged

Array = NDArray[np.float64]
ITEMS, ANSWERS, PEOPLE = ("one", "two", "three"), tuple("abc"), 120
THIN, WARMUP = 3, 120
PRIORS = JointPriors()


def drawn_truth(rng: np.random.Generator) -> tuple[ItemParameters, Array, float]:
    """Parameters from their prior, with the mean slope and the spread they came from."""
    count = len(ITEMS)
    shares = rng.dirichlet(np.full(len(ANSWERS), PRIORS.cutpoints), count)
    below = np.clip(np.cumsum(shares, axis=1)[:, :-1], 1e-12, 1 - 1e-12)
    mean = PRIORS.slopes * rng.standard_normal(1)
    spread = PRIORS.spread * abs(rng.standard_normal())
    slopes = mean + spread * rng.standard_normal((count, 1))
    loadings = np.exp(PRIORS.loading_location + PRIORS.loading_scale * rng.standard_normal(count))
    return ItemParameters(np.log(below / (1 - below)).ravel(), slopes, loadings), mean, spread


def simulated(rng: np.random.Generator) -> tuple[ItemRows, ItemParameters, Array, float]:
    """A data set in which every answer is given, and what it was made from."""
    while True:
        truth, mean, spread = drawn_truth(rng)
        group = np.arange(PEOPLE) % 2
        answers = simulated_items(ITEMS, [ANSWERS] * len(ITEMS), truth, (group - group.mean())[:, None], rng)
        if all(answers[item].nunique() == len(ANSWERS) for item in ITEMS):
            frame = answers.assign(g=pd.Categorical.from_codes(group, ["x", "y"]))
            return item_rows(ITEMS, "g", wwm.Survey.from_frame(frame, weight=None)), truth, mean, spread


def quantities(rows: ItemRows, draws: ItemParameters, mean: Array, spread: Array) -> Array:
    """(s, q): parameters, the log-likelihood by 15 nodes, and the probability of the highest answer of item one in the second group."""
    exact = MarginalLikelihood(rows, pilot_nodes(rows, ItemParameters(*(part.mean(0) for part in _parts(draws))), 15))
    loglik = [exact.value(ItemParameters(*each)) for each in zip(*_parts(draws), strict=True)]
    linear = draws.slopes[:, 0, :] @ rows.columns.T[:, -1:]
    top = 1.0 - person_averaged(draws.cuts[:, :2], linear, draws.loadings[:, 0])[:, 0, 1]
    return np.column_stack([draws.cuts, draws.slopes[:, :, 0], draws.loadings, mean, spread, loglik, top])


NAMES = [
    *(f"cut {k + 1} of {item}" for item in ITEMS for k in range(2)), *(f"slope of {item}" for item in ITEMS), *(f"loading of {item}" for item in ITEMS),
    "mean slope", "spread", "log-likelihood", "P(c | second group), item one",
]  # fmt: skip


def _parts(draws: ItemParameters) -> tuple[Array, Array, Array]:
    return draws.cuts, draws.slopes, draws.loadings


def rank_of_truth(seed: int) -> Array:
    """(q,) ranks of the true quantities of one simulated data set among RANKS draws."""
    rng = np.random.default_rng(seed)
    rows, truth, mean, spread = simulated(rng)
    start = pilot(rows, PRIORS)
    density, space, layout = start.density, start.space, start.density.layout

    def whitened(z: Array) -> tuple[float, Array]:
        value, gradient = density.value_and_gradient(space.free(z))
        return value, space.root.T @ gradient

    chain = run_chain(
        whitened, rng.standard_normal(layout.size), int(rng.integers(2**31)), Settings(THIN * RANKS, WARMUP, 0.9)
    )
    points = space.free(chain.z[::THIN])
    _, means, coordinate, _, _ = layout.split(points)
    drawn = layout.parameters(points)
    both = ItemParameters(*(np.concatenate([a, b[None]]) for a, b in zip(_parts(drawn), _parts(truth), strict=True)))
    values = quantities(rows, both, np.append(means[:, 0], mean), np.append(layout.spreads(coordinate)[:, 0], spread))
    return (values[:-1] < values[-1]).sum(axis=0)


def ranks_of(datasets: int, *, seed: int = 1) -> pd.DataFrame:
    """One row per data set, one column per test quantity."""
    return pd.DataFrame([rank_of_truth(10_000 * seed + number) for number in range(datasets)], columns=NAMES)


def main(datasets: int) -> None:
    """Run, print and write ranks, p-values and a figure."""
    HERE.mkdir(exist_ok=True)
    started = time.perf_counter()
    ranks, tails = ranks_of(datasets), uniform_tails(datasets)
    table = calibration(ranks, tails)
    seconds, smallest = time.perf_counter() - started, float(table["p_value"].min())
    adjusted = min(1.0, smallest * len(table))
    ranks.to_csv(HERE / "ranks-joint.csv", index=False)
    (HERE / "ecdf-joint.svg").write_text(figure("joint model of three items", ranks, tails), encoding="utf-8")
    append(
        table.assign(model="joint", seconds=round(seconds, 1), bonferroni=adjusted)[
            ["model", *table.columns, "bonferroni", "seconds"]
        ]
    )
    print(
        f"joint: {datasets} data sets, {len(table)} quantities, smallest p {smallest:.4f}, Bonferroni {adjusted:.3f}, {seconds:.0f} s"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
