"""Everything a run needs to know before the first fit: which fits the survey allows, and whom they can be reported for.

`wwm run` and `wwm check` both go through `prepared`, so that one refuses what the other does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wwm_models.adjust.adjusted import model_groups
from wwm_models.adjust.margins.target import target_population
from wwm_models.article.bounds import read_margins
from wwm_models.cells.design import cells_and_design
from wwm_models.declared.models import ModelSpec
from wwm_models.errors import AdjustError, AnswersError, ImputationError, ModelError, RankError, SurveyError
from wwm_models.families import Model
from wwm_models.imputation.plan import plan_of
from wwm_models.records import Cells, Survey
from wwm_models.study.bounds import FILE
from wwm_models.study.declared import Declared, named
from wwm_models.study.models import Request, model_of, people_of, requests_of
from wwm_models.study.running import joint_of


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
    return found


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
