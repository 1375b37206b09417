"""What is missing, suppressed, invented, unhealthy, untestable or not there at all is shown plainly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wwm_models.report.page import render_page, report_of
from wwm_models.report.report_files import drawing


@pytest.fixture
def troubled(make, change):
    """A run with one unhealthy posterior; the made run has a suppressed cell and untestable claims of its own."""

    def ill(table):
        here = (table["model"] == "autonomy_direction") & (table["check"] == "convergence")
        table.loc[here, ["check", "value", "status", "message"]] = [
            "rhat",
            1.31,
            "not usable",
            "R-hat 1.31 is above 1.01: chains disagree",
        ]
        return table

    return change(make(), "diagnostics", ill)


def test_an_unhealthy_posterior_a_suppressed_cell_and_an_untestable_claim_are_all_said(
    troubled, opened, tmp_path, write
):
    page = opened(write(troubled, tmp_path), fragment="lang=en&form=table&by=both")
    tab = page.tab
    assert tab.locator(".masthead .badge.level-bad").inner_text().split() == [
        "✕",
        "Model",
        "health:",
        "1",
        "of",
        "3",
        "models",
        "not",
        "usable",
        "(in",
        "whole",
        "or",
        "in",
        "part)",
    ]
    assert "Not (wholly) usable: Zelf beslissen over het werk (en)" in tab.locator("#figure-2").inner_text()
    health = tab.locator("#health .callout.level-bad").inner_text()
    assert "R-hat 1.31 is above 1.01" in health
    assert "1.31" in health
    suppressed = tab.locator("#figure-1 td", has_text="suppressed")
    assert suppressed.count() == 6
    tab.locator("#claim-7 summary").click()
    claim = tab.locator("#claim-7").inner_text()
    assert "cannot be tested" in claim
    assert "hours worked from home, wanted and before" in claim
    assert page.said == []


def test_a_suppressed_number_has_no_dot_and_is_named_beside_the_row(troubled, opened, tmp_path, write):
    tab = opened(write(troubled, tmp_path), fragment="lang=en&by=household").tab
    rows = tab.evaluate(
        "() => document.querySelector('#figure-1 .block:not([hidden]) .chart').rows.filter((one) => !one.header && one.raw === null)"
    )
    assert len(rows) == 6
    assert all(row["written"].startswith("suppressed →") for row in rows)


@pytest.mark.parametrize(("synthetic", "lang"), [(True, "nl"), (False, "en")])
def test_invented_respondents_are_announced_in_both_languages(make, synthetic, lang):
    page = render_page(make(synthetic=synthetic, lang=lang))
    for sentence in ("De getallen zijn geen bevindingen over mensen.", "The numbers are not findings about people."):
        assert (sentence in page) == synthetic
    assert ("SYNTHETIC" in page) == synthetic
    if synthetic:
        assert page.index("not findings about people") < page.index("<h1")


@pytest.mark.parametrize(
    ("status", "level"), [("separated", "bad"), ("failed", "bad"), ("brand new word", "bad"), ("look", "look")]
)
def test_the_worst_check_decides_the_badge(make, change, status, level):
    def ill(table):
        table.loc[(table["model"] == "autonomy_direction") & (table["check"] == "convergence"), "status"] = status
        return table

    page = render_page(change(make(), "diagnostics", ill))
    badge = page[page.index('class="badge') : page.index("</a>", page.index('class="badge'))]
    assert f"level-{level}" in badge


def test_a_model_without_checks_is_not_called_healthy(make, change):
    page = render_page(change(make(), "diagnostics", lambda table: table[table["model"] == "desired"]))
    assert "no checks recorded for 2 of 3 models" in page


def test_an_unknown_verdict_is_shown_as_it_is(make, change):
    page = render_page(change(make(), "claims", lambda table: table.assign(verdict="<maybe>")))
    assert "&lt;maybe&gt;" in page
    assert "<maybe>" not in page


@pytest.mark.parametrize(
    "absent",
    [
        "decomposition",
        "fragility",
        "robustness",
        "agreement",
        "bounds",
        "claims",
        "diagnostics",
        "accounting",
        "precision",
    ],
)
def test_a_table_that_is_not_there_leaves_its_section_out(make, whole, absent):
    results = make()
    assert f'data-source="{absent}:' in whole(render_page(results))
    page = whole(
        render_page(replace(results, tables={name: table for name, table in results.tables.items() if name != absent}))
    )
    assert f'data-source="{absent}:' not in page
    assert "comparison:0:raw" in page or "data-source" in page


def test_a_run_without_any_table_still_gives_a_page(make, opened, tmp_path, write):
    page = opened(write(replace(make(), tables={}), tmp_path), fragment="lang=en")
    assert "The number of respondents was not recorded." in page.tab.locator("body").inner_text()
    assert "This study declares no statements to judge." in page.tab.locator("body").inner_text()
    assert page.said == []


def test_bounds_lead_the_page_when_there_are_no_microdata(make, opened, tmp_path, write):
    results = make()
    page = opened(
        write(replace(results, tables={name: results.tables[name] for name in ("bounds", "claims")}), tmp_path),
        fragment="lang=en",
    )
    assert "No microdata were given." in page.tab.locator(".masthead").inner_text()
    assert page.tab.locator("main > section").first.get_attribute("id") == "bounds"
    assert page.said == []


def test_texts_that_a_csv_reader_left_missing_are_read_as_empty(make):
    results = make()
    tables = {name: table.replace({"": np.nan}) for name, table in results.tables.items()}
    assert render_page(replace(results, tables=tables)) == render_page(results)


def test_a_model_without_a_posterior_shows_its_likelihood_and_says_so(make, change, opened, tmp_path, write):
    """One of two models of the matrix was not sampled; its charts keep their dots when the other engine is chosen."""
    columns = ["adjusted_bayes", "adjusted_bayes_lower", "adjusted_bayes_upper"]

    def unsampled(table):
        table.loc[table["model"] == "autonomy_direction", columns] = np.nan
        return table

    results = change(make(), "comparison", unsampled)
    tab = opened(write(results, tmp_path), fragment="lang=en&engine=bayes").tab
    rows = tab.evaluate("document.querySelector('#figure-2 .block:not([hidden]) .chart').rows")
    table = results.tables["comparison"]
    assert [row["adjusted"] for row in rows] == [100 * table["adjusted_likelihood"].iloc[row["row"]] for row in rows]
    assert "likelihood: this model was not sampled" in tab.locator("#figure-2 .legend:visible").inner_text()
    assert tab.locator("#figure-1 .other").count() == 0


def test_the_engine_can_be_chosen_only_where_there_are_two(make):
    assert 'name="engine"' in render_page(make(bayes=True))
    assert 'name="engine"' not in render_page(make(bayes=False))


def test_a_study_that_declares_no_figures_gets_those_its_outcomes_suggest(make, opened, tmp_path, write):
    """The two outcomes with the same answers stand in one matrix, the other by itself."""
    results = make()
    page = opened(write(replace(results, declared={}), tmp_path))
    kinds = page.tab.locator("section.figure").evaluate_all(
        "all => all.map((one) => one.querySelectorAll('.block:not([hidden]) .matrix').length)"
    )
    assert kinds == [0, 1]
    assert page.said == []


def test_a_study_of_the_size_of_the_article_stays_under_five_megabytes(make):
    assert len(render_page(make(copies=6)).encode()) < 5_000_000


def test_without_an_article_no_legend_speaks_of_one(make, change, whole):
    columns = ["published", "published_lower", "published_upper"]
    alone = change(make(), "comparison", lambda table: table.assign(**dict.fromkeys(columns, np.nan)))
    words = "printed in the article, with its rounding"
    assert words in whole(render_page(make()))
    assert words not in whole(render_page(alone))
    report = report_of(alone)
    for figure in report.figures:
        assert not [note for note in drawing(figure, figure.blocks[0], report).notes if "artikel" in note]


@pytest.mark.parametrize(
    ("synthetic", "data", "shown"), [(False, "SYNTHETIC", True), (False, "real", False), (True, "SYNTHETIC", False)]
)
def test_bounds_of_real_respondents_from_a_table_that_was_assumed_say_so(make, synthetic, data, shown):
    results = make(synthetic=synthetic)
    bounds = results.tables["bounds"].assign(data=data)
    page = render_page(replace(results, tables={**results.tables, "bounds": bounds}))
    section = page[page.index('<section id="bounds"') :]
    assert ('id="bounds-assumed"' in section.partition("<details")[0]) == shown
    assert ("AANGENOMEN, NIET GEMETEN" in section) == shown


def test_the_only_statement_is_not_called_several(make):
    whole = make()
    whole = replace(whole, tables={**whole.tables, "claims": whole.tables["claims"].head(1)})
    page = render_page(whole)
    assert "De enige uitspraak in het artikel" in page
    assert "Van de 1 uitspraken" not in page


def test_settings_are_said_in_every_language(make):
    whole = make()
    settings = {**whole.settings, "in_place": False, "weight_kind": "frequency", "engines": ["likelihood", "bayes"]}
    page = render_page(replace(whole, settings=settings))
    for text in ("frequentiegewichten", "Häufigkeitsgewichte", "geteld waar de tabel ligt", "likelihood, posterior"):
        assert text in page
    assert ">False<" not in page


def test_a_figure_of_many_questions_counts_them_in_its_heading(make, monkeypatch):
    monkeypatch.setattr("wwm_models.report.figures.MOST_NAMED", 1)
    page = render_page(replace(make(), declared={}))
    for said in ("2 vragen", "2 questions", "2 Fragen"):
        assert said in page
