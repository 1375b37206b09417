"""Adjusted probabilities (standardised over a target population), raw percentages, and contrasts of either.

All of them are `Estimates`: a tidy table with the joint covariance and each respondent's influence.
"""

from wwm_models.adjust.adjusted import adjusted, predict, slopes
from wwm_models.adjust.contrasts import contrasts
from wwm_models.adjust.raw import raw

__all__ = ["adjusted", "contrasts", "predict", "raw", "slopes"]
