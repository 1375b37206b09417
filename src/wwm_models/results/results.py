"""Everything a run produced, in memory and on disk: tables, manifest and labels.

`Results` is the tables: what the page is made from and what the files hold. The manifest has inputs, settings, versions and the sha256 of every
file, is written last, and is verified (`verify_results`). labels.json is what a page needs beyond the tables, so that it can be written again
without the survey (`write_labels`, `stored_results`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

import pandas as pd

from wwm_models.errors import ResultsError, WwmError, listed
from wwm_models.messages import Said
from wwm_models.results.atomic_files import kept_folder, read_table, write_bytes
from wwm_models.survey.survey import FURTHER, Collapse, FurtherLabels, Level, Variable


@dataclass(frozen=True, eq=False)
class Results:
    """The tables of one run with what is needed to read them.

    Attributes
    ----------
    study : str
        Folder name of the study.
    title : str
    synthetic : bool
    lang : str
        The language the page opens in.
    tables : mapping of file stem to DataFrame
        "accounting", "raw", "adjusted", "contrasts", "comparison", "claims", "coefficients", "diagnostics", with exactly
        the columns of the csv files.
    variables, collapses : mappings by name
        Labels in the languages that the study declares.
    models : mapping of model name to its titles by language
    declared : mapping
        What the study declares, as JSON can hold it: "models" (name to formula, family, link, ...), "claims" (references and
        numbers of every claim, wording in both languages) and "figures" (what to draw). May be empty.
    settings : mapping
        Level, engines, seed, data file name, article title and citation: what the manifest says of the inputs.
    problems : tuple of str
        Stages of the run that failed by themselves, beside what "diagnostics" says of the models.
    messages : mapping of text to key and arguments
        What the sentences in tables and problems were made of, so that a page writes them in every language.
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
    messages: Mapping[str, Said] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def data(self) -> str:
        """The word every table starts its rows with: SYNTHETIC or real."""
        return "SYNTHETIC" if self.synthetic else "real"


