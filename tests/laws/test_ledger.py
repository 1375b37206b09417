"""The simulations of benchmarks/ledger.py with few draws; the committed figures are in benchmarks/results/ledger.md."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import wwm_models as wwm
from wwm_models.claims.claimed_quantities import leaves
from wwm_models.claims.lookup import pool_of
from wwm_models.claims.verdicts import Sources, judge
from wwm_models.demo.respondents import quota_respondents
from wwm_models.study.declarations import collapses_of

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks import ledger

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def declared():
    return ledger.study()


@pytest.fixture(scope="module")
def article(declared):
    return declared.article


@pytest.mark.parametrize("population", ledger.POPULATIONS)
def test_few_verdicts_are_certain_and_wrong(declared, population):
    """2 draws of 40 claims under two estimands: at most 5% of 160 verdicts, of which 1 or 2 are expected."""
    tallies = ledger.wrongly_certain(range(301, 303), declared, ledger.POPULATIONS[population]())
    assert set(tallies) == {"", "direct"}
    assert sum(tally.judged for tally in tallies.values()) > 150
    assert all(tally.verdicts["holds"] > 0 for tally in tallies.values())
    assert sum(sum(tally.wrong.values()) for tally in tallies.values()) <= 8


def test_populations_differ_in_what_is_true(declared):
    """Where age acts only through household its total is there and small, and its direct effect is none; households at equal age stay."""
    claims = ledger.judged_claims(declared.article)
    false = {
        (name, asked): {key for key, true in ledger.truth_of(claims, declared, truth(), asked).items() if not true}
        for name, truth in ledger.POPULATIONS.items()
        for asked in ledger.ASKED
    }
    own, through_household, through_age, crossing = ledger.POPULATIONS
    assert false[own, ""] == false[own, "direct"] == {"C08", "C34"}
    assert "C50" in false[through_household, "direct"] - false[through_household, ""]
    assert not {"C36", "C38", "C43"} & false[through_household, ""]
    assert {"C36", "C38", "C43", "C55"} <= false[through_age, ""]
    assert "C34" not in false[crossing, ""]


def test_an_age_difference_that_is_all_household_names_household():
    found = ledger.named_causes(range(1, 4), ledger.LARGE)
    flipped = [(verdict, reason) for raw, verdict, reason in found if raw == "holds"]
    assert flipped
    assert all(verdict in ("weaker", "reverses", "undecided") for verdict, _ in flipped)
    assert any(verdict in ("weaker", "reverses") for verdict, _ in flipped)
    assert all("most by household" in reason for verdict, reason in flipped if verdict in ("weaker", "reverses"))


def test_a_family_errs_no_more_often_than_it_says():
    """12 draws at 5%: more than 4 errors would happen once in 5,000 suites."""
    assert sum(ledger.family_errors(range(1, 13), 500)) <= 4


def test_every_printed_number_is_reproduced_on_the_default_respondents(article, tmp_path):
    """Values, ranges and numbers of respondents, by the ledger itself; and nothing that the article says is contradicted by raw."""
    path = tmp_path / "data.csv"
    quota_respondents(1).to_csv(path, index=False)
    survey = wwm.read_survey(path, ledger.bundled_study("wwm21") / "codebook.toml")
    sets = {(at.outcome, at.by) for at in article.references()}
    raws = [wwm.raw(survey, outcome, by or None, collapses=collapses_of(survey).get(outcome)) for outcome, by in sets]
    sources = Sources(pool_of(raws))
    found = {claim.id: judge(claim, sources).raw for claim in article.claims if not claim.missing}
    printed = {claim.id for claim in article.claims if {"value", "range", "count"} & {x.kind for x in leaves(claim)}}
    assert {name for name in printed if found[name] != "reproduced"} == {"C78"}  # another reading of what C73 says
    assert set(found.values()) <= {"reproduced", "not reproduced", "holds", "weaker", "undecided"}
