"""What the fit has no coefficient of has no number: levels nobody had, cells nobody was in, by every engine and estimand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.bayes.sample import posterior_problem
from wwm_models.errors import AdjustError, AnswersError
from wwm_models.estimates.adjusted import prior_record

ROWS = 240
G = pd.CategoricalDtype(["a", "b", "c"])
FRAME = pd.DataFrame(
    {
        "y": pd.Categorical.from_codes(np.arange(ROWS) * 7 // 3 % 3, ["no", "so", "yes"], ordered=True),
        "g": pd.Categorical(np.array(["a", "b"])[np.arange(ROWS) // 2 % 2], dtype=G),
        "h": pd.Categorical(np.array(["u", "v"])[np.arange(ROWS) // 5 % 2]),
        "x": np.arange(ROWS) % 5 / 2.0,
    }
).assign(twice=lambda frame: 2.0 * frame["x"])
HERE = wwm.Survey.from_frame(FRAME, weight=None)
ELSEWHERE = wwm.Survey.from_frame(FRAME.assign(g=pd.Categorical(["a", "b", "c"] * 80, dtype=G)), weight=None)
HOLE = wwm.Survey.from_frame(FRAME, weight=None, domain=~((FRAME["g"] == "b") & (FRAME["h"] == "v")))


def fit_of(model: wwm.Model, survey: wwm.Survey) -> Any:
    return wwm.fit(model, survey, aliased="drop")


def penalised_of(model: wwm.Model, survey: wwm.Survey) -> Any:
    return wwm.fit(model, survey, aliased="drop", penalty="jeffreys")


def drawn_of(model: wwm.Model, survey: wwm.Survey) -> Any:
    return prior_record(posterior_problem(model, survey, aliased="drop"), seed=1, draws=100)


ENGINES = [fit_of, penalised_of, drawn_of]
MODELS = [
    wwm.Model("y ~ g + h + x"),
    wwm.Model("y ~ g + h + x", family="multinomial"),
    wwm.Model("y ~ C(g) + h + x", link="probit"),
    wwm.Model("y ~ g + x", thresholds_by="h"),
]
ASKED: dict[str, Callable[[Any], Any]] = {
    "predict": lambda fit: wwm.predict(fit, pd.DataFrame({"g": ["a", "c"], "h": "u", "x": 0.0})),
    "adjusted over another survey": lambda fit: wwm.adjusted(fit, "h", over=ELSEWHERE),
    "slopes over another survey": lambda fit: wwm.slopes(fit, "x", over=ELSEWHERE),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.formula} {model.family} {model.thresholds_by}")
@pytest.mark.parametrize("asked", ASKED)
def test_a_level_nobody_had_has_no_number(engine: Callable[..., Any], model: wwm.Model, asked: str):
    if model.family == "multinomial" and engine is penalised_of:
        pytest.skip("the same design as the fit")
    fit = engine(model, HERE)
    with pytest.raises(AdjustError) as caught:
        ASKED[asked](fit)
    name = "C(g) = c" if "C(g)" in model.formula else "g = c"
    head, _, rest = str(caught.value).partition(" rows or patterns have ")
    assert head.split(" of ")[0].isdecimal()
    assert rest == (
        f"{name}, which the fit has no coefficient of: the other columns determined it there, so it was dropped "
        '(aliased="drop"). Expected only what the respondents of the fit had. Leave these groups or rows out, or merge the levels with '
        "others and fit again."
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: wwm.adjusted(fit, "g"),
        lambda fit: wwm.contrasts(fit, "g"),
        lambda fit: wwm.adjusted(fit, "h", over="balanced"),
    ],
)
def test_a_cell_nobody_was_in_has_no_number(engine: Callable[..., Any], ask: Callable[[Any], Any]):
    fit = engine(wwm.Model("y ~ g * h"), HOLE)
    with pytest.raises(AdjustError, match=r"have g = b with h = v, which the fit has no coefficient of"):
        ask(fit)


def test_what_is_determined_in_the_same_way_has_its_number():
    fit = fit_of(wwm.Model("y ~ x + twice + g"), HERE)
    plain = wwm.fit(
        wwm.Model("y ~ x + g"),
        wwm.Survey.from_frame(FRAME.assign(g=FRAME["g"].cat.remove_unused_categories()), weight=None),
    )
    rows = pd.DataFrame({"x": [0.3, 7.0], "twice": [0.6, 14.0], "g": ["a", "b"]})
    np.testing.assert_allclose(wwm.predict(fit, rows), wwm.predict(plain, rows), rtol=1e-7)
    with pytest.raises(AdjustError, match=r"1 of 2 rows or patterns have twice, which the fit has no coefficient of"):
        wwm.predict(fit, rows.assign(twice=[0.6, 1.0]))


def test_a_group_of_cut_points_without_respondents_is_refused():
    for engine in (fit_of, drawn_of):
        with pytest.raises(AnswersError) as caught:
            engine(wwm.Model("y ~ x", thresholds_by="g"), HERE)
        assert str(caught.value) == (
            "No respondent says where these groups' cut points are: g = c. Every group of thresholds_by needs respondents. "
            "Merge levels, or leave those without respondents undeclared."
        )
