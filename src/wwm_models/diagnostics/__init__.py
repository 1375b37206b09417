"""Tests of assumptions and fit: proportional odds, goodness of fit, residuals, specification, posterior predictive checks."""
