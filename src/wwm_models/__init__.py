"""Ordinal and multinomial regression for survey articles: adjusted probabilities beside raw and published percentages.

Names are imported when first used, so that the command line answers before numpy has loaded.
"""

from __future__ import annotations

import importlib
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wwm_models.bayes.joint_data import JointPosterior
    from wwm_models.bayes.joint_density import JointPriors
    from wwm_models.bayes.joint_sample import sample_joint
    from wwm_models.bayes.leave_one_out import Loo, loo, loo_items, stacking
    from wwm_models.bayes.posterior import Posterior
    from wwm_models.bayes.sample import sample
    from wwm_models.claims.article import read_article
    from wwm_models.claims.comparison import Comparison, compare
    from wwm_models.claims.fragility import fragility
    from wwm_models.diagnostics.goodness_of_fit import hosmer_lemeshow, lipsitz
    from wwm_models.diagnostics.hypothesis_tests import likelihood_ratio, wald_test
    from wwm_models.diagnostics.predictive_checks import posterior_predictive, posterior_predictive_items
    from wwm_models.diagnostics.prior_sensitivity import power_scaling
    from wwm_models.diagnostics.proportional_odds import brant, nominal_test, po_size, scale_test
    from wwm_models.diagnostics.residuals import pearson, pulkstenis_robinson, randomised_pit, surrogate_residuals
    from wwm_models.diagnostics.specification import weights_matter
    from wwm_models.disclosure.presentation_rules import precision
    from wwm_models.estimates.adjusted import adjusted, adjusted_items, prior_predictive
    from wwm_models.estimates.change import change, change_between, equivalence
    from wwm_models.estimates.confounding import e_value, e_values
    from wwm_models.estimates.contrasts import contrasts, family_of_tests
    from wwm_models.estimates.decomposition import decompose
    from wwm_models.estimates.estimates import Estimand, Estimates
    from wwm_models.estimates.quantities import answer_ratio, mean_score, predict, slopes, superiority
    from wwm_models.estimates.raw import mean, raw, total
    from wwm_models.identification.bounds import bounds
    from wwm_models.identification.joint_table import Margins, read_margins
    from wwm_models.imputation.impute import Imputations, impute
    from wwm_models.imputation.pool import pool
    from wwm_models.likelihood.fit import Fit, fit
    from wwm_models.likelihood.replicates import replicates
    from wwm_models.models.model import Model
    from wwm_models.parallel import run_many
    from wwm_models.study.run import Run, run_study
    from wwm_models.survey.calibration import calibrate, poststratify, rake, trim
    from wwm_models.survey.databases.counts import read_counts
    from wwm_models.survey.population_margins import read_weighting_margins
    from wwm_models.survey.read import read_survey
    from wwm_models.survey.survey import Survey

_HOME = {
    "Comparison": "claims.comparison",
    "Estimand": "estimates.estimates",
    "Estimates": "estimates.estimates",
    "Fit": "likelihood.fit",
    "Imputations": "imputation.impute",
    "JointPosterior": "bayes.joint_data",
    "JointPriors": "bayes.joint_density",
    "Loo": "bayes.leave_one_out",
    "Margins": "identification.joint_table",
    "Model": "models.model",
    "Posterior": "bayes.posterior",
    "Run": "study.run",
    "Survey": "survey.survey",
    "adjusted": "estimates.adjusted",
    "adjusted_items": "estimates.adjusted",
    "answer_ratio": "estimates.quantities",
    "bounds": "identification.bounds",
    "brant": "diagnostics.proportional_odds",
    "calibrate": "survey.calibration",
    "change": "estimates.change",
    "change_between": "estimates.change",
    "compare": "claims.comparison",
    "contrasts": "estimates.contrasts",
    "decompose": "estimates.decomposition",
    "e_value": "estimates.confounding",
    "e_values": "estimates.confounding",
    "equivalence": "estimates.change",
    "family_of_tests": "estimates.contrasts",
    "fit": "likelihood.fit",
    "fragility": "claims.fragility",
    "hosmer_lemeshow": "diagnostics.goodness_of_fit",
    "impute": "imputation.impute",
    "likelihood_ratio": "diagnostics.hypothesis_tests",
    "lipsitz": "diagnostics.goodness_of_fit",
    "loo": "bayes.leave_one_out",
    "loo_items": "bayes.leave_one_out",
    "mean": "estimates.raw",
    "mean_score": "estimates.quantities",
    "nominal_test": "diagnostics.proportional_odds",
    "pearson": "diagnostics.residuals",
    "po_size": "diagnostics.proportional_odds",
    "pool": "imputation.pool",
    "posterior_predictive": "diagnostics.predictive_checks",
    "posterior_predictive_items": "diagnostics.predictive_checks",
    "poststratify": "survey.calibration",
    "power_scaling": "diagnostics.prior_sensitivity",
    "precision": "disclosure.presentation_rules",
    "predict": "estimates.quantities",
    "prior_predictive": "estimates.adjusted",
    "pulkstenis_robinson": "diagnostics.residuals",
    "rake": "survey.calibration",
    "randomised_pit": "diagnostics.residuals",
    "raw": "estimates.raw",
    "read_article": "claims.article",
    "read_counts": "survey.databases.counts",
    "read_margins": "identification.joint_table",
    "read_survey": "survey.read",
    "read_weighting_margins": "survey.population_margins",
    "replicates": "likelihood.replicates",
    "run_many": "parallel",
    "run_study": "study.run",
    "sample": "bayes.sample",
    "sample_joint": "bayes.joint_sample",
    "scale_test": "diagnostics.proportional_odds",
    "slopes": "estimates.quantities",
    "stacking": "bayes.leave_one_out",
    "superiority": "estimates.quantities",
    "surrogate_residuals": "diagnostics.residuals",
    "total": "estimates.raw",
    "trim": "survey.calibration",
    "wald_test": "diagnostics.hypothesis_tests",
    "weights_matter": "diagnostics.specification",
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
