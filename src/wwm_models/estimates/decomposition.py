"""Why an adjusted number differs from the raw one: rows left out, model form, and one part per adjuster.

Refits with some predictors left out (`submodel`) come from the tabulation and design of the full fit. A submodel keeps the parameters all of whose
variables are in the set, and cells that differ only in what is left out are one cell; so no formula is read and no respondent is counted again. Its
maximum exists wherever the full model's does: it has no other directions.

`decompose`: let v(S) be the margin of the refit with the exposure and the adjusters in S. Then, with N all adjusters,

    adjusted - raw = [raw on the model's rows - raw] + [v(0) - raw on the model's rows] + sum_j phi_j,
    phi_j = sum over S without j of |S|! (q - |S| - 1)! / q! (v(S + j) - v(S)),

the Shapley value of adjuster j in the game v, which shares v(N) - v(0) out so that the order in which adjusters enter does
not matter. Where the population averaged over is not the sample, what that changes is a part of its own, the last one. Every v(S)
has an influence function on the same cells, so every part has a standard error. They are linearised also where the survey has
replicate weights, and for a penalised fit they are those of the likelihood at the penalised maximum.

References
----------
Huettner, F. and Sunder, M. (2012). Axiomatic arguments for decomposing goodness of fit according to Shapley and Owen values.
Electronic Journal of Statistics 6, 1239-1250. doi:10.1214/12-EJS710
Shapley, L. S. (1953). A value for n-person games. Contributions to the Theory of Games 2, 307-317.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import factorial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import confidence_level
from wwm_models.errors import AdjustError, listed
from wwm_models.estimates.adjusted import model_groups
from wwm_models.estimates.estimates import Collapses, Estimand, Estimates, collapse_matrix, names_of
from wwm_models.estimates.raw import raw
from wwm_models.estimates.standardise import intervened, margins, refuse_unusable, sampled_influence
from wwm_models.estimates.target import Over, Target, target_population
from wwm_models.likelihood.covariance import covariance, summed
from wwm_models.likelihood.fit import Fit, penalised
from wwm_models.likelihood.fit import fit as fit_model
from wwm_models.likelihood.likelihood import CellLikelihood, Predictors, cell_likelihood, predictors_of
from wwm_models.likelihood.maximum import maximise_on, starting_point
from wwm_models.models.cells import Influence, predictor_codes, unique_rows
from wwm_models.models.formula import formula_variables
from wwm_models.models.model import Model
from wwm_models.numerics import intervals
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.numerics.newton import inverse_or_none
from wwm_models.survey.population_margins import Margins
from wwm_models.survey.survey import Survey

Variables = frozenset[str]


@dataclass(frozen=True, eq=False)
class Submodels:
    """A fit taken apart for its submodels.

    Attributes
    ----------
    fit : Fit
    names : tuple of str
        The predictors.
    codes : list of (P,) int arrays
        Level of each pattern on each predictor.
    sizes : list of int
    needs : list of frozenset
        Variables of each parameter; empty for cut points.
    likelihood : CellLikelihood
        Of the full fit.
    """

    fit: Fit
    names: tuple[str, ...]
    codes: list[Codes]
    sizes: list[int]
    needs: list[Variables]
    likelihood: CellLikelihood


@dataclass(frozen=True, eq=False)
class Submodel:
    """The maximum of a submodel.

    Attributes
    ----------
    kept : (p,) bool array
        Which parameters of the full design it has.
    theta : array
        Theirs.
    influence : (P, J + 1, parameters) array
        Of a respondent in each cell of the full fit on `theta`, per unit of weight.
    """

    kept: NDArray[np.bool_]
    theta: Array
    influence: Array


@dataclass(frozen=True, eq=False)
class Averaged:
    """The population a fit is averaged over, with the groups set, ready for any submodel.

    Attributes
    ----------
    by : tuple of str
    groups : DataFrame, G rows
    target : Target
        With R patterns.
    codes : list of (R,) int arrays, sizes : list of int
        Of the free predictors.
    predictors : Predictors
        Of the G * R intervened patterns.
    pattern : (P,) int array
        Target pattern of each pattern of the fit, where the target is made of the fit's respondents.
    """

    by: tuple[str, ...]
    groups: pd.DataFrame
    target: Target
    free: tuple[str, ...]
    codes: list[Codes]
    sizes: list[int]
    predictors: Predictors
    pattern: Codes


def submodel_setup(fit: Fit) -> Submodels:
    """Prepare a fit for its submodels."""
    names = tuple(fit.cells.columns)
    coded = [predictor_codes(fit.cells.columns[name], name) for name in names]
    needs = [
        frozenset(formula_variables(f"y ~ {term.removeprefix('scale:')}", ["y", *names])) if term else frozenset[str]()
        for term in fit.design.terms
    ]
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    return Submodels(fit, names, [codes for codes, _ in coded], [len(levels) for _, levels in coded], needs, likelihood)


def submodel(whole: Submodels, variables: Iterable[str]) -> Submodel:
    """Maximise the likelihood with only the parameters of these variables.

    Parameters
    ----------
    whole : Submodels
    variables : iterable of str

    Raises
    ------
    AdjustError
        If the maximum was not reached.
    """
    fit, inside = whole.fit, frozenset(variables)
    kept = np.array([need <= inside for need in whole.needs], dtype=bool)
    cell, first = _merged(whole.names, whole.codes, whole.sizes, inside, len(fit.cells.weights))
    predictors = _restricted(whole.likelihood.predictors, kept, first)
    counts = np.zeros((len(first), whole.likelihood.counts.shape[1]))
    np.add.at(counts, cell, whole.likelihood.counts)
    likelihood = penalised(replace(whole.likelihood, predictors=predictors, counts=counts), fit.penalty)
    if kept.all():
        theta = fit.theta
    else:
        terms = tuple(term for term, one in zip(fit.design.terms, kept, strict=True) if one)
        names = tuple(name for name, one in zip(fit.design.names, kept, strict=True) if one)
        design = replace(fit.design, linear=predictors.linear, names=names, terms=terms, is_cut=fit.design.is_cut[kept])
        found = maximise_on(likelihood, starting_point(fit.family, likelihood, design))
        theta = found.theta
        if not found.maximum.converged:
            raise AdjustError(
                f'The refit of "{fit.model.formula}" with {", ".join(sorted(inside)) or "no predictor"} did not converge, so the '
                "adjustment cannot be taken apart. Use fewer adjusters, or merge answers with few respondents."
            )
    bread = inverse_or_none(likelihood.derivatives(theta)[1])
    if bread is None:
        raise AdjustError(
            f'The refit of "{fit.model.formula}" with {", ".join(sorted(inside)) or "no predictor"} has a singular information matrix. '
            "Use fewer adjusters."
        )
    scores = likelihood.cell_scores(theta)
    return Submodel(kept, theta, (np.where(np.isfinite(scores), scores, 0.0) @ bread)[cell])


def averaged(fit: Fit, by: tuple[str, ...], groups: pd.DataFrame, over: Over = "sample") -> Averaged:
    """A target population with the by-variables set to every group; only the sample's has submodels."""
    free = tuple(name for name in fit.cells.columns if name not in by)
    target = target_population(fit, over, list(free))
    coded = [predictor_codes(target.patterns[name], name) for name in free]
    pattern = np.zeros(len(fit.cells.weights), dtype=np.intp)
    used = fit.cells.row_pattern >= 0
    if target.row_pattern is not None:
        pattern[fit.cells.row_pattern[used]] = target.row_pattern[used]
    frame = intervened(target, groups)
    return Averaged(
        by, groups, target, free, [codes for codes, _ in coded], [len(levels) for _, levels in coded],
        predictors_of(fit.design, frame), pattern,
    )  # fmt: skip


