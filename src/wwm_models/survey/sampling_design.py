"""How respondents were sampled: strata, units, population sizes, calibration and replicate weights.

A `Tally` says how many respondents a row stands for: a frequency, or those who gave the same answers and are grouped.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import numbers_of
from wwm_models.errors import SurveyError, did_you_mean, listed
from wwm_models.numerics.arrays import Array
from wwm_models.survey.frames import refuse_alike, refuse_kind

SAME = 1e-9  # of sums of equal weights, which differ in their last digits


@dataclass(frozen=True, eq=False)
class Tally:
    """What is known of the respondents behind each row; the row's weight is the sum of theirs.

    They differ in nothing but their weights, so a sum over them of w_i v is the row's weight times v, and one of
    w_i^2 v v' is the row's `squares` times v v'. Respondents without weight have rows of their own.

    Attributes
    ----------
    count : (n,) array
        Respondents, zero or more.
    effective : (n,) array
        Kish's effective number of them, ``(sum w)^2 / sum w^2``, at most `count`; `count` where nobody has weight.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley.
    """

    count: Array
    effective: Array

    def squares(self, weight: Array) -> Array:
        """(n,) sums of squared weights of rows whose weights, on any scale, sum to `weight`."""
        return np.divide(weight**2, self.effective, out=np.zeros_like(weight), where=self.effective > 0)

    def share(self, rows: Array) -> Array:
        """(n, m) what one respondent of each row has of `rows`; nothing where there is none."""
        return rows * _inverse(self.count)[:, None]

    @property
    def within_group_weight_variance(self) -> Array:
        """(n,) how much the weights within a row vary: ``1 / effective - 1 / count``, zero where they are equal."""
        return np.maximum(_inverse(self.effective) - _inverse(self.count), 0.0)

    @property
    def alike(self) -> bool:
        """Whether the respondents of each row have equal weights, so that a row says all there is to know of them."""
        return bool((self.within_group_weight_variance * self.count <= SAME).all())


def _inverse(values: Array) -> Array:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def summed_squares(weight: Array, tally: Tally | None) -> Array:
    """(n,) sums of the squared weights of the respondents in each row.

    Parameters
    ----------
    weight : (n,) array
        Sums of their weights.
    tally : Tally or None
        None: a row is a respondent.
    """
    return weight**2 if tally is None else tally.squares(weight)


Lonely = Literal["error", "certainty", "average", "adjust"]
LONELY: Final = ("error", "certainty", "average", "adjust")


@dataclass(frozen=True, eq=False)
class Calibration:
    """One step by which weights were calibrated; variances then use residuals on its columns.

    Attributes
    ----------
    columns : (n, q) array
        Calibration variables of every row.
    before, after : (n,) arrays
        Weights of all rows, in the domain or not, before and after the step.
    again : function of (n,) weights -> (n,) weights
        The step on other weights of the same rows, such as those of a replicate.
    """

    columns: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    again: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    def written_out(self, place: NDArray[np.intp], share: NDArray[np.float64]) -> Calibration:
        """Give the step of rows that are the parts `share` of the rows at `place`."""
        again = partial(_again_in_parts, self.again, place)
        return Calibration(self.columns[place], self.before[place] * share, self.after[place] * share, again)


def _again_in_parts(
    again: Callable[[NDArray[np.float64]], NDArray[np.float64]], place: NDArray[np.intp], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A step multiplies alike the parts of a row, which agree in all that is calibrated."""
    whole = np.bincount(place, weights).astype(np.float64)
    return weights * np.divide(again(whole), whole, out=np.zeros_like(whole), where=whole > 0)[place]


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
    multipliers : (units, R) array
        By which a replicate multiplies the weights that its units had before calibration.
    unit : (n,) int array
        Unit of each row.
    identity : str
        Columns of two sets belong together where this is the same; weights that were calibrated keep it.
    """

    kind: str
    weights: NDArray[np.float64]
    scale: float
    factors: NDArray[np.float64]
    df: float
    multipliers: NDArray[np.float64]
    unit: NDArray[np.intp]
    identity: str = field(default_factory=lambda: uuid.uuid4().hex)


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
    calibrations : tuple of Calibration
        In the order in which the weights went through them; empty where they were not calibrated.
    respondents : tuple of bool
        For every stage, whether its units are the respondents themselves; empty: a row is a unit where codes say so.
    tally : Tally or None
        Respondents behind each row, where rows are not respondents.
    labels : tuple of (strata,) arrays of text
        For every stage, what each code of a stratum is called in the file; empty where nobody gave names.
    """

    strata: NDArray[np.intp]
    psu: NDArray[np.intp]
    fpc: NDArray[np.float64] | None = None
    lonely: Lonely = "error"
    calibrations: tuple[Calibration, ...] = ()
    respondents: tuple[bool, ...] = ()
    tally: Tally | None = None
    labels: tuple[NDArray[np.object_], ...] = ()

    def stratum_name(self, stage: int, code: int) -> str:
        """What a stratum is called in the file; its number, from 1, where nobody gave names."""
        return str(self.labels[stage][code]) if stage < len(self.labels) else f"number {code + 1}"

    def told_apart(self, stage: int) -> bool:
        """Whether every unit of a stage has rows of its own, so that totals of units can be made."""
        return self.tally is None or not self.respondents[stage]

    def written_out(self, place: NDArray[np.intp], share: NDArray[np.float64]) -> SamplingDesign:
        """Give the design of rows that are the parts `share` of the rows at `place`: units of their own where respondents are units."""
        own = np.arange(len(place), dtype=np.intp)
        units = [own if alone else self.psu[place, stage] for stage, alone in enumerate(self.respondents)]
        return replace(
            self, strata=self.strata[place], psu=np.column_stack(units), fpc=None if self.fpc is None else self.fpc[place],
            calibrations=tuple(step.written_out(place, share) for step in self.calibrations), tally=None,
        )  # fmt: skip


