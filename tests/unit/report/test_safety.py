"""Nothing gets out of the page, and no label gets out of its place."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

from wwm_models.records import Level, Results
from wwm_models.report import render_page


def test_the_policy_allows_our_style_and_nothing_else(make):
    page = render_page(make())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    styles = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert len(styles) == 1
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    directives = dict(part.strip().split(" ", 1) for part in policy.group(1).replace("&#39;", "'").split(";"))
    assert directives == {
        "default-src": "'none'", "style-src": f"'sha256-{digest}'", "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip


def test_nothing_is_fetched_and_nothing_runs(make):
    page = render_page(make())
    assert not re.search(
        r"https?:|//[a-z]|<script|<link|<img|<iframe|url\(|@import|\sstyle=|\son\w+=", page, flags=re.IGNORECASE
    )
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))


def test_links_and_descriptions_lead_somewhere_and_ids_are_unique(make, change):
    for results in (make(), _hostile(make())):
        page = render_page(results)
        ids = re.findall(r'\sid="([^"]*)"', page)
        assert len(ids) == len(set(ids))
        wanted = re.findall(r'href="#([^"]*)"', page)
        wanted += [one for several in re.findall(r'aria-labelledby="([^"]*)"', page) for one in several.split()]
        assert set(wanted) <= set(ids)


HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}</style>\x00\x1b\u202e 😀 " + "שלום " * 40


def _hostile(results: Results) -> Results:
    """The run with a hostile text in every place a study can put one."""
    variables = {
        name: replace(
            variable,
            nl=HOSTILE,
            en=HOSTILE,
            levels=tuple(Level(level.id, HOSTILE, HOSTILE) for level in variable.levels),
        )
        for name, variable in results.variables.items()
    }
    tables = {}
    for name, table in results.tables.items():
        texts_of = [
            column
            for column in ("statement", "where", "reason", "status", "message", "check", "published", "id")
            if column in table
        ]
        tables[name] = table.assign(**{column: HOSTILE for column in texts_of if name != "comparison"})
    return replace(
        results,
        study=HOSTILE,
        title=HOSTILE,
        tables=tables,
        variables=variables,
        collapses={name: replace(collapse, nl=HOSTILE, en=HOSTILE) for name, collapse in results.collapses.items()},
        models={name: {"nl": HOSTILE, "en": HOSTILE} for name in results.models},
        settings={**results.settings, HOSTILE: HOSTILE, "data_file": HOSTILE, "survey_title": HOSTILE},
    )


def test_no_label_escapes_its_place(make):
    page = render_page(_hostile(make()))
    assert "<script" not in page
    assert page.count("</style>") == 1
    assert "&lt;script&gt;" in page
    assert "{{7*7}}" in page
    assert not re.search("[\x00-\x08\x0e-\x1f\u202a-\u202e\ud800-\udfff]", page)
    plain, hostile = render_page(make()), page
    for tag in ("<td", "<tr", "<circle", "<section", "<details"):
        assert hostile.count(tag) == plain.count(tag)


def test_a_long_label_is_cut_for_the_eye_and_whole_in_the_title(make):
    results = make()
    long = "zeer lang " * 20
    variable = results.variables["age_group"]
    levels = (Level("18-34", long, long), *variable.levels[1:])
    page = render_page(replace(results, variables={**results.variables, "age_group": replace(variable, levels=levels)}))
    drawn = re.findall(r'<text y="14">([^<]*)</text>', page)
    assert any(text.endswith("…") for text in drawn)
    assert max(len(text) for text in drawn) <= 46
    assert f'<bdi title="{long}">' in page
    assert f"<title>{long}: ruw" in page


def test_a_study_of_the_size_of_the_article_stays_under_two_megabytes(make):
    assert len(render_page(make(copies=10)).encode()) < 2_000_000
