"""bounds.csv of a study that declares margins."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from wwm_models.article.bounds import BoundsResult, bounds, read_margins
from wwm_models.errors import ArticleError
from wwm_models.records import Results
from wwm_models.study.declared import Declared
from wwm_models.study.tables import with_study

FILE = "margins.toml"


def study_bounds(declared: Declared) -> tuple[BoundsResult | None, list[str]]:
    """What the printed article alone allows, and why nothing can be said; neither without margins.toml.

    Parameters
    ----------
    declared : Declared

    Raises
    ------
    DeclarationError
        If margins.toml is not in its schema.
    """
    path = declared.folder / FILE
    if not path.is_file() or not (declared.article.published or declared.article.claims):
        return None, []
    margins = read_margins(path, declared.codebook)
    try:
        return bounds(declared.article, margins), []
    except ArticleError as problem:
        return None, [f"bounds: {problem}"]


def with_bounds(results: Results, found: BoundsResult | None) -> Results:
    """Results with the table of bounds among the others."""
    if found is None:
        return results
    return replace(results, tables={**results.tables, "bounds": bounds_csv(found, results.study)})


def bounds_csv(found: BoundsResult, study: str) -> pd.DataFrame:
    """The rows of bounds.csv. No model is concerned; while the margins are an assumption the rows say SYNTHETIC."""
    table = found.curve.copy()
    table.insert(0, "model", "")
    return with_study(table, study, "SYNTHETIC" if found.margins.status == "assumption" else "real")
