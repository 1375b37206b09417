"""Checks that every fit passes at its estimate, without refitting; a tripped wire is our defect or a damaged input.

Each wire is a law that any correct fit obeys: the design is replayed from the stored encoder with levels in another order; the
probabilities are positive and sum to one, so that P(A or B) = P(A) + P(B); families that reproduce shares do; doubling all weights
moves neither the estimate nor its covariance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.cells.plain import Grouped
from wwm_models.engines.loglikelihood import CellLikelihood
from wwm_models.engines.maximum import Located
from wwm_models.errors import FitError
from wwm_models.families import Family
from wwm_models.records import Cells, Columns, Design

Array = NDArray[np.float64]


class TripwireError(FitError):
    """A law that every fit obeys does not hold for this one."""


def refuse_tripped(
    likelihood: CellLikelihood, found: Located, cells: Cells, design: Design, *, penalised: bool
) -> None:
    """Raise a TripwireError at the first law that does not hold.

    Parameters
    ----------
    likelihood : CellLikelihood
    found : Located
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
        _trip("positive", "a fitted probability is not positive", float(np.nanmin(probability)))
    from_one = float(np.abs(probability.sum(axis=1) - 1.0).max())
    if from_one > 1e-10:
        _trip("sum", "fitted probabilities do not sum to one", from_one)
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
        _trip("shares", f"the {family.name} family must reproduce the observed share of every answer", float(gap))


def _check_replay(design: Design, cells: Cells) -> None:
    again = design.build(_levels_reversed(cells))
    fitted = design.linear
    same = type(again) is type(fitted) and all(
        np.array_equal(one, two) for one, two in zip(vars(again).values(), vars(fitted).values(), strict=False)
    )
    if not same:
        _trip(
            "replay",
            "the design rebuilt from the stored encoder differs from the one that was fitted",
            float(np.abs(again.array - fitted.array).max()),
        )


def _check_scale(likelihood: CellLikelihood, found: Located) -> None:
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
        _trip("scale", "doubling every weight does not double the score and the information", float(gap))


def _levels_reversed(cells: Cells) -> Columns:
    """The patterns, with the levels of every factor listed in another order."""
    columns = {
        name: Grouped(len(values.categories) - 1 - values.codes, tuple(values.categories)[::-1])
        if isinstance(values, pd.Categorical)
        else values
        for name, values in cells.columns.items()
    }
    return columns or cells.patterns


def _trip(wire: str, what: str, size: float) -> None:
    raise TripwireError(
        f'Tripwire "{wire}": {what} (by {size:.3g}). No result of this fit can be trusted. '
        "If the data and the model are as you meant them, this is a defect of the program: please report it with both."
    )
