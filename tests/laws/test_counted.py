"""Respondents who gave the same answers may be counted together: every estimate and standard error stays what it was, or is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.diagnostics.specification import second_opinion
from wwm_models.errors import AdjustError, SurveyError
from wwm_models.estimates.sensitivity import Varied, domains, families, reported, trims
from wwm_models.likelihood.covariance import covariance, joined
from wwm_models.likelihood.multistage import staged_covariance
from wwm_models.likelihood.replicates import bootstrap_multipliers
from wwm_models.models.cells import Influence

Counting = Callable[[wwm.Survey], wwm.Survey]

# Sums of 400 numbers in another order differ in the last digits; variances are differences of such sums.
SUMS, ERRORS = 1e-12, 1e-9
MAXIMA = 1e-10  # where Newton stops
KINDS = ("unweighted", "sampling", "frequency", "design", "domain", "strata only", "two stages", "population sizes")


def survey_of(frame: pd.DataFrame, kind: str, of_kind: Callable[[pd.DataFrame, str], wwm.Survey]) -> wwm.Survey:
    """The kinds of the other laws, and designs whose last units are the respondents."""
    frame = frame[["y", "z", "age", "household", "w", "f", "stratum", "unit"]].copy()
    frame["w"] = np.where(np.arange(len(frame)) % 17 == 0, 0.0, frame["w"])  # some have no weight
    frame["age"] = frame["age"].where(np.arange(len(frame)) % 23 != 0)  # some gave no age
    frame["x"] = frame["stratum"] - 0.5
    rows = np.arange(len(frame)) % 5 != 0
    if kind == "strata only":
        survey = wwm.Survey.from_frame(frame, weight="w", strata="stratum", domain=rows)
    elif kind == "two stages":
        sizes = frame.groupby("unit")["unit"].transform("size") * 3.0
        frame = frame.assign(units=12.0, people=sizes)
        survey = wwm.Survey.from_frame(
            frame, weight="w", strata=["stratum", "unit"], psu="unit", fpc=["units", "people"], domain=rows
        )
    elif kind == "population sizes":
        frame = frame.assign(size=np.array([300.0, 400.0, 500.0, 250.0])[frame["stratum"]])
        survey = wwm.Survey.from_frame(frame, weight="w", strata="stratum", fpc="size")
    else:
        survey = of_kind(frame, kind)
    return replace(survey, frame=survey.frame[["y", "z", "age", "household", "x"]])


@pytest.fixture(params=KINDS)
def pair(
    request: pytest.FixtureRequest, frame: pd.DataFrame, of_kind: Any, counted: Counting
) -> tuple[wwm.Survey, wwm.Survey]:
    survey = survey_of(frame, request.param, of_kind)
    return survey, counted(survey)


def same_columns(one: pd.DataFrame, two: pd.DataFrame, *, nothing: float = 1e-15) -> None:
    for name in one:
        known, found = one[name], two[name]
        if not pd.api.types.is_numeric_dtype(known.dtype):
            assert known.astype(str).tolist() == found.astype(str).tolist()
            continue
        sums = name in ("n", "count", "level") or (name == "estimate" and set(one["method"]) == {"raw"})
        tolerance = SUMS if sums else MAXIMA if name == "estimate" else ERRORS
        np.testing.assert_allclose(found, known, rtol=tolerance, atol=nothing, err_msg=str(name))


def same_table(one: wwm.Estimates, two: wwm.Estimates) -> None:
    same_columns(one.table, two.table)
    np.testing.assert_allclose(two.covariance, one.covariance, rtol=ERRORS, atol=1e-12 * np.nanmax(one.covariance))


def test_rows_are_fewer_and_the_same_people(pair: tuple[wwm.Survey, wwm.Survey]):
    survey, counted = pair
    assert len(counted) < len(survey)
    everybody, rows = (np.ones(len(on), dtype=bool) for on in (survey, counted))
    assert counted.respondents(rows) == survey.respondents(everybody)
    assert counted.respondents(counted.domain) == survey.respondents(survey.domain)


@pytest.mark.parametrize("vcov", ["auto", "robust", "model"])
def test_a_fit_is_the_same(pair: tuple[wwm.Survey, wwm.Survey], vcov: str):
    one, two = (wwm.fit(wwm.Model("y ~ age + household"), survey, vcov=vcov) for survey in pair)
    np.testing.assert_allclose(two.cells.counts, one.cells.counts[order_of(one, two)], rtol=SUMS)
    np.testing.assert_allclose(two.cells.weights, one.cells.weights[order_of(one, two)], rtol=SUMS)
    np.testing.assert_allclose(two.params, one.params, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(two.vcov, one.vcov, rtol=ERRORS, atol=1e-12)
    assert (two.n, two.cells.excluded, two.vcov_kind, two.design_df) == (
        one.n,
        one.cells.excluded,
        one.vcov_kind,
        one.design_df,
    )
    np.testing.assert_allclose(two.n_effective, one.n_effective, rtol=SUMS)
    np.testing.assert_allclose(two.loglik, one.loglik, rtol=SUMS)
    assert two.warnings == one.warnings
    assert re.sub(r"gradient \S+", "", two.summary()) == re.sub(r"gradient \S+", "", one.summary())


def order_of(one: wwm.Fit, two: wwm.Fit) -> np.ndarray[Any, Any]:
    """The place, among the patterns of the first fit, of every pattern of the second."""
    place = {key: row for row, key in enumerate(one.cells.patterns.astype(str).itertuples(index=False, name=None))}
    return np.array([place[key] for key in two.cells.patterns.astype(str).itertuples(index=False, name=None)])


@pytest.mark.parametrize(
    "asked",
    [
        lambda survey: wwm.raw(survey, "y", ["age", "household"], collapses={"high": ["often", "daily"]}),
        lambda survey: wwm.adjusted(wwm.fit(wwm.Model("y ~ age * household"), survey), "age"),
        lambda survey: wwm.adjusted(wwm.fit(wwm.Model("y ~ age + household"), survey), "age", covariates="fixed"),
        lambda survey: wwm.adjusted(wwm.fit(wwm.Model("y ~ age + household"), survey), "age", over="balanced"),
        lambda survey: wwm.adjusted(wwm.fit(wwm.Model("y ~ age + household"), survey), "age", over=survey),
        lambda survey: wwm.adjusted(wwm.fit(wwm.Model("y ~ age + x"), survey, penalty="jeffreys"), "age"),
        lambda survey: wwm.contrasts(wwm.adjusted(wwm.fit(wwm.Model("y ~ age + household"), survey), "age"), "age"),
        lambda survey: wwm.slopes(wwm.fit(wwm.Model("y ~ age + x"), survey), "x"),
        lambda survey: wwm.change(survey, "z", "y", "household"),
        lambda survey: wwm.mean(survey, "x", "household"),
        lambda survey: wwm.total(survey, "y"),
        lambda survey: wwm.superiority(wwm.fit(wwm.Model("y ~ age + household"), survey), "age"),
    ],
    ids=["raw", "adjusted", "fixed", "balanced", "over", "penalised", "contrasts", "slopes", "change", "mean", "total", "superiority"],
)  # fmt: skip
def test_estimates_are_the_same(pair: tuple[wwm.Survey, wwm.Survey], asked: Callable[[wwm.Survey], wwm.Estimates]):
    one, two = (asked(survey) for survey in pair)
    same_table(one, two)


def test_a_second_opinion_that_would_take_minutes_is_not_asked_for(
    frame: pd.DataFrame, of_kind: Any, monkeypatch: pytest.MonkeyPatch
):
    fit = wwm.fit(wwm.Model("y ~ age"), of_kind(frame, "unweighted"))
    monkeypatch.setattr("wwm_models.diagnostics.specification.MOST_WORK", fit.n * len(fit.params) ** 2 - 1)
    with pytest.raises(AdjustError) as caught:
        second_opinion(fit)
    assert str(caught.value) == (
        f"{fit.n} respondents and {len(fit.params)} parameters are more than statsmodels fits in a minute. This fit has no second "
        "opinion, so rely on its gradient and condition number."
    )


@pytest.mark.parametrize("family", ["cumulative", "multinomial"])
def test_a_second_opinion_is_of_the_people_a_frequency_stands_for(frame: pd.DataFrame, of_kind: Any, family: str):
    own = second_opinion(wwm.fit(wwm.Model("y ~ age + household", family=family), of_kind(frame, "frequency")))
    alone = frame.loc[frame.index.repeat(frame["f"])].reset_index(drop=True)
    each = second_opinion(wwm.fit(wwm.Model("y ~ age + household", family=family), of_kind(alone, "unweighted")))
    assert own is not None
    assert each is not None
    assert max(own, each) < 1e-5  # where statsmodels' optimiser stops


@pytest.mark.parametrize("family", ["cumulative", "multinomial"])
def test_a_second_opinion_is_of_the_respondents(
    frame: pd.DataFrame, of_kind: Any, counted: Counting, monkeypatch: pytest.MonkeyPatch, family: str
):
    fit = wwm.fit(wwm.Model("y ~ age + household", family=family), counted(survey_of(frame, "unweighted", of_kind)))
    apart = second_opinion(fit)
    assert apart is not None
    assert apart < 1e-5  # where statsmodels' optimiser stops
    monkeypatch.setattr("wwm_models.diagnostics.specification.MOST", fit.n - 1)
    with pytest.raises(AdjustError) as caught:
        second_opinion(fit)
    assert str(caught.value) == (
        f"{fit.n} respondents are counted together. Expected {fit.n - 1} at most, since statsmodels needs a row for each. "
        "This fit has no second opinion, so rely on its gradient and condition number."
    )


@pytest.mark.parametrize(
    "test",
    ["brant", "nominal_test", "scale_test", "lipsitz", "hosmer_lemeshow", "pearson", "po_size", "weights_matter"],
)
@pytest.mark.parametrize("kind", ["unweighted", "sampling", "domain", "strata only"])
def test_checks_are_the_same(frame: pd.DataFrame, of_kind: Any, counted: Counting, test: str, kind: str):
    survey = survey_of(frame, kind, of_kind)
    one, two = (
        outcome_of(lambda on=on: getattr(wwm, test)(wwm.fit(wwm.Model("y ~ age + household"), on)))
        for on in (survey, counted(survey))
    )
    if isinstance(one, str | pd.DataFrame):
        assert str(two) == str(one)
        return
    np.testing.assert_allclose(
        [two.statistic, two.df, two.p_value], [one.statistic, one.df, one.p_value], rtol=1e-7, atol=1e-12
    )


def outcome_of(asked: Callable[[], Any]) -> Any:
    """What a function gives, or the words with which it refuses."""
    try:
        return asked()
    except wwm.errors.WwmError as problem:
        return str(problem)


@pytest.mark.parametrize(
    "asked",
    [
        lambda survey: wwm.impute(survey),
        lambda survey: wwm.rake(survey, {"household": {"single": 0.4, "couple": 0.3, "family": 0.3}}),
        lambda survey: wwm.poststratify(survey, "household", {"single": 4, "couple": 3, "family": 3}),
        lambda survey: wwm.calibrate(survey, {"x": 10.0}),
        lambda survey: wwm.trim(survey, upper=10.0),
        lambda survey: wwm.replicates(survey, "bootstrap"),
        lambda survey: wwm.surrogate_residuals(wwm.fit(wwm.Model("y ~ age"), survey)),
        lambda survey: wwm.randomised_pit(wwm.fit(wwm.Model("y ~ age"), survey)),
        lambda survey: wwm.sample_joint(["y", "z"], "age", survey, seed=1),
    ],
    ids=["impute", "rake", "poststratify", "calibrate", "trim", "replicates", "surrogate_residuals", "randomised_pit", "sample_joint"],
)  # fmt: skip
def test_what_needs_respondents_one_by_one_is_refused(
    frame: pd.DataFrame, of_kind: Any, counted: Counting, asked: Callable[[wwm.Survey], Any]
):
    with pytest.raises(SurveyError) as caught:
        asked(counted(survey_of(frame, "sampling", of_kind)))
    words = str(caught.value)
    assert "needs respondents one by one; this survey has 400 of them counted in " in words
    assert words.endswith("Expected a survey from wwm.read_survey. Read the file, or a sample of it, whole.")


def test_a_decomposition_is_the_same(pair: tuple[wwm.Survey, wwm.Survey]):
    one, two = (wwm.decompose(wwm.Model("y ~ age + household"), survey, "age") for survey in pair)
    same_columns(one.assign(method=""), two.assign(method=""), nothing=1e-12)  # some parts are zero; percentage points


@pytest.mark.parametrize("kind", ["strata only", "population sizes"])
def test_bootstrapped_rows_vary_as_their_respondents_do(
    frame: pd.DataFrame, of_kind: Any, counted: Counting, kind: str
):
    """Rao, Wu and Yue (1992): weighted totals over the rescaled bootstrap have the design's covariance, here by its own formula."""
    survey = survey_of(frame, kind, of_kind)
    together = counted(survey)
    totals = {on: pd.get_dummies(on.frame["y"]).to_numpy(float) * on.weights[:, None] for on in (survey, together)}
    assert survey.design is not None
    assert together.design is not None
    expected = staged_covariance(totals[survey], survey.design)
    factors = bootstrap_multipliers(together.design, 40_000, np.random.default_rng(3))
    drawn = factors.T @ totals[together]
    scale = np.sqrt(np.diag(expected))
    # Monte Carlo errors of 40,000 draws: 0.5% of a standard error in a mean, 0.7% of a variance; four of them
    np.testing.assert_allclose((drawn.mean(axis=0) - totals[survey].sum(axis=0)) / scale, 0.0, atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T) / np.outer(scale, scale), expected / np.outer(scale, scale), atol=0.03)


