"""Priors as they are declared, in a model file's ``[priors]`` or as an argument: read strictly, one density a line.

[priors]
slopes = "normal(0, 1)"                 # also student_t(df, mean, scale), r2d2(mean, precision, concentration), flat()
cutpoints = "induced_dirichlet(1)"      # also ordered_normal(mean, scale), normal(mean, scale), flat()
scale = "normal(0, 0.5)"                # of the columns of a log standard deviation
predictors = "two_sd"                   # a number's slope is per two standard deviations; "as_is": per unit
terms = { gender = "normal(0, 0.5)" }   # for all columns of one term, instead of `slopes`; "a:b" = "zero_sum(0.5)" pools an interaction
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from wwm_models.errors import DeclarationError, did_you_mean, listed
from wwm_models.toml_tables import check_keys

NAMED = re.compile(r"\s*([a-z_0-9]+)\s*\(([^()]*)\)\s*")
ARGUMENTS = {
    "normal": ("mean", "scale"),
    "student_t": ("df", "mean", "scale"),
    "flat": (),
    "zero_sum": ("scale",),
    "r2d2": ("mean", "precision", "concentration"),
    "induced_dirichlet": ("concentration",),
    "ordered_normal": ("mean", "scale"),
}
POSITIVE = ("df", "scale", "concentration", "precision")
ALLOWED = {
    "slopes": ("normal", "student_t", "r2d2", "flat"),
    "terms": ("normal", "student_t", "zero_sum", "flat"),
    "cutpoints": ("induced_dirichlet", "ordered_normal", "normal", "student_t", "flat"),
    "scale": ("normal", "student_t", "flat"),
}
PREDICTORS = ("two_sd", "as_is")


@dataclass(frozen=True)
class Density:
    """A named density with its numbers.

    Examples
    --------
    >>> str(Density("normal", (0.0, 1.5)))
    'normal(0, 1.5)'
    """

    name: str
    arguments: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{value:g}' for value in self.arguments)})"


@dataclass(frozen=True)
class DeclaredPriors:
    """What was declared; None where the default of the family is meant."""

    slopes: Density | None = None
    cutpoints: Density | None = None
    scale: Density | None = None
    predictors: str = "two_sd"
    terms: Mapping[str, Density] = field(default_factory=lambda: MappingProxyType({}))


def read_priors(table: Mapping[str, Any] | None, where: str = "priors") -> DeclaredPriors:
    """Read a table of priors.

    Parameters
    ----------
    table : mapping or None
    where : str
        File or argument, for the messages.

    Raises
    ------
    DeclarationError

    Examples
    --------
    >>> str(read_priors({"slopes": "normal(0, 2)"}).slopes)
    'normal(0, 2)'
    """
    table = table or {}
    check_keys(table, optional=[*ALLOWED, "predictors"], where=where)
    predictors = table.get("predictors", "two_sd")
    if predictors not in PREDICTORS:
        raise DeclarationError(
            f"{where}: `predictors` is {predictors!r}. Known: {listed(PREDICTORS)}.{did_you_mean(str(predictors), PREDICTORS)} "
            '"two_sd": a slope is per two standard deviations of a number; "as_is": per unit.'
        )
    terms = table.get("terms", {})
    if not isinstance(terms, Mapping):
        raise DeclarationError(
            f'{where}: `terms` is {terms!r}. Expected a table, such as {{ gender = "normal(0, 0.5)" }}.'
        )
    found = {key: _density(table[key], key, where) for key in ("slopes", "cutpoints", "scale") if key in table}
    own = {str(term): _density(text, "terms", f"{where}, terms.{term}") for term, text in terms.items()}
    return DeclaredPriors(predictors=predictors, terms=MappingProxyType(own), **found)


def _density(text: object, key: str, where: str) -> Density:
    matched = NAMED.fullmatch(text) if isinstance(text, str) else None
    if matched is None:
        raise DeclarationError(
            f'{where}: `{key}` is {text!r}. Expected a density with its numbers, such as "normal(0, 1)".'
        )
    name, inside = matched.groups()
    if name not in ALLOWED[key]:
        raise DeclarationError(
            f'{where}: `{key} = "{text}"` names the density "{name}". For {key}: {listed(ALLOWED[key])}.{did_you_mean(name, ALLOWED[key])}'
        )
    return Density(name, _numbers(name, inside, f'{where}: `{key} = "{text}"`'))


def _numbers(name: str, inside: str, where: str) -> tuple[float, ...]:
    expected = ARGUMENTS[name]
    parts = [part.strip() for part in inside.split(",")] if inside.strip() else []
    form = f"{name}({', '.join(expected)})"
    try:
        values = tuple(float(part) for part in parts)
    except ValueError:
        raise DeclarationError(f"{where} holds something that is not a number. Expected {form}.") from None
    if len(values) != len(expected):
        raise DeclarationError(f"{where} has {len(values)} numbers. Expected {len(expected)}: {form}.")
    for label, value in zip(expected, values, strict=True):
        if not abs(value) < float("inf") or (label in POSITIVE and value <= 0):
            limits = "above 0" if label in POSITIVE else "that is finite"
            raise DeclarationError(f"{where} has {label} = {value:g}. Expected a number {limits}: {form}.")
    if name == "r2d2" and not 0.0 < values[0] < 1.0:
        raise DeclarationError(
            f"{where} has mean = {values[0]:g}. Expected the mean of R^2, a number between 0 and 1: {form}."
        )
    return values
