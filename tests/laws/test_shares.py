"""A model without predictors, or with one for every group, can only repeat the raw percentages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import AnswersError

KINDS = ("unweighted", "sampling", "frequency", "design", "domain")


def test_intercepts_alone_give_the_raw_shares(response, survey):
    fit = wwm.fit(response.model("y ~ 1"), survey)
    raw = wwm.raw(survey, "y").table
    adjusted = wwm.adjusted(fit).table
    # Newton stops where the error is the square of 1e-7, so estimates carry nearly every digit
    np.testing.assert_allclose(adjusted["estimate"], raw["estimate"], rtol=1e-10)
    np.testing.assert_allclose(adjusted["std_error"], raw["std_error"], rtol=1e-9)


def test_intercepts_alone_keep_the_place_of_an_empty_answer(response, frame):
    with_gap = frame.assign(y=frame["y"].cat.rename_categories({"often": "weekly"}).cat.add_categories("often"))
    with_gap["y"] = with_gap["y"].cat.reorder_categories(["never", "rarely", "often", "weekly", "daily"])
    survey = wwm.Survey.from_frame(with_gap, weight="w")
    table = wwm.adjusted(wwm.fit(response.model("y ~ 1"), survey)).table
    assert table["category"].to_list() == ["never", "rarely", "often", "weekly", "daily"]
    np.testing.assert_allclose(table["estimate"], wwm.raw(survey, "y").table["estimate"], rtol=1e-10)
    assert table["estimate"][2] == 0.0


def test_cut_points_beside_an_empty_answer_are_those_without_it(frame):
    """Each declared cut point keeps its name; the two around the empty answer are one."""
    declared = frame.assign(y=frame["y"].cat.set_categories(["never", "rarely", "sometimes", "often", "daily"]))
    ours, without = (wwm.fit(wwm.Model("y ~ x"), wwm.Survey.from_frame(one, weight=None)) for one in (declared, frame))
    expected = [without.params[cut] for cut in ("never|rarely", "rarely|often", "rarely|often", "often|daily")]
    names = ["never|rarely", "rarely|sometimes", "sometimes|often", "often|daily"]
    np.testing.assert_allclose(ours.params[names], expected, rtol=1e-9)
    np.testing.assert_allclose(ours.std_errors["sometimes|often"], without.std_errors["rarely|often"], rtol=1e-9)


@pytest.mark.parametrize("by", ["age", ["age", "household"]], ids=["one", "two"])
def test_saturated_multinomial_adjusts_nothing(survey, by):
    """With every group its own shares, adjusted is raw: estimate, standard error and the whole covariance."""
    formula = "y ~ age" if by == "age" else "y ~ age * household"
    adjusted = wwm.adjusted(wwm.fit(wwm.Model(formula, family="multinomial"), survey), by)
    raw = wwm.raw(survey, "y", by)
    np.testing.assert_allclose(adjusted.table["estimate"], raw.table["estimate"], rtol=1e-9)
    np.testing.assert_allclose(adjusted.table["std_error"], raw.table["std_error"], rtol=1e-9)
    size = np.abs(raw.covariance).max()
    np.testing.assert_allclose(adjusted.covariance, raw.covariance, rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(adjusted.influence, raw.influence, rtol=0, atol=1e-9 * np.abs(raw.influence).max())


def test_families_that_say_so_reproduce_the_overall_shares(logit_response, survey):
    """`reproduces_shares`: averaged over the sample with predictors in the model, the overall percentages come back."""
    model = logit_response.model("y ~ age + household + x")
    adjusted = wwm.adjusted(wwm.fit(model, survey)).table
    raw = wwm.raw(survey, "y").table
    if logit_response.family.reproduces_shares:
        np.testing.assert_allclose(adjusted["estimate"], raw["estimate"], rtol=1e-9)
        np.testing.assert_allclose(adjusted["std_error"], raw["std_error"], rtol=1e-8)
    else:
        assert np.abs(adjusted["estimate"] - raw["estimate"]).max() > 1e-6, "then declare reproduces_shares"


def test_domain_is_the_subset_for_estimates(logit_response, frame):
    """Rows outside the domain move standard errors under a design, never estimates."""
    inside = (frame["x"] > -1.0).to_numpy()
    model = logit_response.model("y ~ age + household")
    whole = wwm.Survey.from_frame(frame, weight="w", strata="stratum", psu="unit", domain=inside)
    subset = wwm.Survey.from_frame(frame[inside], weight="w", strata="stratum", psu="unit")
    one, two = wwm.fit(model, whole), wwm.fit(model, subset)
    pd.testing.assert_series_equal(one.params, two.params, rtol=1e-10)
    assert one.n == two.n == int(inside.sum())
    left, right = wwm.adjusted(one, "age").table, wwm.adjusted(two, "age").table
    np.testing.assert_allclose(left["estimate"], right["estimate"], rtol=1e-10)
    np.testing.assert_allclose(
        wwm.raw(whole, "y", "age").table["estimate"], wwm.raw(subset, "y", "age").table["estimate"], rtol=1e-13
    )


def test_design_of_single_respondents_is_robust(logit_response, frame):
    """One stratum in which every respondent is a sampling unit: the design covariance is the robust one."""
    alone = frame.assign(one=1, person=np.arange(len(frame)))
    model = logit_response.model("y ~ age + x")
    design = wwm.fit(model, wwm.Survey.from_frame(alone, weight="w", strata="one", psu="person"))
    robust = wwm.fit(model, wwm.Survey.from_frame(alone, weight="w"))
    assert (design.vcov_kind, robust.vcov_kind) == ("design", "robust")
    np.testing.assert_allclose(design.vcov, robust.vcov, rtol=1e-9, atol=1e-12)
    assert design.design_df == len(frame) - 1


def test_an_answer_that_everybody_gave_is_a_raw_percentage_and_nothing_to_model(frame):
    alike = frame.assign(y=pd.Categorical(["often"] * len(frame), frame["y"].cat.categories, ordered=True))
    survey = wwm.Survey.from_frame(alike, weight="w")
    table = wwm.raw(survey, "y", "age").table
    np.testing.assert_array_equal(table["estimate"], np.tile([0.0, 0.0, 1.0, 0.0], 3))
    with pytest.raises(AnswersError) as caught:
        wwm.fit(wwm.Model("y ~ age"), survey)
    assert str(caught.value) == (
        'Outcome "y": all 400 usable rows are "often"; nothing to model. Choose another outcome or a wider domain.'
    )
