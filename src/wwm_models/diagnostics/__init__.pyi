# What this folder offers; read by wwm_models/public.py.
from wwm_models.diagnostics.goodness_of_fit import hosmer_lemeshow as hosmer_lemeshow
from wwm_models.diagnostics.goodness_of_fit import lipsitz as lipsitz
from wwm_models.diagnostics.hypothesis_tests import likelihood_ratio as likelihood_ratio
from wwm_models.diagnostics.hypothesis_tests import wald_test as wald_test
from wwm_models.diagnostics.predictive_checks import posterior_predictive as posterior_predictive
from wwm_models.diagnostics.predictive_checks import posterior_predictive_items as posterior_predictive_items
from wwm_models.diagnostics.prior_sensitivity import power_scaling as power_scaling
from wwm_models.diagnostics.proportional_odds import brant as brant
from wwm_models.diagnostics.proportional_odds import nominal_test as nominal_test
from wwm_models.diagnostics.proportional_odds import po_size as po_size
from wwm_models.diagnostics.proportional_odds import scale_test as scale_test
from wwm_models.diagnostics.residuals import pearson as pearson
from wwm_models.diagnostics.residuals import pulkstenis_robinson as pulkstenis_robinson
from wwm_models.diagnostics.residuals import randomised_pit as randomised_pit
from wwm_models.diagnostics.residuals import surrogate_residuals as surrogate_residuals
from wwm_models.diagnostics.specification import weights_matter as weights_matter

__all__ = [
    "brant",
    "hosmer_lemeshow",
    "likelihood_ratio",
    "lipsitz",
    "nominal_test",
    "pearson",
    "po_size",
    "posterior_predictive",
    "posterior_predictive_items",
    "power_scaling",
    "pulkstenis_robinson",
    "randomised_pit",
    "scale_test",
    "surrogate_residuals",
    "wald_test",
    "weights_matter",
]
