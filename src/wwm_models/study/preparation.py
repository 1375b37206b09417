"""Everything a run needs to know before the first fit: its respondents, which fits the survey allows, and whom they can be reported for.

Respondents (`read_respondents`) are read whole, or counted where their table lies by what the study asks of them. Counting is asked for, or is
what is done when a table does not fit in memory; it is told either way. Tables and standard errors are the same. What needs respondents one by
one is refused before anything is counted, or says in its own table that it is absent.

`wwm run` and `wwm check` both go through `prepared`, so that one refuses what the other does; `check_study` adds what each model of a study would
leave out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from wwm_models.errors import (
    AdjustError,
    AnswersError,
    DeclarationError,
    ImputationError,
    ModelError,
    RankError,
    SurveyError,
    TooLargeError,
    listed,
)
from wwm_models.estimates.adjusted import model_groups
from wwm_models.estimates.target import target_population
from wwm_models.identification.joint_table import read_margins
from wwm_models.imputation.plan import plan_of
from wwm_models.likelihood.multistage import staged_covariance
from wwm_models.models.cells import Cells
from wwm_models.models.design import cells_and_design
from wwm_models.models.formula import formula_variables
from wwm_models.models.model import Model
from wwm_models.study.declarations import (
    Declared,
    Request,
    check_names,
    model_of,
    named,
    read_study,
    reported_sets,
    requests_of,
)
from wwm_models.study.fits import Progress, joint_of, people_of
from wwm_models.study.model_files import RESERVED, ModelSpec
from wwm_models.study.provenance import FILE, foreseen
from wwm_models.survey.cell_meaning import contents_read
from wwm_models.survey.codebook import Codebook, FromColumn
from wwm_models.survey.codebook_reader import read_codebook
from wwm_models.survey.columns import RawFile
from wwm_models.survey.databases.connections import countable
from wwm_models.survey.databases.counts import counts_of, header_of
from wwm_models.survey.formats.archive import Size
from wwm_models.survey.formats.columnar import data_name, several_files
from wwm_models.survey.formats.registry import read_file
from wwm_models.survey.overview import Overview, overview
from wwm_models.survey.read import answer_columns, survey_of, unlike_labels
from wwm_models.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class Respondents:
    """A survey and how it was read.

    Attributes
    ----------
    survey : Survey
        Counted or whole; of the variables, all that the codebook declares are described.
    counted_by : tuple of str
        The variables by which respondents were counted; empty where they were read whole.
    why : str
        Why they were counted; empty where that was asked for.
    unlike : tuple of str
        Labels of the file that are no name of the answer they are read as.
    """

    survey: Survey
    counted_by: tuple[str, ...] = ()
    why: str = ""
    unlike: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """What the manifest says of it."""
        if not self.counted_by:
            return {"read": "whole"}
        return {"read": "in place", "variables": list(self.counted_by), "rows": len(self.survey), "why": self.why}

    @property
    def note(self) -> str:
        """A sentence for who asked; empty where respondents were read whole."""
        if not self.counted_by:
            return ""
        people = self.survey.respondents(self.survey.domain | ~self.survey.domain)
        return (
            f"{self.why or 'as asked'}: {people:,} respondents were counted where their table lies, in {len(self.survey):,} ways of answering. "
            "Leave-one-out accuracy, predictive checks and trimmed weights, which need respondents one by one, are absent."
        )


def respondents(declared: Declared, data: str | Path, tell: Progress, *, in_place: bool) -> Respondents:
    """Give the respondents of a study, as `read_respondents` does, without their file."""
    return read_respondents(declared, data, tell, in_place=in_place)[1]


def read_respondents(
    declared: Declared, data: str | Path, tell: Progress, *, in_place: bool
) -> tuple[RawFile | None, Respondents]:
    """Give a study's file and its respondents, counted where their table lies if that is asked for or if it cannot be read whole.

    Parameters
    ----------
    declared : Declared
    data : str or Path
    tell : function of (str, int, int)
    in_place : bool
        Count, whatever the size.

    Returns
    -------
    RawFile or None, Respondents
        None where respondents were counted.

    Raises
    ------
    WwmError
        If the codebook and the study do not agree, the data cannot be read, or a table that is counted would be needed whole.
    """
    book, name, models = read_codebook(declared.codebook), data_name(data), len(declared.models)
    check_names(declared, book.variables, book.collapses)
    if in_place or several_files(data):
        tell(f"counting the respondents of {name}", 0, models)
        why = "" if in_place else f"{name} is several files, which are not read whole"
        return None, _counted(declared, data, book, why)
    tell(f"reading {name}", 0, models)
    try:
        file = read_file(data, book.source)
    except TooLargeError as problem:
        if not countable(data):
            raise
        tell(f"{name} is too large to read whole: counting its respondents in place", 0, models)
        return None, _counted(declared, data, book, str(problem).partition(". Expected ")[0])
    return file, Respondents(survey_of(file, book), unlike=unlike_labels(file, book))


def asked_variables(declared: Declared, known: Sequence[str]) -> tuple[str, ...]:
    """Variables that the models of a study are made of, and those by which their outcomes are reported.

    Parameters
    ----------
    declared : Declared
    known : sequence of str
        Declared variables.

    Raises
    ------
    ModelError
        If a formula names another.
    """
    specs, found = declared.with_items().models, list[str]()
    for spec in specs:
        extra = joint_of(declared.article, spec.outcome)
        found += [spec.outcome, *(name for by in reported_sets(specs, spec.outcome, extra) for name in by)]
        for request in requests_of(spec, extra):
            model = model_of(spec, request)
            for formula in filter(None, (model.formula, model.scale)):
                found += formula_variables(formula, list(known))
        found += [spec.thresholds_by] if spec.thresholds_by else []
        found += (
            [] if isinstance(spec.population, str) else [part for name in spec.population for part in name.split(":")]
        )
    return tuple(dict.fromkeys(found))


def _counted(declared: Declared, data: str | Path, book: Codebook, why: str) -> Respondents:
    _refuse_one_by_one(declared, data_name(data), why)
    names = asked_variables(declared, list(book.variables))
    survey = counts_of(data, book, names)
    return Respondents(replace(survey, variables=book.variables, collapses=book.collapses), names, why)


def _refuse_one_by_one(declared: Declared, name: str, why: str) -> None:
    """Refuse a study that cannot be made of counts, before anything is counted."""
    completed = [
        f"{declared.folder / spec.name}.toml completes missing answers ([imputation])"
        for spec in declared.models
        if spec.imputation
    ]
    joint = [f"{declared.folder / spec.name}.toml gives every respondent an effect (joint)" for spec in declared.joints]
    if not completed and not joint:
        return
    cure = "Leave the model out of the folder" + ("" if completed else ', or "bayes" out of the engines')
    raise SurveyError(
        f"{listed([*completed, *joint])}, which needs respondents one by one, but those of {name} are counted where their table lies"
        f"{f' ({why})' if why else ''}. Expected models of answers alone. {cure}; or read the table, or a "
        "sample of it, whole."
    )


@dataclass(frozen=True, eq=False)
class Attempt:
    """One fit of a model file, and its cells or why there are none."""

    spec: ModelSpec
    request: Request
    cells: Cells | None
    problem: AnswersError | None


@dataclass(frozen=True, eq=False)
class _Tabulated:
    """A model with its cells, before it is fitted."""

    model: Model
    survey: Survey
    cells: Cells


def prepared(declared: Declared, survey: Survey) -> list[Attempt]:
    """Every fit of a study as far as its design, in the order of the models.

    Parameters
    ----------
    declared : Declared
    survey : Survey

    Raises
    ------
    ModelError
        If a model file declares what no survey allows, or no model of the study has answers that it can be fitted to; one that has
        is reason enough to go on.
    AdjustError, SurveyError, ImputationError
        If a model could be fitted but not reported: by a number of many values, or for a population that cannot be.
    DeclarationError
        If margins.toml is not in its schema.
    FitError
        If a stratum of a single sampling unit has answers, and no policy for it is declared.
    """
    if (declared.folder / FILE).is_file() and (declared.article.published or declared.article.claims):
        read_margins(declared.folder / FILE, declared.codebook)
    found = [
        _attempt(spec, request, survey, declared.folder / f"{spec.name}.toml")
        for spec in declared.models
        for request in requests_of(spec, joint_of(declared.article, spec.outcome))
    ]
    hopeless = [one.problem for one in found if one.problem is not None and not isinstance(one.problem, RankError)]
    if hopeless and len(hopeless) == len(found) and not any(spec.imputation for spec in declared.models):
        raise hopeless[0]
    for outcome in dict.fromkeys(one.spec.outcome for one in found if one.cells is not None):
        _refuse_without_variance(survey, outcome)
    return found


def _refuse_without_variance(survey: Survey, outcome: str) -> None:
    """Refuse a design of which no variance follows: too few units for their population size, or a lonely stratum without a policy.

    Raises
    ------
    SurveyError, FitError
        As the raw percentages of the outcome would.
    """
    if survey.design is None or survey.replicates is not None:
        return
    members = (survey.domain & (survey.weights > 0) & survey.frame[outcome].notna().to_numpy())[:, None]
    staged_covariance(np.zeros(members.shape), survey.design, members=lambda: members)


def _attempt(spec: ModelSpec, request: Request, survey: Survey, path: Path) -> Attempt:
    try:
        model = model_of(spec, request)
        cells, _ = cells_and_design(model, survey)
    except AnswersError as problem:
        return Attempt(spec, request, None, problem)
    except ModelError as problem:
        raise named(problem, path) from problem
    try:
        if spec.imputation:
            mine = [spec.outcome, *spec.exposures, *spec.adjusters]
            plan_of(survey, spec.imputation["variables"], spec.imputation.get("predictors", mine))
        else:
            _report(spec, request, _Tabulated(model, people_of(spec, survey), cells))
    except (AdjustError, SurveyError, ImputationError) as problem:
        raise named(problem, path) from problem
    return Attempt(spec, request, cells, None)


def _report(spec: ModelSpec, request: Request, fit: _Tabulated) -> None:
    """Make the groups and the population of everything that is reported of a fit, and no number."""
    for _, by in request.reported:
        model_groups(fit, by)
        target_population(fit, spec.population, [name for name in fit.cells.columns if name not in by])


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
    contents : mapping of (variable, answer or reason) to text
        The values and labels of the file that are read as it; empty where respondents were counted.
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
    contents: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))

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
    if declared is None:
        file = read_file(data, book.source)
        survey, in_place = survey_of(file, book), False
    else:
        whole, people = read_respondents(declared, data, lambda *_: None, in_place=in_place)
        file, survey, in_place = whole or header_of(data, book), people.survey, whole is None
    rows = file.rows or survey.respondents(np.ones(len(survey), dtype=bool))
    return Checked(
        data=data_name(data), size=Size(rows, len(file.columns)), locked=bool(book.source.sha256), unused=_unused(file, book),
        survey=survey, overview=overview(survey), declared=declared, models=left_out(prepared(declared, survey) if declared else ()),
        withheld=foreseen(declared.with_items(), survey) if declared else {},
        in_place=in_place, contents=_contents(file, book),
    )  # fmt: skip


def _contents(file: RawFile, book: Codebook) -> dict[tuple[str, str], str]:
    """Values and labels of the file, by the variable and the answer or reason that they are read as."""
    found: dict[tuple[str, str], str] = {}
    for item, source, column in answer_columns(file, book):
        for meaning, text in contents_read(item, source, column).items():
            answer = meaning if isinstance(meaning, str) else item.answers[meaning].level.id
            found[item.variable.name, answer] = text
    return found


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
