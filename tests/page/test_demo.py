"""The page of the demo itself, as committed: every section, control and chart of a real run, and every number of a new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from wwm_models.report.numbers import Value
from wwm_models.report.text import Labels
from wwm_models.results.atomic_files import read_table
from wwm_models.results.results import stored_results

PAGE = Path(__file__).resolve().parents[2] / "results" / "wwm21-synthetic" / "report.html"
EVERYONE = {"nl": "iedereen", "en": "everyone", "de": "alle"}
SECTIONS = (
    "claims", "figure-1", "figure-2", "figure-3", "explorer", "robustness", "bounds", "health", "accounting", "precision", "methods", "provenance",
)  # fmt: skip
SENTENCES = {
    "claims": ("reason", "where"), "fragility": ("axis", "unit", "status", "detail"), "accounting": ("reason",), "precision": ("status", "reason"),
    "diagnostics": ("estimand", "check", "status", "message"), "bounds": ("verdict",), "agreement": ("status", "cause"),
}  # fmt: skip
# Opens everything, and leaves of each verdict two statements and of each table twelve rows: the others repeat their markup.
FEWER = """() => {
  for (const one of document.querySelectorAll('details')) one.open = true;
  const seen = {};
  for (const one of document.querySelectorAll('.claim')) if ((seen[one.dataset.verdict] = (seen[one.dataset.verdict] || 0) + 1) > 2) one.remove();
  for (const body of document.querySelectorAll('tbody')) Array.from(body.rows).slice(12).forEach((row) => row.remove());
}"""
NUMBERS = """() => Array.from(document.querySelectorAll('data')).map((one) => {
  const own = one.closest('span[lang]');
  return [one.dataset.source || '', one.dataset.kind || 'percent', one.getAttribute('value'), one.textContent, own ? own.lang : document.body.dataset.lang];
})"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "width", "scheme"),
    [
        ("nl", 375, "light"),
        ("en", 375, "dark"),
        ("de", 375, "light"),
        ("nl", 800, "dark"),
        ("en", 1280, "light"),
        ("de", 1280, "dark"),
    ],
)
def test_the_page_is_silent_fits_and_has_every_section(opened, lang, width, scheme):
    page = opened(PAGE, width=width, fragment=f"lang={lang}", scheme=scheme)
    assert page.said == []
    assert page.asked == [PAGE.as_uri()]
    assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [name for name in SECTIONS if page.tab.locator(f"#{name}").count() != 1] == []
    assert page.tab.locator(f"main span[lang]:not(.{lang}):visible").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["nl", "en", "de"])
def test_the_first_screen_says_what_holds_and_whether_to_trust_it(opened, lang):
    """Everything above the fold of 1280 x 800: title, data, N, sentence, badge, chart with raw, adjusted and printed."""
    page = opened(PAGE, fragment=f"lang={lang}")
    page.tab.set_viewport_size({"width": 1280, "height": 800})
    page.settled()
    for what in (
        "h1",
        ".masthead strong",
        ".fact",
        "p.tally",
        ".badge",
        ".hero .chart svg",
        ".hero .key",
        ".hero .description",
    ):
        box = page.tab.locator(what).first.bounding_box()
        assert box is not None, what
        assert box["y"] >= 0, what
        assert box["y"] + box["height"] <= 800, what
    rows = page.tab.evaluate("document.querySelector('.hero .chart').rows.filter((one) => !one.header)")
    assert len(rows) == 8
    everyone = [row for row in rows if row["label"] == EVERYONE[lang]]
    groups = [row for row in rows if row not in everyone]
    assert len(everyone) == 2
    assert all(row["raw"] is not None and row["lower"] < row["adjusted"] < row["upper"] for row in groups)
    assert all(row["raw"] is not None and row["adjusted"] is None for row in everyone)  # of whom nothing is held equal
    assert [row["published"] for row in rows if row["published"] is not None] == [62]


