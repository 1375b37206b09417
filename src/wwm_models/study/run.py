"""The line: a study folder and a data file to a results folder.

`finished_models` has all models of a study: kept ones are looked up, the others run, those with a posterior in two processes. A posterior's density
is Python and holds the interpreter's lock, so it is processes that work side by side, not threads. Every model is stored when it is finished, by the
process that ran it; the results are then read back in the order of the study. `run_study` is the line itself.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec

import pandas as pd
from pandas.api.types import is_numeric_dtype
from threadpoolctl import threadpool_limits

from wwm_models.disclosure.suppressed_tables import withhold, without_withheld
from wwm_models.errors import ProcessError, ResultsError
from wwm_models.messages import collected, kept_messages, noted, say
from wwm_models.parallel import begin, run_many
from wwm_models.report.chart_files import library
from wwm_models.report.report_files import write_report
from wwm_models.results.atomic_files import write_table
from wwm_models.results.folder import Checkpoints, Stored, new_results, reserved
from wwm_models.results.results import Results, write_labels, write_manifest
from wwm_models.stages import Stages
from wwm_models.study.declarations import Declared, collapses_of, read_study
from wwm_models.study.fits import (
    ModelResult,
    Progress,
    Work,
    all_explained,
    joint_of,
    nothing_of,
    result_or_reason,
)
from wwm_models.study.imputed import run_declared
from wwm_models.study.model_files import ModelSpec
from wwm_models.study.posteriors import (
    chains_of,
    not_asked,
    not_sampled,
    posterior_file,
    with_joint_results,
    with_posterior,
)
from wwm_models.study.preparation import Respondents, prepared, respondents
from wwm_models.study.provenance import (
    begin_bounds,
    declared_facts,
    judged_specs,
    raws_of,
    refused_models,
    run_key,
    run_manifest,
    silenced,
    with_bounds,
)
from wwm_models.study.result_tables import precision_table, study_tables, with_study
from wwm_models.study.robustness import begin_families, no_families, printed_note
from wwm_models.study.stored_results import result_from, stored_form
from wwm_models.survey.formats.columnar import data_name
from wwm_models.survey.survey import Survey

WORTH_IT = 3  # models with a posterior; for fewer, starting processes takes longer than it saves


def finished_models(specs: Sequence[ModelSpec], work: Work, tell: Progress) -> list[ModelResult]:
    """Every model's result, from an interrupted run of the same inputs or from now.

    Parameters
    ----------
    specs : sequence of ModelSpec
    work : Work
    tell : function of (str, int, int)
        Is told what is done, how many models are finished, and how many there are.
    """
    found = {spec.name: result for spec in specs if (result := _kept_result(spec, work)) is not None}
    waiting = [spec for spec in specs if spec.name not in found]
    done = len(found)
    sampled = [spec for spec in waiting if _is_sampled(spec, work)]
    shared = [spec for spec in waiting if work.scheduler and spec not in sampled and not spec.imputation]
    if shared:
        tell(f"{len(shared)} models at {work.scheduler}", done, len(specs))
        for spec, stored in zip(
            shared, run_many(partial(_stored, work), shared, scheduler=work.scheduler), strict=True
        ):
            work.kept.save(spec.name, *stored)
        done += len(shared)
    sampled.sort(
        key=lambda spec: -len(spec.formula(spec.exposures))
    )  # the longest last would leave one process waiting
    for spec in waiting:
        if spec not in (*sampled, *shared):
            tell(spec.name, done, len(specs))
            found[spec.name] = _run(spec, work)
            done += 1
    if len(sampled) >= WORTH_IT and (os.cpu_count() or 1) > 1:
        tell("importing the sampler in two processes", done, len(specs))
        begun = [(spec, begin(_run_apart, spec, work)) for spec in sampled]
        for spec, sampled_apart in begun:
            try:
                sampled_apart()
            except ProcessError as problem:
                found[spec.name] = nothing_of(spec, str(problem))
            done += 1
            tell(f"sampled {spec.name}", done, len(specs))
    else:
        for spec in sampled:
            tell(f"sampling {spec.name}", done, len(specs))
            found[spec.name] = _run(spec, work)
            done += 1
    return [found[spec.name] if spec.name in found else _read_back(spec, work) for spec in specs]


def _is_sampled(spec: ModelSpec, work: Work) -> bool:
    return "bayes" in work.engines and "bayes" in spec.engines


def _run(spec: ModelSpec, work: Work) -> ModelResult:
    """Run one model and store its result, which keeps its fits in memory."""
    with collected():
        result = _made(work, spec)
        work.kept.save(spec.name, *stored_form(result))
    return result


def _run_apart(spec: ModelSpec, work: Work) -> None:
    """The same in a process of its own: the result is read back from where it was stored."""
    _run(spec, work)


def _stored(work: Work, spec: ModelSpec) -> Stored:
    with collected():
        return stored_form(_made(work, spec))


def _made(work: Work, spec: ModelSpec) -> ModelResult:
    """Run one model."""
    extra, collapses = joint_of(work.article, spec.outcome), work.collapses.get(spec.outcome, {})

    def sampled(result: ModelResult, named: ModelSpec, survey: Survey) -> ModelResult:
        return with_posterior(result, named, survey, collapses, extra, work.level, work.seed, work.kept)

    own = sampled if _is_sampled(spec, work) else None
    declared = partial(run_declared, spec, work.survey, collapses, extra, work.level, work.scheduler, own)
    return result_or_reason(spec, declared)


def _kept_result(spec: ModelSpec, work: Work) -> ModelResult | None:
    stored = work.kept.load(spec.name)
    return None if stored is None else result_from(stored, work.survey)


def _read_back(spec: ModelSpec, work: Work) -> ModelResult:
    """What another process has stored."""
    found = _kept_result(spec, work)
    if found is None:
        raise ResultsError(
            f"The finished model {spec.name} cannot be read back from {work.kept.folder}. Expected the file that this run wrote. "
            "Look whether another run works on the same --out, and start again."
        )
    return found


def copy_posteriors(kept: Checkpoints, declared: Declared, engines: Sequence[str], folder: Path) -> None:
    """Put the netCDF files of the sampled models into a results folder, several of one whose answers were completed several times, and the chains.

    A file of an interrupted run of other engines stays behind.
    """
    if "bayes" not in engines:
        return
    for name in (
        *(spec.name for spec in declared.models if "bayes" in spec.engines),
        *(spec.name for spec in declared.joints),
    ):
        own = posterior_file(kept, name)
        for path in sorted(own.parent.glob(f"{glob.escape(name)}.nc")) + sorted(
            own.parent.glob(f"{glob.escape(name)}.*.nc")
        ):
            (folder / "posterior").mkdir(exist_ok=True)
            shutil.copyfile(path, folder / "posterior" / path.name)
    chains = chains_of(kept)
    for path in sorted(chains.folder.glob("*.npz")):
        (folder / chains.room).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / chains.room / path.name)


TESTS = "families of tests"
Options = ParamSpec("Options")


@dataclass(frozen=True, eq=False)
class PublishedRun:
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
        with collected(), reserved(Path(str(named["out"]))) if "out" in named else contextlib.nullcontext():
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
        Of the random numbers: the same seed gives the same result; from 0.
    level : float
        Of all intervals, between 0 and 1.
    lang : str
        Of the claims and of what the page opens in: "de", "en" or "nl".
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
    awaited, _ = begin_bounds(declared, survey), library()  # both need no fit, and work beside them
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
    made = with_messages(replace(with_bounds(whole, bounds), problems=stages.problems))
    of_models = (*_problems_of(shown.results, unbounded), *unasked)
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


def _problems_of(results: Sequence[ModelResult], unbounded: Sequence[str]) -> tuple[str, ...]:
    """What is wrong with models, and with bounds."""
    of_bounds = (say("in_stage", stage="bounds", what=why) for why in unbounded)
    return (*(problem for result in results for problem in result.problems), *of_bounds)


def with_messages(results: Results) -> Results:
    """Results with what the sentences in their tables and problems were made of."""
    columns = (
        column for table in results.tables.values() for _, column in table.items() if not is_numeric_dtype(column)
    )
    texts = dict.fromkeys(str(text) for column in columns for text in column.unique())
    return replace(results, messages=kept_messages([*texts, *results.problems], noted()))


def _said_of(read: Respondents, survey: Survey) -> str:
    """How the respondents were read, and what the reader warns of."""
    return "\n".join(filter(None, (read.note, *(f"LOOK: {warning}" for warning in (*survey.warnings, *read.unlike)))))


def _write_tables(made: Results, folder: Path) -> None:
    for name, table in made.tables.items():
        write_table(table, folder / f"{name}.csv")
    write_labels(made, folder)


def _tables(declared: Declared, work: Work, results: list[ModelResult], lang: str, stages: Stages) -> PublishedRun:
    """Every table of the contract but the bounds, and what is told of the models, without what may not be published."""
    survey, level, own = work.survey, work.level, Stages()
    raws, withheld = withhold(survey, raws_of(declared, survey, work.collapses, level))
    out = refused_models(declared.models, results, declared.article, raws, withheld, survey)
    told = [silenced(result, out.models.get(result.name, "")) for result in results]
    compared = [replace(one, contrasts=()) if one.name in out.models else one for one in told]
    families = own.attempt(TESTS, lambda: begin_families(declared.models, compared, level), otherwise=no_families)
    why = all_explained(declared.models, told, survey, declared.article, raws, work.collapses, level, own)
    judged = judged_specs(declared.models, out.models)
    tested = own.attempt(TESTS, families, otherwise=no_families())
    tables = study_tables(survey, declared.article, judged, told, why, raws, tested, lang, level, own)
    shown = without_withheld(tables, withheld, out.models, out.partly) | {"precision": precision_table(raws)}
    silent = tuple(
        f"{name}{mark}" for name in out.models for mark in (" (", ", ")
    )  # nothing is said of what is withheld
    stages.note(problem for problem in own.problems if not problem.startswith(silent))
    return PublishedRun(shown, told, {"disclosure": withheld.summary, "withheld": out.summary, "equations": out.shown})


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
