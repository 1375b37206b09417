"""What is missing, suppressed, invented, unhealthy or untestable is shown plainly."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wwm_models.report import render_page


def test_an_untestable_claim_says_so_and_what_is_missing(make, cells_of):
    line = cells_of(render_page(make(lang="en")), "ledger")[7]
    assert "cannot be tested" in line[0]["text"]
    assert line[-1]["text"] == "hours worked from home, wanted and before"


def test_an_unknown_verdict_is_shown_as_it_is(make, change):
    page = render_page(change(make(), "claims", lambda table: table.assign(verdict="<maybe>")))
    assert "&lt;maybe&gt;" in page
    assert "<maybe>" not in page


def test_a_suppressed_number_is_named_and_has_no_dot(make, cells_of):
    results = make(lang="en")
    page = render_page(results)
    suppressed = [cell for row in cells_of(page, "numbers") for cell in row if cell["text"] == "suppressed"]
    desired = results.tables["comparison"].query(
        "outcome == 'desired' and group == 'household=single_parent' and estimand == 'total'"
    )
    assert len(suppressed) == len(desired) > 0
    assert {cell["title"] for cell in suppressed} == {
        "suppressed: too few respondents, here or in a group that would follow from it (n = 7)"
    }
    groups = re.findall(r'<g [^>]*data-raw=""[^>]*>.*?</g>', page)
    assert groups
    assert all('class="raw"' not in group and "suppr." in group for group in groups)


@pytest.mark.parametrize(("synthetic", "lang"), [(True, "nl"), (True, "en"), (False, "nl"), (False, "en")])
def test_invented_respondents_are_announced_in_both_languages(make, synthetic, lang):
    page = render_page(make(synthetic=synthetic, lang=lang))
    for sentence in ("De getallen zijn geen bevindingen over mensen.", "The numbers are not findings about people."):
        assert (sentence in page) == synthetic
    assert ("SYNTHETIC" in page) == synthetic
    if synthetic:
        assert page.index("not findings about people") < page.index("<h1>")


@pytest.mark.parametrize(
    ("status", "level"), [("separated", "bad"), ("failed", "bad"), ("brand new word", "bad"), ("look", "look")]
)
def test_a_model_that_is_not_healthy_is_shown_on_the_badge_and_in_its_section(make, change, status, level):
    def ill(table: pd.DataFrame) -> pd.DataFrame:
        here = (table["model"] == "autonomy_direction") & (table["check"] == "convergence")
        table.loc[here, ["status", "message"]] = [status, "gender[woman] has no finite maximum"]
        return table

    page = render_page(change(make(lang="en"), "diagnostics", ill))
    badge = page[page.index('class="badge') : page.index("</a>", page.index('class="badge'))]
    assert f"level-{level}" in badge
    assert "1 of 3 models" in badge
    section = page[page.index('id="m-autonomy_direction"') : page.index('id="m-relations_direction"')]
    assert f"callout level-{level}" in section
    assert status in section
    assert "gender[woman] has no finite maximum" in section
    assert "callout" not in page[page.index('id="m-desired"') : page.index('id="m-autonomy_direction"')]


def test_a_model_without_checks_is_not_called_healthy(make, change):
    page = render_page(change(make(lang="en"), "diagnostics", lambda table: table[table["model"] == "desired"]))
    assert "no checks recorded for 2 of 3 models" in page


def test_a_model_that_gave_nothing_keeps_its_section(make, change):
    page = render_page(change(make(lang="en"), "comparison", lambda table: table[table["model"] != "desired"]))
    section = page[page.index('id="m-desired"') : page.index('id="m-autonomy_direction"')]
    assert "This model gave no numbers." in section


def test_a_run_without_any_table_still_gives_a_page(make):
    page = render_page(replace(make(lang="en"), tables={}))
    assert "The number of respondents was not recorded." in page
    assert "This study declares no statements to judge." in page


def test_texts_that_a_csv_reader_left_missing_are_read_as_empty(make):
    results = make()
    tables = {name: table.replace({"": np.nan}) for name, table in results.tables.items()}
    assert render_page(replace(results, tables=tables)) == render_page(results)


def test_a_posterior_has_a_column_only_where_there_is_one(make):
    assert "Bayesian %" in render_page(make(lang="en", bayes=True))
    assert "Bayesian %" not in render_page(make(lang="en", bayes=False))
