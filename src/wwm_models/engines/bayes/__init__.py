"""The posterior of the likelihood engine's models: priors, coordinates, NUTS, health, correction for weights, storage.

The log density is that of the cells plus priors, written with the families' own functions; nothing is compiled. nutpie's
sampler is a compiled library that is loaded alone; pymc and arviz are imported only by what makes their objects.
"""

from wwm_models.engines.bayes.joint.density import JointPriors
from wwm_models.engines.bayes.joint.loo import loo_items
from wwm_models.engines.bayes.joint.sample import sample_joint
from wwm_models.engines.bayes.loo import loo, stacking
from wwm_models.engines.bayes.sample import sample

__all__ = ["JointPriors", "loo", "loo_items", "sample", "sample_joint", "stacking"]
