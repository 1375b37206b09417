"""Every key of every declared file, with a value of every other type: an error that names the file and the key, never a traceback.

One value may stand for a list of one, and a whole number for the id of a level; whatever else has another type is refused.
"""

from __future__ import annotations

import copy
import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wwm_models.bayes.prior_declarations import read_priors
from wwm_models.claims.article import read_article
from wwm_models.errors import DeclarationError, WwmError
from wwm_models.identification.joint_table import read_margins
from wwm_models.study.joint_model_files import read_joint_model
from wwm_models.study.model_files import bundled_study, read_model
from wwm_models.survey.codebook_reader import read_codebook
from wwm_models.survey.population_margins import read_weighting_margins
from wwm_models.toml_tables import read_toml

NOT_A_NUMBER = float("nan")
WRONG = (True, -1, 1e400, NOT_A_NUMBER, "", "x", [], {}, [True], [1], {"x": 1}, 10**400)
MODEL = """
outcome = "wish"
family = "cumulative"
link = "logit"
exposures = ["age_group"]
adjusters = ["household"]
interactions = ["age_group:household"]
estimands = ["total"]
nonproportional = ["household"]
thresholds = "flexible"
terms = { age_group = "mo(age_group)" }
reverse = false
penalty = "none"
weights = "survey"
engines = ["likelihood", "bayes"]
contrasts = "pairwise"
family_of_tests = "f"
primary = true
tolerance = 2
title_nl = "a"
title_en = "b"
population = { household = { alone = 0.5, together = 0.5 } }
priors = { slopes = "normal(0, 1)" }
imputation = { m = 2, variables = ["household"], predictors = ["age_group"], seed = 3, delta = { household = 0.5 } }
"""
JOINT = """
joint = ["wish", "wish2"]
exposures = ["age_group"]
adjusters = ["household"]
interactions = ["age_group:household"]
weights = "survey"
contrasts = "pairwise"
family_of_tests = "f"
title_nl = "a"
title_en = "b"
priors = { slopes = "normal(0, 1)", loadings = "lognormal(0, 1)" }
"""
ARTICLE = """
article = { title = "A", citation = "c", estimand = "total", n = { figure_1 = 1530 } }
published = [{ id = "P1", outcome = "w", category = "a", group = { age = "50-64" }, value = 80, rounding = "integer", where = "w" }]
claim = [
  { id = "C1", kind = "order", nl = "x", en = "y", where = "z", margin = 3, margin_by = "us", estimand = "total", greater = { outcome = "w", category = "a", group = { age = "50-64" } }, lesser = { outcome = "w", category = "a" } },
  { id = "C2", kind = "value", at = { outcome = "w", category = "a", group = {} }, value = 35 },
  { id = "C3", kind = "range", at = { outcome = "w", category = "a" }, lower = 35, upper = 40, rounding = "none" },
  { id = "C4", kind = "bound", at = { outcome = "w", category = "a" }, above = 35 },
  { id = "C5", kind = "ratio", numerator = { outcome = "w", category = "a" }, denominator = { outcome = "w", category = "b" }, lower = 1.5 },
  { id = "C6", kind = "equivalence", between = [{ outcome = "w", category = "a" }, { outcome = "w", category = "b" }], margin = 5 },
  { id = "C7", kind = "count", between = [{ outcome = "w", category = "a" }], n = 200 },
  { id = "C8", kind = "all", parts = [{ kind = "bound", at = { outcome = "w", category = "a" }, below = 35 }] },
  { id = "C9", kind = "all", missing = "other data" },
]
figure = [{ id = "figure-1", kind = "answers", outcomes = ["w"], by = ["age"], categories = ["a"], where = "w", nl = "n", en = "e" }]
translations = { a = "b" }
"""
MARGINS = """
margins = { rows = "age", columns = "home", status = "assumption", source = "s", unit = "percent", outside = [], unknown = "", base = "n", known = "n", deltas = [0, 5] }
table = { young = { alone = 10, together = 40 }, old = { alone = 20, together = 30 } }
"""
WEIGHTING = (
    "population = { size = 100, source = 's', date = 'd' }\nmargins = { home = { alone = 0.5, together = 0.5 } }"
)
CODEBOOK = """
source = { title = "t", id = "id", encoding = "utf-8", delimiter = ",", decimal = ".", sha256 = "", synthetic = true, table = "", memory_gb = 2 }
universe = { all = ["wish is known"], exclude = [{ when = "home == 'alone'", reason = "r" }] }
survey = { weight = "w", weight_kind = "sampling", weight_missing_codes = [99], strata = ["s"], psu = ["p"], fpc = ["f"], lonely = "error", suppress_below = 10, suppress_counts = false, accept_extreme_weights = false }
[variables]
age = { column = "age", kind = "ordered", nl = "l", en = "a", cut = { breaks = [18, 35, 65], closed = "left" }, levels = [{ id = "young", nl = "j", en = "y" }, { id = "old" }] }
home = { position = 2, kind = "nominal", empty = "no answer", levels = [{ id = "alone", codes = [1] }, { id = "together", text = ["t"] }], missing = [{ codes = [9], text = ["x"], reason = "r", policy = "exclude" }] }
years = { question = "How old", kind = "number", birth_year_in = 2021, minimum = 0, maximum = 120 }
wish = { column = "q", kind = "ordered", levels = [{ id = "never", codes = [1] }, { id = "often", codes = [2] }] }
merged = { from = "wish", kind = "ordered", drop = [], levels = [{ id = "lo", merges = ["never"] }, { id = "hi", merges = ["often"] }] }
ruled = { kind = "nominal", rules = [{ when = "wish == 'never'", id = "a" }], otherwise = "none", levels = [{ id = "a" }, { id = "b" }] }
[collapses]
some = { variable = "wish", levels = ["never"], id = "either", nl = "n", en = "e" }
"""
FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "codebook.toml": (CODEBOOK, read_codebook),
    "model.toml": (MODEL, lambda path: read_priors(read_model(path).priors, f"{path}, [priors]")),
    "joint.toml": (JOINT, read_joint_model),
    "article.toml": (ARTICLE, read_article),
    "margins.toml": (MARGINS, read_margins),
    "weighting-margins.toml": (WEIGHTING, read_weighting_margins),
}


