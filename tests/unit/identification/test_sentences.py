"""The article's own sentences as constraints on raw, and what of its claims survives: examples to solve with a pencil."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from wwm_models.claims.article import Claim
from wwm_models.errors import ArticleError
from wwm_models.identification.bounds import bounds
from wwm_models.identification.conclusions import ASSUMED, NOTHING, OPEN, PRINTED, REVERSIBLE, TRUE

EXACT = 1e-6  # the solver keeps constraints to 1e-7 each
BALANCED = [[0.3, 0.2], [0.2, 0.3]]


def bound(name: str, at, **end: float) -> Claim:
    return Claim(name, "bound", references={"at": at}, numbers=end)


def claim(found, name: str):
    return found.claims.set_index("id").loc[name]


def limits(found, name: str) -> list[float]:
    return found.table.set_index("id").loc[name, ["lower", "upper"]].tolist()


def test_a_majority_is_a_row_on_raw(make: SimpleNamespace):
    """Raw 0.6 p + 0.4 q > 0.5; standardised 0.5 p + 0.5 q is least at p = 1 / 1.2, q = 0, and can be all."""
    article = make.article(bound("C1", make.place(age="young"), above=50.0))
    plain = bounds(article, make.margins(BALANCED), words=True)
    assert plain.words is not None
    assert claim(plain, "C1")[["raw", "verdict"]].tolist() == [OPEN, OPEN]
    assert claim(plain.words, "C1")[["raw", "verdict"]].tolist() == [ASSUMED, REVERSIBLE]
    np.testing.assert_allclose(limits(plain, "C1"), [0.0, 1.0], atol=EXACT)
    np.testing.assert_allclose(limits(plain.words, "C1"), [0.5 * 0.5 / 0.6, 1.0], atol=EXACT)
    assert set(plain.curve["assumed"]) == {"printed numbers"}
    assert set(plain.words.curve["assumed"]) == {"printed numbers and sentences"}


def test_a_sentence_that_is_strong_enough_survives_any_adjustment(make: SimpleNamespace):
    """Raw above 90: 0.6 p + 0.4 q > 0.9 leaves 0.5 p + 0.5 q >= 0.5 + 0.5 * 0.75; "more than 60" of the same number survives."""
    young = make.place(age="young")
    found = bounds(
        make.article(bound("C1", young, above=90.0), bound("C2", young, above=60.0)),
        make.margins(BALANCED),
        words=["C1"],
    )
    assert found.words.assumed == ("C1",)
    np.testing.assert_allclose(limits(found.words, "C2")[0], 0.5 + 0.5 * 0.75, atol=EXACT)
    assert claim(found.words, "C2")[["raw", "verdict"]].tolist() == [TRUE, TRUE]


def test_an_order_between_outcomes_binds_their_tables(make: SimpleNamespace):
    """Before is above 80 of the young, and they wish it more often: so is the wish, of which nothing is printed."""
    wish, before = make.place(age="young"), make.place(outcome="before", age="young")
    article = make.article(
        bound("C1", before, above=80.0), make.order("C2", wish, before), bound("C3", wish, above=60.0)
    )
    found = bounds(article, make.margins(BALANCED), words=["C1", "C2"]).words
    least = 0.5 + 0.5 * (0.8 - 0.6) / 0.4
    np.testing.assert_allclose(limits(found, "C3"), [least, 1.0], atol=EXACT)
    assert claim(found, "C3")["verdict"] == TRUE


@pytest.mark.parametrize("switched", ["argument", "margins"])
def test_a_sentence_can_be_switched_off(make: SimpleNamespace, switched: str):
    from dataclasses import replace

    young = make.place(age="young")
    article, margins = (
        make.article(bound("C1", young, above=90.0), bound("C2", young, above=60.0)),
        make.margins(BALANCED),
    )
    if switched == "argument":
        found = bounds(article, margins, words=True, without=["C1"]).words
    else:
        found = bounds(article, replace(margins, without=("C1",)), words=True).words
    assert found.assumed == ("C2",)
    assert claim(found, "C1")["raw"] == OPEN


@pytest.mark.parametrize(
    ("claims", "named"),
    [
        (
            lambda young, old, order: [
                bound("C1", young, above=60.0),
                bound("C2", young, below=40.0),
                bound("C3", old, above=10.0),
            ],
            ("C1", "C2"),
        ),
        (
            lambda young, old, order: [
                order("C1", young, old, 5.0),
                order("C2", old, young, 5.0),
                bound("C3", old, above=10.0),
            ],
            ("C1", "C2"),
        ),
        (
            lambda young, old, order: [
                bound("C1", young, above=70.0),
                order("C2", young, old),
                bound("C3", young, below=69.0),
            ],
            ("C1", "C3"),
        ),
    ],
)
def test_sentences_that_no_table_agrees_with_are_named(make: SimpleNamespace, claims, named):
    article = make.article(*claims(make.place(age="young"), make.place(age="old"), make.order))
    with pytest.raises(ArticleError) as problem:
        bounds(article, make.margins(), words=True)
    assert str(problem.value) == (
        f"No table agrees with the margins, the printed numbers and all of these: {named[0]}; {named[1]}. Expected sentences that one population "
        "can have, each true of its raw percentages. Without any one of them there is a table: check the claims in article.toml, "
        f'or leave one out: without = ["{named[0]}"] in margins.toml, or --without.'
    )


def test_a_sentence_that_contradicts_a_printed_number_is_named_with_it(make: SimpleNamespace):
    young = make.place(age="young")
    article = make.article(
        make.printed("P1", 30, young), make.printed("P2", 50, make.place(age="old")), bound("C1", young, above=60.0)
    )
    with pytest.raises(ArticleError, match=r"all of these: C1; P1: 30% wish = yes \(age young\)\. Expected"):
        bounds(article, make.margins(), words=True)


def test_a_sentence_that_is_no_claim(make: SimpleNamespace):
    with pytest.raises(ArticleError) as problem:
        bounds(make.article(bound("C1", make.place(), above=60.0)), make.margins(), words=["C2"])
    assert str(problem.value) == (
        'The sentences name "C2", which is no claim of the article. Known: C1. Name one of these, or leave it out.'
    )


def test_a_printed_value_is_decided_for_raw(make: SimpleNamespace):
    young = make.place(age="young")
    value = Claim("C1", "value", references={"at": young}, numbers={"value": 80.0})
    found = bounds(make.article(make.printed("P1", 80, young), value), make.margins(BALANCED))
    assert claim(found, "C1")[["raw", "verdict"]].tolist() == [TRUE, PRINTED]
    assert claim(found, "C1")["reason"].startswith("wish = yes (age young): adjusted from 7")


@pytest.mark.parametrize("group", [{"age": "young", "home": "alone"}, {}])
def test_where_no_other_characteristic_is_held_equal_there_is_nothing_to_adjust(make: SimpleNamespace, group):
    from dataclasses import replace

    margins = make.margins([[0.3, 0.2], [0.2, 0.1]])
    margins.table["not stated"] = [0.1, 0.1]
    found = bounds(
        make.article(bound("C1", make.place(**group), above=50.0)), replace(margins, unknown="not stated"), words=True
    )
    assert claim(found, "C1")["verdict"] == OPEN
    assert claim(found.words, "C1")["verdict"] == NOTHING


def test_a_difference_that_only_falls_short_of_its_margin_is_not_reversed(make: SimpleNamespace):
    """With exact cells the difference is 11 to 13 points raw and adjusted: more than 12 is open, and never the other way round."""
    cells = [make.printed(f"P{age}{home}", value, make.place(age=age, home=home)) for age, value in (("young", 62), ("old", 50)) for home in ("alone", "together")]  # fmt: skip
    order = make.order("C1", make.place(age="young"), make.place(age="old"), 12.0)
    found = bounds(make.article(*cells, order), make.margins(), words=True)
    assert claim(found.words, "C1")[["raw", "verdict"]].tolist() == [ASSUMED, OPEN]


def test_the_least_interaction_that_reverses_an_order(make: SimpleNamespace):
    """An interaction of a quarter of the difference of differences that it takes.

    The young: p = 0.70 alone and 0.45 together, adjusted 0.575. The old, with r alone and s together: 0.54 + 0.1 (r - s), which passes it
    where r - s is above 0.35: 0.10 from p - q, four times 0.025.
    """
    order = make.order("C1", make.place(age="young"), make.place(age="old"))
    numbers = [make.printed(f"P{n}", value, make.place(**group), "none") for n, (value, group) in enumerate(
        [(60, {"age": "young"}), (54, {"age": "old"}), (70, {"age": "young", "home": "alone"})]
    )]  # fmt: skip
    found = bounds(make.article(*numbers, order), make.margins(BALANCED), deltas=(0.0249, 0.0251))
    assert float(claim(found, "C1")["reversed_from"]) == pytest.approx(0.025, abs=EXACT)
    assert found.curve[found.curve["id"] == "C1"]["verdict"].tolist() == [TRUE, REVERSIBLE, REVERSIBLE]
    assert claim(found, "C1")["reason"].endswith("; can be reversed as soon as the interaction may reach 2.5 points")


def test_an_interaction_of_delta_allows_a_difference_of_differences_of_four_delta(make: SimpleNamespace):
    """Four residuals of at most delta, two with each sign: what a limit of 5 points allows is 20 points, and no more."""
    cells = [("young", "alone", 45), ("young", "together", 55), ("old", "alone", 55), ("old", "together", 45)]
    for extra, there in ((0.0, True), (0.2, False)):
        numbers = [make.printed(f"P{n}", value + (extra if value == 55 else -extra), make.place(age=age, home=home), "none") for n, (age, home, value) in enumerate(cells)]  # fmt: skip
        found = bounds(make.article(*numbers), make.margins(), deltas=(0.05,))
        assert found.curve.loc[found.curve["delta"] == 0.05, "lower"].notna().all() == there
