"""Codebooks, models and articles with one thing changed, read by ``wwm check``; options of the command line; arguments of functions."""

from __future__ import annotations

import contextlib
import io
import json
import random
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import wwm_models as wwm
from benchmarks.campaign.judged import ACCEPTED, CLEAR, RIGHT, WRONG, Judged, clear, ended
from benchmarks.campaign.study import ARTICLE, CODEBOOK, MODEL, answers, write_study
from wwm_models.cli.main import OWN_FAULT, main

FILES = {"codebook.toml": CODEBOOK, "wish.toml": MODEL, "article.toml": ARTICLE}
VALUES: tuple[Any, ...] = (
    True, False, -1, 0, 1, 0.5, 1e308, float("nan"), float("inf"), 10**30, "", "x", "age_group", "1", [], {}, ["x"], [[]], [True], {"x": 1},
    "\u202eabc", "a" * 3000, [1, 2, 3], "<b>", "../x", "0,5", "35%",
)  # fmt: skip


def toml_of(value: Any) -> str:
    """A value as TOML: tables inline, so that any tree can be written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return {"nan": "nan", "inf": "inf", "-inf": "-inf"}.get(repr(value), repr(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=True)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_of, value)) + "]"
    return "{" + ", ".join(f"{json.dumps(key)} = {toml_of(inside)}" for key, inside in value.items()) + "}"


def document(tree: dict[str, Any]) -> str:
    """A whole file."""
    return "".join(f"{json.dumps(key)} = {toml_of(value)}\n" for key, value in tree.items())


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything in a tree but its root."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, inside in items:
        yield (*path, key)
        yield from places(inside, (*path, key))


def _inside(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def other_value(tree: dict[str, Any], rng: random.Random) -> bool:
    path = rng.choice(list(places(tree)))
    _inside(tree, path[:-1])[path[-1]] = rng.choice(VALUES)
    return False


def value_gone(tree: dict[str, Any], rng: random.Random) -> bool:
    path = rng.choice(list(places(tree)))
    del _inside(tree, path[:-1])[path[-1]]
    return False


def value_twice(tree: dict[str, Any], rng: random.Random) -> bool:
    inside = [path for path in places(tree) if isinstance(_inside(tree, path[:-1]), list)]
    if inside:
        path = rng.choice(inside)
        _inside(tree, path[:-1]).append(_inside(tree, path))
    return False


def key_misspelt(tree: dict[str, Any], rng: random.Random) -> bool:
    """A key of the schema with a letter too many: unknown keys are errors; names that the author chooses are not keys."""
    chosen = {"variables", "collapses", "group", "n"}
    named = [path for path in places(tree) if isinstance(path[-1], str) and not chosen & set(path[-2:-1])]
    path = rng.choice(named)
    held = _inside(tree, path[:-1])
    held[f"{path[-1]}q"] = held.pop(path[-1])
    return True


def values_exchanged(tree: dict[str, Any], rng: random.Random) -> bool:
    ends = [path for path in places(tree) if not isinstance(_inside(tree, path), dict | list)]
    first, second = rng.sample(ends, 2)
    one, two = _inside(tree, first), _inside(tree, second)
    _inside(tree, first[:-1])[first[-1]], _inside(tree, second[:-1])[second[-1]] = two, one
    return False


TREES = (other_value, other_value, value_gone, value_twice, key_misspelt, values_exchanged)


def text_changed(text: str, rng: random.Random) -> bytes:
    """The text of a file with characters lost, doubled, exchanged or of another kind."""
    content = text.encode()
    place = rng.randrange(len(content))
    kind = rng.randrange(5)
    if kind == 0:
        return content[:place]
    if kind == 1:
        return (
            content[:place]
            + rng.choice([b"\x00", b"\xff", b"=", b"[", b'"', b"\n", b"{", b"\xe2\x80\xae"])
            + content[place:]
        )
    if kind == 2:
        return content[:place] + content[place + rng.randint(1, 30) :]
    if kind == 3:
        return content + b"x = " + b"[" * rng.choice([200, 3000]) + b"]" * 3000 + b"\n"
    return content + b"\nbig = " + b"9" * 6000 + b"\n"


def called(arguments: list[str]) -> str:
    """Column of a call of the command line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as stop:  # of the parser
            code = stop.code if isinstance(stop.code, int) else 2
            return CLEAR if code == 2 and "error:" in err.getvalue() else RIGHT
    said = err.getvalue()
    if code == OWN_FAULT:
        raise RuntimeError(said)
    if code == 2:
        message = said[said.find("wwm: ") + 5 :].strip()
        if not clear(message):
            raise RuntimeError(f"an unclear message: {said[:600]}")
        return CLEAR
    return ACCEPTED


