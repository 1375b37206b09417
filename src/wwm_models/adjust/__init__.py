"""Adjusted probabilities (standardised over a target population), raw percentages, and contrasts of either.

All of them are `Estimates`: a tidy table with the joint covariance and each respondent's influence.
"""

from wwm_models.adjust.adjusted import adjusted
from wwm_models.adjust.contrasts import contrasts
from wwm_models.adjust.raw import raw
from wwm_models.adjust.slopes import predict, slopes
from wwm_models.adjust.totals import mean, total

__all__ = ["adjusted", "contrasts", "mean", "predict", "raw", "slopes", "total"]
