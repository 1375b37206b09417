"""Which model and estimand judge a claim: the diagram's for one exposure, a model with the crossing for crossed groups, raw for everyone."""

from __future__ import annotations

from pathlib import Path

import pytest

from wwm_models.claims.article import read_article
from wwm_models.cli.main import main
from wwm_models.results.atomic_files import read_table
from wwm_models.study.judging_models import Judges
from wwm_models.study.model_files import read_models
from wwm_models.study.provenance import judged_specs

DIAGRAM = '[exposures.age_group]\nbetween = ["household"]\n[exposures.household]\nbefore = ["age_group"]\n'
CROSSED = (
    'outcome = "wish"\nfamily = "cumulative"\nexposures = ["age_group", "household"]\ninteractions = ["age_group:household"]\nprimary = false\n'
    'estimands = ["total", "household-adjusted"]\n'
)
CLAIM = """
[[claim]]
id = "{id}"
kind = "order"
en = "a"
{estimand}greater = {{ outcome = "wish", category = "often", group = {{ {one} }} }}
lesser = {{ outcome = "wish", category = "often", group = {{ {other} }} }}
"""
OLD, YOUNG = 'age_group = "50-64"', 'age_group = "18-34"'


def crossed_claim(name: str = "C2") -> str:
    return CLAIM.format(id=name, estimand="", one=f'household = "alone", {OLD}', other=f'household = "alone", {YOUNG}')


def by_diagram(small: Path) -> Path:
    """The small study with a diagram from which its estimands follow."""
    study = small / "study"
    (study / "causal.toml").write_text(DIAGRAM)
    for path in (study / "wish.toml", study / "wish_nominal.toml"):
        path.write_text(path.read_text().replace('estimands = ["total", "household-adjusted"]\n', ""))
    article = study / "article.toml"
    article.write_text(article.read_text().replace('estimand = "household-adjusted"\n', ""))
    return study


def ledger(small: Path):
    assert (
        main(
            [
                "run",
                str(small / "study"),
                "--data",
                str(small / "data.csv"),
                "--out",
                str(small / "out"),
                "--lang",
                "en",
            ]
        )
        == 0
    )
    return read_table(small / "out" / "claims.csv").set_index("id")


def gap_of(out: Path, model: str, label: str, *groups: str) -> float:
    """The first group minus the second in comparison.csv, percentage points of "often"."""
    table = read_table(out / "comparison.csv")
    rows = table[(table["model"] == model) & (table["estimand"] == label) & (table["category"] == "often")]
    found = {frozenset(row.group.split(";")): 100 * row.adjusted_likelihood for row in rows.itertuples()}
    one, other = (found[frozenset(group.split(";"))] for group in groups)
    return one - other


def test_each_claim_is_judged_under_its_estimand_by_the_model_that_has_its_groups(small: Path):
    study = by_diagram(small)
    (study / "wish_crossed.toml").write_text(CROSSED.partition("estimands")[0])
    named = {"C2": "", "C3": 'estimand = "direct"\n', "C4": 'estimand = "descriptive"\n'}
    claims = [CLAIM.format(id=name, estimand=asked, one=OLD, other=YOUNG) for name, asked in named.items()]
    article = study / "article.toml"
    article.write_text("".join([article.read_text(), *claims, crossed_claim("C5")]))
    judged, out = ledger(small), small / "out"
    assert judged["estimand"].to_dict() == {
        "C1": "total",
        "C2": "total",
        "C3": "direct",
        "C4": "descriptive",
        "C5": "joint",
    }
    ages = ("age_group=50-64", "age_group=18-34")
    total, direct = (gap_of(out, "wish", label, *ages) for label in ("total", "direct"))
    crossed, additive = (
        gap_of(out, model, "joint", *(f"household=alone;{age}" for age in ages)) for model in ("wish_crossed", "wish")
    )
    assert abs(total - direct) > 0.05
    assert abs(crossed - additive) > 0.5
    for name, gap in {"C2": total, "C3": direct, "C5": crossed}.items():
        assert f"adjusted {gap:.1f} [" in judged.loc[name, "reason"]
    assert judged.loc["C4", "likelihood_verdict"] == "not applicable"
    assert judged.loc["C4", "verdict"] == judged.loc["C4", "raw_verdict"]
    assert not judged["reason"].str.contains("crosses").any()
    estimands = read_table(out / "estimands.csv").fillna("")
    held = estimands[estimands["model"] == "wish"].set_index(["estimand", "by"])["adjusters"]
    assert held[("total", "age_group")] == ""
    assert held[("direct", "age_group")] == "household"
    assert held[("total", "household")] == "age_group"


