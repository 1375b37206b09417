"""Nothing gets out of the page, and no label gets out of its place."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from wwm_models.messages import collected, condition, say
from wwm_models.report.numbers import rows_of
from wwm_models.report.page import render_page
from wwm_models.report.sections import moved_table, number_name
from wwm_models.report.text import Labels
from wwm_models.results.results import Results, stored_results, write_labels, write_manifest
from wwm_models.survey.survey import Collapse, Level, Variable

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}</style></title>\x00\x1b\u202e\ud800 😀 "
    + "שלום " * 40
)


def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def test_the_policy_allows_our_style_and_scripts_by_hash_and_nothing_else(make, carried):
    page = render_page(make())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    styles = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    scripts = [carried(page)["library"], *re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)]
    directives = dict(part.strip().split(" ", 1) for part in policy.group(1).replace("&#39;", "'").split(";"))
    assert directives == {
        "default-src": "'none'", "script-src": " ".join(_digest(script) for script in scripts), "style-src": _digest(styles[0]),
        "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip
    assert (len(styles), len(scripts)) == (1, 2)


def test_nothing_is_fetched_and_no_style_or_handler_stands_in_an_element(make, whole):
    page = re.sub(r"<(style|script)[^>]*>.*?</\1>", "", whole(render_page(make())), flags=re.DOTALL)
    assert not re.search(
        r"https?:|//[a-z]|<link|<img|<iframe|url\(|@import|\sstyle=|\son\w+=", page, flags=re.IGNORECASE
    )
    targets = re.findall(r'href="([^"]*)"', page)
    assert all(target.startswith("#") or target.endswith((".csv", ".json")) for target in targets)


@pytest.mark.parametrize("hostile", [False, True])
def test_links_and_descriptions_lead_somewhere_and_ids_are_unique(make, whole, hostile):
    page = whole(render_page(_hostile(make()) if hostile else make()))
    page = re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.DOTALL)
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'href="#([^"]*)"', page) + re.findall(r'aria-controls="([^"]*)"', page)
    wanted += [one for several in re.findall(r'aria-labelledby="([^"]*)"', page) for one in several.split()]
    assert set(wanted) <= set(ids)


def _hostile(results: Results) -> Results:
    """The run with a hostile text in every place a study can put one."""
    variables = {
        name: replace(variable, nl=HOSTILE + name, en=HOSTILE + name, levels=tuple(Level(level.id, HOSTILE + level.id, HOSTILE + level.id) for level in variable.levels))
        for name, variable in results.variables.items()
    }  # fmt: skip
    columns = (
        "statement",
        "where",
        "reason",
        "status",
        "message",
        "check",
        "published",
        "id",
        "cause",
        "unit",
        "detail",
        "narrows_most",
        "against",
        "part",
        "axis",
    )
    tables = {
        name: table.assign(**{column: HOSTILE.replace("\ud800", "") + table[column].fillna("").astype(str) for column in columns if column in table and name != "comparison"})
        for name, table in results.tables.items()
    }  # fmt: skip
    for name, column in (
        ("claims", "id"),
        ("fragility", "id"),
        ("precision", "status"),
    ):  # what decides where a row stands
        tables[name][column] = results.tables[name][column]
    declared = {**results.declared}
    declared["claims"] = [{**one, "nl": HOSTILE, "en": HOSTILE} for one in declared["claims"]]
    declared["figures"] = [{**one, "nl": HOSTILE, "en": HOSTILE, "where": HOSTILE} for one in declared["figures"]]
    declared["models"] = {name: {**of, "formula": HOSTILE} for name, of in declared["models"].items()}
    return replace(
        results, study=HOSTILE, title=HOSTILE, tables=tables, variables=variables, declared=declared,
        collapses={name: replace(collapse, nl=HOSTILE, en=HOSTILE) for name, collapse in results.collapses.items()},
        models={name: {"nl": HOSTILE, "en": HOSTILE} for name in results.models},
        settings={**results.settings, HOSTILE: HOSTILE, "data_file": HOSTILE, "survey_title": HOSTILE},
    )  # fmt: skip


def test_no_label_escapes_its_place(make, whole):
    plain, hostile = whole(render_page(make())), whole(render_page(_hostile(make())))
    assert "&lt;script&gt;" in hostile
    assert "{{7*7}}" in hostile
    assert not re.search("[\x00-\x08\x0e-\x1f\u202a-\u202e\ud800-\udfff]", hostile)
    for tag in ("<td", "<tr", "<section", "<details", "<script", "<style", "<img", "</title"):
        assert hostile.count(tag) == plain.count(tag), tag


@pytest.mark.parametrize("width", [375, 1280])
def test_hostile_labels_neither_run_nor_break_the_layout(make, opened, tmp_path, width, write):
    page = opened(write(_hostile(make()), tmp_path), width=width, fragment="by=both")
    assert page.said == []
    assert len(page.asked) == 1
    assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for form in ("stacked", "table"):
        page.tab.locator(f'input[name="form"][value="{form}"]').check(force=True)
        page.settled()
        assert page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), form
    assert page.said == []


def test_a_long_label_is_cut_for_the_eye_and_whole_in_the_title(make, whole):
    results = make()
    long = "zeer lang " * 30
    page = render_page(replace(results, models={**results.models, "desired": {"nl": long, "en": long}}))
    assert f'title="{long}"' in page
    assert "zeer lang…" in page


def test_two_groups_of_one_label_are_two_lines():
    rows = [
        {
            "outcome": "y",
            "category": "yes",
            "group": f"g={level}",
            "part": "difference",
            "percentage_points": 1.0,
            "_table": "decomposition",
            "_row": row,
        }
        for row, level in enumerate("ab")
    ]
    same = Variable("g", "nominal", tuple(Level(level, "een", "one") for level in "ab"))
    labels = Labels(Results("s", "t", False, "en", {}, {"g": same}, {}, {}))
    ((_, lines),) = moved_table("moved", rows, labels).groups
    assert len(lines) == 2
    one, two = "a" * 100 + "one", "a" * 100 + "two"
    longer = [{**row, "group": f"g={level}"} for row, level in zip(rows, (one, two), strict=True)]
    ((_, lines),) = moved_table("moved", longer, labels).groups
    assert len(lines) == 2


def test_labels_in_further_languages_are_stored_and_shown(tmp_path):
    """English stands in where a further language has none."""
    levels = (Level("a", "een", "one", (("de", "eins"),)), Level("b", "twee", "two"))
    variable = Variable("g", "nominal", levels, "vraag", "question", (("de", "Frage"),))
    both = Collapse("c", "g", ("a", "b"), "beide", "both", (("de", "beides"),))
    results = Results("s", "t", False, "en", {}, {"g": variable}, {"c": both}, {})
    write_labels(results, tmp_path)
    write_manifest(tmp_path, {})
    found = stored_results(tmp_path, needed=())
    assert (found.variables, found.collapses) == (results.variables, results.collapses)
    labels = Labels(found)
    shown = (labels.variable("g"), *(labels.category("g", one) for one in "abc"))
    assert [text.of("de") for text in shown] == ["Frage", "eins", "two", "beides"]


def test_a_number_in_a_sentence_says_its_answer_and_its_group_however_long_their_labels_are(make):
    results = make()
    variables = {
        name: replace(one, levels=tuple(Level(level.id, *[level.id + " lang" * 200] * 2) for level in one.levels))
        for name, one in results.variables.items()
    }
    labels = Labels(replace(results, variables=variables, collapses={}))
    for row in rows_of(results, "comparison"):
        said = number_name(row, labels).of("en")
        assert len(said) < 300
        assert f": {row['category']}" in said
        assert str(row["group"]).partition("=")[2].partition(";")[0] in said.partition(" · ")[2]


@pytest.mark.parametrize(
    ("written", "dutch"),
    [
        ("household is known", "niet waar: huishoudenssamenstelling is bekend"),
        ("household is known and not (desired > 2 or desired != 'not')", "niet waar: huishoudenssamenstelling is bekend en niet (hoe vaak men thuis wil werken > 2 of hoe vaak men thuis wil werken != 'not')"),
        ("household == 'single'", "niet waar: huishoudenssamenstelling: eenpersoonshuishouden"),
    ],
)  # fmt: skip
def test_a_condition_is_in_one_language(make, written, dutch):
    with collected():
        sentence = say("not_true", condition=condition(written))
        said = Labels(make()).said(sentence)
    assert sentence == f"not true: {written}"
    assert said.of("nl") == dutch
    assert said.of("en").startswith("not true: household composition")
    assert said.of("de").startswith(
        "trifft nicht zu: household composition"
    )  # a study without German is read in English
