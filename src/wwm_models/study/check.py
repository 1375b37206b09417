"""Everything before the first fit: the file, the survey, and what each model of a study would leave out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from wwm_models.declared.models import RESERVED
from wwm_models.errors import DeclarationError
from wwm_models.records import Survey
from wwm_models.study.declared import Declared, check_names, read_study
from wwm_models.study.respondents import respondents
from wwm_models.study.usable import Attempt, prepared
from wwm_models.study.withheld import foreseen
from wwm_models.survey import Overview, header_of, overview, read_codebook, read_file, survey_of
from wwm_models.survey.codebook import Codebook, FromColumn
from wwm_models.survey.places import data_name
from wwm_models.survey.raw import RawFile
from wwm_models.survey.readers.size import Size

UNFIT = "cannot be fitted: "  # in front of the reason


@dataclass(frozen=True, eq=False)
class Checked:
    """What `wwm check` found.

    Attributes
    ----------
    data : str
        Name of the file, or the connection string without a password.
    size : Size
        Rows and columns of the file.
    locked : bool
        Whether the codebook accepts this file only.
    unused : tuple of str
        Columns that no variable, weight or design names.
    survey : Survey
    overview : Overview
    declared : Declared or None
        The study's models and article; None for a folder that has a codebook only.
    withheld : mapping of model to reason
        Models that a run would not publish, since that would give a small group away.
    models : DataFrame
        ``model``, ``fit``, ``reason``, ``rows``: for each fit the rows used (reason "used"), then those left out by reason, or
        the reason why it cannot be fitted (rows 0).
    in_place : bool
        Whether respondents were counted where their table lies.
    """

    data: str
    size: Size
    locked: bool
    unused: tuple[str, ...]
    survey: Survey
    overview: Overview
    declared: Declared | None
    models: pd.DataFrame
    withheld: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    in_place: bool = False

    @property
    def unfit(self) -> dict[str, list[str]]:
        """Fits that a run could not make, such as ``"wish (total age_group)"``, by the reason."""
        found: dict[str, list[str]] = {}
        for row in self.models.to_dict(orient="records"):
            if str(row["reason"]).startswith(UNFIT):
                found.setdefault(str(row["reason"]), []).append(f"{row['model']} ({row['fit']})")
        return found


def check_study(folder: Path, data: str | Path, codebook: Path | None = None, *, in_place: bool = False) -> Checked:
    """Read a study and a survey file and count, without fitting anything.

    Parameters
    ----------
    folder : Path
        A study, or a folder with a codebook only.
    data : str or Path
        File or connection string.
    codebook : Path, optional
        Instead of the study's own.
    in_place : bool
        Count respondents where their table lies, by the variables that the models ask for, instead of reading it.

    Returns
    -------
    Checked

    Raises
    ------
    WwmError
        If something declared or read cannot be used.
    """
    only_codebook = folder.is_dir() and (codebook or folder / "codebook.toml").is_file() and not _has_models(folder)
    declared = None if only_codebook else read_study(folder, codebook, engines=("likelihood",), level=0.95, lang="nl")
    book = read_codebook(declared.codebook if declared else codebook or folder / "codebook.toml")
    if in_place and declared is None:
        raise DeclarationError(
            f"{folder} holds no model, so nothing says by which variables respondents are to be counted in place. Expected a model file. "
            "Add one, or read the table whole."
        )
    if declared is not None:
        check_names(declared, book.variables, book.collapses)
    if in_place and declared is not None:
        file, survey = header_of(data, book), respondents(declared, data, lambda *_: None, in_place=True).survey
    else:
        file = read_file(data, book.source)
        survey = survey_of(file, book)
    rows = file.rows or survey.respondents(np.ones(len(survey), dtype=bool))
    return Checked(
        data=data_name(data), size=Size(rows, len(file.columns)), locked=bool(book.source.sha256), unused=_unused(file, book),
        survey=survey, overview=overview(survey), declared=declared, models=left_out(prepared(declared, survey) if declared else ()),
        withheld=foreseen(declared.with_items(), survey) if declared else {},
        in_place=in_place,
    )  # fmt: skip


def left_out(attempts: Iterable[Attempt]) -> pd.DataFrame:
    """Rows that each fit of a study would use and leave out, by reason."""
    rows: list[tuple[str, str, str, int]] = []
    for one in attempts:
        name, label = one.spec.name, one.request.label
        if one.cells is None:
            rows.append((name, label, f"{UNFIT}{one.problem}", 0))
            continue
        rows.append((name, label, "used", one.cells.n))
        rows += [(name, label, reason, count) for reason, count in one.cells.excluded.items()]
    return pd.DataFrame(rows, columns=["model", "fit", "reason", "rows"])


def _has_models(folder: Path) -> bool:
    return any(path.name not in RESERVED for path in folder.glob("*.toml"))


def _unused(file: RawFile, book: Codebook) -> tuple[str, ...]:
    """Name the columns of the file that the codebook does not speak of."""
    sampling = book.sampling
    named = {book.source.id, sampling.weight, *sampling.strata, *sampling.psu, *sampling.fpc}
    places: set[int] = set()
    for item in book.declarations:
        if isinstance(item.source, FromColumn):
            named.add(item.source.column)
            places.add(item.source.position)
    columns = enumerate(file.columns, start=1)
    return tuple(column.name for place, column in columns if column.name not in named and place not in places)
