"""A reduced version of ``python -m benchmarks coverage``: intervals cover what they promise, and its batch is the public way."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.coverage.conditions import AGREEMENT, Condition, coverage_table, gap, simulated_chunk, true_values
from benchmarks.coverage.estimator import official
from benchmarks.coverage.population import MODELS, SHARES, population_shares, truth
from benchmarks.coverage.samples import DESIGNS, draw
from scipy import stats

SAMPLES = 250


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("model", MODELS)
def test_a_batch_of_samples_is_what_the_public_functions_say_of_each(model, design):
    which, seed = truth(model), [7, 1]
    chunk = simulated_chunk(Condition(model, 1530, design), 3, seed)
    samples = draw(which, design, 1530, 3, np.random.default_rng(seed))
    for row in np.flatnonzero(chunk.observed.all(axis=1)):
        assert gap(chunk.results, row, official(which, samples.survey(row))) < AGREEMENT


@pytest.mark.parametrize("design", DESIGNS)
def test_every_way_of_drawing_leaves_the_population_as_it_is(design):
    """Weighted shares of answers and of patterns, averaged over samples; 5 standard errors of 200 samples of 500."""
    samples = draw(truth("cumulative"), design, 500, 200, np.random.default_rng(8))
    for values, expected in ((samples.answer, SHARES), (samples.pattern, population_shares())):
        shares = np.array(
            [
                np.bincount(row, weight, minlength=len(expected)) / weight.sum()
                for row, weight in zip(values, samples.weight, strict=True)
            ]
        )
        error = shares.std(axis=0, ddof=1) / np.sqrt(len(shares))
        assert (np.abs(shares.mean(axis=0) - expected) < 5.0 * error).all()


@pytest.mark.slow
@pytest.mark.parametrize("design", ["simple", "weighted", "clustered"])
def test_intervals_cover_the_truth_and_standard_errors_are_the_spread(design):
    """55 quantities on 250 samples: a tail of 1e-5 in each is a false alarm once in 600 runs of the three designs."""
    condition = Condition("cumulative", 500, design)
    table = coverage_table(condition, [simulated_chunk(condition, SAMPLES, [9, 2])])
    judged = table[(table["events_per_parameter"] >= 10.0) | (table["kind"] == "adjusted")]
    assert len(judged) == 54
    assert (judged["covered"] >= stats.binom.ppf(1e-5, judged["used"], 0.945)).all()
    assert table["outside_0_1"].sum() == 0
    ratio = judged["mean_std_error"] / judged["sd_estimate"]
    # a standard deviation of 250 samples has a relative error of 4.5%, of which 4.5 are allowed
    assert ratio.between(0.8, 1.2).all()
    bias = (judged["mean_estimate"] - judged["truth"]) / judged["sd_estimate"]
    assert bias.abs().max() < 0.35, "estimates are off by a third of their spread"
    assert len(true_values(truth("cumulative"))) == len(table)
