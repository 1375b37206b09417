"""Ordinal and multinomial regression for survey articles: adjusted probabilities beside raw and published percentages."""

from wwm_models.adjust import adjusted, contrasts, predict, raw, slopes
from wwm_models.engines import fit
from wwm_models.families import Model
from wwm_models.records import Estimates, Fit, Survey

__all__ = ["Estimates", "Fit", "Model", "Survey", "adjusted", "contrasts", "fit", "predict", "raw", "slopes"]
