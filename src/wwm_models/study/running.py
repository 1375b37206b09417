"""All models of a study: kept ones looked up, the others run, those with a posterior in two processes.

A posterior's density is Python and holds the interpreter's lock, so it is processes that work side by side, not threads. Every model is
stored when it is finished, by the process that ran it; the results are then read back in the order of the study.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wwm_models.article import Article
from wwm_models.declared.models import ModelSpec
from wwm_models.errors import ResultsError
from wwm_models.many import in_processes, run_many
from wwm_models.records import Survey
from wwm_models.stages import PASSING
from wwm_models.store import Checkpoints
from wwm_models.study.declared import Declared
from wwm_models.study.imputed import run_declared
from wwm_models.study.kept import result_from, stored_form
from wwm_models.study.models import ModelResult, joint_groups, nothing_of, status_of
from wwm_models.study.posteriors import chains_of, posterior_file, with_posterior

Progress = Callable[[str, int, int], None]  # what, models done, models in all
WORTH_IT = 3  # models with a posterior; for fewer, starting processes takes longer than it saves


@dataclass(frozen=True, eq=False)
class Work:
    """What every model of a run needs.

    Attributes
    ----------
    survey : Survey
    article : Article
    collapses : mapping of outcome to its collapses
    engines : sequence of str
    seed : int
    level : float
        Of the intervals, above 0 and below 1.
    kept : Checkpoints
    scheduler : str
        Address of a Dask scheduler whose workers share the fits; "": this machine.
    """

    survey: Survey
    article: Article
    collapses: Mapping[str, Mapping[str, tuple[str, ...]]]
    engines: Sequence[str]
    seed: int
    level: float
    kept: Checkpoints
    scheduler: str = ""


def finished_models(specs: Sequence[ModelSpec], work: Work, tell: Progress) -> list[ModelResult]:
    """Every model's result, from an interrupted run of the same inputs or from now.

    Parameters
    ----------
    specs : sequence of ModelSpec
    work : Work
    tell : function of (str, int, int)
        Is told what is done, how many models are finished, and how many there are.
    """
    waiting = [spec for spec in specs if not _is_kept(spec, work)]
    done = len(specs) - len(waiting)
    sampled = [spec for spec in waiting if _is_sampled(spec, work)]
    shared = [spec for spec in waiting if work.scheduler and spec not in sampled and not spec.imputation]
    if shared:
        tell(f"{len(shared)} models at {work.scheduler}", done, len(specs))
        for spec, stored in zip(shared, run_many(partial(_made, work), shared, scheduler=work.scheduler), strict=True):
            work.kept.save(spec.name, *stored)
        done += len(shared)
    sampled.sort(
        key=lambda spec: -len(spec.formula(spec.exposures))
    )  # the longest last would leave one process waiting
    for spec in waiting:
        if spec not in (*sampled, *shared):
            tell(spec.name, done, len(specs))
            _run(spec, work)
            done += 1
    if len(sampled) >= WORTH_IT and (os.cpu_count() or 1) > 1:
        tell("importing the sampler in two processes", done, len(specs))
        for name in in_processes(_run, ((spec, work) for spec in sampled), in_order=False):
            done += 1
            tell(f"sampled {name}", done, len(specs))
    else:
        for spec in sampled:
            tell(f"sampling {spec.name}", done, len(specs))
            _run(spec, work)
            done += 1
    return [_kept_result(spec, work) for spec in specs]


def _is_kept(spec: ModelSpec, work: Work) -> bool:
    return work.kept.load(spec.name) is not None


def _is_sampled(spec: ModelSpec, work: Work) -> bool:
    return "bayes" in work.engines and "bayes" in spec.engines


def _run(spec: ModelSpec, work: Work) -> str:
    """Run one model and store it; gives its name."""
    work.kept.save(spec.name, *_made(work, spec))
    return spec.name


def _made(work: Work, spec: ModelSpec) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run one model and give its results as they are stored."""
    extra, collapses = joint_of(work.article, spec.outcome), work.collapses.get(spec.outcome, {})

    def sampled(result: ModelResult, named: ModelSpec, survey: Survey) -> ModelResult:
        return with_posterior(result, named, survey, collapses, extra, work.level, work.seed, work.kept)

    own = sampled if _is_sampled(spec, work) else None
    try:
        result = run_declared(spec, work.survey, collapses, extra, work.level, work.scheduler, own)
    except PASSING:
        raise
    except Exception as problem:
        result = nothing_of(spec, status_of(problem)[1])
    return stored_form(result)


def _kept_result(spec: ModelSpec, work: Work) -> ModelResult:
    stored = work.kept.load(spec.name)
    if stored is None:
        raise ResultsError(
            f"The finished model {spec.name} cannot be read back from {work.kept.folder}. Expected the file that this run wrote. "
            "Look whether another run works on the same --out, and start again."
        )
    return result_from(stored, work.survey)


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


def joint_of(article: Article, outcome: str) -> list[tuple[str, ...]]:
    """Combinations of variables by which the article speaks of an outcome."""
    return joint_groups([(reference.outcome, reference.by) for reference in article.references()], outcome)
