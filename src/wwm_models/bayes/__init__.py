"""Posteriors of one outcome and of several together: priors, density, chains, correction for the design, leave-one-out, export."""

from wwm_models.public import lazy

__getattr__, __dir__ = lazy(__name__)
