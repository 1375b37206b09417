"""Groups of several levels in article.toml: read, refused, judged, printed beside raw and adjusted, and written in three languages."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.claims.article import Article, Reference, as_plain, read_article
from wwm_models.errors import WwmError
from wwm_models.estimates.number_key import JoinedLevels, NumberKey, written_levels
from wwm_models.report.text import Labels
from wwm_models.results.results import Results
from wwm_models.study.declarations import check_names, read_study
from wwm_models.survey.survey import Level, Variable

CODEBOOK = """
[variables.wish]
column = "wish"
kind = "ordered"
levels = [{ id = "no" }, { id = "yes" }]
[variables.home]
column = "home"
kind = "nominal"
levels = [{ id = "single", nl = "alleen" }, { id = "couple", nl = "paar" }, { id = "family", nl = "gezin" }, { id = "parent", nl = "ouder" }]
"""
MODEL = 'outcome = "wish"\nfamily = "cumulative"\nexposures = ["home"]\n'
ARTICLE = """
[article]
title = "A"
[[published]]
id = "P1"
outcome = "wish"
category = "yes"
group = {{ home = {home} }}
value = 60
[[claim]]
id = "C1"
kind = "order"
en = "Others more than singles."
greater = {{ outcome = "wish", category = "yes", group = {{ home = {home} }} }}
lesser = {{ outcome = "wish", category = "yes", group = {{ home = "single" }} }}
"""
OTHERS = '["parent", "couple", "family"]'


def study(folder: Path, home: str = OTHERS) -> Path:
    (folder / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    (folder / "wish.toml").write_text(MODEL, encoding="utf-8")
    (folder / "article.toml").write_text(ARTICLE.format(home=home), encoding="utf-8")
    return folder


def people() -> pd.DataFrame:
    homes = ["single"] * 100 + ["couple"] * 60 + ["family"] * 80 + ["parent"] * 20
    yes = [30, 24, 56, 10]
    wish = [answer for n, k in zip((100, 60, 80, 20), yes, strict=True) for answer in ["yes"] * k + ["no"] * (n - k)]
    return pd.DataFrame({"wish": wish, "home": homes})


@pytest.mark.parametrize("written", [OTHERS, '["family", "parent", "couple"]'])
def test_the_order_of_the_levels_does_not_matter(tmp_path: Path, written: str):
    article = read_article(study(tmp_path, written) / "article.toml")
    at = article.claims[0].references["greater"]
    assert at.group == (("home", "couple or family or parent"),)
    assert at.levels == {"home": ("couple", "family", "parent")}
    assert pickle.loads(pickle.dumps(at)).joined
    assert at.key == NumberKey.written("wish", "yes", "home", "home=couple or family or parent")


def test_a_list_of_one_is_that_level(tmp_path: Path):
    article = read_article(study(tmp_path, '["parent"]') / "article.toml")
    assert article.claims[0].references["greater"] == Reference("wish", "yes", (("home", "parent"),))


@pytest.mark.parametrize(
    ("home", "told"),
    [
        ('["couple", "couple"]', " [[published]] P1, `group`: `home` is ['couple', 'couple']. Expected one or more levels, each once, like [\"couple\", \"single_parent\"]. Repair that line."),
        ("[]", " [[published]] P1, `group`: `home` is []. Expected one or more levels, each once, like [\"couple\", \"single_parent\"]. Repair that line."),
        ('["couple", "famly"]', ', line 5 (P1) speaks of the group home = "famly". Its levels: single, couple, family, parent. Did you mean "family"? Name one of these.'),
    ],
)  # fmt: skip
def test_levels_that_cannot_be_joined_are_refused(tmp_path: Path, home: str, told: str):
    with pytest.raises(WwmError) as refused:
        checked(study(tmp_path, home))
    assert str(refused.value) == f"{tmp_path / 'article.toml'}{told}"


def checked(folder: Path) -> None:
    """A study read, and its names held against the codebook."""
    variables = {
        "wish": Variable("wish", "ordered", (Level("no", "", ""), Level("yes", "", ""))),
        "home": Variable("home", "nominal", tuple(Level(one, "", "") for one in ("single", "couple", "family", "parent"))),
    }  # fmt: skip
    check_names(read_study(folder, None, engines=("likelihood",), level=0.95, lang="en"), variables, {})


def test_it_is_printed_beside_raw_and_adjusted_and_judged(tmp_path: Path):
    """Raw and, without adjusters, adjusted: (24 + 56 + 10) of 160."""
    path = tmp_path / "people.csv"
    people().to_csv(path, index=False)
    survey = wwm.read_survey(path, codebook=study(tmp_path) / "codebook.toml")
    article = read_article(tmp_path / "article.toml")
    fit = wwm.fit(wwm.Model("wish ~ home"), survey)
    found = wwm.compare(
        article, raw=wwm.raw(survey, "wish", "home"), adjusted={"likelihood": wwm.adjusted(fit, "home")}
    )
    (row,) = found.table[found.table["group"] == "home=couple or family or parent"].to_dict("records")
    assert [row[name] for name in ("raw", "adjusted_likelihood", "published", "n", "count")] == pytest.approx(
        [90 / 160, 90 / 160, 0.6, 160, 90]
    )
    assert [row["difference"], row["difference_se"]] == pytest.approx([0.0, 0.0], abs=1e-7)
    (claim,) = found.claims.to_dict("records")
    assert (claim["raw_verdict"], claim["verdict"]) == ("holds", "holds")
    assert "wish = yes (home couple or family or parent) minus wish = yes (home single): raw 26.2 [" in claim["reason"]  # fmt: skip


def test_the_page_names_the_levels_in_the_order_of_the_codebook():
    levels = tuple(Level(one, nl, one) for one, nl in (("parent", "ouder"), ("couple", "paar"), ("family", "gezin")))
    labels = Labels(_Results({"home": Variable("home", "nominal", levels)}))
    said = labels.group("home=couple or family or parent")
    assert (said.of("nl"), said.of("en"), said.of("de")) == ("ouder of paar of gezin", "parent or couple or family", "parent oder couple oder family")  # fmt: skip
    assert labels.is_joined("home=couple or parent")
    assert not labels.is_joined("home=couple")


class _Results(Results):
    """Labels need only these."""

    def __init__(self, variables: dict[str, Variable]) -> None:
        object.__setattr__(self, "variables", variables)
        object.__setattr__(self, "collapses", {})


@pytest.mark.parametrize(
    ("written", "known", "levels"),
    [
        ("a or b", ("b", "a", "c"), ("b", "a")),
        ("a or b", ("a or b", "a", "b"), ()),
        ("now or never or b", ("now or never", "b"), ("now or never", "b")),
        ("a or d", ("a", "b"), ()),
        ("a", ("a", "b"), ()),
    ],
)
def test_a_written_group_is_taken_apart_only_into_known_levels(written: str, known: tuple[str, ...], levels: tuple[str, ...]):  # fmt: skip
    assert written_levels(written, known) == levels


def test_an_article_is_stored_with_the_levels_as_tables_name_them(tmp_path: Path):
    plain = as_plain(read_article(study(tmp_path) / "article.toml"))
    assert plain["claims"][0]["references"][0]["group"] == {"home": "couple or family or parent"}
    assert isinstance(JoinedLevels(["a", "b"]), str)


def test_bounds_of_an_article_use_them(tmp_path: Path):
    """Both printed levels of a row are its bounds: with 30 and 10 percent of everyone, 80 and 40 make 70."""
    published = tuple(
        wwm_published(f"P{n}", at, value)
        for n, (at, value) in enumerate([(("home", "couple"), 80.0), (("home", "family"), 40.0)])
    )
    union = Reference("wish", "yes", (("home", JoinedLevels(["couple", "family"])),))
    margins = wwm.identification.Margins(
        "age", "home", pd.DataFrame([[30.0, 15.0, 5.0], [30.0, 15.0, 5.0]], index=["young", "old"], columns=["single", "couple", "family"]),
        answers={"wish": ("no", "yes"), "age": ("young", "old"), "home": ("single", "couple", "family")},
    )  # fmt: skip
    slot = wwm_published("P9", union.group[0], None)
    table = wwm.bounds(Article(published=(*published, slot)), margins, deltas=[]).table.set_index("id")
    assert table.loc["P9", "group"] == "home=couple or family"
    low, high = 0.75 * 0.795 + 0.25 * 0.395, 0.75 * 0.805 + 0.25 * 0.405
    assert np.array([table.loc["P9", "lower"], table.loc["P9", "upper"]], dtype=float) == pytest.approx([low, high], abs=1e-6)  # fmt: skip


def wwm_published(name: str, level: tuple[str, str], value: float | None):
    from wwm_models.claims.article import Published

    return Published(name, Reference("wish", "yes", (level,)), value, "integer", "")
