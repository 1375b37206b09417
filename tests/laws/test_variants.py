"""Another form of a model is one model, whichever table asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.adjust.why.perturbed import declared_points, reported
from wwm_models.article.scenarios import points_in
from wwm_models.engines.variants import FORMS, refitted, variant

# a model, and what it is with a slope per cut point and as a multinomial model
MODELS: dict[str, tuple[dict[str, Any], dict[str, Any] | str, dict[str, Any] | str]] = {
    "plain": ({}, {"nonproportional": ("age", "x")}, {}),
    "mo()": (
        {"formula": "y ~ mo(age) + x"},
        {"formula": "y ~ C(age, Step) + x", "nonproportional": ("C(age, Step)", "x")},
        {"formula": "y ~ C(age, Step) + x"},
    ),
    "thresholds_by": (
        {"thresholds_by": "household"},
        {"thresholds_by": "household", "nonproportional": ("age", "x")},
        {"formula": "y ~ age + x + household"},
    ),
    "equidistant by group": (
        {"thresholds_by": "household", "thresholds": "equidistant"},
        {"thresholds_by": "household", "thresholds": "equidistant", "nonproportional": ("age", "x")},
        {"formula": "y ~ age + x + household"},
    ),
    "scale": (
        {"scale": "~ household"},
        {"scale": "~ household", "nonproportional": ("age", "x")},
        {"formula": "y ~ age + x + household"},
    ),
    "probit": ({"link": "probit"}, {"link": "probit", "nonproportional": ("age", "x")}, {}),
    "cloglog, reversed": (
        {"link": "cloglog", "reverse": True},
        {"link": "cloglog", "reverse": True, "nonproportional": ("age", "x")},
        {},
    ),
    "continuation": ({"family": "continuation"}, {"family": "continuation", "nonproportional": ("age", "x")}, {}),
    "adjacent": ({"family": "adjacent"}, {"family": "adjacent", "nonproportional": ("age", "x")}, {}),
    "one slope free": ({"nonproportional": ("age",)}, {"nonproportional": ("x", "age")}, {}),
    "all slopes free": ({"nonproportional": ("age", "x")}, "no slope is common to the cut points.", {}),
}
PLAIN: dict[str, Any] = {"formula": "y ~ age + x"}


def fitted(name: str, frame: pd.DataFrame) -> wwm.Fit:
    return wwm.fit(wwm.Model(**{**PLAIN, **MODELS[name][0]}), wwm.Survey.from_frame(frame, weight="w"))


@pytest.mark.parametrize("name", MODELS)
def test_the_variants_of_a_model(name: str, frame: pd.DataFrame):
    fit = fitted(name, frame)
    _, free, nominal = MODELS[name]
    assert variant(fit, "nonproportional") == (free if isinstance(free, str) else wwm.Model(**{**PLAIN, **free}))
    assert variant(fit, "multinomial") == wwm.Model(**{**PLAIN, "family": "multinomial", **nominal})


@pytest.mark.parametrize("name", [name for name in MODELS if name != "all slopes free"])
def test_two_tables_ask_for_one_variant(name: str, frame: pd.DataFrame):
    """The largest change in diagnostics.csv is that between the columns of robustness.csv."""
    fit = fitted(name, frame)
    size = wwm.po_size(fit)
    made = reported(fit, [("age",)])
    own = declared_points(made)
    for form in FORMS:
        points = points_in(made, form)
        assert points is not None
        apart = 100.0 * max(abs(points[place] - value) for place, value in own.items())
        np.testing.assert_allclose(size.loc["age", f"against_{form}"], apart, atol=1e-8)


def test_a_multinomial_model_has_no_variant(frame: pd.DataFrame):
    fit = fitted("plain", frame)
    nominal = wwm.fit(wwm.Model("y ~ age + x", family="multinomial"), fit.survey)
    two = wwm.fit(wwm.Model("y ~ age"), wwm.Survey.from_frame(frame.assign(y=frame["x"] > 0), weight=None))
    for form in FORMS:
        assert variant(nominal, form) == "the multinomial family has a slope for every answer already."
        assert variant(two, form) == "two answers have one slope in every form."


def test_a_variant_of_a_penalised_fit_is_penalised(frame: pd.DataFrame):
    survey = wwm.Survey.from_frame(frame, weight="w")
    fit = wwm.fit(wwm.Model("y ~ age + x"), survey, penalty="jeffreys")
    found = refitted(fit, "multinomial")
    by_hand = wwm.fit(wwm.Model("y ~ age + x", family="multinomial"), survey, penalty="jeffreys")
    assert not isinstance(found, str)
    assert found.penalty == "jeffreys"
    np.testing.assert_allclose(found.theta, by_hand.theta, atol=1e-8)
