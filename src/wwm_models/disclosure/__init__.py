"""What may not be published, and what has to go with it."""

from wwm_models.public import lazy

__getattr__, __dir__ = lazy(__name__)
