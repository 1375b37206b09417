"""Standard errors of adjusted probabilities against resampling, which knows nothing of influence functions."""

from __future__ import annotations

import numpy as np
import pytest

import wwm_models as wwm

MODEL = wwm.Model("y ~ age + household")
# No interaction and many categories per group keep the replicates away from separation.


def adjusted(frame, **options):
    survey = wwm.Survey.from_frame(frame, weight="w", **options)
    return wwm.adjusted(wwm.fit(MODEL, survey), "age")


def test_delete_one_unit_jackknife_agrees_under_a_design(frame):
    """JKn: leave one sampling unit out, reweight its stratum. With 20 units the two differ to second order: 10%."""
    clustered = adjusted(frame, strata="stratum", psu="unit")
    estimate = clustered.table["estimate"].to_numpy()
    variance = np.zeros(len(estimate))
    for unit in range(20):
        same = (frame["stratum"] == unit // 5).to_numpy()
        weight = frame["w"] * np.where(frame["unit"] == unit, 0.0, np.where(same, 5.0 / 4.0, 1.0))
        replicate = adjusted(frame.assign(w=weight)).table["estimate"].to_numpy()
        variance += 4.0 / 5.0 * (replicate - estimate) ** 2
    np.testing.assert_allclose(clustered.table["std_error"], np.sqrt(variance), rtol=0.10)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["cumulative", "stopping"])
def test_bootstrap_of_respondents_agrees_with_sampled_covariates(family, frame):
    """400 bootstraps give a standard error to 1 / sqrt(800) = 3.5%; 12 of them stay within four times that."""
    model = wwm.Model("y ~ age + household", family=family)
    rng = np.random.default_rng(12)
    fit = wwm.fit(model, wwm.Survey.from_frame(frame, weight="w"))
    replicates = []
    for _ in range(400):
        times = np.bincount(rng.integers(0, len(frame), len(frame)), minlength=len(frame))
        survey = wwm.Survey.from_frame(frame.assign(w=frame["w"] * times), weight="w")
        replicates.append(wwm.adjusted(wwm.fit(model, survey), "age").table["estimate"].to_numpy())
    spread = np.std(replicates, axis=0, ddof=1)
    np.testing.assert_allclose(wwm.adjusted(fit, "age").table["std_error"], spread, rtol=0.14)


def test_fixed_covariates_leave_out_the_sampling_of_the_population(frame):
    """A predictor that moves answers strongly but is not an exposure: sampled covariates carry its spread, fixed do not."""
    strong = frame.assign(x=4.0 * frame["x"])
    fit = wwm.fit(wwm.Model("y ~ x"), wwm.Survey.from_frame(strong, weight=None))
    sampled, fixed = (wwm.adjusted(fit, covariates=kind).table["std_error"] for kind in ("sampled", "fixed"))
    assert (sampled > fixed).all()


def test_another_survey_as_target_is_a_second_sample(frame, respondents):
    """Averaged over other respondents: the fit's variance and theirs add, because the samples are independent."""
    other = wwm.Survey.from_frame(respondents(200, seed=20), weight="w")
    fit = wwm.fit(MODEL, wwm.Survey.from_frame(frame, weight="w"))
    over = wwm.adjusted(fit, "age", over=other)
    fixed = wwm.adjusted(fit, "age", over=other, covariates="fixed")
    np.testing.assert_allclose(over.table["estimate"], fixed.table["estimate"], rtol=1e-13)
    predictions = [wwm.predict(fit, other.frame.assign(age=level)).to_numpy() for level in ("18-34", "35-49", "50-64")]
    weight = other.weights / other.weights.sum()
    rows = np.hstack(predictions)
    centred = weight[:, None] * (rows - weight @ rows)
    expected = np.diag(fixed.covariance) + len(rows) / (len(rows) - 1) * (centred**2).sum(axis=0)
    # robust covariances: "fixed" uses the same n / (n - 1) as "sampled", so only rounding is left
    np.testing.assert_allclose(np.diag(over.covariance), expected, rtol=1e-9)
