"""The same model as a readable ``pm.Model``: same parameters, same priors, same likelihood on cells.

Conventions. The density is that of the free coordinates, Jacobians included, with all constants of proper priors; it equals
`LogPosterior` at every point except for the unknown share of a truncated prior. Free coordinates of ordered cut points are the
first one and logarithms of distances, as in PyMC's ``ordered`` transform; slopes of their own come from ``ladders``, the predictors
of each combination of levels, which increase.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from wwm_models.engines.bayes.coordinates import Coordinates
from wwm_models.engines.bayes.ladders import coordinates_of
from wwm_models.engines.bayes.symbolic import LINKS, LOG_PROBABILITIES, SHARES_JACOBIAN
from wwm_models.records import Posterior


def pymc_model(post: Posterior) -> Any:
    """Build the model; imports PyMC.

    Parameters
    ----------
    post : Posterior

    Returns
    -------
    pm.Model
        With variables ``cutpoints``, ``slopes`` (those that the model has), or ``ladders`` and ``rest``, the potential ``likelihood``, and
        the deterministic ``theta`` in the order of ``design.names``.
    """
    pm, pt = _libraries()
    design, link = post.design, LINKS[post.model.link]
    counts = post.cells.weights[:, design.order]
    if post.survey.weight_kind == "sampling":
        counts = counts * (post.n_effective / counts.sum())
    coordinates = coordinates_of(post.model, post.family, post.cells, design)
    with pm.Model(coords={"parameter": list(design.names)}) as model:
        made = _laddered(pm, post, coordinates) if coordinates.turn is not None else _separate(pm, post, coordinates)
        theta = pm.Deterministic("theta", made, dims="parameter")
        size = design.array.shape[2]
        eta = pt.tensordot(pt.as_tensor(design.array), theta[:size], axes=1)
        if design.scale is not None:
            eta = eta * pt.exp(-pt.dot(pt.as_tensor(design.scale), theta[size:]))[:, None]
        log_p = LOG_PROBABILITIES[post.model.family](eta, link)
        observed = np.nonzero(counts)
        pm.Potential("likelihood", pt.sum(counts[observed] * log_p[observed]))
        if post.prior.anchor is not None:
            pm.Potential("cutpoint_prior", _anchored(pt, post, theta, link))
        if len(post.prior.gaps) and coordinates.ordered < 2:
            inside = pt.all(pt.dot(pt.as_tensor(post.prior.gaps), theta) > 0)
            pm.Potential("ordered_on_every_pattern", pt.switch(inside, 0.0, -np.inf))
    return model


def _libraries() -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # arviz, which PyMC imports, announces its successor
        return importlib.import_module("pymc"), importlib.import_module("pytensor.tensor")


def _separate(pm: Any, post: Posterior, coordinates: Coordinates) -> Any:
    """Parameters whose cut points and slopes are variables of their own."""
    _, pt = _libraries()
    is_cut = np.asarray(post.design.is_cut)
    plain = ~is_cut
    for block in post.prior.blocks:
        plain[block.place] = False
    parts, places = [_cutpoints(pm, post, coordinates).flatten()], [np.flatnonzero(is_cut)]
    if plain.any():
        parts.append(_independent(pm, "slopes", post, plain))
        places.append(np.flatnonzero(plain))
    for block in post.prior.blocks:
        parts.append(block.in_pymc(pm, pt))
        places.append(block.place)
    return pt.concatenate(parts)[np.argsort(np.concatenate(places))]


def _laddered(pm: Any, post: Posterior, coordinates: Coordinates) -> Any:
    """Parameters from the increasing predictors of every combination of levels; their priors are one potential."""
    _, pt = _libraries()
    assert coordinates.turn is not None
    shape = coordinates.ladders, coordinates.ordered
    start = np.tile(np.linspace(-1.0, 1.0, shape[1]), (shape[0], 1))
    ladders = pm.Flat("ladders", shape=shape, initval=start, transform=pm.distributions.transforms.ordered)
    climbed, size = shape[0] * shape[1], len(coordinates.turn)
    parts, places = [ladders.flatten()], [np.arange(climbed)]
    for block in post.prior.blocks:
        parts.append(block.in_pymc(pm, pt))
        places.append(coordinates.position(block.place))
    left = np.setdiff1d(np.arange(size), np.concatenate(places))
    if len(left):
        parts.append(pm.Flat("rest", shape=len(left), initval=np.zeros(len(left))))
        places.append(left)
    theta = pt.dot(pt.as_tensor(coordinates.turn), pt.concatenate(parts)[np.argsort(np.concatenate(places))])
    pm.Potential("parameter_prior", _log_independent(pm, post, theta) + np.linalg.slogdet(coordinates.turn)[1])
    return theta


def _log_independent(pm: Any, post: Posterior, theta: Any) -> Any:
    """Log density of the parameters that have an independent prior."""
    _, pt = _libraries()
    prior, heavy = post.prior, np.isfinite(post.prior.df)
    total = pt.constant(post.prior.log_orders)
    for chosen, law in (
        (prior.proper & ~heavy, lambda c: pm.Normal.dist(prior.mean[c], prior.scale[c])),
        (prior.proper & heavy, lambda c: pm.StudentT.dist(nu=prior.df[c], mu=prior.mean[c], sigma=prior.scale[c])),
    ):
        if chosen.any():
            total = total + pt.sum(pm.logp(law(chosen), theta[np.flatnonzero(chosen)]))
    return total


def _cutpoints(pm: Any, post: Posterior, coordinates: Coordinates) -> Any:
    """Cut points, a row for each group with its own: flat where a potential holds their prior; ordered where they must be."""
    is_cut = np.asarray(post.design.is_cut)
    ordered = coordinates.ordered > 1
    shape = (coordinates.ladders, coordinates.ordered) if coordinates.ladders > 1 else (int(is_cut.sum()),)
    options: dict[str, Any] = {"transform": pm.distributions.transforms.ordered} if ordered else {}
    options["initval"] = np.broadcast_to(np.linspace(-1.0, 1.0, shape[-1]) if ordered else 0.0, shape).copy()
    if post.prior.anchor is not None or not post.prior.proper[is_cut].all():
        return pm.Flat("cutpoints", shape=shape, **options)
    found = _independent(pm, "cutpoints", post, is_cut, shape, **options)
    if post.prior.log_orders:
        pm.Potential("orders", _libraries()[1].constant(post.prior.log_orders))
    return found


def _independent(
    pm: Any, name: str, post: Posterior, chosen: Any, shape: tuple[int, ...] = (-1,), **options: Any
) -> Any:
    parts = (post.prior.mean, post.prior.scale, post.prior.df, post.prior.proper)
    mean, scale, df, proper = (np.asarray(part)[chosen].reshape(shape) for part in parts)
    if not proper.any():
        return pm.Flat(name, shape=mean.shape, **options)
    if np.isinf(df).all():
        return pm.Normal(name, mean, scale, shape=mean.shape, **options)
    if np.isfinite(df).all():
        return pm.StudentT(name, nu=df, mu=mean, sigma=scale, shape=mean.shape, **options)
    return _mixed(pm, name, mean, scale, df, options)


def _mixed(pm: Any, name: str, mean: Any, scale: Any, df: Any, options: dict[str, Any]) -> Any:
    """Some normal, some Student's t: flat, with both densities as a potential."""
    _, pt = _libraries()
    normal = np.isinf(df)
    found = pm.Flat(name, shape=len(mean), **options)
    log_normal = pm.logp(pm.Normal.dist(mean[normal], scale[normal]), found[normal])
    log_student = pm.logp(pm.StudentT.dist(nu=df[~normal], mu=mean[~normal], sigma=scale[~normal]), found[~normal])
    pm.Potential(f"{name}_prior", pt.sum(log_normal) + pt.sum(log_student))
    return found


def _anchored(pt: Any, post: Posterior, theta: Any, link: Any) -> Any:
    """Log density of cut points whose shares at the mean row, or each group's own, are Dirichlet."""
    from scipy.special import gammaln

    anchor = post.prior.anchor
    eta = pt.tensordot(pt.as_tensor(anchor.rows), theta, axes=1)
    log_p = LOG_PROBABILITIES[post.model.family](eta, link)
    groups, steps, _ = anchor.rows.shape
    answers, each = steps + 1, anchor.concentration
    constant = groups * float(gammaln(answers * each) - answers * gammaln(each))
    return constant + (each - 1.0) * pt.sum(log_p) + pt.sum(SHARES_JACOBIAN[post.model.family](eta, log_p, link))
