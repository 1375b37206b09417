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
from scipy.linalg import hadamard

from wwm_models.arguments import MOST, whole_number
from wwm_models.errors import SurveyError, did_you_mean, expect
from wwm_models.likelihood.multistage import (
    contributing_stages,
    number_of_units,
    sampling_fractions,
    unit_counts,
    units_of,
)
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.survey.calibration import calibrated_again
from wwm_models.survey.sampling_design import Replicates, SamplingDesign, Tally, respondents_as_units
from wwm_models.survey.survey import Survey

MOST_WEIGHTS = 500_000_000  # of respondents in all replicates: four gigabytes
KINDS = ("JK1", "JKn", "BRR", "Fay", "bootstrap")


def replicates(survey: Survey, kind: str = "JKn", *, draws: int = 500, seed: int = 1, rho: float = 0.3) -> Survey:
    """The same survey with replicate weights made from its design.

    Parameters
    ----------
    survey : Survey
        The respondents, with their weights and design.
    kind : {"JK1", "JKn", "BRR", "Fay", "bootstrap"}
        Leave one unit out (unstratified; by stratum), half samples of two units per stratum (whole; Fay's with `rho`), or
        the rescaled bootstrap of Rao, Wu and Yue, of every stage that adds to the variance.
    draws : int
        Bootstrap replicates, 2 or more, and so many that all weights of respondents fit in four gigabytes.
    seed : int
        Of the bootstrap.
    rho : float
        Fay's factor, from 0 (BRR) up to but not including 1.

    Returns
    -------
    Survey
        With ``replicates`` set; estimates from it have replicate standard errors. Where the weights were calibrated, every
        replicate is calibrated again. A row that stands for several respondents is that many units, where respondents are units.

    Raises
    ------
    SurveyError
        If the kind is unknown or does not suit the design, or a replicate cannot be calibrated.

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
    if not 0.0 <= rho < 1.0:
        raise SurveyError(
            f"rho={rho!r} is not a factor of Fay's method. Expected a number from 0 (half samples) up to but not including 1. Leave it out for 0.3."
        )
    design = survey.design or replace(respondents_as_units(len(survey)), tally=survey.tally)
    if not all(design.told_apart(stage) for stage in range(contributing_stages(design))):
        survey.weights_known("wwm.replicates, where respondents are the sampling units,")
    _refuse_later_stages(design, kind)
    first, unit, stratum = units_of(design, 0)
    counts = unit_counts(design, 0, stratum)
    sizes = np.bincount(stratum, counts).astype(np.float64)
    kept = 1.0 - sampling_fractions(design, 0, first, stratum, sizes)
    if kind == "JK1" and len(sizes) > 1:
        raise SurveyError(f'"JK1" is for one stratum; this design has {len(sizes)}. Use "JKn".')
    if (sizes < 2).any():
        raise SurveyError(
            f"{int((sizes < 2).sum())} strata have a single sampling unit; replicates need two or more. Merge strata first."
        )
    if kind == "bootstrap":
        most = max(2, min(MOST["draws"], MOST_WEIGHTS // len(survey)))
        whole_number(draws, "draws", SurveyError, least=2, most=most)
        factors, scale = np.ones(draws), 1.0 / draws
        multipliers, unit = bootstrap_multipliers(design, draws, np.random.default_rng(seed)), bootstrap_units(design)
    elif kind in ("JK1", "JKn"):
        factors, scale, multipliers = _jackknife(stratum, counts, sizes, kept)
    else:
        factors, scale, multipliers = _balanced(stratum, counts, sizes, kept, rho if kind == "Fay" else 0.0)
    made = Replicates(
        kind, _calibrated(survey, multipliers[unit]), scale, factors, float(number_of_units(design) - len(sizes)), multipliers, unit,
        f"{survey.identity}: {kind}, {draws} draws, seed {seed}, rho {rho}",
    )  # fmt: skip
    return replace(survey, replicates=made)


def _refuse_later_stages(design: SamplingDesign, kind: str) -> None:
    """Refuse replicates of first-stage units where later stages add to the variance, or where that cannot be known."""
    stages = contributing_stages(design)
    if stages == 1:
        return
    if kind != "bootstrap":
        raise SurveyError(
            f'Replicates of kind "{kind}" leave out whole units of the first stage; with the sampling fractions of this design {stages} stages '
            'add to the variance, and such replicates would not show the later ones. Expected kind="bootstrap", which resamples every '
            "stage. Use that, or no replicates: linearised standard errors have all stages."
        )
    for stage in range(1, stages):
        first, _, stratum = units_of(design, stage)
        sizes = np.bincount(stratum, unit_counts(design, stage, stratum)).astype(np.float64)
        lonely = (sizes < 2) & (sampling_fractions(design, stage, first, stratum, sizes) < 1.0)
        if lonely.any() and design.lonely != "certainty":
            raise SurveyError(
                f"{int(lonely.sum())} of {len(sizes)} units sampled before stage {stage + 1} have a single unit in it; replicates need two or "
                'more. Merge units first, or declare lonely = "certainty", for which they add nothing.'
            )


def _calibrated(survey: Survey, multipliers: Array) -> Array:
    """(n, R) replicate weights: the weights before any calibration times the multipliers, calibrated again step by step."""
    steps = () if survey.design is None else survey.design.calibrations
    weights = (steps[0].before if steps else survey.weights)[:, None] * multipliers
    for step in steps:
        weights = calibrated_again(weights, step.again)
    return weights


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


Made = tuple[Array, float, Array]


def _jackknife(stratum: Codes, counts: Array, sizes: Array, kept: Array) -> Made:
    """Leave one unit out; the others of its stratum weigh n / (n - 1). Of a row of c units, one is left out on behalf of each."""
    some = np.flatnonzero(counts > 0)
    multiplier = np.ones((len(stratum), len(some)))
    same = stratum[:, None] == stratum[some][None, :]
    multiplier[same] = (sizes / (sizes - 1.0))[stratum][np.nonzero(same)[0]]
    multiplier[some, np.arange(len(some))] *= (counts[some] - 1.0) / counts[some]
    return (kept * (sizes - 1.0) / sizes)[stratum[some]] * counts[some], 1.0, multiplier


def _balanced(stratum: Codes, counts: Array, sizes: Array, kept: Array, rho: float) -> Made:
    """Half samples by the rows of a Hadamard matrix: the chosen unit weighs 2 - rho, the other rho; nearer to one by the root of 1 - f."""
    if (sizes != 2).any():
        raise SurveyError(
            f"Half samples need two units in every stratum; {int((sizes != 2).sum())} strata have another number. Use JKn."
        )
    order = 1 << int(np.ceil(np.log2(len(sizes) + 1)))
    signs = hadamard(order)[:, 1 : len(sizes) + 1]
    row = np.repeat(np.arange(len(stratum)), counts.astype(np.intp))
    second = np.zeros(len(row), dtype=bool)
    second[np.unique(stratum[row], return_index=True)[1]] = True
    side = np.where(second[:, None], 1.0, -1.0) * signs[:, stratum[row]].T
    made = np.zeros((len(stratum), order))
    np.add.at(made, row, 1.0 + np.sqrt(kept)[stratum[row], None] * (1.0 - rho) * side)
    made /= np.maximum(counts, 1.0)[:, None]
    return np.ones(order), 1.0 / (order * (1.0 - rho) ** 2), made


def bootstrap_units(design: SamplingDesign) -> Codes:
    """(n,) unit of each row that `bootstrap_multipliers` has a factor for: of the last stage that adds to the variance."""
    return units_of(design, contributing_stages(design) - 1)[1]


def bootstrap_multipliers(design: SamplingDesign, draws: int, generator: np.random.Generator) -> Array:
    """(units, draws) factors of units by the rescaled bootstrap, stage by stage; a stratum's only unit keeps its weight.

    The factor of a unit is the product of ``a_s = 1 + c_s (r_s - 1)`` over the stages, r_s = n / (n - 1) times how often it is among n - 1
    draws with replacement from its n. As r_s has variance 1, ``c_s^2 = f_1 ... f_(s-1) (1 - f_s) / E a_1^2 ... E a_(s-1)^2`` gives weighted
    totals the variance of `staged_covariance`, and no factor is negative (Rao and Wu 1988 for two stages; Preston 2009 draws without
    replacement).

    Where the units are respondents who are grouped, a factor is that of the weight of a row. Of its c respondents
    with weights w, as many are drawn as the multinomial law says; their mean weight has variance sum(w^2) / c - mean(w)^2 in each
    draw, for which a gamma law stands: the first two moments are those of drawing the respondents themselves.

    Parameters
    ----------
    design : SamplingDesign
    draws : int
    generator : numpy Generator

    References
    ----------
    Rao, J. N. K. and Wu, C. F. J. (1988). Resampling inference with complex survey data. JASA 83, 231-241. doi:10.1080/01621459.1988.10478591
    Preston, J. (2009). Rescaled bootstrap for stratified multistage sampling. Survey Methodology 35, 227-234.
    """
    stages = contributing_stages(design)
    last, _, _ = units_of(design, stages - 1)
    made = np.ones((len(last), draws))
    before, power = np.ones(len(design.psu)), np.ones(len(design.psu))
    for stage in range(stages):
        first, unit, stratum = units_of(design, stage)
        sizes = np.bincount(stratum, unit_counts(design, stage, stratum)).astype(np.float64)
        fraction = sampling_fractions(design, stage, first, stratum, sizes)
        square = (before / power)[first] * (1.0 - fraction[stratum]) * (sizes > 1)[stratum]
        tally = None if design.told_apart(stage) else design.tally
        moved = _resampled(tally, stratum, sizes, draws, generator)
        made *= 1.0 + np.sqrt(square)[unit[last], None] * moved[unit[last]]
        before, power = before * fraction[stratum][unit], power * (1.0 + square[unit])
    return made


def _resampled(tally: Tally | None, stratum: Codes, sizes: Array, draws: int, generator: np.random.Generator) -> Array:
    """(units, draws) how much more than once each unit counts, r - 1; rows that stand for several units by their mean."""
    moved = np.zeros((len(stratum), draws))
    for h, size in enumerate(np.round(sizes).astype(int)):
        members = np.flatnonzero(stratum == h)
        if size <= 1:
            continue
        if tally is None:
            drawn = np.array(
                [np.bincount(generator.integers(0, size, size - 1), minlength=size) for _ in range(draws)]
            ).T
        else:
            members = members[tally.count[members] > 0]
            drawn = _drawn_rows(
                tally.count[members], tally.within_group_weight_variance[members], size, draws, generator
            ).T
        moved[members] = drawn * size / (size - 1.0) - 1.0
    return moved


def _drawn_rows(count: Array, excess: Array, size: int, draws: int, generator: np.random.Generator) -> Array:
    """(draws, rows) how often the respondents of each row are drawn, on average, where they weigh unequally by weight."""
    drawn = generator.multinomial(size - 1, count / size, draws) / count
    varying = excess > 0.0
    drawn[:, varying] = generator.gamma(drawn[:, varying] / excess[varying], excess[varying])
    return drawn
