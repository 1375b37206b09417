"""Frozen records that cross a folder border: their shapes, constructors and rendering.

No statistics here. A function of a stage takes records and returns records; nothing changes its input.
"""

from wwm_models.records.estimand import Estimand
from wwm_models.records.estimates import ESTIMATE_COLUMNS, Estimates, Influence
from wwm_models.records.fit import Cells, Columns, Design, Fit, Linear
from wwm_models.records.imputations import Imputations
from wwm_models.records.linear import Blocks, Dense
from wwm_models.records.posterior import Posterior
from wwm_models.records.results import Results
from wwm_models.records.sampling import Calibration, Replicates, SamplingDesign
from wwm_models.records.survey import Collapse, Level, Survey, Variable

Fitted = Fit | Posterior  # what adjusted numbers are made from

__all__ = [
    "ESTIMATE_COLUMNS",
    "Blocks",
    "Calibration",
    "Cells",
    "Collapse",
    "Columns",
    "Dense",
    "Design",
    "Estimand",
    "Estimates",
    "Fit",
    "Fitted",
    "Imputations",
    "Influence",
    "Level",
    "Linear",
    "Posterior",
    "Replicates",
    "Results",
    "SamplingDesign",
    "Survey",
    "Variable",
]
