"""Refits of a model with some of its predictors left out, from the tabulation and design of the full fit.

A submodel keeps the parameters all of whose variables are in the set, and cells that differ only in what is left out are
one cell; so no formula is read and no respondent is counted again. Its maximum exists wherever that of the full model does,
because every direction in which its likelihood would rise forever is one of the full model's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.standardise import intervened
from wwm_models.adjust.margins.target import Over, Target, target_population
from wwm_models.cells.formula import formula_variables
from wwm_models.cells.tabulate import predictor_codes, unique_rows
from wwm_models.engines.likelihood import penalised
from wwm_models.engines.loglikelihood import CellLikelihood, cell_likelihood
from wwm_models.engines.maximum import maximise_on, starting_point
from wwm_models.engines.predictors import Predictors, predictors_of
from wwm_models.errors import AdjustError
from wwm_models.numerics.linear import inverse_or_none
from wwm_models.records import Fit

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Variables = frozenset[str]


@dataclass(frozen=True, eq=False)
class Whole:
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


def taken_apart(fit: Fit) -> Whole:
    """Prepare a fit for its submodels."""
    names = tuple(fit.cells.columns)
    coded = [predictor_codes(fit.cells.columns[name], name) for name in names]
    needs = [
        frozenset(formula_variables(f"y ~ {term.removeprefix('scale:')}", ["y", *names])) if term else frozenset[str]()
        for term in fit.design.terms
    ]
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    return Whole(fit, names, [codes for codes, _ in coded], [len(levels) for _, levels in coded], needs, likelihood)


def submodel(whole: Whole, variables: Iterable[str]) -> Submodel:
    """Maximise the likelihood with only the parameters of these variables.

    Parameters
    ----------
    whole : Whole
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


def margin_of(whole: Whole, part: Submodel, over: Averaged, variables: Iterable[str], matrix: Array) -> tuple[Array, Array]:  # fmt: skip
    """Margins of a submodel, and their influence by cell of the full fit.

    Parameters
    ----------
    whole : Whole
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
    slopes = predictors.jacobian(part.theta).pull(weighted.reshape(count, len(first), *weighted.shape[1:]))
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
