"""labels.json of a results folder: what a page needs beyond the tables, so that it can be written again without the survey."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from wwm_models.errors import ResultsError
from wwm_models.records import Collapse, Level, Results, Variable
from wwm_models.store.manifest import LABELS as NAME
from wwm_models.store.manifest import as_written, read_manifest, refuse_changed
from wwm_models.store.tables import read_table, write_bytes


def write_labels(results: Results, folder: Path) -> None:
    """Write titles, labels in both languages, what the study declares and the settings; no number of a table."""
    content = {
        "study": results.study,
        "title": results.title,
        "synthetic": results.synthetic,
        "lang": results.lang,
        "models": {name: dict(titles) for name, titles in results.models.items()},
        "variables": [asdict(variable) for variable in results.variables.values()],
        "collapses": {name: asdict(collapse) for name, collapse in results.collapses.items()},
        "declared": dict(results.declared),
        "settings": dict(results.settings),
        **({"problems": list(results.problems)} if results.problems else {}),
    }
    write_bytes((json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8"), folder / NAME)


def stored_results(folder: Path, lang: str | None = None, needed: Iterable[str] | None = None) -> Results:
    """Everything a finished run left, read back from its folder.

    Parameters
    ----------
    folder : Path
        A results folder.
    lang : {"nl", "en"}, optional
        Instead of the run's own.
    needed : iterable of str, optional
        Names of the tables without which nothing can be said; others may have been left out of the folder. All of them unless given.

    Raises
    ------
    ResultsError
        If the folder holds no finished run, or a table or labels.json is missing, damaged or changed since it was written.
    """
    read_manifest(folder)
    path = folder / NAME
    if not path.is_file():
        raise ResultsError(f"{folder} holds no {NAME}, so a page cannot be made from it. Run the study again.")
    here = [path.name for ending in ("csv", "json") for path in folder.glob(f"*.{ending}")]
    refuse_changed(folder, None if needed is None else [*here, *(f"{name}.csv" for name in needed)])
    with as_written(folder):
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        variables = {one["name"]: _variable(one) for one in held["variables"]}
        collapses = {name: _collapse(one) for name, one in held["collapses"].items()}
        settings: dict[str, Any] = held["settings"]
        return Results(
            study=held["study"], title=held["title"], synthetic=held["synthetic"], lang=lang or held["lang"],
            tables={file.stem: read_table(file) for file in sorted(folder.glob("*.csv"))},
            variables=variables, collapses=collapses, models=held["models"], declared=held["declared"],
            settings={**settings, "lang": lang or held["lang"]}, problems=tuple(held.get("problems", ())),
        )  # fmt: skip


def read_results(folder: Path, name: str) -> pd.DataFrame:
    """One table of a results folder, as the run wrote it.

    Parameters
    ----------
    folder : Path
    name : str
        Of the file, without its ending.

    Raises
    ------
    ResultsError
        If the folder holds no such table, or it has changed since it was written.
    """
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise ResultsError(
            f"{folder} holds no {name}.csv, so it is not the results of a finished run. Give a folder that `wwm run` or `wwm demo` wrote."
        )
    refuse_changed(folder, [path.name])
    return read_table(path)


def _variable(held: dict[str, Any]) -> Variable:
    levels = tuple(Level(**level) for level in held["levels"])
    return Variable(held["name"], held["kind"], levels, held["nl"], held["en"])


def _collapse(held: dict[str, Any]) -> Collapse:
    return Collapse(held["id"], held["variable"], tuple(held["levels"]), held["nl"], held["en"])
