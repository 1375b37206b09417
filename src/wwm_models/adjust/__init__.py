"""Adjusted probabilities (standardised over a target population), raw percentages, and what is made of either.

All of them are `Estimates`: a tidy table with the joint covariance, each respondent's influence, replicates or draws.
"""

from wwm_models.adjust.adjusted import adjusted
from wwm_models.adjust.compared.answers import answer_ratio, mean_score, superiority
from wwm_models.adjust.compared.change import change, change_between
from wwm_models.adjust.compared.contrasts import contrasts
from wwm_models.adjust.compared.equivalence import equivalence
from wwm_models.adjust.compared.families import family_of_tests
from wwm_models.adjust.items import adjusted_items
from wwm_models.adjust.prior_predictive import prior_predictive
from wwm_models.adjust.raw import raw
from wwm_models.adjust.slopes import predict, slopes
from wwm_models.adjust.totals import mean, total
from wwm_models.adjust.why.confounding import bias_factor, e_value, e_values
from wwm_models.adjust.why.decompose import decompose

__all__ = [
    "adjusted",
    "adjusted_items",
    "answer_ratio",
    "bias_factor",
    "change",
    "change_between",
    "contrasts",
    "decompose",
    "e_value",
    "e_values",
    "equivalence",
    "family_of_tests",
    "mean",
    "mean_score",
    "predict",
    "prior_predictive",
    "raw",
    "slopes",
    "superiority",
    "total",
]
