"""Figures for print and publication tables: whole, in one language, saying SYNTHETIC, and the same bytes twice."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from docx import Document
from markupsafe import escape
from tests.page.read_tables import read_table_file

from wwm_models.errors import ResultsError
from wwm_models.report import table_files as tables_as_text
from wwm_models.report.chart_files import written
from wwm_models.report.charts import Row, axis_of, colours_of, on
from wwm_models.report.numbers import Numbers
from wwm_models.report.page import report_of
from wwm_models.report.report_files import drawing, left_out, rewrite_report, write_report
from wwm_models.report.table_files import write_tables
from wwm_models.report.tables import Column, Line, Table
from wwm_models.report.text import Words, clean, plain
from wwm_models.results.atomic_files import write_table
from wwm_models.results.results import stored_results, verify_results, write_labels, write_manifest
from wwm_models.stages import AllOrNothing


@pytest.fixture(scope="module")
def folders(tmp_path_factory, make):
    """The same run written in both languages."""
    found = {}
    for lang in ("nl", "en", "de"):
        folder = tmp_path_factory.mktemp(lang)
        write_report(make(lang=lang, bayes=False), folder)
        found[lang] = folder
    return found


def test_every_figure_is_drawn_as_svg_and_png_and_every_table_in_four_formats(folders):
    names = {path.relative_to(folders["nl"]).as_posix() for path in folders["nl"].rglob("*") if path.is_file()}
    figures = {f"figures/figure-{number}.{ending}" for number in (1, 2, 3) for ending in ("svg", "png")}
    tables = {
        f"tables/figure-{number}--{by}.{ending}"
        for number in (1, 2, 3)
        for by in ("age_group", "household")
        for ending in ("html", "tex", "md", "docx")
    }
    assert names == {"report.html"} | figures | tables | {
        f"tables/claims.{ending}" for ending in ("html", "tex", "md", "docx")
    }


@pytest.mark.parametrize("lang", ["nl", "en", "de"])
def test_files_beside_the_page_are_in_one_language_say_synthetic_and_fetch_nothing(folders, lang):
    word = {"nl": "SYNTHETISCH", "en": "SYNTHETIC", "de": "SYNTHETISCH"}[lang]
    for path in sorted(folders[lang].rglob("*.*")):
        if path.suffix not in (".svg", ".html", ".tex", ".md") or path.name == "report.html":
            continue
        text = path.read_text(encoding="utf-8")
        assert word in text, path
        assert ("eenpersoonshuishouden" in text) <= (lang == "nl"), path
        assert ("living alone" in text) <= (lang != "nl"), path
        assert not re.search(r"https?:(?!//www\.w3\.org/)|<script|url\((?!#)|@import", text), path


def test_a_drawn_figure_writes_the_numbers_of_its_rows(folders, make):
    root = ElementTree.parse(folders["en"] / "figures" / "figure-1.svg").getroot()
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    rows = make().tables["comparison"].query("model == 'desired' and estimand == 'household-adjusted'")
    numbers = Numbers("en")
    for row in rows.to_dict(orient="records"):
        assert f"{numbers.percent(row['raw'])} → {numbers.percent(row['adjusted_likelihood'])}" in texts


def test_a_png_is_made_for_print(folders):
    from PIL import Image

    for number in (1, 2, 3):
        with Image.open(folders["en"] / "figures" / f"figure-{number}.png") as picture:
            assert picture.width > 1500
            assert picture.info["dpi"][0] == pytest.approx(216, abs=1)


@pytest.mark.parametrize("lang", ["nl", "en", "de"])
def test_the_formats_of_a_table_hold_the_same_cells(folders, make, lang):
    """Every adjusted number with its limits, as Markdown, LaTeX, HTML and Word write it."""
    rows = make().tables["comparison"].query("model == 'desired' and estimand == 'household-adjusted'")
    numbers = Numbers(lang)
    folder = folders[lang] / "tables"
    with zipfile.ZipFile(folder / "figure-1--age_group.docx") as document:
        word = re.sub(r"<[^>]+>", "|", document.read("word/document.xml").decode())
    others = [
        (folder / f"figure-1--age_group.{ending}").read_text(encoding="utf-8") for ending in ("md", "tex", "html")
    ]
    for row in rows.to_dict(orient="records"):
        value, low, high = (numbers.percent(row[f"adjusted_likelihood{part}"]) for part in ("", "_lower", "_upper"))
        for text in (word, *others):
            assert f"{value} ({low}–{high})" in text


def test_labels_are_escaped_in_every_format(make, tmp_path):
    results = make(bayes=False)
    label = "50% & _x_ | <b>$#{}\\"
    figures = [{**one, "nl": label, "en": label} for one in results.declared["figures"][:1]]
    write_report(replace(results, declared={**results.declared, "figures": figures}), tmp_path)
    markdown, tex, html = (
        (tmp_path / "tables" / f"figure-1--age_group.{ending}").read_text(encoding="utf-8")
        for ending in ("md", "tex", "html")
    )
    assert r"50% & \_x\_ \| \<b\>$#{}\\" in markdown
    assert r"50\% \& \_x\_ | \textless{}b\textgreater{}\$\#\{\}\textbackslash{}" in tex
    assert "50% &amp; _x_ | &lt;b&gt;$#{}\\" in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    "label",
    [
        "long " * 60,
        "w" * 5000,
        "[opt] *star* \\\\ \\end{table}",
        "a\x00b\x1b[31m\ufffe\uffff",
        '=1+1 <script> ]]> & "quoted" |',
    ],
)
def test_a_table_with_any_label_is_written_and_read_back_alike(label, make, tmp_path):
    """Titles longer than a Word property holds, characters that XML forbids, and what LaTeX takes for an argument."""
    words = Words()
    lines = tuple(Line(plain(clean(f"{label}{at}")), (plain(clean(label)),)) for at in range(2))
    table = Table(
        "t",
        plain(clean(label)),
        words["column_group"],
        (Column(plain(clean(label)), wide=True),),
        ((plain(clean(label)), lines),),
    )
    paths = write_tables([table], tmp_path, "en", clean(label), AllOrNothing())
    read = {path.suffix: read_table_file(path) for path in paths}
    assert set(read) == {".html", ".tex", ".md", ".docx"}
    for one in read.values():
        assert [line[1].split() for line in one.lines] == [line.name.of("en").split() for line in lines]
        assert one.caption.split() == clean(label).split()
    assert len(Document(str(tmp_path / "t.docx")).core_properties.title) <= 255


def test_writing_again_gives_the_same_bytes(make, folders, tmp_path):
    again = {path.relative_to(tmp_path): path.read_bytes() for path in write_report(make(bayes=False), tmp_path)}
    assert again == {name: (folders["nl"] / name).read_bytes() for name in again}


def test_word_is_left_out_where_python_docx_is_not_installed(make, tmp_path, monkeypatch):
    found = tables_as_text.importlib.util.find_spec
    monkeypatch.setattr(
        tables_as_text.importlib.util,
        "find_spec",
        lambda name, *place: None if name == "docx" else found(name, *place),
    )
    results = make(bayes=False)
    few = replace(results, declared={**results.declared, "figures": results.declared["figures"][2:]})
    assert not [path for path in write_report(few, tmp_path) if path.suffix == ".docx"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for lang, sentence in (
        (
            "nl",
            'Word-tabellen zijn overgeslagen: python-docx ontbreekt. Verwacht: het extra "word" van dit pakket. Installeer het met: '
            "pip install 'wwm-models[word]'.",
        ),
        (
            "en",
            'Word tables were skipped: python-docx is not installed. Expected: the extra "word" of this package. Install it with: '
            "pip install 'wwm-models[word]'.",
        ),
    ):
        assert escape(sentence) in page
        assert left_out(lang) == sentence


def test_the_page_of_a_finished_run_can_be_written_again_in_the_other_language(make, folders, tmp_path):
    results = make(lang="nl", bayes=False)
    for name, table in results.tables.items():
        write_table(table, tmp_path / f"{name}.csv")
    write_labels(results, tmp_path)
    write_manifest(tmp_path, {"study": results.study})
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")}
    paths = rewrite_report(tmp_path, "en")
    assert verify_results(tmp_path) == []
    for path in paths:
        assert path.read_bytes() == (folders["en"] / path.relative_to(tmp_path)).read_bytes(), path
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")} == before
    assert json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["report"] == {"lang": "en"}


def test_a_table_that_was_changed_by_hand_is_refused(make, tmp_path):
    results = make(bayes=False)
    for name, table in results.tables.items():
        write_table(table, tmp_path / f"{name}.csv")
    write_labels(results, tmp_path)
    write_manifest(tmp_path, {})
    (tmp_path / "claims.csv").write_text("id\n", encoding="utf-8")
    with pytest.raises(ResultsError, match=r"claims\.csv has changed since it was written"):
        rewrite_report(tmp_path)
    (tmp_path / "labels.json").unlink()
    with pytest.raises(ResultsError, match=r"holds no labels\.json, so a page cannot be made from it"):
        stored_results(tmp_path)


@pytest.mark.parametrize(("highest", "end"), [(0.05, 10), (0.2, 20), (0.21, 30), (0.55, 60), (0.81, 100), (1.0, 100)])
def test_the_axis_starts_at_zero_and_holds_every_mark(highest, end):
    assert axis_of([Row("a", raw=0.01, adjusted=0.02, upper=highest)])[0] == end


def test_a_long_label_of_a_drawing_takes_two_lines(make):
    long = "how often one worked from home before the corona crisis"
    results = make(lang="en")
    variables = {**results.variables, "desired": replace(results.variables["desired"], en=long)}
    report = report_of(replace(results, variables=variables))
    figure = next(figure for figure in report.figures if figure.kind == "paired")
    svg, _ = written(drawing(figure, figure.blocks[0], report))
    assert "…" not in svg
    assert {"how often one worked from", "home before the corona crisis"} <= set(re.findall(r">([^<>]+)</t", svg))


@pytest.mark.parametrize("diverging", [True, False])
@pytest.mark.parametrize("count", [2, 3, 4, 5, 7, 9, 12])
def test_colours_of_answers_differ_and_what_is_written_on_them_can_be_read(count, diverging):
    colours = colours_of(count, diverging=diverging)
    assert len(set(colours)) == count
    for colour in colours:
        assert _contrast(colour, on(colour)) >= 4.5


def _contrast(one: str, other: str) -> float:
    light = sorted((_luminance(one), _luminance(other)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