def margin_of(whole: Submodels, part: Submodel, over: Averaged, variables: Iterable[str], matrix: Array) -> tuple[Array, Array]:  # fmt: skip
    """Margins of a submodel, and their influence by cell of the full fit.

    Parameters
    ----------
    whole : Submodels
    part : Submodel
    over : Averaged
    variables : iterable of str
        Those of the submodel.
    matrix : (m, G * K) array
        Answers and collapses of every group.

    Returns
    -------
    (m,) array
    (P * (J + 1), m) array
        Per unit of weight.
    """
    fit, count, rows = whole.fit, len(over.groups), len(over.target.weights)
    number, first = _merged(over.free, over.codes, over.sizes, frozenset(variables), rows)
    weights = np.bincount(number, over.target.weights)
    every = (np.arange(count)[:, None] * rows + first[None, :]).ravel()
    predictors = _restricted(over.predictors, part.kept, every)
    eta = predictors.eta(part.theta)
    log_p = fit.family.log_probabilities(eta, fit.link)
    probability, scores = np.exp(log_p), fit.family.scores(eta, fit.link, log_p)
    weighted = (np.tile(weights, count)[:, None] * probability)[:, :, None] * scores
    slopes = predictors.jacobian(part.theta).transpose_apply(weighted.reshape(count, len(first), *weighted.shape[1:]))
    answers = len(fit.cells.categories)
    jacobian, own = np.zeros((count, answers, slopes.shape[2])), np.zeros((count, len(first), answers))
    jacobian[:, fit.design.order] = slopes
    own[:, :, fit.design.order] = probability.reshape(count, len(first), -1)
    average = np.einsum("r,grk->gk", weights, own)
    spread = (own - average[:, None]).transpose(1, 0, 2).reshape(len(first), -1) @ matrix.T
    through = part.influence @ (matrix @ jacobian.reshape(matrix.shape[1], -1)).T
    total = float(fit.cells.row_weight.sum())
    influence = through + spread[number[over.pattern]][:, None, :] / total
    return matrix @ average.ravel(), influence.reshape(-1, len(matrix))


