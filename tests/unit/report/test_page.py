"""The page says what the tables say, all of it, in two languages."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wwm_models.report import render_page
from wwm_models.report.texts import texts

VERDICTS = ("holds", "reverses", "weaker", "undecided", "reproduced", "not reproduced", "cannot be tested")


def written(value: float, lang: str, *, digits: int = 1, sign: bool = False) -> str:
    text = (
        f"{value:+.{digits}f}"
        if sign and round(value, digits)
        else f"{abs(value) if not round(value, digits) else value:.{digits}f}"
    )
    return text.replace("-", "−").replace(".", "," if lang == "nl" else ".")


def expected_cells(table: pd.DataFrame, lang: str) -> list[list[tuple[float, str, str]]]:
    """Value, text and small text of every cell that should be there, written down from the table alone."""
    percent = lambda value: written(100 * value, lang)  # noqa: E731
    lines = []
    for (_, by), block in table.groupby(["model", "by"], sort=False):
        estimands = sorted(block["estimand"].unique(), key=lambda name: name == "total")
        assert by or estimands == ["overall"]
        for rows in (
            same for _, of in block.groupby("category", sort=False) for _, same in of.groupby("group", sort=False)
        ):
            by_estimand = rows.set_index("estimand")
            first = rows.iloc[0]
            line = [
                (first["n"], f"{first['n']:.0f}", ""),
                (first["published"], written(100 * first["published"], lang, digits=0), ""),
            ]
            line.append(
                (first["raw"], percent(first["raw"]), f"{percent(first['raw_lower'])}–{percent(first['raw_upper'])}")
            )
            for estimand in estimands:
                row = by_estimand.loc[estimand]
                for engine in ("adjusted_likelihood", "adjusted_bayes"):
                    limits = f"{percent(row[f'{engine}_lower'])}–{percent(row[f'{engine}_upper'])}"
                    line.append((row[engine], percent(row[engine]), limits))
                line.append(
                    (
                        row["difference"],
                        written(100 * row["difference"], lang, sign=True),
                        percent(row["difference_se"]),
                    )
                )
            lines.append(line)
    return lines


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_every_number_of_the_comparison_is_on_the_page_as_the_table_has_it(make, cells_of, lang):
    results = make(lang=lang)
    shown = [[cell for cell in row if cell["tag"] == "td"] for row in cells_of(render_page(results), "numbers")]
    shown = [row for row in shown if len(row) > 2]
    expected = expected_cells(results.tables["comparison"], lang)
    assert len(shown) == len(expected)
    for cells, line in zip(shown, expected, strict=True):
        assert len(cells) == len(line)
        for cell, (value, text, small) in zip(cells, line, strict=True):
            if np.isnan(value):
                assert "data-value" not in cell
                continue
            np.testing.assert_allclose(float(cell["data-value"]), value, rtol=1e-5)  # six digits are written
            assert cell["text"] == text
            assert cell["small"] == small


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_claims_stand_in_the_order_of_the_article_with_all_their_verdicts(make, cells_of, lang):
    results = make(lang=lang)
    page = render_page(results)
    lines = cells_of(page, "ledger")[1:]
    table = results.tables["claims"]
    assert len(lines) == len(table)
    for line, claim in zip(lines, table.to_dict(orient="records"), strict=True):
        words = [cell["text"] for cell in line]
        assert texts(lang)[f"verdict_{claim['verdict'].replace(' ', '_')}"] in words[0]
        assert claim["statement"] in words[1]
        assert claim["id"] in words[1]
        assert words[2] == (claim["published"] or "–")
        assert words[-1] == claim["reason"]
    assert [line[5].get("data-value", "") for line in lines] == ["", "0.713", "0.998", "", "0.61", "0.004", "", ""]
    assert [line[5]["text"].replace(",", ".") for line in lines] == [
        "–",
        "0.71",
        "> 0.99",
        "–",
        "0.61",
        "< 0.01",
        "–",
        "–",
    ]


def test_the_first_screen_counts_every_verdict(make):
    results = make()
    found = dict(re.findall(r'data-tally="([^"]+)">(\d+)<', render_page(results)))
    assert {word: int(count) for word, count in found.items()} == results.tables["claims"][
        "verdict"
    ].value_counts().to_dict()


def test_every_verdict_has_its_own_symbol_and_is_explained_under_the_table(make):
    page = render_page(make())
    rule = page[page.index('id="rule"') : page.index('id="outcomes"')]
    found = re.findall(r'data-verdict="([^"]+)"><span aria-hidden="true">(.)</span>', rule)
    assert sorted(word for word, _ in found) == sorted(VERDICTS)
    assert len({symbol for _, symbol in found}) == len(VERDICTS)


def test_the_page_is_in_the_language_of_the_run(make):
    dutch, english = render_page(make(lang="nl")), render_page(make(lang="en"))
    assert '<html lang="nl">' in dutch
    assert '<html lang="en">' in english
    assert ">1.530</b>" in dutch
    assert ">1,530</b>" in english
    for word in (
        "eenpersoonshuishouden",
        "ten minste een aantal keer per week",
        "gecorrigeerd voor huishoudenssamenstelling",
    ):
        assert word in dutch
        assert word not in english
    for word in ("living alone", "at least several times a week", "adjusted for household composition"):
        assert word in english
        assert word not in dutch


def test_both_languages_have_every_sentence_and_the_same_blanks():
    dutch, english = texts("nl"), texts("en")
    assert list(dutch) == list(english)
    for key in dutch:
        assert dutch[key]
        assert english[key]
        assert sorted(re.findall(r"\{\w+\}", dutch[key])) == sorted(re.findall(r"\{\w+\}", english[key])), key


def test_every_row_of_the_accounting_is_on_the_page(make, cells_of):
    results = make()
    shown = [
        (row[0]["text"], int(row[1]["data-value"]))
        for row in cells_of(render_page(results), "reasons")
        if "data-value" in row[1]
    ]
    assert [count for _, count in shown] == results.tables["accounting"]["rows"].tolist()
    assert shown[0][0] == "rijen in het bestand"
    assert ">2.478</span>" in render_page(results)


def test_settings_put_primary_models_first(make):
    results = make()
    first = replace(results, settings={**results.settings, "primary": ["relations_direction"]})
    assert render_page(results).index('id="m-desired"') < render_page(results).index('id="m-relations_direction"')
    assert render_page(first).index('id="m-relations_direction"') < render_page(first).index('id="m-desired"')
