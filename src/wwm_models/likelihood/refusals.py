"""What no fit may be reported with: separation, cut points that meet or cross, and a law that its estimate breaks.

Separation (`refuse_separation`): is some coefficient infinite at the maximum? A cheap screen, then a linear programme. The likelihood of a concave
family has no finite maximum exactly when there is a direction of the parameters along which no observed cell loses probability and some cell gains
(Albert and Anderson 1984). Each family declares, for each answer, the half-spaces of eta in which that answer does not lose; the directions that
satisfy all of them form a cone, and a linear programme looks for a point of it other than zero (Konis 2007).

Crossing (`meeting_patterns`): a family with ordered cut points and slopes that differ between them has parameters at which F(eta_k) < F(eta_{k-1})
for some predictors, predicted probabilities that would be negative. In a pattern that holds such an answer the likelihood forbids it, and the best fit
may lie where cut points meet; in a pattern that does not hold it the likelihood does not notice (McCullagh and Nelder 1989).

Checks that every fit passes at its estimate, without refitting (`refuse_tripped`); one that fails is our defect or a damaged input. Each is a law that
any correct fit obeys: the design is replayed from the stored encoder with levels in another order; the probabilities are positive and sum to one, so
that P(A or B) = P(A) + P(B); families that reproduce shares do; doubling all weights moves neither the estimate nor its covariance.

References
----------
Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic regression models.
Biometrika 71, 1-10. doi:10.1093/biomet/71.1.1
Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic regression models.
DPhil thesis, University of Oxford.
McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed., section 5.2.4. Chapman and Hall.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.errors import FitError, SeparationError
from wwm_models.likelihood.likelihood import CellLikelihood
from wwm_models.messages import category, level, listed_as, number, say, sentences, some_of, variable
from wwm_models.models.cells import Cells
from wwm_models.models.design import Design
from wwm_models.models.family import Family
from wwm_models.models.formula import Grouped
from wwm_models.models.linear_map import Columns
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.newton import Maximum, condition_number
from wwm_models.survey.survey import Survey

if TYPE_CHECKING:
    from wwm_models.likelihood.maximum import MaximumInParameters


LARGE_ETA = 15.0  # a logit of 15 is a probability of 3e-7, beyond what a survey can show
LARGE_CONDITION = 1e8
MOST_CELLS = 6  # that a message names


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
    by = some_of((variable(name) for name in dict.fromkeys(terms or moving)), 8)
    what = {"outcome": variable(cells.outcome), "family": family.name, "by": by}
    found = [*few, *zero_cells]
    raise SeparationError(
        sentences(
            say("separated_answers", **what)
            if few or not terms
            else say("separated_coefficients", **what, names=some_of(moving, 8)),
            *found[:MOST_CELLS],
            say("more_cells", count=len(found) - MOST_CELLS) if len(found) > MOST_CELLS else "",
            say("separation_cure"),
        )
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
        for code, one in enumerate(column.categories):
            counts = cells.counts[column.codes.to_numpy() == code].sum(axis=0)
            empty = [cells.categories[k] for k in np.flatnonzero(counts == 0) if cells.counts[:, k].sum() > 0]
            if not empty or not counts.sum():
                continue
            where = level(name, str(one))
            if counts.sum() < survey.suppress_below:
                few.append(say("under_few_have", below=survey.suppress_below, levels=where))
                continue
            if survey.suppress_counts:
                few.append(say("rare_answers", level=where))
                continue
            rows = round(float(counts.sum()))
            found += [
                say("never_occurs", answer=category(cells.outcome, answer), level=where, rows=rows) for answer in empty
            ]
    return few, found


def _few_together(cells: Cells, variables: list[str], below: int) -> list[str]:
    """Sentences about combinations of levels of an interaction with fewer than `below` respondents."""
    if len(variables) < 2 or not all(name in cells.patterns.columns for name in variables):
        return []
    named = cells.patterns[variables].astype(str)
    rows = pd.Series(cells.counts.sum(axis=1)).groupby(named.apply(tuple, axis=1).to_numpy()).sum()
    return [
        say(
            "under_few_have",
            below=below,
            levels=listed_as(level(*pair) for pair in zip(variables, tuple(levels), strict=True)),
        )
        for levels, count in zip(rows.index, rows.to_numpy(), strict=True)
        if 0 < count < below
    ]


MEETING = 1e-4  # cut points closer than this give an answer a probability below 3e-5: nobody can have given it


def meeting_patterns(likelihood: CellLikelihood, theta: Array, closer_than: float) -> NDArray[np.intp]:
    """Patterns with respondents in which neighbouring cut points are no further apart than this.

    Parameters
    ----------
    likelihood : CellLikelihood
    theta : (p,) array
    closer_than : float
        0 for cut points that cross; `MEETING` where the fit did not converge.

    Returns
    -------
    int array
        Positions of the patterns; empty for families whose cut points need no order.
    """
    if not likelihood.family.ordered_cuts or likelihood.counts.shape[1] < 3:
        return np.zeros(0, dtype=np.intp)
    gaps = np.diff(likelihood.predictors.eta(theta), axis=1).min(axis=1)
    return np.flatnonzero((likelihood.counts.sum(axis=1) > 0) & (gaps <= closer_than))


def crossing_message(patterns: pd.DataFrame, where: NDArray[np.intp]) -> str:
    """What is wrong with a fit whose cut points meet in these patterns."""
    described = listed_as(described_patterns(patterns.iloc[where]))
    return say("cuts_meet", count=len(where), total=len(patterns), patterns=described)


def described_patterns(patterns: pd.DataFrame) -> list[str]:
    """The first three patterns of a frame in words.

    Examples
    --------
    >>> described_patterns(pd.DataFrame({"age": ["18-34"], "x": [2.0]}))
    ['age = 18-34, x = 2']
    """
    rows = patterns.head(3).to_dict(orient="records")
    return [listed_as(level(str(name), _text(value)) for name, value in row.items()) for row in rows]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


class TripwireError(FitError):
    """A law that every fit obeys does not hold for this one."""


def refuse_tripped(
    likelihood: CellLikelihood, found: MaximumInParameters, cells: Cells, design: Design, *, penalised: bool
) -> None:
    """Raise a TripwireError at the first law that does not hold.

    Parameters
    ----------
    likelihood : CellLikelihood
    found : MaximumInParameters
    cells, design : records of the fit
    penalised : bool
        A penalised maximum need not reproduce shares, nor is it free of the scale of the weights.

    Raises
    ------
    TripwireError
    """
    _check_replay(design, cells)
    seen = likelihood.counts.sum(axis=1) > 0
    seen = slice(None) if seen.all() else seen
    probability = np.exp(likelihood.log_probabilities(found.theta)[seen])
    if not (np.isfinite(probability).all() and (probability > 0).all()):
        _trip("positive", float(np.nanmin(probability)))
    from_one = float(np.abs(probability.sum(axis=1) - 1.0).max())
    if from_one > 1e-10:
        _trip("sum", from_one)
    if penalised:
        return
    if likelihood.family.reproduces_shares and _free_cut_points(design):
        _check_shares(likelihood.family, likelihood.counts[seen], probability)
    _check_scale(likelihood, found)


def _free_cut_points(design: Design) -> bool:
    """Whether every predictor has a cut point of its own; structured ones do not let a maximum reproduce all shares."""
    cuts = design.linear.cuts(design.is_cut[: design.linear.shape[2]])[0]
    return int(np.linalg.matrix_rank(cuts)) == len(cuts)


def _check_shares(family: Family, counts: Array, probability: Array) -> None:
    gap = np.abs(counts.sum(axis=0) - counts.sum(axis=1) @ probability).max() / counts.sum()
    if gap > 1e-8:
        _trip("shares", float(gap), family=family.name)


def _check_replay(design: Design, cells: Cells) -> None:
    again = design.build(_levels_reversed(cells))
    fitted = design.linear
    same = type(again) is type(fitted) and all(
        np.array_equal(one, two) for one, two in zip(vars(again).values(), vars(fitted).values(), strict=False)
    )
    if not same:
        _trip("replay", float(np.abs(again.array - fitted.array).max()))


def _check_scale(likelihood: CellLikelihood, found: MaximumInParameters) -> None:
    """The derivatives of the search, carried back to the design's own parameters, against those of doubled weights there."""
    twice = replace(likelihood, counts=2.0 * likelihood.counts).expansion(found.theta)
    size = np.abs(found.information).max()
    gap = (
        max(
            np.abs(twice.gradient - 2.0 * found.gradient).max(),
            np.abs(twice.information - 2.0 * found.information).max(),
        )
        / size
    )
    if gap > 1e-9:
        _trip("scale", float(gap))


def _levels_reversed(cells: Cells) -> Columns:
    """The patterns, with the levels of every factor listed in another order."""
    columns = {
        name: Grouped(len(values.categories) - 1 - values.codes, tuple(values.categories)[::-1])
        if isinstance(values, pd.Categorical)
        else values
        for name, values in cells.columns.items()
    }
    return columns or cells.patterns


def _trip(wire: str, size: float, **of: str) -> None:
    raise TripwireError(say("tripped", wire=wire, what=say(f"trip_{wire}", **of), size=number(size, ".3g")))
