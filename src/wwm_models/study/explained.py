"""Why each adjusted number of a model differs from the raw one: the decomposition of everything that is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import pandas as pd

from wwm_models.adjust.table import Collapses
from wwm_models.adjust.why.decompose import COLUMNS, decompose_fit
from wwm_models.adjust.why.perturbed import reported
from wwm_models.adjust.why.submodels import Submodel, Variables
from wwm_models.article import Article
from wwm_models.article.comparison import group_text
from wwm_models.article.scenarios import Varied
from wwm_models.declared.models import ModelSpec
from wwm_models.engines import fit
from wwm_models.errors import AdjustError, AnswersError, FitError
from wwm_models.records import Estimates, Fit, Survey
from wwm_models.stages import Stages
from wwm_models.study.models import Request, joint_groups, model_of, people_of, requests_of
from wwm_models.survey.calibration.margins import Margins

FLAT = ("estimand", "by", "group", *(name for name in COLUMNS if name != "estimand"))


@dataclass(frozen=True, eq=False)
class Fitted:
    """One fit of a model, again (cheap enough not to be kept between the steps of a run), and how it is reported."""

    request: Request
    fit: Fit
    collapses: Collapses
    population: str | Margins = "sample"

    @cached_property
    def varied(self) -> Varied:
        """Everything that is reported of it, and its variants."""
        return Varied(reported(self.fit, [by for _, by in self.request.reported], self.collapses, self.population))


@dataclass(frozen=True, eq=False)
class Explained:
    """Decompositions of one model, each with the label of its estimand, by-variables first, and the fits they are of."""

    name: str
    tables: tuple[tuple[str, pd.DataFrame], ...]
    fits: tuple[Fitted, ...] = ()

    def flat(self) -> pd.DataFrame:
        """All of them with the columns of decomposition.csv, without the study's and the model's."""
        parts = [_flat(label, table) for label, table in self.tables]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=pd.Index(FLAT))


def fitted_requests(
    spec: ModelSpec, survey: Survey, extra: Sequence[tuple[str, ...]], collapses: Collapses, stages: Stages
) -> list[Fitted]:
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
    """
    people = people_of(spec, survey)
    found: list[Fitted] = []
    for request in requests_of(spec, extra):
        made = stages.attempt(
            f"{spec.name} ({request.label}), decomposition", partial(_fit, spec, request, people), otherwise=None
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
) -> Explained:
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
    """
    tables: list[tuple[str, pd.DataFrame]] = []
    named = collapses.get(spec.outcome, {})
    fits = tuple(fitted_requests(spec, survey, extra, named, stages))
    for one in fits:
        solved: dict[Variables, Submodel] = {}
        for label, by in one.request.reported:
            found = raws[spec.outcome].get(by) if spec.weights == "survey" else None
            apart = partial(
                _apart, one.fit, by, over=spec.population, found=found, collapses=named, level=level, solved=solved
            )
            table = stages.attempt(f"{spec.name} ({label}), decomposition", apart, otherwise=None)
            tables += [(label, table)] if table is not None else []
    return Explained(spec.name, tuple(tables), fits)


def _apart(*given: Any, **options: Any) -> pd.DataFrame | None:
    """A decomposition; None where the fit has none."""
    try:
        return decompose_fit(*given, **options)
    except AdjustError:
        return None


def all_explained(
    specs: Sequence[ModelSpec],
    survey: Survey,
    article: Article,
    raws: Mapping[str, Mapping[tuple[str, ...], Estimates]],
    collapses: Mapping[str, Collapses],
    level: float,
    stages: Stages,
) -> list[Explained]:
    """`explained` of every model of a study; each is a stage."""
    named = [(at.outcome, at.by) for at in article.references()]

    def taken_apart(one: ModelSpec) -> Explained:
        return explained(one, survey, joint_groups(named, one.outcome), raws, collapses, level, stages)

    return [
        stages.attempt(f"{one.name}, decomposition", partial(taken_apart, one), otherwise=Explained(one.name, ()))
        for one in specs
    ]


def _flat(label: str, table: pd.DataFrame) -> pd.DataFrame:
    by = tuple(str(name) for name in table.columns[: list(table.columns).index("outcome")])
    return table.assign(estimand=label, by=";".join(by), group=group_text(table, by))[list(FLAT)]
