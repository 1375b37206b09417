"""``python -m benchmarks.posterior_coverage [REPLICATES]``: posterior intervals of weighted, clustered samples and what they hold.

A population of 4,000 clusters of 100, each in one of three groups: answers from a cumulative logit with an effect per cluster. A sample
takes 80 clusters and from each 12 people, with chances that grow with the answer (so weights are informative, and unweighted
estimates are off) and differ between people for no reason (so weights cost information). The truth is the same model fitted to the
whole population. 95% intervals are quantiles of the pseudo-posterior as sampled, of the same draws rotated to the design-based
covariance, and the likelihood's own design-based intervals of the same samples.

A coverage away from 95 has one of two causes: intervals of the wrong size, or samples whose estimates happened to vary less or more
than they do in the long run. The ratio of the two spreads, and the likelihood in blocks of samples (`in_blocks`), tell them apart.

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
from scipy import stats

import wwm_models as wwm
from wwm_models.bayes.posterior import Posterior
from wwm_models.likelihood.likelihood import predictors_of

Array = NDArray[np.float64]
CLUSTERS, SIZE, DRAWN, TAKEN = 4000, 100, 80, 12
HELD = ("as_sampled", "corrected", "likelihood")
BLOCKS = (10, 400)  # of samples for the likelihood alone
CUTS, CLUSTER_SD = (-1.0, 0.2, 1.5), 0.7  # intraclass correlation of the latent answer: 0.49 / (0.49 + 3.29) = 0.13
MODEL = wwm.Model("y ~ g + h")
ANSWERS, GROUPS, KINDS = list("abcd"), list("pqr"), list("uv")


def population(seed: int) -> pd.DataFrame:
    """Everyone: cluster, predictors, answer, and the chance to be taken within their cluster, up to a constant."""
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


def covered(everyone: pd.DataFrame, truth: Array, seed: int) -> tuple[NDArray[np.bool_], Array, Array]:
    """(3, q): whether the intervals as sampled, as corrected and of the likelihood hold the truth, and their widths; (2, q) mean and sd."""
    survey = survey_of(drawn(everyone, seed), "w", "cluster")
    post = wwm.sample(MODEL, survey, seed=seed, chains=2, draws=500, warmup=100)
    limits = [np.quantile(quantities(draws, post), [0.025, 0.975], axis=0) for draws in (post.uncorrected, post.draws)]
    limits.append(of_likelihood(survey))
    inside = np.array([(low <= truth) & (truth <= high) for low, high in limits])
    reported = quantities(post.draws, post)
    return (
        inside,
        np.array([high - low for low, high in limits]),
        np.array([reported.mean(axis=0), reported.std(axis=0)]),
    )


def of_likelihood(survey: wwm.Survey) -> Array:
    """(2, q): the limits of design-based intervals of the maximum pseudo-likelihood."""
    fit = wwm.fit(MODEL, survey)
    half = stats.t.ppf(0.975, fit.design_df) * fit.std_errors.to_numpy()
    share = wwm.adjusted(fit, "g", over="balanced").table.iloc[-1]
    return np.column_stack([[fit.theta - half, fit.theta + half], [share["lower"], share["upper"]]])


def in_blocks(everyone: pd.DataFrame, truth: Array, seed: int, number: int, size: int) -> pd.DataFrame:
    """Of the likelihood's slope within clusters, per block of samples: spread of estimates, mean standard error, coverage."""
    rows = []
    for block in range(number):
        fits = [
            wwm.fit(MODEL, survey_of(drawn(everyone, 1000 * seed + size * block + each), "w", "cluster"))
            for each in range(size)
        ]
        estimate, error = (
            np.array([value[-1] for value in part])
            for part in zip(*((f.theta, f.std_errors.to_numpy()) for f in fits), strict=True)
        )
        held = np.abs(estimate - truth[5]) <= stats.t.ppf(0.975, fits[0].design_df) * error
        rows.append((f"{size * block + 1}-{size * (block + 1)}", estimate.std(ddof=1), error.mean(), held.mean()))
    return pd.DataFrame(rows, columns=pd.Index(["samples", "spread", "error", "held"]))


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
    inside, width, moments = (np.array(part) for part in zip(*found, strict=True))
    spread = moments[:, 0].std(axis=0, ddof=1) / np.sqrt((moments[:, 1] ** 2).mean(axis=0))
    inside, width = inside.mean(axis=0), width.mean(axis=0)
    return pd.DataFrame(
        {
            "quantity": names, "truth": truth, "as_sampled": inside[0], "corrected": inside[1],
            "likelihood": inside[2], "monte_carlo_error": np.sqrt(0.95 * 0.05 / replicates), "width_ratio": width[1] / width[0],
            "spread_ratio": spread,
        }
    )  # fmt: skip


def main(replicates: int) -> None:
    """Run, print and write results/posterior_coverage.md."""
    started = time.perf_counter()
    table = coverage(replicates)
    everyone = population(1)
    blocks = in_blocks(everyone, truth_of(everyone)[0], 1, *BLOCKS)
    seconds = time.perf_counter() - started
    lines = [
        f"# Posterior intervals under weights and clusters, {datetime.date.today().isoformat()}",
        "",
        f"`python -m benchmarks.posterior_coverage {replicates}`: {replicates} samples of {DRAWN} clusters x {TAKEN} people with informative weights;",
        f"2 chains x 500 draws each; {seconds:.0f} seconds. Percent of the 95% intervals that hold the population's value;",
        f"the Monte Carlo error of a coverage of 95 is {100 * float(table['monte_carlo_error'].iloc[0]):.1f} points. Beside it the likelihood's",
        "design-based intervals of the same samples, and the spread of the posterior means over samples as a multiple of the root mean",
        "square of the corrected standard deviations (1: intervals of the right size).",
        "",
        *coverage_table(table),
        "",
        *blocks_table(blocks),
    ]
    print("\n".join(lines))
    (Path(__file__).parent / "results" / "posterior_coverage.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def coverage_table(table: pd.DataFrame) -> list[str]:
    """The lines of `coverage`."""
    lines = [
        "| quantity | population | as sampled | corrected for the design | likelihood | width, corrected over sampled | spread over sd |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        name = row["quantity"].replace("|", "/")  # a bar would end the table's cell
        held = " | ".join(f"{100 * row[kind]:.1f}" for kind in HELD)
        lines.append(f"| {name} | {row['truth']:.3f} | {held} | {row['width_ratio']:.2f} | {row['spread_ratio']:.2f} |")
    return [*lines, f"| mean | | {' | '.join(f'{100 * table[kind].mean():.1f}' for kind in HELD)} | | |"]


def blocks_table(blocks: pd.DataFrame) -> list[str]:
    """The lines of `in_blocks`."""
    whole = f"{np.sqrt((blocks['spread'] ** 2).mean()):.4f} | {blocks['error'].mean():.4f} | {100 * blocks['held'].mean():.1f}"
    return [
        "The slope h[v] is of a variable within clusters, so the design hardly changes its intervals. Those of the likelihood, in blocks of",
        "samples (the first samples are those of the table): where a block's coverage is high, its estimates happen to vary less than in the",
        "long run, and the standard errors are the same.",
        "",
        "| samples | standard deviation of the estimates | mean standard error | percent that hold the population's value |",
        "|---|---|---|---|",
        *(
            f"| {row['samples']} | {row['spread']:.4f} | {row['error']:.4f} | {100 * row['held']:.1f} |"
            for row in blocks.to_dict("records")
        ),
        f"| all | {whole} |",
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
