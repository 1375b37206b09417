"""What a user reads when the article, the margins or both cannot be used: the whole text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from wwm_models.errors import ArticleError, WwmError
from wwm_models.identification.bounds import bounds
from wwm_models.identification.joint_table import HOW, read_margins
from wwm_models.identification.region import regions
from wwm_models.identification.solve import conflict

CODEBOOK = """
[variables.age]
column = "age"
kind = "ordered"
levels = [ { id = "young", codes = [1], nl = "jong", en = "young" }, { id = "old", codes = [2], nl = "oud", en = "old" } ]
[variables.home]
column = "home"
kind = "nominal"
levels = [ { id = "alone", codes = [1], nl = "alleen", en = "alone" }, { id = "together", codes = [2], nl = "samen", en = "together" } ]
[variables.wish]
column = "wish"
kind = "nominal"
levels = [ { id = "no", codes = [1], nl = "nee", en = "no" }, { id = "yes", codes = [2], nl = "ja", en = "yes" } ]
"""
GOOD = """
[margins]
rows = "age"
columns = "home"
status = "assumption"
unit = "percent"
[table]
young = { alone = 30, together = 20 }
old = { alone = 10, together = 40 }
"""


def written(folder: Path, text: str) -> Path:
    (folder / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    path = folder / "margins.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read(tmp_path: Path):
    margins = read_margins(written(tmp_path, GOOD.replace("[table]", "deltas = [5, 0]\n[table]")))
    assert margins.deltas == (0.0, 0.05)
    assert margins.answers["wish"] == ("no", "yes")
    assert margins.label == "age x home: ASSUMPTION TO REPLACE"
    assert margins.table.loc["old", "together"] == 40.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("rows =", "row ="),
            '{path}, [margins]: unknown key "row". Known keys: rows, columns, status, source, unit, unknown, outside, base, known, deltas, without. Did you mean "rows"?',
        ),
        (
            ('"assumption"', '"guess"'),
            '{path}, [margins]: `status = "guess"` is not known. Expected one of: assumption, measured. Write one of these.',
        ),
        (
            ("young = {", "yuong = {"),
            '{path}, [table]: the row "yuong" is no level of age, which has: young, old. Did you mean "young"? Rename it, or name it in [margins] under `outside` (a row) or `unknown` (a column).',
        ),
        (
            ("old = { alone = 10, together = 40 }", ""),
            "{path}, [table] has no row for old. Expected every level of age and what [margins] names. Add it; write 0 where nobody is.",
        ),
        (
            ("alone = 10, ", ""),
            "{path}, [table], `old`: the key alone is absent. Add it; required keys: alone, together.",
        ),
        (
            ("together = 40", "together = 4"),
            "{path}, [table]: the cells add up to 64 percent. Expected 100, to within half a point. Give shares of everyone, "
            'those of unknown level too, or write unit = "respondents".',
        ),
        (
            ("together = 40", "together = -40"),
            "{path}, [table], `old`: `together` is -40.0. Expected a number of zero or more. Repair that line.",
        ),
        (
            ('unit = "percent"', "deltas = [0, 200]"),
            "{path}, [margins]: `deltas` is [0, 200]. Expected percentage points from 0 to 100, like [0, 5, 10]. Repair that line.",
        ),
        (
            ('unit = "percent"', 'unknown = "not stated"'),
            "{path}, [table] has no column for not stated. Expected every level of home and what [margins] names. Add it; write 0 where nobody is.",
        ),
        (
            ("30, together = 20", '"a", together = 20'),
            "{path}, [table], `young`: `alone` is 'a'. Expected a number, without quotes. Repair that line.",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_repair(tmp_path: Path, change: tuple[str, str], message: str):
    path = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(WwmError) as problem:
        read_margins(path)
    assert str(problem.value) == message.format(path=path)


def test_an_empty_table_of_respondents_is_refused(tmp_path: Path):
    text = GOOD.replace('"percent"', '"respondents"')
    for number in ("30", "20", "10", "40"):
        text = text.replace(f"= {number}", "= 0")
    with pytest.raises(WwmError) as problem:
        read_margins(written(tmp_path, text))
    assert str(problem.value) == (
        f"{tmp_path / 'margins.toml'}, [table]: every cell is 0. Expected the number of respondents in each. Fill the table."
    )


def test_absent_margins_are_explained_with_how_to_write_them(tmp_path: Path):
    with pytest.raises(WwmError) as problem:
        read_margins(tmp_path / "margins.toml")
    assert str(problem.value) == (
        f"{tmp_path / 'margins.toml'}: no such file. Expected the joint distribution of the two exposures, which the printed "
        f"percentages do not give and the bounds need. {HOW}"
    )


@pytest.fixture
def impossible(make: SimpleNamespace):
    """Eight and nine in ten of the ages but half of everyone; P0 (another question) and P4 are innocent."""
    return make.article(
        make.printed("P0", 70, make.place(outcome="before", age="old")),
        make.printed("P1", 80, make.place(age="young")),
        make.printed("P2", 90, make.place(age="old")),
        make.printed("P3", 50, make.place()),
        make.printed("P4", 5, make.place("no", age="young")),
    )


def test_numbers_that_exclude_each_other_are_named_and_no_others(make: SimpleNamespace, impossible):
    with pytest.raises(ArticleError) as problem:
        bounds(impossible, make.margins(answers=("no", "maybe", "yes")))
    assert str(problem.value) == (
        "No table of wish agrees with the margins and all of these printed numbers: P1: 80% wish = yes (age young); P2: 90% wish = yes "
        "(age old); P3: 50% wish = yes (everyone). Expected numbers that one population can have, each within its rounding. Without any "
        "one of them there is a table: check their values, categories and groups in article.toml, and the shares in margins.toml."
    )


def test_a_conflict_is_minimal(make: SimpleNamespace, impossible):
    region = regions(
        impossible, make.margins(answers=("no", "maybe", "yes")), [number.at for number in impossible.published]
    )["wish"]
    found = conflict(region)
    assert [number.id for number in found] == ["P1", "P2", "P3"]
    for number in found:
        others = tuple(other for other in region.printed if other is not number)
        assert conflict(replace(region, printed=others)) == ()


def test_answers_of_one_group_that_add_up_to_more_than_all(make: SimpleNamespace):
    numbers = make.printed("P1", 80, make.place(age="old")), make.printed("P2", 30, make.place("no", age="old"))
    with pytest.raises(ArticleError, match=r"P1: 80% wish = yes \(age old\); P2: 30% wish = no \(age old\)\. Expected"):
        bounds(make.article(*numbers), make.margins())


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            ("yess", {}),
            'The article speaks of wish = yess (everyone), but the answers of wish are: no, yes, some. Did you mean "yes"? Name one of these.',
        ),
        (
            ("yes", {"age": "yung"}),
            'The article speaks of age = "yung", which the margins do not have. Its levels there: young, old. Did you mean "young"? '
            "Name one of these, or add it to the margins.",
        ),
        (
            ("yes", {"outcome": "wisch"}),
            "The article speaks of wisch, whose answers the margins do not hold. Known outcomes: wish, before, age, home. "
            'Did you mean "wish"? Read the margins with the codebook of the study.',
        ),
    ],
)
def test_an_article_that_does_not_fit_the_margins(make: SimpleNamespace, item, message: str):
    category, group = item
    with pytest.raises(ArticleError) as problem:
        bounds(make.article(make.printed("P1", 80, make.place(category, **group))), make.margins())
    assert str(problem.value) == message


def test_a_printed_number_of_a_group_without_weight(make: SimpleNamespace):
    number = make.printed("P1", 80, make.place(age="young", home="together"))
    with pytest.raises(ArticleError) as problem:
        bounds(make.article(number), make.margins([[0.5, 0.0], [0.1, 0.4]]))
    assert str(problem.value) == (
        "P1 prints a percentage of wish = yes (age young, home together), a group that has no weight in the margins. Expected a share "
        "above 0. Repair that cell of the margins, or the group of the number."
    )


def test_margins_are_held_against_the_printed_numbers_of_respondents(make: SimpleNamespace):
    counts = replace(make.margins([[30, 20], [10, 40]]), unit="respondents", base="figure_1")
    assert bounds(make.article(figure_1=100), counts).notes == ()
    with pytest.raises(ArticleError) as problem:
        bounds(make.article(figure_1=110), counts)
    assert str(problem.value) == (
        "The margins add up to 100 respondents where the article prints n = 110 (figure_1). Expected the same number. "
        'Repair the table, or write unit = "percent" if it is weighted.'
    )
    with pytest.raises(ArticleError) as problem:
        bounds(make.article(figure1=110), counts)
    assert str(problem.value) == (
        'The margins say base = "figure_1", which is no n of the article. Known: figure1. Did you mean "figure1"? '
        "Name one of these, or leave `base` out."
    )
    shares = replace(make.margins(), base="figure_1", known="figure_3")
    assert bounds(make.article(figure_1=100, figure_3=90), shares).notes == (
        "0.0% of the margins have no known home; by the printed numbers of respondents it is 10.0%.",
    )
