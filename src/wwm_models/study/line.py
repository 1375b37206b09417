"""The line: a study folder and a data file to a results folder."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ParamSpec

import pandas as pd
from threadpoolctl import threadpool_limits

from wwm_models.disclosure import withhold, without_withheld
from wwm_models.records import Results, Survey
from wwm_models.report import library, write_report
from wwm_models.stages import Stages
from wwm_models.store import Checkpoints, new_results, reserved, write_labels, write_manifest, write_table
from wwm_models.study.bounds import begin_bounds, with_bounds
from wwm_models.study.declared import Declared, collapses_of, read_study
from wwm_models.study.explained import all_explained
from wwm_models.study.facts import declared_facts
from wwm_models.study.joint import with_joint_results
from wwm_models.study.models import ModelResult
from wwm_models.study.posteriors import not_asked, not_sampled
from wwm_models.study.printed import printed_note
from wwm_models.study.provenance import run_key, run_manifest
from wwm_models.study.respondents import Respondents, respondents
from wwm_models.study.running import Work, copy_posteriors, finished_models
from wwm_models.study.simultaneous import begin_families, no_families
from wwm_models.study.tables import precision_table, study_tables, with_study
from wwm_models.study.usable import prepared
from wwm_models.study.withheld import judged_specs, raws_of, refused_models, silenced
from wwm_models.survey import data_name

Progress = Callable[[str, int, int], None]  # what, models done, models in all
TESTS = "families of tests"
Options = ParamSpec("Options")


@dataclass(frozen=True, eq=False)
class Published:
    """What leaves a run: its tables, its models with what is told of them, and what the manifest says was withheld."""

    tables: dict[str, pd.DataFrame]
    results: list[ModelResult]
    facts: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Attributes
    ----------
    folder : Path
        The results folder.
    results : Results
        Its tables.
    problems : tuple of str
        What is not usable; empty when all is well.
    note : str
        How the respondents were read, where that was not whole.
    not_sampled : str
        Which models ask for a posterior that this run did not sample, where there are such.
    printed : str
        How many printed numbers stand beside adjusted ones, and why the others do not.
    """

    folder: Path
    results: Results
    problems: tuple[str, ...]
    note: str = ""
    not_sampled: str = ""
    printed: str = ""

    @property
    def report(self) -> Path:
        """The page."""
        return self.folder / "report.html"


def _one_at_a_time(run: Callable[Options, Run]) -> Callable[Options, Run]:
    """Have a run hold its results folder from the first check to the last file."""

    @functools.wraps(run)
    def alone(*given: Options.args, **named: Options.kwargs) -> Run:
        with reserved(Path(str(named["out"]))) if "out" in named else contextlib.nullcontext():
            return run(*given, **named)

    return alone


