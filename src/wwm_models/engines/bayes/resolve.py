"""From declared priors and a design to the prior of its parameters, with the defaults of the package.

Defaults (docs/explanation/priors.md says why): cut points induced_dirichlet(1) where they are flexible; slopes normal(0, s) with
s = 1 for the logit and, for another link, in the same proportion to its standard deviation; for the adjacent family divided by
the standard deviation of a uniform answer in latent units, since its slopes act at every step; log standard deviations
normal(0, 0.5). A slope is per 0/1 step, or per two standard deviations of a number.

References
----------
Gelman, A. (2008). Scaling regression inputs by dividing by two standard deviations. Statistics in Medicine 27, 2865-2873.
doi:10.1002/sim.3107
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from wwm_models.engines.bayes.anchors import anchor_of
from wwm_models.engines.bayes.declared import DeclaredPriors, Density
from wwm_models.engines.bayes.ladders import truncation
from wwm_models.engines.bayes.priors import Prior
from wwm_models.engines.bayes.resolve_blocks import blocks_of, columns_of, default_slope_scale, spread_of
from wwm_models.errors import ModelError, did_you_mean, listed
from wwm_models.families import Family, Model
from wwm_models.numerics.links import Link
from wwm_models.records import Cells, Design

Array = NDArray[np.float64]
CUT_SCALE = 2.5  # of structured cut points: wide against any latent distribution, narrow against separation


def resolve_prior(
    declared: DeclaredPriors, model: Model, family: Family, link: Link, cells: Cells, design: Design
) -> Prior:
    """Give every parameter its density.

    Parameters
    ----------
    declared : DeclaredPriors
    model, family, link, cells, design

    Raises
    ------
    ModelError
        If a declared density does not suit the model, or names a term that is not there.
    """
    _check_terms(declared, design)
    densities = [_density_of(j, declared, family, link, design) for j in range(len(design.names))]
    cut = declared.cutpoints or _default_cuts(model)
    _check_cuts(cut, model, family)
    anchor = anchor_of(cut.arguments[0], cells, design) if cut.name == "induced_dirichlet" else None
    densities = [cut if is_cut else density for density, is_cut in zip(densities, design.is_cut, strict=True)]
    mean, scale, df, proper = (np.array(part) for part in zip(*(_numbers(d) for d in densities), strict=True))
    proper = proper.astype(bool)
    units = np.where(design.is_cut, 1.0, _units(declared, cells, design))
    blocks, proper = blocks_of(densities, mean / units, scale / units, df, proper, (family, link, cells, design))
    exchangeable = (
        cut.name in ("ordered_normal", "student_t") and family.ordered_cuts and model.thresholds == "flexible"
    )
    return Prior(
        family=family,
        link=link,
        mean=mean.astype(np.float64) / units,
        scale=scale.astype(np.float64) / units,
        df=df.astype(np.float64),
        proper=proper,
        anchor=anchor,
        log_orders=_log_orders(design) if exchangeable else 0.0,
        gaps=truncation(model, family, cells, design),
        texts=_texts(declared, cut, densities, design),
        blocks=blocks,
    )


def _log_orders(design: Design) -> float:
    """Log of the number of orders of the flexible cut points of every group."""
    steps = len(design.order) - 1
    return float(design.is_cut.sum()) / steps * float(gammaln(steps + 1.0))


def _check_terms(declared: DeclaredPriors, design: Design) -> None:
    terms = [term for term in dict.fromkeys(design.terms) if term]
    for term in declared.terms:
        if term not in terms:
            raise ModelError(
                f'priors.terms names "{term}", which is not a term of the model. Terms: {listed(terms, 20)}.{did_you_mean(term, terms)}'
            )


def _check_cuts(cut: Density, model: Model, family: Family) -> None:
    if cut.name == "induced_dirichlet" and model.thresholds != "flexible":
        raise ModelError(
            f'`cutpoints = "{cut}"` needs flexible cut points; the model has thresholds = "{model.thresholds}". '
            'Use "normal(mean, scale)" for its parameters.'
        )
    if cut.name == "ordered_normal" and (not family.ordered_cuts or model.thresholds != "flexible"):
        raise ModelError(
            f'`cutpoints = "{cut}"` is for flexible cut points that must increase; here family = "{family.name}", '
            f'thresholds = "{model.thresholds}". Use "normal(mean, scale)".'
        )
    if cut.name == "normal" and family.ordered_cuts and model.thresholds == "flexible":
        raise ModelError(
            f'`cutpoints = "{cut}"`: cut points of the {family.name} family must increase. Use "ordered_normal(mean, scale)".'
        )


def _default_cuts(model: Model) -> Density:
    if model.thresholds == "flexible":
        return Density("induced_dirichlet", (1.0,))
    return Density("normal", (0.0, CUT_SCALE))


def _density_of(j: int, declared: DeclaredPriors, family: Family, link: Link, design: Design) -> Density:
    term = design.terms[j]
    if term in declared.terms:
        return declared.terms[term]
    if term.startswith("scale:"):
        return declared.scale or Density("normal", (0.0, 0.5))
    return declared.slopes or Density("normal", (0.0, default_slope_scale(family, link, len(design.order))))


def _numbers(density: Density) -> tuple[float, float, float, bool]:
    """Mean, scale, degrees of freedom, proper."""
    if density.name in ("normal", "ordered_normal"):
        return density.arguments[0], density.arguments[1], np.inf, True
    if density.name == "student_t":
        return density.arguments[1], density.arguments[2], density.arguments[0], True
    return 0.0, 1.0, np.inf, False


def _units(declared: DeclaredPriors, cells: Cells, design: Design) -> Array:
    """What a slope's prior is per: one for indicators, two weighted standard deviations for numbers."""
    units = np.ones(len(design.names))
    if declared.predictors == "as_is":
        return units
    columns = columns_of(design)
    for j in np.flatnonzero(~design.is_cut):
        if not np.isin(columns[:, j], (-1.0, 0.0, 1.0)).all():
            units[j] = 2.0 * spread_of(columns[:, j], cells)
    return units


def _texts(
    declared: DeclaredPriors, cut: Density, densities: list[Density], design: Design
) -> MappingProxyType[str, str]:
    """Densities by group of parameters, as they are printed."""
    found = {"cutpoints": str(cut)}
    for density, term in zip(densities, design.terms, strict=True):
        if term:
            found[term] = (
                f"{density} per {'unit' if declared.predictors == 'as_is' else 'step or two standard deviations'}"
            )
    return MappingProxyType(found)
