"""One declared model: its fits, adjusted probabilities and contrasts, or why there are none.

`all_explained` says why each adjusted number of a model differs from the raw one: the decomposition of everything that is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.claims.article import Article
from wwm_models.errors import AdjustError, AnswersError, FitError, SeparationError
from wwm_models.estimates.adjusted import adjusted
from wwm_models.estimates.contrasts import contrasts
from wwm_models.estimates.decomposition import COLUMNS, Submodel, Variables, decompose_fit
from wwm_models.estimates.estimates import Collapses, Estimates
from wwm_models.estimates.number_key import group_text, variables_of
from wwm_models.estimates.sensitivity import Varied, reported
from wwm_models.likelihood.fit import Fit, fit
from wwm_models.messages import say, variable
from wwm_models.numerics.intervals import critical_value
from wwm_models.results.folder import Checkpoints
from wwm_models.stages import PASSING, Stages, failed
from wwm_models.study.declarations import Request, joint_groups, model_of, requests_of
from wwm_models.study.diagnostics import DIAGNOSTIC_COLUMNS, failure
from wwm_models.study.diagnostics import diagnostics as described
from wwm_models.study.model_files import ModelSpec
from wwm_models.survey.population_margins import Margins
from wwm_models.survey.survey import Survey

COEFFICIENT_COLUMNS = ("estimand", "term", "estimate", "std_error", "lower", "upper", "level")


@dataclass(frozen=True, eq=False)
class ModelResult:
    """What one model file gives.

    Attributes
    ----------
    name : str
    estimates : tuple of (estimand, Estimates)
        By-variables are text. Those with draws are the posterior's, the others the likelihood's.
    contrasts : tuple of (estimand, Estimates)
    coefficients, diagnostics : DataFrame
    excluded : mapping of reason to rows
    problems : tuple of str
        Sentences about what is not usable; empty when all is well.
    log_priors : mapping of origin to (s,) array
        Log prior density of every draw of the model's posterior.
    fits : mapping of a request's label to its Fit, or None
        The usable ones; None where they are not in memory, since the result was read back or comes from another process.
    """

    name: str
    estimates: tuple[tuple[str, Estimates], ...]
    contrasts: tuple[tuple[str, Estimates], ...]
    coefficients: pd.DataFrame
    diagnostics: pd.DataFrame
    excluded: dict[str, int]
    problems: tuple[str, ...]
    log_priors: Mapping[str, NDArray[np.float64]] = field(default_factory=lambda: MappingProxyType({}))
    fits: Mapping[str, Fit] | None = None


def run_model(
    spec: ModelSpec, survey: Survey, collapses: Collapses, extra: Sequence[tuple[str, ...]], level: float
) -> ModelResult:
    """Fit everything a model file asks for; a fit that fails is reported and the others go on.

    Parameters
    ----------
    spec : ModelSpec
    survey : Survey
    collapses : mapping of name to answers
        Of the outcome.
    extra : sequence of tuples of str
        Joint groups the article speaks about.
    level : float
        Of the intervals, above 0 and below 1.
    """
    people = people_of(spec, survey)
    estimates: list[tuple[str, Estimates]] = []
    differences: list[tuple[str, Estimates]] = []
    coefficients: list[pd.DataFrame] = []
    diagnostics: list[pd.DataFrame] = []
    excluded: dict[str, int] = {}
    problems: list[str] = []
    stages = Stages()
    fits: dict[str, Fit] = {}
    for request in requests_of(spec, extra):
        try:
            fitted = fit(model_of(spec, request), people, penalty="" if spec.penalty == "none" else spec.penalty)
        except PASSING:
            raise
        except Exception as problem:
            status, said = status_of(problem)
            problems.append(say("stage_status", stage=fit_name(spec, request.label), status=status, what=said))
            diagnostics.append(failure(request.label, status, said))
            continue
        excluded = excluded or dict(fitted.cells.excluded)
        coefficients.append(_coefficients(fitted, request, level))
        diagnostics.append(described(fitted, request.label, spec.name, stages))
        if fitted.status != "ok":
            problems.append(
                say("stage_status", stage=fit_name(spec, request.label), status=fitted.status, what=fitted.message)
            )
            continue
        fits[request.label] = fitted
        for label, by in request.reported:
            stage = fit_name(spec, label)
            average = partial(adjusted, fitted, by or None, over=spec.population, level=level, collapses=collapses)
            found = stages.attempt(stage, average, otherwise=None)
            if found is None:
                continue
            found = labelled(found, label)
            estimates.append((label, found))
            for name in by if spec.contrasts != "none" else ():
                if level_count(found, name) > 1:
                    compare = partial(contrasts_of, spec, found, name, level)
                    own = stages.attempt(
                        say("contrasts_of", stage=stage, variable=variable(name)), compare, otherwise=None
                    )
                    differences += [(label, own)] if own is not None else []
    return ModelResult(
        spec.name, tuple(estimates), tuple(differences), _stacked(coefficients, COEFFICIENT_COLUMNS),
        _stacked(diagnostics, DIAGNOSTIC_COLUMNS), excluded, (*problems, *stages.problems), fits=fits,
    )  # fmt: skip


def status_of(problem: Exception) -> tuple[str, str]:
    """What diagnostics.csv calls a failure, and the sentence about it."""
    if isinstance(problem, SeparationError):
        return "separated", str(problem)
    return "failed", failed(problem)


def result_or_reason(spec: ModelSpec, run: Callable[[], ModelResult]) -> ModelResult:
    """The result of a model, or one that says why there is none: a fault in one model does not end the others."""
    try:
        return run()
    except PASSING:
        raise
    except Exception as problem:
        return nothing_of(spec, status_of(problem)[1])


def nothing_of(spec: ModelSpec, said: str) -> ModelResult:
    """The result of a model that gave none."""
    label = "all exposures"
    return ModelResult(
        spec.name, (), (), pd.DataFrame(columns=pd.Index(COEFFICIENT_COLUMNS)), failure(label, "failed", said), {},
        (failed_fit(spec, label, said),),
    )  # fmt: skip


def fit_name(spec: ModelSpec, label: str) -> str:
    """What a fit is called among the stages of a run."""
    return say("fit_of", model=spec.name, estimand=label)


def failed_fit(spec: ModelSpec, label: str, said: str) -> str:
    """Say that a fit failed, and why."""
    return say("stage_failed", stage=fit_name(spec, label), what=said)


def people_of(spec: ModelSpec, survey: Survey) -> Survey:
    """The respondents with the weights that the model file asks for."""
    return survey.unweighted() if spec.weights == "none" else survey


def contrasts_of(spec: ModelSpec, found: Estimates, name: str, level: float) -> Estimates:
    """Contrasts of one variable, of the kind that the model file asks for."""
    return contrasts(found, name, pairwise=spec.contrasts == "pairwise", level=level)


def level_count(found: Estimates, name: str) -> int:
    """How many levels of a variable the estimates have."""
    return found.table[name].nunique()


def labelled(found: Estimates, label: str) -> Estimates:
    """The estimand's short name in front of its long text, and by-variables as text."""
    table = found.table.assign(estimand=[f"{label}: {text}" for text in found.table["estimand"]])
    return replace(found, table=table.assign(**{name: table[name].astype(str).astype(object) for name in found.by}))