def _merged(
    names: Iterable[str], codes: list[Codes], sizes: list[int], inside: Variables, rows: int
) -> tuple[Codes, Codes]:
    """Number of each row among the combinations of the variables inside, and a row that has each combination."""
    chosen = [(code, size) for name, code, size in zip(names, codes, sizes, strict=True) if name in inside]
    number, _ = unique_rows([code for code, _ in chosen], [size for _, size in chosen], rows)
    _, first = np.unique(number, return_index=True)
    return number, first


def _restricted(predictors: Predictors, kept: NDArray[np.bool_], rows: Codes) -> Predictors:
    """The predictors of some rows with some of the parameters."""
    linear, spreading = np.split(kept, [predictors.linear.shape[2]])
    scale = None if predictors.scale is None or not spreading.any() else predictors.scale[rows][:, spreading]
    return Predictors(predictors.linear.rows(rows).only(linear), scale)


MOST_ADJUSTERS = 8  # 2**8 refits
ROWS, FORM, POPULATION, DIFFERENCE = "rows left out", "model form", "population", "difference"
COLUMNS = ("outcome", "category", "part", "percentage_points", "std_error", "lower", "upper", "level", "estimand")


@dataclass(frozen=True, eq=False)
class _Parts:
    """Points (parts, m) and influence (cells, parts, m) of the model's parts; probabilities, not percentages."""

    names: list[str]
    values: Array
    influence: Array


