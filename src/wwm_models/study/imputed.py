"""A declared model whose missing answers are completed: run on every completed survey, then pooled.

In the model file: ``[imputation]`` with ``m``, the ``variables`` to complete, and perhaps ``predictors``, ``seed`` and ``delta``. The
model's own variables are the predictors unless others are named (name the outcome among these, or the association of interest
is weakened). Rows that miss a predictor stay out and are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import ImputationError
from wwm_models.estimates.estimates import Collapses, Estimates
from wwm_models.imputation.impute import Imputations, impute
from wwm_models.imputation.pool import pool, rubin
from wwm_models.messages import say
from wwm_models.numerics.intervals import critical_values
from wwm_models.parallel import run_many
from wwm_models.stages import Stages, is_fault
from wwm_models.study.diagnostics import DIAGNOSTIC_COLUMNS
from wwm_models.study.fits import ModelResult, people_of, result_or_reason, run_model
from wwm_models.study.model_files import ModelSpec
from wwm_models.survey.survey import Survey

FEWEST = 2  # completed surveys that can be pooled
Sampled = Callable[[ModelResult, ModelSpec, Survey], ModelResult]


def run_declared(
    spec: ModelSpec,
    survey: Survey,
    collapses: Collapses,
    extra: Sequence[tuple[str, ...]],
    level: float,
    scheduler: str = "",
    sampled: Sampled | None = None,
) -> ModelResult:
    """Run a model as its file says: on the complete rows, or on completed surveys.

    Parameters
    ----------
    spec, survey, collapses, extra, level
        As for `run_model`.
    scheduler : str
        Address of a Dask scheduler whose workers share the completed surveys.
    sampled : function of (ModelResult, ModelSpec, Survey), optional
        Adds a posterior to the result of a survey. Each completed survey has its own, under a name of its own, and their draws are
        stacked: together they average over the missing answers.
    """
    if not spec.imputation:
        result = run_model(spec, survey, collapses, extra, level)
        return result if sampled is None else sampled(result, spec, survey)
    done, stages = _completed(spec, survey), Stages()
    made = run_many(partial(_on_one, spec, collapses, extra, level), done.surveys, scheduler=scheduler)
    each: list[ModelResult] = []
    for number, (result, one) in enumerate(zip(made, done.surveys, strict=True), start=1):
        stage, named = (
            say("completed_survey", model=spec.name, number=number, total=len(made)),
            replace(spec, name=f"{spec.name}.{number}"),
        )
        own = result if sampled is None else sampled(result, named, one)
        faults = [problem for problem in own.problems if is_fault(problem)]
        stages.note(say("in_stage", stage=stage, what=fault) for fault in faults)
        each += [] if faults else [own]
    if len(each) < FEWEST:
        reason = (stages.problems or ("m is too small",))[0]
        raise ImputationError(say("completed_few", count=len(each), total=len(made), fewest=FEWEST, reason=reason))
    pooled = pooled_results(each, done, level)
    return replace(pooled, problems=(*pooled.problems, *stages.problems))


def _on_one(
    spec: ModelSpec, collapses: Collapses, extra: Sequence[tuple[str, ...]], level: float, survey: Survey
) -> ModelResult:
    """The result on one completed survey; where it fails by a fault of ours the others are pooled without it."""
    found = result_or_reason(spec, partial(run_model, spec, survey, collapses, extra, level))
    return replace(found, fits=None)  # too large to pass on, and not needed


def pooled_results(each: Sequence[ModelResult], done: Imputations, level: float) -> ModelResult:
    """Join the results of one model on completed surveys.

    Parameters
    ----------
    each : sequence of ModelResult
        Where some survey gave a fit that others did not, the fit is left out and told among the problems.
    done : Imputations
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    ModelResult
        Diagnostics are those of the first completed survey, with a line per completed variable.
    """
    first = each[0]
    alike = all(
        [label for label, _ in one.estimates] == [label for label, _ in first.estimates]
        and len(one.contrasts) == len(first.contrasts)
        for one in each
    )
    problems = tuple(dict.fromkeys(problem for one in each for problem in one.problems))
    estimates = _pooled([one.estimates for one in each]) if alike else ()
    compared = _pooled([one.contrasts for one in each]) if alike else ()
    if not alike:
        problems += (say("fewer_fits", model=first.name),)
    told = [
        (
            label,
            f"imputed_{row['variable']}",
            float(row["rows"]),
            "look",
            say("completed_times", reason=str(row["reason"]), count=len(each)),
        )
        for label in dict.fromkeys(first.diagnostics["estimand"].astype(str))
        for row in done.counts.to_dict(orient="records")
    ]
    diagnostics = pd.concat(
        [first.diagnostics, pd.DataFrame(told, columns=pd.Index(DIAGNOSTIC_COLUMNS))], ignore_index=True
    )
    return ModelResult(
        first.name, estimates, compared, _coefficients([one.coefficients for one in each], _complete_df(each), level), diagnostics,
        first.excluded, problems, _log_priors(each),
    )  # fmt: skip


def _log_priors(each: Sequence[ModelResult]) -> dict[str, NDArray[np.float64]]:
    """The log priors of the stacked draws, under the name that `pool` gives them."""
    if not all(one.log_priors for one in each):
        return {}
    own = [next(iter(one.log_priors.items())) for one in each]
    return {"+".join(origin for origin, _ in own): np.concatenate([values for _, values in own])}


def _completed(spec: ModelSpec, survey: Survey) -> Imputations:
    mine = list(dict.fromkeys([spec.outcome, *spec.exposures, *spec.adjusters]))
    return impute(
        people_of(spec, survey),
        spec.imputation["m"],
        seed=spec.imputation.get("seed", 1),
        variables=spec.imputation["variables"],
        predictors=spec.imputation.get("predictors", mine),
        delta=spec.imputation.get("delta"),
    )


def _pooled(each: Sequence[tuple[tuple[str, Estimates], ...]]) -> tuple[tuple[str, Estimates], ...]:
    return tuple((same[0][0], pool([found for _, found in same])) for same in zip(*each, strict=True))


def _complete_df(each: Sequence[ModelResult]) -> dict[str, float]:
    """By estimand, the degrees of freedom of a complete survey: the least of the completed ones; infinite for the normal."""
    told = pd.concat([one.diagnostics for one in each])
    found = told[told["check"] == "design_df"].groupby("estimand")["value"].min()
    return {str(estimand): float(value) for estimand, value in found.items()}


def _coefficients(each: Sequence[pd.DataFrame], complete_df: Mapping[str, float], level: float) -> pd.DataFrame:
    """Rubin's rules on every coefficient by itself; those that some survey lacks are left out."""
    keys = ["estimand", "term"]
    tables = [table.set_index(keys) for table in each]
    shared = [key for key in tables[0].index if all(key in table.index for table in tables)]
    q = [table.loc[shared, "estimate"].to_numpy(dtype=float) for table in tables]
    u = [np.diag(table.loc[shared, "std_error"].to_numpy(dtype=float) ** 2) for table in tables]
    found = rubin(q, u, np.array([complete_df[estimand] for estimand, _ in shared]))
    half = critical_values(level, found.df) * found.std_error
    table = pd.DataFrame(shared, columns=pd.Index(keys))
    return table.assign(
        estimate=found.estimate,
        std_error=found.std_error,
        lower=found.estimate - half,
        upper=found.estimate + half,
        level=level,
    )