def run_files(judged: Judged, count: int, seed: int, folder: Path) -> None:
    """Judge `count` studies with one declaration changed."""
    answers(200, 5).to_csv(folder / "data.csv", index=False)
    study = write_study(folder / "study")
    for number in range(count):
        rng = random.Random(f"{seed}-declared-{number}")
        name = rng.choice(list(FILES))
        if rng.random() < 0.15:
            content, refused, kind = text_changed(FILES[name], rng), False, "text changed"
        else:
            tree = tomllib.loads(FILES[name])
            function = rng.choice(TREES)
            refused, kind = function(tree, rng), function.__name__.replace("_", " ")
            content = document(tree).encode()
        (study / name).write_bytes(content)
        column, what = ended(lambda: called(["check", str(study), "--data", str(folder / "data.csv")]))
        if refused and column == ACCEPTED:
            column = WRONG
        judged.add(
            "declarations",
            f"{name}: {kind}",
            column,
            f"case {number}: {what}\n{content.decode('utf-8', 'replace')[-600:] if what else ''}",
        )
        (study / name).write_text(FILES[name], encoding="utf-8")


OPTIONS = {
    "--level": ("95", "0", "1", "-0.5", "nan", "inf", "x", "", "1e-300", "0.95%"),
    "--engine": ("stan", "", ",", "bayes;likelihood", "likelihood,,x", "LIKELIHOOD"),
    "--seed": ("x", "1.5", "", "1e3", "-", "99999999999999999999999999x"),
    "--lang": ("fr", "", "NL", "nl;en", "../x"),
    "--codebook": ("nowhere.toml", "", ".", "/dev/null", "\u202e", "a" * 300),
    "--data": ("nowhere.csv", "", ".", "/dev/null", "sqlite:///nowhere.db#x", "duckdb:///nowhere.duckdb#t", "ftp://x#y", "x" * 5000, "a\x00b"),
    "--out": ("/dev/null", "/dev/null/x", "", "/proc/x", "a" * 300, "x\x00y"),
}  # fmt: skip
EXTRA = (["--nothing"], ["extra"], ["--in-place=maybe"], ["--out"], ["--level"])


def run_options(judged: Judged, count: int, seed: int, folder: Path) -> None:
    """Judge `count` command lines, each with an option that cannot be used."""
    data, study = folder / "data.csv", write_study(folder / "study")
    answers(200, 5).to_csv(data, index=False)
    for number in range(count):
        rng = random.Random(f"{seed}-options-{number}")
        given = {"--data": str(data), "--out": str(folder / "out")}
        if rng.random() < 0.9:
            name = rng.choice(list(OPTIONS))
            given[name] = rng.choice(OPTIONS[name])
            more: list[str] = []
        else:
            name, more = "unknown", rng.choice(EXTRA)
        line = [
            rng.choice([str(study)] * 4 + ["nowhere", "/dev/null", "wwm2"]),
            *[part for pair in given.items() for part in pair],
            *more,
        ]
        before = set(folder.iterdir())
        column, what = ended(lambda line=line: called(["run", *line]))
        if column == ACCEPTED:
            column, what = WRONG, "an option that cannot be used was accepted"
        made = set(folder.iterdir()) - before
        if made:
            column, what = WRONG, f"refused, and wrote {sorted(path.name for path in made)}"
        judged.add("options", name, column, f"case {number}: {line}: {what}")


def _survey(seed: int) -> wwm.Survey:
    rng = np.random.default_rng(seed)
    wish = pd.Categorical.from_codes(rng.integers(0, 3, 90), ["never", "some", "often"], ordered=True)
    frame = pd.DataFrame(
        {
            "wish": wish, "before": pd.Categorical.from_codes(rng.integers(0, 3, 90), ["never", "some", "often"], ordered=True),
            "age": pd.Categorical.from_codes(rng.integers(0, 3, 90), ["a", "b", "c"]), "x": rng.normal(size=90), "w": rng.uniform(0.5, 1.5, 90),
            "s": rng.integers(0, 3, 90), "p": rng.integers(0, 12, 90),
        }
    )  # fmt: skip
    return wwm.Survey.from_frame(frame, weight="w")


HOSTILE: tuple[Any, ...] = (
    None, True, -1, 0, 95, 1.5, float("nan"), float("inf"), 10**12, "", "x", "nonsense", [], {}, [None], ["x"], {"x": 1}, {1: 1}, object(), 1j, b"x",
    np.zeros(3), pd.Series([1.0, 2.0]), pd.DataFrame({"a": [1]}), lambda: None, ("age", "age"), [["age"]], "age:x", "wish", "\u202e",
)  # fmt: skip


