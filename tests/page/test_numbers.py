"""Every number on the page is the cell of the csv it comes from, in every language, in tables and in charts."""

from __future__ import annotations

import re

import numpy as np
import pytest

from wwm_models.identification.bounds import NUMBERS, WORDS
from wwm_models.report.numbers import Numbers, Value
from wwm_models.results.atomic_files import read_table

ALL_NUMBERS = """() => Array.from(document.querySelectorAll('data')).map((one) => {
  const own = one.closest('span[lang]');
  return [one.dataset.source || '', one.dataset.kind || 'percent', one.getAttribute('value'), one.textContent, own ? own.lang : document.body.dataset.lang];
})"""
ALL_MARKS = """() => Array.from(document.querySelectorAll('.chart')).flatMap((chart) => (chart.rows || []).filter((one) => one.row >= 0 && !one.header).map((one) => one))"""


def cells(folder):
    return {path.stem: read_table(path) for path in folder.glob("*.csv")}


@pytest.mark.parametrize("lang", ["nl", "en", "de"])
def test_every_number_is_its_cell_and_is_written_in_the_language_of_the_page(run, opened, lang):
    page = opened(run, fragment=f"lang={lang}")
    tables = cells(run.parent)
    found = page.tab.evaluate(ALL_NUMBERS)
    seen = set()
    for source, kind, value, text, spoken in found:
        assert text == Value(float(value), kind).written(spoken), source
        if source:
            table, row, column = source.split(":")
            assert float(value) == tables[table][column].iloc[int(row)], source
            seen.add(table)
    assert len(found) > 1000
    assert seen >= {
        "comparison",
        "claims",
        "diagnostics",
        "accounting",
        "decomposition",
        "fragility",
        "robustness",
        "agreement",
        "bounds",
        "precision",
    }


def test_only_declared_numbers_have_no_source(run, opened):
    """The excluded rows are the one number that is computed for the page: two cells of the accounting apart."""
    sourceless = [one for one in opened(run).tab.evaluate(ALL_NUMBERS) if not one[0]]
    assert {(kind, value) for _, kind, value, _, _ in sourceless} == {("count", "2478")}


def test_every_cell_of_a_table_with_a_digit_carries_its_source(run, opened):
    """A number may also stand in a text that is itself a cell of a table (a reason, a message), or in a label."""
    loose = opened(run).tab.evaluate(
        """() => Array.from(document.querySelectorAll('td')).filter((cell) => /\\d/.test(cell.textContent) && !cell.querySelector('data, [data-text], bdi, span[lang]')).map((cell) => cell.textContent)"""
    )
    assert loose == []


def test_every_model_and_grouping_of_the_explorer_shows_its_own_rows(run, opened):
    page = opened(run, fragment="form=table")
    table = read_table(run.parent / "comparison.csv")
    for model in table["model"].unique():
        page.tab.select_option('select[name="model"]', model)
        for by in page.tab.evaluate(
            "Array.from(document.querySelector('select[name=group]').options).map((one) => one.value)"
        ):
            page.tab.select_option('select[name="group"]', by)
            sources = page.tab.evaluate(
                "Array.from(document.querySelectorAll('#explorer-table data')).map((one) => [one.dataset.source, one.value])"
            )
            rows = {int(source.split(":")[1]) for source, _ in sources}
            shown = table.loc[sorted(rows)]
            expected = table[(table["model"] == model) & (table["by"].fillna("") == by)]
            expected = expected[expected["estimand"] != "total"]
            assert shown.index.tolist() == expected.index.tolist()
            for source, value in sources:
                _, row, column = source.split(":")
                assert float(value) == table[column].iloc[int(row)]


@pytest.mark.parametrize(("engine", "show"), [("likelihood", "both"), ("bayes", "both"), ("likelihood", "raw")])
def test_marks_stand_at_their_numbers(run, opened, engine, show):
    page = opened(run, fragment=f"engine={engine}&show={show}&by=both")
    table = read_table(run.parent / "comparison.csv")
    marks = page.tab.evaluate(ALL_MARKS)
    assert len(marks) > 60
    columns = {
        "raw": "raw",
        "published": "published",
        "adjusted": f"adjusted_{engine}",
        "lower": f"adjusted_{engine}_lower",
        "upper": f"adjusted_{engine}_upper",
    }
    for mark in marks:
        row = table.iloc[mark["row"]]
        for name, column in columns.items():
            drawn = np.nan if mark[name] is None else mark[name]
            np.testing.assert_allclose(drawn, 100 * row[column], rtol=1e-12, err_msg=column)
    numbers = Numbers("nl")
    texts = {numbers.percent(table["raw"].iloc[mark["row"]]) for mark in marks if mark["raw"] is not None}
    written = page.tab.evaluate(
        "Array.from(document.querySelectorAll('.chart:not([data-bounds]) svg text')).map((one) => one.textContent)"
    )
    beside = {text.split(" → ")[0] for text in written if re.search(r"\d,\d", text)}
    assert beside <= texts | {"onderdrukt"}
    if show == "raw":
        assert not any("→" in text for text in written)


