"""Conditions: three-valued logic, and rules that do not guess."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wwm_models.survey.conditions import names_in, read_condition, truth_of
from wwm_models.survey.survey import Level, Survey, Variable

YES_NO = (Level("no", "nee", "no"), Level("yes", "ja", "yes"))
VARIABLES = {
    "partner": Variable("partner", "nominal", YES_NO),
    "often": Variable("often", "ordered", (Level("never", "", ""), Level("weekly", "", ""), Level("daily", "", ""))),
    "children": Variable("children", "number"),
}
NAN = np.nan
COLUMNS = {
    "partner": np.array([0, 0, 1, 1, NAN, NAN]),
    "often": np.array([0, 1, 2, NAN, 0, 1]),
    "children": np.array([0, NAN, 2, NAN, 0, NAN]),
}


@pytest.mark.parametrize(
    ("text", "answers"),  # y: holds, n: does not, ?: not known, for the six rows above
    [
        ("partner == 'no'", "yynn??"),
        ("partner != 'no'", "nnyy??"),
        ("children > 0", "n?y?n?"),
        ("children >= 2", "n?y?n?"),
        ("children == -1", "n?n?n?"),
        ("children in [0, 2]", "y?y?y?"),
        ("children not in (0, 1)", "n?y?n?"),
        ("often >= 'weekly'", "nyy?ny"),
        ("often < 'weekly'", "ynn?yn"),
        ("often in ['never', 'daily']", "yny?yn"),
        ("not partner == 'no'", "nnyy??"),
        ("partner == 'no' and children == 0", "y?nn??"),
        ("partner == 'yes' and children > 0", "nny?n?"),
        ("partner == 'yes' or children == 0", "y?yyy?"),
        ("not (partner == 'yes' or children == 0)", "n?nnn?"),
        ("children is known", "ynynyn"),
        ("not children is known", "nynyny"),
        ("partner == 'no' and (children == 0 or often == 'weekly')", "yynn??"),
    ],
)
def test_truth_is_three_valued(text: str, answers: str):
    truth = truth_of(read_condition(text, "here"), VARIABLES, COLUMNS)
    found = np.where(truth.yes, "y", np.where(truth.no, "n", "?"))
    assert "".join(found) == answers
    np.testing.assert_array_equal(truth.unknown, found == "?")


def test_names_stand_once_in_order():
    assert names_in(read_condition("b > 1 and (a == 2 or b < 9)", "here")) == ("b", "a")


@pytest.mark.parametrize(
    "text",
    [
        "", "partner", "1", "partner ==", "partner == other", "'no' == partner", "1 < children < 3", "children == True",
        "children == None", "children + 1 > 2", "partner.upper() == 'NO'", "children in 3", "children == [3]",
        "partner == f'no'", "(lambda: 1)() == 1", "children is 3", "children is not known", "x := 3", "partner\0 == 'no'",
        "partner[0] == 'n'", "children if partner else 1", "children == 1; children == 2",
    ],
)  # fmt: skip
def test_anything_but_comparisons_is_refused(text: str):
    from wwm_models.errors import DeclarationError

    with pytest.raises(DeclarationError, match="cannot be read"):
        read_condition(text, "here")


HOUSEHOLD = """
[variables.partner]
column = "partner"
kind = "nominal"
levels = [{ id = "no" }, { id = "yes" }]
[variables.household]
kind = "nominal"
otherwise = "other household"
rules = [
  { when = "children > 0", id = "children" },
  { when = "partner == 'yes'", id = "couple" },
]
levels = [{ id = "couple" }, { id = "children" }]
[variables.children]
column = "children"
kind = "number"
"""


def test_the_first_true_rule_counts_and_an_unknown_one_before_it_is_not_passed_over(
    read: Callable[[str, str], Survey],
):
    survey = read("partner,children\nyes,2\nyes,0\nyes,\nno,0\n,1\n,0\n,\n", HOUSEHOLD)
    household = survey.frame["household"]
    assert household.astype(object).where(household.notna(), "").tolist() == [
        "children",
        "couple",
        "",
        "",
        "children",
        "",
        "",
    ]
    assert survey.missing["household"].tolist() == [
        "", "", "not known: children", "other household", "", "not known: partner", "not known: children, partner",
    ]  # fmt: skip
