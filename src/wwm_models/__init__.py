"""Ordinal and multinomial regression for survey articles: adjusted probabilities beside raw and published percentages.

Names are imported when first used, so that the command line answers before numpy has loaded.
"""

from __future__ import annotations

import importlib
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wwm_models.adjust import (
        adjusted,
        adjusted_items,
        answer_ratio,
        change,
        change_between,
        contrasts,
        decompose,
        e_value,
        e_values,
        equivalence,
        family_of_tests,
        mean,
        mean_score,
        predict,
        prior_predictive,
        raw,
        slopes,
        superiority,
        total,
    )
    from wwm_models.article import Comparison, read_article
    from wwm_models.article.bounds import Margins, bounds, read_margins
    from wwm_models.article.compare import compare
    from wwm_models.article.fragility import fragility
    from wwm_models.checks import (
        brant,
        hosmer_lemeshow,
        likelihood_ratio,
        lipsitz,
        nominal_test,
        pearson,
        po_size,
        posterior_predictive,
        posterior_predictive_items,
        power_scaling,
        pulkstenis_robinson,
        randomised_pit,
        scale_test,
        surrogate_residuals,
        wald_test,
        weights_matter,
    )
    from wwm_models.disclosure import precision
    from wwm_models.engines import (
        JointPriors,
        fit,
        loo,
        loo_items,
        replicates,
        sample,
        sample_joint,
        stacking,
    )
    from wwm_models.families import Model
    from wwm_models.imputation import impute, pool
    from wwm_models.many import run_many
    from wwm_models.records import (
        Estimand,
        Estimates,
        Fit,
        Imputations,
        JointPosterior,
        Loo,
        Posterior,
        Survey,
    )
    from wwm_models.study import Run, run_study
    from wwm_models.survey import calibrate, poststratify, rake, read_counts, read_survey, read_weighting_margins, trim

_HOME = {
    "precision": "disclosure",
    "Margins": "article.bounds",
    "bounds": "article.bounds",
    "read_margins": "article.bounds",
    "brant": "checks",
    "fragility": "article.fragility",
    "hosmer_lemeshow": "checks",
    "likelihood_ratio": "checks",
    "lipsitz": "checks",
    "nominal_test": "checks",
    "pearson": "checks",
    "po_size": "checks",
    "pulkstenis_robinson": "checks",
    "randomised_pit": "checks",
    "scale_test": "checks",
    "surrogate_residuals": "checks",
    "wald_test": "checks",
    "weights_matter": "checks",
    "Comparison": "article",
    "Estimand": "records",
    "Estimates": "records",
    "Fit": "records",
    "Imputations": "records",
    "Model": "families",
    "Posterior": "records",
    "Run": "study",
    "Survey": "records",
    "adjusted": "adjust",
    "answer_ratio": "adjust",
    "calibrate": "survey",
    "change": "adjust",
    "change_between": "adjust",
    "compare": "article.compare",
    "contrasts": "adjust",
    "decompose": "adjust",
    "e_value": "adjust",
    "e_values": "adjust",
    "equivalence": "adjust",
    "family_of_tests": "adjust",
    "fit": "engines",
    "impute": "imputation",
    "mean": "adjust",
    "mean_score": "adjust",
    "pool": "imputation",
    "poststratify": "survey",
    "predict": "adjust",
    "prior_predictive": "adjust",
    "rake": "survey",
    "raw": "adjust",
    "read_article": "article",
    "read_counts": "survey",
    "read_survey": "survey",
    "read_weighting_margins": "survey",
    "replicates": "engines",
    "run_many": "many",
    "run_study": "study",
    "sample": "engines",
    "slopes": "adjust",
    "superiority": "adjust",
    "total": "adjust",
    "trim": "survey",
    "adjusted_items": "adjust",
    "sample_joint": "engines",
    "JointPriors": "engines",
    "JointPosterior": "records",
    "loo": "engines",
    "loo_items": "engines",
    "stacking": "engines",
    "Loo": "records",
    "posterior_predictive": "checks",
    "posterior_predictive_items": "checks",
    "power_scaling": "checks",
}

__all__ = [
    "Comparison",
    "Estimand",
    "Estimates",
    "Fit",
    "Imputations",
    "JointPosterior",
    "JointPriors",
    "Loo",
    "Margins",
    "Model",
    "Posterior",
    "Run",
    "Survey",
    "adjusted",
    "adjusted_items",
    "answer_ratio",
    "bounds",
    "brant",
    "calibrate",
    "change",
    "change_between",
    "compare",
    "contrasts",
    "decompose",
    "e_value",
    "e_values",
    "equivalence",
    "family_of_tests",
    "fit",
    "fragility",
    "hosmer_lemeshow",
    "impute",
    "likelihood_ratio",
    "lipsitz",
    "loo",
    "loo_items",
    "mean",
    "mean_score",
    "nominal_test",
    "pearson",
    "po_size",
    "pool",
    "posterior_predictive",
    "posterior_predictive_items",
    "poststratify",
    "power_scaling",
    "precision",
    "predict",
    "prior_predictive",
    "pulkstenis_robinson",
    "rake",
    "randomised_pit",
    "raw",
    "read_article",
    "read_counts",
    "read_margins",
    "read_survey",
    "read_weighting_margins",
    "replicates",
    "run_many",
    "run_study",
    "sample",
    "sample_joint",
    "scale_test",
    "slopes",
    "stacking",
    "superiority",
    "surrogate_residuals",
    "total",
    "trim",
    "wald_test",
    "weights_matter",
]


_CHECKED: dict[str, Any] = {}  # what was asked for so far; functions check the kinds of their arguments


def __getattr__(name: str) -> Any:
    if name in _CHECKED:
        return _CHECKED[name]
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    if isinstance(found, FunctionType):
        found = importlib.import_module(f"{__name__}.arguments").checked(found)
        found.__module__, found.__qualname__ = __name__, name  # where other processes look for it
    return _CHECKED.setdefault(name, found)


def __dir__() -> list[str]:
    return __all__
