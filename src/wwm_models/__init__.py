"""Ordinal and multinomial regression for survey articles: adjusted probabilities beside raw and published percentages.

Names are imported when first used, so that the command line answers before numpy has loaded. ``__init__.pyi`` lists them: the verbs
of the work here, tests of assumptions in `diagnostics`, weighting in `survey`, and more in the other folders that it names.
"""

from wwm_models.public import lazy

__getattr__, __dir__ = lazy(__name__)