def dumped(value: Any) -> str:
    if isinstance(value, bool | str):
        return json.dumps(value)
    if isinstance(value, list):
        return f"[{', '.join(map(dumped, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)} = {dumped(one)}' for key, one in value.items())}}}"
    return str(value)


def places(table: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, value in table.items() if isinstance(table, dict) else enumerate(table):
        yield (*before, key)
        if isinstance(value, dict | list):
            yield from places(value, (*before, key))


def alike(old: object, new: object) -> bool:
    """Whether a value may be right as far as its type goes."""
    if isinstance(old, bool) or isinstance(new, bool):
        return isinstance(old, bool) and isinstance(new, bool)
    if isinstance(old, list):
        one_for_all = not isinstance(new, list | dict) and (not old or alike(old[0], new) or new == "")
        return one_for_all or (isinstance(new, list) and all(not old or alike(old[0], one) for one in new))
    number = int | float
    return isinstance(new, type(old)) or (isinstance(old, number) and isinstance(new, number))


@pytest.mark.parametrize("name", FILES)
def test_a_value_of_another_type_is_refused_by_name(name: str, tmp_path: Path):
    text, read = FILES[name]
    (tmp_path / "codebook.toml").write_text(CODEBOOK, encoding="utf-8")
    path, table = tmp_path / name, tomllib.loads(text)
    accepted, unnamed, tried = [], [], 0
    for place in places(table):
        for wrong in WRONG:
            changed: Any = copy.deepcopy(table)
            holder = changed
            for key in place[:-1]:
                holder = holder[key]
            old, holder[place[-1]] = holder[place[-1]], wrong
            path.write_text("\n".join(f"{key} = {dumped(value)}" for key, value in changed.items()), encoding="utf-8")
            tried += 1
            try:
                read(path)
            except WwmError as problem:
                keys = [key for key in place if isinstance(key, str)]
                told = "`" in str(problem) or any(
                    key in str(problem) for key in keys
                )  # this key, or one that now contradicts it
                if name not in str(problem) or not told:
                    unnamed.append((place, wrong, str(problem)))
            else:
                level = "group" in place[:-1] and isinstance(wrong, int | list)  # a number, or several levels joined
                if not (alike(old, wrong) or level) or wrong in (1e400, 10**400) or wrong != wrong:
                    accepted.append((place, wrong))
    assert tried > 50
    assert accepted == []
    assert unnamed == []


@pytest.fixture
def ordinary_depth() -> Iterator[None]:
    """The interpreter's own limit of recursion: PyTensor, once a test has imported it, has raised it for the whole process."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("ordinary_depth")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 2000 + "]" * 2000, "it has tables or lists within each other more than 30 deep."),
        (".".join(["a"] * 2000) + " = 1", "has tables or lists within each other more than 30 deep."),
        ("a = " + "{ a = " * 900 + "1" + " }" * 900, "has tables or lists within each other more than 30 deep."),
        ("a = " + "9" * 5000, "a number has too many digits to be read. Expected numbers below 1e+18."),
        ("a = " + "9" * 400, "`a` is 9999999999999999999999999999999999999999. Expected a finite number below 1e+18."),
        ("[[a]]\nb = [1, nan]", "`a[1].b[2]` is nan. Expected a finite number below 1e+18. Repair that line."),
        ("a = -inf", "`a` is -inf. Expected a finite number below 1e+18. Repair that line."),
    ],
)
def test_what_no_file_can_mean_is_refused_and_shown_shortly(text: str, said: str, tmp_path: Path):
    path = tmp_path / "codebook.toml"
    path.write_text(text, encoding="utf-8")
    for read in (read_toml, read_codebook):
        with pytest.raises(DeclarationError) as problem:
            read(path)
        assert said in str(problem.value)
        assert str(problem.value).startswith(f"{path}: ")
        assert len(str(problem.value)) < len(str(path)) + 250


def test_what_ships_is_read():
    for name in ("wwm21", "gss2018", "nsw2020", "nsw2021"):
        assert read_codebook(bundled_study(name) / "codebook.toml").declarations
        assert read_article(bundled_study(name) / "article.toml").title
