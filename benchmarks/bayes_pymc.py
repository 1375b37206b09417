"""The benchmark's PyMC model: what `to_pymc()` writes down, made without drawing first."""

from __future__ import annotations

from typing import Any

import wwm_models as wwm
from wwm_models.adjust.prior_predictive import prior_record
from wwm_models.engines.bayes.pymc_model import pymc_model
from wwm_models.engines.bayes.sample import posterior_problem


def readable(model: wwm.Model, survey: wwm.Survey) -> Any:
    """The ``pm.Model`` of a model on a survey."""
    return pymc_model(prior_record(posterior_problem(model, survey), seed=1, draws=10))
