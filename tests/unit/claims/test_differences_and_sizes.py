"""Differences of differences, differences with two ends, and numbers and ratios of about so much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from article_inventions import at, order, pool

import wwm_models as wwm
from wwm_models.claims.article import Article, Claim, Published, Reference, read_article
from wwm_models.claims.claimed_quantities import quantities
from wwm_models.claims.fragility import satisfies
from wwm_models.claims.lookup import pool_of
from wwm_models.claims.verdicts import Sources, judge, printed_verdict
from wwm_models.errors import ArticleError
from wwm_models.identification.joint_table import Margins

FOUR = ("greater.0", "greater.1", "lesser.0", "lesser.1")


def crossed(age: str, home: str) -> Reference:
    return Reference("wish", "yes", (("age", age), ("home", home)))


def differences(references: list[Reference], **numbers: float) -> Claim:
    named = dict(zip(FOUR, references, strict=True))
    return Claim("C", "difference_of_differences", references=named, numbers=numbers)


GROUPS = [crossed("young", "both"), crossed("young", "alone"), crossed("old", "both"), crossed("old", "alone")]


def people() -> pd.DataFrame:
    """120 respondents, written out, with unequal weights."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {"age": ["young", "old"] * 60, "home": np.repeat(["both", "alone", "both"], 40), "sex": ["f", "f", "m"] * 40}
    )
    chance = 0.3 + 0.3 * (frame["age"] == "young") * (frame["home"] == "both") + 0.1 * (frame["sex"] == "f")
    frame["wish"] = np.where(rng.random(120) < chance, "yes", "no")
    frame["w"] = rng.integers(1, 4, 120).astype(float)
    return frame  # fmt: skip


def test_a_difference_of_differences_is_what_written_out_respondents_give():
    """Cells of different people are independent: each has sum w^2 (y - p)^2 / (sum w)^2, times n / (n - 1)."""
    frame = people()
    raw = wwm.raw(wwm.Survey.from_frame(frame, weight="w"), "wish", ["age", "home"])
    (one,) = quantities(differences(GROUPS), pool_of([raw]), 0.95)
    estimate, variance = 0.0, 0.0
    for sign, group in zip((1, -1, -1, 1), GROUPS, strict=True):
        cell = frame[(frame["age"] == group.group[0][1]) & (frame["home"] == group.group[1][1])]
        yes, w = (cell["wish"] == "yes").astype(float), cell["w"]
        share = (w * yes).sum() / w.sum()
        estimate += sign * share
        variance += (w**2 * (yes - share) ** 2).sum() / w.sum() ** 2 * 120 / 119
    half = 164.4853627 * np.sqrt(variance)
    assert [one.estimate, one.lower, one.upper] == pytest.approx(
        [100 * estimate, 100 * estimate - half, 100 * estimate + half]
    )
    assert str(one.label).startswith("(wish = yes (age young, home both) minus")  # fmt: skip


def test_of_adjusted_numbers_its_error_is_that_of_refits_with_a_little_more_of_each_respondent():
    """Standard error by brute force: sum of squared derivatives with respect to each weight."""
    frame = people()

    def at_weights(weights: np.ndarray) -> wwm.Fit:
        return wwm.fit(
            wwm.Model("wish ~ age*home + sex"), wwm.Survey.from_frame(ordered(frame).assign(w=weights), weight="w")
        )

    def value(weights: np.ndarray) -> float:
        table = wwm.adjusted(at_weights(weights), ["age", "home"]).table
        yes = table[table["category"] == "yes"].set_index(["age", "home"])["estimate"]
        shares = [yes[group.group[0][1], group.group[1][1]] for group in GROUPS]
        return shares[0] - shares[1] - shares[2] + shares[3]

    weights, step = frame["w"].to_numpy(), 1e-4
    moved, found = np.zeros(120), dict[tuple[object, ...], float]()
    for who, row in enumerate(frame[["age", "home", "sex", "wish"]].itertuples(index=False)):
        if tuple(row) not in found:
            more = (weights + step * (np.arange(120) == who), weights - step * (np.arange(120) == who))
            found[tuple(row)] = (value(more[0]) - value(more[1])) / (2 * step)
        moved[who] = weights[who] * found[tuple(row)]
    error = np.sqrt((moved**2).sum() * 120 / 119)
    likelihood = pool_of([wwm.adjusted(at_weights(weights), ["age", "home"])])
    (one,) = quantities(differences(GROUPS), likelihood, 0.95)
    assert one.estimate == pytest.approx(100 * value(weights))
    assert (one.upper - one.lower) / 2 == pytest.approx(164.4853627 * error, rel=1e-5)  # fmt: skip


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(wish=pd.Categorical(frame["wish"], ["no", "yes"], ordered=True))


