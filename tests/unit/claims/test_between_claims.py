"""What the ledger says of claims beside each other: contradictions, tests that count once; and of margins and levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from article_inventions import at, order, pool

from wwm_models.claims.article import Article, Claim, as_plain, read_article
from wwm_models.claims.comparison import claims_table
from wwm_models.claims.contradictions import contradicting, contradictions
from wwm_models.claims.verdicts import Sources, judge
from wwm_models.errors import ArticleError
from wwm_models.messages import LANGUAGES
from wwm_models.report.ledger import ledger
from wwm_models.report.sections import tally


def of(kind: str, named: dict[str, str], **numbers: float) -> Claim:
    return Claim("", kind, references={role: at(group) for role, group in named.items()}, numbers=numbers)


def more(a: str, b: str, margin: float = 0.0, below: float = 0.0) -> Claim:
    return of("order", {"greater": a, "lesser": b}, margin=margin, **({"below": below} if below else {}))


def equal(*groups: str, margin: float) -> Claim:
    return of("equivalence", {f"between.{n}": group for n, group in enumerate(groups)}, margin=margin)


def both(*parts: Claim) -> Claim:
    return Claim("", "all", parts=parts)


TWICE = {"numerator": "a", "denominator": "b"}
AGAINST = {
    "somewhat and clearly": (more("a", "b", 0, 5), more("a", "b", 5), True),
    "clearly alone": (more("a", "b", 0, 6), more("a", "b", 5), False),
    "one order and the other": (more("a", "b"), more("b", "a"), True),
    "an order and no difference": (more("a", "b", 6), equal("a", "b", margin=5), True),
    "an order and little difference": (more("a", "b", 4), equal("a", "b", margin=5), False),
    "numbers that round apart": (of("value", {"at": "a"}, value=62), of("value", {"at": "a"}, value=64), True),
    "numbers that may round alike": (of("value", {"at": "a"}, value=62), of("value", {"at": "a"}, value=63), False),
    "a bound and a number": (of("bound", {"at": "a"}, above=50), of("about", {"at": "a"}, value=25, tolerance=3), True),
    "twice as many, and fewer": (of("about_ratio", TWICE, value=2, tolerance=0.5), more("b", "a"), True),
    "three ratios apart": (of("ratio", TWICE, lower=3), of("ratio", TWICE, upper=2), True),
    "a ratio and numbers": (both(of("value", {"at": "a"}, value=40), of("value", {"at": "b"}, value=30)), of("ratio", TWICE, lower=1.5), True),
    "a chain of orders": (both(more("a", "b"), more("b", "c")), more("c", "a"), True),
    "a chain with a step": (both(more("a", "b", 30), more("b", "c", 30)), more("a", "c", 0, 50), True),
    "other numbers": (more("a", "b"), more("c", "d"), False),
    "a difference of differences and its parts": (
        of("difference_of_differences", {"greater.0": "a", "greater.1": "b", "lesser.0": "c", "lesser.1": "d"}, margin=5),
        both(more("b", "a"), more("c", "d")), True),
    "counts": (of("count", {"between.0": "a"}, n=100), of("count", {"between.0": "a"}, n=90), True),
}  # fmt: skip


def named(*claims: Claim) -> Article:
    made = [Claim(f"C{n}", c.kind, references=c.references, numbers=c.numbers, parts=c.parts) for n, c in enumerate(claims, 1)]  # fmt: skip
    return Article(claims=tuple(made))


@pytest.mark.parametrize(("one", "other", "against"), AGAINST.values(), ids=AGAINST)
def test_claims_contradict_where_no_numbers_agree_with_both(one: Claim, other: Claim, against: bool):
    assert contradictions(named(one, other)) == ([("C1", "C2")] if against else [])


@pytest.mark.parametrize("seed", range(5))
def test_claims_that_some_numbers_agree_with_do_not(seed: int):
    """Every claim is made true of one set of numbers, so that no two contradict each other."""
    rng = np.random.default_rng(seed)
    share = dict(zip("abcdef", rng.uniform(1, 99, 6), strict=True))
    claims: list[Claim] = []
    for _ in range(6):
        a, b = rng.choice(list("abcdef"), 2, replace=False)
        a, b = (a, b) if share[a] > share[b] else (b, a)
        gap, ratio = share[a] - share[b], share[a] / share[b]
        claims += [more(a, b, gap - 0.5), more(a, b, 0, gap + 0.5), equal(a, b, margin=gap + 0.5)]
        claims += [of("ratio", {"numerator": a, "denominator": b}, lower=ratio * 0.9, upper=ratio * 1.1)]
        claims += [of("value", {"at": a}, value=round(share[a]))]
    assert contradictions(named(*claims)) == []


def test_a_claim_that_contradicts_itself_is_named_once():
    article = named(both(more("a", "b"), more("b", "a")), more("a", "b"))
    assert contradictions(article) == [("C1", "C1")]
    assert contradicting(article) == {"C1": ("C1",)}


def test_the_ledger_says_which_claims_contradict_each_other():
    article = named(more("a", "b", 0, 5), more("a", "b", 5), both(more("c", "d"), more("d", "c")))
    found = claims_table(article, {"": Sources(pool({"a": 53.0, "b": 50.0, "c": 1.0, "d": 2.0}))}, "en")
    told = [reason.rpartition("; ")[2] for reason in found["reason"]]
    assert told == [
        "the article contradicts itself: no numbers agree with both this statement and C2",
        "the article contradicts itself: no numbers agree with both this statement and C1",
        "this statement contradicts itself: no numbers agree with all of it",
    ]


def test_of_two_one_sided_tests_the_level_stands_beside_the_interval():
    """The page's intervals are of 95%; the ends of an order's are one-sided 5% limits, an interval of 90%."""
    numbers = Sources(pool({"a": 60.0, "b": 50.0}), pool({"a": 58.0, "b": 50.0}))
    half = 1.6448536 * np.sqrt(2)
    limits = [f"{gap:.1f} [{gap - half:.1f}, {gap + half:.1f}] (90%)" for gap in (10.0, 8.0)]
    label = "y = yes (g a) minus y = yes (g b)"
    assert judge(order("a", "b"), numbers).reason == f"{label}: raw {limits[0]}, adjusted {limits[1]}"
    single = Claim("C", "bound", references={"at": at("a")}, numbers={"above": 40.0})
    assert judge(single, numbers).reason == "y = yes (g a): raw 60.0 [58.0, 62.0], adjusted 58.0 [56.0, 60.0]"


@pytest.mark.parametrize(
    ("gap", "margin", "verdict", "told"),
    [
        (1.0, 5.0, "holds", "the smallest margin that these intervals would have shown is 3.3 points"),
        (1.0, 2.0, "undecided", "the smallest margin that these intervals would have shown is 3.3 points; a margin of 2 could not be shown even if there were no "
         "difference at all: the widest interval reaches 2.3 points to either side"),
        (1.0, 3.0, "undecided", "the smallest margin that these intervals would have shown is 3.3 points"),
    ],
)  # fmt: skip
def test_of_an_equality_the_smallest_margin_that_could_be_shown_is_given(gap: float, margin: float, verdict: str, told: str):  # fmt: skip
    """1 + 1.645 * 1.414 = 3.33: with that margin it just holds, with a little less it does not."""
    numbers = Sources(pool({"a": 50.0 + gap, "b": 50.0}), pool({"a": 50.0 + gap, "b": 50.0}))
    found = judge(equal("a", "b", margin=margin), numbers)
    assert found.verdict == verdict
    assert found.reason.partition("; ")[2] == told
    reached = gap + 1.64485362695 * np.sqrt(2)
    assert judge(equal("a", "b", margin=reached + 1e-6), numbers).verdict == "holds"
    assert judge(equal("a", "b", margin=reached - 1e-6), numbers).verdict == "undecided"
    assert "smallest margin" not in judge(more("a", "b"), numbers).reason


HEAD = '[article]\ntitle = "A"\n'


def written(path: Path, **within: str) -> Article:
    rows = [
        f'[[claim]]\nid = "{name}"\nkind = "bound"\nat = {{ outcome = "y", category = "{name}" }}\nabove = 50\n{f"counted_in = {value}" if value else ""}\n'
        for name, value in within.items()
    ]
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
    return read_article(path)  # fmt: skip


def test_a_claim_is_counted_in_one_or_several(tmp_path: Path):
    article = written(tmp_path / "article.toml", C1="", C2='"C1"', C3='["C1", "C2"]')
    assert [claim.counted_in for claim in article.claims] == [(), ("C1",), ("C1", "C2")]
    assert [claim["counted_in"] for claim in as_plain(article)["claims"]] == [[], ["C1"], ["C1", "C2"]]
    reasons = claims_table(article, {"": Sources(pool({}))}, "en")["reason"].tolist()
    assert [reason.partition("; ")[2] for reason in reasons] == ["", "counted once, as part of C1", "counted once, as part of C1, C2"]  # fmt: skip


@pytest.mark.parametrize(
    ("within", "told"),
    [
        ({"C10": "", "C11": '"C100"'}, '[[claim]] C11: `counted_in` names "C100". Expected the id of another claim. Did you mean "C10"? Repair it.'),
        ({"C1": '"C1"'}, "[[claim]] C1: `counted_in` leads back to itself (C1), so that none of these would be counted. Expected one that counts. Leave it out there."),
        ({"C1": '"C2"', "C2": '"C3"', "C3": '"C1"'}, "[[claim]] C1: `counted_in` leads back to itself (C1, C2, C3), so that none of these would be counted. Expected one that counts. Leave it out there."),
        ({"C1": '"C2"', "C2": '"C3"', "C3": '"C2"'}, "[[claim]] C2: `counted_in` leads back to itself (C2, C3), so that none of these would be counted. Expected one that counts. Leave it out there."),
    ],
)  # fmt: skip
def test_what_would_count_nowhere_is_refused(tmp_path: Path, within: dict[str, str], told: str):
    with pytest.raises(ArticleError) as refused:
        written(tmp_path / "article.toml", **within)
    assert str(refused.value) == f"{tmp_path / 'article.toml'} {told}"


def test_a_part_is_not_counted_elsewhere(tmp_path: Path):
    path = tmp_path / "article.toml"
    part = '{ kind = "bound", at = { outcome = "y", category = "a" }, above = 50, counted_in = "C2" }'
    path.write_text(f'{HEAD}[[claim]]\nid = "C1"\nkind = "all"\nparts = [{part}]\n', encoding="utf-8")
    with pytest.raises(ArticleError) as refused:
        read_article(path)
    assert str(refused.value) == f"{path} [[claim]] C1 part 1: `counted_in` of a part. Expected it at whole claims. Write it at C1."  # fmt: skip


def test_the_first_screen_counts_a_repeated_test_once():
    """Four statements, of which one repeats another: the sum is of three; the filters of the list hold all."""
    from wwm_models.report.figures import ComparisonRows
    from wwm_models.report.text import Labels

    verdicts = ["holds", "holds", "holds", "undecided"]
    columns = {"id": [f"C{n}" for n in range(1, 5)], "verdict": verdicts, "bayes_probability": np.nan}
    blank = dict.fromkeys(
        ("statement", "where", "kind", "published", "raw_verdict", "likelihood_verdict", "reason"), ""
    )
    labels = Labels(
        _Results(
            pd.DataFrame({**columns, **blank}), [{"id": "C2", "kind": "all", "counted_in": ["C1"], "estimand": ""}]
        )
    )
    found = ledger(ComparisonRows(labels, ()))
    assert [(verdict.word, count) for verdict, count in found.tally] == [("holds", 2), ("undecided", 1)]
    assert [(verdict.word, count) for verdict, count in found.filters] == [("holds", 3), ("undecided", 1)]
    assert found.repeated == 1
    said = str(tally(found, labels.words))
    assert "Of the 3 statements in the article" in said
    assert "1 more statement repeats one of these and is not counted again." in said
    assert "Nog 1 uitspraak herhaalt een van deze en telt niet opnieuw mee." in said
    assert len(LANGUAGES) == 3


class _Results:
    """Only what the ledger reads."""

    def __init__(self, claims: pd.DataFrame, declared: list[dict[str, object]]) -> None:
        self.tables = {"claims": claims}
        self.claims = claims
        self.declared = {"claims": declared}
        self.variables, self.collapses, self.messages, self.models = {}, {}, {}, {}