NAME = "manifest.json"
LABELS: Final = "labels.json"  # what every run writes, and a manifest of others does not list
_SHA256: Final = re.compile("[0-9a-f]{64}")
# what file managers and spreadsheets leave in a folder that somebody looked into
_LEFT: Final = re.compile(r"\.DS_Store|Thumbs\.db|desktop\.ini|\.directory|\.~lock\..*#")
_WHOLE: Final = "Expected the manifest as the run wrote it. Run the study again, into another folder."
_UNREADABLE: Final = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Write manifest.json with `content` and the sha256 of every other file of the folder."""
    files = {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME
    }
    text = json.dumps({**content, "files": files}, indent=2, ensure_ascii=False, sort_keys=False)
    write_bytes((text + "\n").encode("utf-8"), folder / NAME)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a results folder.

    Raises
    ------
    ResultsError
        If there is none, or it is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        raise ResultsError(
            f"{folder} holds no {NAME}: no run has finished there. Give a folder that `wwm run` or `wwm demo` wrote."
        )
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise ResultsError(f"{path} is damaged ({problem}). {_WHOLE}") from problem
    if not isinstance(content, dict) or not isinstance(cast("dict[str, Any]", content).get("files"), dict):
        raise ResultsError(f"{path} is damaged: it lists no files. {_WHOLE}")
    return cast("dict[str, Any]", content)


def foreign_files(folder: Path) -> str:
    """What a folder holds besides the results of a run, as the end of a sentence; empty for nothing.

    Only a folder for which this is empty may be replaced: its manifest is one that a run wrote, and it holds no other files than
    those the manifest lists.

    Parameters
    ----------
    folder : Path
        Exists.
    """
    present = files_in(folder)
    if not present:
        return ""
    if NAME not in present:
        return f"holds files, but no {NAME}, so it is not a results folder and is left alone"
    try:
        content = read_manifest(folder)
    except ResultsError as problem:
        return f"holds files of which nothing says whose they are, and is left alone. {str(problem).rstrip('.')}"
    files = content["files"]
    if "study" not in content or LABELS not in files or not all(_SHA256.fullmatch(str(one)) for one in files.values()):
        return f"holds a {NAME} that no run of this program wrote, so it is not a results folder and is left alone"
    others = sorted(name for name in present - {NAME, *files} if not _LEFT.fullmatch(Path(name).name))
    if others:
        return f"holds, besides the results of a run, {listed(others)} and is left alone"
    return ""


def files_in(folder: Path) -> set[str]:
    """Every file and every link of a folder, by its path in it; links are not followed."""
    found: set[str] = set()
    for above, folders, files in os.walk(folder):
        here = Path(above)
        links = [name for name in folders if (here / name).is_symlink()]
        found |= {(here / name).relative_to(folder).as_posix() for name in (*files, *links)}
    return found


def verify_results(folder: Path) -> list[str]:
    """What differs between a results folder and its manifest; empty when every file is as it was written.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of str
        One sentence per difference.

    Raises
    ------
    ResultsError
        If there is no readable manifest.
    """
    recorded = read_manifest(folder)["files"]
    present = files_in(folder) - {NAME}
    found = [f"{name} is missing" for name in sorted(set(recorded) - present)]
    found += [f"{name} is not in the manifest" for name in sorted(present - set(recorded))]
    found += [
        said for name in sorted(present & set(recorded)) if (said := _changed(folder / name, name, recorded[name]))
    ]
    return found


def _changed(path: Path, name: str, sha256: object) -> str:
    try:
        return "" if file_sha256(path) == sha256 else f"{name} has changed since it was written"
    except OSError as problem:
        return f"{name} cannot be read ({problem.strerror})"


def refuse_changed(folder: Path, names: Iterable[str] | None = None) -> None:
    """Refuse results of which a table, or what explains them, is not as the run wrote it.

    Parameters
    ----------
    folder : Path
    names : iterable of str, optional
        The files that are asked for; every csv and json file of the folder unless given.

    Raises
    ------
    ResultsError
        If there is no readable manifest, or one of these files is missing or has changed.
    """
    wanted = None if names is None else set(names)
    changed = [
        line
        for line in verify_results(folder)
        if (line.split(" ")[0] in wanted if wanted is not None else line.split(" ")[0].endswith((".csv", ".json")))
    ]
    if changed:
        raise ResultsError(
            f"{folder}: {listed(changed)}. Expected the tables as the run wrote them. Put them back, or run the study again."
        )


@contextmanager
def as_written(folder: Path) -> Generator[None]:
    """Say of results that cannot be read where the manifest has nothing against them: an older version wrote them, or somebody else.

    Raises
    ------
    ResultsError
    """
    try:
        yield
    except WwmError:
        raise
    except _UNREADABLE as problem:
        raise ResultsError(
            f"{folder} cannot be read as the results of a run ({type(problem).__name__}: {problem}). Expected the files and columns that this "
            "version writes. Run the study again."
        ) from problem


def unfinished(out: Path) -> str:
    """A sentence about an interrupted run of this folder, or an empty string."""
    kept = sorted(kept_folder(out.absolute()).glob("*.npz"))
    if not kept:
        return ""
    return f"An interrupted run left {len(kept)} finished models ({listed(path.stem for path in kept)}); the next run of the same inputs uses them."


def write_labels(results: Results, folder: Path) -> None:
    """Write titles, labels, what sentences were made of, what the study declares and the settings; no number of a table."""
    content = {
        "study": results.study,
        "title": results.title,
        "synthetic": results.synthetic,
        "lang": results.lang,
        "models": {name: dict(titles) for name, titles in results.models.items()},
        "variables": [_held(variable) for variable in results.variables.values()],
        "collapses": {name: _held(collapse) for name, collapse in results.collapses.items()},
        "declared": dict(results.declared),
        "settings": dict(results.settings),
        **({"problems": list(results.problems)} if results.problems else {}),
        **({"messages": dict(results.messages)} if results.messages else {}),
    }
    write_bytes(
        (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8"), folder / LABELS
    )


def stored_results(folder: Path, lang: str | None = None, needed: Iterable[str] | None = None) -> Results:
    """Everything a finished run left, read back from its folder.

    Parameters
    ----------
    folder : Path
        A results folder.
    lang : str, optional
        Instead of the run's own.
    needed : iterable of str, optional
        Names of the tables without which nothing can be said; others may have been left out of the folder. All of them unless given.

    Raises
    ------
    ResultsError
        If the folder holds no finished run, or a table or labels.json is missing, damaged or changed since it was written.
    """
    read_manifest(folder)
    path = folder / LABELS
    if not path.is_file():
        raise ResultsError(f"{folder} holds no {LABELS}, so a page cannot be made from it. Run the study again.")
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
            messages=held.get("messages", {}),
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


def _held(labelled: Variable | Level | Collapse) -> dict[str, Any]:
    """A record with labels as labels.json has it: every label under its language."""
    held = {name: value for name, value in vars(labelled).items() if name != "further"} | dict(labelled.further)
    return held | {"levels": [_held(level) for level in labelled.levels]} if isinstance(labelled, Variable) else held


def _labels(held: dict[str, Any]) -> tuple[str, str, FurtherLabels]:
    return held["nl"], held["en"], tuple((lang, held[lang]) for lang in FURTHER if lang in held)


def _variable(held: dict[str, Any]) -> Variable:
    levels = tuple(Level(level["id"], *_labels(level)) for level in held["levels"])
    return Variable(held["name"], held["kind"], levels, *_labels(held))


def _collapse(held: dict[str, Any]) -> Collapse:
    return Collapse(held["id"], held["variable"], tuple(held["levels"]), *_labels(held))
