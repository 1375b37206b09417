"""Formulas: what they may say, names that are also those of functions, and what cannot be computed, with the whole message."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import ModelError, WwmError
from wwm_models.models.formula_language import ALLOWED

ROWS = 120
FRAME = pd.DataFrame(
    {
        "y": pd.Categorical.from_codes(np.arange(ROWS) * 7 // 3 % 3, ["no", "so", "yes"], ordered=True),
        "g": pd.Categorical(np.array(["a", "b", "c"])[np.arange(ROWS) // 2 % 3]),
        "x": np.arange(ROWS) % 7 / 2.0,
        "k": np.arange(ROWS) % 4.0,
        "avg.ed": np.arange(ROWS) % 5.0,
    }
)
SURVEY = wwm.Survey.from_frame(FRAME, weight=None)
NAMES = [
    *ALLOWED,
    "np",
    "Intercept",
    "years of school",
    "a:b",
    "a^b",
    "größe",
    "class",
    "it's",
    "x+1",
    "_wwm0_",
    "[T.b]",
    "if",
    "1",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_may_be_called_as_anything(name: str):
    """Alone, quoted, inside functions and in interactions the name means the variable."""
    quote = f'Q("{name}")'
    frame = FRAME.rename(columns={"x": name})
    survey = wwm.Survey.from_frame(frame, weight=None)
    for own, plain in (
        (f"y ~ {quote} + g", "y ~ x + g"),
        (f"y ~ g * {quote}", "y ~ g * x"),
        (
            f"y ~ ns({quote}, df=2) + log1p({quote}) + C(g, Treatment('b'))",
            "y ~ ns(x, df=2) + log1p(x) + C(g, Treatment('b'))",
        ),
    ):
        made, wanted = wwm.fit(wwm.Model(own), survey), wwm.fit(wwm.Model(plain), SURVEY)
        np.testing.assert_allclose(made.params.to_numpy(), wanted.params.to_numpy(), rtol=1e-9, atol=1e-9)
        assert any(name in term for term in made.params.index)
        rows = frame.head(3)
        np.testing.assert_allclose(wwm.predict(made, rows), wwm.predict(wanted, FRAME.head(3)), rtol=1e-9)


@pytest.mark.parametrize("name", [name for name in ALLOWED if name != "Step"])
def test_a_name_that_is_not_called_is_the_variable(name: str):
    survey = wwm.Survey.from_frame(FRAME.rename(columns={"x": name}), weight=None)
    for own, plain in ((f"y ~ {name}", "y ~ x"), (f"y ~ I({name} * 2) + g", "y ~ I(x * 2) + g")):
        made, wanted = wwm.fit(wwm.Model(own), survey), wwm.fit(wwm.Model(plain), SURVEY)
        np.testing.assert_allclose(made.params.to_numpy(), wanted.params.to_numpy(), rtol=1e-9, atol=1e-9)


PART = "which is not part of the formula language."
AND = "Expected names, numbers, + - * : ** / and the allowed functions."
LARGE = "a number or a power that is too large to compute. Expected numbers of at most 1e+12 in size and powers of at most 100. Rescale the variable."
ITSELF = (
    "is the outcome and a predictor of itself. Expected other variables as predictors. Leave it out of the right side of the formula, of `scale` "
    "and of `thresholds_by`."
)
REFUSED = {
    "(1|g)": '"y ~ (1|g)" contains `(1|g)`: effects that vary by group are not part of the formula language yet. Expected terms joined by '
    "+ * : or -. Put the group in the formula as a variable; in a posterior its effects can be pooled by the prior.",
    "x + (x||g)": '"y ~ x + (x||g)" contains `(x||g)`: effects that vary by group',
    "I(9**9**9)": f"contains `9 ** 9 ** 9`, {LARGE}",
    "I(x * 10**400)": f"contains `10 ** 400`, {LARGE}",
    "I(x ** 9999)": f"contains `x ** 9999`, {LARGE}",
    "I(x * 1e300 * 1e300)": "contains `1e+300`",
    "I((9**9)**(9**9))": "too large to compute",
    "I(1/0*x)": "too large to compute",
    "9" * 5000: "",
    "bs(x, df=99999999)": "contains `bs(x, df=99999999)`. Expected a spline of at most 100 columns; 3 to 6 are usual. Use a smaller number.",
    "bs(x, degree=99999999)": "Expected a spline of at most 100 columns",
    "ns(x, 99999999)": "Expected a spline of at most 100 columns",
    "cr(x, df=1e9)": "Expected a spline of at most 100 columns",
    "ns(x, knots=[1]*1000000000)": "Expected arithmetic of variables and numbers.",
    "I('a' * 9999999999)": "Expected arithmetic of variables and numbers.",
    "(g+x+k)**99999999": "",
    "*".join(
        ["x", "k", "g", "x", "k", "g", "x", "k", "g", "x"]
    ): "stands for 1023 terms. Expected 500 at most. Name the interactions that are meant.",
    "(" * 500 + "x" + ")" * 500: "cannot be read: ",
    "x" + " + x" * 4000: "has 16,005 characters. Expected 10,000 at most.",
    "__import__('os').system('true')": "calls `__import__('os').system`. Formulas may call only",
    "np.log(x)": "calls `np.log`. Formulas may call only",
    "open('x')": "calls `open`. Formulas may call only",
    "I(x.real)": f"contains `x.real`, {PART} {AND}",
    "I(lambda: 1)": "cannot be read: invalid syntax.",
    "[x for x in x]": PART,
    "x if x else k": PART,
    "I(x > 1)": f"contains `x > 1`, {PART} {AND}",
    "avg.ed": f'contains `avg.ed`, {PART} {AND} Write Q("avg.ed") for the variable of that name.',
    "bs(*x)": PART,
    "bs(**x)": PART,
    "Q(x)": 'contains `Q(x)`. Expected Q with the name of one variable in quotes, such as Q("years of school"). Write it so.',
    "Q('z')": 'uses "z", which is not a variable.',
    "Treatment": 'uses "Treatment", which is not a variable.',
    "'x'": PART,
    "x @ k": "contains `@`, which is not part of the formula language. Expected terms joined by + * : or -.",
    "x +": "cannot be read: ",
    **{
        term: f'The formula "{term}" cannot be built: a function of numbers, or arithmetic, is given a variable with levels. Check its terms.'
        for term in ("bs(g, 3)", "center(g)", "log(g)", "I(g + 1)", "scale(g)", "exp(g)", "g % x")
    },
    **{
        term: f'The formula "{term}" cannot be built: a function has other arguments than it takes. Check its terms.'
        for term in ("I()", "bs()", "C()", "log(x, 2)", "ns(x, 3, 4)")
    },
    "Poly(g)": '"Poly(g)" cannot be built: a coding such as Poly stands inside C(), like C(x, Poly). Check its terms.',
    **dict.fromkeys(("y", "log(y)", "g:y", "C(y)", "x + g * y"), f'"y" {ITSELF}'),
    "cr(x, df=1)": "cannot be built: ",
    "log(x)": '"log(x)" has no finite value of log(x) in ',
    "I(x / 0.0)": "cannot be built: a term has no value for some rows, as log(-1) has none. Check its terms.",
    "I(1 / (x - x))": "has no finite value",
    "C(x, levels=[1])": "cannot be built: ",
    "poly": 'uses "poly", which is not a variable.',
    "ns(x, df='a')": "",
    "ns(x, knots='ab')": "",
    "C(x, Treatment(99))": "cannot be built: ",
    "0 + x": "removes the intercept",
}


@pytest.mark.parametrize("place", ["scale", "thresholds_by", "penalty", "decompose", "sample_joint"])
def test_an_outcome_is_no_predictor_of_itself(place: str):
    calls: dict[str, Any] = {
        "scale": lambda: wwm.fit(wwm.Model("y ~ g", scale="~ y"), SURVEY),
        "thresholds_by": lambda: wwm.fit(wwm.Model("y ~ g", thresholds_by="y"), SURVEY),
        "penalty": lambda: wwm.fit(wwm.Model("y ~ y"), SURVEY, penalty="jeffreys"),
        "decompose": lambda: wwm.decompose(wwm.Model("y ~ y + g"), SURVEY, "g"),
        "sample_joint": lambda: wwm.sample_joint(["g", "y"], "x + y", SURVEY, seed=1),
    }
    with pytest.raises(ModelError) as caught:
        calls[place]()
    assert str(caught.value) == f'"y" {ITSELF}'


@pytest.mark.parametrize("formula", REFUSED, ids=lambda formula: formula[:40])
def test_what_a_formula_may_not_say(formula: str):
    with pytest.raises(ModelError) as caught:
        wwm.fit(wwm.Model(f"y ~ {formula}"), SURVEY)
    assert REFUSED[formula] in str(caught.value)


OTHERS: dict[str, Any] = {
    "bs(x, df=4)": {"x": 99.0},
    "C(k)": {"k": 77.0},
    "log1p(x)": {"x": -1.0},
    "C(k, Step)": {"k": 9.0},
    "I(x ** 0.5)": {"x": -1.0},
}


@pytest.mark.parametrize("term", OTHERS)
def test_rows_for_which_a_term_is_not_defined(term: str):
    fit = wwm.fit(wwm.Model(f"y ~ {term} + g"), SURVEY)
    elsewhere = wwm.Survey.from_frame(FRAME.assign(**OTHERS[term]), weight=None)
    for ask in (
        lambda: wwm.predict(fit, FRAME.head(2).assign(**OTHERS[term])),
        lambda: wwm.adjusted(fit, "g", over=elsewhere),
    ):
        with pytest.raises(WwmError) as caught:
            ask()
        text = str(caught.value)
        assert "has no finite value of" in text or (
            text.startswith(f'The formula "{term} + g" cannot be computed for other rows than those of the fit: ')
            and text.endswith(
                "Expected values for which its terms are defined: bs() between its outermost knots, C() of a number at the numbers of the "
                "fit. Give such rows, or use ns(), which is linear beyond its knots."
            )
        )


def test_a_regression_spline_predicts():
    fit = wwm.fit(wwm.Model("y ~ cr(x, df=4)"), SURVEY, aliased="drop")
    assert wwm.predict(fit, FRAME.head(2)).shape == (2, 3)
