"""Which models would tell a suppressed percentage by their equations; and that the equations do tell it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from benchmarks.disclosure import System
from benchmarks.disclosure_models import Modelled, equations

import wwm_models as wwm
from wwm_models.disclosure.suppressed_tables import ModelOf, Withheld, models_that_disclose

RAWS = {"y": dict.fromkeys(((), ("a",), ("h",), ("a", "h"))), "z": {("a",): None}}
JOINT = Withheld({("y", "a=a0;h=h1", "k0"): 0.5}, 1, 10)


def told(withheld: Withheld, *fits: str, outcome: str = "y") -> bool:
    model = ModelOf("m", outcome, tuple(frozenset(names) for names in fits))
    return models_that_disclose([model], RAWS, withheld) == {"m"}  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("fits", "expected"),
    [
        (("ah",), True),  # its cells are those that are hidden
        (("a", "h"), False),  # percentages by each are published in full
        (("",), False),
        (("ahg",), False),  # combinations with g are not published
        (("a", "ah"), True),  # one of its fits is enough
    ],
)
def test_a_model_of_reported_variables_alone_is_left_out(fits: tuple[str, ...], expected: bool):
    assert told(JOINT, *fits) is expected


def test_a_margin_that_is_itself_suppressed_closes_its_model():
    margin = Withheld({("y", "h=h0", "k0"): 0.5}, 1, 10)
    assert told(margin, "h")
    assert told(margin, "") is False
    everyone = Withheld({("y", "", "k0"): 0.5}, 1, 10)
    assert told(everyone, "")


def test_another_question_is_no_reason():
    assert not told(JOINT, "a", outcome="z")
    assert not told(Withheld({}), "ah")


@pytest.mark.parametrize(
    ("formula", "family"), [("y ~ a * h", "multinomial"), ("y ~ a + h", "cumulative"), ("y ~ a * h", "cumulative")]
)
def test_the_equations_hold_in_the_survey_and_find_its_small_cell(formula: str, family: str):
    """Three answers of 6 respondents, from margins and what the model's files say: found exactly where the model is saturated."""
    rng = np.random.default_rng(8)
    sizes = {("a0", "h0"): 60, ("a0", "h1"): 6, ("a1", "h0"): 40, ("a1", "h1"): 80}
    rows = [(a, h, ("k0", "k1", "k2")[place % 3]) for (a, h), n in sizes.items() for place in range(n)]
    frame = pd.DataFrame(rows, columns=["a", "h", "y"]).assign(w=rng.gamma(8.0, 1.0 / 8.0, 186))
    for name, levels in (("a", ["a0", "a1"]), ("h", ["h0", "h1"]), ("y", ["k0", "k1", "k2"])):
        frame[name] = pd.Categorical(frame[name], levels, ordered=True)
    survey = wwm.Survey.from_frame(frame, weight="w")
    fit = wwm.fit(wwm.Model(formula, family=family), survey)
    system = System(survey, {})
    name = "saturated" if "multinomial" in family else "main effects"
    coefficients = pd.DataFrame({"model": name, "estimate": fit.params})
    made = Modelled(
        {name: fit}, {"coefficients": coefficients, "adjusted": pd.DataFrame({"model": [], "estimate": []})}
    )
    found = equations(made, made.tables, system.keys, system.w)
    cells = frame.groupby(["a", "h", "y"], observed=True)["w"].sum()
    amounts = np.array(
        [[cells[key["a"], key["h"], answer] for answer in system.answers] for key in system.keys.to_dict("records")]
    )
    np.testing.assert_allclose(found.rows @ amounts.ravel(), 0.0, atol=1e-6)
    known = [
        (system.form("y", by, row), row)
        for by in ((), ("a",), ("h",))
        for row in wwm.raw(survey, "y", by or None).table.to_dict("records")
    ]
    small = {"a": "a0", "h": "h1", "category": "k1"}
    form = system.form("y", ("a", "h"), small)
    without = system.limits(known, [form], system.w, "estimate")[0]
    told = system.limits(known, [form], system.w, "estimate", found)[0]
    truth = cells["a0", "h1", "k1"]
    assert without[1] - without[0] > 1.0
    assert told[0] - 1e-3 <= truth <= told[1] + 1e-3
    assert told[1] - told[0] < (1e-2 if family == "multinomial" else without[1] - without[0])
