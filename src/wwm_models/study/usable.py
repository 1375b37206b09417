"""Which fits of a study the survey allows, found out before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass

from wwm_models.cells.design import cells_and_design
from wwm_models.declared.models import ModelSpec
from wwm_models.errors import AnswersError, RankError
from wwm_models.records import Cells, Survey
from wwm_models.study.declared import Declared
from wwm_models.study.models import Request, model_of, requests_of


@dataclass(frozen=True, eq=False)
class Attempt:
    """One fit of a model file, and its cells or why there are none."""

    spec: ModelSpec
    request: Request
    cells: Cells | None
    problem: AnswersError | None


def attempts(declared: Declared, survey: Survey) -> list[Attempt]:
    """Every fit of a study as far as its design, in the order of the models.

    Parameters
    ----------
    declared : Declared
    survey : Survey

    Raises
    ------
    ModelError
        If a model file declares what no survey allows.
    """
    return [_attempt(spec, request, survey) for spec in declared.models for request in requests_of(spec)]


def refuse_unusable(declared: Declared, survey: Survey) -> None:
    """Raise where no model of a study has answers that it can be fitted to; one that can is reason enough to go on.

    Parameters
    ----------
    declared : Declared
    survey : Survey

    Raises
    ------
    ModelError
        The first model's, or that of a file which declares what no survey allows.
    """
    found = attempts(declared, survey)
    hopeless = [one.problem for one in found if one.problem is not None and not isinstance(one.problem, RankError)]
    if hopeless and len(hopeless) == len(found) and not any(spec.imputation for spec in declared.models):
        raise hopeless[0]


def _attempt(spec: ModelSpec, request: Request, survey: Survey) -> Attempt:
    try:
        cells, _ = cells_and_design(model_of(spec, request), survey)
    except AnswersError as problem:
        return Attempt(spec, request, None, problem)
    return Attempt(spec, request, cells, None)