def test_of_a_posterior_its_probability_is_the_share_of_draws():
    draws = np.random.default_rng(3).normal([0.6, 0.4, 0.5, 0.45], 0.1, (400, 4))
    drawn = pool({"a": 60, "b": 40, "c": 50, "d": 45}, draws=draws, origin="one")
    claim = differences([at(name) for name in "abcd"], margin=5.0, below=40.0)
    twice = draws[:, 0] - draws[:, 1] - (draws[:, 2] - draws[:, 3])
    found = judge(claim, Sources(pool({"a": 60, "b": 40, "c": 50, "d": 45}), None, drawn))
    assert found.probability == pytest.approx(((twice > 0.05) & (twice < 0.40)).mean())


def test_bounds_of_a_difference_of_differences_hold_its_printed_cells():
    """Every cell printed: the bounds are the combination of their rounding intervals."""
    margins = Margins(
        "age", "home", pd.DataFrame([[25.0, 25.0], [25.0, 25.0]], index=["young", "old"], columns=["alone", "both"]),
        answers={"wish": ("no", "yes"), "age": ("young", "old"), "home": ("alone", "both")},
    )  # fmt: skip
    values = (80.0, 40.0, 50.0, 45.0)
    printed = [Published(f"P{n}", at, v, "integer", "") for n, (at, v) in enumerate(zip(GROUPS, values, strict=True))]
    claims = (differences(GROUPS, margin=30.0), differences(GROUPS, margin=0.0, below=20.0))
    article = Article(
        published=tuple(printed),
        claims=tuple(Claim(f"C{n}", c.kind, references=c.references, numbers=c.numbers) for n, c in enumerate(claims)),
    )
    found = wwm.bounds(article, margins, deltas=[])
    row = found.table.set_index("id").loc["C0"]
    assert [row["lower"], row["upper"]] == pytest.approx([0.33, 0.37], abs=1e-6)
    assert [row["published_lower"], row["published_upper"]] == pytest.approx([0.33, 0.37])
    assert row["group"] == "age=young;home=both minus age=young;home=alone against age=old;home=both minus age=old;home=alone"  # fmt: skip
    assert found.claims["verdict"].tolist() == ["holds as printed", "survives no adjustment"]
    assert [printed_verdict(claim, article.slots()) for claim in claims] == ["holds", "reverses"]
    points = {at.key: value / 100 for at, value in zip(GROUPS, values, strict=True)}
    assert [satisfies(claim, points) for claim in claims] == [True, False]


@pytest.mark.parametrize(
    ("gap", "verdict"), [(0.5, "undecided"), (5.0, "holds"), (9.5, "undecided"), (13.0, "reverses"), (-3.0, "reverses")]
)
def test_an_order_with_two_ends_is_tested_at_each(gap: float, verdict: str):
    """The standard error of the difference is 1.41 points and the one-sided 5% point 1.645 of them: 2.33."""
    somewhat = Claim("C", "order", references=order("a", "b").references, numbers={"margin": 0.0, "below": 10.0})
    assert judge(somewhat, Sources(pool({"a": 50.0 + gap, "b": 50.0}))).raw == verdict


def of_about(kind: str, value: float, tolerance: float) -> Claim:
    references = {"at": at("a")} if kind == "about" else {"numerator": at("a"), "denominator": at("b")}
    return Claim("C", kind, references=references, numbers={"value": value, "tolerance": tolerance})


