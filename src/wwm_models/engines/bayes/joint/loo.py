"""Leave-one-person-out accuracy of the joint model: a respondent is left out with all his answers, his own effect integrated out.

    log p(y_i | theta) = log integral prod_j p(y_ij | theta, u) phi(u) du

is what the density computes by quadrature. Given the items' parameters respondents are independent, so the laws of `engines.bayes.loo`
hold with this as the density of one observation; the conditional density given his effect would reward an effect that his own answers
have estimated (Merkle, Furr and Rabe-Hesketh 2019). The sum is of all answers of a respondent: it is not comparable to models of one item.

References
----------
Merkle, E. C., Furr, D. and Rabe-Hesketh, S. (2019). Bayesian comparison of latent variable models: conditional versus marginal
likelihoods. Psychometrika 84, 802-829. doi:10.1007/s11336-019-09679-0
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.loo import Pointwise, check_unit, efficiency, left_out
from wwm_models.errors import FitError
from wwm_models.records import ItemParameters, JointPosterior, Loo

Array = NDArray[np.float64]
DRAWS = 1000  # a Pareto k of 0.67 is then trusted, and a quadrature per draw takes a second in all


def loo_items(post: JointPosterior, *, unit: str = "respondent", draws: int = DRAWS) -> Loo:
    """Expected log predictive density of respondents' answers to all items, by leaving out one at a time.

    Parameters
    ----------
    post : JointPosterior
    unit : {"respondent", "psu"}
        What is left out at a time; "psu": first-stage sampling units.
    draws : int
        Draws that are used, evenly spaced within chains; at most all, at least 100.

    Returns
    -------
    Loo
        Look at ``untrusted``: respondents whose Pareto k is above ``limit``.

    Raises
    ------
    FitError
        If the unit is not known, the survey has no sampling units, or the draws are too few.
    """
    check_unit(unit, post.survey)
    if draws < 100:
        raise FitError(f"wwm.loo_items was given draws={draws}; expected 100 or more. Leave it out for {DRAWS}.")
    chosen = evenly_spaced(post, draws)
    rows = np.flatnonzero(post.rows.row >= 0)
    by_chain = post.unconstrained[chosen].reshape(post.chains, -1, post.unconstrained.shape[1])
    known = Pointwise(
        post.survey, ", ".join(post.rows.items), log_likelihood_of_rows(post, chosen), rows, post.rows.row[rows], post.rows.row_weight[rows],
        post.rows.n_effective, efficiency(by_chain),
    )  # fmt: skip
    return left_out(known, unit)


def evenly_spaced(post: JointPosterior, draws: int) -> NDArray[np.intp]:
    """Positions of at most so many draws, as many of every chain."""
    length = len(post.unconstrained) // post.chains
    within = np.linspace(0, length - 1, min(-(-draws // post.chains), length)).astype(np.intp)
    return (np.arange(post.chains)[:, None] * length + within).ravel()


def log_likelihood_of_rows(post: JointPosterior, chosen: NDArray[np.intp]) -> Array:
    """(s, R) log density of the answers of every unique row at each of these draws."""
    likelihood, drawn = post.density.likelihood, post.draws
    return np.array(
        [likelihood.by_row(ItemParameters(drawn.cuts[s], drawn.slopes[s], drawn.loadings[s])) for s in chosen]
    )
