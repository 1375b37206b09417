"""The lists of public names: what is offered where, that nothing hides it, and that older names keep working."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wwm_models as wwm
from wwm_models.errors import ArgumentError
from wwm_models.public import names_of

ROOT = Path(wwm.__file__).parent
LISTS = sorted(".".join(path.parent.relative_to(ROOT.parent).parts) for path in ROOT.rglob("__init__.pyi"))
FOLDERS = {name for name, home in names_of("wwm_models")[0].items() if home == "wwm_models"}

# Every name that was public at the top in version 0.2.0: each keeps working there.
OLD = [
    "Comparison",
    "Estimand",
    "Estimates",
    "Fit",
    "Imputations",
    "JointPosterior",
    "JointPriors",
    "Loo",
    "Margins",
    "Model",
    "Posterior",
    "Run",
    "Survey",
    "adjusted",
    "adjusted_items",
    "answer_ratio",
    "bounds",
    "brant",
    "calibrate",
    "change",
    "change_between",
    "compare",
    "contrasts",
    "decompose",
    "e_value",
    "e_values",
    "equivalence",
    "family_of_tests",
    "fit",
    "fragility",
    "hosmer_lemeshow",
    "impute",
    "likelihood_ratio",
    "lipsitz",
    "loo",
    "loo_items",
    "mean",
    "mean_score",
    "nominal_test",
    "pearson",
    "po_size",
    "pool",
    "posterior_predictive",
    "posterior_predictive_items",
    "poststratify",
    "power_scaling",
    "precision",
    "predict",
    "prior_predictive",
    "pulkstenis_robinson",
    "rake",
    "randomised_pit",
    "raw",
    "read_article",
    "read_counts",
    "read_margins",
    "read_survey",
    "read_weighting_margins",
    "replicates",
    "run_many",
    "run_study",
    "sample",
    "sample_joint",
    "scale_test",
    "slopes",
    "stacking",
    "superiority",
    "surrogate_residuals",
    "total",
    "trim",
    "wald_test",
    "weights_matter",
]


def test_the_top_holds_the_verbs_of_the_work_and_names_the_folders_of_the_others():
    assert len(wwm.__all__) <= 36
    assert dir(wwm) == sorted([*wwm.__all__, *FOLDERS])
    assert set(LISTS) == {"wwm_models", *(f"wwm_models.{name}" for name in FOLDERS)}


@pytest.mark.parametrize("package", LISTS)
def test_a_list_offers_names_that_it_says_the_home_of_once(package: str):
    homes, offered = names_of(package)
    assert offered == sorted(set(offered))
    assert set(offered) <= set(homes)
    if package != "wwm_models":
        assert set(offered) == set(homes)
        assert not set(offered) & set(wwm.__all__)


def test_older_names_are_the_same_objects_as_those_of_the_folders():
    homes, _ = names_of("wwm_models")
    assert set(OLD) <= set(homes)
    for name in OLD:
        public = (
            importlib.import_module(homes[name]) if hasattr(importlib.import_module(homes[name]), "__path__") else wwm
        )
        assert getattr(wwm, name) is getattr(public, name)


def test_functions_pickle_under_their_public_name():
    for package in LISTS:
        module = importlib.import_module(package)
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.isfunction(found):
                assert (found.__module__, found.__qualname__) == (package, name)
                assert pickle.loads(pickle.dumps(found)) is found


@pytest.mark.parametrize("package", LISTS)
def test_no_module_hides_a_public_name_once_it_is_imported(package: str):
    module = importlib.import_module(package)
    for _, name, _ in pkgutil.walk_packages(module.__path__, f"{package}."):
        if not name.endswith("__main__"):
            importlib.import_module(name)
    assert [
        name for name in names_of(package)[0] if inspect.ismodule(getattr(module, name)) and name not in FOLDERS
    ] == []


def test_a_name_that_is_not_listed_is_refused():
    for package in LISTS:
        with pytest.raises(AttributeError, match=f"^module '{package}' has no attribute 'brandt'$"):
            importlib.import_module(package).brandt  # noqa: B018


def test_what_is_wrong_says_where_help_is():
    with pytest.raises(ArgumentError) as caught:
        wwm.diagnostics.lipsitz(None, groups="x")
    assert str(caught.value) == (
        "lipsitz(groups='x') is of type str. Expected a whole number. See help(wwm_models.diagnostics.lipsitz)."
    )


def test_the_lists_are_not_read_before_a_name_is_asked_for():
    code = "import sys, wwm_models, wwm_models.cli, wwm_models.public as p; print([m for m in ('pkgutil', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SECTION = r"\n(Parameters|Attributes)\n-+\n(.*?)(?=\n\n?\w[\w ]*\n-{3,}\n|\Z)"


@pytest.mark.parametrize("package", LISTS)
def test_every_parameter_is_documented_with_words(package: str):
    module = importlib.import_module(package)
    bare = []
    for name in module.__all__:
        document = inspect.getdoc(getattr(module, name)) or ""
        found = re.findall(SECTION, document, re.DOTALL)
        bare += [] if found else [name]
        for _, section in found:
            lines = [*section.split("\n"), ""]
            entries = [at for at, line in enumerate(lines) if re.match(r"\w.* : ", line)]
            bare += [f"{name}: {lines[at]}" for at in entries if not lines[at + 1].startswith("    ")]
    assert bare == []


def test_respondents_have_no_gender():
    root = ROOT.parents[1]
    pages = [
        root / "README.md",
        *(root / "docs").rglob("*.md"),
        *ROOT.rglob("*.py"),
        *ROOT.rglob("*.toml"),
        *ROOT.rglob("*.j2"),
    ]
    word = re.compile(r"\b(he|him|his|himself|she|her|hers|herself)\b", re.IGNORECASE)
    of_german = "texts"  # "her" is a word of German
    assert [path.name for path in pages if path.parent.name != of_german and word.search(path.read_text("utf-8"))] == []