def decompose(
    model: Model,
    survey: Survey,
    by: str | Sequence[str],
    *,
    over: str | Margins = "sample",
    collapses: Collapses | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Adjusted minus raw of every answer in every group, taken apart.

    Parameters
    ----------
    model, survey : Model and Survey
        What is fitted, and to whom.
    by : str or sequence of str
        The exposure; the model's other predictors, eight at most, are its adjusters.
    over : {"sample", "balanced"} or margins
        Whom the adjusted number is averaged over.
    collapses : mapping of name to answers, optional
        Answers to report together too, under a name of their own.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    DataFrame
        The by-variables, ``outcome``, ``category``, ``part`` ("rows left out", "model form", each adjuster, "population" where
        that is not the sample, "difference"), ``percentage_points`` with ``std_error``, ``lower`` and ``upper`` in percentage points. The parts of a
        cell add up to its difference.

    Raises
    ------
    AdjustError
        If there are more than eight adjusters, or a submodel has no maximum.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [0, 0, 1, 1, 0, 1, 1, 1], "g": list("aaaabbbb"), "x": list("uvuvuuvv")})
    >>> made = decompose(Model("y ~ g + x"), Survey.from_frame(frame, weight=None), "g")
    >>> made["part"].unique().tolist()
    ['rows left out', 'model form', 'x', 'difference']
    """
    confidence_level(level)
    return decompose_fit(fit_model(model, survey), by, over=over, collapses=collapses, level=level)


def decompose_fit(
    fit: Fit,
    by: str | Sequence[str],
    *,
    over: str | Margins = "sample",
    found: Estimates | None = None,
    collapses: Collapses | None = None,
    level: float = 0.95,
    solved: dict[Variables, Submodel] | None = None,
) -> pd.DataFrame:
    """As `decompose`, for a model that is already fitted.

    Parameters
    ----------
    fit : Fit
    by : str or sequence of str
    found : Estimates, optional
        The raw shares by `by`, where they are known already.
    over, collapses, level
    solved : dict, optional
        Submodels of this very fit that are known already; those found here are added.
    """
    confidence_level(level)
    refuse_unusable(fit)
    names = names_of(by)
    adjusters = tuple(name for name in fit.cells.columns if name not in names)
    if len(adjusters) > MOST_ADJUSTERS:
        raise AdjustError(
            f'"{fit.model.formula}" has {len(adjusters)} adjusters beside {listed(names)}. Expected {MOST_ADJUSTERS} at most, since every '
            "subset is a refit. Leave adjusters out, or merge some into one variable."
        )
    if fit.model.thresholds_by is not None and fit.model.thresholds_by not in names:
        raise AdjustError(
            f'"{fit.model.formula}" has cut points by {fit.model.thresholds_by}, which is an adjuster here: a refit without it would have none. '
            f'Decompose by "{fit.model.thresholds_by}", or put it in the formula.'
        )
    groups = model_groups(fit, names)
    collapse, categories = collapse_matrix(fit.cells.categories, collapses)
    matrix = np.kron(np.eye(len(groups)), collapse).astype(np.float64)
    parts = _shapley(submodel_setup(fit), names, adjusters, groups, matrix, {} if solved is None else solved)
    everyone = found or raw(fit.survey, fit.cells.outcome, names, level=level, collapses=collapses)
    rows = _group_rows(everyone, groups, categories)
    target = target_population(fit, over, adjusters)
    there = None if over == "sample" else _elsewhere(fit, groups, target, matrix)
    every = _every_part(fit, parts, groups, collapse, everyone, rows, there)
    return _table(fit, groups, categories, every, level, Estimand(names, adjusters, target.label))


def _shapley(
    whole: Submodels, names: tuple[str, ...], adjusters: tuple[str, ...], groups: pd.DataFrame, matrix: Array,
    solved: dict[Variables, Submodel],
) -> _Parts:  # fmt: skip
    """v(0), the Shapley parts, and v(N), by one pass over all subsets."""
    over, size = averaged(whole.fit, names, groups), len(adjusters)
    labels = ["none", *adjusters, "all"]
    cells = whole.likelihood.counts.size
    values, influence = np.zeros((size + 2, len(matrix))), np.zeros((size + 2, cells, len(matrix)))
    for count in range(size + 1):
        for chosen in itertools.combinations(range(size), count):
            variables = frozenset((*names, *(adjusters[j] for j in chosen)))
            if variables not in solved:
                solved[variables] = submodel(whole, variables)
            value, moved = margin_of(whole, solved[variables], over, variables, matrix)
            for place, share in _coefficients(chosen, size):
                values[place] += share * value
                influence[place] += share * moved
    return _Parts(labels, values, influence.transpose(1, 0, 2))


def _coefficients(chosen: tuple[int, ...], size: int) -> list[tuple[int, float]]:
    """With what coefficient the value of a subset enters v(0), every Shapley part, and v(N)."""
    count = len(chosen)
    found: list[tuple[int, float]] = [(0, 1.0)] if count == 0 else []
    for j in range(size):
        without = count - 1 if j in chosen else count
        share = factorial(without) * factorial(size - without - 1) / factorial(size)
        found.append((j + 1, share if j in chosen else -share))
    return [*found, (size + 1, 1.0)] if count == size else found


@dataclass(frozen=True, eq=False)
class _Part:
    """One part of every cell: its name, its values, and their standard errors."""

    name: str
    value: Array
    std_error: Array


def _elsewhere(fit: Fit, groups: pd.DataFrame, target: Target, matrix: Array) -> tuple[Array, Influence]:
    """The adjusted numbers over another population than the sample, and their influence."""
    made = margins(fit, intervened(target, groups), target.weights, len(groups))
    jacobian = matrix @ made.jacobian.reshape(matrix.shape[1], -1)
    return matrix @ made.probabilities.ravel(), sampled_influence(fit, jacobian, made.spread @ matrix.T, target)


def _every_part(
    fit: Fit, parts: _Parts, groups: pd.DataFrame, collapse: Array, everyone: Estimates, rows: NDArray[np.intp],
    there: tuple[Array, Influence] | None,
) -> list[_Part]:  # fmt: skip
    """All parts in the order of the table, with standard errors from the stacked influence."""
    inside, moved = _raw_of_rows(fit, groups, collapse)
    value = everyone.table["estimate"].to_numpy(dtype=float)[rows]
    assert everyone.contributions is not None
    shares = everyone.contributions.mapped(np.eye(len(everyone.table))[rows])
    known = everyone.freedom.rows(rows).estimable
    shapley = [
        _Part(name, parts.values[j], _std_error(_influence(fit, parts.influence[:, j])))
        for j, name in enumerate(parts.names[1:-1], start=1)
    ]
    here = parts.values[-1], _influence(fit, parts.influence[:, -1])
    last, there = (here, None) if there is None else (there, there)
    elsewhere = (
        [] if there is None else [_Part(POPULATION, there[0] - here[0], _std_error(summed(here[1], there[1], -1.0)))]
    )
    return [
        _Part(ROWS, inside - value, _std_error(summed(_influence(fit, moved), shares, -1.0), known)),
        _Part(FORM, parts.values[0] - inside, _std_error(_influence(fit, parts.influence[:, 0] - moved), known)),
        *shapley,
        *elsewhere,
        _Part(DIFFERENCE, last[0] - value, _std_error(summed(last[1], shares, -1.0), known)),
    ]


def _raw_of_rows(fit: Fit, groups: pd.DataFrame, collapse: Array) -> tuple[Array, Array]:
    """Raw shares on the rows that the model uses, and their influence by cell in the design's order of answers."""
    patterns, weights = fit.cells.patterns, fit.cells.weights
    answers = len(fit.design.order)
    values, moved = [], np.zeros((len(patterns), answers, len(groups), len(collapse)))
    for number, group in enumerate(groups.to_dict("records")):
        inside = np.ones(len(patterns), dtype=bool)
        for name, level in group.items():
            inside &= (patterns[name] == level).to_numpy()
        total = weights[inside].sum()
        share = collapse @ weights[inside].sum(axis=0) / total
        values.append(share)
        moved[inside, :, number] = (collapse.T[fit.design.order] - share) / total
    return np.concatenate(values), moved.reshape(len(patterns) * answers, -1)


