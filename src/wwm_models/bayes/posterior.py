"""A sampled posterior: draws that are reported, draws as they came, and whether they can be trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import pandas as pd

from wwm_models.likelihood.fit import Fit
from wwm_models.models.cells import Cells
from wwm_models.models.design import Design, Tabulated
from wwm_models.numerics.arrays import Array
from wwm_models.survey.survey import Survey


def origin_of_draws(draws: Array) -> str:
    """The mark of an array of draws."""
    return f"posterior:{hashlib.sha256(draws.tobytes()).hexdigest()[:16]}"


class Drawn(Tabulated, Protocol):
    """A model with cells of which there are draws."""

    @property
    def draws(self) -> Array:
        """(s, ...) array."""
        ...


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws from the posterior of a model.

    Attributes
    ----------
    model, family, link
        What was sampled: ``models.model.Model``, ``models.family.Family``, ``numerics.links.Link``.
    survey, cells, design : records
        As in `Fit`.
    draws : (s, p) array
        Draws of theta that are reported, in the order of ``design.names``, chain after chain; for a survey with sampling
        weights or a design they are rotated to the design-based covariance.
    uncorrected : (s, p) array
        The draws as they were sampled.
    chains : int
        ``s / chains`` draws each.
    method : {"bayes", "bayes (design-corrected)", "bayes (uncorrected)", "prior"}
        The word of the ``method`` column.
    vcov_kind : {"model", "robust", "design", "replicates"}
        Of the covariance to which the draws were rotated; "model" where they were not.
    health : DataFrame
        Columns ``quantity, mean, sd, rhat, ess_bulk, ess_tail, mcse, status``; one row for every parameter.
    divergences : int
        Transitions after warmup that left the posterior; 0 in a usable one.
    status : str
        "ok" or "unhealthy".
    message : str
        What is wrong, in a sentence; empty when nothing is.
    n, n_effective : respondents, and Kish's effective number of them
        Unweighted, and by the sum and the sum of squares of the weights.
    priors : mapping of name to text
        As they were used.
    prior : record of ``bayes.priors``
        The density that was used, for checks and export.
    hyper : mapping of name to (s, ...) array
        Draws of what the prior adds to theta.
    sample_stats : mapping of name to (chains, s / chains) array
        What the sampler said of each transition: energy, step size, depth, divergence.
    settings : mapping
        Seed, warm-up, target acceptance, seconds.
    build_idata, build_pymc : functions of a Posterior
        Make what ArviZ reads, and the ``pm.Model``.
    """

    model: Any
    family: Any
    link: Any
    survey: Survey
    cells: Cells
    design: Design
    draws: Array
    uncorrected: Array
    chains: int
    method: str
    vcov_kind: str
    health: pd.DataFrame
    divergences: int
    status: str
    message: str
    n: int
    n_effective: float
    priors: Mapping[str, str]
    prior: Any
    hyper: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))
    sample_stats: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    build_idata: Callable[[Posterior], Any] = repr
    build_pymc: Callable[[Posterior], Any] = repr

    def __repr__(self) -> str:
        """What was sampled, in two lines; the chains are judged in `health`."""
        state = self.status if self.healthy else f"{self.status}: {self.message}"
        count, size = self.draws.shape
        return (
            f"Posterior of {self.model.formula} ({self.model.family}, {self.model.link}): {state}\n"
            f"{self.n:,} respondents, {count:,} draws of {size} parameters in {self.chains} chains, {self.method}; see .health"
        )

    @property
    def design_df(self) -> float:
        """Infinite: limits are quantiles of draws, not multiples of a standard error."""
        return float("inf")

    @property
    def origin(self) -> str:
        """A mark of these draws: numbers made from the same draws belong together row by row."""
        return origin_of_draws(self.draws)

    @property
    def healthy(self) -> bool:
        """Whether every check of the chains is met."""
        return self.status == "ok"

    @property
    def idata(self) -> Any:
        """ArviZ's InferenceData, or DataTree from ArviZ 1 on, with all groups that it knows; `bayes.export` says which."""
        return self.build_idata(self)

    def to_pymc(self) -> Any:
        """The same model, with the same density, as a readable ``pm.Model``."""
        return self.build_pymc(self)


Fitted = Fit | Posterior  # what adjusted numbers are made from
