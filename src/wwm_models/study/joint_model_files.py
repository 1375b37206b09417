"""Joint models of a study: a TOML file that names several ordered items instead of one outcome."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wwm_models.errors import DeclarationError, did_you_mean, listed
from wwm_models.study.model_files import (
    RESERVED,
    TITLES,
    ModelSpec,
    checked_value,
    refuse_contradictions,
    titles_of,
)
from wwm_models.toml_tables import check_keys, read_toml

KEYS = (
    "exposures",
    "adjusters",
    "interactions",
    "weights",
    "contrasts",
    "family_of_tests",
    "tolerance",
    *TITLES,
    "priors",
)
DENSITIES = MappingProxyType(
    {
        "slopes": ("normal", 2), "spread": ("half_normal", 1), "loadings": ("lognormal", 2), "cutpoints": ("induced_dirichlet", 1),
    }
)  # fmt: skip
_NAMED = re.compile(r"\s*([a-z_]+)\s*\(([^()]*)\)\s*")


@dataclass(frozen=True)
class JointSpec:
    """One declared joint model.

    Attributes
    ----------
    name : str
        File name without its ending.
    items : tuple of str
        Ordered outcomes, worded in one direction.
    exposures, adjusters, interactions : tuples of str
        As in `ModelSpec`; the same for every item.
    weights : {"survey", "none"}
    contrasts : {"pairwise", "reference", "none"}
    family_of_tests : str
    tolerance : float
        Percentage points; as in `ModelSpec`, for the numbers of every item.
    titles : mapping of language to title
    priors : mapping of "slopes", "spread", "loadings", "cutpoints" to the numbers of their density
        What is absent has the default of ``JointPriors``.
    """

    name: str
    items: tuple[str, ...]
    exposures: tuple[str, ...] = ()
    adjusters: tuple[str, ...] = ()
    interactions: tuple[str, ...] = ()
    weights: str = "survey"
    contrasts: str = "pairwise"
    family_of_tests: str = ""
    tolerance: float = ModelSpec.tolerance
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    priors: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def predictors(self) -> str:
        """Right side of the formula."""
        return " + ".join([*self.exposures, *self.adjusters, *self.interactions]) or "1"

    def item_specs(self) -> tuple[ModelSpec, ...]:
        """A model of each item under the joint model's name, for tables that have one model per outcome."""
        shared = ModelSpec(
            name=self.name, outcome="", family="cumulative", exposures=self.exposures, adjusters=self.adjusters, interactions=self.interactions,
            estimands=tuple(f"{name}-adjusted" for name in self.exposures) or ("total",), weights=self.weights, engines=("bayes",),
            contrasts=self.contrasts, family_of_tests=self.family_of_tests, tolerance=self.tolerance, primary=False,
        )  # fmt: skip
        return tuple(
            replace(
                shared, name=f"{self.name}-{item}", outcome=item,
                titles=MappingProxyType({lang: f"{title}: {item}" for lang, title in self.titles.items()}),
            )
            for item in self.items
        )  # fmt: skip


def read_joint_models(folder: Path) -> tuple[JointSpec, ...]:
    """Every joint model of a study folder, in the order of their file names; none is no error.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    DeclarationError
        If a file is not in the schema.
    """
    files = sorted(path for path in folder.glob("*.toml") if path.name not in RESERVED)
    return tuple(read_joint_model(path) for path in files if "joint" in read_toml(path))


def read_joint_model(path: Path) -> JointSpec:
    """One joint model file as a record; unknown keys and values of the wrong type are errors."""
    table = read_toml(path)
    where = str(path)
    check_keys(table, required=("joint",), optional=KEYS, where=where)
    items = checked_value("joint", table["joint"], where)
    if len(items) < 2:  # none twice: `checked_value` refuses that
        raise DeclarationError(
            f"{where}: `joint` names {listed(items, 20) or 'nothing'}. Expected two or more different ordered outcomes. "
            "Name them."
        )
    values = {
        key: checked_value(key, value, where)
        for key, value in table.items()
        if key not in ("joint", "priors") and not key.startswith("title_")
    }
    lists = (values.get(key, ()) for key in ("exposures", "adjusters", "interactions"))
    refuse_contradictions(items, *lists, where=where)
    priors = {key: _numbers(key, text, where) for key, text in _prior_table(table, where).items()}
    return JointSpec(
        name=path.stem, items=items, titles=titles_of(table, path), priors=MappingProxyType(priors), **values
    )


def _prior_table(table: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    priors = checked_value("priors", table.get("priors", {}), where)
    check_keys(priors, optional=DENSITIES, where=f"{where}, [priors]")
    return priors


def _numbers(key: str, text: object, where: str) -> tuple[float, ...]:
    name, count = DENSITIES[key]
    form = f"{name}({', '.join(('mean, scale', 'scale')[count == 1].split(', '))})"
    matched = _NAMED.fullmatch(text) if isinstance(text, str) else None
    if matched is None or matched.group(1) != name:
        raise DeclarationError(
            f"{where}: the prior of {key} is {text!r}. Expected {form}, with numbers.{did_you_mean(matched.group(1), [name]) if matched else ''}"
        )
    try:
        values: tuple[float, ...] = tuple(float(part) for part in matched.group(2).split(","))
    except ValueError:
        values = (float("nan"),) * count
    if len(values) != count or not values[-1] > 0 or not all(abs(value) < float("inf") for value in values):
        raise DeclarationError(
            f'{where}: the prior of {key} is "{text}". Expected {form}, finite, with a last number above 0.'
        )
    if key == "slopes" and values[0] != 0.0:
        raise DeclarationError(
            f'{where}: the prior of {key} is "{text}". Expected a mean of 0: mean slopes are pooled around none.'
        )
    return values
