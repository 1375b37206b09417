"""bounds.csv of a study that declares margins."""

from __future__ import annotations

import pandas as pd

from wwm_models.article.bounds import BoundsResult, bounds, read_margins
from wwm_models.errors import ArticleError
from wwm_models.study.declared import Declared
from wwm_models.study.provenance import with_study

FILE = "margins.toml"


def bounds_tables(declared: Declared) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The table of bounds under its file stem, and why there is none; both are empty without margins.

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
        return {}, []
    margins = read_margins(path, declared.codebook)
    try:
        return {"bounds": bounds_csv(bounds(declared.article, margins), declared.name)}, []
    except ArticleError as problem:
        return {}, [f"bounds: {problem}"]


def bounds_csv(found: BoundsResult, study: str) -> pd.DataFrame:
    """The rows of bounds.csv. No model is concerned; while the margins are an assumption the rows say SYNTHETIC."""
    table = found.curve.copy()
    table.insert(0, "model", "")
    return with_study(table, study, "SYNTHETIC" if found.margins.status == "assumption" else "real")
