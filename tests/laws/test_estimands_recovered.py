"""Estimands of a diagram against the true values of a population that is known cell by cell: no sampling, and every fit saturated.

Gender comes before age and household, age before household, all before the answer. The answer depends on household alone (age acts only
through it), on age alone (household differs only by age), or on both crossed. True values are sums over the cells.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wwm_models.study.fits import run_model
from wwm_models.study.model_files import read_model
from wwm_models.survey.survey import Survey

DIAGRAM = '[exposures.age]\nbefore = ["gender"]\nbetween = ["home"]\n[exposures.home]\nbefore = ["age", "gender"]\n'
CROSSINGS = '["age:gender", "age:home", "home:gender", "age:home:gender"]'
MODEL = f'outcome = "wish"\nfamily = "multinomial"\nexposures = ["age", "home"]\ninteractions = {CROSSINGS}\n'
GENDERS, AGES, HOMES, WISHES = (
    ("man", "woman"),
    ("young", "old"),
    ("alone", "pair", "children"),
    ("never", "some", "often"),
)
PEOPLE = 100_000  # every share below is a multiple of a tenth, so every cell is a whole number
P_AGE = {"man": (0.4, 0.6), "woman": (0.7, 0.3)}
P_HOME = {
    ("young", "man"): (0.6, 0.3, 0.1), ("young", "woman"): (0.4, 0.3, 0.3), ("old", "man"): (0.2, 0.3, 0.5), ("old", "woman"): (0.1, 0.5, 0.4),
}  # fmt: skip
BY_HOME = {"alone": (0.1, 0.3, 0.6), "pair": (0.3, 0.3, 0.4), "children": (0.6, 0.3, 0.1)}
BY_AGE = {"young": (0.2, 0.3, 0.5), "old": (0.5, 0.3, 0.2)}
CROSSED = {
    ("young", "alone"): (0.1, 0.1, 0.8), ("young", "pair"): (0.4, 0.4, 0.2), ("young", "children"): (0.3, 0.1, 0.6),
    ("old", "alone"): (0.5, 0.4, 0.1), ("old", "pair"): (0.2, 0.1, 0.7), ("old", "children"): (0.7, 0.2, 0.1),
}  # fmt: skip
LAWS = {
    "through household": lambda age, home: BY_HOME[home],
    "household by age": lambda age, home: BY_AGE[age],
    "crossed": lambda age, home: CROSSED[age, home],
}


def population(name: str) -> pd.DataFrame:
    """Every cell with its number of people."""
    rows = []
    for (_, gender), (a, age), (h, home), (k, wish) in itertools.product(
        *map(enumerate, (GENDERS, AGES, HOMES, WISHES))
    ):
        share = 0.5 * P_AGE[gender][a] * P_HOME[age, gender][h] * LAWS[name](age, home)[k]
        rows.append((gender, age, home, wish, round(PEOPLE * share)))
    table = pd.DataFrame(rows, columns=["gender", "age", "home", "wish", "n"])
    assert table["n"].sum() == PEOPLE
    return table


def true_value(cells: pd.DataFrame, group: dict[str, str], wish: str, held: tuple[str, ...]) -> float:
    """Mean over the people's levels of what is held equal of the share of an answer among those of the group with these levels."""
    value = 0.0
    for _, alike in cells.groupby(list(held)) if held else [((), cells)]:
        inside = alike[np.logical_and.reduce([alike[name] == level for name, level in group.items()])]
        value += alike["n"].sum() / PEOPLE * inside.loc[inside["wish"] == wish, "n"].sum() / inside["n"].sum()
    return value


HELD = {
    ("total", ("age",)): ("gender",),
    ("direct", ("age",)): ("gender", "home"),
    ("total", ("home",)): ("age", "gender"),
    ("joint", ("age", "home")): ("gender",),
}


@pytest.fixture(scope="module", params=LAWS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("study")
    (folder / "causal.toml").write_text(DIAGRAM)
    (folder / "wish.toml").write_text(MODEL)
    cells = population(request.param)
    frame = cells.assign(wish=pd.Categorical(cells["wish"], WISHES, ordered=True))
    survey = Survey.from_frame(frame[frame["n"] > 0], weight="n", weight_kind="frequency")
    result = run_model(read_model(folder / "wish.toml"), survey, {}, [("age", "home")], 0.95)
    assert result.problems == ()
    return request.param, cells, {(label, one.by): one.table for label, one in result.estimates}


def test_every_estimand_is_the_true_value_of_its_adjusters(found):
    _, cells, tables = found
    assert set(tables) == {*HELD, ("overall", ())}
    for (label, by), held in HELD.items():
        table = tables[label, by]
        true = [
            true_value(cells, {name: row[name] for name in by}, row["category"], held)
            for row in table.to_dict("records")
        ]
        np.testing.assert_allclose(table["estimate"], true, rtol=0, atol=1e-6, err_msg=f"{label} {by}")


def test_what_has_no_effect_of_its_own_has_none_and_its_total_differs(found):
    """A direct effect of age that does not exist is 0, a total of household that is age's is 0, whatever the raw difference."""
    name, cells, tables = found

    def gap(label: str, by: str, *levels: str) -> float:
        often = tables[label, (by,)].query("category == 'often'").set_index(by)["estimate"]
        return often[levels[0]] - often[levels[1]]

    total, direct, household = (gap(*one) for one in (
        ("total", "age", "young", "old"), ("direct", "age", "young", "old"), ("total", "home", "alone", "children"),
    ))  # fmt: skip
    raw = true_value(cells, {"home": "alone"}, "often", ()) - true_value(cells, {"home": "children"}, "often", ())
    if name == "through household":
        assert abs(direct) < 1e-6
        assert total > 0.1
        assert household == pytest.approx(0.5, abs=1e-6)
    elif name == "household by age":
        assert abs(household) < 1e-6
        assert raw > 0.1
        assert total == pytest.approx(direct, abs=1e-6)
        assert total == pytest.approx(0.3, abs=1e-6)
    else:
        often = tables["joint", ("age", "home")].query("category == 'often'").set_index(["home", "age"])["estimate"]
        gaps = [often[home, "young"] - often[home, "old"] for home in HOMES]
        np.testing.assert_allclose(gaps, [0.7, -0.5, 0.5], rtol=0, atol=1e-6)
