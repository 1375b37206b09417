"""What article.toml may say: printed numbers are percentages from 0 to 100, not shares."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wwm_models.claims.article import Article, read_article
from wwm_models.claims.claim_kinds import CLAIM_KINDS as KINDS
from wwm_models.errors import ArticleError, WwmError


def written(folder: Path, *values: str, claims: str = "") -> Article:
    """An article with these printed numbers; an empty text is a slot without one."""
    rows = "".join(
        f'[[published]]\nid = "P{place}"\noutcome = "y"\ncategory = "a{place}"\n{value and f"value = {value}"}\n'
        for place, value in enumerate(values)
    )
    (folder / "article.toml").write_text(f'[article]\ntitle = "A"\n{rows}{claims}', encoding="utf-8")
    return read_article(folder / "article.toml")


def claim(kind: str, keys: str) -> str:
    return f'[[claim]]\nid = "C1"\nkind = "{kind}"\n{keys}\n'


AT = 'at = { outcome = "y", category = "a" }'


@pytest.mark.parametrize("values", [["0.65"], ["0.65", "0.35", "", "1.0"], ["0", "0.65", "1"]])
def test_an_article_of_shares_is_refused_with_the_percentage_to_write(tmp_path: Path, values: list[str]):
    with pytest.raises(ArticleError, match=r"between 0 and 1 .* from 0 to 100\. Write 65 for 0\.65\."):
        written(tmp_path, *values)


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("value", f"{AT}\nvalue = 0.5"),
        ("bound", f"{AT}\nabove = 0.5"),
        ("range", f"{AT}\nlower = 0.2\nupper = 0.5"),
        ("all", f'parts = [{{ kind = "bound", {AT}, below = 0.5 }}]'),
    ],
)
def test_claims_in_shares_are_refused_too(tmp_path: Path, kind: str, keys: str):
    with pytest.raises(ArticleError, match=r"Write 50 for 0\.5\."):
        written(tmp_path, claims=claim(kind, keys))


def test_a_percentage_below_one_is_one_where_others_are_above_it(tmp_path: Path):
    assert [number.value for number in written(tmp_path, "0.4", "65").published] == [0.4, 65.0]
    assert written(tmp_path, "0.4", claims=claim("bound", f"{AT}\nabove = 50")).claims
    assert [number.value for number in written(tmp_path, "0", "1", "").published] == [0.0, 1.0, None]


def test_a_ratio_and_a_margin_are_no_percentages(tmp_path: Path):
    between = 'between = [{ outcome = "y", category = "a" }, { outcome = "y", category = "b" }]'
    sides = 'numerator = { outcome = "y", category = "a" }\ndenominator = { outcome = "y", category = "b" }'
    assert written(tmp_path, claims=claim("ratio", f"{sides}\nlower = 0.5\nupper = 0.9")).claims
    assert written(tmp_path, claims=claim("equivalence", f"{between}\nmargin = 0.5")).claims


def test_the_page_on_articles_gives_every_kind_with_its_keys():
    page = (Path(__file__).resolve().parents[3] / "docs" / "howto" / "article.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:5] for line in page.splitlines() if line.startswith("| `")]
    told = {kind.strip(" `"): (_names(keys), _names(optional)) for kind, _, keys, optional in rows}
    assert told.keys() == KINDS.keys()
    for kind, about in KINDS.items():
        needed, allowed = about.required, about.optional
        either = {"above", "below"} if kind == "bound" else set()
        assert told[kind] == (set(needed) | either, set(allowed) - either)


def _names(cell: str) -> set[str]:
    return set(re.findall("`([a-z]+)`", cell))


TWO = 'between = [{ outcome = "y", category = "a" }, { outcome = "y", category = "b" }]'
SIDES = 'numerator = { outcome = "y", category = "a" }\ndenominator = { outcome = "y", category = "b" }'
ORDER = 'greater = { outcome = "y", category = "a" }\nlesser = { outcome = "y", category = "b" }'
TWICE = "it names y = a (everyone) twice. Expected each percentage once. Name another answer, question or group, or remove one."
IMPOSSIBLE = {
    "range": (
        f"{AT}\nlower = 60\nupper = 40",
        "lower = 60 and upper = 40. Expected the smaller number as `lower`. Exchange them.",
    ),
    "value": (f"{AT}\nvalue = 400", "`value` is 400. Expected a number from 0 to 100. Repair that line."),
    "value true": (f"{AT}\nvalue = true", "`value` is True. Expected a number, without quotes. Repair that line."),
    "value text": (f'{AT}\nvalue = "35%"', "`value` is '35%'. Expected a number, without quotes. Repair that line."),
    "bound": (
        f"{AT}\nabove = 100",
        "no possible percentage (0 to 100) agrees with it. Expected a claim that numbers can agree with. Write other limits.",
    ),
    "bound below nothing": (
        f"{AT}\nbelow = 0",
        "no possible percentage (0 to 100) agrees with it. Expected a claim that numbers can agree with. Write other limits.",
    ),
    "range of all": (
        f"{AT}\nlower = 0\nupper = 100",
        "every possible percentage (0 to 100) agrees with it. Expected a claim that numbers can contradict. Write other limits.",
    ),
    "order beyond all": (
        f"{ORDER}\nmargin = 100",
        "no possible difference of two percentages (-100 to 100) agrees with it. Expected a claim that numbers can agree with. Write other limits.",
    ),
    "equivalence of all": (
        f"{TWO}\nmargin = 100",
        "every possible difference of two percentages (-100 to 100) agrees with it. Expected a claim that numbers can contradict. Write other limits.",
    ),
    "ratio of all": (
        f"{SIDES}\nlower = 0",
        "every possible ratio (0 or more) agrees with it. Expected a claim that numbers can contradict. Write other limits.",
    ),
    "order with itself": (ORDER.replace('"b"', '"a"'), TWICE),
    "ratio with itself": (SIDES.replace('"b"', '"a"') + "\nlower = 2", TWICE),
    "equivalence with itself": (TWO.replace('"b"', '"a"') + "\nmargin = 5", TWICE),
    "count of one twice": (TWO.replace('"b"', '"a"') + "\nn = 40", TWICE),
    "order with itself, in a group": (
        'greater = { outcome = "y", category = "a", group = { g = "1", h = "2" } }\n'
        'lesser = { outcome = "y", category = "a", group = { h = "2", g = "1" } }',
        "it names y = a (g 1, h 2) twice. Expected each percentage once. Name another answer, question or group, or remove one.",
    ),
    "value without words": (
        f'{AT}\nvalue = 3\nen = " "',
        "`en` is ' '. Expected a text between quotes, which is not empty. Repair that line.",
    ),
    "value rounded oddly": (
        f'{AT}\nvalue = 3\nrounding = "whole"',
        'rounding = "whole". Expected one of: integer, decimal, none. Write one of these.',
    ),
    "order": (f"{ORDER}\nmargin = -5", "`margin` is -5. Expected a number from 0 to 100. Repair that line."),
    "equivalence": (f"{TWO}\nmargin = -1", "`margin` is -1. Expected a number from 0 to 100. Repair that line."),
    "equivalence one": (
        f"between = [{AT[5:]}]\nmargin = 5",
        "`between` names 1 percentages. Expected two or more, since an equality compares them. Add the others.",
    ),
    "ratio": (
        SIDES,
        "a ratio without limits is true of any two numbers. Expected `lower`, `upper` or both. Write how many times at least or at most.",
    ),
    "count": (f"{TWO}\nn = -4", "`n` is -4. Expected a whole number of zero or more. Repair that line."),
    "count part": (f"{TWO}\nn = 4.5", "`n` is 4.5. Expected a whole number of zero or more. Repair that line."),
    "all": (
        "parts = []",
        "`parts` is empty. Expected one or more claims that hold together. Add them, or write what is `missing`.",
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_claim_that_no_data_could_make_true_or_false_is_refused(tmp_path: Path, name: str):
    keys, said = IMPOSSIBLE[name]
    with pytest.raises(WwmError) as problem:
        written(tmp_path, "65", claims=claim(name.split()[0], keys))
    assert str(problem.value) == f"{tmp_path / 'article.toml'} [[claim]] C1: {said}"


def test_two_numbers_for_one_slot_are_refused_and_twice_the_same_is_one(tmp_path: Path):
    row = '[[published]]\nid = "{0}"\noutcome = "y"\ncategory = "a"\nvalue = {1}\n'
    path = tmp_path / "article.toml"
    path.write_text(f'[article]\ntitle = "A"\n{row.format("P1", 62)}{row.format("P2", 62)}', encoding="utf-8")
    assert len(read_article(path).published) == 2
    path.write_text(f'[article]\ntitle = "A"\n{row.format("P1", 62)}{row.format("P2", 63)}', encoding="utf-8")
    with pytest.raises(ArticleError) as problem:
        read_article(path)
    assert str(problem.value) == (
        f"{path}: P1 and P2 print 62 and 63 for y = a (everyone). Expected one number for a group and an answer. Remove the one that is mistyped; "
        "if the article prints both, make one of them a claim of kind value."
    )
