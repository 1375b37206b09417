"""Cells, the design array and a fitted model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.records.estimates import Influence
from wwm_models.records.linear import Blocks, Dense
from wwm_models.records.survey import Survey
from wwm_models.records.tally import Tally, summed_squares

Array = NDArray[np.float64]
Linear = Blocks | Dense
Columns = pd.DataFrame | Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Cells:
    """Respondents of one model, collapsed to unique predictor combinations.

    Attributes
    ----------
    outcome : str
    categories : tuple of str
        All declared answers in order, K of them.
    columns : mapping of predictor to (P,) array or Categorical
        The predictors of every pattern, a unique combination of them.
    weights : (P, K) array
        Sum of weights; sampling weights are scaled to a mean of one over the rows used.
    counts : (P, K) array
        Unweighted respondents (with frequency weights: their sum).
    row_pattern : (n,) int array
        Pattern of each row of the survey; -1 for rows not used.
    row_category : (n,) int array
        Answer of each row; -1 for rows not used.
    row_weight : (n,) array
        Scaled weight; 0 for rows not used.
    excluded : mapping of reason to number of rows
    tally : Tally or None
        Respondents behind each row of the survey, where rows are not respondents.
    """

    outcome: str
    categories: tuple[str, ...]
    columns: Mapping[str, Any]
    weights: Array
    counts: Array
    row_pattern: NDArray[np.intp]
    row_category: NDArray[np.intp]
    row_weight: Array
    excluded: Mapping[str, int]
    tally: Tally | None = None

    @property
    def row_square(self) -> Array:
        """(n,) sum of the squared scaled weights of the respondents in each row."""
        return summed_squares(self.row_weight, self.tally)

    @cached_property
    def patterns(self) -> pd.DataFrame:
        """The columns as a frame of P rows."""
        return pd.DataFrame(dict(self.columns), index=range(len(self.weights)))

    @property
    def n(self) -> int:
        """Unweighted number of respondents used."""
        return round(float(self.counts.sum()))


class Tabulated(Protocol):
    """What groups and target populations are made from: a model with its cells, fitted or sampled."""

    @property
    def model(self) -> Any:
        """``families.Model``."""
        ...

    @property
    def survey(self) -> Survey:
        """Whose respondents the cells count."""
        ...

    @property
    def cells(self) -> Cells:
        """Patterns and weights."""
        ...


@dataclass(frozen=True, eq=False)
class Design:
    """Predictors of every pattern: ``eta = (array @ theta) * exp(-scale @ zeta)``; without a scale part ``array @ theta``.

    Attributes
    ----------
    linear : Linear
        The map from theta (p,) to (P, J) predictors; J = fitted answers minus one.
    names : tuple of str, p + q long
        Those of theta, then those of zeta.
    is_cut : (p + q,) bool array
        Cut points and intercepts, as against slopes.
    terms : tuple of str, p + q long
        Formula term of each parameter; "" for cut points.
    order : (J + 1,) int array
        Positions in ``Cells.categories`` of the answers with respondents, in the order the family reads them.
    build : function of columns of predictors -> Linear
        The same map for other rows: a frame, or a mapping of names to columns.
    dropped : tuple of str
        Redundant columns left out on request.
    scale : (P, q) array or None
        Columns of the log standard deviation.
    build_scale : function of a frame -> (rows, q) array, or None
    monotone : tuple of tuples of str
        For each monotonic term the names of its increments, which must not differ in sign.
    pooled : tuple of str
        Increments fixed at zero.
    without : function of names of increments -> Design, or None
        The same design with these fixed at zero.
    """

    linear: Linear
    names: tuple[str, ...]
    is_cut: NDArray[np.bool_]
    terms: tuple[str, ...]
    order: NDArray[np.intp]
    build: Callable[[Columns], Linear]
    dropped: tuple[str, ...] = ()
    scale: Array | None = None
    build_scale: Callable[[Columns], Array] | None = None
    monotone: tuple[tuple[str, ...], ...] = ()
    pooled: tuple[str, ...] = ()
    without: Callable[[tuple[str, ...]], Design] | None = None

    @property
    def array(self) -> Array:
        """The whole (P, J, p) array of the linear map."""
        return self.linear.array


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Attributes
    ----------
    model, family, link
        What was fitted: ``families.Model``, ``families.Family``, ``numerics.links.Link``.
    survey, cells, design : records
    theta : (p + q,) array
        Estimates in the order of ``design.names``.
    bread : (p + q, p + q) array
        Inverse of the information.
    vcov : DataFrame (q, q)
        Covariance of the reported parameters, of kind `vcov_kind`.
    params : Series, q long
        Reported parameters; a cut point beside an answer without respondents repeats its neighbour or is infinite.
    loglik : float
        Log-likelihood (pseudo log-likelihood on weights with mean one for sampling weights).
    n, n_effective : respondents, and Kish's effective number of them
    design_df : float
        Degrees of freedom of the design; infinite where there is none.
    converged : bool
    status : str
        "ok", or what is wrong.
    message : str
        What is wrong, in a sentence; empty when nothing is.
    warnings : tuple of str
    replicate_theta : (R, p + q) array or None
        Estimates under every replicate weight of the survey.
    penalty : str
        "" or "jeffreys": then the estimates are penalised, and every table says so.
    render : function of a Fit
        Writes ``summary()``.
    influence : function of a Fit
        Gives ``theta_influence``.
    """

    model: Any
    family: Any
    link: Any
    survey: Survey
    cells: Cells
    design: Design
    theta: Array
    bread: Array
    theta_vcov: Array
    params: pd.Series
    vcov: pd.DataFrame
    vcov_kind: str
    loglik: float
    n: int
    n_effective: float
    design_df: float
    converged: bool
    status: str
    message: str
    iterations: int
    gradient_norm: float
    condition_number: float
    warnings: tuple[str, ...] = ()
    replicate_theta: Array | None = None
    penalty: str = ""
    render: Callable[[Fit], str] = repr
    influence: Callable[[Fit], Influence] | None = None

    def __repr__(self) -> str:
        """What was fitted, in two lines; the coefficients are in ``summary()``."""
        kind = f"{self.model.family}, {self.model.link}{f', {self.penalty} penalty' if self.penalty else ''}"
        state = self.status if self.status == "ok" else f"{self.status}: {self.message}"
        return (
            f"Fit of {self.model.formula} ({kind}): {state}\n"
            f"{self.n:,} respondents, {len(self.theta)} parameters, log-likelihood {self.loglik:.2f}, {self.vcov_kind} covariance; see .summary()"
        )

    def summary(self) -> str:
        """The fit as text: model, coefficients, design, what was excluded."""
        return self.render(self)

    @cached_property
    def theta_influence(self) -> Influence:
        """What each respondent contributes to theta, under the design its covariance used."""
        assert self.influence is not None
        return self.influence(self)

    @property
    def std_errors(self) -> pd.Series:
        """Standard errors of `params`; missing for an infinite parameter."""
        return pd.Series(np.sqrt(np.diag(self.vcov.to_numpy())), index=self.params.index, name="std_error")