@pytest.mark.parametrize(
    ("claim", "verdict", "shift"),
    [
        (of_about("about", 45.0, 5.0), "reproduced", "shift -4.0"),
        (of_about("about", 45.0, 4.9), "not reproduced", "shift -4.0"),
        (of_about("about_ratio", 2.0, 0.5), "reproduced", "shift -0.20 times"),
        (of_about("about_ratio", 2.0, 0.49), "not reproduced", "shift -0.20 times"),
    ],
)
def test_about_so_much_is_judged_alike_for_numbers_and_ratios(claim: Claim, verdict: str, shift: str):
    """Raw 50 and 20: the number and 2.5 times; adjusted 46 and 20, 2.3 times. No interval has a say."""
    wide = Sources(pool({"a": 50.0, "b": 20.0}, std_error=0.2), pool({"a": 46.0, "b": 20.0}, std_error=0.2))
    found = judge(claim, wide)
    assert (found.raw, found.likelihood, found.verdict) == (verdict, shift, verdict)


def test_a_ratio_to_nothing_cannot_be_about_anything():
    found = judge(of_about("about_ratio", 2.0, 0.5), Sources(pool({"a": 50.0, "b": 0.0}), pool({"a": 46.0, "b": 0.0})))
    assert (found.raw, found.likelihood) == ("cannot be tested", "")
    assert "nobody gave the answer on one side" in found.reason


TWO = '[{ outcome = "y", category = "a" }, { outcome = "y", category = "b" }]'
ONE = '[{ outcome = "y", category = "c" }]'
C, D = ('{ outcome = "y", category = "%s" }' % name for name in "cd")  # noqa: UP031


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            f'kind = "difference_of_differences"\ngreater = {TWO}\nlesser = {ONE}',
            "`lesser` names 1 percentages. Expected 2: the first minus the second. Write the two that are subtracted.",
        ),
        (
            f'kind = "difference_of_differences"\ngreater = {TWO}\nlesser = {TWO}',
            "it names y = a (everyone) twice. Expected each percentage once. Name another answer, question or group, or remove one.",
        ),
        (
            f'kind = "order"\ngreater = {C}\nlesser = {D}\nmargin = 5\nbelow = 5',
            "margin = 5 and below = 5. Expected a margin that is smaller than `below`. Exchange them, or leave one out.",
        ),
        (
            f'kind = "about"\nat = {C}\nvalue = 50\ntolerance = 60',
            "every possible percentage (0 to 100) agrees with it. Expected a claim that numbers can contradict. Write other limits.",
        ),
    ],
)  # fmt: skip
def test_what_says_nothing_is_refused(tmp_path: Path, keys: str, told: str):
    path = tmp_path / "article.toml"
    path.write_text(f'[article]\ntitle = "A"\n[[claim]]\nid = "C1"\n{keys}\n', encoding="utf-8")
    with pytest.raises(ArticleError) as refused:
        read_article(path)
    assert str(refused.value) == f"{path} [[claim]] C1: {told}"


def test_an_order_with_two_ends_has_the_e_value_of_its_nearer_one():
    """Risk ratio 30/20 = 1.5; the ends are ratios 1 and 1.6: to 1.6 is nearer, 1.0667 away, so E = 1.0667 + sqrt(1.0667 * 0.0667)."""
    frame = pd.DataFrame(
        {"age": ["young"] * 200 + ["old"] * 200, "wish": ["yes"] * 60 + ["no"] * 140 + ["yes"] * 40 + ["no"] * 160}
    )
    fit = wwm.fit(wwm.Model("wish ~ age"), wwm.Survey.from_frame(ordered(frame), weight=None))
    sides = {
        "greater": Reference("wish", "yes", (("age", "young"),)),
        "lesser": Reference("wish", "yes", (("age", "old"),)),
    }
    claim = Claim("C", "order", references=sides, numbers={"margin": 0.0, "below": 12.0})
    rows = wwm.fragility(Article(claims=(claim,)), fit).set_index("axis")
    ratio = 1.6 / 1.5
    assert rows.loc["unmeasured confounding", "change"] == pytest.approx(ratio + np.sqrt(ratio * (ratio - 1)), abs=1e-6)
    assert bool(rows.loc["unmeasured confounding", "stands"])  # fmt: skip
