"""Which models of a study publish nothing because they would give a suppressed group away, and what is left of their results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from wwm_models.adjust import raw
from wwm_models.article import Article
from wwm_models.declared.models import ModelSpec
from wwm_models.disclosure import (
    Equations,
    ModelOf,
    Refused,
    Withheld,
    equations_of,
    refused,
    reproducing,
    told_by_equations,
    withhold,
)
from wwm_models.disclosure.published import Raws
from wwm_models.errors import AnswersError, ModelError, WwmError
from wwm_models.records import Estimates, Survey
from wwm_models.study.declared import Declared, collapses_of
from wwm_models.study.diagnostics import failure
from wwm_models.study.models import ModelResult, model_of, people_of, reported_sets, requests_of
from wwm_models.study.printed import printed_groupings
from wwm_models.study.running import joint_of
from wwm_models.study.tables import adjusted_of

CHECK, STATUS = "disclosure", "withheld"  # in diagnostics.csv
LEVEL = 0.95  # of raw intervals, which decide nothing here


def raws_of(
    declared: Declared, survey: Survey, collapses: Mapping[str, Mapping[str, tuple[str, ...]]], level: float
) -> dict[str, dict[tuple[str, ...], Estimates]]:
    """Raw percentages of every outcome by everything it is reported or printed by."""
    printed = printed_groupings(declared.article, survey)
    found: dict[str, dict[tuple[str, ...], Estimates]] = {}
    for outcome in dict.fromkeys([*(spec.outcome for spec in declared.models), *printed]):
        sets: dict[frozenset[str], tuple[str, ...]] = {}
        reported = reported_sets(declared.models, outcome, joint_of(declared.article, outcome))
        for by in (*reported, *printed.get(outcome, [])):
            sets.setdefault(frozenset(by), by)
        found[outcome] = {
            by: raw(survey, outcome, by or None, level=level, collapses=collapses.get(outcome)) for by in sets.values()
        }
    return found


def foreseen(declared: Declared, survey: Survey) -> Mapping[str, str]:
    """The models that a run would withhold, as far as that is known before they are fitted, each with the reason.

    Parameters
    ----------
    declared : Declared
        With the items of its joint models.
    survey : Survey
    """
    if survey.suppress_below <= 0:
        return {}
    try:
        raws, withheld = withhold(survey, raws_of(declared, survey, collapses_of(survey), LEVEL))
    except WwmError:  # the reason stands among the fits that cannot be made
        return {}
    return refused_models(declared.models, [], declared.article, raws, withheld, survey).models


def refused_models(
    specs: Sequence[ModelSpec],
    results: Sequence[ModelResult],
    article: Article,
    raws: Raws,
    withheld: Withheld,
    survey: Survey,
) -> Refused:
    """Give the models that publish nothing, each with a sentence that says why and what to do.

    Parameters
    ----------
    specs, results : sequences of equal length
    article : Article
    raws : mapping of outcome to mapping of by-variables to Estimates
        Without what is suppressed.
    withheld : Withheld
    survey : Survey
    """
    models = [ModelOf(spec.name, spec.outcome, _predictors(spec, article)) for spec in specs]
    told = told_by_equations(models, raws, withheld) | reproducing(adjusted_of(results), withheld)
    closed = {spec.name: _told(spec, withheld) for spec in specs if spec.name in told}
    first = sorted(specs, key=lambda spec: not spec.primary)
    fits = [fit for spec in first for fit in fits_of(spec, article, survey)]
    return refused(fits, raws, withheld, survey, closed)


def _predictors(spec: ModelSpec, article: Article) -> tuple[frozenset[str], ...]:
    requests = requests_of(spec, joint_of(article, spec.outcome))
    return tuple(frozenset((*request.exposures, *spec.adjusters)) for request in requests)


def fits_of(spec: ModelSpec, article: Article, survey: Survey) -> list[Equations]:
    """The equations of every fit of a model file; a fit that the survey does not allow has none."""
    found: list[Equations] = []
    people = people_of(spec, survey)
    for request in requests_of(spec, joint_of(article, spec.outcome)):
        try:
            found.append(equations_of(spec.name, request.label, model_of(spec, request), people))
        except (ModelError, AnswersError):
            continue
    return found


def _told(spec: ModelSpec, withheld: Withheld) -> str:
    return (
        f"Percentages of {spec.outcome} are suppressed, and they would follow from this model's numbers together with the others: nothing of it is "
        f"published. Expected {withheld.below} respondents or more behind every percentage. Merge levels of "
        f"{', '.join(spec.exposures) or 'the question'} in the codebook."
    )


def silenced(result: ModelResult, why: str) -> ModelResult:
    """A model's result with nothing of it in messages and comparisons but why it is withheld; its numbers go with the tables."""
    if not why:
        return result
    labels = list(dict.fromkeys(result.diagnostics["estimand"].astype(str)))
    kept = result.diagnostics[result.diagnostics["check"] == "n"].assign(message="")
    rows = [failure(label, STATUS, why).assign(check=CHECK) for label in labels]
    return replace(
        result, diagnostics=pd.concat([kept, *rows], ignore_index=True), problems=(f"{result.name}: {STATUS}. {why}",)
    )


def judged_specs(specs: Sequence[ModelSpec], told: Collection[str]) -> list[ModelSpec]:
    """The models, of which those that are left out judge no claim."""
    return [replace(spec, primary=False) if spec.name in told else spec for spec in specs]
