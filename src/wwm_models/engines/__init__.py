"""From cells and a design to a fit: maximum (pseudo-)likelihood, its covariances, and separation.

Written once over (family, design array, counts); nothing here asks which family it has.
"""

from wwm_models.engines.bayes import JointPriors, loo, loo_items, sample, sample_joint, stacking
from wwm_models.engines.likelihood import fit
from wwm_models.engines.replicates import replicates

__all__ = ["JointPriors", "fit", "loo", "loo_items", "replicates", "sample", "sample_joint", "stacking"]
