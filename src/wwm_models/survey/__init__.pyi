# What this folder offers; read by wwm_models/public.py.
from wwm_models.likelihood.replicates import replicates as replicates
from wwm_models.survey.calibration import calibrate as calibrate
from wwm_models.survey.calibration import poststratify as poststratify
from wwm_models.survey.calibration import rake as rake
from wwm_models.survey.calibration import trim as trim
from wwm_models.survey.population_margins import read_weighting_margins as read_weighting_margins

__all__ = [
    "calibrate",
    "poststratify",
    "rake",
    "read_weighting_margins",
    "replicates",
    "trim",
]
