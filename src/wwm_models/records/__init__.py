"""Frozen records that cross a folder border: their shapes, constructors and rendering.

No statistics here. A function of a stage takes records and returns records; nothing changes its input.
"""

from wwm_models.records.estimand import Estimand
from wwm_models.records.estimates import Estimates, Influence
from wwm_models.records.fit import Cells, Columns, Design, Fit, Linear, Tabulated
from wwm_models.records.imputations import Imputations
from wwm_models.records.joint import ItemParameters, ItemRows, JointPosterior
from wwm_models.records.linear import Blocks, Dense
from wwm_models.records.loo import Loo
from wwm_models.records.naming import ESTIMATE_COLUMNS
from wwm_models.records.posterior import Drawn, Posterior
from wwm_models.records.results import Results
from wwm_models.records.sampling import Calibration, Replicates, SamplingDesign
from wwm_models.records.survey import Collapse, Level, Survey, Variable
from wwm_models.records.tally import Tally, summed_squares

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
    "Drawn",
    "Estimand",
    "Estimates",
    "Fit",
    "Fitted",
    "Imputations",
    "Influence",
    "ItemParameters",
    "ItemRows",
    "JointPosterior",
    "Level",
    "Linear",
    "Loo",
    "Posterior",
    "Replicates",
    "Results",
    "SamplingDesign",
    "Survey",
    "Tabulated",
    "Tally",
    "Variable",
    "summed_squares",
]