@_one_at_a_time
# a study's matrices are small: two threads on one product wait for each other, and beside other work they wait for long
@threadpool_limits.wrap(limits=1, user_api="blas")
def run_study(
    study: str | Path,
    *,
    data: str | Path,
    out: str | Path,
    codebook: str | Path | None = None,
    engines: Sequence[str] = ("likelihood",),
    seed: int = 1,
    level: float = 0.95,
    lang: str = "nl",
    without: Sequence[str] = (),
    progress: Progress | None = None,
    scheduler: str = "",
    in_place: bool = False,
) -> Run:
    """Read a survey, fit every model of a study, and write the results folder.

    Parameters
    ----------
    study : str or Path
        Folder with codebook.toml, model files and perhaps article.toml.
    data : str or Path
        The survey file, or a connection string that names a table.
    out : str or Path
        Results folder; replaced as a whole when the run is complete.
    codebook : str or Path, optional
        Instead of the study's own.
    engines : sequence of {"likelihood", "bayes"}
        The likelihood always runs; a posterior is sampled for the models whose file names "bayes" too.
    seed : int
    level : float
        Of all intervals, between 0 and 1.
    lang : {"nl", "en"}
    without : sequence of str
        Models that are left out, by the name of their file.
    progress : function of (str, int, int), optional
        Is told what is being done, how many models are finished, and how many there are.
    scheduler : str
        Address of a Dask scheduler whose workers share the fits; posteriors are sampled here.
    in_place : bool
        Count respondents where their table lies instead of reading it, as is done in any case with a table that does not fit in
        memory. The numbers are the same; what needs respondents one by one is absent, or refused before anything is counted.

    Returns
    -------
    Run

    Raises
    ------
    WwmError
        If the input cannot be used; the results folder is then untouched.
    """
    tell = progress or (lambda what, done, total: None)  # noqa: ARG005
    own = None if codebook is None else Path(codebook)
    declared = read_study(Path(study), own, engines=engines, level=level, lang=lang, without=without)
    count, source = len(declared.models), data_name(data)
    unasked = [] if declared.joints else not_asked(declared.models, engines)
    unsampled = not_sampled(declared.models, engines)
    survey = (read := respondents(declared, data, tell, in_place=in_place)).survey
    prepared(declared, survey)
    awaited, _ = begin_bounds(declared), library()  # both need no fit, and work beside them
    settings = {"engines": list(engines), "seed": seed, "level": level, "lang": lang, "without": list(without)}
    settings |= {"in_place": bool(read.counted_by)}
    kept = Checkpoints(Path(out), run_key(declared, source, survey.sha256, settings))
    for line in kept.damaged():
        tell(line, 0, count)
    collapses, started = collapses_of(survey), pd.Timestamp.now()
    work = Work(survey, declared.article, collapses, engines, seed, level, kept, scheduler)
    results, declared = with_joint_results(finished_models(declared.models, work, tell), declared, work, tell)
    tell("taking the differences apart", count, count)
    stages = Stages()
    shown = _tables(declared, work, results, lang, stages)
    tell("writing tables and page", count, count)
    bounds, unbounded = stages.attempt("bounds", awaited, otherwise=(None, []))
    whole = _results(declared, survey, shown.tables, {**settings, "data_file": source})
    made = replace(with_bounds(whole, bounds), problems=stages.problems)
    of_models = (*(problem for result in shown.results for problem in result.problems), *unbounded, *unasked)
    with new_results(Path(out)) as folder:
        _write_tables(made, folder)
        copy_posteriors(kept, declared, engines, folder)
        write_report(made, folder, stages)
        problems = (*of_models, *stages.problems)
        facts = run_manifest(declared, source, survey, settings, shown.results, started)
        write_manifest(folder, facts | {"respondents": read.facts(), **shown.facts, "problems": list(problems)})
    kept.clear()
    beside = printed_note(declared.article, made.tables["comparison"], [spec.outcome for spec in declared.models])
    return Run(Path(out), made, problems, _said_of(read, survey), unsampled, beside)


def _said_of(read: Respondents, survey: Survey) -> str:
    """How the respondents were read, and what the reader warns of."""
    return "\n".join(filter(None, (read.note, *(f"LOOK: {warning}" for warning in survey.warnings))))


def _write_tables(made: Results, folder: Path) -> None:
    for name, table in made.tables.items():
        write_table(table, folder / f"{name}.csv")
    write_labels(made, folder)


def _tables(declared: Declared, work: Work, results: list[ModelResult], lang: str, stages: Stages) -> Published:
    """Every table of the contract but the bounds, and what is told of the models, without what may not be published."""
    survey, level, own = work.survey, work.level, Stages()
    raws, withheld = withhold(survey, raws_of(declared, survey, work.collapses, level))
    out = refused_models(declared.models, results, declared.article, raws, withheld, survey)
    told = [silenced(result, out.models.get(result.name, "")) for result in results]
    compared = [replace(one, contrasts=()) if one.name in out.models else one for one in told]
    families = own.attempt(TESTS, lambda: begin_families(declared.models, compared, level), otherwise=no_families)
    why = all_explained(declared.models, survey, declared.article, raws, work.collapses, level, own)
    judged = judged_specs(declared.models, out.models)
    tested = own.attempt(TESTS, families, otherwise=no_families())
    tables = study_tables(survey, declared.article, judged, told, why, raws, tested, lang, level, own)
    shown = without_withheld(tables, withheld, out.models, out.partly) | {"precision": precision_table(raws)}
    silent = tuple(
        f"{name}{mark}" for name in out.models for mark in (" (", ", ")
    )  # nothing is said of what is withheld
    stages.note(problem for problem in own.problems if not problem.startswith(silent))
    return Published(shown, told, {"disclosure": withheld.summary, "withheld": out.summary, "equations": out.shown})


def _results(declared: Declared, survey: Survey, tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Results:
    study = f"{declared.name}-synthetic" if survey.synthetic else declared.name
    data = "SYNTHETIC" if survey.synthetic else "real"
    return Results(
        study=study,
        title=declared.article.title or survey.title or declared.name,
        synthetic=survey.synthetic,
        lang=settings["lang"],
        tables={name: with_study(table, study, data) for name, table in tables.items()},
        variables=survey.variables,
        collapses=survey.collapses,
        models={spec.name: spec.titles for spec in declared.models},
        declared=declared_facts(declared),
        settings={
            **settings,
            "citation": declared.article.citation,
            "survey_title": survey.title,
            "weight_kind": survey.weight_kind,
        },
    )
