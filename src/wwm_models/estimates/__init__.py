"""Raw and adjusted numbers, whom they are averaged over, and what is made of them: contrasts, changes, decompositions, sensitivity."""

from wwm_models.public import lazy

__getattr__, __dir__ = lazy(__name__)
