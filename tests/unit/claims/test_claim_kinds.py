"""A kind of claim is one record: everything else about it follows, from the file to the verdict and the bounds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.claims.article import Article, Claim, Published, Reference
from wwm_models.claims.claim_kinds import CLAIM_KINDS, DIFFERENCE, RATIO, ClaimedRange, ClaimKind
from wwm_models.claims.fragility import satisfies
from wwm_models.claims.verdicts import printed_verdict
from wwm_models.identification.joint_table import Margins

FAR = ClaimKind(
    ("one", "other", "least"),
    (),
    lambda numbers, _: ClaimedRange(numbers["least"], float("inf"), strict=False),
    lambda _: [("one", "other")],
)
YOUNG, OLD = Reference("wish", "yes", (("age", "young"),)), Reference("wish", "yes", (("age", "old"),))

ARTICLE = """
[article]
title = "Who"
[[claim]]
id = "C1"
kind = "far"
one = {{ outcome = "wish", category = "yes", group = {{ age = "young" }} }}
other = {{ outcome = "wish", category = "yes", group = {{ age = "old" }} }}
least = {least}
"""


def claim(least: float) -> Claim:
    return Claim("C1", "far", references={"one": YOUNG, "other": OLD}, numbers={"least": least})


@pytest.mark.parametrize(
    ("least", "verdict", "allowed"), [(5.0, "holds", "holds as printed"), (70.0, "reverses", "survives no adjustment")]
)
def test_a_new_kind_is_judged_wherever_claims_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: float, verdict: str, allowed: str
):
    monkeypatch.setitem(CLAIM_KINDS, "far", FAR)
    (tmp_path / "article.toml").write_text(ARTICLE.format(least=least), encoding="utf-8")
    assert wwm.read_article(tmp_path / "article.toml").claims == (claim(least),)
    frame = pd.DataFrame(
        {"wish": ["yes"] * 160 + ["no"] * 40 + ["yes"] * 40 + ["no"] * 160, "age": ["young"] * 200 + ["old"] * 200}
    )
    raw = wwm.raw(wwm.Survey.from_frame(frame, weight=None), "wish", by="age")
    found = wwm.compare(Article(claims=(claim(least),)), raw=raw, adjusted={"likelihood": raw}, lang="en")
    assert found.claims["verdict"].tolist() == [verdict]
    printed = {at: Published("P", at, value, "integer", "") for at, value in ((YOUNG, 80.0), (OLD, 20.0))}
    assert printed_verdict(claim(least), printed) == verdict
    assert satisfies(claim(least), {YOUNG.key: 0.8, OLD.key: 0.2}) is (verdict == "holds")
    margins = Margins(
        "age", "home", pd.DataFrame([[25.0, 25.0], [25.0, 25.0]], index=["young", "old"], columns=["alone", "both"]),
        answers={"wish": ("no", "yes"), "age": ("young", "old"), "home": ("alone", "both")},
    )  # fmt: skip
    article = Article(published=tuple(printed.values()), claims=(claim(least),))
    table = wwm.bounds(article, margins, deltas=[0.0]).table
    assert allowed in table.loc[table["id"] == "C1", "verdict"].iloc[0]


@pytest.mark.parametrize("kind", sorted(CLAIM_KINDS))
def test_the_page_has_words_for_every_kind(kind: str):
    text = "".join(path.read_text("utf-8") for path in (Path(wwm.__file__).parent / "report").rglob("*.toml"))
    assert f"kind_{kind} =" in text
    assert f"rule_{kind}" in text


@pytest.mark.parametrize(
    ("kind", "numbers", "ends"),
    [("bound", {"above": 1.0}, ["above"]), ("ratio", {"upper": 2.0, "lower": 1.0}, ["lower", "upper"]), ("range", {"lower": 1.0, "upper": 2.0}, []), ("order", {"margin": 1.0}, [])],
)  # fmt: skip
def test_a_rule_is_worded_by_the_ends_that_may_be_left_out(kind: str, numbers: dict[str, float], ends: list[str]):
    assert CLAIM_KINDS[kind].ends(numbers) == ends


def test_a_quantity_of_exact_numbers_is_its_interval():
    for arithmetic in (DIFFERENCE, RATIO):
        for shares in ([0.62], [0.62, 0.31]):
            percent = [(100 * share, 100 * share) for share in shares]
            assert arithmetic.limits(percent) == pytest.approx((arithmetic.value(shares),) * 2)
