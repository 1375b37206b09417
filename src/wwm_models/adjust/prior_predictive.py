"""What a prior says in percentages, before any answer is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from wwm_models.adjust.adjusted import adjusted
from wwm_models.adjust.table import Collapses
from wwm_models.arguments import confidence_level
from wwm_models.engines.bayes.health import health_table
from wwm_models.engines.bayes.prior_draws import prior_draws
from wwm_models.engines.bayes.sample import Problem, posterior_problem
from wwm_models.engines.likelihood import check_arguments
from wwm_models.families import Model
from wwm_models.records import Estimates, Posterior, Survey


def prior_predictive(
    model: Model,
    survey: Survey,
    by: str | Sequence[str] | None = None,
    *,
    seed: int = 1,
    draws: int = 1000,
    priors: Mapping[str, Any] | None = None,
    collapses: Collapses | None = None,
    level: float = 0.95,
) -> Estimates:
    """Adjusted probabilities under the prior alone: what the model expects of every answer in every group.

    Parameters
    ----------
    model : Model
    survey : Survey
        Its predictors are used, and which answers have respondents; how many gave them is not.
    by : str, sequence of str or None
    seed, draws : int
    priors : mapping, optional
        As for `sample`.
    collapses : mapping of name to answers, optional
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        In 0..1, with draws; method "prior".

    Raises
    ------
    FitError
        If a prior is flat, or its truncated region is hardly ever met.

    References
    ----------
    Gabry, J., Simpson, D., Vehtari, A., Betancourt, M. and Gelman, A. (2019). Visualization in Bayesian workflow. JRSS A 182,
    389-402. doi:10.1111/rssa.12378

    Examples
    --------
    >>> import pandas as pd
    >>> answers = pd.Categorical(["no", "maybe", "yes"], ["no", "maybe", "yes"], ordered=True)
    >>> survey = Survey.from_frame(pd.DataFrame({"y": answers}), weight=None)
    >>> prior_predictive(Model("y ~ 1"), survey).table["estimate"].round(1).tolist()
    [0.3, 0.3, 0.3]
    """
    confidence_level(level)
    check_arguments("prior_predictive", model, survey)
    problem = posterior_problem(model, survey, priors=priors)
    return adjusted(
        prior_record(problem, seed=seed, draws=draws), by, level=level, covariates="fixed", collapses=collapses
    )


def prior_record(problem: Problem, *, seed: int, draws: int) -> Posterior:
    """Draws from the prior in the record of a posterior, so that everything made from draws can be made from them."""
    prior, design = problem.target.prior, problem.design
    theta = prior_draws(prior, design, draws, np.random.default_rng(seed))
    record = Posterior(
        model=problem.model, family=prior.family, link=prior.link, survey=problem.survey, cells=problem.cells, design=design,
        draws=theta, uncorrected=theta, chains=1, method="prior", vcov_kind="model", health=health_table(theta, 1, design.names),
        divergences=0, status="ok", message="", n=problem.cells.n, n_effective=problem.n_effective, priors=prior.texts, prior=prior,
    )  # fmt: skip
    return replace(record, settings=MappingProxyType({"seed": seed}))
