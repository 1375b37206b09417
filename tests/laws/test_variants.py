"""Another form of a model is one model, whichever table asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.estimates.sensitivity import Varied, declared_points, reported
from wwm_models.likelihood.variants import FORMS, refitted, variant
from wwm_models.study.declarations import Request
from wwm_models.study.fits import Fitted
from wwm_models.study.robustness import errors_of_moves

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
    own, varied = declared_points(made), Varied(made)
    for form in FORMS:
        points = {"nonproportional": varied.nonproportional, "multinomial": varied.multinomial}[form]
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


def leaving_one_out(frame: pd.DataFrame, moves: Callable[[pd.DataFrame], np.ndarray]) -> np.ndarray:
    """Standard errors of the jackknife, equal rows once: sqrt((n - 1) / n sum (t_(i) - mean)^2)."""
    alike = frame.groupby(list(frame.columns), observed=True, sort=False).indices
    deleted = np.array([moves(frame.drop(index=frame.index[rows[0]])) for rows in alike.values()])
    counts = np.array([len(rows) for rows in alike.values()])
    centred = deleted - np.average(deleted, axis=0, weights=counts)
    return np.sqrt((len(frame) - 1) / len(frame) * counts @ centred**2)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "model", [wwm.Model("y ~ g + h"), wwm.Model("y ~ g + h", family="adjacent")], ids=["cumulative", "adjacent"]
)
def test_the_error_of_a_move_is_that_of_leaving_each_respondent_out(form: str, model: wwm.Model):
    rng = np.random.default_rng(5)
    g, h = rng.integers(0, 3, 700), rng.integers(0, 2, 700)
    y = np.digitize(rng.logistic(0.6 * g - 0.4 * h, 1.0 + 0.3 * g), [-0.7, 1.0])
    frame = pd.DataFrame(
        {"y": pd.Categorical.from_codes(y, ["a", "b", "c"], ordered=True), "g": pd.Categorical(g.astype(str)), "h": pd.Categorical(h.astype(str))}
    )  # fmt: skip

    def fit_of(rows: pd.DataFrame) -> wwm.Fit:
        return wwm.fit(model, wwm.Survey.from_frame(rows, weight=None))

    def moves(rows: pd.DataFrame) -> np.ndarray:
        own = fit_of(rows)
        other = refitted(own, form)
        assert isinstance(other, wwm.Fit)
        return (wwm.adjusted(other, "g").table["estimate"] - wwm.adjusted(own, "g").table["estimate"]).to_numpy()

    request = Request(("g",), (("total", ("g",)),), "total")
    found = errors_of_moves(Fitted(request, fit_of(frame), {}), ("g",))[form]
    errors = np.array([error for error, _ in found.values()])
    np.testing.assert_allclose(errors, leaving_one_out(frame, moves), rtol=0.03)
    assert all(np.isinf(df) for _, df in found.values())
