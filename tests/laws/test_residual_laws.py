"""Residuals of single respondents: their law when the model is true, their signs, and what they show when it is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import wwm_models as wwm
from wwm_models.numerics.links import LINKS

LAWS = {
    "logit": stats.logistic(),
    "probit": stats.norm(),
    "cloglog": stats.gumbel_l(loc=np.euler_gamma),
    "loglog": stats.gumbel_r(loc=-np.euler_gamma),
    "cauchit": stats.cauchy(),
}
ENOUGH = 0.01  # of a Kolmogorov-Smirnov p-value at a fixed seed


def answers(link: str, rows: int = 3000, seed: int = 4, bend: float = 0.0) -> pd.DataFrame:
    """Answers of a true cumulative model with this link; `bend` adds a quadratic term that the fits leave out."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    latent = 0.8 * x + bend * (x**2 - 1) + LINKS[link].quantile(rng.uniform(size=rows))
    codes = np.searchsorted([-1.0, 0.3, 1.5], latent)
    return pd.DataFrame({"y": pd.Categorical.from_codes(codes, list("abcd"), ordered=True), "x": x})


def fitted(frame: pd.DataFrame, **options: object) -> wwm.Fit:
    return wwm.fit(wwm.Model("y ~ x", **options), wwm.Survey.from_frame(frame, weight=None))  # type: ignore[arg-type]


@pytest.mark.parametrize("link", LINKS)
def test_surrogate_residuals_have_the_latent_law_where_the_model_is_true(link):
    residual = wwm.surrogate_residuals(fitted(answers(link), link=link), seed=2)
    assert stats.kstest(residual, LAWS[link].cdf).pvalue > ENOUGH


@pytest.mark.parametrize("link", LINKS)
def test_randomised_pit_is_uniform_where_the_model_is_true(link):
    assert stats.kstest(wwm.randomised_pit(fitted(answers(link), link=link), seed=2), "uniform").pvalue > ENOUGH


@pytest.mark.parametrize("link", LINKS)
def test_reading_backwards_keeps_sign_and_law_of_surrogate_residuals(link):
    """The reversed model with the reflected link is the same model of the same latent answer."""
    frame = answers(link)
    fit = fitted(frame, link=LINKS[link].reflection, reverse=True)
    residual = wwm.surrogate_residuals(fit, seed=2)
    assert stats.kstest(residual, LAWS[link].cdf).pvalue > ENOUGH
    assert stats.spearmanr(residual, frame["y"].cat.codes).statistic > 0.5


def test_a_scale_part_leaves_residuals_in_units_of_the_respondents_own_spread():
    rng = np.random.default_rng(5)
    wide = rng.integers(0, 2, 3000)
    latent = rng.logistic(size=3000) * np.where(wide, 2.0, 1.0)
    frame = pd.DataFrame(
        {
            "y": pd.Categorical.from_codes(np.searchsorted([-1.0, 0.0, 1.0], latent), list("abcd"), ordered=True),
            "g": pd.Categorical(np.where(wide, "wide", "narrow")),
        }
    )
    survey = wwm.Survey.from_frame(frame, weight=None)
    spread = wwm.surrogate_residuals(wwm.fit(wwm.Model("y ~ g", scale="~ g"), survey))
    even = wwm.surrogate_residuals(wwm.fit(wwm.Model("y ~ g"), survey))
    for level in ("wide", "narrow"):
        assert stats.kstest(spread[frame["g"] == level], "logistic").pvalue > ENOUGH
        assert stats.kstest(even[frame["g"] == level], "logistic").pvalue < ENOUGH


@pytest.mark.parametrize("family", ["adjacent", "stopping", "continuation", "multinomial"])
def test_families_without_a_latent_answer_have_uniform_residuals(family):
    frame = answers("logit")
    p = wwm.predict(fitted(frame, family=family), frame).to_numpy()
    drawn = (np.random.default_rng(6).uniform(size=(len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)
    true = frame.assign(y=pd.Categorical.from_codes(drawn, list("abcd"), ordered=True))
    residual = wwm.surrogate_residuals(fitted(true, family=family), seed=2)
    assert stats.kstest(residual + 0.5, "uniform").pvalue > ENOUGH


def test_a_missed_bend_shows_in_the_residuals():
    """A U-shape in x is left over; in a true model nothing is."""
    for bend, found in ((0.0, False), (0.4, True)):
        frame = answers("logit", bend=bend)
        residual = wwm.surrogate_residuals(fitted(frame), seed=2)
        assert bool(stats.spearmanr(residual, np.abs(frame["x"])).pvalue < 1e-10) == found


def test_a_wrong_link_shows_in_the_law_of_the_residuals():
    for true, wrong in (("cloglog", "loglog"), ("loglog", "cloglog")):
        residual = wwm.surrogate_residuals(fitted(answers(true, rows=10_000), link=wrong), seed=2)
        assert stats.kstest(residual, LAWS[wrong].cdf).pvalue < 1e-6


@pytest.mark.parametrize("residuals", [wwm.surrogate_residuals, wwm.randomised_pit])
def test_a_seed_gives_each_row_its_number_whatever_rows_are_used(residuals):
    frame = answers("logit", rows=300)
    fit = fitted(frame)
    np.testing.assert_array_equal(residuals(fit, seed=3), residuals(fit, seed=3))
    assert not np.array_equal(residuals(fit, seed=3), residuals(fit, seed=4))
    gone = frame.assign(x=frame["x"].where(frame.index >= 5))
    fewer = residuals(fitted(gone), seed=3)
    assert np.isnan(fewer[:5]).all()
    assert (
        np.abs(fewer[5:] - residuals(fit, seed=3)[5:]).max() < 0.5
    )  # the estimates move a little, the uniform numbers not
