"""R-hat, effective sizes and Monte Carlo errors equal ArviZ's."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.bayes.of_arviz import az

from wwm_models.bayes.convergence import health_table


def chains_of(kind: str) -> np.ndarray:
    """(4, 500, 1) draws: independent, antithetic, slow, one chain elsewhere, heavy tails."""
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((4, 501))
    if kind in ("slow", "antithetic"):
        rho = 0.9 if kind == "slow" else -0.5
        for t in range(1, 501):
            noise[:, t] = rho * noise[:, t - 1] + np.sqrt(1 - rho**2) * noise[:, t]
    if kind == "elsewhere":
        noise[0] += 1.0
    if kind == "heavy":
        noise = np.tan(noise)
    return noise[:, :, None]


@pytest.mark.parametrize("kind", ["independent", "antithetic", "slow", "elsewhere", "heavy"])
def test_diagnostics_equal_those_of_arviz(kind):
    draws = chains_of(kind)
    row = health_table(draws.reshape(-1, 1), 4, ["a"]).iloc[0]
    wanted = {
        "rhat": az.rhat(draws[:, :, 0]),
        "ess_bulk": az.ess(draws[:, :, 0], method="bulk"),
        "ess_tail": az.ess(draws[:, :, 0], method="tail", prob=(0.05, 0.95)),
        "mcse": az.mcse(draws[:, :, 0], method="mean"),
    }
    for name, value in wanted.items():
        np.testing.assert_allclose(row[name], value, rtol=1e-10, err_msg=name)


def test_a_chain_elsewhere_and_too_few_draws_are_named():
    assert "R-hat" in health_table(chains_of("elsewhere").reshape(-1, 1), 4, ["a"])["status"][0]
    few = chains_of("antithetic")[:, :60]
    assert "effective" in health_table(few.reshape(-1, 1), 4, ["a"])["status"][0]


def test_a_quantity_that_never_varies_is_not_judged():
    assert health_table(np.ones((400, 1)), 4, ["a"])["status"][0] == "ok"
