"""What the printed article alone can say: bounds by linear programming, without microdata.

``margins`` and ``reader`` (the declared table of the two exposures), ``region`` (all tables that agree with the printed numbers), ``quantities``
(what is bounded), ``solve`` (limits and the maximum-entropy point), ``verdicts``, ``narrowing`` (which further number would help), ``conflict``
(why nothing agrees), ``analysis`` (all of it) and ``result`` (its tables). The programs themselves are in ``numerics``.
"""

from wwm_models.article.bounds.analysis import bounds
from wwm_models.article.bounds.margins import Margins
from wwm_models.article.bounds.reader import read_margins
from wwm_models.article.bounds.result import BOUNDS_COLUMNS, BoundsResult

__all__ = ["BOUNDS_COLUMNS", "BoundsResult", "Margins", "bounds", "read_margins"]
