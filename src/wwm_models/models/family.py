"""What a response model is to the rest of the program: a record of functions and of facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wwm_models.numerics.arrays import Array
from wwm_models.numerics.links import Link


@dataclass(frozen=True)
class Family:
    """A model for K answers given K - 1 linear predictors eta.

    The predictors are linear in the parameters: ``eta_k = cut_sign * cut_k + slope_sign * x b`` with flexible cut points
    and parallel slopes.

    Attributes
    ----------
    name : str
    formula : str
        As printed in summaries, documentation and errors.
    links : tuple of str
        Names of the links for which the family is defined.
    cut_sign, slope_sign : {-1.0, 1.0}
    parallel : bool
        Whether slopes are shared by all predictors unless declared otherwise.
    ordered_answers : bool
        Whether the order of the answers means something to this family.
    ordered_cuts : bool
        Whether eta must increase with k for the probabilities to be positive.
    reverse_partner : str
        Family that, with the link's reflection, fits equally well when the answers are read backwards; "" for none.
    slopes_per_step : bool
        Whether a slope acts at every step between answers, so that its effect on the extremes grows with their number.
    reproduces_shares : bool
        Whether a maximum of the likelihood predicts exactly the observed share of every answer.
    log_probabilities : (eta (P, K-1), link) -> (P, K)
    scores : (eta, link, log probabilities) -> (P, K, K-1)
        Derivatives of log p_k with respect to eta.
    with_slopes : (eta, link, counts (P, K)) -> (P, K), (P, K-1)
        Log probabilities, and the derivative of ``sum_k counts_k log p_k`` with respect to eta; answers without counts do not enter.
    expansion : (eta, link, counts (P, K)) -> (P, K), (P, K-1), (P, K-1, K-1)
        Log probabilities, then the first and minus the second derivative of ``sum_k counts_k log p_k`` with respect to eta;
        a cell without counts contributes nothing, whatever its probability.
    recession : (K) -> tuple of K arrays (rows_k, K-1)
        Directions d of eta with ``recession[k] @ d >= 0`` are those along which log p_k never falls; they decide separation.
    start : (shares (K,), link) -> (K-1,)
        eta that gives these shares.
    shares_jacobian : (eta, link) -> (P,) and (P, K-1)
        log |det d(p_1 .. p_{K-1}) / d eta| and its derivative: the density of eta is that of the shares times this.
    differences : (eta (P, K-1), link) -> (P, K); or None
        Probabilities without their logarithms, as differences of F; negative where predictors do not increase.
    cells : (upper (b,), lower (n - a,), a, link) -> (n,), (b,), (n - a,); or None
        Of n answers, the first a without a predictor below and the last n - b without one above: log p, f(upper) / p and
        f(lower) / p, in the quickest way: log p need not be finite far out. Only where p is the probability between two
        neighbouring predictors.
    """

    name: str
    formula: str
    links: tuple[str, ...]
    cut_sign: float
    slope_sign: float
    parallel: bool
    ordered_answers: bool
    ordered_cuts: bool
    reverse_partner: str
    reproduces_shares: bool
    log_probabilities: Callable[[Array, Link], Array]
    scores: Callable[[Array, Link, Array], Array]
    with_slopes: Callable[[Array, Link, Array], tuple[Array, Array]]
    expansion: Callable[[Array, Link, Array], tuple[Array, Array, Array]]
    recession: Callable[[int], tuple[Array, ...]]
    start: Callable[[Array, Link], Array]
    shares_jacobian: Callable[[Array, Link], tuple[Array, Array]]
    slopes_per_step: bool = False
    differences: Callable[[Array, Link], Array] | None = None
    cells: Callable[[Array, Array, int, Link], tuple[Array, Array, Array]] | None = None

    def probabilities(self, eta: Array, link: Link) -> Array:
        """(P, K) probabilities to within 1e-15, for averages of many; not positive where predictors that must increase do not."""
        return np.exp(self.log_probabilities(eta, link)) if self.differences is None else self.differences(eta, link)

    cut_names: Literal["between", "intercepts"] = "between"