@pytest.mark.slow
def test_every_control_works(opened):
    page = opened(PAGE)
    names = page.tab.locator(".bar input").evaluate_all("all => all.map((one) => [one.name, one.value])")
    assert {name for name, _ in names} == {"show", "by", "engine", "form", "lang"}
    for name, value in names[::-1]:
        page.tab.locator(f'input[name="{name}"][value="{value}"]').check(force=True)
        page.settled()
    page.tab.locator('input[name="by"][value="age_group;household"]').check(force=True)
    page.settled()
    assert page.tab.locator("#figure-1 .block:visible").get_attribute("data-by") == "age_group;household"
    for button in page.tab.locator(".filter button").all():
        button.click()
        assert page.tab.locator(".claim:visible").count() == int(button.inner_text().split()[-1])
    for picker in ("model", "group", "bound"):
        last = page.tab.locator(f'select[name="{picker}"] option').last.get_attribute("value")
        page.tab.select_option(f'select[name="{picker}"]', last)
        page.settled()
        assert f"{picker}=" in page.tab.url
    assert page.said == []


@pytest.mark.slow
def test_every_chart_has_a_name_a_description_and_a_table(opened):
    """Claims' charts too; buttons are pressed by script, since there are a hundred."""
    page = opened(PAGE, fragment="by=both")
    page.tab.evaluate("document.querySelectorAll('.claim > details').forEach((one) => { one.open = true; })")
    page.settled()
    found = page.tab.evaluate(
        """() => Array.from(document.querySelectorAll('figure')).map((figure) => {
          const charts = Array.from(figure.querySelectorAll('.chart')), button = figure.querySelector('.as-table');
          button.click();
          const table = figure.querySelector('table'), swapped = table.checkVisibility() && !charts.some((one) => one.checkVisibility());
          const cells = table.querySelectorAll('td data').length;
          button.click();
          return [charts.every((one) => one.getAttribute('role') === 'img' && one.getAttribute('aria-label').length > 8),
            Array.from(figure.querySelectorAll('.description')).every((one) => one.innerText.length > 10), swapped, cells > 0,
            charts.every((one) => one.querySelector('svg'))]; })"""
    )
    assert len(found) > 60
    assert [at for at, what in enumerate(found) if not all(what)] == []
    assert page.said == []


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "fragment"), [("light", "lang=nl&by=both"), ("dark", "lang=en&form=table")])
def test_axe_finds_no_serious_violation(opened, scheme, fragment):
    page = opened(PAGE, fragment=fragment, scheme=scheme)
    page.tab.evaluate(FEWER)
    page.settled()
    assert page.serious_violations() == {}


TABLES = {"comparison", "diagnostics", "accounting", "decomposition", "fragility", "robustness", "bounds", "precision"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "shown"),
    [("demo", TABLES), ("committed", {"comparison", "diagnostics", "accounting", "fragility", "claims"})],
)
def test_every_number_is_its_cell(opened, request, folder, shown):
    """Of a page and tables that were written together; the committed page for the tables that are committed too."""
    run = PAGE.parent if folder == "committed" else request.getfixturevalue("demo")
    page = opened(run / "report.html", fragment="lang=en&by=both")
    tables = {path.stem: read_table(path) for path in run.glob("*.csv")}
    found, seen = page.tab.evaluate(NUMBERS), set()
    for source, kind, value, text, spoken in found:
        assert text == Value(float(value), kind).written(spoken), source
        if source:
            table, row, column = source.split(":")
            if table not in tables:
                continue
            assert float(value) == float(tables[table][column].iloc[int(row)]), source
            seen.add(table)
    assert len(found) > 9_900
    assert seen >= shown


@pytest.mark.slow
def test_every_sentence_of_a_table_is_said_in_every_language(demo):
    """A reason or message that is new in a table is said by its key, or stands in the study's own translations."""
    for folder in (PAGE.parent, demo):
        results = stored_results(folder, needed=("claims", "comparison"))
        sayings = Labels(results).sayings
        unknown = {
            sentence
            for table, columns in SENTENCES.items()
            for column in columns
            if table in results.tables
            for sentence in results.tables[table][column].dropna().astype(str).unique()
            if sentence and not sayings.knows(sentence.partition(":")[0] if column == "check" else sentence)
        }
        assert unknown == set(), folder
