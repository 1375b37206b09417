"""A study's model files: where they are, and what each asks for: one TOML per model, with its fits and reported groups.

A study is a folder of the user, or one that ships with the package (`study_folder`).
"""

from __future__ import annotations

import importlib.resources
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wwm_models.arguments import MOST
from wwm_models.errors import DeclarationError, did_you_mean, listed
from wwm_models.estimates.causal_diagram import CAUSAL_FILE, Diagram, estimands_in, read_diagram, refuse_contradicted
from wwm_models.messages import DEFAULT, LANGUAGES
from wwm_models.survey.frames import refuse_column_name
from wwm_models.toml_tables import check_keys, read_toml


def bundled_study(name: str) -> Path:
    """Folder of a study that ships with the package: inside the wheel, or beside the source in a checkout.

    Examples
    --------
    >>> (bundled_study("wwm21") / "codebook.toml").is_file()
    True
    """
    inside = Path(str(importlib.resources.files("wwm_models"))) / "studies" / name
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3] / "models" / name


def bundled_names() -> list[str]:
    """Names of the studies that ship with the package.

    Examples
    --------
    >>> "wwm21" in bundled_names()
    True
    """
    return sorted(path.parent.name for path in bundled_study("wwm21").parent.glob("*/codebook.toml"))


def study_folder(name: str) -> Path:
    """The folder of that path, or the study of that name that ships with the package."""
    path = Path(name)
    bundled = bundled_study(path.name)
    return bundled if not path.exists() and bundled.is_dir() else path


RESERVED = ("codebook.toml", "article.toml", CAUSAL_FILE, "margins.toml", "weighting-margins.toml")
ENGINES = ("likelihood", "bayes")
POPULATIONS = ("sample", "balanced")
CHOICES = {
    "weights": ("survey", "none"),
    "contrasts": ("pairwise", "reference", "none"),
    "penalty": ("none", "jeffreys"),
    "thresholds": ("flexible", "equidistant", "symmetric"),
}

TITLES = tuple(f"title_{lang}" for lang in LANGUAGES)


@dataclass(frozen=True)
class ModelSpec:
    """One declared model of a study.

    Attributes
    ----------
    name : str
        File name without its ending.
    outcome, family, link : str
    exposures : tuple of str
        Reported, each adjusted for the others and for the adjusters.
    adjusters : tuple of str
    interactions : tuple of str
        Such as ``"age_group:household"``.
    estimands : tuple of str
        "total" (an exposure without the others) and "<exposure>-adjusted" (all exposures together); with a diagram those that follow from it.
    nonproportional : tuple of str
    thresholds : str
    thresholds_by : str or None
        Variable whose levels have cut points of their own.
    terms : mapping of variable to its term in the formula
        Such as ``age = "ns(age, df=3)"`` or ``age_group = "mo(age_group)"``; the variable itself unless given.
    reverse : bool
    penalty : {"none", "jeffreys"}
    scale : str or None
        Formula of the log standard deviation.
    baseline : str or None
    weights : {"survey", "none"}
    engines : tuple of str
    contrasts : {"pairwise", "reference", "none"}
    family_of_tests : str
    primary : bool
        Whether claims about the outcome are judged by this model.
    tolerance : float
        Percentage points by which a reported number may differ under another model before the page asks to look at it.
    titles : mapping of language to title
    priors : mapping
    population : str or mapping
        Whom to average over: "sample", "balanced", or margins (variable to level to share or count).
    imputation : mapping
        ``m``, ``variables``, and perhaps ``predictors``, ``seed`` and ``delta``: missing answers of these are completed.
    diagram : Diagram or None
        From which estimands and their adjusters follow; None where the study has none, or the file writes its own estimands.
    """

    name: str
    outcome: str
    family: str
    link: str = "logit"
    exposures: tuple[str, ...] = ()
    adjusters: tuple[str, ...] = ()
    interactions: tuple[str, ...] = ()
    estimands: tuple[str, ...] = ("total",)
    nonproportional: tuple[str, ...] = ()
    thresholds: str = "flexible"
    thresholds_by: str | None = None
    reverse: bool = False
    baseline: str | None = None
    penalty: str = "none"
    scale: str | None = None
    weights: str = "survey"
    engines: tuple[str, ...] = ("likelihood",)
    contrasts: str = "pairwise"
    family_of_tests: str = ""
    primary: bool = True
    tolerance: float = 2.0
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    priors: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    terms: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    imputation: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    population: str | Mapping[str, Mapping[str, float]] = "sample"
    diagram: Diagram | None = None

    def written_terms(self, exposures: Sequence[str], adjusters: Sequence[str] | None = None) -> list[str]:
        """The terms of these exposures, these adjusters or else all, and the interactions among what is there, in their declared form."""
        terms = [*exposures, *(self.adjusters if adjusters is None else adjusters)]
        terms += [term for term in self.interactions if all(part in terms for part in term.split(":"))]
        return [":".join(self.terms.get(part, part) for part in term.split(":")) for term in terms]

    def formula(self, exposures: Sequence[str], adjusters: Sequence[str] | None = None) -> str:
        """The formula of these terms."""
        return f"{self.outcome} ~ {' + '.join(self.written_terms(exposures, adjusters)) or '1'}"