def test_without_a_model_that_crosses_them_the_ledger_says_so_and_names_small_groups(small: Path):
    article = small / "study" / "article.toml"
    article.write_text(article.read_text() + crossed_claim())
    found = ledger(small)
    raw = read_table(small / "out" / "raw.csv")
    rows = raw[raw["category"] == "often"].dropna(subset="group")
    n = dict(zip((frozenset(group.split(";")) for group in rows["group"]), rows["n"], strict=True))
    young, old = (n[frozenset((f"age_group={level}", "household=alone"))] for level in ("18-34", "50-64"))
    small_ones = [(old, "50-64"), (young, "18-34")]
    told = "; ".join(f"age_group {level}, household alone (n = {size:.0f})" for size, level in small_ones if size < 100)
    assert told
    assert found.loc["C2", "reason"].endswith(
        f"; small base: {told}; no model of this question crosses age_group × household: an additive model judges these groups"
    )
    assert "small base" not in found.loc["C1", "reason"]


def test_a_model_that_is_withheld_judges_nothing(small: Path):
    (small / "study" / "wish_crossed.toml").write_text(CROSSED)
    article, specs = read_article(small / "study" / "article.toml"), read_models(small / "study")
    by = ("age_group", "household")

    def judge(*withheld: str) -> str:
        found = Judges(article, judged_specs(specs, withheld)).model("wish", by)
        return "" if found is None else found.name

    assert judge() == "wish_crossed"
    assert judge("wish_crossed") == "wish"
    assert judge("wish") == ""


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (
            CLAIM.format(id="C2", estimand='estimand = "household-adjusted"\n', one=OLD, other=YOUNG),
            'claim C2: `estimand` is "household-adjusted". Expected one that what it names has by {folder}/causal.toml: descriptive, total, direct. '
            "Write one of these, or leave it out.",
        ),
        (
            CLAIM.format(id="C2", estimand='estimand = "direct"\n', one='household = "alone"', other='household = "together"'),
            'claim C2: `estimand` is "direct". Expected one that what it names has by {folder}/causal.toml: descriptive, total. Write one of these, '
            "or leave it out.",
        ),
    ],
)  # fmt: skip
def test_an_estimand_that_a_claim_cannot_have_is_refused(
    small: Path, capsys: pytest.CaptureFixture[str], claim: str, message: str
):
    study = by_diagram(small)
    (study / "article.toml").write_text((study / "article.toml").read_text() + claim)
    assert main(["run", str(study), "--data", str(small / "data.csv"), "--out", str(small / "out")]) == 2
    assert (
        capsys.readouterr()
        .err.replace("\n", " ")
        .strip()
        .endswith(f"{study}/article.toml, {message.format(folder=study)}")
    )


def test_a_name_that_the_codebook_does_not_declare_is_refused(small: Path, capsys: pytest.CaptureFixture[str]):
    study = by_diagram(small)
    (study / "causal.toml").write_text(DIAGRAM.replace('["age_group"]', '["age_group", "gendr"]'))
    assert main(["run", str(study), "--data", str(small / "data.csv"), "--out", str(small / "out")]) == 2
    said = capsys.readouterr().err.replace("\n", " ")
    assert (
        f'{study}/causal.toml [exposures.household] `before` names "gendr", which the codebook does not declare. Declared: '
        in said
    )