def test_replicate_weights_of_declared_units_are_the_same(frame: pd.DataFrame, of_kind: Any, counted: Counting):
    survey = survey_of(frame, "domain", of_kind)
    one, two = (
        wwm.adjusted(
            wwm.fit(wwm.Model("y ~ age + household"), wwm.replicates(on, "bootstrap", draws=50, seed=3)), "age"
        )
        for on in (survey, counted(survey))
    )
    assert one.replicated is not None
    same_table(one, two)


@pytest.mark.slow
def test_a_posterior_is_the_same_but_for_its_chains(frame: pd.DataFrame, of_kind: Any, counted: Counting):
    survey = survey_of(frame, "sampling", of_kind)
    one, two = (wwm.sample(wwm.Model("y ~ age"), on, seed=1) for on in (survey, counted(survey)))
    assert two.n == one.n
    first, second = (wwm.adjusted(post, "age").table for post in (one, two))
    # Monte Carlo error of 4,000 draws with standard errors up to 0.05; chains part at the last digit of a sum
    np.testing.assert_allclose(second["estimate"], first["estimate"], atol=0.005)
    np.testing.assert_allclose(second["std_error"], first["std_error"], rtol=0.15)
    for refused in (wwm.loo, wwm.posterior_predictive):
        with pytest.raises(SurveyError, match="needs respondents one by one"):
            refused(two)


