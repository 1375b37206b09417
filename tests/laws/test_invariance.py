"""What must not matter: the scale of sampling weights, the order of rows, names, codings, rows without weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wwm_models as wwm
from wwm_models.likelihood.likelihood import CellLikelihood, Predictors
from wwm_models.likelihood.maximum import maximise_on, starting_point

FORMULA = "y ~ age * household + x"


def same_fit(one, two, *, rtol=1e-8):
    """Estimates, covariance, log-likelihood and adjusted probabilities; parameters by name."""
    np.testing.assert_allclose(one.loglik, two.loglik, rtol=1e-11)
    pd.testing.assert_series_equal(one.params, two.params, rtol=rtol, atol=1e-9)
    size = float(np.abs(two.vcov.to_numpy()).max())
    np.testing.assert_allclose(one.vcov, two.vcov, rtol=0, atol=rtol * size)
    same_estimates(wwm.adjusted(one, "age"), wwm.adjusted(two, "age"), rtol=rtol)


def same_estimates(one, two, *, rtol=1e-8):
    assert one.table[list(one.by)].astype(str).equals(two.table[list(two.by)].astype(str))
    for column in ("estimate", "std_error", "lower", "upper"):
        np.testing.assert_allclose(one.table[column], two.table[column], rtol=rtol)


@given(constant=st.floats(1e-3, 1e4))
@pytest.mark.parametrize("kind", ["sampling", "design", "domain"])
def test_constant_times_sampling_weights_changes_nothing(kind, constant, frame, of_kind):
    model = wwm.Model("y ~ age + x")
    scaled = of_kind(frame.assign(w=constant * frame["w"]), kind)
    same_fit(wwm.fit(model, of_kind(frame, kind)), wwm.fit(model, scaled))
    same_estimates(wwm.raw(of_kind(frame, kind), "y", "age"), wwm.raw(scaled, "y", "age"))


def test_frequency_weights_are_repeated_rows(logit_response, frame, of_kind):
    """A row of frequency 3 is three respondents: estimates, standard errors, n and raw percentages."""
    repeated = frame.loc[frame.index.repeat(frame["f"])]
    weighted, expanded = of_kind(frame, "frequency"), of_kind(repeated, "unweighted")
    model = logit_response.model(FORMULA)
    for vcov in ("model", "robust"):
        same_fit(wwm.fit(model, weighted, vcov=vcov), wwm.fit(model, expanded, vcov=vcov))
    assert wwm.fit(model, weighted).n == len(repeated)
    same_estimates(wwm.raw(weighted, "y", "age"), wwm.raw(expanded, "y", "age"))
    counts = [wwm.raw(survey, "y", "age").table["count"].to_list() for survey in (weighted, expanded)]
    assert counts[0] == counts[1]


def test_frequency_weights_scale_the_information(logit_response, frame):
    """Everybody twice: the same estimates with standard errors smaller by the square root of two."""
    model = logit_response.model("y ~ age + x")
    once = wwm.fit(model, wwm.Survey.from_frame(frame, weight=None))
    twice = wwm.fit(model, wwm.Survey.from_frame(frame.assign(two=2), weight="two", weight_kind="frequency"))
    np.testing.assert_allclose(twice.params, once.params, rtol=1e-9)
    np.testing.assert_allclose(twice.vcov * 2.0, once.vcov, rtol=1e-8)


@given(seed=st.integers(0, 10_000))
@pytest.mark.parametrize("kind", ["unweighted", "sampling", "domain"])
def test_order_of_rows_does_not_matter(kind, seed, frame, of_kind):
    shuffled = frame.sample(frac=1.0, random_state=seed)
    model = wwm.Model("y ~ age * household")
    same_fit(wwm.fit(model, of_kind(frame, kind)), wwm.fit(model, of_kind(shuffled, kind)))


def test_names_of_answers_and_levels_do_not_matter(logit_response, frame, of_kind):
    """Other words in the same order: the same numbers in the same places."""
    renamed = frame.assign(
        y=frame["y"].cat.rename_categories(["zz", "b b", "1", "é"]), age=frame["age"].cat.rename_categories(["Z", "(y)", "a:b"])
    )  # fmt: skip
    model = logit_response.model("y ~ age * household + x")
    one, two = wwm.fit(model, of_kind(frame, "sampling")), wwm.fit(model, of_kind(renamed, "sampling"))
    np.testing.assert_allclose(two.params.to_numpy(), one.params.to_numpy(), rtol=1e-10)
    left, right = wwm.adjusted(one, "age").table, wwm.adjusted(two, "age").table
    np.testing.assert_allclose(right["estimate"], left["estimate"], rtol=1e-10)
    assert right["category"].to_list()[:4] == ["zz", "b b", "1", "é"]


@given(order=st.permutations(["single", "couple", "family"]))
def test_order_of_predictor_levels_does_not_matter(order, frame, of_kind):
    """Another reference level is another coding of the same model: probabilities by group stay."""
    permuted = frame.assign(household=frame["household"].cat.set_categories(order))
    tables = [
        wwm.adjusted(wwm.fit(wwm.Model(FORMULA), of_kind(version, "design")), "household").table.astype(
            {"household": str}
        )
        for version in (frame, permuted)
    ]
    one, two = (table.sort_values(["household", "category"])[["estimate", "std_error", "n"]] for table in tables)
    np.testing.assert_allclose(two, one, rtol=1e-8)


def test_rows_without_weight_change_no_estimate(logit_response, frame):
    ghosts = frame.iloc[:40].assign(y="daily", w=0.0)
    both = pd.concat([frame, ghosts], ignore_index=True)
    both["y"] = pd.Categorical(both["y"], frame["y"].cat.categories, ordered=True)
    model = logit_response.model("y ~ age + x")
    plain = wwm.fit(model, wwm.Survey.from_frame(frame, weight="w"))
    haunted = wwm.fit(model, wwm.Survey.from_frame(both, weight="w"))
    np.testing.assert_allclose(haunted.params, plain.params, rtol=1e-10)
    np.testing.assert_allclose(
        wwm.adjusted(haunted, "age").table["estimate"], wwm.adjusted(plain, "age").table["estimate"], rtol=1e-10
    )
    # each has its own n / (n - 1); 40 rows of influence zero change the robust variance by less than that
    np.testing.assert_allclose(haunted.std_errors, plain.std_errors, rtol=1e-3)
    assert "40 of 440 rows used have weight 0; they count in n but not in the estimates." in haunted.warnings


def test_cells_are_the_rows(response, survey):
    """The likelihood of the cells and that of one row per respondent: value, derivatives and maximum."""
    fit = wwm.fit(response.model("y ~ age + household"), survey)
    used = fit.cells.row_pattern >= 0
    rows = fit.cells.row_pattern[used]
    place = np.argsort(fit.design.order)
    counts = np.zeros((len(rows), len(place)))
    counts[np.arange(len(rows)), place[fit.cells.row_category[used]]] = fit.cells.row_weight[used]
    cells = CellLikelihood(fit.family, fit.link, Predictors(fit.design.linear), fit.cells.weights[:, fit.design.order])
    single = CellLikelihood(fit.family, fit.link, Predictors(fit.design.linear.rows(rows)), counts)
    near = fit.theta + 0.01
    np.testing.assert_allclose(single.value(near), cells.value(near), rtol=1e-12)
    for one, two in zip(single.derivatives(near), cells.derivatives(near), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-9)
    by_rows = replace(fit.design, linear=fit.design.linear.rows(rows))
    found = maximise_on(single, starting_point(fit.family, single, by_rows))
    np.testing.assert_allclose(found.theta, fit.theta, rtol=1e-8, atol=1e-9)
