"""What the numbers of a run are of: no table without it, and a declared population in every table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wwm_models.cli.main import main
from wwm_models.errors import ResultsError
from wwm_models.results.atomic_files import read_table, write_table

TEXT = "total: exposure=age_group; adjusters=none; population=sample; averaging=weighted respondents"
REPORTED = ("raw", "adjusted", "contrasts", "comparison", "decomposition", "families", "robustness", "agreement")


def run(small: Path) -> int:
    return main(["run", str(small / "study"), "--data", str(small / "data.csv"), "--out", str(small / "out")])


@pytest.mark.parametrize("name", REPORTED)
def test_a_table_without_an_estimand_is_not_written(name: str, tmp_path: Path):
    path = tmp_path / f"{name}.csv"
    table = pd.DataFrame({"outcome": ["wish"] * 3, "estimate": [0.1, 0.2, 0.3]})
    with pytest.raises(ResultsError) as caught:
        write_table(table, path)
    assert str(caught.value) == (
        f'{name}.csv has no column "estimand", so nobody could tell what its numbers are of. Columns: outcome, estimate. '
        "Give every row its exposure, adjusters and population; nothing is written."
    )
    with pytest.raises(ResultsError) as caught:
        write_table(table.assign(estimand=[TEXT, "", None]), path)
    assert str(caught.value) == (
        f"{name}.csv has no estimand in 2 of 3 rows (first rows, counted from 1: 2, 3). "
        "Give every row its exposure, adjusters and population; nothing is written."
    )
    assert not path.exists()
    write_table(table.assign(estimand=TEXT), path)
    assert path.exists()


def test_an_estimand_that_names_no_population_is_not_written(tmp_path: Path):
    with pytest.raises(ResultsError) as caught:
        write_table(pd.DataFrame({"estimand": ["adjusted for household"]}), tmp_path / "adjusted.csv")
    assert str(caught.value) == (
        'adjusted.csv: "adjusted for household" is not an estimand. Expected "exposure=...; adjusters=...; population=...; averaging=...". '
        "Make the table with the package's own functions. Nothing is written."
    )


def test_a_declared_population_is_in_every_table(small: Path):
    """Margins of a variable that the total model of age does not hold; the parts add up with the population among them."""
    with (small / "study" / "wish.toml").open("a") as stream:
        stream.write("[population.household]\nalone = 0.2\ntogether = 0.8\n")
    assert run(small) == 0
    found = {name: read_table(small / "out" / f"{name}.csv") for name in REPORTED}
    adjusted = found["adjusted"][found["adjusted"]["model"] == "wish"]
    assert adjusted["estimand"].str.contains("population=declared margins of household; ", regex=False).all()
    estimands = read_table(small / "out" / "estimands.csv")
    assert set(estimands.loc[estimands["model"] == "wish", "population"]) == {"declared margins of household"}
    keys = ["estimand", "by", "group", "category"]
    parts = found["decomposition"][found["decomposition"]["model"] == "wish"].fillna({"group": "", "by": ""})
    assert (parts["part"] == "population").any()
    sums = parts[parts["part"] != "difference"].groupby(keys)["percentage_points"].sum()
    comparison = found["comparison"][found["comparison"]["model"] == "wish"].fillna({"group": "", "by": ""})
    difference = comparison.set_index(keys)["difference"]
    np.testing.assert_allclose(sums[difference.index], 100 * difference, rtol=0, atol=1e-9)
    robust = found["robustness"][found["robustness"]["model"] == "wish"].fillna({"group": "", "by": ""})
    declared = robust.set_index(keys)["declared"]
    np.testing.assert_allclose(declared[difference.index], comparison["adjusted_likelihood"], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[population]\nhousehold = 3\n",
            "`population` is {'household': 3}. Expected sample, balanced, or a table per variable with the share or count (0 or more) of every level, "
            "such as [population.gender] with man = 0.49 and woman = 0.51.",
        ),
        (
            'population = "balance"\n',
            '`population` names "balance". Expected one of: sample, balanced. Did you mean "balanced"?',
        ),
        (
            "[population.houshold]\nalone = 1\ntogether = 1\n",
            'wish.toml: `population` names "houshold", which the codebook does not declare.',
        ),
        (
            "[population.household]\nalone = 0.2\ntogether = 0.7\n",
            'The shares of "household" add up to 0.9. Expected shares that add up to 1, or counts of people. Repair them.',
        ),
        (
            "[population.household]\nalone = 20\napart = 80\n",
            'Margin "household" does not cover the level together of the sample. Its levels: alone, apart.',
        ),
    ],
)
def test_a_population_that_is_none_is_refused(small: Path, capsys: pytest.CaptureFixture[str], text: str, message: str):
    path = small / "study" / "wish.toml"
    path.write_text(path.read_text() + text)
    assert run(small) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
    assert not (small / "out").exists()


def test_a_claim_about_everyone_is_answered_by_raw_and_not_adjusted(small: Path):
    """Of everyone nothing is held equal: what a model makes of the whole sample is its form, and no adjustment."""
    for name in ("wish", "wish_nominal"):
        path = small / "study" / f"{name}.toml"
        path.write_text(path.read_text().replace('"total", "household-adjusted"', '"total"'))
    article = small / "study" / "article.toml"
    everyone = '{ outcome = "wish", category = "often", group = {} }'
    few = '{ outcome = "wish", category = "never", group = {} }'
    claim = f'[[claim]]\nid = "C2"\nkind = "order"\nnl = "a"\nen = "b"\ngreater = {everyone}\nlesser = {few}\n'
    article.write_text(article.read_text().replace('estimand = "household-adjusted"', 'estimand = "total"') + claim)
    assert run(small) == 0
    found = read_table(small / "out" / "adjusted.csv")
    rows = found[(found["model"] == "wish") & found["by"].isna()]
    assert rows["category"].tolist() == ["never", "some", "often", "at_least_some"]
    assert rows["estimand"].str.startswith("overall: ").all()
    raw = read_table(small / "out" / "raw.csv")
    shares = raw[raw["by"].isna()].set_index("category")["estimate"]
    np.testing.assert_allclose(rows["estimate"], shares[rows["category"]], rtol=0, atol=0.01)
    judged = read_table(small / "out" / "claims.csv").set_index("id").loc["C2"]
    assert list(judged[["estimand", "raw_verdict", "likelihood_verdict", "verdict"]]) == [
        "descriptive", "holds", "not applicable", "holds",
    ]  # fmt: skip
    assert str(judged["reason"]).endswith(
        "er valt niets te corrigeren: de uitspraak gaat over iedereen, of beschrijft de respondenten zoals ze zijn"
    )


CROSSED = """
[[figure]]
id = "crossed"
kind = "matrix"
outcomes = ["wish"]
by = [{by}]
nl = "Gekruist"
en = "Crossed"
[[claim]]
id = "C9"
kind = "bound"
nl = "De meesten."
en = "Most."
at = {{ outcome = "wish", category = "often", group = {{ {group} }} }}
above = 10
"""


def test_the_order_in_which_crossed_variables_are_written_changes_nothing(tmp_path: Path, study_in):
    """One model crosses them, another of the same outcome does not; the article names them the other way round."""
    tables = []
    for place, (group, term) in enumerate(
        [
            ('age_group = "50-64", household = "alone"', "age_group:household"),
            ('household = "alone", age_group = "50-64"', "age_group:household"),
            ('household = "alone", age_group = "50-64"', "household:age_group"),
        ]
    ):
        small = tmp_path / str(place)
        small.mkdir()
        study_in(small)
        for path in (small / "study").glob("wish_*.toml"):
            path.unlink()
        crossing = (small / "study" / "wish.toml").read_text().replace("primary = true", "primary = false")
        (small / "study" / "crossed.toml").write_text(f'{crossing}interactions = ["{term}"]\n')
        with (small / "study" / "article.toml").open("a") as stream:
            stream.write(CROSSED.format(group=group, by=", ".join(f'"{one}"' for one in term.split(":"))))
        assert run(small) == 0
        tables.append(
            {name: read_table(small / "out" / f"{name}.csv") for name in ("comparison", "claims", "adjusted")}
        )
    for other in tables[1:]:
        for name, table in tables[0].items():
            pd.testing.assert_frame_equal(table, other[name])