def read_models(folder: Path) -> tuple[ModelSpec, ...]:
    """Every model of a study folder, in the order of their file names.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    tuple of ModelSpec

    Raises
    ------
    DeclarationError
        If there is no folder, no model, or a file is not in the schema.
    """
    if not folder.is_dir():
        shipped = bundled_names()
        beside = [path.name for path in folder.parent.glob("*") if path.is_dir()] if folder.parent.is_dir() else []
        raise DeclarationError(
            f"{folder}: no such study folder.{did_you_mean(folder.name, [*shipped, *beside])} Give a folder that holds codebook.toml and model "
            f"files, or the name of a study that ships with the package: {listed(shipped, 20)}."
        )
    files = sorted(
        path for path in folder.glob("*.toml") if path.name not in RESERVED and "joint" not in read_toml(path)
    )
    if not files:
        raise DeclarationError(
            f"{folder}: no model file. Add one, such as desired.toml with outcome, family and exposures."
        )
    return tuple(read_model(path) for path in files)


_UNWRITTEN = ("name", "titles", "diagram", "outcome", "family")  # fields that are no keys, or required ones


def read_model(path: Path) -> ModelSpec:
    """One model file as a record; unknown keys and values of the wrong type are errors, and what its folder's diagram contradicts."""
    table = read_toml(path)
    where = str(path)
    known = [name for name in ModelSpec.__dataclass_fields__ if name not in _UNWRITTEN]
    check_keys(table, required=("outcome", "family"), optional=[*known, *TITLES], where=where)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key.startswith("title_"):
            continue
        values[key] = checked_value(key, value, where)
    spec = ModelSpec(name=path.stem, titles=titles_of(table, path), **values)
    spec = by_diagram(spec, table, read_diagram(path.parent), where)
    refuse_contradictions((spec.outcome,), spec.exposures, spec.adjusters, spec.interactions, where)
    for key in ("estimands", "engines"):
        if not getattr(spec, key):
            raise DeclarationError(f"{where}: `{key}` is empty. Expected one or more. Name them, or leave the key out.")
    completed = spec.imputation.get("variables", [])
    if not set(completed) <= {spec.outcome, *spec.exposures, *spec.adjusters}:
        raise DeclarationError(
            f"{where}, [imputation]: `variables` is {completed!r}. Expected some of the model's variables: "
            f"{listed((spec.outcome, *spec.exposures, *spec.adjusters), 40)}. Repair the list."
        )
    for name in spec.terms:
        if name not in (*spec.exposures, *spec.adjusters):
            raise DeclarationError(
                f'{where}: `terms` gives a form to "{name}". Expected some of exposures and adjusters: '
                f"{listed((*spec.exposures, *spec.adjusters), 20)}. Name it there too, or remove the term."
            )
    return spec


def by_diagram(spec: ModelSpec, written: Mapping[str, Any], diagram: Diagram | None, where: str) -> ModelSpec:
    """The model with what follows from its folder's diagram; estimands that the file writes itself stand, unless the diagram contradicts them."""
    if diagram is None or not spec.exposures:
        return spec
    if "estimands" in written:
        refuse_contradicted(diagram, spec.exposures, spec.adjusters, spec.estimands, where)
        return spec
    given = spec.adjusters if "adjusters" in written else None
    adjusters, estimands = estimands_in(diagram, spec.exposures, given, where)
    return replace(spec, diagram=diagram, adjusters=adjusters, estimands=estimands)


def refuse_contradictions(
    outcomes: Sequence[str], exposures: Sequence[str], adjusters: Sequence[str], interactions: Sequence[str], where: str
) -> None:
    """Refuse a variable without a name or in two places, an exposure called as a column of tables, and an interaction that is not of variables of the model.

    Raises
    ------
    DeclarationError
    """
    places = [
        *(("outcome", name) for name in outcomes),
        *(("exposures", name) for name in exposures),
        *(("adjusters", name) for name in adjusters),
    ]
    first: dict[str, str] = {}
    for key, name in places:
        if not name.strip():
            raise DeclarationError(
                f"{where}: `{key}` holds an empty name. Expected a variable of the codebook. Name it."
            )
        if name in first:
            raise DeclarationError(
                f'{where}: "{name}" stands in `{first[name]}` and in `{key}`. Expected each variable once. Remove one of the two.'
            )
        if key == "exposures":
            refuse_column_name(name, "an exposure", DeclarationError, f"{where}: ")
        first[name] = key
    known = [*exposures, *adjusters]
    for term in interactions:
        parts = term.split(":")
        if len(parts) < 2 or len(set(parts)) < len(parts) or not set(parts) <= set(known):
            raise DeclarationError(
                f'{where}: `interactions` names "{term}". Expected two or more different variables among {listed(known, 20) or "exposures and adjusters"}, '
                'with a colon between them, like "age_group:household". Repair it.'
            )


