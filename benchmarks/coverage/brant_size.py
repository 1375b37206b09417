"""``python -m benchmarks.coverage.brant_size``: why Brant's test rejects too often under weights, shown by exchanging its covariance.

The same samples are tested with three covariances of the contrasts: each sample's own estimate, the average of these estimates
(which leaves their bias but not their scatter), and the covariance of the contrasts over the samples (neither).
"""

from __future__ import annotations

import importlib
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy import stats

import wwm_models as wwm
from benchmarks.coverage.sizes import MODEL, SizeCondition, _sample
from wwm_models.errors import WwmError

RESULTS = Path(__file__).parents[1] / "results"
CONDITION, SAMPLES, SEED, CONTRASTS = SizeCondition(500, "weighted"), 2000, 5, 21
BRANT = importlib.import_module("wwm_models.diagnostics.proportional_odds")


def contrasts() -> tuple[np.ndarray, np.ndarray]:
    """Differences of slopes (R, 21) between cut points and their estimated covariances (R, 21, 21), under proportional odds."""
    rng = np.random.default_rng(SEED)
    found: list[tuple[np.ndarray, np.ndarray]] = []

    def kept(estimate: np.ndarray, covariance: np.ndarray, design_df: float) -> object:
        if len(estimate) == CONTRASTS:
            found.append((estimate, covariance))
        return wald(estimate, covariance, design_df)

    wald = BRANT.wald
    with patch.object(BRANT, "wald", kept):
        for _ in range(SAMPLES):
            try:
                BRANT.brant(wwm.fit(MODEL, _sample(CONDITION, rng)))
            except WwmError:
                continue
    return np.array([one for one, _ in found]), np.array([one for _, one in found])


def main() -> None:
    """Measure, print and write results/brant_size.md."""
    estimates, covariances = contrasts()
    spread = np.cov(estimates.T)
    limit = stats.chi2.ppf(0.95, CONTRASTS)
    middle = covariances.mean(axis=0)

    def rejected(inverse: np.ndarray) -> float:
        return 100.0 * float((np.einsum("ni,nij,nj->n", estimates, inverse, estimates) > limit).mean())

    everyone = (len(estimates), CONTRASTS, CONTRASTS)
    rows = {
        "each sample's own estimate (the test)": rejected(np.linalg.inv(covariances)),
        "the average of the estimates": rejected(np.broadcast_to(np.linalg.inv(middle), everyone)),
        "the covariance of the contrasts over the samples": rejected(np.broadcast_to(np.linalg.inv(spread), everyone)),
    }
    ratio = float(np.mean(np.diag(middle) / np.diag(spread)))
    lines = [
        "# Brant's test under weights: what makes it reject too often",
        "",
        f"`python -m benchmarks.coverage.brant_size`: {len(estimates)} samples of {CONDITION.n} simulated respondents with weights, proportional odds true, "
        f"{CONTRASTS} contrasts, 5% level. The estimated variances of the contrasts are {100 * ratio:.1f}% of the true ones on average.",
        "",
        "| covariance in the test | rejected, percent |",
        "|---|---|",
        *(f"| {name} | {rate:.1f} |" for name, rate in rows.items()),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (RESULTS / "brant_size.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
