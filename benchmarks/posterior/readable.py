"""The benchmark's PyMC model: what `to_pymc()` writes down, made without drawing first."""

from __future__ import annotations

from typing import Any

import pandas as pd

import wwm_models as wwm
from wwm_models.bayes.readable import pymc_model
from wwm_models.bayes.sample import posterior_problem
from wwm_models.estimates.adjusted import prior_record


def readable(formula: str, frame: pd.DataFrame) -> Any:
    """The ``pm.Model`` of a formula on unweighted rows."""
    survey = wwm.Survey.from_frame(frame, weight=None)
    return pymc_model(prior_record(posterior_problem(wwm.Model(formula), survey), seed=1, draws=10))