def _influence(fit: Fit, values: Array) -> Influence:
    """Values by pattern and answer of the design's order as the influence of the survey's respondents."""
    position = np.full(len(fit.cells.categories), -1, dtype=np.intp)
    position[fit.design.order] = np.arange(len(fit.design.order))
    answer = np.where(fit.cells.row_category >= 0, position[fit.cells.row_category], -1)
    used = (fit.cells.row_pattern >= 0) & (answer >= 0)
    cell = np.where(used, fit.cells.row_pattern * len(fit.design.order) + answer, -1)
    design = fit.survey.design if fit.vcov_kind in ("design", "replicates") else None
    return replace(Influence.of(fit.survey, values, cell, fit.cells.row_weight), design=design)


def _std_error(influence: Influence, known: NDArray[np.bool_] | None = None) -> Array:
    """Standard errors; missing where the raw share that a part is made of cannot be estimated."""
    found = np.sqrt(np.maximum(np.diag(covariance(influence)), 0.0))
    return found if known is None else np.where(known, found, np.nan)


def _group_rows(everyone: Estimates, groups: pd.DataFrame, categories: list[str]) -> NDArray[np.intp]:
    keys = everyone.table[[*everyone.by, "category"]].astype(str).itertuples(index=False, name=None)
    place = {key: row for row, key in enumerate(keys)}
    wanted = groups.astype(str).itertuples(index=False, name=None)
    return np.array([place[(*group, name)] for group in wanted for name in categories], dtype=np.intp)


def _table(
    fit: Fit, groups: pd.DataFrame, categories: list[str], parts: list[_Part], level: float, estimand: Estimand
) -> pd.DataFrame:
    critical = intervals.critical_value(level, fit.design_df)
    cells = groups.loc[groups.index.repeat(len(categories))].reset_index(drop=True)
    cells = cells.assign(outcome=fit.cells.outcome, category=categories * len(groups))
    order = np.arange(len(cells)).repeat(len(parts))
    value = 100.0 * np.column_stack([part.value for part in parts]).ravel()
    std_error = 100.0 * np.column_stack([part.std_error for part in parts]).ravel()
    lower, upper = intervals.wald_limits(value, std_error, critical)
    return cells.iloc[order].reset_index(drop=True).assign(
        part=[part.name for part in parts] * len(cells), percentage_points=value, std_error=std_error, lower=lower, upper=upper,
        level=level, estimand=estimand.text,
    )  # fmt: skip