def _coefficients(fitted: Fit, request: Request, level: float) -> pd.DataFrame:
    estimate, std_error = fitted.params.to_numpy(), fitted.std_errors.to_numpy()
    half = critical_value(level, fitted.design_df) * std_error
    return pd.DataFrame(
        {
            "estimand": request.label, "term": fitted.params.index, "estimate": estimate, "std_error": std_error,
            "lower": estimate - half, "upper": estimate + half, "level": level,
        }
    )  # fmt: skip


def _stacked(parts: list[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=pd.Index(columns))


Progress = Callable[[str, int, int], None]  # what, models done, models in all


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


def joint_of(article: Article, outcome: str) -> list[tuple[str, ...]]:
    """Combinations of variables by which the article speaks of an outcome."""
    return joint_groups([(reference.outcome, reference.by) for reference in article.references()], outcome)


DECOMPOSITION_COLUMNS = ("estimand", "by", "group", *(name for name in COLUMNS if name != "estimand"))


@dataclass(frozen=True, eq=False)
class Fitted:
    """One fit of a model, and how it is reported."""

    request: Request
    fit: Fit
    collapses: Collapses
    population: str | Margins = "sample"

    @cached_property
    def varied(self) -> Varied:
        """Everything that is reported of it, and its variants."""
        return Varied(reported(self.fit, [by for _, by in self.request.reported], self.collapses, self.population))


@dataclass(frozen=True, eq=False)
class Decompositions:
    """Decompositions of one model, each with the label of its estimand, by-variables first, and the fits they are of."""

    name: str
    tables: tuple[tuple[str, pd.DataFrame], ...]
    fits: tuple[Fitted, ...] = ()

    def flat(self) -> pd.DataFrame:
        """All of them with the columns of decomposition.csv, without the study's and the model's."""
        parts = [_flat(label, table) for label, table in self.tables]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=pd.Index(DECOMPOSITION_COLUMNS))


