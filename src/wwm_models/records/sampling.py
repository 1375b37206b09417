"""How respondents were sampled: strata, units, population sizes, calibration and replicate weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import numbers_of
from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.records.tally import Tally

Lonely = Literal["error", "certainty", "average", "adjust"]
LONELY: Final = ("error", "certainty", "average", "adjust")


@dataclass(frozen=True, eq=False)
class Calibration:
    """What weights were calibrated to; variances then use residuals on these columns.

    Attributes
    ----------
    columns : (n, q) array
        Calibration variables of every respondent.
    base_weights : (n,) array
        Weights before calibration.
    """

    columns: NDArray[np.float64]
    base_weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Replicates:
    """Replicate weights and how estimates from them make a variance.

    V = scale * sum_r factors_r (estimate_r - centre)(...)', the centre being the full-sample estimate.

    Attributes
    ----------
    kind : str
        "JK1", "JKn", "BRR", "Fay" or "bootstrap".
    weights : (n, R) array
    scale : float
    factors : (R,) array
    df : float
        Degrees of freedom.
    """

    kind: str
    weights: NDArray[np.float64]
    scale: float
    factors: NDArray[np.float64]
    df: float


@dataclass(frozen=True, eq=False)
class SamplingDesign:
    """Strata, primary sampling units and finite population corrections, one column per stage.

    Attributes
    ----------
    strata, psu : (n, stages) int arrays
        Codes from 0, PSU codes distinct across strata.
    fpc : (n, stages) float array or None
        Units in the population of the row's stratum (values > 1) or the sampling fraction (0 to 1).
    lonely : str
        What a stratum with one PSU contributes: "error", "certainty" (nothing), "adjust" (around the grand mean)
        or "average" (the mean of the other strata).
    calibration : Calibration or None
    respondents : tuple of bool
        For every stage, whether its units are the respondents themselves; empty: a row is a unit where codes say so.
    tally : Tally or None
        Respondents behind each row, where rows are not respondents.
    """

    strata: NDArray[np.intp]
    psu: NDArray[np.intp]
    fpc: NDArray[np.float64] | None = None
    lonely: Lonely = "error"
    calibration: Calibration | None = None
    respondents: tuple[bool, ...] = ()
    tally: Tally | None = None

    def told_apart(self, stage: int) -> bool:
        """Whether every unit of a stage has rows of its own, so that totals of units can be made."""
        return self.tally is None or not self.respondents[stage]


def column_of(frame: pd.DataFrame, name: str) -> pd.Series:
    """Give a column, or say which names there are."""
    if not isinstance(name, str) or name not in frame.columns:  # pyright: ignore[reportUnnecessaryIsInstance]
        known = [str(column) for column in frame.columns]
        raise SurveyError(
            f'The frame has no column "{name}". It has {len(known)} columns: {listed(known)}.{did_you_mean(str(name), known)}'
        )
    return frame[name]


def sampling_design(
    frame: pd.DataFrame,
    strata: str | Sequence[str] | None,
    psu: str | Sequence[str] | None,
    fpc: str | Sequence[str] | None,
    lonely: Lonely,
    tally: Tally | None = None,
) -> SamplingDesign | None:
    """Code strata and PSUs as integers, stage by stage; None where nothing is declared."""
    names = [[value] if isinstance(value, str) else list(value or ()) for value in (strata, psu, fpc)]
    stages = max(len(part) for part in names)
    if stages == 0:
        return None
    n = len(frame)
    people = np.ones(n) if tally is None else tally.count
    strata_codes = np.zeros((n, stages), dtype=np.intp)
    psu_codes = np.tile(np.arange(n, dtype=np.intp)[:, None], (1, stages))
    parent = np.zeros(n, dtype=np.intp)
    for stage in range(stages):
        within = parent if stage >= len(names[0]) else _codes(frame, names[0][stage], parent, people)
        strata_codes[:, stage] = within
        if stage < len(names[1]):
            psu_codes[:, stage] = _codes(frame, names[1][stage], within, people)
        parent = psu_codes[:, stage]
    sizes = None
    if names[2]:
        sizes = np.column_stack([numbers_of(column_of(frame, name), f'Population size "{name}"') for name in names[2]])
    respondents = tuple(stage >= len(names[1]) for stage in range(stages))
    return SamplingDesign(strata_codes, psu_codes, sizes, lonely, respondents=respondents, tally=tally)


def _codes(frame: pd.DataFrame, name: str, within: NDArray[np.intp], people: NDArray[np.float64]) -> NDArray[np.intp]:
    """Integer codes of a column, distinct within the units of the stage above."""
    column = column_of(frame, name)
    if column.isna().any():
        raise SurveyError(
            f'Design column "{name}": {people[column.isna()].sum():.0f} of {people.sum():.0f} rows are missing. Expected a stratum or '
            "sampling unit for every respondent. Repair the column, or leave the rows out of the file on purpose."
        )
    values = pd.factorize(column, sort=True)[0].astype(np.intp)
    return pd.factorize(within * (values.max() + 1) + values)[0].astype(np.intp)