def test_each_counting_once_is_the_same(pair: tuple[wwm.Survey, wwm.Survey]):
    """What a model file asks for with weights = "none"."""
    one, two = (
        wwm.adjusted(wwm.fit(wwm.Model("y ~ age + household"), survey.unweighted()), "household") for survey in pair
    )
    same_table(one, two)


def test_numbers_under_other_models_weights_and_populations_are_the_same(pair: tuple[wwm.Survey, wwm.Survey]):
    """What robustness and fragility are made of, but for trimmed weights, which are not known one by one."""
    one, two = (
        Varied(reported(wwm.fit(wwm.Model("y ~ age + household"), survey), [(), ("age",), ("age", "household")]))
        for survey in pair
    )
    known, found = ({"no weights": (0.0, varied.unweighted or {})} for varied in (one, two))
    for scenarios in (families, domains):
        known |= {each.detail: (each.change, each.points) for each in scenarios([one])}
        found |= {each.detail: (each.change, each.points) for each in scenarios([two])}
    assert list(found) == list(known)
    assert len(known) > 6
    for detail, (change, points) in known.items():
        np.testing.assert_allclose(found[detail][0], change, rtol=SUMS, atol=1e-15, err_msg=detail)
        assert found[detail][1].keys() == points.keys()
        values = [found[detail][1][place] for place in points]
        np.testing.assert_allclose(values, list(points.values()), rtol=1e-9, atol=1e-12, err_msg=detail)
    assert trims([two]) == ()


