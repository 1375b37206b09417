# What this folder offers; read by wwm_models/public.py.
from wwm_models.estimates.adjusted import adjusted_items as adjusted_items
from wwm_models.estimates.adjusted import prior_predictive as prior_predictive
from wwm_models.estimates.change import change_between as change_between
from wwm_models.estimates.confounding import e_value as e_value
from wwm_models.estimates.confounding import e_values as e_values
from wwm_models.estimates.contrasts import family_of_tests as family_of_tests
from wwm_models.estimates.quantities import answer_ratio as answer_ratio

__all__ = [
    "adjusted_items",
    "answer_ratio",
    "change_between",
    "e_value",
    "e_values",
    "family_of_tests",
    "prior_predictive",
]
