"""Everything a run produced, as tables: what the page is made from and what the files hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd

from wwm_models.records.survey import Collapse, Variable


@dataclass(frozen=True, eq=False)
class Results:
    """The tables of one run with what is needed to read them.

    Attributes
    ----------
    study : str
        Folder name of the study.
    title : str
    synthetic : bool
    lang : {"nl", "en"}
    tables : mapping of file stem to DataFrame
        "accounting", "raw", "adjusted", "contrasts", "comparison", "claims", "coefficients", "diagnostics", with exactly
        the columns of the csv files.
    variables, collapses : mappings by name
        Labels in both languages.
    models : mapping of model name to its titles {"nl": ..., "en": ...}
    declared : mapping
        What the study declares, as JSON can hold it: "models" (name to formula, family, link, ...), "claims" (references and
        numbers of every claim, wording in both languages) and "figures" (what to draw). May be empty.
    settings : mapping
        Level, engines, seed, data file name, article title and citation: what the manifest says of the inputs.
    problems : tuple of str
        Stages of the run that failed by themselves, beside what "diagnostics" says of the models.
    """

    study: str
    title: str
    synthetic: bool
    lang: str
    tables: Mapping[str, pd.DataFrame]
    variables: Mapping[str, Variable]
    collapses: Mapping[str, Collapse]
    models: Mapping[str, Mapping[str, str]]
    declared: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[str, ...] = ()

    @property
    def data(self) -> str:
        """The word every table starts its rows with: SYNTHETIC or real."""
        return "SYNTHETIC" if self.synthetic else "real"
