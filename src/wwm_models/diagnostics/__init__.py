"""Tests of assumptions and fit: proportional odds, goodness of fit, residuals, specification, posterior predictive checks."""

from wwm_models.public import lazy

__getattr__, __dir__ = lazy(__name__)
