"""One variable of a chain: fit it on the others where it is known, draw the parameters, draw the missing answers.

Proper imputation (Rubin 1987, section 4.3): theta* ~ N(theta, V), then an answer from P(Y | x, theta*) for every missing row.
theta maximises the weighted log-likelihood of the cells plus a normal(0, 2.5) prior on the slopes of standardised columns,
which keeps them finite where answers are separated (Gelman et al. 2008; White et al. 2010 augment the data for that). With H the
information, P the prior's precision and M the covariance of the total score under the survey's design (H itself where the
respondents are not weighted), V = (H + P)^-1 (M + P) (H + P)^-1. Chains fit thousands of models, so the arrays are built here from
codes, not from formulas; likelihood, derivatives and covariances are the engine's own.

References
----------
Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Wiley. doi:10.1002/9780470316696
van Buuren, S. (2007). Multiple imputation of discrete and continuous data by fully conditional specification. Statistical
Methods in Medical Research 16, 219-242. doi:10.1177/0962280206074463
Gelman, A., Jakulin, A., Pittau, M. G. and Su, Y.-S. (2008). A weakly informative default prior distribution for logistic and
other regression models. Annals of Applied Statistics 2, 1360-1383. doi:10.1214/08-AOAS191
White, I. R., Daniel, R. and Royston, P. (2010). Avoiding bias due to perfect prediction in multiple imputation of incomplete
categorical variables. Computational Statistics and Data Analysis 54, 2267-2275. doi:10.1016/j.csda.2010.04.005
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wwm_models.cells.tabulate import unique_rows
from wwm_models.engines.covariance import covariance
from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.engines.predictors import Predictors
from wwm_models.errors import FitError, ImputationError
from wwm_models.families import FAMILIES, Family
from wwm_models.imputation.plan import Codes, Column, Target
from wwm_models.numerics.links import LINKS
from wwm_models.numerics.newton import Expansion, maximise
from wwm_models.records import Dense, Influence, Survey

Array = NDArray[np.float64]
PRIOR_SD: Final = 2.5
_TRIES: Final = 200  # draws of the parameters until no cut points cross
_LINK: Final = LINKS["logit"]


@dataclass(frozen=True, eq=False)
class Conditional:
    """A fitted variable.

    Attributes
    ----------
    family : Family
    order : (J + 1,) int array
        Its levels that somebody has.
    theta : (p,) array
    root : (p, p) array
        Its product with its transpose is the covariance of theta.
    """

    family: Family
    order: Codes
    theta: Array
    root: Array


def fit_target(
    target: Target, columns: Mapping[str, Column], state: Mapping[str, Codes], survey: Survey
) -> Conditional:
    """Fit a variable on its predictors, with the survey's weights and design, on the rows where it was answered.

    Parameters
    ----------
    target : Target
    columns : mapping of name to Column
    state : mapping of name to codes
        Completed so far.
    survey : Survey

    Raises
    ------
    ImputationError
        If the likelihood has no maximum.
    """
    answer = columns[target.name].codes
    used = survey.domain & (answer >= 0) & (survey.weights > 0) & known(target, state)
    order = np.unique(answer[used])
    if len(order) < 2:
        raise ImputationError(
            f'"{target.name}" cannot be completed: {len(order)} different answers in the {survey.respondents(used)} rows whose predictors are known. '
            "Name fewer `predictors`."
        )
    family = FAMILIES[target.family]
    codes = [state[name][used] for name in target.predictors]
    key, unique = unique_rows(codes, [len(columns[name].block) for name in target.predictors], int(used.sum()))
    patterns = design_of(target, columns, unique, len(unique[0]) if unique else 1)
    place = np.searchsorted(order, answer[used])
    weight = survey.weights[used]
    weight = weight * (survey.counts[used].sum() / weight.sum())
    shape = (len(patterns), len(order))
    counts = (
        np.bincount(key * shape[1] + place, weight, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    )
    array = predictor_array(family, patterns, len(order) - 1)
    likelihood = CellLikelihood(family, _LINK, Predictors(Dense(array)), counts)
    precision = np.where(np.arange(array.shape[2]) < len(order) - 1, 0.0, PRIOR_SD**-2)
    theta, information = _mode(likelihood, precision, family, target)
    row_cell, row_weight = np.full(len(survey), -1, dtype=np.intp), np.zeros(len(survey))
    row_cell[used], row_weight[used] = key * shape[1] + place, weight
    middle = _score_covariance(likelihood, theta, row_cell, row_weight, survey, information)
    inverse = np.linalg.inv(information + np.diag(precision))
    return Conditional(family, order, theta, _square_root(inverse @ (middle + np.diag(precision)) @ inverse))


def known(target: Target, state: Mapping[str, Codes]) -> NDArray[np.bool_]:
    """Say in which rows all predictors of a target are known."""
    return np.logical_and.reduce(
        [np.ones(len(target.missing), dtype=bool), *(state[name] >= 0 for name in target.predictors)]
    )


def design_of(target: Target, columns: Mapping[str, Column], codes: list[Codes], rows: int) -> Array:
    """Give (rows, q) the columns of the predictors with these codes."""
    parts = [columns[name].block[code] for name, code in zip(target.predictors, codes, strict=True)]
    return np.hstack([np.zeros((rows, 0)), *parts])


def predictor_array(family: Family, columns: Array, steps: int) -> Array:
    """Give the (rows, J, p) array of cut points, then slopes: shared ones, or one set for each predictor."""
    rows, width = columns.shape
    cuts = np.broadcast_to(family.cut_sign * np.eye(steps), (rows, steps, steps))
    if family.parallel:
        slopes = np.broadcast_to(family.slope_sign * columns[:, None, :], (rows, steps, width))
    else:
        own = family.slope_sign * columns[:, None, :, None] * np.eye(steps)[None, :, None, :]
        slopes = own.reshape(rows, steps, width * steps)
    return np.concatenate([cuts, slopes], axis=2)


def draw_answers(
    found: Conditional, target: Target, columns: Mapping[str, Column], codes: list[Codes], rng: np.random.Generator,
    shift: Array | None,
) -> Codes:  # fmt: skip
    """Draw an answer for every row.

    Parameters
    ----------
    found : Conditional
    target : Target
    columns : mapping of name to Column
    codes : list of (rows,) int arrays
        Of the predictors, in the rows to complete.
    rng : Generator
    shift : (1,) or (levels,) array or None
        Departure from missing at random, on the log odds.

    Returns
    -------
    (rows,) int array
        Places among the target's levels.
    """
    rows = len(codes[0]) if codes else int(target.missing.sum())
    array = predictor_array(found.family, design_of(target, columns, codes, rows), len(found.order) - 1)
    probability = _probabilities(found, array, rng, shift)
    place = (rng.random(rows)[:, None] > np.cumsum(probability, axis=1)[:, :-1]).sum(axis=1)
    return found.order[place]


def _probabilities(found: Conditional, array: Array, rng: np.random.Generator, shift: Array | None) -> Array:
    """Probabilities of the answers at one draw of the parameters; a draw in which cut points cross is drawn again."""
    ordered = found.family.ordered_cuts
    log_p = np.full((len(array), len(found.order)), np.nan)
    for attempt in range(_TRIES + 1):
        theta = found.theta + found.root @ rng.standard_normal(len(found.theta)) * (attempt < _TRIES)
        eta = array @ theta - (shift[0] if shift is not None and ordered else 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            log_p = found.family.log_probabilities(eta, _LINK)
        if np.isfinite(log_p).all():
            break
    if shift is not None and not ordered:
        log_p = log_p + shift[found.order]
    weight = np.exp(log_p - log_p.max(axis=1, keepdims=True, initial=-np.inf))
    return weight / weight.sum(axis=1, keepdims=True)


def _mode(likelihood: CellLikelihood, precision: Array, family: Family, target: Target) -> tuple[Array, Array]:
    """The maximum of likelihood and prior, and the information of the likelihood there."""
    shares = likelihood.counts.sum(axis=0) / likelihood.counts.sum()
    steps = len(shares) - 1
    start = np.zeros(len(precision))
    start[:steps] = family.cut_sign * family.start(shares, _LINK)

    def expand(theta: Array) -> Expansion:
        found = likelihood.expansion(theta)
        value = found.value - 0.5 * float(precision @ theta**2)
        return Expansion(value, found.gradient - precision * theta, found.information + np.diag(precision))

    maximum = maximise(expand, start)
    if not maximum.converged:
        raise ImputationError(
            f'"{target.name}" cannot be completed: its likelihood has no maximum after {maximum.iterations} iterations. Expected a model of its '
            "answers. Name fewer `predictors`, or merge its levels."
        )
    return maximum.point, maximum.information - np.diag(precision)


def _score_covariance(
    likelihood: CellLikelihood, theta: Array, row_cell: Codes, row_weight: Array, survey: Survey, information: Array
) -> Array:
    """Covariance of the total score: by the design, robust for weights alone, else the information."""
    if survey.weight_kind != "sampling" and survey.design is None:
        return information
    scores = likelihood.cell_scores(theta).reshape(-1, len(theta))
    influence = Influence(
        np.where(np.isfinite(scores), scores, 0.0),
        row_cell,
        row_weight,
        survey.design,
        survey.tally,
    )
    try:
        return covariance(influence)
    except FitError:  # a stratum with one sampling unit: fall back on independent respondents
        return covariance(replace(influence, design=None))


def _square_root(matrix: Array) -> Array:
    """A matrix whose product with its transpose is the covariance, also where that has no full rank."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    return vectors * np.sqrt(np.maximum(values, 0.0))
