"""Is the model right? Tests of its assumptions and of its fit, residuals, and how much a violated assumption matters.

Every function takes a fit and gives a record or an array; none changes the fit. Where respondents are weighted or sampled in
strata or units the likelihood is a pseudo-likelihood: tests that need a likelihood are refused with the reason or replaced by
a design-based version, and the note of the result says which. Convergence and separation are the engine's own business.
"""

from wwm_models.checks.brant import brant
from wwm_models.checks.hosmer_lemeshow import hosmer_lemeshow
from wwm_models.checks.lipsitz import lipsitz
from wwm_models.checks.patterns import pearson, pulkstenis_robinson
from wwm_models.checks.power_scaling import power_scaling
from wwm_models.checks.predictive import posterior_predictive
from wwm_models.checks.predictive_items import posterior_predictive_items
from wwm_models.checks.ratio import likelihood_ratio
from wwm_models.checks.relaxed import nominal_test
from wwm_models.checks.residuals import randomised_pit, surrogate_residuals
from wwm_models.checks.size import po_size
from wwm_models.checks.spread import scale_test
from wwm_models.checks.wald import wald_test
from wwm_models.checks.weights import weights_matter

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
