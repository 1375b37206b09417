"""The respondents of a run: read whole, or counted where their table lies by what the study asks of them.

Counting is asked for, or what is done when a table does not fit in memory; it is told either way. Tables and standard errors are
the same. What needs respondents one by one is refused before anything is counted, or says in its own table that it is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wwm_models.cells.formula import formula_variables
from wwm_models.errors import SurveyError, TooLargeError, listed
from wwm_models.records import Survey
from wwm_models.study.declared import Declared, check_names
from wwm_models.study.models import model_of, reported_sets, requests_of
from wwm_models.study.running import Progress, joint_of
from wwm_models.survey import (
    Codebook,
    countable,
    counts_of,
    data_name,
    read_codebook,
    read_file,
    several_files,
    survey_of,
)


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
    """

    survey: Survey
    counted_by: tuple[str, ...] = ()
    why: str = ""

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
    """Give the respondents of a study, counted where their table lies if that is asked for or if it cannot be read whole.

    Parameters
    ----------
    declared : Declared
    data : str or Path
    tell : function of (str, int, int)
    in_place : bool
        Count, whatever the size.

    Raises
    ------
    WwmError
        If the codebook and the study do not agree, the data cannot be read, or a table that is counted would be needed whole.
    """
    book, name, models = read_codebook(declared.codebook), data_name(data), len(declared.models)
    check_names(declared, book.variables, book.collapses)
    if in_place or several_files(data):
        tell(f"counting the respondents of {name}", 0, models)
        return _counted(declared, data, book, "" if in_place else f"{name} is several files, which are not read whole")
    tell(f"reading {name}", 0, models)
    try:
        return Respondents(survey_of(read_file(data, book.source), book))
    except TooLargeError as problem:
        if not countable(data):
            raise
        tell(f"{name} is too large to read whole: counting its respondents where they lie", 0, models)
        return _counted(declared, data, book, str(problem).partition(". Expected ")[0])


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
