"""Separation: is some coefficient infinite at the maximum? A cheap screen, then a linear programme.

The likelihood of a concave family has no finite maximum exactly when there is a direction of the parameters along which
no observed cell loses probability and some cell gains. Each family declares, for each answer, the half-spaces of eta in
which that answer does not lose; the directions that satisfy all of them form a cone, and a linear programme looks for a
point of it other than zero.

References
----------
Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic regression models.
Biometrika 71, 1-10. doi:10.1093/biomet/71.1.1
Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic regression models.
DPhil thesis, University of Oxford.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.errors import SeparationError, listed
from wwm_models.families import Family
from wwm_models.numerics.linear import condition_number
from wwm_models.numerics.newton import Maximum
from wwm_models.records import Cells, Design, Survey
from wwm_models.records.survey import told_count

Array = NDArray[np.float64]

LARGE_ETA = 15.0  # a logit of 15 is a probability of 3e-7, beyond what a survey can show
LARGE_CONDITION = 1e8


def suspicious(likelihood: CellLikelihood, theta: Array, maximum: Maximum) -> bool:
    """Whether the fit has a mark of separation, so that the linear programme is worth its time."""
    far = np.abs(likelihood.predictors.eta(theta)) > LARGE_ETA
    return (
        not maximum.converged
        or not np.all(np.isfinite(theta))
        or bool(far.any() and far[likelihood.counts.sum(axis=1) > 0].any())
        or condition_number(maximum.information) > LARGE_CONDITION
    )


def refuse_separation(family: Family, cells: Cells, design: Design, survey: Survey) -> None:
    """Raise a SeparationError that names the variables and answers if some coefficient is infinite.

    Of a level with fewer respondents than the survey's threshold no answers are named, nor coefficients, which belong to answers.
    """
    direction = receding_direction(family, cells, design)
    if direction is None:
        return
    moving = [name for name, step in zip(design.names, direction, strict=False) if abs(step) > 1e-7]
    terms = [term for term, step in zip(design.terms, direction, strict=False) if abs(step) > 1e-7 and term]
    few, zero_cells = _zero_cells(cells, list(dict.fromkeys(":".join(terms).split(":"))), survey)
    few += [
        text for term in dict.fromkeys(terms) for text in _few_together(cells, term.split(":"), survey.suppress_below)
    ]
    by = listed(dict.fromkeys(terms or moving), 8)
    which = "coefficients are infinite" if few or not terms else f"coefficients are infinite: {listed(moving, 8)}"
    where = "".join(f" {part[0].upper()}{part[1:]}." for part in ("; ".join([*few, *zero_cells][:6]),) if part)
    rest = len(few) + len(zero_cells) - 6
    more = f" (and {rest} more such cells)" if rest > 0 else ""
    raise SeparationError(
        f'Outcome "{cells.outcome}", {family.name} family: the answers are separated by {by}, so these {which}.{where}{more} '
        "Merge answers or levels, leave the term out, or ask for a "
        'penalised fit (penalty = "jeffreys"), which is labelled as such.'
    )


def receding_direction(family: Family, cells: Cells, design: Design) -> Array | None:
    """A direction of theta along which the likelihood never falls and somewhere rises, or None.

    Parameters
    ----------
    family, cells, design

    Returns
    -------
    (p,) array or None
        Scaled to at most one.
    """
    half_spaces = family.recession(len(design.order))
    counts = cells.weights[:, design.order]
    size = design.linear.shape[2]
    rows = [
        (half_spaces[k] @ design.linear.rows(np.flatnonzero(counts[:, k] > 0)).array).reshape(-1, size)
        for k in range(len(design.order))
    ]
    stacked = np.unique(np.round(np.concatenate(rows), 12), axis=0)
    scale = np.maximum(np.abs(stacked).max(axis=0), 1e-300)
    scaled = stacked / scale
    from scipy.optimize import linprog  # a quarter of a second that few fits need

    found = linprog(
        -scaled.sum(axis=0),
        A_ub=-scaled,
        b_ub=np.zeros(len(scaled)),
        bounds=[(-1.0, 1.0)] * scaled.shape[1],
        method="highs",
    )
    if not found.success or float(found.fun or 0.0) > -1e-6:
        return None
    return np.asarray(found.x) / scale / np.max(np.abs(found.x / scale))


def _zero_cells(cells: Cells, variables: list[str], survey: Survey) -> tuple[list[str], list[str]]:
    """Sentences about levels with too few respondents to say what they answered, and about answers that a larger level never gives."""
    few: list[str] = []
    found: list[str] = []
    for name in variables:
        if name not in cells.patterns.columns or not isinstance(cells.patterns[name].dtype, pd.CategoricalDtype):
            continue
        column = cells.patterns[name].cat
        for code, level in enumerate(column.categories):
            counts = cells.counts[column.codes.to_numpy() == code].sum(axis=0)
            empty = [cells.categories[k] for k in np.flatnonzero(counts == 0) if cells.counts[:, k].sum() > 0]
            if not empty or not counts.sum():
                continue
            rows = told_count(counts.sum(), survey.suppress_below)
            if counts.sum() < survey.suppress_below:
                few.append(f"{rows} respondents have {name} = {level}")
                continue
            if survey.suppress_counts:
                few.append(f"some answers are rare where {name} = {level}")
                continue
            answers = listed(f"{chr(34)}{answer}{chr(34)}" for answer in empty)
            found.append(f"{answers} never occurs where {name} = {level} (0 of {rows} rows)")
    return few, found


def _few_together(cells: Cells, variables: list[str], below: int) -> list[str]:
    """Sentences about combinations of levels of an interaction with fewer than `below` respondents."""
    if len(variables) < 2 or not all(name in cells.patterns.columns for name in variables):
        return []
    named = cells.patterns[variables].astype(str)
    texts = pd.Series(
        [", ".join(f"{name} = {row[name]}" for name in variables) for _, row in named.iterrows()], dtype=object
    )
    people = pd.Series(cells.counts.sum(axis=1)).groupby(texts.to_numpy()).sum()
    return [
        f"{told_count(count, below)} respondents have {text}"
        for text, count in zip(people.index, people.to_numpy(), strict=True)
        if 0 < count < below
    ]
