"""Which models of a study are left out because they would tell a suppressed percentage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from wwm_models.article import Article
from wwm_models.declared.models import ModelSpec
from wwm_models.disclosure import ModelOf, Withheld, told_by_equations
from wwm_models.disclosure.published import Raws
from wwm_models.study.models import requests_of
from wwm_models.study.running import joint_of


def told_models(specs: Sequence[ModelSpec], article: Article, raws: Raws, withheld: Withheld) -> set[str]:
    """Give their names.

    Parameters
    ----------
    specs : sequence of ModelSpec
    article : Article
    raws : mapping of outcome to mapping of by-variables to Estimates
    withheld : Withheld
    """
    models = [
        ModelOf(
            spec.name,
            spec.outcome,
            tuple(
                frozenset((*request.exposures, *spec.adjusters))
                for request in requests_of(spec, joint_of(article, spec.outcome))
            ),
        )
        for spec in specs
    ]
    return told_by_equations(models, raws, withheld)


def judged_specs(specs: Sequence[ModelSpec], told: Collection[str]) -> list[ModelSpec]:
    """The models, of which those that are left out judge no claim."""
    return [replace(spec, primary=False) if spec.name in told else spec for spec in specs]
