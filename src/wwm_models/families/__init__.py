"""Response models, one file per kind, the registry, and the declared model.

A family maps K - 1 linear predictors to the log probabilities of K answers, with derivatives. What is true of a family
(partners, identities, defined links) is a field of its record; no code elsewhere asks which family it has.
"""

from wwm_models.families.model import Model
from wwm_models.families.record import Family
from wwm_models.families.registry import FAMILIES

__all__ = ["FAMILIES", "Family", "Model"]
