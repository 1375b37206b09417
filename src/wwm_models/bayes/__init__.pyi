# What this folder offers; read by wwm_models/public.py.
from wwm_models.bayes.joint_data import JointPosterior as JointPosterior
from wwm_models.bayes.joint_density import JointPriors as JointPriors
from wwm_models.bayes.leave_one_out import Loo as Loo
from wwm_models.bayes.leave_one_out import loo_items as loo_items
from wwm_models.bayes.leave_one_out import stacking as stacking

__all__ = [
    "JointPosterior",
    "JointPriors",
    "Loo",
    "loo_items",
    "stacking",
]
