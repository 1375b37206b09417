"""A study's model files: one TOML per model, each a request for fits and reported groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wwm_models.declared.folders import bundled_names
from wwm_models.declared.toml import check_keys, read_toml
from wwm_models.errors import DeclarationError, did_you_mean, listed

RESERVED = ("codebook.toml", "article.toml", "margins.toml", "weighting-margins.toml")
ENGINES = ("likelihood", "bayes")
POPULATIONS = ("sample", "balanced")
CHOICES = {
    "weights": ("survey", "none"),
    "contrasts": ("pairwise", "reference", "none"),
    "penalty": ("none", "jeffreys"),
    "thresholds": ("flexible", "equidistant", "symmetric"),
}


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
        "total" (an exposure without the others) and "<exposure>-adjusted" (all exposures together).
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
    titles : mapping of language to title
    priors : mapping
    population : str or mapping
        Whom to average over: "sample", "balanced", or margins (variable to level to share or count).
    imputation : mapping
        ``m``, ``variables``, and perhaps ``predictors``, ``seed`` and ``delta``: missing answers of these are completed.
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
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    priors: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    terms: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    imputation: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    population: str | Mapping[str, Mapping[str, float]] = "sample"

    def formula(self, exposures: tuple[str, ...]) -> str:
        """The formula with these exposures, the adjusters, and the interactions among what is there."""
        terms = [*exposures, *self.adjusters]
        terms += [term for term in self.interactions if all(part in terms for part in term.split(":"))]
        written = [":".join(self.terms.get(part, part) for part in term.split(":")) for term in terms]
        return f"{self.outcome} ~ {' + '.join(written) or '1'}"


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


def read_model(path: Path) -> ModelSpec:
    """One model file as a record; unknown keys and values of the wrong type are errors."""
    table = read_toml(path)
    where = str(path)
    known = [name for name in ModelSpec.__dataclass_fields__ if name not in ("name", "titles", "outcome", "family")]
    check_keys(table, required=("outcome", "family"), optional=[*known, "title_nl", "title_en"], where=where)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key.startswith("title_"):
            continue
        values[key] = checked_value(key, value, where)
    titles = titles_of(table, path)
    return ModelSpec(name=path.stem, titles=titles, **values)


def titles_of(table: Mapping[str, Any], path: Path) -> Mapping[str, str]:
    """The titles of a model file in both languages; its name where there is none."""
    return MappingProxyType({lang: str(table.get(f"title_{lang}", path.stem)) for lang in ("nl", "en")})


_LISTS = ("exposures", "adjusters", "interactions", "estimands", "nonproportional", "engines", "joint")


def checked_value(key: str, value: Any, where: str) -> Any:
    """A value of a model file, refused where it has the wrong type or is not one of the choices."""
    if key in _LISTS:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise DeclarationError(
                f'{where}: `{key}` is {value!r}. Expected a list of names, such as {key} = ["age_group"].'
            )
        if key == "engines":
            _among(where, key, value, ENGINES)
        return tuple(value)
    if key == "population":
        return _population(value, where)
    expected: type = {"primary": bool, "reverse": bool, "priors": dict, "terms": dict, "imputation": dict}.get(key, str)
    if not isinstance(value, expected):
        raise DeclarationError(f"{where}: `{key}` is {value!r}. Expected {_TYPE_WORDS[expected]}.")
    if key == "terms" and not all(isinstance(term, str) for term in value.values()):
        raise DeclarationError(
            f'{where}: `terms` is {value!r}. Expected a text for each variable, such as age = "ns(age, df=3)".'
        )
    if key in CHOICES:
        _among(where, key, [value], CHOICES[key])
    return value


def _population(value: Any, where: str) -> str | Mapping[str, Mapping[str, float]]:
    """A named population, or a table of margins."""
    if isinstance(value, str):
        _among(where, "population", [value], POPULATIONS)
        return value
    tables: list[Any] = list(value.values()) if isinstance(value, dict) else []
    shares: list[Any] = [share for table in tables for share in (table.values() if isinstance(table, dict) else [None])]
    if not shares or not all(isinstance(share, int | float) and not isinstance(share, bool) for share in shares):
        raise DeclarationError(
            f"{where}: `population` is {value!r}. Expected {listed(POPULATIONS)}, or a table per variable with the share or count of every "
            "level, such as [population.gender] with man = 0.49 and woman = 0.51."
        )
    return value


_TYPE_WORDS: dict[type, str] = {bool: "true or false", dict: "a table", str: "a text in quotes"}


def _among(where: str, key: str, values: list[str], known: tuple[str, ...]) -> None:
    for value in values:
        if value not in known:
            raise DeclarationError(
                f'{where}: `{key}` names "{value}". Known: {listed(known)}.{did_you_mean(value, known)}'
            )
