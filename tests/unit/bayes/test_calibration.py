"""Simulation-based calibration, reduced: a right engine passes, one with a wrong Jacobian is caught. In full: benchmarks/sbc."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

DATASETS, PER_GROUP = 40, 2
BAND = 0.001  # per quantity: seven quantities together then fail by chance less than once in a hundred choices of seed


@pytest.fixture(scope="module")
def sbc():
    path = Path(__file__).parents[3] / "benchmarks" / "sbc" / "__init__.py"
    spec = importlib.util.spec_from_file_location("sbc_of_benchmarks", path)
    module = importlib.util.module_from_spec(spec)

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("right", [True, False], ids=["right", "Jacobian counted twice"])
def test_ranks_are_uniform_only_with_the_right_jacobian(sbc, right):
    ranks = sbc.ranks_of("cumulative", DATASETS, per_group=PER_GROUP, right=right)
    smallest = sbc.calibration(ranks, sbc.uniform_tails(DATASETS))["p_value"].min()
    assert bool(smallest > BAND) is right, smallest
