"""Completed surveys from chained ordinal and multinomial models, and Rubin's rules."""

from wwm_models.public import lazy

__getattr__, __dir__ = lazy(__name__)