def titles_of(table: Mapping[str, Any], path: Path) -> Mapping[str, str]:
    """The titles of a model file in the languages it has them in; its name where there is none."""
    titles = {lang: table[f"title_{lang}"] for lang in LANGUAGES if f"title_{lang}" in table}
    for lang, title in titles.items():
        if not isinstance(title, str):
            raise DeclarationError(f"{path}: `title_{lang}` is {title!r}. Expected a text in quotes. Repair that line.")
    return MappingProxyType(titles or {DEFAULT: path.stem})


_LISTS = ("exposures", "adjusters", "interactions", "estimands", "nonproportional", "engines", "joint")


def checked_value(key: str, value: Any, where: str) -> Any:
    """A value of a model file, refused where it has the wrong type or is not one of the choices."""
    if key in _LISTS:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise DeclarationError(
                f'{where}: `{key}` is {value!r}. Expected a list of names, such as {key} = ["age_group"]. Repair that line.'
            )
        if key == "engines":
            _among(where, key, value, ENGINES)
        _refuse_twice(key, value, where)
        return tuple(value)
    if key == "population":
        return _population(value, where)
    if key == "tolerance":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            raise DeclarationError(
                f"{where}: `tolerance` is {value!r}. Expected percentage points from 0 to 100, such as tolerance = 2. Repair that line."
            )
        return float(value)
    expected: type = {"primary": bool, "reverse": bool, "priors": dict, "terms": dict, "imputation": dict}.get(key, str)
    if not isinstance(value, expected):
        raise DeclarationError(f"{where}: `{key}` is {value!r}. Expected {_TYPE_WORDS[expected]}. Repair that line.")
    if key == "imputation":
        _check_imputation(value, where)
    if key == "terms" and not all(isinstance(term, str) and term.strip() for term in value.values()):
        raise DeclarationError(
            f'{where}: `terms` is {value!r}. Expected a text for each variable, such as age = "ns(age, df=3)". Repair that line.'
        )
    if key in CHOICES:
        _among(where, key, [value], CHOICES[key])
    return value


def _refuse_twice(key: str, names: Sequence[str], where: str) -> None:
    """Refuse a list that names one thing twice; the variables of an interaction may stand in any order."""
    first: dict[tuple[str, ...], str] = {}
    for name in names:
        parts = tuple(sorted(part.strip() for part in name.split(":")))
        if parts in first:
            also = f', once as "{first[parts]}"' if first[parts] != name else ""
            raise DeclarationError(f'{where}: `{key}` names "{name}" twice{also}. Expected each once. Remove one.')
        first[parts] = name


def _population(value: Any, where: str) -> str | Mapping[str, Mapping[str, float]]:
    """A named population, or a table of margins."""
    if isinstance(value, str):
        _among(where, "population", [value], POPULATIONS)
        return value
    tables: list[Any] = list(value.values()) if isinstance(value, dict) else []
    shares: list[Any] = [share for table in tables for share in (table.values() if isinstance(table, dict) else [None])]
    if not shares or not all(
        isinstance(share, int | float) and not isinstance(share, bool) and share >= 0 for share in shares
    ):
        raise DeclarationError(
            f"{where}: `population` is {value!r}. Expected {listed(POPULATIONS)}, or a table per variable with the share or count (0 or more) of every "
            "level, such as [population.gender] with man = 0.49 and woman = 0.51."
        )
    return value


def _check_imputation(value: Mapping[str, Any], where: str) -> None:
    """Refuse an [imputation] whose values have the wrong type."""
    place = f"{where}, [imputation]"
    check_keys(value, required=("m", "variables"), optional=("predictors", "seed", "delta"), where=place)

    def whole(key: str, least: int, most: float) -> bool:
        number = value.get(key, least)
        return isinstance(number, int) and not isinstance(number, bool) and least <= number <= most

    def names(key: str) -> bool:
        given = value.get(key, [])
        single = isinstance(given, list) and all(isinstance(name, str) and name.strip() for name in given)
        return single and len(set(given)) == len(given)

    delta = value.get("delta", {})
    shifts = list(delta.values()) if isinstance(delta, dict) else [None]
    for key, right, expected in (
        ("m", whole("m", 2, MOST["m"]), f"a whole number from 2 to {MOST['m']}"),
        ("seed", whole("seed", 0, math.inf), "a whole number of 0 or more"),
        ("variables", names("variables") and value["variables"] != [], 'a list of names, each once, such as ["household"]'),
        ("predictors", names("predictors"), 'a list of names, each once, such as ["age_group"]'),
        ("delta", all(isinstance(one, int | float) and not isinstance(one, bool) for one in shifts), "a table of a number per variable"),
    ):  # fmt: skip
        if not right:
            raise DeclarationError(f"{place}: `{key}` is {value[key]!r}. Expected {expected}. Repair that line.")


_TYPE_WORDS: dict[type, str] = {bool: "true or false", dict: "a table", str: "a text in quotes"}


def _among(where: str, key: str, values: list[str], known: tuple[str, ...]) -> None:
    for value in values:
        if value not in known:
            raise DeclarationError(
                f'{where}: `{key}` names "{value}". Expected one of: {listed(known)}.{did_you_mean(value, known)} Write one of these.'
            )