def fitted_requests(
    spec: ModelSpec, survey: Survey, extra: Sequence[tuple[str, ...]], collapses: Collapses, stages: Stages,
    result: ModelResult | None = None,
) -> list[Fitted]:  # fmt: skip
    """The usable fits of a model file; what is wrong with the others is in its result.

    Parameters
    ----------
    spec : ModelSpec
    survey : Survey
    extra : sequence of tuples of str
        Joint groups the article speaks about.
    collapses : mapping of name to answers
    stages : Stages
        Every fit is one.
    result : ModelResult, optional
        Of the model; its fits are made again where it has none in memory.
    """
    people, known = people_of(spec, survey), None if result is None else result.fits
    found: list[Fitted] = []
    for request in requests_of(spec, extra):
        again = partial(_fit, spec, request, people)
        made = (
            stages.attempt(
                say("check_of", stage=fit_name(spec, request.label), check="decomposition"), again, otherwise=None
            )
            if known is None
            else known.get(request.label)
        )
        if made is not None and made.status == "ok":
            found.append(Fitted(request, made, collapses, spec.population))
    return found


def _fit(spec: ModelSpec, request: Request, people: Survey) -> Fit | None:
    """A fit of a model file; None where the survey does not allow it."""
    try:
        return fit(model_of(spec, request), people, penalty="" if spec.penalty == "none" else spec.penalty)
    except (FitError, AnswersError):
        return None


def explained(
    spec: ModelSpec,
    survey: Survey,
    extra: Sequence[tuple[str, ...]],
    raws: Mapping[str, Mapping[tuple[str, ...], Estimates]],
    collapses: Mapping[str, Collapses],
    level: float,
    stages: Stages,
    result: ModelResult | None = None,
) -> Decompositions:
    """Take every reported number of a model apart.

    Parameters
    ----------
    spec : ModelSpec
    survey : Survey
    extra : sequence of tuples of str
        Joint groups the article speaks about.
    raws : mapping of outcome to mapping of by-variables to raw shares
    collapses : mapping of outcome to its collapses
    level : float
        Of the intervals, above 0 and below 1.
    stages : Stages
        Every fit and every decomposition is one.
    result : ModelResult, optional
        As for `fitted_requests`.
    """
    tables: list[tuple[str, pd.DataFrame]] = []
    named = collapses.get(spec.outcome, {})
    fits = tuple(fitted_requests(spec, survey, extra, named, stages, result))
    for one in fits:
        solved: dict[Variables, Submodel] = {}
        for label, by in one.request.reported:
            found = raws[spec.outcome].get(by) if spec.weights == "survey" else None
            apart = partial(
                _apart, one.fit, by, over=spec.population, found=found, collapses=named, level=level, solved=solved
            )
            table = stages.attempt(
                say("check_of", stage=fit_name(spec, label), check="decomposition"), apart, otherwise=None
            )
            tables += [(label, table)] if table is not None else []
    return Decompositions(spec.name, tuple(tables), fits)


def _apart(*given: Any, **options: Any) -> pd.DataFrame | None:
    """A decomposition; None where the fit has none."""
    try:
        return decompose_fit(*given, **options)
    except AdjustError:
        return None


def all_explained(
    specs: Sequence[ModelSpec],
    results: Sequence[ModelResult],
    survey: Survey,
    article: Article,
    raws: Mapping[str, Mapping[tuple[str, ...], Estimates]],
    collapses: Mapping[str, Collapses],
    level: float,
    stages: Stages,
) -> list[Decompositions]:
    """`explained` of every model of a study; each is a stage."""
    named = [(at.outcome, at.by) for at in article.references()]

    def decomposed(one: ModelSpec, result: ModelResult) -> Decompositions:
        return explained(one, survey, joint_groups(named, one.outcome), raws, collapses, level, stages, result)

    return [
        stages.attempt(
            say("check_of", stage=one.name, check="decomposition"),
            partial(decomposed, one, result),
            otherwise=Decompositions(one.name, ()),
        )
        for one, result in zip(specs, results, strict=True)
    ]


def _flat(label: str, table: pd.DataFrame) -> pd.DataFrame:
    by = variables_of(table)
    return table.assign(estimand=label, by=";".join(by), group=group_text(table, by))[list(DECOMPOSITION_COLUMNS)]
