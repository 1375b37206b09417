"""What a model file asks for is what is fitted: the keys for a term's form and for cut points by group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wwm_models as wwm
from wwm_models.errors import DeclarationError
from wwm_models.study.fits import run_model
from wwm_models.study.joint_model_files import read_joint_model
from wwm_models.study.model_files import read_model

FILES = {
    "ns": (
        'adjusters = ["age"]\nterms = { age = "ns(age, df=3)" }',
        wwm.Model("wish ~ household + ns(age, df=3)"),
    ),
    "mo": (
        'exposures = ["household", "band"]\nestimands = ["household-adjusted"]\nterms = { band = "mo(band)" }',
        wwm.Model("wish ~ household + mo(band)"),
    ),
    "by group": (
        'adjusters = ["age"]\nthresholds_by = "band"',
        wwm.Model("wish ~ household + age", thresholds_by="band"),
    ),
}

ONCE = "Expected each once. Remove one."
TWICE = {
    "interactions": ('interactions = ["age:home", "home:age"]', f'`interactions` names "home:age" twice, once as "age:home". {ONCE}'),
    "three": ('interactions = ["age:home:sex", "sex:age:home"]', f'`interactions` names "sex:age:home" twice, once as "age:home:sex". {ONCE}'),
    "exposures": ('exposures = ["age", "age"]', f'`exposures` names "age" twice. {ONCE}'),
    "adjusters": ('adjusters = ["sex", "sex"]', f'`adjusters` names "sex" twice. {ONCE}'),
    "estimands": ('estimands = ["total", "total"]', f'`estimands` names "total" twice. {ONCE}'),
    "engines": ('engines = ["bayes", "bayes"]', f'`engines` names "bayes" twice. {ONCE}'),
    "nonproportional": ('nonproportional = ["sex", "sex"]', f'`nonproportional` names "sex" twice. {ONCE}'),
    "joint": ('joint = ["a", "b", "a"]', f'`joint` names "a" twice. {ONCE}'),
}  # fmt: skip


@pytest.mark.parametrize("name", TWICE)
def test_a_list_names_each_once(name: str, tmp_path: Path):
    line, said = TWICE[name]
    path = tmp_path / "wish.toml"
    path.write_text(line if name == "joint" else f'outcome = "y"\nfamily = "cumulative"\n{line}\n', encoding="utf-8")
    with pytest.raises(DeclarationError) as problem:
        read_joint_model(path) if name == "joint" else read_model(path)
    assert str(problem.value) == f"{path}: {said}"


@pytest.fixture(scope="module")
def people() -> wwm.Survey:
    """Invented answers that rise with age, and weights."""
    rng = np.random.default_rng(3)
    age = rng.integers(18, 65, 900).astype(float)
    band = pd.Categorical(np.where(age < 35, "young", np.where(age < 50, "middle", "old")), ["young", "middle", "old"])
    home = rng.integers(0, 2, 900)
    lift = 0.03 * age + 0.6 * home + rng.logistic(size=900)
    wish = pd.Categorical.from_codes(
        np.digitize(lift, [0.5, 1.6, 2.8]), ["never", "some", "often", "always"], ordered=True
    )
    frame = {"wish": wish, "age": age, "band": band.as_ordered(), "w": rng.uniform(0.5, 1.5, 900)}
    frame["household"] = pd.Categorical.from_codes(home, ["alone", "together"])
    return wwm.Survey.from_frame(pd.DataFrame(frame), weight="w")


@pytest.mark.parametrize("keys", FILES)
def test_the_file_and_the_formula_give_one_fit(keys: str, people: wwm.Survey, tmp_path: Path):
    lines, model = FILES[keys]
    head = 'outcome = "wish"\nfamily = "cumulative"\n' + ("" if "exposures" in lines else 'exposures = ["household"]\n')
    path = tmp_path / "wish.toml"
    path.write_text(head + lines + "\n", encoding="utf-8")
    result = run_model(read_model(path), people, {}, (), 0.95)
    assert result.problems == ()
    fit = wwm.fit(model, people)
    last = result.coefficients[result.coefficients["estimand"] == result.coefficients["estimand"].iloc[-1]]
    assert last["term"].tolist() == fit.params.index.tolist()
    np.testing.assert_allclose(last["estimate"], fit.params, rtol=1e-12)
    found = {label: table.table for label, table in result.estimates if table.by == ("household",)}
    np.testing.assert_allclose(
        list(found.values())[-1]["estimate"], wwm.adjusted(fit, "household").table["estimate"], rtol=1e-12
    )
