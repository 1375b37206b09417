"""Weights made to agree with what is known of the population: raking, post-stratification, linear calibration, trimming.

``margins`` reads and codes population counts, ``raking`` fits them (iteratively, or within bounds), ``linear`` calibrates
to totals, ``conflict`` says why margins cannot be met, ``calibrated`` puts new weights into a survey, whose variances
then use residuals. Either the margins are met or nothing is returned.
"""

from wwm_models.survey.calibration.linear import calibrate
from wwm_models.survey.calibration.margins import read_weighting_margins
from wwm_models.survey.calibration.raking import poststratify, rake
from wwm_models.survey.calibration.trimming import trim

__all__ = ["calibrate", "poststratify", "rake", "read_weighting_margins", "trim"]
