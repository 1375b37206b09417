"""No suppressed number can be found out from everything that is published: a reduced run of the benchmark's attack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarks.disclosure import System, attack, respondents
from benchmarks.disclosure_integers import Hunt, hunt, names_an_answer, total

import wwm_models as wwm
from wwm_models.disclosure.suppressed_tables import HIDDEN, withhold


@pytest.mark.slow
def test_an_attack_by_linear_programming_finds_no_suppressed_number():
    rng = np.random.default_rng(4)
    every = [attack(respondents(rng), engines=("likelihood",)) for _ in range(8)]
    assert sum(one.primary for one in every) > 50
    assert sum(one.hidden - one.primary for one in every) > 50
    assert [one.found for one in every] == [0] * len(every)
    assert sum(one.alone for one in every) > 20  # the attack has teeth: without the others these would be found out


@pytest.fixture(scope="module")
def clinic() -> wwm.Survey:
    """Two ages by two homes, all homes known; 6 of the young live together."""
    sizes = {("young", "alone"): 60, ("young", "together"): 6, ("old", "alone"): 40, ("old", "together"): 80}
    rows = [(a, h, ("no", "yes")[place % 3 == 0]) for (a, h), n in sizes.items() for place in range(n)]
    frame = pd.DataFrame(rows, columns=["age", "home", "wish"])
    for name, levels in (("age", ["young", "old"]), ("home", ["alone", "together"]), ("wish", ["no", "yes"])):
        frame[name] = pd.Categorical(frame[name], levels, ordered=True)
    return wwm.Survey.from_frame(frame, weight=None)


def raws_of(survey: wwm.Survey) -> dict:
    return {"wish": {by: wwm.raw(survey, "wish", by or None) for by in ((), ("age",), ("home",), ("age", "home"))}}


def test_one_small_cell_of_a_two_by_two_table_takes_the_other_three_along(clinic: wwm.Survey):
    kept, withheld = withhold(clinic, raws_of(clinic))
    assert withheld.primary == 2
    assert {place[1] for place in withheld.values} == {
        f"age={a};home={h}" for a in ("young", "old") for h in ("alone", "together")
    }
    assert kept["wish"]["age", "home"].table[list(HIDDEN)].isna().all(axis=None)
    assert kept["wish"]["age", "home"].table["n"].tolist() == [60, 60, 6, 6, 40, 40, 80, 80]  # bases stay
    for by in ((), ("age",), ("home",)):
        pd.testing.assert_frame_equal(kept["wish"][by].table, raws_of(clinic)["wish"][by].table)


def test_the_attack_recovers_a_cell_exactly_when_only_it_is_left_out(clinic: wwm.Survey):
    """6 respondents, of whom 2 said yes, by subtraction from the totals."""
    system = System(clinic, {}, outcome="wish", by=("age", "home"))
    rows = [(by, row) for by, found in raws_of(clinic)["wish"].items() for row in found.table.to_dict("records")]
    secret = next(row for by, row in rows if len(by) == 2 and row["n"] == 6 and row["category"] == "yes")
    known = [(system.form("wish", by, row), row) for by, row in rows if not (len(by) == 2 and row["n"] == 6)]
    form = system.form("wish", ("age", "home"), secret)
    np.testing.assert_allclose(system.limits(known, [form], system.n, "count"), [[2.0, 2.0]])


def test_nothing_is_suppressed_where_the_threshold_is_zero_or_every_group_is_large(clinic: wwm.Survey):
    for survey in (replace(clinic, suppress_below=0), replace(clinic, suppress_below=6)):
        kept, withheld = withhold(survey, raws_of(survey))
        assert withheld.values == {}
        pd.testing.assert_frame_equal(kept["wish"]["age", "home"].table, raws_of(survey)["wish"]["age", "home"].table)


def with_unknown_homes(weight: float) -> wwm.Survey:
    """The same with 30 of each age whose home is not known, who have a weight of their own."""
    sizes = {("young", "alone"): 60, ("young", "together"): 6, ("young", None): 30}
    sizes |= {("old", "alone"): 40, ("old", "together"): 80, ("old", None): 30}
    rows = [(a, h, ("no", "yes")[place % 3 == 0]) for (a, h), n in sizes.items() for place in range(n)]
    frame = pd.DataFrame(rows, columns=["age", "home", "wish"])
    frame["w"] = np.where(frame["home"].isna(), weight, 1.0)
    for name, levels in (("age", ["young", "old"]), ("home", ["alone", "together"]), ("wish", ["no", "yes"])):
        frame[name] = pd.Categorical(frame[name], levels, ordered=True)
    return wwm.Survey.from_frame(frame, weight="w")


def test_those_of_unknown_level_may_protect_a_cell_by_themselves():
    """With the homes of many unknown, totals no longer give the small cell away, so nothing else needs to go."""
    survey = with_unknown_homes(1.0)
    _, withheld = withhold(survey, {"wish": {by: wwm.raw(survey, "wish", by) for by in (("age",), ("age", "home"))}})
    assert {place[1] for place in withheld.values} == {"age=young;home=together"}


def test_those_without_weight_protect_no_weighted_percentage():
    """Counts stay uncertain, but the weighted percentages of an age are then those of its two homes alone."""
    survey = with_unknown_homes(0.0)
    _, withheld = withhold(survey, {"wish": {by: wwm.raw(survey, "wish", by) for by in (("age",), ("age", "home"))}})
    assert {place[1] for place in withheld.values} > {"age=young;home=together"}


def test_an_answer_of_few_takes_a_second_one_along(clinic: wwm.Survey):
    """Numerators too: one answer of a group follows from the others and the base."""
    frame = clinic.frame.assign(
        three=pd.Categorical.from_codes(np.arange(len(clinic)) % 40 // 19, ["a", "b", "c"], ordered=True)
    )
    survey = replace(wwm.Survey.from_frame(frame, weight=None), suppress_counts=True)
    kept, withheld = withhold(survey, {"three": {(): wwm.raw(survey, "three")}})
    assert raws_of(clinic)["wish"][()].table["n"].tolist() == [186, 186]
    hidden = kept["three"][()].table["estimate"].isna().tolist()
    assert wwm.raw(survey, "three").table["count"].tolist() == [95.0, 83.0, 8.0]
    assert hidden[2]
    assert sum(hidden) == 2
    assert withheld.primary == 1


def test_a_question_that_merges_answers_is_attacked_with_the_question_itself(clinic: wwm.Survey):
    """The merged question tells the small answer by subtraction, so it is left out with it."""
    codes = np.arange(len(clinic)) % 40 // 19
    frame = pd.DataFrame(
        {
            "three": pd.Categorical.from_codes(codes, ["a", "b", "c"], ordered=True),
            "two": pd.Categorical.from_codes(np.minimum(codes, 1), ["a", "rest"]),
        }
    )
    survey = replace(wwm.Survey.from_frame(frame, weight=None), suppress_counts=True)
    kept, _ = withhold(survey, {"three": {(): wwm.raw(survey, "three")}, "two": {(): wwm.raw(survey, "two")}})
    shown = kept["three"][()].table.set_index("category")["estimate"].notna()
    merged = kept["two"][()].table["estimate"].notna()
    assert not shown["c"]
    assert not (shown["b"] and merged.any())
    assert not (shown["a"] and shown["b"])


@pytest.fixture(scope="module")
def hunts() -> Hunt:
    """Ten surveys by whole numbers: one with adjusted percentages and all messages, one with a second run, one whose separation would name answers."""
    return total([hunt(seed) for seed in (*range(1, 8), 57)] + [hunt(50, whole=True), hunt(8, twice=True)])


@pytest.mark.slow
def test_an_attack_by_whole_numbers_finds_no_group_in_what_models_publish(hunts: Hunt):
    assert (hunts.found, hunts.found_page, hunts.found_adjusted) == (0, 0, 0)
    assert hunts.open >= 8  # the attack has teeth: coefficients of every model would tell these,
    assert hunts.open_page >= 6  # with the digits of a page too,
    assert hunts.open_adjusted >= 1  # and adjusted percentages alone
    assert hunts.published >= 3  # and the filter leaves models


def test_no_message_names_an_answer_of_a_small_group(hunts: Hunt):
    assert hunts.named == 0
    said = [
        'Percentages are as usual. "k1" never occurs where a = a2 (0 of 3 rows).',
        "Fewer than 10 respondents have a = a2.",
    ]
    assert names_an_answer(said, ("a = a2",), ["k0", "k1"]) == 1


def test_what_two_runs_tell_together_is_said(hunts: Hunt):
    assert hunts.together >= 1
    assert hunts.untold == 0
