"""Bounds under sentences that are true of a population contain its adjusted numbers; the thousand of the benchmark, reduced."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.bounds_sentences import population, wrong


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_the_truth_is_inside_whenever_the_sentences_are_true(seed: int):
    rng = np.random.default_rng(seed)
    decided = 0
    for _ in range(11):
        problems, verdicts = wrong(population(rng), rng)
        assert problems == []
        decided += sum(number for verdict, number in verdicts.items() if verdict != "undetermined")
    assert decided > 0
