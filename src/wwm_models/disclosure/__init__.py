"""Disclosure control: what is left out of everything a run writes, so that no small group can be computed from the rest.

``published`` (all raw percentages of a question as sums over cells), ``attack`` (how far the rest pins a suppressed one down), ``suppress``
(which are left out), ``told`` and ``determined`` (which models would give them away), ``precision`` (which are too imprecise to lean on),
``tables`` (leaving out, and marking what a model says in their place) and ``differencing`` (two runs against each other). Reading data and
fitting are elsewhere; nothing here changes an estimate.
"""

from wwm_models.disclosure.determined import Equations, Refused, equations_of, refused
from wwm_models.disclosure.differencing import differencing, models_together
from wwm_models.disclosure.precision import PRECISION_COLUMNS, precision
from wwm_models.disclosure.tables import Withheld, reproducing, withhold, without_withheld
from wwm_models.disclosure.told import ModelOf, told_by_equations

__all__ = [
    "PRECISION_COLUMNS", "Equations", "ModelOf", "Refused", "Withheld", "differencing", "equations_of", "models_together", "precision", "refused",
    "reproducing", "told_by_equations", "withhold", "without_withheld",
]  # fmt: skip
