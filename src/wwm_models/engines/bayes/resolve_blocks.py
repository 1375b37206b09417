"""Which parameters of a design are made by blocks, from the declared densities; and the scales that priors are on."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from wwm_models.engines.bayes.blocks import Block
from wwm_models.engines.bayes.declared import Density
from wwm_models.engines.bayes.increments import Increments
from wwm_models.engines.bayes.ladders import crossed, values_of
from wwm_models.engines.bayes.pooling import Pooled, zero_sum_basis
from wwm_models.engines.bayes.shrinkage import Shrinkage
from wwm_models.errors import ModelError
from wwm_models.families import Family
from wwm_models.numerics.links import Link
from wwm_models.records import Cells, Design

Array = NDArray[np.float64]
LATENT_SD = MappingProxyType(
    # of each link's distribution; the cauchit has none, its quartiles are nearly the logistic's
    {"logit": np.pi / np.sqrt(3), "probit": 1.0, "cloglog": np.pi / np.sqrt(6), "loglog": np.pi / np.sqrt(6), "cauchit": np.pi / np.sqrt(3)}
)  # fmt: skip


def blocks_of(
    densities: list[Density], mean: Array, scale: Array, df: Array, proper: NDArray[np.bool_], of: tuple[Family, Link, Cells, Design]
) -> tuple[tuple[Block, ...], NDArray[np.bool_]]:  # fmt: skip
    """The blocks of monotonic terms and of shrunken slopes, and which parameters keep a density of their own."""
    family, link, cells, design = of
    proper, blocks, monotone = proper.copy(), list[Block](), np.zeros(len(proper), dtype=bool)
    for names in design.monotone:
        place = np.array([design.names.index(name) for name in names], dtype=np.intp)
        first, monotone[place] = int(place[0]), True
        if densities[first].name in ("r2d2", "flat"):
            raise ModelError(
                f'The monotonic term "{design.terms[first]}" has the prior {densities[first]}; the total effect of mo() needs a density of its own. '
                f'Declare terms = {{ "{design.terms[first]}" = "normal(0, 1)" }}.'
            )
        if len(place) > 1:
            blocks.append(
                Increments(design.terms[first], place, float(mean[first]), float(scale[first]), float(df[first]))
            )
            proper[place] = False
    for term in dict.fromkeys(design.terms):
        place = np.flatnonzero([each == term for each in design.terms])
        if densities[int(place[0])].name == "zero_sum":
            blocks.append(_pooled(term, densities[int(place[0])], place, family, cells, design))
            proper[place] = False
    shrunken = np.array([density.name == "r2d2" for density in densities]) & ~design.is_cut & ~monotone
    if shrunken.any():
        place = np.flatnonzero(shrunken)
        _check_shrunken(design, densities[int(place[0])])
        blocks.append(_shrinkage(densities[int(place[0])], place, family, link, cells, design))
    return tuple(blocks), proper


def _shrinkage(
    density: Density, place: NDArray[np.intp], family: Family, link: Link, cells: Cells, design: Design
) -> Shrinkage:
    """R2-D2 on these slopes: sigma is the latent standard deviation in units of a slope of this family."""
    centre, precision, concentration = density.arguments
    sigma = LATENT_SD["logit"] * default_slope_scale(family, link, len(design.order))
    unit = sigma / np.array([spread_of(column, cells) for column in columns_of(design)[:, place].T])
    return Shrinkage(place, unit, centre * precision, (1.0 - centre) * precision, concentration)


def _pooled(
    term: str, density: Density, place: NDArray[np.intp], family: Family, cells: Cells, design: Design
) -> Pooled:
    """Zero-sum pooling of an interaction of two factors."""
    factors = [each for each in term.split(":") if each in cells.patterns.columns]
    levels = [values_of(cells, name) for name in factors]
    whole = len(factors) == 2 and len(place) == (len(levels[0]) - 1) * (len(levels[1]) - 1)
    if ":" not in term or not whole or any(not hasattr(cells.patterns[name], "cat") for name in factors):
        raise ModelError(
            f'priors.terms gives "{term}" the prior {density}, which is for the interaction of two factors that are in the model themselves, with '
            'slopes that answers share, such as "age_group:household". Use "normal(mean, scale)".'
        )
    columns = family.slope_sign * design.build(crossed(factors, cells)).array[:, 0, place]
    return Pooled(term, place, zero_sum_basis(columns, len(levels[0]), len(levels[1])), density.arguments[0])


def _check_shrunken(design: Design, density: Density) -> None:
    slopes = design.array[:, :, ~design.is_cut[: design.array.shape[2]]]
    if (slopes == slopes[:, :1]).all():
        return
    raise ModelError(
        f'`slopes = "{density}"` is about the share of one latent answer that slopes explain; here slopes belong to single answers. '
        'Use "normal(mean, scale)" or "student_t(df, mean, scale)".'
    )


def default_slope_scale(family: Family, link: Link, answers: int) -> float:
    """Standard deviation of the default prior of a slope.

    Examples
    --------
    >>> from wwm_models.families import FAMILIES
    >>> from wwm_models.numerics.links import LINKS
    >>> default_slope_scale(FAMILIES["cumulative"], LINKS["logit"], 5)
    1.0
    """
    scale = LATENT_SD[link.name] / LATENT_SD["logit"]
    if family.slopes_per_step:
        scale /= LATENT_SD["logit"] * np.sqrt((answers**2 - 1) / 12.0)
    return float(scale)


def columns_of(design: Design) -> Array:
    """(P, p) values of the predictor that each slope belongs to."""
    columns = np.abs(design.array).max(axis=1) * np.sign(design.array.sum(axis=1))
    return columns if design.scale is None else np.hstack([columns, design.scale])


def spread_of(values: Array, cells: Cells) -> float:
    """Weighted standard deviation over the patterns."""
    weight = cells.weights.sum(axis=1) / cells.weights.sum()
    return float(np.sqrt(weight @ (values - weight @ values) ** 2))