def test_a_penalised_fit_under_other_weights_knows_how_many_respondents_there_are(
    frame: pd.DataFrame, of_kind: Any, counted: Counting
):
    """Jeffreys' penalty weighs less the more respondents there are, however many rows they stand in."""
    survey = survey_of(frame, "sampling", of_kind)
    one, two = (
        Varied(reported(wwm.fit(wwm.Model("y ~ age + household"), on, penalty="jeffreys"), [("age",)])).unweighted
        for on in (survey, counted(survey))
    )
    assert one
    assert two
    np.testing.assert_allclose([two[place] for place in one], list(one.values()), rtol=1e-9)


@pytest.mark.parametrize("kind", ["sampling", "design", "strata only", "two stages", "population sizes", "domain"])
def test_weighted_and_unweighted_numbers_of_the_same_people_have_their_joint_law(
    frame: pd.DataFrame, of_kind: Any, counted: Counting, kind: str
):
    """A model with weights = "none" beside raw numbers: each respondent's contribution is w a to one and b to the other."""
    survey = survey_of(frame, kind, of_kind)
    pairs = [
        (
            wwm.raw(on, "y", "household").contributions,
            wwm.adjusted(wwm.fit(wwm.Model("y ~ age + household"), on.unweighted()), "household").contributions,
        )
        for on in (survey, counted(survey))
    ]
    one, two = pairs[0]
    assert one is not None
    assert two is not None
    rows = np.hstack([one.expand(), two.expand()])
    by_hand = covariance(Influence(rows, np.arange(len(rows)), np.ones(len(rows)), one.design))
    nothing = 1e-12 * by_hand.max()
    for first, second in pairs:
        assert first is not None
        assert second is not None
        np.testing.assert_allclose(covariance(joined(first, second)), by_hand, rtol=ERRORS, atol=nothing)
        swapped = np.roll(np.arange(len(by_hand)), -first.values.shape[1])
        np.testing.assert_allclose(
            covariance(joined(second, first)), by_hand[np.ix_(swapped, swapped)], rtol=ERRORS, atol=nothing
        )
        three = covariance(joined(joined(first, second), first))
        again = np.concatenate([np.arange(len(by_hand)), np.arange(first.values.shape[1])])
        np.testing.assert_allclose(three, by_hand[np.ix_(again, again)], rtol=ERRORS, atol=nothing)
