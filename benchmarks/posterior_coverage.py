"""``python -m benchmarks.posterior_coverage [REPLICATES]``: posterior intervals of weighted, clustered samples and what they hold.

A population of 4,000 clusters of 100, each in one of three groups: answers from a cumulative logit with an effect per cluster. A sample
takes 80 clusters and from each 12 people, with chances that grow with the answer (so weights are informative, and unweighted
estimates are off) and differ between people for no reason (so weights cost information). The truth is the same model fitted to the
whole population. 95% intervals are quantiles of the pseudo-posterior as sampled, and of the same draws rotated to the design-based
covariance.

References
----------
Williams, M. R. and Savitsky, T. D. (2021). Uncertainty estimation for pseudo-Bayesian inference under complex sampling.
International Statistical Review 89, 72-107. doi:10.1111/insr.12376
"""

from __future__ import annotations

import datetime
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import wwm_models as wwm
from wwm_models.engines.predictors import predictors_of
from wwm_models.records import Posterior

Array = NDArray[np.float64]
CLUSTERS, SIZE, DRAWN, TAKEN = 4000, 100, 80, 12
CUTS, CLUSTER_SD = (-1.0, 0.2, 1.5), 0.7  # intraclass correlation of the latent answer: 0.49 / (0.49 + 3.29) = 0.13
MODEL = wwm.Model("y ~ g + h")
ANSWERS, GROUPS, KINDS = list("abcd"), list("pqr"), list("uv")


def population(seed: int) -> pd.DataFrame:
    """Everyone: cluster, predictors, answer, and the chance to be taken within his cluster, up to a constant."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(CLUSTERS), SIZE)
    effect = rng.normal(0.0, CLUSTER_SD, CLUSTERS)[cluster]
    group = rng.integers(0, 3, CLUSTERS)[cluster]
    kind = rng.integers(0, 2, len(cluster))
    answer = np.digitize(0.5 * group - 0.4 * kind + effect + rng.logistic(size=len(cluster)), CUTS)
    chance = np.exp(0.25 * answer + rng.normal(0.0, 0.4, len(cluster)))
    return pd.DataFrame({"cluster": cluster, "g": group, "h": kind, "y": answer, "chance": chance})


def survey_of(people: pd.DataFrame, weight: str | None, psu: str | None) -> wwm.Survey:
    """Rows with their categories."""
    frame = people.assign(
        g=pd.Categorical.from_codes(people["g"], GROUPS),
        h=pd.Categorical.from_codes(people["h"], KINDS),
        y=pd.Categorical.from_codes(people["y"], ANSWERS, ordered=True),
    )
    return wwm.Survey.from_frame(frame, weight=weight, psu=psu)


def drawn(everyone: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One sample: clusters with equal chances, people by a successive draw without replacement; weights 1 / chance of inclusion."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(CLUSTERS, DRAWN, replace=False)
    rows: list[Array] = []
    weights: list[Array] = []
    for each in chosen:
        inside = np.arange(each * SIZE, (each + 1) * SIZE)
        chance = everyone["chance"].to_numpy()[inside]
        inclusion = _inclusion(chance / chance.sum())
        start = rng.random()  # systematic draw with these inclusion probabilities, in random order
        order = rng.permutation(SIZE)
        reached = np.cumsum(inclusion[order])
        hit = np.floor(reached - start) > np.floor(np.concatenate([[0.0], reached[:-1]]) - start)
        rows.append(inside[order[hit]])
        weights.append(1.0 / inclusion[order[hit]])
    return everyone.iloc[np.concatenate(rows)].assign(w=np.concatenate(weights)).reset_index(drop=True)


def _inclusion(share: Array) -> Array:
    """Inclusion probabilities proportional to shares that sum to the number taken, none above one."""
    inclusion = TAKEN * share
    while (inclusion > 1.0).any():
        certain = inclusion >= 1.0
        inclusion = np.where(certain, 1.0, share * (TAKEN - certain.sum()) / share[~certain].sum())
    return inclusion


def highest_share(draws: Array, post: Posterior) -> Array:
    """(s,) probability of the highest answer in the last group, with both kinds weighing the same."""
    frame = pd.DataFrame(
        {
            "g": pd.Categorical(["r", "r"], GROUPS),
            "h": pd.Categorical(KINDS, KINDS),
        }
    )
    eta = predictors_of(post.design, frame).eta_of_draws(draws)
    log_p = post.family.log_probabilities(eta, post.link)
    return np.exp(log_p[:, -1]).reshape(-1, 2).mean(axis=1)


def quantities(draws: Array, post: Posterior) -> Array:
    """(s, q): parameters and one standardised probability."""
    return np.column_stack([draws, highest_share(draws, post)])


def covered(everyone: pd.DataFrame, truth: Array, seed: int) -> tuple[NDArray[np.bool_], Array]:
    """(2, q): whether the intervals as sampled and as corrected hold the truth, and their widths."""
    survey = survey_of(drawn(everyone, seed), "w", "cluster")
    post = wwm.sample(MODEL, survey, seed=seed, chains=2, draws=500, warmup=100)
    limits = [np.quantile(quantities(draws, post), [0.025, 0.975], axis=0) for draws in (post.uncorrected, post.draws)]
    inside = np.array([(low <= truth) & (truth <= high) for low, high in limits])
    return inside, np.array([high - low for low, high in limits])


def truth_of(everyone: pd.DataFrame) -> tuple[Array, list[str]]:
    """(q,) quantities of the population's own maximum, and their names."""
    fit = wwm.fit(MODEL, survey_of(everyone, None, None))
    frame = pd.DataFrame({"g": ["r", "r"], "h": KINDS})
    shares = wwm.predict(fit, frame.astype({"g": pd.CategoricalDtype(GROUPS), "h": pd.CategoricalDtype(KINDS)}))
    names = [*fit.design.names, "P(d) in group r"]
    return np.append(fit.theta, np.asarray(shares)[:, -1].mean()), names


