"""Examples small enough to solve with a pencil."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from wwm_models.claims.article import Claim
from wwm_models.identification.bounds import bounds
from wwm_models.identification.conclusions import FALSE, OPEN, PRINTED, REVERSIBLE, TRUE

EXACT = 1e-6  # the solver keeps constraints to 1e-7 each


def row(found, name: str):
    return found.table.set_index("id").loc[name]


def test_duncan_and_davis_limits_of_a_cell(make: SimpleNamespace):
    """Of the young, 60% live alone and 79.5 to 80.5% say yes: at least (0.795 - 0.4) / 0.6 of those who live alone do."""
    numbers = (
        make.printed("P1", 80, make.place(age="young")),
        make.printed("S1", None, make.place(age="young", home="alone")),
    )
    found = row(bounds(make.article(*numbers), make.margins()), "S1")
    np.testing.assert_allclose([found["lower"], found["upper"]], [(0.795 - 0.4) / 0.6, 1.0], atol=EXACT)


def test_limits_of_an_adjusted_percentage(make: SimpleNamespace):
    """0.6 p + 0.4 q is in [0.795, 0.805]; standardised it is 0.4 p + 0.6 q: least at p = 1, most at q = 1."""
    found = row(bounds(make.article(make.printed("P1", 80, make.place(age="young"))), make.margins()), "P1")
    least, most = 0.4 + 0.6 * (0.795 - 0.6) / 0.4, 0.6 + 0.4 * (0.805 - 0.4) / 0.6
    np.testing.assert_allclose([found["lower"], found["upper"]], [least, most], atol=EXACT)
    np.testing.assert_allclose([found["published_lower"], found["published_upper"]], [0.795, 0.805])
    np.testing.assert_allclose(found["max_entropy"], 0.795, atol=EXACT)  # the same in both homes, nearest to one half


def test_groups_that_nobody_is_in_can_be_anything(make: SimpleNamespace):
    """No young live together: their answer counts for the 60% who do, and no printed number says anything of it."""
    margins = make.margins([[0.4, 0.0], [0.0, 0.6]])
    found = row(bounds(make.article(make.printed("P1", 80, make.place(age="young"))), margins), "P1")
    np.testing.assert_allclose([found["lower"], found["upper"]], [0.4 * 0.795, 0.4 * 0.805 + 0.6], atol=EXACT)


def test_the_unknown_column_is_in_printed_percentages_and_not_in_adjusted_ones(make: SimpleNamespace):
    """Printed: 0.3 p + 0.2 q + 0.5 u in [0.495, 0.505]. Alone and together weigh 0.5 each, so adjusted is (p + q) / 2."""
    margins = make.margins([[0.3, 0.2], [0.2, 0.3]])
    margins.table["not stated"] = [0.5, 0.5]
    from dataclasses import replace

    margins = replace(margins, unknown="not stated")
    found = row(bounds(make.article(make.printed("P1", 90, make.place(age="young"))), margins), "P1")
    most_unknown = (0.895 - 0.5) / 0.5  # of those with a known home, when all others say yes
    np.testing.assert_allclose(found["lower"], (1.0 + (most_unknown * 0.5 - 0.3) / 0.2) / 2.0, atol=EXACT)
    np.testing.assert_allclose(found["upper"], 1.0, atol=EXACT)


@pytest.mark.parametrize(
    ("young", "old", "margin", "verdict"),
    [(90, 5, 0.0, TRUE), (5, 90, 0.0, FALSE), (60, 50, 0.0, REVERSIBLE), (90, 5, 0.95, FALSE)],
)
def test_verdict_on_an_order(make: SimpleNamespace, young: float, old: float, margin: float, verdict: str):
    claim = make.order("C1", make.place(age="young"), make.place(age="old"), 100 * margin)
    numbers = make.printed("P1", young, make.place(age="young")), make.printed("P2", old, make.place(age="old"))
    found = bounds(make.article(*numbers, claim), make.margins())
    assert found.claims["verdict"].tolist() == [verdict]


def test_a_conjunction_is_false_when_its_parts_exclude_each_other_though_each_is_possible(make: SimpleNamespace):
    parts = tuple(
        Claim("", "bound", references={"at": make.place(answer, age="young")}, numbers={"above": 60.0})
        for answer in ("yes", "no")
    )
    found = bounds(make.article(Claim("C1", "all", parts=parts)), make.margins())
    verdicts = found.table.set_index("id")["verdict"]
    assert verdicts[["C1.1", "C1.2", "C1"]].tolist() == [OPEN, OPEN, FALSE]


def test_a_conjunction_over_two_outcomes_is_judged_over_both(make: SimpleNamespace):
    """Wish above before by 60 points, and before above 50: together more than all."""
    pair = make.place(), make.place(outcome="before")
    parts = (
        Claim("", "order", references={"greater": pair[0], "lesser": pair[1]}, numbers={"margin": 60.0}),
        Claim("", "bound", references={"at": pair[1]}, numbers={"above": 50.0}),
    )
    found = bounds(make.article(Claim("C1", "all", parts=parts)), make.margins())
    assert found.claims["verdict"].tolist() == [FALSE]
    easier = bounds(
        make.article(
            Claim(
                "C1", "all", parts=(parts[0], Claim("", "bound", references={"at": pair[1]}, numbers={"above": 30.0}))
            )
        ),
        make.margins(),
    )
    assert easier.claims["verdict"].tolist() == [OPEN]


def test_a_ratio_within_an_outcome(make: SimpleNamespace):
    """Cell printed: no 20, maybe between 39.5 and 40.5; so yes is 1 less both, and yes over no is made of the same table."""
    cell = {"age": "young", "home": "alone"}
    margins = make.margins(answers=("no", "maybe", "yes"))
    numbers = make.printed("P1", 20, make.place("no", **cell)), make.printed("P2", 40, make.place("maybe", **cell))
    claim = Claim(
        "C1", "ratio", references={"numerator": make.place(**cell), "denominator": make.place("no", **cell)},
        numbers={"lower": 1.0, "upper": 3.0},
    )  # fmt: skip
    found = row(bounds(make.article(*numbers, claim), margins), "C1")
    least, most = (1 - 0.205 - 0.405) / 0.205, (1 - 0.195 - 0.395) / 0.195
    np.testing.assert_allclose([found["lower"], found["upper"]], [least, most], rtol=1e-5)
    assert found["verdict"] == FALSE if least > 3 else TRUE


def test_a_ratio_whose_denominator_can_vanish_has_no_upper_end(make: SimpleNamespace):
    claim = Claim(
        "C1", "ratio", references={"numerator": make.place(age="young"), "denominator": make.place("no", age="young")}, numbers={"lower": 2.0}
    )  # fmt: skip
    found = row(bounds(make.article(claim), make.margins()), "C1")
    assert found["lower"] == pytest.approx(0.0, abs=EXACT)
    assert np.isinf(found["upper"])


def test_a_ratio_of_two_outcomes_varies_freely(make: SimpleNamespace):
    cell = {"age": "young", "home": "alone"}
    numbers = make.printed("P1", 40, make.place(**cell)), make.printed("P2", 20, make.place(outcome="before", **cell))
    claim = Claim(
        "C1", "ratio", references={"numerator": numbers[0].at, "denominator": numbers[1].at}, numbers={"lower": 1.9, "upper": 2.2}
    )  # fmt: skip
    found = row(bounds(make.article(*numbers, claim), make.margins()), "C1")
    np.testing.assert_allclose([found["lower"], found["upper"]], [0.395 / 0.205, 0.405 / 0.195], rtol=1e-5)
    assert found["verdict"] == PRINTED


def test_the_slot_that_narrows_most_is_named_with_what_would_be_left(make: SimpleNamespace):
    """One cell (at 80%, the entropy point) leaves 0.78 to 0.82 of the other; its own slot and the other age are no answer."""
    own, other = (make.place(age="young", home=home) for home in ("alone", "together"))
    slots = (
        make.printed("S1", None, own),
        make.printed("S2", None, other),
        make.printed("S3", None, make.place(age="old")),
    )
    found = row(bounds(make.article(make.printed("P1", 80, make.place(age="young")), *slots), make.margins()), "S1")
    assert found["narrows_most"] == "S2"
    least, most = (0.795 - 0.4 * 0.80) / 0.6, (0.805 - 0.4 * 0.79) / 0.6
    np.testing.assert_allclose([found["narrowed_lower"], found["narrowed_upper"]], [least, most], atol=EXACT)
    for others in (slots[:1], slots[2:]):
        alone = bounds(make.article(make.printed("P1", 80, make.place(age="young")), *others), make.margins())
        assert row(alone, others[0].id)["narrows_most"] == ""


def test_a_claim_is_decided_up_to_a_limit_on_the_interaction(make: SimpleNamespace):
    """With D = alpha_young - alpha_old: 0.02 = D + 0.4 B and 0 = B + 5 D / 12, so D = 0.024, to within 0.017 for rounding."""
    claim = make.order("C1", make.place(age="young"), make.place(age="old"))
    numbers = [make.printed(f"P{n}", value, make.place(**group)) for n, (value, group) in enumerate(
        [(56, {"age": "young"}), (54, {"age": "old"}), (55, {"home": "alone"}), (55, {"home": "together"})]
    )]  # fmt: skip
    found = bounds(make.article(*numbers, claim), make.margins(), deltas=(0.0, 0.002, 0.5))
    verdicts = found.curve[found.curve["id"] == "C1"].sort_values("delta")["verdict"].tolist()
    assert verdicts == [TRUE, TRUE, REVERSIBLE, REVERSIBLE]
    assert found.claims.loc[0, ["decided_up_to", "decided", "verdict"]].tolist() == [0.002, TRUE, REVERSIBLE]


def test_a_limit_that_the_printed_numbers_exclude_leaves_no_table(make: SimpleNamespace):
    cells = [
        make.printed(
            f"P{age}{home}", 90 if (age == "young") == (home == "alone") else 10, make.place(age=age, home=home)
        )
        for age in ("young", "old")
        for home in ("alone", "together")
    ]
    found = bounds(make.article(*cells, make.order("C1", cells[0].at, cells[1].at)), make.margins(), deltas=(0.0,))
    none = found.curve[found.curve["delta"] == 0.0]
    assert none["lower"].isna().all()
    assert none.loc[none["id"] == "C1", "verdict"].tolist() == ["no table"]
    assert found.notes == ("No table of wish agrees with what is assumed and an interaction of at most 0 points.",)


def test_total_claims_are_not_standardised(make: SimpleNamespace):
    claim = Claim(
        "C1", "range", references={"at": make.place(age="young")}, numbers={"lower": 79.0, "upper": 81.0}, estimand="total"
    )  # fmt: skip
    found = bounds(make.article(make.printed("P1", 80, make.place(age="young")), claim), make.margins())
    assert found.claims["verdict"].tolist() == [PRINTED]
    np.testing.assert_allclose(row(found, "C1")[["lower", "upper"]].astype(float), [0.795, 0.805], atol=EXACT)


def test_claims_that_cannot_be_bounded_say_why(make: SimpleNamespace):
    other = make.order("C1", make.place(gender="man"), make.place(gender="woman"))
    missing = Claim("C2", "all", missing="another survey")
    found = bounds(make.article(other, missing), make.margins())
    assert found.claims["verdict"].tolist() == ["cannot be bounded", "cannot be tested"]
    assert found.claims["reason"].tolist() == [
        "a number of it is of a group that the margins do not have",
        "another survey",
    ]
    assert found.notes == ("Numbers by gender are not used: the margins are of age and home only.",)