def calls() -> list[tuple[Callable[..., Any], dict[str, Any]]]:
    """Functions with arguments that are right, by the names of their parameters."""
    survey, model = _survey(1), wwm.Model("wish ~ age + x")
    by_number = wwm.fit(wwm.Model("wish ~ age + x"), survey)
    fit, raw = wwm.fit(wwm.Model("wish ~ age"), survey), wwm.raw(survey, "wish", "age")
    designed = wwm.Survey.from_frame(survey.frame, weight="w", strata="s", psu="p")
    con, plain = wwm.contrasts(fit, "age", kind="ratio"), wwm.fit(wwm.Model("wish ~ age"), survey.unweighted())
    level, thirds = {"level": 0.95}, {"a": 30.0, "b": 30.0, "c": 30.0}
    scores = {"never": 1.0, "some": 2.0, "often": 3.0}
    return [
        (wwm.Survey.from_frame, {"frame": survey.frame, "weight": "w", "strata": "s", "psu": "p", "fpc": None, "domain": None, "lonely": "error"}),
        (wwm.Model, {"formula": "wish ~ age", "family": "cumulative", "link": "logit", "nonproportional": (), "thresholds": "flexible", "scale": None}),
        (wwm.Model, {"formula": "wish ~ age", "family": "multinomial", "link": "logit", "reverse": False, "baseline": None}),
        (wwm.fit, {"model": model, "survey": survey, "vcov": "auto"}),
        (wwm.adjusted, {"fit": fit, "by": "age", "over": "sample", "interval": "logit", "covariates": "sampled", "collapses": None, **level}),
        (wwm.contrasts, {"source": fit, "variable": "age", "kind": "difference", "reference": "a", "pairwise": False, "simultaneous": False, **level}),
        (wwm.contrasts, {"source": raw, "variable": "age", "kind": "ratio", "pairwise": True, **level}),
        (wwm.slopes, {"fit": by_number, "variable": "x", "interval": "wald", "covariates": "sampled", "over": "sample", **level}),
        (wwm.raw, {"survey": survey, "outcome": "wish", "by": "age", "interval": "logit", "collapses": None, **level}),
        (wwm.mean, {"survey": survey, "variable": "x", "by": "age", **level}),
        (wwm.total, {"survey": survey, "variable": "x", "by": "age", **level}),
        (wwm.change, {"survey": survey, "before": "before", "wanted": "wish", "by": "age", **level}),
        (wwm.change_between, {"first": raw, "second": raw, "categories": None, **level}),
        (wwm.superiority, {"source": fit, "by": "age", "reference": None, "pairwise": False, **level}),
        (wwm.mean_score, {"source": raw, "scores": scores, "by": None, **level}),
        (wwm.mean_score, {"source": fit, "scores": scores, "by": "age", **level}),
        (wwm.answer_ratio, {"source": raw, "numerator": "often", "denominator": "never", "by": None, **level}),
        (wwm.equivalence, {"contrasted": wwm.contrasts(fit, "age"), "margin": 0.05, **level}),
        (wwm.e_values, {"contrasted": con}),
        (wwm.e_value, {"risk_ratio": 1.5, "lower": 1.2, "upper": 1.9, "true": 1.0}),
        (wwm.family_of_tests, {"tables": [wwm.contrasts(fit, "age")], **level}),
        (wwm.predict, {"fit": fit, "frame": survey.frame.head(3)}),
        (wwm.rake, {"survey": survey, "margins": {"age": thirds}, "bounds": None, "tolerance": 1e-8, "iterations": 200}),
        (wwm.poststratify, {"survey": survey, "variable": "age", "counts": thirds}),
        (wwm.calibrate, {"survey": survey, "totals": {"age": thirds}}),
        (wwm.trim, {"survey": survey, "lower": 0.0, "upper": 3.0}),
        (wwm.replicates, {"survey": designed, "kind": "bootstrap", "draws": 20, "seed": 1, "rho": 0.3}),
        (wwm.impute, {"survey": survey, "m": 2, "seed": 1, "variables": None, "predictors": None, "rounds": 2, "delta": None}),
        (wwm.decompose, {"model": wwm.Model("wish ~ age + x"), "survey": survey, "by": "age", "over": "sample", "collapses": None, **level}),
        (wwm.prior_predictive, {"model": model, "survey": survey, "by": "age", "seed": 1, "draws": 50, "priors": None, "collapses": None, **level}),
        (wwm.wald_test, {"fit": fit, "terms": "age"}),
        (wwm.likelihood_ratio, {"small": plain, "big": wwm.fit(model, survey.unweighted())}),
        (wwm.pulkstenis_robinson, {"fit": plain, "terms": "age"}),
        (wwm.hosmer_lemeshow, {"fit": by_number, "groups": 8}),
        (wwm.lipsitz, {"fit": by_number, "groups": 8}),
        *((test, {"fit": fit}) for test in (wwm.brant, wwm.nominal_test, wwm.scale_test, wwm.pearson, wwm.po_size, wwm.weights_matter)),
        *((residuals, {"fit": fit, "seed": 1}) for residuals in (wwm.surrogate_residuals, wwm.randomised_pit)),
        (wwm.precision, {"estimates": raw}),
    ]  # fmt: skip


def _call(function: Callable[..., Any], arguments: dict[str, Any]) -> str:
    function(**arguments)
    return ACCEPTED


def run_calls(judged: Judged, count: int, seed: int) -> None:
    """Judge `count` calls of functions with one argument that is something else."""
    known = calls()
    for function, right in known:  # a call that is wrong before anything is changed would try nothing
        _call(function, right)
    for number in range(count):
        rng = random.Random(f"{seed}-calls-{number}")
        function, right = rng.choice(known)
        key, value = rng.choice(list(right)), rng.choice(HOSTILE)
        column, what = ended(partial(_call, function, {**right, key: value}))
        name = function.__name__
        judged.add("arguments", name, column, f"case {number}: {name}({key}={value!r}): {what}")
