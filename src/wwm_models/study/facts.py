"""What a study declares, as JSON can hold it: the page is made from it, also long after the run."""

from __future__ import annotations

from typing import Any

from wwm_models.article.plain import as_plain
from wwm_models.declared.models import ModelSpec
from wwm_models.study.declared import Declared


def declared_facts(declared: Declared) -> dict[str, Any]:
    """Models, claims and figures of a study.

    Parameters
    ----------
    declared : Declared

    Returns
    -------
    dict
        "models" (name to facts), and what `as_plain` gives of the article.
    """
    return {"models": {spec.name: _facts(spec) for spec in declared.models}, **as_plain(declared.article)}


def _facts(spec: ModelSpec) -> dict[str, Any]:
    return {
        "outcome": spec.outcome,
        "formula": spec.formula(spec.exposures),
        "family": spec.family,
        "link": spec.link,
        "primary": spec.primary,
        "tolerance": spec.tolerance,
        "weights": spec.weights,
        "estimands": list(spec.estimands),
    }