def coverage(replicates: int, seed: int = 1) -> pd.DataFrame:
    """Coverage and mean width of both kinds of interval, by quantity."""
    everyone = population(seed)
    truth, names = truth_of(everyone)
    found = [covered(everyone, truth, 1000 * seed + number) for number in range(replicates)]
    inside, width = np.mean([one for one, _ in found], axis=0), np.mean([one for _, one in found], axis=0)
    return pd.DataFrame(
        {
            "quantity": names, "truth": truth, "as_sampled": inside[0], "corrected": inside[1],
            "monte_carlo_error": np.sqrt(0.95 * 0.05 / replicates), "width_ratio": width[1] / width[0],
        }
    )  # fmt: skip


def main(replicates: int) -> None:
    """Run, print and write results/posterior_coverage.md."""
    started = time.perf_counter()
    table = coverage(replicates)
    lines = [
        f"# Posterior intervals under weights and clusters, {datetime.date.today().isoformat()}",
        "",
        f"`python -m benchmarks.posterior_coverage {replicates}`: {replicates} samples of {DRAWN} clusters x {TAKEN} people with informative weights;",
        f"2 chains x 500 draws each; {time.perf_counter() - started:.0f} seconds. Percent of the 95% intervals that hold the population's value;",
        f"the Monte Carlo error of a coverage of 95 is {100 * float(table['monte_carlo_error'].iloc[0]):.1f} points.",
        "",
        "| quantity | population | as sampled | corrected for the design | width, corrected over sampled |",
        "|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        name = row["quantity"].replace("|", "/")  # a bar would end the table's cell
        held = f"{100 * row['as_sampled']:.1f} | {100 * row['corrected']:.1f}"
        lines.append(f"| {name} | {row['truth']:.3f} | {held} | {row['width_ratio']:.2f} |")
    means = table[["as_sampled", "corrected"]].mean()
    lines.append(f"| mean | | {100 * means['as_sampled']:.1f} | {100 * means['corrected']:.1f} | |")
    print("\n".join(lines))
    (Path(__file__).parent / "results" / "posterior_coverage.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