def respondents_as_units(n: int) -> SamplingDesign:
    """The design of n rows without strata, whose respondents are the sampling units."""
    return SamplingDesign(np.zeros((n, 1), dtype=np.intp), np.arange(n, dtype=np.intp)[:, None], respondents=(True,))


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
    """Code strata and PSUs as integers, stage by stage; None where nothing is declared.

    Raises
    ------
    SurveyError
        If a column is absent or has missing values, or population sizes are not those of strata.
    """
    names = [[value] if isinstance(value, str) else list(value or ()) for value in (strata, psu, fpc)]
    stages = max(len(part) for part in names)
    if stages == 0:
        return None
    n = len(frame)
    people = np.ones(n) if tally is None else tally.count
    strata_codes = np.zeros((n, stages), dtype=np.intp)
    psu_codes = np.tile(np.arange(n, dtype=np.intp)[:, None], (1, stages))
    parent, labels = np.zeros(n, dtype=np.intp), list[NDArray[np.object_]]()
    for stage in range(stages):
        within = parent if stage >= len(names[0]) else _codes(frame, names[0][stage], parent, people)
        strata_codes[:, stage] = within
        labels.append(_called(frame, (names[0][: stage + 1], names[1][:stage]), within))
        if stage < len(names[1]):
            psu_codes[:, stage] = _codes(frame, names[1][stage], within, people)
        parent = psu_codes[:, stage]
    respondents = tuple(stage >= len(names[1]) for stage in range(stages))
    design = SamplingDesign(
        strata_codes, psu_codes, None, lonely, respondents=respondents, tally=tally, labels=tuple(labels)
    )
    return replace(design, fpc=_population_sizes(frame, names[2], design, people)) if names[2] else design


