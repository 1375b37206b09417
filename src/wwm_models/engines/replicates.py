"""Replicate weights: jackknife, balanced repeated replication and bootstrap, and the variance they give.

References
----------
Wolter, K. M. (2007). Introduction to Variance Estimation, 2nd ed. Springer.
Rao, J. N. K., Wu, C. F. J. and Yue, K. (1992). Some recent work on resampling methods for complex surveys. Survey Methodology
18, 209-217.
Judkins, D. R. (1990). Fay's method for variance estimation. Journal of Official Statistics 6, 223-239.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from wwm_models.engines.stages import sampling_fractions, unit_counts, units_of
from wwm_models.errors import SurveyError, did_you_mean, expect
from wwm_models.records import Replicates, SamplingDesign, Survey, Tally

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
KINDS = ("JK1", "JKn", "BRR", "Fay", "bootstrap")


def replicates(survey: Survey, kind: str = "JKn", *, draws: int = 500, seed: int = 1, rho: float = 0.3) -> Survey:
    """The same survey with replicate weights made from its design.

    Parameters
    ----------
    survey : Survey
    kind : {"JK1", "JKn", "BRR", "Fay", "bootstrap"}
        Leave one unit out (unstratified; by stratum), half samples of two units per stratum (whole; Fay's with `rho`), or
        the rescaled bootstrap of Rao, Wu and Yue.
    draws : int
        Bootstrap replicates.
    seed : int
        Of the bootstrap.
    rho : float
        Fay's factor, from 0 (BRR) up to but not including 1.

    Returns
    -------
    Survey
        With ``replicates`` set; estimates from it have replicate standard errors.

    Raises
    ------
    SurveyError
        If the kind is unknown or does not suit the design.

    Examples
    --------
    >>> import pandas as pd
    >>> survey = Survey.from_frame(pd.DataFrame({"x": [1.0, 2.0, 4.0]}), weight=None)
    >>> replicates(survey, "JK1").replicates.weights.T.tolist()
    [[0.0, 1.5, 1.5], [1.5, 0.0, 1.5], [1.5, 1.5, 0.0]]
    """
    expect(survey, (Survey,), "The first argument of replicates", SurveyError)
    if kind not in KINDS:
        raise SurveyError(
            f'Replicates of kind "{kind}" are not known. Expected one of: {", ".join(KINDS)}.{did_you_mean(kind, KINDS)}'
        )
    design = survey.design or _simple(len(survey))
    if survey.design is None or not survey.design.told_apart(0):
        survey.one_by_one("wwm.replicates, where respondents are the sampling units,")
    first, unit, stratum = units_of(design, 0)
    sizes = np.bincount(stratum).astype(np.float64)
    kept = 1.0 - sampling_fractions(design, 0, first, stratum, sizes)
    if kind == "JK1" and len(sizes) > 1:
        raise SurveyError(f'"JK1" is for one stratum; this design has {len(sizes)}. Use "JKn".')
    if (sizes < 2).any() and kind != "JK1":
        raise SurveyError(
            f"{int((sizes < 2).sum())} strata have a single sampling unit; replicates need two or more. Merge strata first."
        )
    factors, scale, weights_by_unit = _MAKERS[kind](stratum, sizes, kept, draws, seed, rho)
    made = Replicates(
        kind, survey.weights[:, None] * weights_by_unit[unit], scale, factors, float(len(stratum) - len(sizes)),
        f"{survey.identity}: {kind}, {draws} draws, seed {seed}, rho {rho}",
    )  # fmt: skip
    return replace(survey, replicates=made)


def replicate_covariance(again: Array, full: Array, made: Replicates) -> Array:
    """Covariance of estimates from their replicates.

    Parameters
    ----------
    again : (R, m) array
        The estimates under every replicate weight.
    full : (m,) array
        The estimates under the full weight, around which deviations are taken.
    made : Replicates

    Returns
    -------
    (m, m) array
    """
    scaled = replicate_deviations(again, full, made)
    return scaled.T @ scaled


def replicate_deviations(again: Array, full: Array, made: Replicates) -> Array:
    """Deviations of the replicates, (R, m), scaled so that their cross-product is the covariance."""
    return np.sqrt(made.scale * made.factors)[:, None] * (again - full)


def _simple(n: int) -> SamplingDesign:
    return SamplingDesign(np.zeros((n, 1), dtype=np.intp), np.arange(n, dtype=np.intp)[:, None])


Made = tuple[Array, float, Array]


def _jackknife(stratum: Codes, sizes: Array, kept: Array, draws: int, seed: int, rho: float) -> Made:
    """Leave one unit out; the others of its stratum weigh n / (n - 1)."""
    del draws, seed, rho
    units = len(stratum)
    multiplier = np.ones((units, units))
    same = stratum[:, None] == stratum[None, :]
    multiplier[same] = (sizes / (sizes - 1.0))[stratum][np.nonzero(same)[1]]
    np.fill_diagonal(multiplier, 0.0)
    return (kept * (sizes - 1.0) / sizes)[stratum], 1.0, multiplier


def _balanced(stratum: Codes, sizes: Array, kept: Array, draws: int, seed: int, rho: float) -> Made:
    """Half samples by the rows of a Hadamard matrix: the chosen unit weighs 2 - rho, the other rho."""
    del draws, seed, kept
    if (sizes != 2).any():
        raise SurveyError(
            f"Half samples need two units in every stratum; {int((sizes != 2).sum())} strata have another number. Use JKn."
        )
    order = 1 << int(np.ceil(np.log2(len(sizes) + 1)))
    signs = hadamard(order)[:, 1 : len(sizes) + 1]
    second = np.zeros(len(stratum), dtype=bool)
    second[np.unique(stratum, return_index=True)[1]] = True
    side = np.where(second[:, None], 1, -1) * signs[:, stratum].T
    return np.ones(order), 1.0 / (order * (1.0 - rho) ** 2), np.where(side > 0, 2.0 - rho, rho)


def _half(stratum: Codes, sizes: Array, kept: Array, draws: int, seed: int, rho: float) -> Made:
    del rho
    return _balanced(stratum, sizes, kept, draws, seed, 0.0)


def _bootstrap(stratum: Codes, sizes: Array, kept: Array, draws: int, seed: int, rho: float) -> Made:
    """N - 1 units with replacement from each stratum; rescaled so that the mean multiplier is one."""
    del rho
    return np.ones(draws), 1.0 / draws, _rescaled(stratum, sizes, kept, draws, np.random.default_rng(seed))


def bootstrap_multipliers(design: SamplingDesign, draws: int, generator: np.random.Generator) -> Array:
    """(units, draws) factors of first-stage units by the rescaled bootstrap; a stratum's only unit keeps its weight.

    Where the units are respondents who were counted together, a factor is that of the weight of a row. Of its c respondents
    with weights w, as many are drawn as the multinomial law says; their mean weight has variance sum(w^2) / c - mean(w)^2 in each
    draw, for which a gamma law stands: the first two moments are those of drawing the respondents themselves.

    Parameters
    ----------
    design : SamplingDesign
    draws : int
    generator : numpy Generator
    """
    first, _, stratum = units_of(design, 0)
    sizes = np.bincount(stratum, unit_counts(design, 0, stratum)).astype(np.float64)
    kept = 1.0 - sampling_fractions(design, 0, first, stratum, sizes)
    if design.tally is None or design.told_apart(0):
        return _rescaled(stratum, sizes, kept, draws, generator)
    return _rescaled_rows(design.tally, stratum, sizes, kept, draws, generator)


def _rescaled(stratum: Codes, sizes: Array, kept: Array, draws: int, generator: np.random.Generator) -> Array:
    multiplier = np.ones((len(stratum), draws))
    for h, size in enumerate(sizes.astype(int)):
        if size == 1:
            continue
        members = np.flatnonzero(stratum == h)
        hits = [np.bincount(generator.integers(0, size, size - 1), minlength=size) for _ in range(draws)]
        shrink = np.sqrt(kept[h])
        multiplier[members] = 1.0 + shrink * (np.array(hits).T * size / (size - 1.0) - 1.0)
    return multiplier


def _rescaled_rows(
    tally: Tally, stratum: Codes, sizes: Array, kept: Array, draws: int, generator: np.random.Generator
) -> Array:
    """As `_rescaled`, of rows that stand for several units."""
    multiplier = np.ones((len(stratum), draws))
    for h, size in enumerate(np.round(sizes).astype(int)):
        if size == 1:
            continue
        members = np.flatnonzero(stratum == h)
        count, excess = tally.count[members], tally.excess[members]
        drawn = generator.multinomial(size - 1, count / size, draws) / count
        uneven = excess > 0.0
        drawn[:, uneven] = generator.gamma(drawn[:, uneven] / excess[uneven], excess[uneven])
        multiplier[members] = 1.0 + np.sqrt(kept[h]) * (drawn.T * size / (size - 1.0) - 1.0)
    return multiplier


_MAKERS = {"JK1": _jackknife, "JKn": _jackknife, "BRR": _half, "Fay": _balanced, "bootstrap": _bootstrap}