def test_a_curve_of_bounds_stands_at_its_numbers(run, opened):
    """The curve shown first is the one that a limit narrows; every line is a row of bounds.csv, and its table says the same."""
    page = opened(run)
    table = read_table(run.parent / "bounds.csv")
    chosen = "Array.from(document.querySelector('[data-bounds]').rows)"
    for name in ("C02-sentences", "C02", "P01"):
        page.tab.select_option('select[name="bound"]', name)
        page.settled()
        assert f"bound={name}" in page.tab.url or name == "C02-sentences"
        rows = page.tab.evaluate(chosen)
        assumed = WORDS if name.endswith("-sentences") else NUMBERS
        expected = table[(table["id"] == name.removesuffix("-sentences")) & (table["assumed"] == assumed)]
        assert [row["bound"] for row in rows] == expected.index.tolist()
        for row in rows:
            for mark, column in (
                ("lower", "lower"),
                ("upper", "upper"),
                ("adjusted", "max_entropy"),
                ("published_lower", "published_lower"),
            ):
                drawn = np.nan if row[mark] is None else row[mark]
                np.testing.assert_allclose(drawn, 100 * table[column].iloc[row["bound"]], rtol=1e-12, err_msg=mark)
        assert [row["label"] for row in rows] == ["niets (additief)", "hoogstens 5 punten", "geen grens"]
    assert page.said == []


def test_what_survives_stands_by_claim(run, opened):
    """Raw, the verdict from the numbers alone and with the sentences, the least interaction that reverses it, and what would help."""
    page = opened(run, fragment="lang=en")
    page.tab.evaluate("for (const one of document.querySelectorAll('#bounds details')) one.open = true;")
    page.settled()
    rows = page.tab.locator("table:has(#bounds-survival-caption) tbody tr")
    assert rows.count() == 1
    cells = rows.locator("td").all_inner_texts()
    assert cells[:4] == ["assumed", "undetermined", "can be reversed", "3.5"]
    assert cells[4] != "–"
    assert rows.locator("data").get_attribute("data-source").endswith(":reversed_from")


def test_drawn_places_follow_the_axis(run, opened):
    """The circle of a row stands where the axis says its percentage is (places are rounded to a hundredth of a pixel)."""
    page = opened(run)
    found = page.tab.evaluate(
        """() => { const chart = document.querySelector('#figure-1 .block:not([hidden]) .chart');
          const at = (what) => Array.from(chart.querySelectorAll(what));
          const x = (one) => one.getCTM().e;
          return { ticks: at('.role-axis-label text').map((one) => [x(one), Number(one.textContent)]).filter(([, value]) => !Number.isNaN(value)),
            drawn: at('.mark-symbol').map((group) => Array.from(group.querySelectorAll('path')).map(x)), rows: chart.rows.filter((one) => !one.header) }; }"""
    )
    places, values = np.transpose(found["ticks"])
    slope, start = np.polyfit(values, places, 1)
    raw, adjusted = [drawn for drawn in found["drawn"] if drawn]
    np.testing.assert_allclose(
        raw, [start + slope * row["raw"] for row in found["rows"] if row["raw"] is not None], atol=0.6
    )
    np.testing.assert_allclose(adjusted, [start + slope * row["adjusted"] for row in found["rows"]], atol=0.6)


def test_bars_add_up_and_the_middle_answer_stands_around_zero(run, opened):
    page = opened(run, fragment="form=diverging")
    table = read_table(run.parent / "comparison.csv")
    pieces = page.tab.evaluate(
        "() => document.querySelector('#figure-2 .chart').rows.filter((one) => one.start !== undefined)"
    )
    assert len(pieces) == 6
    assert pieces[2]["end"] - pieces[0]["start"] == pytest.approx(100, abs=1e-6)
    for bar in (pieces[:3], pieces[3:]):
        assert bar[1]["middle"] == pytest.approx(0, abs=1e-9)
        for piece in bar:
            assert piece["end"] - piece["start"] == pytest.approx(
                100 * table[piece["source"]].iloc[piece["row"]], rel=1e-9
            )
