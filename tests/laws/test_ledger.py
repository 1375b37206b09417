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
def article():
    return wwm.read_article(ledger.bundled_study("wwm21") / "article.toml")


@pytest.mark.parametrize("truth", [ledger.DECLARED, ledger.ageless()], ids=["declared", "ageless"])
def test_few_verdicts_are_certain_and_wrong(article, truth):
    """3 draws of 41 claims: at most 5% of 123 verdicts, of which 1 or 2 are expected."""
    tally = ledger.wrongly_certain(range(301, 304), article, truth)
    assert tally.judged > 100
    assert tally.verdicts["holds"] > 0
    assert tally.share_wrong <= 0.05


def test_populations_differ_in_what_is_true(article):
    claims = ledger.judged_claims(article)
    assert all(ledger.truth_of(claims).values())
    assert sum(not one for one in ledger.truth_of(claims, ledger.ageless()).values()) > 5


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
    sets = {(at.outcome, tuple(sorted(at.by))) for at in article.references()}
    raws = [wwm.raw(survey, outcome, by or None, collapses=collapses_of(survey).get(outcome)) for outcome, by in sets]
    sources = Sources(pool_of(raws))
    found = {claim.id: judge(claim, sources).raw for claim in article.claims if not claim.missing}
    printed = {claim.id for claim in article.claims if {"value", "range", "count"} & {x.kind for x in leaves(claim)}}
    assert {found[name] for name in printed} == {"reproduced"}
    assert set(found.values()) <= {"reproduced", "holds", "undecided"}
