"""What the printed numbers alone allow, by linear programming."""

from wwm_models.public import lazy

__getattr__, __dir__ = lazy(__name__)
