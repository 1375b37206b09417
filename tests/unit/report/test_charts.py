"""Marks stand where the numbers say, and the files are whole."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from wwm_models.report import render_page, write_report
from wwm_models.report.dumbbell import axis_of, panel
from wwm_models.report.labels import Labels
from wwm_models.report.numbers import Numbers

SVG = "{http://www.w3.org/2000/svg}"


def _place(value: str) -> float:
    return float(value.rstrip("%"))


def test_charts_show_the_adjusted_estimand_and_not_the_total(make):
    results = make()
    page = render_page(results)
    page = page[page.index('id="outcomes"') :]
    drawn = [float(value) for value in re.findall(r'data-adjusted="([^"]+)"', page)]
    table = results.tables["comparison"].query("estimand != 'total'")
    order = [
        value
        for (_, by), rows in table.groupby(["model", "by"], sort=False)
        for _, same in rows.groupby("category" if by else "by", sort=False)
        for value in same["adjusted_likelihood"]
    ]
    np.testing.assert_allclose(drawn, order, rtol=1e-5)  # six digits are written


def test_marks_are_at_their_numbers_on_the_drawn_axis(make, tmp_path):
    write_report(make(), tmp_path)
    root = ElementTree.parse(tmp_path / "figures" / "desired--age_group.svg").getroot()
    panels = [svg for svg in root.iter(f"{SVG}svg") if svg.find(f"{SVG}g") is not None]
    assert len(panels) == 6
    for drawing in panels:
        ticks = [(_place(text.get("x")), float(text.text)) for text in drawing.findall(f"{SVG}text")]
        places, values = np.transpose(ticks)
        slope, start = np.polyfit(values, places, 1)
        np.testing.assert_allclose(places, start + slope * values, atol=0.01)  # places have two decimals
        for bar in drawing.findall(f"{SVG}g"):
            for kind in ("raw", "adjusted"):
                dot = bar.find(f"{SVG}circle[@class='{kind}']")
                np.testing.assert_allclose(
                    _place(dot.get("cx")), start + slope * 100 * float(bar.get(f"data-{kind}")), atol=0.02
                )


def test_the_interval_runs_from_limit_to_limit(make):
    results = make()
    rows = results.tables["comparison"].query(
        "model == 'desired' and estimand == 'household-adjusted' and category == 'never'"
    )
    drawn = panel(rows.to_dict(orient="records"), Labels(results), Numbers("nl"), (50, 10), "")
    for bar, row in zip(drawn.bars, rows.to_dict(orient="records"), strict=True):
        at = lambda value: 1.8 + 68.2 * value / 0.5  # noqa: E731
        np.testing.assert_allclose(_place(bar.lower), at(row["adjusted_likelihood_lower"]), atol=0.006)
        np.testing.assert_allclose(
            _place(bar.lower) + _place(bar.width), at(row["adjusted_likelihood_upper"]), atol=0.011
        )


@pytest.mark.parametrize(("highest", "end"), [(0.05, 20), (0.2, 20), (0.21, 30), (0.55, 60), (0.81, 100), (1.0, 100)])
def test_the_axis_starts_at_zero_and_holds_every_mark(highest, end):
    assert axis_of([{"raw": 0.01, "adjusted_likelihood": 0.02, "adjusted_likelihood_upper": highest}])[0] == end


def test_a_posterior_alone_is_drawn(make):
    results = make()
    page = render_page(results)
    table = results.tables["comparison"].assign(adjusted_likelihood=np.nan)
    alone = type(results)(**{**vars(results), "tables": {**results.tables, "comparison": table}})
    assert render_page(alone).count('class="adjusted" cx=') == page.count('class="adjusted" cx=')


def test_every_chart_has_a_name_a_description_and_a_table(make):
    page = render_page(make())
    charts = re.findall(
        r'<svg class="dumbbell" width="100%"[^>]*>(<title id="[^"]+">[^<]+</title><desc id="[^"]+">[^<]+</desc>)?', page
    )
    assert len(charts) > 20
    assert all(charts)
    assert page.count("<h4 ") == page.count("Tabel met deze getallen")


def test_the_files_are_those_that_are_returned_and_none_reaches_outside(make, tmp_path):
    results = make()
    names = {"../../escape": "desired", "/etc/passwd": "autonomy_direction", "CON.": "relations_direction"}
    wicked = {new: results.models[old] for new, old in names.items()}
    table = results.tables["comparison"].assign(
        model=lambda frame: frame["model"].map({old: new for new, old in names.items()})
    )
    results = type(results)(**{**vars(results), "models": wicked, "tables": {**results.tables, "comparison": table}})
    folder = tmp_path / "run"
    folder.mkdir()
    paths = write_report(results, folder)
    assert sorted(paths) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert {path.relative_to(folder).parts[0] for path in paths} == {"report.html", "figures", "tables"}
    assert len([path for path in paths if path.suffix == ".svg"]) == 9


@pytest.mark.parametrize("synthetic", [True, False])
def test_files_beside_the_page_say_synthetic_too_and_fetch_nothing(make, tmp_path, synthetic):
    for path in write_report(make(synthetic=synthetic), tmp_path):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert ("SYNTHE" in text) == synthetic, path
        if path.suffix == ".svg":
            assert ('class="invented"' in text) == synthetic, path
        assert not re.search(r"https?:|<script|url\(|@import", text), path


def test_writing_twice_gives_the_same_bytes(make, tmp_path):
    first = {path: path.read_bytes() for path in write_report(make(), tmp_path)}
    assert {path: path.read_bytes() for path in write_report(make(), tmp_path)} == first


def test_names_that_look_alike_on_disk_get_files_of_their_own(make, tmp_path):
    results = make()
    names = {"desired": "a b", "autonomy_direction": "a-b", "relations_direction": "A/B"}
    table = results.tables["comparison"].assign(model=lambda frame: frame["model"].map(names))
    results = type(results)(
        **{**vars(results), "models": {name: {} for name in names.values()}, "tables": {"comparison": table}}
    )
    stems = [path.stem.casefold() for path in write_report(results, tmp_path) if path.parent.name == "tables"]
    assert len(set(stems)) == 3
