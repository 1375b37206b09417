"""What article.toml may say: printed numbers are percentages from 0 to 100, not shares."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wwm_models.article import read_article
from wwm_models.article.reader import KINDS, Article
from wwm_models.errors import ArticleError


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
    for kind, (needed, allowed) in KINDS.items():
        either = {"above", "below"} if kind == "bound" else set()
        assert told[kind] == (set(needed) | either, set(allowed) - either)


def _names(cell: str) -> set[str]:
    return set(re.findall("`([a-z]+)`", cell))