def _called(frame: pd.DataFrame, names: tuple[list[str], list[str]], codes: NDArray[np.intp]) -> NDArray[np.object_]:
    """What the stratum of every code is called, after the strata and units that it lies in: codes are numbered without gaps."""
    rows = np.unique(codes, return_index=True)[1]
    columns = [name for pair in itertools.zip_longest(*names) for name in pair if name is not None]
    parts = [frame[name].iloc[rows].tolist() for name in columns]
    texts = [" / ".join(map(_plain, values)) for values in zip(*parts, strict=True)] if parts else [""] * len(rows)
    return np.array(texts, dtype=object)


def _plain(value: object) -> str:
    """A value as text, a whole number without a fraction."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _population_sizes(
    frame: pd.DataFrame, names: Sequence[str], design: SamplingDesign, people: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n, stages) population sizes or sampling fractions, the same for all rows of a stratum.

    Raises
    ------
    SurveyError
        If one is missing, zero, negative or text, if a column has both sizes and fractions, or a stratum has several.
    """
    made: list[NDArray[np.float64]] = []
    for stage, name in enumerate(names):
        sizes = numbers_of(column_of(frame, name), f'Population size "{name}"')
        wrong = ~(np.isfinite(sizes) & (sizes > 0.0))
        if wrong.any():
            raise SurveyError(
                f'Population size "{name}": {people[wrong].sum():.0f} of {people.sum():.0f} rows are missing, zero, negative or no number. Expected the '
                "number of units in the population of the row's stratum, or the fraction of them that was sampled. Repair the column."
            )
        if (sizes < 1.0).any() and (sizes > 1.0).any():
            raise SurveyError(
                f'Population size "{name}" runs from {sizes.min():g} to {sizes.max():g}: fractions below 1 and numbers of units above 1 in one column. '
                "Expected one of the two in all rows. Write all of it as numbers of units, or all of it as fractions sampled."
            )
        refuse_varying_sizes(name, sizes, design, stage)
        made.append(sizes)
    return np.column_stack(made)


def refuse_varying_sizes(name: str, sizes: NDArray[np.float64], design: SamplingDesign, stage: int) -> None:
    """Refuse (n,) population sizes that differ within a stratum of the stage; a variance would follow from the order of the rows.

    Raises
    ------
    SurveyError
    """
    codes = design.strata[:, stage]
    order = np.lexsort((sizes, codes))
    first = np.unique(codes[order], return_index=True)[1]
    lowest, highest = sizes[order][first], sizes[order][np.append(first[1:], len(codes)) - 1]
    wrong = np.flatnonzero(highest > lowest * (1.0 + 1e-9))
    if len(wrong):
        where = design.stratum_name(stage, int(wrong[0]))
        raise SurveyError(
            f'Population size "{name}" varies within {len(wrong)} of {len(first)} strata at stage {stage + 1} (first: '
            f"{where or 'the whole sample'}, from {lowest[wrong[0]]:g} to {highest[wrong[0]]:g}). Expected one size or fraction for all rows of a stratum. "
            "Repair the column, or declare the strata that the sizes are of."
        )


def _codes(frame: pd.DataFrame, name: str, within: NDArray[np.intp], people: NDArray[np.float64]) -> NDArray[np.intp]:
    """Integer codes of a column, distinct within the units of the stage above."""
    column = column_of(frame, name)
    if column.isna().any():
        raise SurveyError(
            f'Design column "{name}": {people[column.isna()].sum():.0f} of {people.sum():.0f} rows are missing. Expected a stratum or '
            "sampling unit for every respondent. Repair the column, or leave the rows out of the file on purpose."
        )
    if pd.api.types.infer_dtype(column) in ("mixed", "complex"):  # a day may be a stratum
        refuse_kind(column, name, "Design column", SurveyError)
    values, levels = pd.factorize(column, sort=True)
    refuse_alike(levels, name, SurveyError)
    return pd.factorize(within * (values.max() + 1) + values.astype(np.intp))[0].astype(np.intp)
